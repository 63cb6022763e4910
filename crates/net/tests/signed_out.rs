//! Who is signed out is gone within five seconds, whatever the session is doing (threat T-37).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::house::{PASSWORD, accounts, cheap};
use common::{Client, HOST, Log, Running, issue, scratch, settings};
use mail::{Accounts, HashPool};
use mailbox::account::directory::Standing;
use net::Imap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, pause, sleep};
use tokio_rustls::client::TlsStream;

type Private = Client<TlsStream<TcpStream>>;

/// How large each message is, in octets.
const MESSAGE: usize = 1 << 20;
/// How many there are: more than sockets hold on their way (tcp(7), `tcp_wmem` and `tcp_rmem`).
const MESSAGES: usize = 64;
/// How long a session lasts that has been ended.
const MOST: Duration = Duration::from_secs(5);
const BYE: &str = "* BYE You were signed out by whoever runs this server";

struct House {
    server: Running,
    accounts: Arc<Accounts>,
}

impl House {
    /// With mail for each of these.
    async fn start(name: &str, people: &[&str]) -> Self {
        let (files, _) = issue(&scratch(&format!("{name}-settings")), HOST);
        let people: Vec<_> = people.iter().map(|name| (*name, cheap())).collect();
        let accounts = Arc::new(accounts(&people).await);
        let pool = Arc::new(HashPool::start(1, cheap()).unwrap());
        let imap = Imap::new(&settings(&files), Arc::clone(&accounts), pool);
        let house = Self { server: Running::start(name, imap, |_| {}), accounts };
        for (name, _) in people {
            house.fill(name).await;
        }
        house
    }

    async fn fill(&self, name: &str) {
        let mut client = self.sign_in(name).await;
        let message = format!("{}\r\n", "x".repeat(1_022)).repeat(MESSAGE >> 10);
        assert!(client.ask(&format!("b APPEND INBOX {{{MESSAGE}}}")).await.starts_with("+ "));
        client.say(&format!("{message}\r\n")).await;
        client.answer("b").await;
        client.do_("c SELECT INBOX").await;
        for _ in 0..MESSAGES.ilog2() {
            client.do_("d COPY 1:* INBOX").await;
        }
        client.do_("e LOGOUT").await;
    }

    async fn sign_in(&self, name: &str) -> Private {
        let mut client = self.server.in_private().await;
        client.line().await;
        client.do_(&format!("a LOGIN {name} {PASSWORD}")).await;
        client
    }

    /// Somebody who is in the middle of being sent mail: `commands`, all at once, of which the first is being answered.
    async fn fetching(&self, name: &str, commands: &str) -> Private {
        let mut client = self.sign_in(name).await;
        client.do_("b SELECT INBOX").await;
        client.say(commands).await;
        assert!(client.line().await.starts_with("* 1 FETCH "));
        client
    }

    async fn disable(&self, name: &str) {
        self.accounts.set_standing(name, Standing::Disabled).await.unwrap();
    }
}

impl Private {
    async fn do_(&mut self, command: &str) {
        self.say(&format!("{command}\r\n")).await;
        self.answer(command.split(' ').next().unwrap()).await;
    }

    async fn answer(&mut self, tag: &str) {
        loop {
            let line = self.line().await;
            assert!(!line.starts_with('('), "{line}");
            if line.starts_with(&format!("{tag} ")) {
                return assert!(line.starts_with(&format!("{tag} OK ")), "{line}");
            }
        }
    }

    /// How its line ended, if it has, whatever lies in the socket unread.
    fn end(&self) -> Option<ErrorKind> {
        self.stream.get_ref().0.take_error().unwrap().map(|why| why.kind())
    }
}

fn ends(log: &Log, account: &str, reason: &str) -> usize {
    let words =
        ["\"session.end\"", &format!("\"account\":\"{account}\""), &format!("\"reason\":\"{reason}\"")];
    log.lines().iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
}

#[tokio::test]
async fn t_37_who_reads_nothing_or_slowly_is_sent_no_more_mail_within_five_seconds_of_being_signed_out() {
    let log = Log::default();
    let _listening = log.listen();
    let house = House::start("signed-out-slow", &["ann", "bob"]).await;
    let all = "f FETCH 1:* BODY.PEEK[]\r\n";
    let silent = house.fetching("ann", &all.repeat(600)).await;
    let mut slow = house.fetching("ann", &all.repeat(600)).await;
    let mut other = house.fetching("bob", all).await;
    pause();
    house.disable("ann").await;
    let since = Instant::now();
    while slow.end().is_none() && since.elapsed() <= MOST {
        slow.stream.read_exact(&mut [0; 2 << 10]).await.unwrap();
        sleep(Duration::from_secs(1)).await; // of a clock that stands still
    }
    assert!(since.elapsed() <= MOST);
    // And not only then when what the system holds has been read, which may take half an hour.
    assert_eq!(silent.end(), Some(ErrorKind::ConnectionReset));
    assert_eq!(ends(&log, "ann", "signed-out"), 2, "{:#?}", log.lines());
    assert_eq!(ends(&log, "bob", "signed-out"), 0);
    other.answer("f").await;
    drop(other);
    assert_eq!(house.server.stop().await.cut, 0);
}

#[tokio::test]
async fn t_37_who_has_more_commands_waiting_hears_bye_behind_the_one_that_is_being_answered() {
    let log = Log::default();
    let _listening = log.listen();
    let house = House::start("signed-out-pipelined", &["ann"]).await;
    let mut client = house.fetching("ann", &"f FETCH 1 BODY.PEEK[]\r\n".repeat(700)).await;
    house.disable("ann").await;
    let mut told = Vec::new();
    client.stream.read_to_end(&mut told).await.unwrap();
    assert!(told.ends_with(format!("f OK FETCH completed\r\n{BYE}\r\n").as_bytes()));
    assert!(told.len() < MESSAGES * MESSAGE, "{} octets", told.len());
    drop(client);
    house.server.stop().await;
    assert_eq!(ends(&log, "ann", "signed-out"), 1);
}

#[tokio::test]
async fn t_37_who_is_sending_a_message_is_signed_out_within_it() {
    let house = House::start("signed-out-append", &["ann"]).await;
    let mut client = house.sign_in("ann").await;
    assert!(client.ask("b APPEND INBOX {1000}").await.starts_with("+ "));
    client.say("Subject: hel").await;
    house.disable("ann").await;
    assert_eq!(client.line().await, BYE);
    assert_eq!(client.line().await, "(closed)");
    house.server.stop().await;
}
