//! An account has so many connections and no more: the next one is told why, and whoever leaves makes room.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Client, Running, house, issue, scratch, settings};
use mail::HashPool;
use net::Imap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const REFUSED: &str =
    "a NO [LIMIT] This account has 64 connections already; close a mail program and try again";
/// For a machine that is busy with something else. Nothing waits so long where the test passes.
const LONG: Duration = Duration::from_secs(120);

type Private = Client<TlsStream<TcpStream>>;

/// A server with the settings that there are without any, and two accounts.
async fn server() -> Running {
    let (files, _) = issue(&scratch("crowd-settings"), common::HOST);
    let accounts = house::accounts(&[("ann", house::cheap()), ("bob", house::cheap())]).await;
    let pool = HashPool::start(1, house::cheap()).unwrap();
    let imap = Imap::new(&settings(&files), Arc::new(accounts), Arc::new(pool));
    Running::start("crowd", imap, |_| {})
}

async fn stranger(server: &Running) -> Private {
    let mut client = server.in_private().await;
    client.line().await;
    client
}

async fn login(client: &mut Private, name: &str) -> String {
    client.ask(&format!("a LOGIN {name} {}", house::PASSWORD)).await
}

fn is_in(reply: &str) -> bool {
    reply.starts_with("a OK [CAPABILITY ")
}

#[tokio::test]
async fn the_sixty_fifth_connection_of_an_account_is_refused_until_one_leaves() {
    let server = server().await;
    let mut inside = Vec::new();
    for number in 1..=64 {
        let mut client = stranger(&server).await;
        let reply = login(&mut client, "ann").await;
        assert!(is_in(&reply), "{number}: {reply}");
        inside.push(client);
    }
    let mut late = stranger(&server).await;
    assert_eq!(login(&mut late, "ann").await, REFUSED);
    let plain = format!("a AUTHENTICATE PLAIN {}", STANDARD.encode("\0ann\0secret"));
    assert_eq!(late.ask(&plain).await, REFUSED);
    // Its number is an account's own.
    assert!(is_in(&login(&mut stranger(&server).await, "bob").await));

    drop(inside.pop());
    // The server sees the end of a connection when it does: asked is until then.
    let let_in = async {
        loop {
            let mut next = stranger(&server).await;
            let reply = login(&mut next, "ann").await;
            if reply != REFUSED {
                break (next, reply);
            }
        }
    };
    let (_next, reply) = tokio::time::timeout(LONG, let_in).await.unwrap();
    assert!(is_in(&reply), "{reply}");
    assert_eq!(login(&mut stranger(&server).await, "ann").await, REFUSED);
    server.stop().await;
}
