//! Accounts in a file.

use directory::conformance::{self, Person, Population};
use directory::{Answer, Directory, DirectoryName, Found, Password, Standing, Stored};
use directory_file::{Clock, FileConfig, FileDirectory, Reread};
use foreign_hash::{ForeignHash, Verdict};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use terms::Login;

/// A file that goes when the test does.
struct Passwd(PathBuf);

impl Passwd {
    fn new(text: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let passwd =
            Self(std::env::temp_dir().join(format!("gatepost-passwd-{}-{number}", std::process::id())));
        passwd.write(text);
        passwd
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("a file");
    }

    /// As editors do: a new file in the place of the old one.
    fn replace(&self, text: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, text).expect("a file");
        std::fs::rename(&new, &self.0).expect("its place");
    }
}

impl Drop for Passwd {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What was told, as text.
type Told = Arc<Mutex<Vec<String>>>;

fn open(passwd: &Passwd) -> (FileDirectory, Told) {
    open_with(passwd, Box::new(SystemTime::now))
}

fn open_with(passwd: &Passwd, clock: Clock) -> (FileDirectory, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    let config = FileConfig { name: DirectoryName::new("file").expect("a name"), path: passwd.0.clone() };
    let tell = move |reread| {
        let text = match reread {
            Reread::Taken(count) => format!("taken: {count}"),
            Reread::Kept(why) => why.to_string(),
        };
        log.lock().expect("the log").push(text);
    };
    (FileDirectory::open(config, clock, Box::new(tell)).expect("a directory"), told)
}

async fn find(directory: &FileDirectory, name: &str) -> Answer<Found> {
    directory.find(&Login::new(name).expect("a login")).await
}

async fn hash(directory: &FileDirectory, name: &str) -> Option<String> {
    match find(directory, name).await {
        Answer::Yes(found) => match found.stored {
            Stored::Hash(hash) => Some(hash.into()),
            Stored::Elsewhere => None,
        },
        _ => None,
    }
}

/// As the door does it.
fn is_right(hash: &str, password: &str) -> bool {
    ForeignHash::parse(hash).is_ok_and(|hash| hash.verify(password.as_bytes()) == Verdict::Right)
}

/// `right`, `pässword` and `right`.
const PEOPLE: &str = "# people
Ann@example.org:{SSHA256}vH58ROhoRsteCwoeOcSBszA0qOu4BfDn2iU4zjyj9TNzYWx0c2FsdA==

bob:$5$saltsalt$rQBvFGQx3u6doxkk7cvWbhhnhS2qa1.FI.tt6NGFH66:1000:1000:Bob:/home/bob:/bin/sh:userdb_x=y
cid:{SSHA256}vH58ROhoRsteCwoeOcSBszA0qOu4BfDn2iU4zjyj9TNzYWx0c2FsdA==::::::nologin=gone
";

#[tokio::test]
async fn t_33_the_suite_holds_for_a_file() {
    let passwd = Passwd::new(PEOPLE);
    let people = Population {
        ann: Person { login: "ann@example.org", password: "right" },
        bob: Person { login: "bob", password: "pässword" },
        disabled: Some(Person { login: "cid", password: "right" }),
    };
    conformance::check(&open(&passwd).0, people, is_right).await;
}

#[tokio::test]
async fn nobody_gets_in_whose_hash_is_empty_or_locked() {
    let passwd = Passwd::new("ann:\nbob:!{SSHA256}x\n");
    let (directory, _) = open(&passwd);
    for name in ["ann", "bob"] {
        let hash = hash(&directory, name).await.expect("a hash");
        for password in ["", "*", "!", "x"] {
            assert!(!is_right(&hash, password));
        }
    }
}

#[tokio::test]
async fn a_file_is_read_again_when_it_was_written_or_replaced() {
    let passwd = Passwd::new("ann:{X}old\n");
    let (directory, told) = open(&passwd);
    assert_eq!(hash(&directory, "ann").await.as_deref(), Some("{X}old"));
    passwd.write("ann:{X}newer\nbob:{X}b\n");
    assert_eq!(hash(&directory, "ann").await.as_deref(), Some("{X}newer"));
    // As long as the one before: it is another file.
    passwd.replace("ann:{X}newes\nbob:{X}b\n");
    assert_eq!(hash(&directory, "ann").await.as_deref(), Some("{X}newes"));
    hash(&directory, "ann").await;
    assert_eq!(*told.lock().unwrap(), ["taken: 2", "taken: 2"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_leaves_what_was_known_and_is_told_once() {
    let passwd = Passwd::new("ann:{X}right\n");
    let (directory, told) = open(&passwd);
    passwd.write("ann:{X}changed\nsecret without a colon\n");
    for _ in 0..3 {
        assert_eq!(hash(&directory, "ann").await.as_deref(), Some("{X}right"));
    }
    std::fs::remove_file(&passwd.0).unwrap();
    assert_eq!(hash(&directory, "ann").await.as_deref(), Some("{X}right"));
    passwd.write("bob:{X}right\n");
    assert_eq!(find(&directory, "ann").await, Answer::NoSuch);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("line 2") && !told[0].contains("secret"), "{}", told[0]);
    assert_eq!(told[2], "taken: 1");
}

#[tokio::test]
async fn a_new_hash_makes_a_new_version_and_the_same_keeps_it() {
    let passwd = Passwd::new("ann:{X}a\n");
    let (directory, _) = open(&passwd);
    let version = async || match find(&directory, "ann").await {
        Answer::Yes(found) => found.version.expect("a version"),
        answer => panic!("{answer:?}"),
    };
    let before = version().await;
    passwd.replace("bob:{X}a\nann:{X}a\n");
    assert_eq!(version().await, before);
    passwd.replace("ann:{X}b\n");
    assert_ne!(version().await, before);
}

#[tokio::test]
async fn an_account_ends_on_its_day_though_the_file_was_read_before() {
    let passwd = Passwd::new("ann:$6$hash:19000:0:99999:7::20000:\nbob:$6$hash:19000:0:99999:7:::\n");
    let now = Arc::new(AtomicU64::new(20_000 * 86_400 - 1));
    let clock = Arc::clone(&now);
    let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
    let (directory, _) = open_with(&passwd, Box::new(clock));
    let standing = async |name| match find(&directory, name).await {
        Answer::Yes(found) => found.standing,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(standing("ann").await, Standing::Enabled);
    now.fetch_add(1, Ordering::Relaxed);
    assert_eq!(standing("ann").await, Standing::Disabled);
    assert_eq!(standing("bob").await, Standing::Enabled);
}

#[tokio::test]
async fn nobody_is_checked_here_for_a_password_that_is_known_elsewhere() {
    let passwd = Passwd::new("ann:\n");
    let (directory, _) = open(&passwd);
    let Answer::Yes(found) = find(&directory, "ann").await else { panic!("ann is known") };
    assert_eq!(directory.check(&found, Password::new("*")).await, Answer::Wrong);
}

#[test]
fn a_file_that_is_not_there_or_none_is_told_at_the_start() {
    for path in ["/nonexistent/passwd", "/dev/zero", "/tmp"] {
        let config = FileConfig { name: DirectoryName::new("file").expect("a name"), path: path.into() };
        let why = FileDirectory::open(config, Box::new(SystemTime::now), Box::new(|_| ()))
            .expect_err("no file")
            .to_string();
        assert!(why.starts_with(path), "{why}");
    }
}
