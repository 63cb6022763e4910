//! What is measured of the real server, as Prometheus reads it and as the desk prints it.

use crate::ANN;
use crate::home::{Home, Listening};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use testkit::exposition::Exposition;
use testkit::http;
use testkit::imap::Client;

/// What tells so much cannot take longer.
const PATIENCE: Duration = Duration::from_secs(60);
const SETTING: &str = "# listen = \"127.0.0.1:9143\"";

/// An installation with an account, whose metrics can be read.
fn scene(name: &str) -> Home {
    let home = Home::init(name);
    set(&home, SETTING, "listen = \"127.0.0.1:0\"");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    home
}

fn set(home: &Home, from: &str, to: &str) {
    let made = fs::read_to_string(home.config()).unwrap();
    assert!(made.contains(from), "{from} is not in {made}");
    fs::write(home.config(), made.replace(from, to)).unwrap();
}

fn scrape(server: &Listening) -> Exposition {
    let (status, page) = http::get(server.metrics.unwrap(), "/metrics");
    assert_eq!(status, 200, "{page}");
    Exposition::parse(&page)
}

/// The page once a number on it is as it will be.
fn scrape_until(server: &Listening, what: &str, number: f64) -> Exposition {
    let begun = Instant::now();
    loop {
        let page = scrape(server);
        if page.get(what) == Some(number) {
            return page;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} is {:?}", page.get(what));
        std::thread::yield_now();
    }
}

fn connect(server: &Listening, home: &Home) -> Client {
    Client::connect(server.imaps, &home.trust()).unwrap()
}

fn signed_in(server: &Listening, home: &Home) -> Client {
    let mut client = connect(server, home);
    client.login(ANN, "secret").unwrap();
    client
}

fn append(client: &mut Client, text: &str) {
    let tag = client.send_append("INBOX", text.as_bytes()).unwrap();
    client.answer(tag).unwrap();
}

#[test]
fn each_counter_moves_by_what_is_done_and_by_nothing_else() {
    let home = scene("counters");
    let server = home.serve();
    let before = scrape(&server);
    let moved = |page: &Exposition| {
        let families = page.0.iter().filter(|(_, family)| family.kind == "counter");
        let samples = families.flat_map(|(_, family)| &family.samples);
        let changed = samples.filter(|(what, number)| before.get(what) != Some(**number));
        let by = changed.map(|(what, number)| (what.clone(), number - before.get(what).unwrap()));
        // The process goes on, whatever is done.
        by.filter(|(what, _)| what != "process_cpu_seconds_total").collect::<Vec<_>>()
    };
    assert_eq!(moved(&scrape(&server)), [], "to look changes nothing");

    let mut client = signed_in(&server, &home);
    append(&mut client, "Subject: one\r\n\r\nbody\r\n");
    client.ask("FETCH 1 NONSENSE").unwrap_err();
    client.ask("SELECT Nowhere").unwrap_err();
    assert!(connect(&server, &home).login(ANN, "wrong").is_err());
    client.ask("LOGOUT").unwrap();
    drop(client);
    let page = scrape_until(&server, "gatepost_events_total{event=\"session.end\"}", 2.0);
    let octets = |what: &str| page.get(what).unwrap();
    let received = octets("gatepost_session_received_bytes_total");
    let sent = octets("gatepost_session_sent_bytes_total");
    assert!(received > 100.0 && sent > 100.0, "{received} {sent}");
    let (commands, ended) = (
        octets("gatepost_session_commands_total"),
        [
            ("gatepost_sessions_ended_total{reason=\"logout\"}", 1.0),
            ("gatepost_sessions_ended_total{reason=\"broken\"}", 1.0),
        ],
    );
    let expected: Vec<(&str, f64)> = [
        ("gatepost_commands_refused_total{refused=\"bad\"}", 1.0),
        ("gatepost_commands_refused_total{refused=\"no\"}", 2.0),
        ("gatepost_events_total{event=\"auth.failed\"}", 1.0),
        ("gatepost_events_total{event=\"auth.ok\"}", 1.0),
        ("gatepost_events_total{event=\"command.refused\"}", 3.0),
        ("gatepost_events_total{event=\"connection.open\"}", 2.0),
        ("gatepost_events_total{event=\"messages.appended\"}", 1.0),
        ("gatepost_events_total{event=\"session.end\"}", 2.0),
        ("gatepost_events_total{event=\"tls.established\"}", 2.0),
        ("gatepost_messages_appended_bytes_total", 22.0),
        ("gatepost_messages_appended_total", 1.0),
        ("gatepost_session_commands_total", commands),
        ("gatepost_session_received_bytes_total", received),
        ("gatepost_session_sent_bytes_total", sent),
    ]
    .into_iter()
    .chain(ended)
    .chain([
        ("gatepost_sign_in_failures_total{reason=\"wrong-credentials\"}", 1.0),
        ("gatepost_sign_ins_total{mechanism=\"login\"}", 1.0),
    ])
    .collect();
    let moved = moved(&page);
    let mut moved: Vec<_> = moved.iter().map(|(what, by)| (what.as_str(), *by)).collect();
    let mut expected = expected;
    moved.sort_by(|one, other| one.0.cmp(other.0));
    expected.sort_by(|one, other| one.0.cmp(other.0));
    assert_eq!(moved, expected);
    assert!(commands >= 6.0, "{commands}");
    server.stop();
}

#[test]
fn what_is_now_is_told_as_it_is() {
    let home = scene("gauges");
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let server = home.serve();
    let page = scrape(&server);
    let syncs = page.get("gatepost_store_sync_seconds_count").unwrap();
    for (what, number) in [
        ("gatepost_connections{protocol=\"imap\"}", 0.0),
        ("gatepost_connections{protocol=\"lmtp\"}", 0.0),
        ("gatepost_store_writable", 1.0),
        ("gatepost_store_waiting_jobs", 0.0),
        ("gatepost_connection_panics_total", 0.0),
        // Three quarters of `server.memory_limit_mib`.
        ("gatepost_mail_in_memory_limit_bytes", f64::from(192 << 20)),
        ("gatepost_accounts_let_go_total", 0.0),
        ("gatepost_mailboxes_let_go_total", 0.0),
        (&format!("gatepost_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(page.get(what), Some(number), "{what}");
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let started = page.get("process_start_time_seconds").unwrap();
    assert!((begun - 1.0..=now + 1.0).contains(&started), "{begun} {started} {now}");
    let expiry =
        page.get("gatepost_certificate_expiry_timestamp_seconds{certificate=\"localhost\"}").unwrap() - now;
    let days = expiry / 86_400.0;
    assert!((300.0..=397.0).contains(&days), "the private authority's certificate lasts 397 days: {days}");
    for (what, least, most) in [
        ("process_resident_memory_bytes", 1e6, 4e9),
        ("process_cpu_seconds_total", 1e-3, 1e4),
        ("process_open_fds", 5.0, 1e3),
        ("process_max_fds", 64.0, 1e10),
        ("gatepost_disk_size_bytes", 1e6, 1e18),
    ] {
        let number = page.get(what).unwrap();
        assert!((least..=most).contains(&number), "{what} {number}");
    }
    assert!(page.get("gatepost_disk_free_bytes") <= page.get("gatepost_disk_size_bytes"));

    let mut client = signed_in(&server, &home);
    let stranger = connect(&server, &home);
    let page = scrape(&server);
    assert_eq!(page.get("gatepost_connections{protocol=\"imap\"}"), Some(2.0));
    assert_eq!(page.get("gatepost_connections_before_sign_in"), Some(1.0));
    assert_eq!(page.get("gatepost_accounts_in_memory"), Some(1.0));
    let in_memory = |page: &Exposition| page.get("gatepost_mail_in_memory_bytes").unwrap();
    assert!((1e3..1e5).contains(&in_memory(&page)), "{}", in_memory(&page));
    append(&mut client, "Subject: one\r\n\r\nbody\r\n");
    assert!(scrape(&server).get("gatepost_store_sync_seconds_count").unwrap() > syncs);
    drop((client, stranger));
    scrape_until(&server, "gatepost_connections{protocol=\"imap\"}", 0.0);
    server.stop();
}

#[test]
fn every_metric_of_the_manual_is_on_the_page_and_has_a_number() {
    let home = scene("whole");
    let server = home.serve();
    home.ok("store sweep", "");
    let page = scrape(&server);
    let manual = include_str!("../../../../docs/guide/metrics.md");
    let listed = manual.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: Vec<_> = listed.map(|(name, _)| name).collect();
    assert_eq!(listed.len(), page.0.len());
    for name in listed {
        let family = page.0.get(name).unwrap_or_else(|| panic!("{name} is not there"));
        assert!(!family.samples.is_empty(), "{name} has no number");
    }
    let printed = Exposition::parse(&home.ok("metrics", ""));
    assert!(printed.0.keys().eq(page.0.keys()), "the desk prints the same");
    server.stop();
    let told = home.refused("metrics", "");
    assert!(told.contains("no server runs on "), "{told}");
}

#[test]
fn a_scrub_shows_what_it_found_and_that_is_known_after_a_restart() {
    let home = scene("scrub");
    let server = home.serve();
    let sound = scrape_until(&server, "gatepost_scrub_damages{octets=\"needed\"}", 0.0);
    let finished = "gatepost_scrub_finished_timestamp_seconds";
    let first = sound.get(finished).unwrap();
    append(&mut signed_in(&server, &home), "Subject: an animal\r\nX-Animal: zebra-2\r\n\r\nbye\r\n");
    home.ok("store scrub", "");
    server.line_with("server.scrubbed");
    let page = scrape(&server);
    assert!(page.get(finished).unwrap() > first);
    assert!(page.get("gatepost_scrub_read_bytes_total").unwrap() > 1_000.0);
    for what in ["gatepost_scrub_damages{octets=\"needed\"}", "gatepost_scrub_damages{octets=\"needless\"}"] {
        assert_eq!(page.get(what), Some(0.0), "{what}");
    }
    assert_eq!(page.get("gatepost_events_total{event=\"server.rot\"}"), Some(0.0));
    server.stop();

    crate::store::rot(&home, "zebra-2");
    let server = home.serve();
    home.ok("store scrub", "");
    server.line_with("server.scrubbed");
    let rotten = scrape_until(&server, "gatepost_scrub_running", 0.0);
    let damages = |page: &Exposition| {
        ["needed", "needless"]
            .map(|octets| page.get(&format!("gatepost_scrub_damages{{octets=\"{octets}\"}}")))
    };
    assert_eq!(damages(&rotten), [Some(1.0), Some(0.0)]);
    let told = rotten.get("gatepost_events_total{event=\"server.rot\"}").unwrap();
    assert!(told >= 1.0, "{told}");
    assert_eq!(rotten.get("gatepost_events_total{event=\"server.scrubbed\"}"), Some(1.0));
    server.stop();

    let server = home.serve();
    let again = scrape_until(&server, finished, rotten.get(finished).unwrap());
    assert_eq!(damages(&again), [Some(1.0), Some(0.0)]);
    assert_eq!(again.get("gatepost_scrub_read_bytes_total"), Some(0.0));

    // What nobody needs any more is no reason for alarm.
    let mut client = signed_in(&server, &home);
    for command in ["SELECT INBOX", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE"] {
        client.ask(command).unwrap();
    }
    home.ok("purge ann@example.org --yes", "");
    home.ok("store scrub", "");
    server.line_with("server.scrubbed");
    assert_eq!(damages(&scrape(&server)), [Some(0.0), Some(1.0)]);
    server.stop();
}

#[test]
fn an_address_that_others_can_reach_is_told_of_and_a_taken_one_stops_the_start() {
    let home = Home::init("address");
    let (_, fine) = (home.ok("check-config", ""), ": fine\n");
    set(&home, SETTING, "listen = \"0.0.0.0:0\"");
    let told = home.ok("check-config", "");
    assert!(
        told.contains("`metrics.listen` is 0.0.0.0:0: whoever can connect") && told.ends_with(fine),
        "{told}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    set(&home, "0.0.0.0:0", &address);
    let told = home.refused("check-config", "");
    assert!(told.contains(&format!("{address} is taken")), "{told}");
    let told = home.refused("serve", "");
    assert!(told.contains(&format!("cannot listen on {address}")), "{told}");
    assert!(!Path::new(&home.data().join("desk.sock")).exists());
}

#[test]
fn what_a_client_does_to_mail_is_said_once_it_is_done() {
    let home = scene("done");
    set(&home, "# level = \"info\"", "level = \"debug\"");
    let server = home.serve();
    let mut client = signed_in(&server, &home);
    append(&mut client, "Subject: one\r\n\r\nbody\r\n");
    append(&mut client, "Subject: two\r\n\r\nbody\r\n");
    for command in [
        "SELECT INBOX",
        "STORE 1:2 +FLAGS (\\Flagged \\Seen)",
        "STORE 1 +FLAGS (\\Flagged)",
        "CREATE lists",
        "COPY 1:2 lists",
        "RENAME lists mail",
        "MOVE 1 mail",
        "STORE 1 +FLAGS.SILENT (\\Deleted)",
        "EXPUNGE",
        "EXPUNGE",
        "DELETE mail",
    ] {
        client.ask(command).unwrap();
    }
    client.ask("DELETE mail").unwrap_err();
    for (event, fields) in [
        ("messages.appended", r#""mailbox":"INBOX","messages":1,"octets":22"#),
        ("messages.appended", r#""mailbox":"INBOX","messages":1,"octets":22"#),
        ("messages.flagged", r#""mailbox":"INBOX","messages":2"#),
        ("mailbox.created", r#""mailbox":"lists""#),
        ("messages.copied", r#""from":"INBOX","to":"lists","messages":2"#),
        ("mailbox.renamed", r#""from":"lists","to":"mail""#),
        ("messages.moved", r#""from":"INBOX","to":"mail","messages":1"#),
        ("messages.flagged", r#""mailbox":"INBOX","messages":1"#),
        ("messages.expunged", r#""mailbox":"INBOX","messages":1"#),
        ("mailbox.deleted", r#""mailbox":"mail","messages":3"#),
    ] {
        let line = server.line_with(event);
        assert!(line.contains(fields) && line.contains(r#""account":"ann@example.org""#), "{line}");
    }
    let page = scrape(&server);
    for (event, count) in [
        ("messages.appended", 2.0),
        ("messages.flagged", 2.0),
        ("messages.copied", 1.0),
        ("messages.moved", 1.0),
        ("messages.expunged", 1.0),
        ("mailbox.created", 1.0),
        ("mailbox.renamed", 1.0),
        ("mailbox.deleted", 1.0),
    ] {
        assert_eq!(page.get(&format!("gatepost_events_total{{event=\"{event}\"}}")), Some(count), "{event}");
    }
    assert_eq!(page.get("gatepost_messages_appended_bytes_total"), Some(44.0));
    assert_eq!(page.get("gatepost_messages_expunged_total"), Some(1.0));
    server.stop();
}

/// T-38: who may read metrics, as every user of the host may where they are on 127.0.0.1, can also try to sign in.
#[test]
fn no_metric_tells_a_wrong_password_from_a_name_that_nobody_has() {
    let home = scene("who");
    home.ok("account add bob@example.org --password-stdin", "secret\n");
    home.ok("account disable bob@example.org", "");
    let server = home.serve();
    let moved_by = |name: &str, password: &str| {
        let ended = |page: &Exposition| page.get("gatepost_events_total{event=\"session.end\"}").unwrap();
        let before = scrape(&server);
        let mut client = connect(&server, &home);
        client.login(name, password).unwrap_err();
        client.ask("LOGOUT").unwrap();
        let after =
            scrape_until(&server, "gatepost_events_total{event=\"session.end\"}", ended(&before) + 1.0);
        let counters = after.0.iter().filter(|(name, family)| {
            // Longer and shorter names make for longer and shorter commands; and time goes on.
            family.kind == "counter" && !name.ends_with("_bytes_total") && !name.starts_with("process_")
        });
        let samples = counters.flat_map(|(_, family)| family.samples.clone());
        samples.map(|(what, number)| (what.clone(), number - before.get(&what).unwrap())).collect::<Vec<_>>()
    };
    let wrong = moved_by(ANN, "wrong");
    assert!(wrong.contains(&("gatepost_sign_in_failures_total{reason=\"wrong-credentials\"}".into(), 1.0)));
    assert_eq!(moved_by("nobody@example.org", "wrong"), wrong);
    assert_eq!(
        moved_by("bob@example.org", "secret"),
        wrong,
        "of one that is disabled nobody learns that it is right"
    );
    server.stop();
}

/// A process's threads: their names, and how nice they are (proc(5), `stat`).
fn threads(process: u32) -> Vec<(String, i32)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let stats = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
    let thread = |stat: String| {
        let (name, rest) = stat.split_once('(').unwrap().1.rsplit_once(") ").unwrap();
        (name.to_owned(), rest.split(' ').nth(16).unwrap().parse().unwrap())
    };
    stats.map(thread).collect()
}

#[test]
fn whoever_is_signed_in_goes_before_passwords_that_are_hashed() {
    let home = Home::init("nicer");
    let server = home.serve();
    let nice = |named: &str| -> Vec<i32> {
        let threads = threads(server.id()).into_iter();
        threads.filter(|(name, _)| name.starts_with(named)).map(|(_, nice)| nice).collect()
    };
    let (working, hashing) = (nice("tokio-rt-worker"), nice("hash-"));
    assert_eq!(hashing.len(), 2);
    assert!(hashing.iter().all(|nice| *nice > working[0] || *nice == 19), "{working:?} {hashing:?}");
    server.stop();
}

#[test]
fn as_many_threads_serve_as_the_settings_say_and_so_much_is_kept() {
    let home = Home::init("workers");
    set(&home, SETTING, "listen = \"127.0.0.1:0\"");
    set(&home, "# workers = 2", "workers = 9");
    set(&home, "# memory_limit_mib = 256", "memory_limit_mib = 16");
    let server = home.serve();
    let workers = threads(server.id()).iter().filter(|(name, _)| name.starts_with("tokio-rt-worker")).count();
    // Others of that name look up what may take its time, and go when there is no more of it.
    assert!((9..=12).contains(&workers), "{workers} threads");
    let limit = scrape(&server).get("gatepost_mail_in_memory_limit_bytes");
    assert_eq!(limit, Some(f64::from(12 << 20)));
    server.stop();
}
