//! Servers that are no servers.

use directory::{Answer, Directory, DirectoryName, Domains, Member, Password, Secret};
use directory_ldap::{
    Authorities, Cleartext, Depth, LdapConfig, LdapDirectory, MAX_READERS, People, Reader, Server,
    StandingRule,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use terms::Login;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// No word of it may be said in the clear.
const READER: &str = "cn=reader,dc=example,dc=org";
const READER_PASSWORD: &str = "r3ader";

/// The answer to a first request, of a message that numbers it.
const BOUND: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
/// Ann.
const ENTRY: &[u8] =
    b"\x30\x3f\x02\x01\x02\x64\x3a\x04\x07uid=ann\x30\x2f\x30\x12\x04\x09entryUUID\x31\x05\x04\x03\x31-2\
    \x30\x19\x04\x04mail\x31\x11\x04\x0fann@example.org";
const DONE: &[u8] = b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00";

fn directory(listener: &TcpListener, cleartext: Cleartext) -> LdapDirectory {
    let port = listener.local_addr().expect("an address").port();
    let filter = "(mail={login})".into();
    LdapDirectory::new(LdapConfig {
        name: DirectoryName::new("staff").expect("a name"),
        server: Server::at(&format!("ldap://127.0.0.1:{port}"), cleartext).expect("a server"),
        authorities: Authorities::System,
        reader: Reader::Account { dn: READER.into(), password: Secret::new(READER_PASSWORD) },
        people: People::Lookup { base: "dc=example,dc=org".into(), depth: Depth::One, filter },
        subject: "entryUUID".into(),
        login: "mail".into(),
        standing: StandingRule::All,
        version: [].into(),
    })
    .expect("a directory")
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

fn ann() -> Login {
    Login::new("ann@example.org").expect("a login")
}

/// Answers each request with the next of these, and returns all that was heard.
async fn play(mut stream: TcpStream, answers: &[&[u8]]) -> Vec<u8> {
    let mut heard = Vec::new();
    for answer in answers {
        // A request is written at once, and shorter.
        heard.reserve(4096);
        if stream.read_buf(&mut heard).await.is_ok_and(|read| read == 0) {
            return heard;
        }
        let _ = stream.write_all(answer).await;
    }
    // What is said after the last.
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut heard).await;
    heard
}

/// What somebody is told of whom such a server answers for, and what it heard.
async fn asked(cleartext: Cleartext, answers: &[&[u8]]) -> (Answer<String>, Vec<u8>) {
    let listener = listener().await;
    let directory = directory(&listener, cleartext);
    let login = ann();
    let server = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        // Nobody is let in once more.
        drop(listener);
        play(stream, answers).await
    };
    let client = async move { directory.find(&login).await.map(|found| found.login.to_string()) };
    tokio::join!(client, server)
}

fn contains(heard: &[u8], word: &str) -> bool {
    heard.windows(word.len()).any(|window| window == word.as_bytes())
}

#[tokio::test]
async fn t_4_no_word_is_said_in_the_clear_to_a_server_that_refuses_starttls() {
    let refused = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00";
    let (answer, heard) = asked(Cleartext::Never, &[refused]).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
    assert!(contains(&heard, "1.3.6.1.4.1.1466.20037"));
    for secret in [READER, READER_PASSWORD, "ann"] {
        assert!(!contains(&heard, secret), "{secret} was said in the clear");
    }
}

#[tokio::test]
async fn t_4_answers_that_come_ahead_of_tls_are_never_taken() {
    let granted = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
    let ahead =
        [&granted[..], b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00", ENTRY, DONE].concat();
    let (answer, heard) = asked(Cleartext::Never, &[&ahead]).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
    assert!(!contains(&heard, READER_PASSWORD));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_unavailable_when_patience_ends() {
    let listener = listener().await;
    for cleartext in [Cleartext::Loopback, Cleartext::Never] {
        let member = Member::new(Arc::new(directory(&listener, cleartext)), Domains::All);
        assert!(matches!(member.find(&ann()).await, Answer::Unavailable(_)));
    }
}

#[tokio::test]
async fn no_more_connections_are_open_than_the_bound_however_many_ask() {
    const ASK: usize = 10 * MAX_READERS;
    let listener = listener().await;
    let directory = Arc::new(directory(&listener, Cleartext::Loopback));
    let mut clients = JoinSet::new();
    for _ in 0..ASK {
        let directory = Arc::clone(&directory);
        clients.spawn(async move { directory.find(&ann()).await.map(drop) });
    }
    let full = Arc::new(Barrier::new(MAX_READERS));
    let open = Arc::new(AtomicUsize::new(0));
    let mut server = JoinSet::new();
    for _ in 0..ASK {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (full, open) = (Arc::clone(&full), Arc::clone(&open));
        assert!(open.fetch_add(1, Ordering::Relaxed) < MAX_READERS);
        server.spawn(async move {
            full.wait().await;
            // Only when it is closed, another one is made.
            open.fetch_sub(1, Ordering::Relaxed);
            drop(stream);
        });
    }
    while let Some(told) = clients.join_next().await {
        assert!(matches!(told, Ok(Answer::Unavailable(_))), "{told:?}");
    }
}

/// What a server has seen.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    questions_without_answer: AtomicUsize,
}

impl Seen {
    fn told(&self) -> (usize, usize) {
        let told = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (told(&self.connections), told(&self.questions_without_answer))
    }
}

/// A server that answers one question on each connection, then no more.
async fn answer_once_each(listener: TcpListener, first: Arc<Barrier>, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let (first, seen) = (Arc::clone(&first), Arc::clone(&seen));
        let number = seen.connections.fetch_add(1, Ordering::Relaxed);
        connections.spawn(async move {
            let mut heard = Vec::with_capacity(4096);
            for answer in [BOUND, &[ENTRY, DONE].concat()] {
                stream.read_buf(&mut heard).await.expect("a question");
                if number < 2 {
                    // So that there are two of them.
                    first.wait().await;
                }
                stream.write_all(answer).await.expect("somebody who waits");
            }
            while stream.read_buf(&mut heard).await.is_ok_and(|read| read > 0) {
                seen.questions_without_answer.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// A directory with two connections that lie idle and will not answer, and what its server has seen.
async fn with_two_that_are_dead() -> (Arc<Member>, Arc<Seen>, JoinSet<()>) {
    let listener = listener().await;
    let member = Arc::new(Member::new(Arc::new(directory(&listener, Cleartext::Loopback)), Domains::All));
    let seen = Arc::<Seen>::default();
    let mut server = JoinSet::new();
    server.spawn(answer_once_each(listener, Arc::new(Barrier::new(2)), Arc::clone(&seen)));
    let (ann, also_ann) = (ann(), ann());
    let (one, other) = tokio::join!(member.find(&ann), member.find(&also_ann));
    assert!(matches!((one, other), (Answer::Yes(_), Answer::Yes(_))));
    assert_eq!(seen.told(), (2, 0));
    (member, seen, server)
}

/// What all clocks show later, and no more than that: what is on its way comes meanwhile as ever.
async fn later(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

#[tokio::test]
async fn who_is_looked_for_over_a_connection_that_is_dead_is_found_over_a_new_one() {
    let (member, seen, _server) = with_two_that_are_dead().await;
    later(Duration::from_secs(10)).await;
    assert!(matches!(member.find(&ann()).await, Answer::Yes(_)));
    assert_eq!(seen.told(), (3, 1), "the other one that lay idle is gone as well");
    assert!(member.trouble().is_none());
}

#[tokio::test]
async fn a_connection_that_lay_idle_for_a_minute_is_not_asked() {
    let (member, seen, _server) = with_two_that_are_dead().await;
    later(Duration::from_secs(60)).await;
    assert!(matches!(member.find(&ann()).await, Answer::Yes(_)));
    assert_eq!(seen.told(), (3, 0));
}

#[tokio::test]
async fn behind_a_question_that_nobody_waited_for_no_idle_connection_is_asked() {
    let (member, seen, _server) = with_two_that_are_dead().await;
    // They answered a moment ago: how long this takes is thought to be the server's affair.
    assert!(matches!(member.find(&ann()).await, Answer::Unavailable(_)));
    assert_eq!(seen.told(), (2, 1));
    assert!(matches!(member.find(&ann()).await, Answer::Yes(_)));
    assert_eq!(seen.told(), (3, 1));
}

#[tokio::test]
async fn an_answer_as_it_should_be_finds_somebody() {
    let found = [ENTRY, DONE].concat();
    let (answer, heard) = asked(Cleartext::Loopback, &[BOUND, &found]).await;
    assert_eq!(answer, Answer::Yes("ann@example.org".into()));
    assert!(contains(&heard, READER_PASSWORD), "on this machine, where it is allowed");
}

#[tokio::test]
async fn a_refusal_with_all_that_a_refusal_may_have_is_read() {
    let (answer, _) = asked(Cleartext::Loopback, &[REFUSED]).await;
    assert!(format!("{answer:?}").contains("code 49"), "{answer:?}");
}

#[tokio::test]
async fn where_else_to_look_is_passed_over() {
    let reference = b"\x30\x17\x02\x01\x02\x73\x12\x04\x10ldap://elsewhere";
    let found = [&reference[..], ENTRY, reference, DONE].concat();
    let (answer, _) = asked(Cleartext::Loopback, &[BOUND, &found]).await;
    assert_eq!(answer, Answer::Yes("ann@example.org".into()));
    let refused =
        b"\x30\x21\x02\x01\x02\x65\x1c\x0a\x01\x0a\x04\x00\x04\x00\xa3\x13\x04\x11ldap://elsewhere/";
    let (answer, _) = asked(Cleartext::Loopback, &[BOUND, refused]).await;
    assert!(format!("{answer:?}").contains("nobody follows"), "{answer:?}");
}

#[tokio::test]
async fn a_password_that_is_empty_is_wrong_without_a_word() {
    let listener = listener().await;
    let directory = directory(&listener, Cleartext::Loopback);
    let login = ann();
    let server = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        drop(listener);
        play(stream, &[BOUND, &[ENTRY, DONE].concat()]).await
    };
    let client = async move {
        let Answer::Yes(found) = directory.find(&login).await else { panic!("found") };
        // To ask would be to connect, and nobody listens any more.
        directory.check(&found, Password::new("")).await
    };
    assert_eq!(tokio::join!(client, server).0, Answer::Wrong);
}

#[tokio::test]
async fn an_answer_that_grows_without_end_is_not_waited_for() {
    let announced = b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01".as_slice();
    let (answer, _) = asked(Cleartext::Loopback, &[announced]).await;
    assert!(format!("{answer:?}").contains("octets at once"), "{answer:?}");
    let many = ENTRY.repeat(1000);
    let (answer, _) = asked(Cleartext::Loopback, &[BOUND, &many]).await;
    assert!(format!("{answer:?}").contains("messages"), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_is_nested_deeply_ends_a_connection_and_nothing_else() {
    let mut nested = Vec::new();
    // Each level holds all that are in it: what an honest encoder would write.
    for _ in 0..30_000 {
        let length = u32::try_from(nested.len()).expect("short").to_be_bytes();
        let head = [0x30, 0x84].into_iter().chain(length).rev();
        nested.extend(head);
    }
    nested.reverse();
    assert!(nested.len() < 256 * 1024);
    let (answer, _) = asked(Cleartext::Loopback, &[&nested]).await;
    assert!(format!("{answer:?}").contains("not LDAP"), "{answer:?}");
}

/// Refused, with where else to ask and what the policy says.
const REFUSED: &[u8] = b"\x30\x47\x02\x01\x01\x61\x15\x0a\x01\x31\x04\x00\x04\x02no\xa3\x0a\x04\x08ldap://x\
    \xa0\x2b\x30\x29\x04\x191.3.6.1.4.1.42.2.27.8.5.1\x01\x01\xff\x04\x09\x30\x07\xa0\x02\x80\x00\x81\x01\x01";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_a_server_answers_nothing_ends_but_the_connection(
        which in 0usize..3,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in 0usize..4,
    ) {
        let found = [ENTRY, DONE].concat();
        // Behind the broken answer the server says nothing more, so that nobody waits for the rest of it.
        let mut answers = [vec![BOUND], vec![REFUSED], vec![BOUND, &found]][which].clone();
        let mut broken = answers.pop().expect("one at least").to_vec();
        for (place, octet) in changes {
            *place.get_mut(&mut broken) = octet;
        }
        broken.truncate(broken.len().saturating_sub(cut));
        answers.push(&broken);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // It ends, whatever it is.
        let _ = runtime.block_on(asked(Cleartext::Loopback, &answers));
    }
}
