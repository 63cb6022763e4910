//! What is counted, the page that Prometheus reads, and the manual's page.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use events::{
    Account, AuthFailure, ConnectionId, EndReason, Event, Mechanism, Peer, Protocol, Refused, Word,
};
use metrics::{Answer, By, Clients, Ends, Histogram, Instant, Memory, Need, Process, Store, Tally, Version};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::exposition::Exposition;

fn store() -> Store {
    Store {
        writable: Answer::No,
        waiting: 3,
        syncs: Histogram {
            buckets: vec![(Duration::from_micros(500), 2), (Duration::from_millis(1), 0)],
            longer: 1,
            sum: Duration::from_millis(1_250),
        },
        scrub_running: Answer::Yes,
        scrub_read: 1 << 40,
        scrub_finished: Some(Instant { unix_ms: 1_700_000_000_250 }),
        scrub_damages: Some(By(vec![(Need::Needed, 2), (Need::Needless, 5)])),
        sweep_finished: None,
        disk_free: Some(10),
        disk_size: Some(20),
    }
}

fn memory() -> Memory {
    Memory { kept: 5_000, most: 6_000, accounts: 7, accounts_let_go: 8, mailboxes_let_go: 9 }
}

/// As many as there are names.
fn ends(names: impl IntoIterator<Item = String>) -> Ends {
    Ends::of(names.into_iter().map(|name| (name, Instant { unix_ms: 1_900_000_000_500 })))
}

fn clients() -> Clients {
    Clients {
        connections: By(vec![(Protocol::Imap, 7), (Protocol::Lmtp, 1)]),
        before_sign_in: 2,
        panics: 0,
        certificate_expiry: ends(["*.example.org".to_owned(), "mail.example.com".to_owned()]),
    }
}

fn process() -> Process {
    Process {
        version: Version("1.2.3"),
        started: Instant { unix_ms: 1_700_000_000_000 },
        processor_time: Some(Duration::from_millis(12_340)),
        resident: Some(64 << 20),
        open_files: Some(40),
        most_files: None,
    }
}

fn page_after(events: &[Event]) -> Exposition {
    let tally = Tally::new();
    events.iter().for_each(|event| tally.count(event));
    Exposition::parse(&metrics::page(&tally, &store(), &memory(), &clients(), &process()))
}

fn peer() -> Peer {
    Peer::Address("192.0.2.7:40123".parse().unwrap())
}

fn ended(reason: EndReason, octets_in: u64) -> Event {
    Event::SessionEnded {
        connection: ConnectionId(1),
        protocol: Protocol::Imap,
        peer: peer(),
        account: Some(Account::new("ann@example.org")),
        tls: None,
        group: None,
        mechanism: None,
        client: None,
        commands: 4,
        bad: None,
        no: None,
        octets_in,
        octets_out: 1_000,
        duration_ms: 1,
        reason,
    }
}

#[test]
fn an_event_is_counted_by_its_name_and_for_all_that_goes_by_it() {
    let page = page_after(&[
        ended(EndReason::Logout, 10),
        ended(EndReason::Logout, 5),
        ended(EndReason::Injection, 1),
        Event::StoreCompacted { segments: 2, octets_before: 1_000, octets_after: 400, damaged: 0 },
    ]);
    for (what, count) in [
        ("gatepost_events_total{event=\"session.end\"}", 3.0),
        ("gatepost_events_total{event=\"server.compacted\"}", 1.0),
        ("gatepost_events_total{event=\"auth.ok\"}", 0.0),
        ("gatepost_sessions_ended_total{reason=\"logout\"}", 2.0),
        ("gatepost_sessions_ended_total{reason=\"injection\"}", 1.0),
        ("gatepost_session_commands_total", 12.0),
        ("gatepost_session_received_bytes_total", 16.0),
        ("gatepost_session_sent_bytes_total", 3_000.0),
        ("gatepost_compaction_freed_bytes_total", 600.0),
        ("gatepost_commands_refused_total{refused=\"no\"}", 0.0),
    ] {
        assert_eq!(page.get(what), Some(count), "{what}");
    }
}

#[test]
fn what_is_not_said_is_not_counted() {
    let connection = ConnectionId(1);
    let unknown =
        Event::AuthSucceeded { connection, peer: peer(), account: Account::new("ann"), mechanism: None };
    let page = page_after(&[unknown]);
    let by_mechanism = &page.0.get("gatepost_sign_ins_total").unwrap().samples;
    assert_eq!(by_mechanism.len(), Mechanism::ALL.len());
    assert!(by_mechanism.values().all(|count| *count == 0.0), "{by_mechanism:?}");
    assert_eq!(page.get("gatepost_events_total{event=\"auth.ok\"}"), Some(1.0));
}

#[test]
fn a_page_has_all_that_was_read_and_says_nothing_of_what_is_not_known() {
    let page = page_after(&[]);
    for (what, number) in [
        ("gatepost_store_writable", 0.0),
        ("gatepost_store_waiting_jobs", 3.0),
        ("gatepost_store_sync_seconds_bucket{le=\"0.0005\"}", 2.0),
        ("gatepost_store_sync_seconds_bucket{le=\"0.001\"}", 2.0),
        ("gatepost_store_sync_seconds_bucket{le=\"+Inf\"}", 3.0),
        ("gatepost_store_sync_seconds_sum", 1.25),
        ("gatepost_scrub_running", 1.0),
        ("gatepost_scrub_read_bytes_total", 1_099_511_627_776.0),
        ("gatepost_scrub_finished_timestamp_seconds", 1_700_000_000.25),
        ("gatepost_scrub_damages{octets=\"needed\"}", 2.0),
        ("gatepost_scrub_damages{octets=\"needless\"}", 5.0),
        ("gatepost_connections{protocol=\"imap\"}", 7.0),
        ("gatepost_build_info{version=\"1.2.3\"}", 1.0),
        ("process_cpu_seconds_total", 12.34),
    ] {
        assert_eq!(page.get(what), Some(number), "{what}");
    }
    for unknown in ["gatepost_sweep_finished_timestamp_seconds", "process_max_fds"] {
        assert!(page.0.get(unknown).unwrap().samples.is_empty(), "{unknown} has a HELP, and no number");
    }
}

#[test]
fn each_certificate_has_its_end_and_of_very_many_some_are_left_out() {
    let name = "gatepost_certificate_expiry_timestamp_seconds";
    let page = page_after(&[]);
    for of in ["*.example.org", "mail.example.com"] {
        assert_eq!(page.get(&format!("{name}{{certificate=\"{of}\"}}")), Some(1_900_000_000.5), "{of}");
    }
    let page = |certificate_expiry: Ends| {
        let clients = Clients { certificate_expiry, ..clients() };
        metrics::page(&Tally::new(), &store(), &memory(), &clients, &process())
    };
    let many = page(ends((0..2 * Ends::MAX).map(|n| format!("{n}.example.org"))));
    assert_eq!(many.matches(&format!("\n{name}{{")).count(), Ends::MAX);
    // What stands in a certificate is whatever somebody has put there.
    let odd = page(ends(["\"a\\b\"\nc".to_owned()]));
    assert!(odd.contains(&format!(r#"{name}{{certificate="\"a\\b\"\nc"}} 1900000000.5"#)), "{odd}");
}

#[test]
fn what_comes_from_outside_adds_no_line() {
    let refused = |n: u64| {
        let connection = ConnectionId(n);
        let claimed = Some(events::Claimed::new(format!("stranger-{n}").as_bytes()));
        Event::AuthFailed {
            connection,
            peer: peer(),
            claimed,
            mechanism: None,
            reason: AuthFailure::NoAccount,
        }
    };
    let many: Vec<_> = (0..1_000).map(refused).collect();
    let names = |page: &Exposition| {
        page.0.values().flat_map(|family| family.samples.keys().cloned()).collect::<BTreeSet<_>>()
    };
    let page = page_after(&many);
    assert_eq!(names(&page), names(&page_after(&[])));
    assert_eq!(page.get("gatepost_sign_in_failures_total{reason=\"wrong-credentials\"}"), Some(1_000.0));
}

#[test]
fn names_follow_the_conventions() {
    for (name, family) in page_after(&[]).0 {
        assert!(name.starts_with("gatepost_") || name.starts_with("process_"), "{name}");
        assert_eq!(family.kind == "counter", name.ends_with("_total"), "{name}");
        assert!(family.help.ends_with('.') && !family.help.contains(['[', '`']), "{name}: {}", family.help);
    }
}

#[test]
fn words_and_their_order_are_one() {
    assert_eq!(Refused::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), ["no", "bad"]);
    assert_eq!(Need::ALL.iter().map(|need| need.index()).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn the_manual_has_each_metric_once_and_names_none_that_there_is_not() {
    let (manual, page) = (metrics::manual(), page_after(&[]));
    for name in page.0.keys() {
        assert_eq!(manual.matches(&format!("\n| `{name}` |")).count(), 1, "{name}");
    }
    let words = manual.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| word.starts_with("gatepost_") || word.starts_with("process_")) {
        assert!(page.0.contains_key(word), "{word} is in the manual, and there is no such metric");
    }
}

#[test]
fn the_page_in_the_manual_is_current() {
    let page = include_str!("../../../docs/guide/metrics.md");
    assert!(page == metrics::manual(), "docs/guide/metrics.md is stale: run `cargo xtask manual`");
}
