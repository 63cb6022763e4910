//! Servers that are no servers.

use directory::{Answer, Directory, DirectoryName, Domains, Member, Password};
use directory_ldap::{
    Authorities, Cleartext, Depth, LdapConfig, LdapDirectory, MAX_READERS, People, Reader, Secret, Server,
    StandingRule,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
