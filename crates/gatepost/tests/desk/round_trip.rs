//! An account that goes out as a Maildir and comes in as another is the same to every client.

use crate::home::Home;
use std::fmt::Write;
use std::path::Path;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";

fn session<T>(home: &Home, account: &str, talk: impl FnOnce(&mut Client) -> T) -> T {
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(account, "secret").unwrap();
    let told = talk(&mut client);
    server.stop();
    told
}

fn append(client: &mut Client, mailbox: &str, flags: &str, text: &str) {
    let arguments = format!("{mailbox} ({flags}) \"05-Jan-2020 10:11:12 +0000\"");
    let tag = client.send_append(&arguments, text.as_bytes()).unwrap();
    client.answer(tag).unwrap();
}

/// All that a client can know of an account: its mailboxes with their numbers, subscriptions, and every message.
fn all_of(home: &Home, account: &str) -> String {
    session(home, account, |client| {
        let listed =
            "LIST \"\" * RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE))";
        let mut told = String::new();
        let mut names = Vec::new();
        for line in client.ask(listed).unwrap().iter().map(ToString::to_string) {
            names.extend(
                line.strip_prefix("* LIST ").and_then(|line| Some(line.split_once("\"/\" ")?.1.to_owned())),
            );
            if line.starts_with("* ") {
                writeln!(told, "{line}").unwrap();
            }
        }
        assert!(names.len() >= 8, "{told}");
        for name in names {
            client.ask(&format!("EXAMINE {name}")).unwrap();
            for line in client.ask("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])").unwrap() {
                let Some(one) = line.fetched() else { continue };
                let mut flags: Vec<_> = one.flags().unwrap().filter(|flag| *flag != "\\Recent").collect();
                flags.sort_unstable();
                let (date, body) = (one.octets("INTERNALDATE").unwrap(), one.octets("BODY[]").unwrap());
                let (date, body) = (String::from_utf8_lossy(date), body.escape_ascii());
                writeln!(told, "{name} {:?} {flags:?} {date} {body}", one.uid()).unwrap();
            }
        }
        told
    })
}

fn carry(home: &Home, to: &Path) -> String {
    home.ok(&format!("export maildir {ANN} {}", to.display()), "");
    home.ok(&format!("import maildir {BOB} {}", to.display()), "")
}

#[test]
fn uids_flags_dates_octets_and_subscriptions_are_the_same_and_stay_so_run_by_run() {
    let home = Home::init("round-trip");
    // Made in one second, or two: some of his mailboxes have the UIDVALIDITYs of hers, until the import settles it.
    for account in [BOB, ANN] {
        home.ok(&format!("account add {account} --password-stdin"), "secret\n");
    }
    session(&home, ANN, |client| {
        for name in ["\"Entw&APw-rfe\"", "Work/Plans"] {
            client.ask(&format!("CREATE {name}")).unwrap();
        }
        client.ask("SUBSCRIBE Work/Plans").unwrap();
        // Her Junk is younger than his, so that it takes its place.
        for command in ["DELETE Junk", "CREATE Junk (USE (\\Junk))", "UNSUBSCRIBE Junk"] {
            client.ask(command).unwrap();
        }
        for number in 1..=9 {
            let flags = ["\\Seen red", "$Forwarded \\Flagged", "\\Draft \\Answered red blue"][number % 3];
            append(client, "INBOX", flags, &format!("Subject: {number}\r\n\r\nFrom ä\r\n.\r\nend"));
        }
        append(client, "\"Entw&APw-rfe\"", "", "Subject: header alone\r\n\r\n");
        client.ask("SELECT INBOX").unwrap();
        client.ask("UID STORE 1,4:5,9 +FLAGS (\\Deleted)").unwrap();
        client.ask("EXPUNGE").unwrap();
        client.ask("UID STORE 2 +FLAGS (\\Deleted)").unwrap();
    });
    let target = home.folder.join("taken");
    let said = carry(&home, &target);
    assert!(said.contains("mail programs that know them load nothing again"), "{said}");
    let ann = all_of(&home, ANN);
    assert_eq!(all_of(&home, BOB), ann);
    assert!(ann.contains("INBOX Some(8) ") && ann.contains("UIDNEXT 10 "), "{ann}");

    // What is new comes under the UID that it has there.
    session(&home, ANN, |client| append(client, "INBOX", "\\Seen", "Subject: 10\r\n\r\n"));
    carry(&home, &target);
    assert_eq!(all_of(&home, BOB), all_of(&home, ANN));

    // Both go on, and a UID means two messages: that is told.
    for (account, subject) in [(ANN, "hers"), (BOB, "his")] {
        session(&home, account, |client| append(client, "INBOX", "", &format!("Subject: {subject}\r\n\r\n")));
    }
    let said = carry(&home, &target);
    assert!(said.contains("INBOX: 1 messages have other UIDs than at the source"), "{said}");
    assert!(!said.contains("load nothing again"), "{said}");
    let bob = all_of(&home, BOB);
    assert!(bob.contains("Subject: hers") && bob.contains("Subject: his"), "{bob}");
}
