//! Events as log lines, human and JSON, and as the manual's page.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use events::{
    Account, AuthFailure, Claimed, ClientId, ConnectionId, DeliveryFailure, EndReason, Event, MailAddress,
    Mailbox, Mechanism, Peer, Protocol, TlsGroup, TlsVersion, Word,
};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Collects what is logged.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Paper {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The line in the human format, without its time.
fn human(event: &Event) -> String {
    let paper = Paper::default();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(paper.clone());
    tracing::subscriber::with_default(log.with_ansi(false).without_time().finish(), || event.log());
    paper.text()
}

fn json(event: &Event) -> serde_json::Value {
    let paper = Paper::default();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(paper.clone());
    tracing::subscriber::with_default(log.json().finish(), || event.log());
    serde_json::from_str(&paper.text()).unwrap()
}

fn peer() -> Peer {
    Peer::Address("192.0.2.7:40123".parse().unwrap())
}

fn session_end() -> Event {
    Event::SessionEnded {
        connection: ConnectionId(17),
        protocol: Protocol::Imap,
        peer: peer(),
        account: Some(Account::new("alice")),
        tls: Some(TlsVersion::Tls13),
        group: Some(TlsGroup::X25519MlKem768),
        mechanism: Some(Mechanism::Plain),
        client: Some(ClientId::new(b"Thunderbird", Some(b"140.1"))),
        commands: 12,
        bad: Some(2),
        no: None,
        octets_in: 345,
        octets_out: 67_890,
        duration_ms: 1_500,
        reason: EndReason::Logout,
    }
}

fn failed(name: &[u8]) -> Event {
    Event::AuthFailed {
        connection: ConnectionId(3),
        peer: peer(),
        claimed: Some(Claimed::new(name)),
        mechanism: None,
        reason: AuthFailure::NoAccount,
    }
}

#[test]
fn a_session_leaves_one_line() {
    assert_eq!(
        human(&session_end()).trim_start(),
        "INFO gatepost: session.end connection=17 protocol=imap peer=192.0.2.7:40123 account=\"alice\" tls=1.3 \
         group=x25519mlkem768 mechanism=plain client=\"Thunderbird 140.1\" commands=12 bad=2 octets_in=345 octets_out=67890 \
         duration_ms=1500 reason=logout\n"
    );
}

#[test]
fn a_delivery_leaves_a_line_for_each_recipient() {
    let accepted = Event::DeliveryAccepted {
        connection: ConnectionId(4),
        sender: Some(MailAddress::new("fred@example.net")),
        recipient: MailAddress::new("alice+lists@example.org"),
        account: Some(Account::new("alice@example.org")),
        mailbox: Mailbox::from(&terms::MailboxName::inbox()),
        octets: 345,
    };
    assert_eq!(
        human(&accepted).trim_start(),
        "INFO gatepost: delivery.accepted connection=4 sender=\"fred@example.net\" \
         recipient=\"alice+lists@example.org\" account=\"alice@example.org\" mailbox=\"INBOX\" octets=345\n"
    );
    let refused = Event::DeliveryRefused {
        connection: ConnectionId(4),
        sender: None,
        recipient: MailAddress::new("nobody@example.org"),
        reason: DeliveryFailure::NoAccount,
    };
    assert_eq!(
        human(&refused).trim_start(),
        "INFO gatepost: delivery.refused connection=4 recipient=\"nobody@example.org\" reason=no-account\n"
    );
}

#[test]
fn json_has_the_same_names() {
    let line = json(&session_end());
    assert_eq!((&line["level"], &line["target"]), (&"INFO".into(), &"gatepost".into()));
    let fields = serde_json::json!({
        "message": "session.end", "connection": 17, "protocol": "imap", "peer": "192.0.2.7:40123", "account": "alice",
        "tls": "1.3", "group": "x25519mlkem768", "mechanism": "plain", "client": "Thunderbird 140.1", "commands": 12,
        "bad": 2,
        "octets_in": 345, "octets_out": 67_890, "duration_ms": 1_500, "reason": "logout",
    });
    assert_eq!(line["fields"], fields);
}

#[test]
fn what_is_not_known_is_left_out() {
    let event =
        Event::ExposedCredential { connection: ConnectionId(1), peer: Peer::UnixSocket, claimed: None };
    assert_eq!(human(&event), " WARN gatepost: auth.exposed-credential connection=1 peer=unix\n");
    assert_eq!(json(&event)["fields"].get("claimed"), None);
}

#[test]
fn a_name_cannot_forge_a_line_or_a_field() {
    let forged =
        b"eve\r\nINFO gatepost: auth.ok account=\"root\" peer=10.0.0.1:1\x1b[1A\" reason=none \xe2\x80\xae";
    let line = human(&failed(forged));
    assert_eq!(
        line,
        " INFO gatepost: auth.failed connection=3 peer=192.0.2.7:40123 claimed=\"eve<U+000D><U+000A>INFO gatepost: \
         auth.ok account=\\\"root\\\" peer=10.0.0.1:1<U+001B>[1A\\\" reason=none <U+202E>\" reason=no-account\n"
    );
    let claimed = json(&failed(forged))["fields"]["claimed"].as_str().unwrap().to_owned();
    assert!(claimed.chars().all(|character| !character.is_control()), "{claimed:?}");
}

#[test]
fn every_octet_makes_one_printable_line() {
    for octet in 0..=255 {
        let line = human(&failed(&[b'a', octet, b'b']));
        let body = line.strip_suffix('\n').unwrap();
        assert!(body.chars().all(|character| !character.is_control()), "octet {octet:#x}: {line:?}");
    }
}

#[test]
fn a_name_of_a_megabyte_is_a_short_line() {
    assert!(human(&failed(&vec![0xff; 1 << 20])).len() < 1_000);
}

#[test]
fn the_event_says_its_name_and_level() {
    let event = session_end();
    assert_eq!((event.name(), event.level()), ("session.end", tracing::Level::INFO));
}

#[test]
fn names_are_one_of_a_kind() {
    let page = events::manual();
    let names: Vec<_> = page.lines().filter(|line| line.starts_with("### ")).collect();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), unique.len());
    let areas: Vec<_> = page.lines().filter(|line| line.starts_with("## ")).collect();
    let unique: std::collections::BTreeSet<_> = areas.iter().collect();
    assert_eq!(areas.len(), unique.len(), "events of one area stand together");
}

#[test]
fn the_page_in_the_manual_is_current() {
    let page = include_str!("../../../docs/guide/events.md");
    assert!(page == events::manual(), "docs/guide/events.md is stale: run `cargo xtask manual`");
}

/// The only test of this file that listens: there is one listener for a process.
#[test]
fn a_listener_hears_what_the_log_is_not_told() {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let account = Account::new("heard@example.org");
    let connection = ConnectionId(u64::MAX);
    let quiet =
        || Event::AuthSucceeded { connection, peer: peer(), account: account.clone(), mechanism: None };
    let listener = |event: &Event| {
        if let Event::AuthSucceeded { connection: ConnectionId(u64::MAX), .. } = event {
            HEARD.lock().unwrap().push(event.name().to_owned());
        }
    };
    quiet().log();
    events::listen(listener).unwrap();
    assert_eq!(events::listen(|_| ()), Err(events::Occupied));
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_writer(Paper::default());
    tracing::subscriber::with_default(log.finish(), || quiet().log());
    assert_eq!(*HEARD.lock().unwrap(), ["auth.ok"]);
}

#[test]
fn each_name_has_its_place_in_the_list() {
    for event in [session_end(), failed(b"ann")] {
        assert_eq!(Event::NAMES[event.index()], event.name());
    }
    for (place, reason) in EndReason::ALL.iter().enumerate() {
        assert_eq!((reason.index(), reason.as_str()), (place, reason.to_string().as_str()));
    }
    let page = events::manual();
    assert_eq!(page.lines().filter(|line| line.starts_with("### ")).count(), Event::NAMES.len());
}
