//! What an admin finds out about the past, and brings back of it.

use crate::home::{Home, Listening};
use testkit::imap::Client;

const ANN: &str = "ann@example.org";

fn signed_in(server: &Listening, home: &Home) -> Client {
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    client
}

fn scene(name: &str) -> (Home, Listening, Client) {
    let home = Home::init(name);
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = home.serve();
    let client = signed_in(&server, &home);
    (home, server, client)
}

fn append(client: &mut Client, mailbox: &str, text: &str) {
    let tag = client.send_append(mailbox, text.as_bytes()).unwrap();
    client.answer(tag).unwrap();
}

fn told(client: &mut Client, command: &str) -> Vec<String> {
    let answer = client.ask(command).unwrap();
    answer.iter().filter(|line| line.is_untagged()).map(ToString::to_string).collect()
}

#[test]
fn who_expunged_what_is_told_and_undone_while_the_server_runs() {
    let (home, server, mut client) = scene("undo");
    for subject in ["one", "two"] {
        let text = format!("Subject: {subject}\r\n\r\n{subject}\r\n");
        append(&mut client, "INBOX", &text);
    }
    client.ask("SELECT INBOX").unwrap();
    client.ask(r"UID STORE 1 +FLAGS (\Deleted red)").unwrap();
    client.ask("EXPUNGE").unwrap();

    let history = home.ok("mailbox history ann@example.org INBOX", "");
    let lines: Vec<_> = history.lines().collect();
    assert_eq!(lines.len(), 5, "{history}");
    assert!(lines[0].contains("expunged: 1") && lines[0].contains("ann@example.org by IMAP from 127.0.0.1"));
    assert!(lines[1].contains(r"flags of 1 +\Deleted +red"), "{history}");
    assert!(lines[4].contains("the mailbox was created"), "{history}");
    let json = home.ok("mailbox history ann@example.org INBOX --limit 1 --json", "");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json[0]["what"], &json[0]["uids"], &json[0]["by"]["account"]),
        (&"expunged".into(), &"1".into(), &ANN.into())
    );

    let said = home.ok("undelete messages ann@example.org INBOX --since 1h", "");
    assert_eq!(said, "INBOX: 1 message came back\n");
    let seen = told(&mut client, "NOOP");
    assert!(seen.iter().any(|line| line == "* 2 EXISTS"), "who has it open is told: {seen:?}");
    let fetched = told(&mut client, "UID FETCH 3 (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").join(" ");
    assert!(fetched.contains("red") && !fetched.contains("Deleted"), "{fetched}");
    assert!(fetched.contains("Subject: one"), "{fetched}");

    let modseq = json[0]["modseq"].as_u64().unwrap() - 2;
    let said = home.ok(&format!("mailbox restore ann@example.org INBOX --modseq {modseq} --into Before"), "");
    assert_eq!(said, "Before: 2 messages came back\n");
    let status = told(&mut client, "STATUS Before (MESSAGES)").join(" ");
    assert!(status.contains("MESSAGES 2"), "{status}");
    client.ask("UID STORE 2 +FLAGS.SILENT (blue)").unwrap();
    let in_place = format!("mailbox restore ann@example.org INBOX --modseq {modseq} --in-place");
    assert_eq!(home.ok(&in_place, ""), "INBOX: no message came back, and 1 has its flags again\n");
    let log = server.stop();
    assert_eq!(log.matches("mailbox.restored").count(), 3, "{log}");
}

#[test]
fn a_deleted_mailbox_and_a_removed_account_come_back_as_they_were() {
    let (home, server, mut client) = scene("undelete");
    client.ask("CREATE Work").unwrap();
    append(&mut client, "Work", "Subject: plan\r\n\r\nplan\r\n");
    let before = told(&mut client, "STATUS Work (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
    client.ask("DELETE Work").unwrap();
    let listed = home.ok("undelete list ann@example.org", "");
    assert!(
        listed.starts_with("Work  ") && listed.contains("1 messages") && listed.contains("by IMAP"),
        "{listed}"
    );
    assert_eq!(home.ok("undelete mailbox ann@example.org Work", ""), "Work is there again, with 1 message\n");
    assert_eq!(told(&mut client, "STATUS Work (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"), before);
    let none = home.refused("undelete mailbox ann@example.org Work --as Other", "");
    assert_eq!(
        none,
        "gatepost: There is no mailbox Work, and none of that name was deleted that is kept still\n"
    );

    home.ok("account remove ann@example.org", "");
    assert!(home.ok("undelete list", "").starts_with("ann@example.org  "));
    let said = home.ok("undelete account ann@example.org", "");
    assert_eq!(said, "ann@example.org is there again, with its mail and its password\n");
    let mut client = signed_in(&server, &home);
    assert_eq!(told(&mut client, "STATUS Work (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"), before);
    server.stop();

    let never = home.refused("mailbox restore ann@example.org Work --at 1999-12-31T23:00:00Z", "");
    assert_eq!(never, "gatepost: Work was not there yet, or what it held then is not kept\n");
    let nothing = home.refused("mailbox restore ann@example.org Work", "");
    assert!(nothing.contains("--at") && nothing.contains("--modseq"), "{nothing}");
}
