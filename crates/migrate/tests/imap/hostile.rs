//! Threat T-4 turned round: a server that attacks its client.

use crate::here::{ANN, Here, PASSWORD, server};
use crate::peer::{Answers, Peer, Port};
use migrate::imap::Security;
use migrate::{Choice, Report, Trouble};

const OK: &str = "* OK ready\r\n";

async fn import(name: &str, peer: &Peer, security: Security) -> Result<Report, Trouble> {
    let here = Here::new(name).await;
    here.import(&server(peer.address, security, &peer.authority), Choice::default()).await
}

/// Nothing is signed in to, and the sentence says why.
async fn refused_before_login(name: &str, port: Port, greeting: &str, answers: Answers, why: &str) {
    let peer = Peer::start(port, greeting, answers).await;
    let security = if port == Port::Tls { Security::Tls } else { Security::StartTls };
    let said = import(name, &peer, security).await.unwrap_err().to_string();
    assert!(said.contains(why), "{said}");
    let heard = peer.heard().join("\n");
    assert!(!heard.contains("AUTHENTICATE") && !heard.contains("LOGIN"), "{heard}");
}

/// The mailbox is given up, and the sentence says why.
async fn mailbox_given_up(name: &str, answers: Answers, why: &str) {
    let peer = Peer::start(Port::Tls, OK, answers).await;
    let report = import(name, &peer, Security::Tls).await.unwrap();
    let said = report.folders[0].failed.clone().unwrap_or_default();
    assert!(said.contains(why), "{report:?}");
    assert_eq!(report.folders[0].imported, 0);
}

#[tokio::test]
async fn an_honest_server_is_read_both_ways() {
    for (port, security) in [(Port::Tls, Security::Tls), (Port::Clear, Security::StartTls)] {
        let peer = Peer::start(port, OK, Vec::new()).await;
        let report = import(&format!("honest-{}", port == Port::Tls), &peer, security).await.unwrap();
        assert_eq!((report.account.as_str(), report.folders[0].imported), (ANN, 1), "{report:?}");
        assert_eq!(report.verdict, migrate::Verdict::Complete);
    }
}

#[tokio::test]
async fn t_4_what_is_injected_behind_starttls_is_refused() {
    let answers = vec![("STARTTLS", "$ OK go\r\n* CAPABILITY IMAP4rev1\r\n".into())];
    refused_before_login("injected", Port::Clear, OK, answers, "behind the server's OK to STARTTLS").await;
}

#[tokio::test]
async fn preauth_is_refused_in_the_clear_and_behind_tls() {
    let greeting = "* PREAUTH welcome\r\n";
    refused_before_login("preauth-clear", Port::Clear, greeting, Vec::new(), "PREAUTH").await;
    refused_before_login("preauth-tls", Port::Tls, greeting, Vec::new(), "PREAUTH").await;
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_the_clear() {
    let answers = vec![("STARTTLS", "$ NO not today\r\n".into())];
    refused_before_login("no-starttls", Port::Clear, OK, answers, "refuses STARTTLS: not today").await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let peer = Peer::named("elsewhere.example", Port::Tls, OK, Vec::new()).await;
    let said = import("other-name", &peer, Security::Tls).await.unwrap_err().to_string();
    assert!(said.contains("no TLS with localhost"), "{said}");
    assert!(peer.heard().is_empty());
}

#[tokio::test]
async fn the_password_is_told_behind_tls_and_in_no_report() {
    let peer = Peer::start(Port::Clear, OK, vec![("EXAMINE", "$ NO gone\r\n".into())]).await;
    let report = import("password", &peer, Security::StartTls).await.unwrap();
    assert_eq!(peer.heard()[0], "g0 STARTTLS");
    assert!(report.folders[0].failed.as_deref().unwrap().contains("gone"));
    assert!(!format!("{report:?}").contains(PASSWORD));
}

#[tokio::test]
async fn an_endless_line_is_not_held() {
    let endless = "x".repeat(3 << 20);
    refused_before_login("endless", Port::Tls, &endless, Vec::new(), "more than 1048576 octets").await;
    let list = format!("* LIST () \"/\" \"{endless}");
    let peer = Peer::start(Port::Tls, OK, vec![("LIST", list)]).await;
    let said = import("endless-list", &peer, Security::Tls).await.unwrap_err().to_string();
    assert!(said.contains("more than 1048576 octets"), "{said}");
}

#[tokio::test]
async fn a_literal_that_lies_about_its_length_ends_it() {
    let fetch = |text: &str| vec![("UID FETCH 5", text.to_owned())];
    let short = fetch("* 1 FETCH (UID 5 BODY[] {4}\r\nSubject: a\r\n\r\n)\r\n$ OK\r\n");
    mailbox_given_up("short", short, "what is no IMAP").await;
    // One octet too many: the parenthesis is taken for the message's, and what is left does not close.
    let long = fetch("* 1 FETCH (UID 5 BODY[] {15}\r\nSubject: a\r\n\r\n)\r\n$ OK\r\n");
    mailbox_given_up("long", long, "what is no IMAP").await;
    let huge = fetch("* 1 FETCH (UID 5 BODY[] {99999999999}\r\nSubject");
    mailbox_given_up("huge", huge, "sends a message of 99999999999 octets").await;
}

#[tokio::test]
async fn a_message_that_was_not_asked_for_ends_it() {
    let fetch = |text: &str| vec![("UID FETCH 5", text.to_owned())];
    for (name, text) in [
        ("other", "* 2 FETCH (UID 6 BODY[] {5}\r\nx\r\n\r\n)\r\n$ OK\r\n"),
        ("quoted", "* 2 FETCH (UID 6 BODY[] \"x\")\r\n$ OK\r\n"),
        ("nameless", "* 2 FETCH (BODY[] {5}\r\nx\r\n\r\n)\r\n$ OK\r\n"),
    ] {
        mailbox_given_up(name, fetch(text), "which was not asked for").await;
    }
    let early = vec![("EXAMINE", "* 1 FETCH (UID 5 BODY[] {5}\r\nx\r\n\r\n)\r\n$ OK\r\n".to_owned())];
    mailbox_given_up("early", early, "a message that was not asked for").await;
}

#[tokio::test]
async fn an_answer_to_what_was_not_sent_ends_it() {
    mailbox_given_up("tag", vec![("EXAMINE", "x9 OK\r\n".into())], "a command that was not sent").await;
}
