//! The server over real sockets, with a toy behind its gate.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Client, HOST, Log, Running, Toy, issue};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

const NO_CHANGE: fn(&mut settings::Settings) = |_| {};

#[tokio::test]
async fn starttls_leads_to_a_private_line() {
    let server = Running::start("starttls", Toy, NO_CHANGE);
    let mut client = server.in_clear().await;
    assert_eq!(client.ask("a STARTTLS").await, "a OK Begin TLS negotiation now");
    let mut private = server.encrypt(client.stream).await.unwrap();
    assert_eq!(private.line().await, "* OK toy");
    assert_eq!(private.ask("hello").await, "hello");
    drop(private);
    assert_eq!(server.stop().await.cut, 0);
}

/// T-1: all of it in one segment, and again in every two.
#[tokio::test]
async fn data_behind_starttls_is_never_answered_and_never_read_as_private() {
    let server = Running::start("injection", Toy, NO_CHANGE);
    for attack in [
        "a STARTTLS\r\nb CAPABILITY\r\n",
        "a starttls\nb NOOP\n",
        "a STARTTLS\r\na STARTTLS\r\n",
        "a STARTTLS\r\nb LOGIN {3}\r\n",
        "a STARTTLS\r\n\r\n",
    ] {
        let mut client = server.in_clear().await;
        client.say(attack).await;
        assert_eq!(client.line().await, "* BYE Data behind STARTTLS", "{attack:?}");
        assert_eq!(client.line().await, "(closed)");
    }
    let (whole, line) = ("a STARTTLS\r\nb CAPABILITY\r\n", "a STARTTLS\r\n".len());
    for cut in 1..whole.len() {
        let mut client = server.in_clear().await;
        let (first, second) = whole.split_at(cut);
        client.stream.set_nodelay(true).unwrap();
        client.say(first).await;
        if cut >= line && cut < whole.len() {
            // Whether both pieces come in one read is the network's business. Here they do not.
            let reply = client.line().await;
            let expected =
                if cut == line { "a OK Begin TLS negotiation now" } else { "* BYE Data behind STARTTLS" };
            assert_eq!(reply, expected, "cut at {cut}");
        }
        client.say(second).await;
        let reply = client.line().await;
        assert!(["* BYE Data behind STARTTLS", "(closed)"].contains(&&*reply), "cut at {cut}: {reply}");
    }
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_begin_tls_is_sent_away_after_a_minute() {
    let server = Running::start("silent", Toy, NO_CHANGE);
    let mut client = server.in_clear().await;
    let since = Instant::now();
    assert_eq!(client.line().await, "* BYE You took too long to begin TLS");
    assert_eq!(since.elapsed().as_secs(), 60);
    assert_eq!(client.line().await, "(closed)");
}

#[tokio::test]
async fn a_peer_that_only_talks_in_clear_is_sent_away() {
    let server = Running::start("talker", Toy, NO_CHANGE);
    let mut client = server.in_clear().await;
    let noop = "a NOOP\r\n";
    for _ in 0..8_192 / noop.len() {
        assert_eq!(client.ask(noop.trim_end()).await, "a OK NOOP completed");
    }
    assert_eq!(client.ask("a NOOP").await, "* BYE Too much was said before TLS");
    assert_eq!(client.line().await, "(closed)");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_go_on_ends_after_its_time() {
    let server = Running::start("slow-handshake", Toy, NO_CHANGE);
    for begun in ["", "\x16\x03\x01\x01\x00\x01"] {
        let mut client = Client::new(TcpStream::connect(server.tls).await.unwrap());
        client.say(begun).await;
        let since = Instant::now();
        let end = client.line().await;
        assert!(["(closed)", "(cut)"].contains(&&*end), "{end}");
        assert_eq!(since.elapsed().as_secs(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_under_tls_has_no_more_time_than_one_before_it() {
    let server = Running::start("stranger", Toy, |settings| settings.limits.preauth_seconds = 20);
    let (mut in_clear, mut private) = (server.in_clear().await, server.in_private().await);
    let mut known = server.in_private().await;
    private.line().await;
    known.line().await;
    assert_eq!(known.ask("sign in").await, "sign in");
    let since = Instant::now();
    assert_eq!(in_clear.line().await, "* BYE You took too long to begin TLS");
    assert_eq!(private.line().await, "* BYE stopping");
    assert_eq!(since.elapsed().as_secs(), 20);
    assert_eq!(known.ask("still here").await, "still here");
}

#[tokio::test]
async fn too_many_strangers_of_one_address_show_out_the_oldest_of_them_in_words() {
    let server = Running::start("crowd", Toy, |settings| settings.limits.preauth_connections_per_address = 2);
    let (mut first, mut second) = (server.in_clear().await, server.in_private().await);
    let mut third = server.in_clear().await;
    let told = "* BYE Too many connections have not signed in, and yours is the oldest";
    assert_eq!((first.line().await, first.line().await), (told.to_owned(), "(closed)".to_owned()));
    // Who signs in is no stranger any more, and is not shown out.
    second.line().await;
    assert_eq!(second.ask("sign in").await, "sign in");
    let _fourth = server.in_clear().await;
    let _fifth = server.in_clear().await;
    assert_eq!(third.line().await, told);
    assert_eq!(second.ask("still here").await, "still here");
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_stay() {
    let mut server = Running::start("renewal", Toy, NO_CHANGE);
    let mut old = server.in_private().await;
    old.line().await;
    let (_, fresh) = issue(&server.folder, HOST);
    let stale = std::mem::replace(&mut server.trusted, fresh);
    tokio::time::sleep(Duration::from_secs(3)).await; // of a clock that stands still: the look has been taken
    let mut new = server.in_private().await;
    assert_eq!(new.line().await, "* OK toy");
    assert_eq!(old.ask("still here").await, "still here");
    server.trusted = stale;
    assert!(server.encrypt(TcpStream::connect(server.tls).await.unwrap()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_says_bye_and_cuts_off_who_stays() {
    let server = Running::start("stop", Toy, NO_CHANGE);
    let mut in_clear = server.in_clear().await;
    let mut private = server.in_private().await;
    private.line().await;
    let mut sulking = server.in_private().await;
    sulking.line().await;
    assert_eq!(sulking.ask("sulk").await, "sulking");
    let (tls, since) = (server.tls, Instant::now());
    let client = async {
        assert_eq!(in_clear.line().await, "* BYE The server is stopping; try again in a moment");
        assert_eq!(in_clear.line().await, "(closed)");
        assert_eq!(private.line().await, "* BYE stopping");
        // Clean: with close_notify before the FIN.
        assert_eq!(private.line().await, "(closed)");
        assert_eq!(sulking.line().await, "(cut)");
    };
    let (stopped, ()) = tokio::join!(server.stop(), client);
    assert_eq!((stopped.told, stopped.cut, stopped.panics), (3, 1, 0));
    assert_eq!(since.elapsed().as_secs(), 10);
    assert!(TcpStream::connect(tls).await.is_err());
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_and_no_other() {
    let server = Running::start("panic", Toy, NO_CHANGE);
    let (mut unlucky, mut neighbour) = (server.in_private().await, server.in_private().await);
    unlucky.line().await;
    neighbour.line().await;
    assert_eq!(unlucky.ask("panic").await, "(cut)");
    assert_eq!(neighbour.ask("hello").await, "hello");
    drop(neighbour);
    assert_eq!(server.stop().await.panics, 1);
}

#[tokio::test]
async fn every_connection_leaves_one_line_whatever_ended_it() {
    let log = Log::default();
    let _listening = log.listen();
    let server = Running::start("log", Toy, NO_CHANGE);
    let mut client = server.in_clear().await;
    client.say(&"a LOGIN alice secret\r\n".repeat(3)).await;
    client.say("a AUTHENTICATE PLAIN AGJvYgBzZWNyZXQ=\r\nb LOGOUT\r\n").await;
    while client.line().await != "(closed)" {}
    server.in_clear().await.ask("a STARTTLS\r\nb NOOP").await;
    let mut private = server.in_private().await;
    private.line().await;
    private.ask("sign in").await;
    assert_eq!(private.ask("panic").await, "(cut)");
    let mut stranger = Client::new(TcpStream::connect(server.tls).await.unwrap());
    stranger.say("GET / HTTP/1.1\r\n\r\n").await;
    while !["(closed)", "(cut)"].contains(&&*stranger.line().await) {}
    drop(stranger);
    server.stop().await;

    let lines = log.lines();
    let ends = |reason: &str| {
        let ends = lines.iter().filter(|line| line.contains("\"session.end\""));
        ends.filter(|line| line.contains(&format!("\"reason\":\"{reason}\""))).count()
    };
    assert_eq!(["logout", "injection", "fault"].map(ends), [1; 3], "{lines:#?}");
    let said = |words: &[&str]| lines.iter().any(|line| words.iter().all(|word| line.contains(word)));
    let times = |event: &str| lines.iter().filter(|line| line.contains(event)).count();
    assert_eq!(["auth.plaintext-refused", "auth.exposed-credential"].map(times), [1; 2], "{lines:#?}");
    assert_eq!(
        ["session.end", "tls.failed"].map(times),
        [3, 1],
        "a handshake that fails is no session: {lines:#?}"
    );
    assert!(said(&["auth.plaintext-refused", "\"command\":\"login\""]));
    assert!(said(&["auth.exposed-credential", "\"claimed\":\"alice\""]));
    assert!(said(&["tls.starttls-injection", "\"octets\":"]));
    assert!(
        said(&["session.end", "\"commands\":5", "\"reason\":\"logout\""]),
        "what is said before TLS counts"
    );
    assert!(said(&["server.fault", "panic: the toy was asked to"]));
    assert!(said(&["tls.failed", "what it said is not TLS"]));
    assert!(said(&["session.end", "\"account\":\"toy\"", "\"tls\":\"1.3\"", "\"group\":\"x25519mlkem768\""]));
    assert!(!lines.iter().any(|line| line.contains("secret")), "a password is in no line");
}

#[tokio::test]
async fn long_work_for_a_client_that_goes_ends() {
    let log = Log::default();
    let _listening = log.listen();
    let server = Running::start("gone", Toy, NO_CHANGE);
    let mut client = server.in_private().await;
    client.line().await;
    assert_eq!(client.ask("search").await, "searching");
    client.say("this is no farewell\r\n").await;
    drop(client);
    let has_ended = || log.lines().iter().any(|line| line.contains("session.end"));
    while !has_ended() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.stop().await.told, 0);
}

/// Some systems forget what came before a reset, and with it the goodbye.
#[tokio::test]
async fn a_client_that_talks_on_behind_its_end_is_heard_out() {
    let server = Running::start("talks-on", Toy, NO_CHANGE);
    let mut client = server.in_private().await;
    assert_eq!(client.line().await, "* OK toy");
    client.say("enough\r\n").await;
    for _ in 0..8 {
        client.say(&"and another thing\r\n".repeat(50_000)).await; // panics where the line is reset
    }
    assert_eq!(client.line().await, "* BYE enough");
    assert_eq!(client.line().await, "(closed)");
    drop(client);
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let server = Running::start("slow-reader", Toy, NO_CHANGE);
    let mut client = server.in_private().await;
    client.line().await;
    client.say("flood\r\n").await;
    // Nobody reads; the clock moves as soon as nothing else does.
    let patience = 60 + common::FLOOD as u64 / 2_048;
    tokio::time::sleep(Duration::from_secs(patience + 5)).await;
    let stopped = server.stop().await;
    assert_eq!((stopped.told, stopped.cut), (0, 0), "it was gone before");
}
