//! A steward before a real authority, with a clock and dice of the test's own. The authority believes everything here: how
//! names are proved is tried on the whole server.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod front;

use acme::{Authority, Hook, Outcome, Proof, Steward, Wanted};
use certificates::{Certificates, Validations};
use fetch::Roots;
use front::Front;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use testkit::pebble::{Pebble, Wish, free_port};

const NAME: &str = "mail.example.org";
const DAY: u64 = 24 * 60 * 60;

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("acme-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn pebble(folder: &Path) -> Pebble {
    Pebble::start(&folder.join("pebble"), Wish { looks: false, validity: 90 * DAY, ..Wish::default() })
}

/// A steward with dice that always fall in the middle.
fn steward(folder: &Path, directory: &str, ca: &Path, names: &[&str]) -> Steward {
    steward_with(None, folder, directory, ca, names)
}

/// The same, where a hook is to put proofs into DNS.
fn steward_with(hook: Option<Hook>, folder: &Path, directory: &str, ca: &Path, names: &[&str]) -> Steward {
    let authority = Authority {
        directory: directory.to_owned(),
        roots: Roots::File(ca.to_owned()),
        contact: vec!["mailto:postmaster@example.org".to_owned()],
        agree_to_terms: true,
        external_account: None,
        profile: None,
    };
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let proof = if hook.is_some() { Proof::Dns01 } else { Proof::Http01 };
    let wanted = vec![Wanted { names, proof }];
    let validations = Arc::new(Validations::default());
    Steward::open(authority, &folder.join("acme"), wanted, hook, validations, || u64::MAX / 2).unwrap()
}

fn seconds(from: SystemTime, to: SystemTime) -> u64 {
    to.duration_since(from).unwrap().as_secs()
}

async fn issued(steward: &Steward, now: SystemTime) -> SystemTime {
    match steward.tend(now).await.0 {
        Some(Outcome::Issued { names, until, .. }) => {
            assert_eq!(names, [NAME]);
            until
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_is_ordered_once_and_again_at_two_thirds_of_its_life() {
    let folder = scratch("life");
    let pebble = pebble(&folder);
    let steward = steward(&folder, &pebble.directory, &pebble.ca, &[NAME]);
    let now = SystemTime::now();
    let until = issued(&steward, now).await;
    let file = steward.files().next().unwrap();
    let held = fs::read(&file.chain).unwrap();
    assert_eq!(fs::metadata(&file.chain).unwrap().permissions().mode() & 0o777, 0o600);
    Certificates::load(vec![file.clone()]).unwrap();

    let (none, next) = steward.tend(now + Duration::from_secs(2 * 60 * 60)).await;
    assert_eq!(none, None, "this authority has no wishes, and it is early");
    assert!(next > now + Duration::from_secs(2 * 60 * 60));
    let planned = steward.status(now)[0].next;
    let (life, until_then) = (seconds(now, until), seconds(now, planned));
    assert!(until_then.abs_diff(life * 2 / 3) < DAY, "{until_then} of {life}");
    assert_eq!(steward.tend(planned - Duration::from_secs(1)).await.0, None);
    issued(&steward, planned).await;
    assert_ne!(fs::read(&file.chain).unwrap(), held);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_failure_waits_twice_as_long_each_time_and_a_restart_does_not_shorten_it() {
    let folder = scratch("failure");
    let pebble = pebble(&folder);
    let nobody = format!("https://127.0.0.1:{}/dir", free_port());
    let mut now = SystemTime::now();
    let mut pauses = Vec::new();
    for _ in 0..3 {
        // Each time another process.
        let steward = steward(&folder, &nobody, &pebble.ca, &[NAME]);
        let (outcome, _) = steward.tend(now).await;
        let Some(Outcome::Failed { again, failures, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(failures as usize, pauses.len() + 1);
        assert_eq!(steward.tend(again - Duration::from_secs(1)).await.0, None, "it waits");
        pauses.push(seconds(now, again) / 60);
        now = again;
    }
    // Ten minutes, twice, four times, and an eighth by dice that fall in the middle.
    assert_eq!(pauses, [11, 22, 44]);
    let steward = steward(&folder, &pebble.directory, &pebble.ca, &[NAME]);
    issued(&steward, now).await;
    let record = &steward.status(now)[0].record;
    assert_eq!((record.failures, &record.problem), (0, &None));
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn behind_a_slow_hook_its_record_is_removed_and_the_pause_begins_at_the_end() {
    let folder = scratch("slow-hook");
    let pebble = pebble(&folder);
    let log = folder.join("log");
    let script = format!("echo $1 >> {}; test $1 = remove || {{ sleep 2; exit 1; }}", log.display());
    let command = ["/bin/sh", "-c", &script, "hook"].map(str::to_owned).to_vec();
    let hook = Hook { command, patience: Duration::from_secs(60) };
    let steward = steward_with(Some(hook), &folder, &pebble.directory, &pebble.ca, &[NAME]);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(UNIX_2030);
    let (outcome, next) = steward.tend(now).await;
    let Some(Outcome::Failed { again, why, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("failed"), "{why}");
    assert_eq!(fs::read_to_string(log).unwrap(), "add\nremove\n");
    // An eighth more than ten minutes, by dice that fall in the middle.
    assert!(seconds(now, again) >= 2 + 674, "{}", seconds(now, again));
    assert_eq!(next, again);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_name_more_is_ordered_at_once_and_the_account_stays_the_same() {
    let folder = scratch("names");
    let pebble = pebble(&folder);
    let now = SystemTime::now();
    issued(&steward(&folder, &pebble.directory, &pebble.ca, &[NAME]), now).await;
    let account = |folder: &Path| {
        let found = fs::read_dir(folder.join("acme")).unwrap().map(|entry| entry.unwrap().path());
        let accounts: Vec<_> = found.filter(|path| path.to_string_lossy().contains("account-")).collect();
        assert_eq!(accounts.len(), 1);
        fs::read(&accounts[0]).unwrap()
    };
    let before = account(&folder);
    let more = steward(&folder, &pebble.directory, &pebble.ca, &[NAME, "imap.example.org"]);
    let (outcomes, _) = more.tend(now).await;
    assert!(
        matches!(outcomes.as_slice(), [Outcome::Issued { names, .. }] if names.len() == 2),
        "{outcomes:?}"
    );
    assert_eq!(account(&folder), before);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_ordered_anew_and_not_once_a_second() {
    let folder = scratch("unreadable");
    let pebble = pebble(&folder);
    let steward = steward(&folder, &pebble.directory, &pebble.ca, &[NAME]);
    let now = SystemTime::now();
    issued(&steward, now).await;
    fs::write(&steward.files().next().unwrap().chain, "no certificate").unwrap();
    assert_eq!(steward.tend(now + Duration::from_secs(1)).await.0, None);
    issued(&steward, now + Duration::from_secs(2 * 60 * 60)).await;
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn an_authority_that_has_forgotten_us_is_told_anew_who_we_are() {
    let folder = scratch("forgotten");
    let first = pebble(&folder);
    let now = SystemTime::now();
    let own = steward(&folder, &first.directory, &first.ca, &[NAME]);
    issued(&own, now).await;
    // Another one, which knows nobody, at the place of the first: the front stands still.
    let front = Front::before(first.address, &first.ca).await;
    let through = steward(&folder.join("through"), &front.directory, &front.ca, &[NAME]);
    issued(&through, now).await;
    let second_folder = folder.join("second");
    let second = pebble(&second_folder);
    front.turn_to(second.address, &second.ca);
    let again = through.renew(None, now).await.unwrap();
    assert!(matches!(again.as_slice(), [Outcome::Issued { .. }]), "{again:?}");
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_renewal_happens_when_the_authority_wishes_it_and_says_what_it_replaces() {
    let folder = scratch("wish");
    let pebble = pebble(&folder);
    let front = Front::before(pebble.address, &pebble.ca).await;
    let steward = steward(&folder, &front.directory, &front.ca, &[NAME]);
    let now = SystemTime::now();
    issued(&steward, now).await;
    assert_eq!(front.replaced(), Vec::<String>::new());

    // It is asked about the certificate by its identifier, and a moment in the midst of the window is chosen.
    let midnight = UNIX_2030;
    front.wish("2030-01-01T00:00:00Z", "2030-01-03T00:00:00Z");
    let later = now + Duration::from_secs(2 * 60 * 60);
    assert_eq!(steward.tend(later).await.0, None);
    let hint = steward.status(later)[0].record.hint.clone().unwrap();
    assert_eq!((hint.start, hint.end), (midnight, midnight + 2 * DAY));
    assert_eq!(hint.moment, midnight + DAY - 1);
    assert_eq!(hint.explanation.as_deref(), Some("https://example.org/why"));
    assert_eq!(front.asked(), vec![hint.certificate.clone()]);
    let planned = steward.status(later)[0].next;
    assert!(
        planned < SystemTime::UNIX_EPOCH + Duration::from_secs(midnight),
        "but never behind the last chance"
    );

    // Something happened: the authority wants it renewed now (RFC 9773, 4.2).
    front.wish("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let later = later + Duration::from_secs(25 * 60 * 60);
    issued(&steward, later).await;
    assert_eq!(front.replaced(), vec![hint.certificate]);
    fs::remove_dir_all(folder).unwrap();
}

/// 2030-01-01T00:00:00Z.
const UNIX_2030: u64 = 1_893_456_000;

#[tokio::test]
async fn two_orders_are_never_under_way() {
    let folder = scratch("twice");
    let pebble = pebble(&folder);
    let steward = steward(&folder, &pebble.directory, &pebble.ca, &[NAME]);
    let now = SystemTime::now();
    let (tended, renewed) = tokio::join!(steward.tend(now), steward.renew(None, now));
    assert!(matches!(tended.0, Some(Outcome::Issued { .. })), "{tended:?}");
    assert_eq!(renewed, None);
    fs::remove_dir_all(folder).unwrap();
}
