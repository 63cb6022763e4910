//! The threats that only the whole server can be held against.

use crate::home::{Gatepost, Home, Listening};
use testkit::imap::{Client, Response};

/// A server with an account, and a session of it.
fn signed_in(home: &Home) -> (Listening, Client) {
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login("ann@example.org", "secret").unwrap();
    (server, client)
}

fn said(answer: &[Response]) -> String {
    answer.iter().map(|line| format!("{line}\n")).collect()
}

/// T-41: a name is never a path.
#[test]
fn t_41_no_name_of_an_account_or_mailbox_becomes_a_path() {
    let home = Home::init("t-41");
    let strange = [
        "..",
        ".",
        "/",
        "../marker",
        "../../marker",
        "/tmp/marker",
        "~",
        "~root",
        "a/../../marker",
        "..@..",
        "marker@..",
        "marker@../..",
        "marker%00",
        "C:\\marker",
        "con",
        "nul",
        "&AC4ALgAv-marker",
        "%2e%2e%2fmarker",
        "..\\marker",
        "marker\u{202e}",
    ];
    let overlong = "marker/".repeat(200);
    for name in strange.iter().copied().chain([overlong.as_str()]) {
        // Some are refused and some may be had; none may show in the file system.
        Gatepost::new("account add").arg(name).arg("--password-stdin").config(&home).output("secret\n");
    }
    let (server, mut client) = signed_in(&home);
    let mut stranger = Client::connect(server.imaps, &home.trust()).unwrap();
    for name in strange.iter().copied().chain([overlong.as_str()]) {
        let quoted = format!("\"{}\"", name.replace('\\', "\\\\"));
        let _refused = stranger.ask(&format!("LOGIN {quoted} {quoted}"));
        let _ = client.ask(&format!("CREATE {quoted}"));
        let _ = client.ask(&format!("RENAME {quoted} \"renamed {}\"", name.len()));
        let _ = client.ask(&format!("APPEND {quoted} {{3+}}\r\na:b"));
        let _ = client.ask(&format!("SUBSCRIBE {quoted}"));
    }
    client.ask("NOOP").unwrap();
    drop(client);
    server.stop();
    for path in home.files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for part in ["marker", "..", "~", "root", "%", "&AC", "renamed", "ann", "con", "nul"] {
            assert!(!name.contains(part), "{}", path.display());
        }
    }
    assert!(!home.folder.parent().unwrap().join("marker").exists());
}

/// T-44: what is pipelined is done in its order.
#[test]
fn t_44_pipelined_commands_of_a_session_take_effect_in_their_order() {
    let home = Home::init("t-44");
    let (server, mut client) = signed_in(&home);
    client.ask("SELECT INBOX").unwrap();
    for round in 0..20 {
        // Each pair of messages: the second is spared by a STORE that comes before the EXPUNGE.
        let first = client.send_append("INBOX (\\Deleted)", b"a: b\r\n\r\n").unwrap();
        let second = client.send_append("INBOX (\\Deleted)", b"c: d\r\n\r\n").unwrap();
        let spare = client.send("STORE * -FLAGS.SILENT (\\Deleted)").unwrap();
        let expunge = client.send("EXPUNGE").unwrap();
        let damn = client.send("STORE 1 +FLAGS.SILENT (\\Deleted)").unwrap();
        let search = client.send("SEARCH ALL").unwrap();
        let again = client.send("EXPUNGE").unwrap();
        let empty = client.send("STATUS INBOX (MESSAGES)").unwrap();
        for tag in [first, second, spare, expunge, damn] {
            client.answer(tag).unwrap();
        }
        let found = said(&client.answer(search).unwrap());
        assert!(found.contains("* SEARCH 1\n"), "round {round}: {found}");
        let gone = said(&client.answer(again).unwrap());
        assert!(gone.contains("* 1 EXPUNGE\n"), "round {round}: {gone}");
        let status = said(&client.answer(empty).unwrap());
        assert!(status.contains("(MESSAGES 0)"), "round {round}: {status}");
    }
    let log = server.stop();
    assert!(!log.contains("server.fault"), "{log}");
}

/// T-45: the largest numbers that the grammar knows, and those beyond.
#[test]
fn t_45_no_number_of_a_client_overflows() {
    let home = Home::init("t-45");
    let (server, mut client) = signed_in(&home);
    client.ask("ENABLE QRESYNC").unwrap();
    client.ask("SELECT INBOX").unwrap();
    let append = client.send_append("INBOX", b"a: b\r\n\r\nbody").unwrap();
    client.answer(append).unwrap();
    let (u32_max, i64_max, u64_max) = (u32::MAX, i64::MAX, u64::MAX);
    for fine in [
        format!("FETCH 1 BODY.PEEK[]<{u32_max}.{u32_max}>"),
        format!("FETCH 1 BODY.PEEK[]<0.{u32_max}>"),
        format!("UID FETCH 1:{u32_max} UID"),
        format!("UID FETCH {u32_max} (UID) (CHANGEDSINCE {i64_max})"),
        format!("UID STORE 1:* (UNCHANGEDSINCE {i64_max}) +FLAGS (\\Seen)"),
        format!("SEARCH MODSEQ {i64_max}"),
        format!("SEARCH LARGER {u32_max} SMALLER {u32_max}"),
        format!("UID SEARCH UID {u32_max}:*"),
        format!("UID COPY {u32_max} Trash"),
        format!("SELECT INBOX (QRESYNC ({u32_max} {i64_max} 1:{u32_max}))"),
    ] {
        client.ask(&fine).unwrap_or_else(|why| panic!("{fine}: {why}"));
    }
    for beyond in [
        format!("FETCH {u64_max} UID"),
        "FETCH 4294967296 UID".to_owned(),
        format!("FETCH 1 BODY.PEEK[{u64_max}]"),
        "FETCH 1 BODY.PEEK[]<18446744073709551616.1>".to_owned(),
        format!("UID STORE 1 (UNCHANGEDSINCE {u64_max}0) +FLAGS (\\Seen)"),
        format!("SEARCH LARGER {u64_max}0"),
        "FETCH 0 UID".to_owned(),
    ] {
        assert!(client.ask(&beyond).is_err(), "{beyond}");
    }
    client.ask("NOOP").unwrap();
    for literal in ["4294967295", "4294967296", "18446744073709551615", "99999999999999999999999"] {
        assert!(client.ask(&format!("APPEND INBOX {{{literal}}}")).is_err(), "{literal}");
        client.ask("NOOP").unwrap();
    }
    let log = server.stop();
    assert!(!log.contains("server.fault"), "{log}");
}
