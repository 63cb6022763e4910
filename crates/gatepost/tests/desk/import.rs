//! Imports: from files, and from another server, which is one of ours.

use crate::home::{Gatepost, Home, Listening};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";
const SECRET: &str = "kettle-of-sea-water";

fn with_ann(name: &str) -> Home {
    let home = Home::init(name);
    home.ok("account add ann@example.org --password-stdin", SECRET);
    home
}

fn session(home: &Home, server: &Listening) -> Client {
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, SECRET).unwrap();
    client
}

/// Flags, date and octets of all messages of a mailbox, in an order of their own.
fn messages(client: &mut Client, mailbox: &str) -> Vec<(Vec<String>, String, Vec<u8>)> {
    client.ask(&format!("EXAMINE {mailbox}")).unwrap();
    let came = client.ask("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])").unwrap();
    let fetched = came.iter().filter_map(|response| response.fetched());
    let mut messages: Vec<_> = fetched
        .map(|one| {
            let mut flags: Vec<_> =
                one.flags().unwrap().filter(|f| *f != "\\Recent").map(str::to_owned).collect();
            flags.sort();
            let date = String::from_utf8_lossy(one.octets("INTERNALDATE").unwrap()).into_owned();
            (flags, date, one.octets("BODY[]").unwrap().to_vec())
        })
        .collect();
    messages.sort();
    messages
}

/// A folder of a JSON report.
fn folder<'a>(report: &'a str, mailbox: &str) -> &'a str {
    let named = format!("\"mailbox\":\"{mailbox}\"");
    let found = report.split("{\"at_source\"").find(|part| part.contains(&named));
    found.unwrap_or_else(|| panic!("no {mailbox} in {report}"))
}

fn check(report: &str, mailbox: &str, numbers: &[(&str, u64)]) {
    for (name, number) in numbers {
        let told = format!("\"{name}\":{number},");
        assert!(folder(report, mailbox).contains(&told), "{told} of {mailbox} in {report}");
    }
}

/// The words of an import of `there`'s mail.
fn from(there: &Home, address: SocketAddr, security: &str) -> String {
    let ca = there.data().join("tls/ca.pem");
    format!(
        "import imap {ANN} --host localhost --address {address} {security} --ca-file {} --user {ANN} \
         --password-stdin --json",
        ca.display()
    )
}

fn letter(number: usize, octets: usize) -> Vec<u8> {
    let head = format!("Message-ID: <{number}@example.org>\r\nSubject: letter {number}\r\n\r\n");
    let mut letter = head.into_bytes();
    while letter.len() < octets {
        letter.extend_from_slice(format!("{:x}\r\n", number * 2_654_435_761 + letter.len()).as_bytes());
    }
    letter
}

#[test]
fn a_maildir_comes_in_once_with_the_server_running_or_without_it() {
    let home = with_ann("import-maildir");
    let maildir = home.folder.join("Maildir");
    let write = |name: &str, text: &str| {
        let path = maildir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("cur/1700000001.a.host:2,S", "Subject: a\n\nx\n");
    // The same octets twice are two messages, and stay two.
    write("cur/1700000002.b.host:2,F", "Subject: b\r\n\r\nx\r\n");
    write("cur/1700000003.c.host:2,F", "Subject: b\r\n\r\nx\r\n");
    write("new/1700000004.nul.host", "Subject: n\r\n\r\n\0");
    write(".Lists.Tides/cur/1700000005.d.host:2,Ra", "Subject: d\n\n");
    write(".Lists.Tides/dovecot-keywords", "0 $label1\n");
    let words = format!("import maildir {ANN} {} --json", maildir.display());
    let run = |words: &str| Gatepost::new(words).config(&home).output("");
    let first = run(&words);
    assert!(!first.status.success(), "one was skipped");
    let told = String::from_utf8(first.stdout).unwrap();
    check(&told, "INBOX", &[("messages", 4), ("imported", 3), ("skipped", 1), ("read_back", 3)]);
    check(&told, "Lists/Tides", &[("messages", 1), ("imported", 1)]);
    assert!(told.contains("it holds NUL octets") && told.contains("lines ended in LF alone"), "{told}");
    assert!(told.contains("\"verdict\":\"some-skipped\""), "{told}");

    fs::remove_file(maildir.join("new/1700000004.nul.host")).unwrap();
    let server = home.serve();
    let mut client = session(&home, &server);
    let flags = |client: &mut Client| -> Vec<_> {
        messages(client, "INBOX").into_iter().map(|(flags, _, _)| flags.join(" ")).collect()
    };
    assert_eq!(flags(&mut client), ["\\Flagged", "\\Flagged", "\\Seen"]);
    assert_eq!(messages(&mut client, "Lists/Tides")[0].0, ["$label1", "\\Answered"]);
    // One is changed there, one here, one on both sides; one is new, and one that was removed here stays removed.
    client.ask("SELECT INBOX").unwrap();
    client.ask("UID STORE 1 +FLAGS (Mine)").unwrap();
    client.ask("UID STORE 3 +FLAGS (\\Deleted)").unwrap();
    client.ask("UID EXPUNGE 3").unwrap();
    let rename = |from: &str, to: &str| fs::rename(maildir.join(from), maildir.join(to)).unwrap();
    rename("cur/1700000001.a.host:2,S", "cur/1700000001.a.host:2,");
    rename("cur/1700000002.b.host:2,F", "cur/1700000002.b.host:2,RF");
    write("new/1700000006.e.host", "Subject: e\r\n\r\n");
    let told = home.ok(&words, "");
    let numbers =
        [("imported", 1), ("already_here", 3), ("removed_here", 1), ("flags_updated", 1), ("flags_kept", 1)];
    check(&told, "INBOX", &numbers);
    assert_eq!(flags(&mut client), ["", "Mine \\Seen", "\\Answered \\Flagged"]);
    let told = home.ok(&format!("{words} --flags"), "");
    check(&told, "INBOX", &[("imported", 0), ("flags_updated", 1), ("flags_kept", 0)]);
    assert_eq!(flags(&mut client), ["", "", "\\Answered \\Flagged"]);

    // Nothing has changed there: what is changed here stays, unless that is not wanted.
    client.ask("SELECT INBOX").unwrap();
    client.ask("UID STORE 1 +FLAGS (Mine)").unwrap();
    check(&home.ok(&words, ""), "INBOX", &[("flags_updated", 0), ("flags_kept", 0)]);
    check(&home.ok(&format!("{words} --flags"), ""), "INBOX", &[("flags_updated", 1)]);
    assert_eq!(flags(&mut client), ["", "", "\\Answered \\Flagged"]);

    // What is remembered may be lost: messages are found by their octets.
    fs::remove_dir_all(home.data().join("imports")).unwrap();
    let told = home.ok(&format!("{words} --folder Lists/*"), "");
    check(&told, "Lists/Tides", &[("imported", 0), ("already_here", 1)]);
    assert!(!told.contains("INBOX"), "{told}");
    server.stop();
    let said = home.ok(&format!("import maildir {ANN} {} --exclude INBOX", maildir.display()), "");
    assert!(said.contains("Lists/Tides  1          0         1             0        complete"), "{said}");
}

#[test]
fn an_import_that_cannot_be_says_why() {
    let home = with_ann("import-refused");
    let said = home.refused(&format!("import mbox {ANN} {}", home.config().display()), "");
    assert!(said.contains("no mbox is there"), "{said}");
    fs::write(home.folder.join("mbox"), "From x\n\nhello\n").unwrap();
    let mbox = home.folder.join("mbox");
    let said = home.refused(&format!("import mbox bob@example.org {}", mbox.display()), "");
    assert!(said.contains("There is no account bob@example.org"), "{said}");
    let server = home.serve();
    let said = home.refused(&format!("import mbox bob@example.org {}", mbox.display()), "");
    assert!(said.contains("There is no account bob@example.org"), "{said}");
    let said = home.refused(&format!("import mbox {ANN} {} --map INBOX", mbox.display()), "");
    assert!(said.contains("--map INBOX: it is THERE=HERE"), "{said}");
    home.ok(&format!("import mbox {ANN} {} --map INBOX=Old/1999", mbox.display()), "");
    assert_eq!(messages(&mut session(&home, &server), "Old/1999").len(), 1);
    // Our own authority is not among the system's, and the wrong password is the other server's to refuse.
    let words = from(&home, server.imaps, "");
    let unknown = words.replace(&format!("--ca-file {}", home.data().join("tls/ca.pem").display()), "");
    let said = home.refused(&unknown, SECRET);
    assert!(said.contains("no TLS with localhost") || said.contains("no authority"), "{said}");
    let said = home.refused(&words, "wrong");
    assert!(said.contains("the server does not let this user in"), "{said}");
    server.stop();
}

#[test]
fn an_account_that_is_removed_leaves_no_memory_of_its_imports() {
    let home = with_ann("import-forgotten");
    home.ok("account add bob@example.org --password-stdin", SECRET);
    let mbox = home.folder.join("mbox");
    fs::write(&mbox, "From x\n\nhello\n").unwrap();
    let remembered = || fs::read_dir(home.data().join("imports")).unwrap().count();
    for account in [ANN, "bob@example.org"] {
        home.ok(&format!("import mbox {account} {}", mbox.display()), "");
    }
    assert_eq!(remembered(), 2);
    home.ok("account remove bob@example.org", "");
    assert_eq!(remembered(), 1);
    // A crash between the two leaves it behind; the next start tidies up.
    fs::create_dir(home.data().join("imports/4711")).unwrap();
    let server = home.serve();
    assert_eq!(remembered(), 1);
    home.ok(&format!("account remove {ANN}"), "");
    assert_eq!(remembered(), 0);
    server.stop();
}

#[test]
fn another_server_comes_in_over_tls_and_starttls_and_then_the_difference() {
    let (there, here) = (with_ann("import-there"), with_ann("import-here"));
    there.ok("mailbox create ann@example.org Old/Letters", "");
    let (source, target) = (there.serve(), here.serve());
    let mut client = session(&there, &source);
    for number in 0..5 {
        let arguments =
            format!("Old/Letters (\\Seen $Forwarded k{number}) \" 1-Jan-2001 00:00:0{number} +0130\"");
        let tag = client.send_append(&arguments, &letter(number, 300)).unwrap();
        client.answer(tag).unwrap();
    }
    // One that is too large for a commit, and goes in pieces.
    let tag = client.send_large("APPEND Sent (\\Draft)", &letter(9, 3_000_000)).unwrap();
    client.answer(tag).unwrap();
    client.ask("UNSUBSCRIBE Old/Letters").unwrap();
    client.ask("CREATE \"a &- b/c\"").unwrap();
    client.ask("SUBSCRIBE \"a &- b/c\"").unwrap();

    let told = here.ok(&from(&there, source.imaps, ""), SECRET);
    assert!(told.contains("\"verdict\":\"complete\""), "{told}");
    let place = format!("\"source\":\"imap {ANN}@localhost:{}\"", source.imaps.port());
    assert!(told.contains(&place), "the port that it came from: {told}");
    check(&told, "Old/Letters", &[("messages", 5), ("imported", 5), ("skipped", 0), ("read_back", 5)]);
    check(&told, "Sent", &[("imported", 1), ("read_back", 1)]);
    let mut own = session(&here, &target);
    for mailbox in ["Old/Letters", "Sent"] {
        assert!(messages(&mut own, mailbox) == messages(&mut client, mailbox), "{mailbox} is as there");
    }
    let subscribed = own.ask("LSUB \"\" *").unwrap().iter().map(|r| r.to_string() + "\n").collect::<String>();
    assert!(!subscribed.contains("Old/Letters") && subscribed.contains("a &- b/c"), "{subscribed}");

    client.ask("SELECT Old/Letters").unwrap();
    client.ask("UID STORE 2 -FLAGS (\\Seen)").unwrap();
    client.ask("UID STORE 1 +FLAGS (\\Deleted)").unwrap();
    client.ask("EXPUNGE").unwrap();
    let tag = client.send_append("Old/Letters", &letter(7, 100)).unwrap();
    client.answer(tag).unwrap();
    let told = here.ok(&from(&there, source.imaps, ""), SECRET);
    check(
        &told,
        "Old/Letters",
        &[("messages", 5), ("imported", 1), ("already_here", 4), ("flags_updated", 1)],
    );
    assert_eq!(messages(&mut own, "Old/Letters").len(), 6, "what goes there stays here");
    // Another way to the same mail is another source: each message is fetched, and found by its octets.
    let told = here.ok(&from(&there, source.imap, "--starttls"), SECRET);
    check(&told, "Old/Letters", &[("imported", 0), ("already_here", 5)]);
    check(&told, "Sent", &[("imported", 0), ("already_here", 1)]);
    let unknown = from(&there, source.imaps, "").replace(&format!("--user {ANN}"), "--user nobody");
    here.refused(&unknown, SECRET);
    let (source_port, log) = (source.imaps.port(), target.stop());
    for log in [source.stop(), log.clone()] {
        assert!(!log.contains(SECRET), "a password in the log");
    }
    // Who brought what, from where: once for each run.
    let runs: Vec<_> = log.lines().filter(|line| line.contains("account.imported")).collect();
    assert_eq!(runs.len(), 4, "{log}");
    let first = format!("\"source\":\"imap {ANN}@localhost:{source_port}\"");
    for told in [&*first, "\"imported\":6", "\"outcome\":\"complete\"", "\"user\":", "\"skipped\":0"] {
        assert!(runs[0].contains(told), "{told} in {}", runs[0]);
    }
    assert!(runs[3].contains("\"outcome\":\"failed\"") && runs[3].contains("imap nobody@"), "{}", runs[3]);
}

/// Passes on what comes for `to`, and so many octets of what it answers; then nothing more, and stays open.
fn stalling_way(to: SocketAddr, octets: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut held = Vec::new();
        for mut near in listener.incoming().map_while(Result::ok) {
            let mut far = TcpStream::connect(to).unwrap();
            let (mut near_in, mut far_in) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut near_in, &mut far_in));
            held.push((near.try_clone().unwrap(), far.try_clone().unwrap()));
            thread::spawn(move || {
                let mut room = [0; 8 << 10];
                let mut left = octets;
                while let Ok(read @ 1..) = far.read(&mut room) {
                    left = left.saturating_sub(read as u64);
                    if left == 0 || near.write_all(&room[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

const LETTERS: usize = 600;

/// A server with many letters, and an account into which some of them have come: the import that brings them stands
/// still, since the other server does.
fn half_way(there: &Home, source: &Listening, here: &Home, target: &Listening) -> std::process::Child {
    let mut client = session(there, source);
    for number in 0..LETTERS {
        let tag = client.send_append("INBOX", &letter(number, 2_000)).unwrap();
        client.answer(tag).unwrap();
    }
    // Into a mailbox that has had a message: one that never had any would make room for the other's INBOX.
    let mut own = session(here, target);
    let tag = own.send_append("INBOX", &letter(LETTERS, 1)).unwrap();
    own.answer(tag).unwrap();
    own.ask("SELECT INBOX").unwrap();
    own.ask("UID STORE 1 +FLAGS (\\Deleted)").unwrap();
    own.ask("EXPUNGE").unwrap();
    own.send("IDLE").unwrap();
    // Some 400 letters: one batch is stored, and the next is on its way.
    let way = stalling_way(source.imaps, 900_000);
    let import = Gatepost::new(&from(there, way, "--connections 1")).config(here).spawn(SECRET);
    while !own.response().unwrap().to_string().ends_with("EXISTS") {}
    import
}

/// Runs it again, to its end this time: each letter is there once.
fn brings_the_rest(there: &Home, source: &Listening, here: &Home, target: &Listening) {
    let told = here.ok(&from(there, source.imaps, ""), SECRET);
    check(&told, "INBOX", &[("messages", LETTERS as u64), ("skipped", 0)]);
    assert!(!folder(&told, "INBOX").contains("\"already_here\":0,"), "something had come: {told}");
    assert!(told.contains("\"verdict\":\"complete\""), "{told}");
    let (mut client, mut own) = (session(there, source), session(here, target));
    assert!(messages(&mut own, "INBOX") == messages(&mut client, "INBOX"), "each is there once");
    let told = here.ok(&from(there, source.imaps, ""), SECRET);
    check(&told, "INBOX", &[("imported", 0), ("already_here", LETTERS as u64)]);
}

#[test]
fn an_import_that_was_killed_is_run_again_and_doubles_nothing() {
    let (there, here) = (with_ann("import-killed-there"), with_ann("import-killed"));
    let (source, target) = (there.serve(), here.serve());
    let mut import = half_way(&there, &source, &here, &target);
    import.kill().unwrap();
    import.wait().unwrap();
    brings_the_rest(&there, &source, &here, &target);
    // Each run has left one line.
    let log = target.stop();
    let outcomes = |word: &str| log.matches(&format!("\"outcome\":\"{word}\"")).count();
    assert_eq!((outcomes("cut-off"), outcomes("complete")), (1, 2), "{log}");
}

#[test]
fn a_server_that_was_killed_under_an_import_has_each_message_once_after_the_next() {
    let (there, here) = (with_ann("import-crash-there"), with_ann("import-crash"));
    let (source, target) = (there.serve(), here.serve());
    let mut import = half_way(&there, &source, &here, &target);
    target.kill();
    // The import waits for the other server, and would hear of ours only then.
    import.kill().unwrap();
    import.wait().unwrap();
    // The worst of crashes forgets all that was soft.
    fs::remove_dir_all(here.data().join("imports")).unwrap();
    let target = here.serve();
    brings_the_rest(&there, &source, &here, &target);
}
