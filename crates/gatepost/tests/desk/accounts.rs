//! Accounts and mailboxes at the desk, while the server runs and without it.

use crate::home::Home;
use std::fs;
use std::os::unix::fs::chown;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";

fn with_ann(name: &str) -> Home {
    let home = Home::init(name);
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    home
}

#[test]
fn t_37_a_disabled_account_is_refused_like_a_wrong_password_and_its_sessions_end() {
    let home = with_ann("disable");
    let server = home.serve();
    let connect = || Client::connect(server.imaps, &home.trust()).unwrap();
    let refusal = |password| connect().login(ANN, password).unwrap_err().to_string();
    let wrong = refusal("wrong");
    let mut client = connect();
    client.login(ANN, "secret").unwrap();
    client.send("IDLE").unwrap();
    assert!(client.response().unwrap().is_continuation());

    let said = home.ok("account disable ann@example.org", "");
    assert_eq!(said, "ann@example.org is disabled: nobody can sign in to it, and its mail stays\n");
    let bye = client.response().unwrap().to_string();
    assert_eq!(bye, "* BYE You were signed out by whoever runs this server");
    assert!(client.response().is_err(), "and then the end");
    assert_eq!(refusal("secret"), wrong);
    assert_eq!(home.ok("account list", ""), "ann@example.org  disabled\n");
    assert!(home.ok("mailbox list ann@example.org", "").contains("INBOX"), "its mail is there");

    assert_eq!(home.ok("account enable ann@example.org", ""), "ann@example.org is enabled\n");
    let mut client = connect();
    client.login(ANN, "secret").unwrap();
    home.ok("account add bob@example.org --password-stdin", "secret\n");
    let mut other = connect();
    other.login("bob@example.org", "secret").unwrap();
    home.ok("account remove bob@example.org", "");
    let bye = other.response().unwrap().to_string();
    assert_eq!(bye, "* BYE You were signed out by whoever runs this server");
    client.ask("NOOP").unwrap();
    let log = server.stop();
    for event in ["account.disabled", "account.enabled", r#""reason":"disabled""#, r#""reason":"signed-out""#]
    {
        assert!(log.contains(event), "{event} in {log}");
    }

    home.ok("account disable ann@example.org", "");
    let listed = home.ok("account list --json", "");
    assert_eq!(listed, "[{\"name\":\"ann@example.org\",\"standing\":\"disabled\"}]\n");
    assert_eq!(
        home.refused("account disable bob@example.org", ""),
        "gatepost: There is no account bob@example.org\n"
    );
}

#[test]
fn limits_are_set_and_shown_and_hold_at_once() {
    let home = with_ann("quota");
    let shown = home.ok("account quota ann@example.org", "");
    assert_eq!(shown, "octets     0  no limit\nmessages   0  no limit\nmailboxes  6  of 10000\n");
    home.ok("account quota ann@example.org --storage 1KB --messages 2", "");

    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    let mut append = |text: &str| {
        let tag = client.send_append("INBOX", text.as_bytes()).unwrap();
        client.answer(tag).map(drop).map_err(|why| why.to_string())
    };
    append("Subject: a\r\n\r\n").unwrap();
    let over = append(&"x".repeat(1_024)).unwrap_err();
    assert!(over.contains("NO [OVERQUOTA] This account may hold 1024 octets of mail"), "{over}");
    home.ok("account quota ann@example.org --storage none", "");
    append(&"x".repeat(1_024)).unwrap();
    let over = append("Subject: b\r\n\r\n").unwrap_err();
    assert!(over.contains("NO [OVERQUOTA] This account may hold 2 messages"), "{over}");

    let told = home.ok("account quota ann@example.org --messages usual --mailboxes 7 --json", "");
    assert_eq!(
        told,
        "{\"storage_octets\":{\"used\":1038,\"limit\":null},\"messages\":{\"used\":2,\"limit\":null},\
         \"mailboxes\":{\"used\":6,\"limit\":7}}\n"
    );
    assert!(server.stop().contains("account.quota-changed"));
    let why = home.refused("account quota ann@example.org --storage much", "");
    assert!(why.contains("a size such as 500MB or 2GB, none or usual"), "{why}");
}

#[test]
fn mailboxes_are_made_listed_and_counted() {
    let home = with_ann("mailboxes");
    assert_eq!(home.ok("mailbox create ann@example.org Work/Plans", ""), "Work/Plans is made\n");
    let why = home.refused("mailbox create ann@example.org Bin --special-use trash", "");
    assert_eq!(why, "gatepost: The mailbox Trash serves as \\Trash already, and there is one for each use\n");
    let why = home.refused("mailbox create ann@example.org All --special-use all", "");
    assert!(why.contains("No mailbox can serve as all"), "{why}");

    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    let tag = client.send_append("Work/Plans (\\Seen)", b"Subject: a\r\n\r\n").unwrap();
    client.answer(tag).unwrap();
    let lines = home.ok("mailbox list ann@example.org", "");
    let sent = lines.lines().find(|line| line.starts_with("Sent")).unwrap();
    assert_eq!(sent.split_whitespace().collect::<Vec<_>>(), ["Sent", "subscribed", "\\Sent"]);
    assert_eq!(
        home.ok("mailbox status ann@example.org Work/Plans", ""),
        "Work/Plans  1 messages  0 unseen  14 octets\n"
    );
    let json = home.ok("mailbox status ann@example.org --json", "");
    assert!(
        json.contains(r#"{"name":"Work/Plans","messages":1,"unseen":0,"octets":14,"uid_next":2,"#),
        "{json}"
    );
    assert_eq!(home.ok("mailbox create ann@example.org New", ""), "New is made\n");
    client.ask("SELECT New").unwrap();
    assert!(server.stop().contains("mailbox.created"));

    let json = home.ok("mailbox list ann@example.org --json", "");
    assert!(json.contains(r#"{"name":"Sent","special_uses":["\\Sent"],"subscribed":true}"#), "{json}");
    let why = home.refused("mailbox status ann@example.org Nowhere", "");
    assert_eq!(why, "gatepost: There is no mailbox Nowhere\n");
    let why = home.refused("mailbox list bob@example.org", "");
    assert_eq!(why, "gatepost: There is no account bob@example.org\n");
}

/// Files that root leaves in a data directory of somebody else lock its server out.
#[test]
fn a_data_directory_of_another_user_is_left_alone_unless_its_server_runs() {
    let home = with_ann("owner");
    fs::write(home.folder.join("mbox"), "From x\n\nhello\n").unwrap();
    let import = format!("import mbox {ANN} {}", home.folder.join("mbox").display());
    // Only root can give a directory away.
    if chown(home.data(), Some(65_534), None).is_err() {
        println!("skipped: only root can give a data directory to another user");
        return;
    }
    let before = home.files();
    for words in
        ["account list", "account remove ann@example.org", "mailbox list ann@example.org", &import, "serve"]
    {
        let said = home.refused(words, "");
        assert!(
            said.contains("belongs to") && said.contains("run it as that user: sudo -u"),
            "{words}: {said}"
        );
    }
    assert_eq!(home.files(), before);
    chown(home.data(), Some(0), None).unwrap();
    let server = home.serve();
    chown(home.data(), Some(65_534), None).unwrap();
    home.ok(&import, "");
    server.stop();
}
