//! What an admin lets go of for good.

use crate::home::{Home, Listening};
use testkit::imap::Client;

const ANN: &str = "ann@example.org";
const TEXT: &str = "Subject: nobody's business\r\n\r\nnobody's business\r\n";

fn signed_in(server: &Listening, home: &Home) -> Client {
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    client
}

fn append(client: &mut Client, mailbox: &str, text: &str) {
    let tag = client.send_append(mailbox, text.as_bytes()).unwrap();
    client.answer(tag).unwrap();
}

/// A server with a message that is there, one that was expunged and one in a mailbox that was deleted.
fn scene(name: &str) -> (Home, Listening, Client) {
    let home = Home::init(name);
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = home.serve();
    let mut client = signed_in(&server, &home);
    client.ask("CREATE Work").unwrap();
    append(&mut client, "Work", "Subject: plan\r\n\r\nplan\r\n");
    client.ask("DELETE Work").unwrap();
    append(&mut client, "INBOX", TEXT);
    append(&mut client, "INBOX", "Subject: kept\r\n\r\nkept\r\n");
    client.ask("SELECT INBOX").unwrap();
    client.ask(r"UID STORE 1 +FLAGS (\Deleted)").unwrap();
    client.ask("EXPUNGE").unwrap();
    (home, server, client)
}

fn json(said: &str) -> serde_json::Value {
    serde_json::from_str(said).unwrap()
}

/// How many files of the log have these octets somewhere.
fn files_of_the_log_with(home: &Home, octets: &[u8]) -> usize {
    let files = std::fs::read_dir(home.data().join("mail/log")).unwrap();
    let contents = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    contents.filter(|content| content.windows(octets.len()).any(|window| window == octets)).count()
}

#[test]
fn a_purge_is_asked_for_twice_and_then_nothing_comes_back() {
    let (home, server, mut client) = scene("purge");
    let refused = home.refused("purge ann@example.org", "yes\n");
    assert!(refused.contains("--yes"), "{refused}");
    assert!(files_of_the_log_with(&home, b"business") > 0);
    assert!(home.ok("undelete list ann@example.org", "").contains("Work"));

    let refused = home.refused("purge ann@example.org --mailbox Nowhere --yes", "");
    assert!(refused.contains("ann@example.org has no mailbox of that name"), "{refused}");
    let said = home.ok("purge ann@example.org --mailbox INBOX --expunged-before 2026-01-01 --yes", "");
    assert!(said.starts_with("gone for good: 0 messages"), "{said}");
    let purged = json(&home.ok("purge ann@example.org --yes --json", ""));
    assert_eq!((&purged["messages"], &purged["mailboxes"]), (&2.into(), &1.into()), "{purged}");
    assert!(purged["log_octets_freed"].as_u64() > Some(0) && purged["put_off"].is_null(), "{purged}");
    assert_eq!(files_of_the_log_with(&home, b"business"), 0);
    assert_eq!(home.ok("undelete list ann@example.org", ""), "");
    assert_eq!(home.ok("undelete messages ann@example.org INBOX", ""), "INBOX: no message came back\n");
    let refused = home.refused("undelete mailbox ann@example.org Work", "");
    assert!(refused.contains("none of that name was deleted that is kept still"), "{refused}");

    // Who has the mailbox open goes on.
    append(&mut client, "INBOX", "Subject: new\r\n\r\nnew\r\n");
    let fetched = client.ask("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").unwrap();
    let fetched: Vec<_> = fetched.iter().map(ToString::to_string).collect();
    let fetched = fetched.join(" ");
    assert!(
        fetched.contains("kept") && fetched.contains("new") && !fetched.contains("business"),
        "{fetched}"
    );
    let log = server.stop();
    assert_eq!(log.matches("account.purged").count(), 2, "{log}");
    assert!(!log.contains("business"), "{log}");
    home.ok("store check", "");
    home.ok("store reindex", "");
    assert_eq!(home.ok("undelete list ann@example.org", ""), "", "not with an index made anew either");
    assert_eq!(home.ok("undelete messages ann@example.org INBOX", ""), "INBOX: no message came back\n");
}

#[test]
fn a_removed_account_is_purged_without_a_server_though_another_has_its_name() {
    let (home, server, _) = scene("purge-removed");
    server.stop();
    home.ok("account remove ann@example.org", "");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let other = json(&home.ok("purge ann@example.org --yes --json", ""));
    assert_eq!((&other["messages"], &other["accounts"]), (&0.into(), &0.into()), "{other}");
    let purged = json(&home.ok("purge ann@example.org --removed --yes --json", ""));
    assert_eq!((&purged["messages"], &purged["accounts"]), (&3.into(), &1.into()), "{purged}");
    assert_eq!(home.ok("undelete list", ""), "");
    let refused = home.refused("purge bob@example.org --yes", "");
    assert!(refused.contains("bob@example.org"), "{refused}");
    home.ok("store check", "");
}

#[test]
fn a_sweep_at_the_desk_goes_by_the_retention_of_the_settings() {
    let (home, server, _) = scene("sweep");
    let said = home.ok("store sweep", "");
    assert!(said.starts_with("gone for good: 0 messages with 0 octets, 0 mailboxes"), "{said}");
    let log = server.stop();
    assert!(log.contains("server.swept"), "{log}");
    let config = std::fs::read_to_string(home.config()).unwrap();
    let config = config.replace("# retention_days = 14", "retention_days = 0");
    std::fs::write(home.config(), config).unwrap();
    let said = home.ok("store sweep", "");
    assert!(said.starts_with("gone for good: 2 messages"), "{said}");
    assert_eq!(home.ok("undelete list ann@example.org", ""), "");
}
