//! What accounts have beside their passwords: app passwords, certificates, policies, and passwords sent in clear.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use mail::{
    Account, Accounts, AppVerdict, Credential, DirectoryError, JudgedBy, LastUse, NewAppPassword, SignIn,
    SignedOut, TakenIn, Unusable,
};
use mailbox::account::directory::keyring::{
    AppPasswordId, Certificate, Exposure, Fingerprint, Fingerprinted, Label, Link, OwnPassword, Scopes,
    Service, Subject,
};
use mailbox::account::directory::{Called, DirectoryRefusal, Login, Newcomers, Standing};
use sasl::{AppRecord, Cost, CredentialRecord, Salts, Secret, Workspace};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use store::{AccountId, Seq, Store, StreamId};
use store_local::{LocalStore, Options};
use support::local::pumping;
use support::{accounts, ann, record, store};
use terms::DirectoryName;
use testkit::disk::FaultyDisk;

const ANN: &str = "ann@example.org";
const NOW_S: i64 = 1_790_000_000;

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn phone() -> NewAppPassword {
    NewAppPassword { label: label("phone"), scopes: Scopes::MAIL, expires_s: None, networks: [].into() }
}

/// Its id, and what its owner is shown.
async fn give(accounts: &Accounts, name: &str, new: &NewAppPassword) -> (AppPasswordId, String) {
    let drawn = accounts.draw_app_password();
    let own = accounts.own_record(name).unwrap();
    let record = AppRecord::new(&drawn, own.as_ref().map(|own| own.scram()));
    let id = accounts.add_app_password(name, new, &record).await.unwrap();
    (id, drawn.reveal().to_owned())
}

const BY_IMAP: SignIn = SignIn { now_s: NOW_S, service: Service::IMAP, address: None };

fn verdict(accounts: &Accounts, account: &Account, typed: &str, sign_in: SignIn) -> AppVerdict {
    accounts.check_app_password(Some(account.id()), &Secret::password(typed).unwrap(), &sign_in)
}

fn is_over(signed_out: &SignedOut) -> bool {
    let wait = pin!(signed_out.clone().wait());
    wait.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

#[tokio::test]
async fn an_app_password_lets_in_as_it_was_shown_and_as_people_type_it() {
    let (accounts, ann) = ann(&store()).await;
    let (id, shown) = give(&accounts, ANN, &phone()).await;
    let (other, _) = give(&accounts, ANN, &NewAppPassword { label: label("tablet"), ..phone() }).await;
    assert_ne!(id, other);
    let (first, rest) = shown.split_at(5);
    for typed in [shown.clone(), shown.to_uppercase(), format!("{first} {rest}"), format!(" {first}-{rest} ")]
    {
        assert_eq!(verdict(&accounts, &ann, &typed, BY_IMAP), AppVerdict::Right(id), "{typed}");
    }
    for typed in ["secret", first, &"a".repeat(25)] {
        assert_eq!(verdict(&accounts, &ann, typed, BY_IMAP), AppVerdict::NotOne, "{typed}");
    }
    let nobody = accounts.check_app_password(None, &Secret::password(&shown).unwrap(), &BY_IMAP);
    assert_eq!(nobody, AppVerdict::NotOne);
    // It is of this account alone.
    let ben = accounts.add("ben@example.org", &record("secret")).await.unwrap();
    assert_eq!(verdict(&accounts, &accounts.account(ben), &shown, BY_IMAP), AppVerdict::NotOne);
}

#[tokio::test]
async fn what_an_app_password_is_not_for_it_does_not_let_in_to() {
    let (accounts, ann) = ann(&store()).await;
    let new = NewAppPassword {
        scopes: Scopes::of([Service::SUBMISSION]).unwrap(),
        expires_s: Some(NOW_S + 10),
        networks: ["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()].into(),
        ..phone()
    };
    let (id, shown) = give(&accounts, ANN, &new).await;
    let from = |address: &str| Some(address.parse().unwrap());
    let near = SignIn { service: Service::SUBMISSION, address: from("192.0.2.9"), ..BY_IMAP };
    for (sign_in, expected) in [
        (near, AppVerdict::Right(id)),
        (SignIn { address: from("::ffff:192.0.2.9"), ..near }, AppVerdict::Right(id)),
        (SignIn { address: from("2001:db8::9"), ..near }, AppVerdict::Right(id)),
        (SignIn { now_s: NOW_S + 9, ..near }, AppVerdict::Right(id)),
        (SignIn { now_s: NOW_S + 10, ..near }, AppVerdict::Unusable(id, Unusable::Expired)),
        (SignIn { service: Service::IMAP, ..near }, AppVerdict::Unusable(id, Unusable::Service)),
        (SignIn { address: from("198.51.100.1"), ..near }, AppVerdict::Unusable(id, Unusable::Network)),
        (SignIn { address: None, ..near }, AppVerdict::Unusable(id, Unusable::Network)),
    ] {
        assert_eq!(verdict(&accounts, &ann, &shown, sign_in), expected, "{sign_in:?}");
    }
}

#[tokio::test]
async fn t_37_who_signed_in_with_an_app_password_is_signed_out_when_it_is_revoked_and_nobody_else() {
    let (accounts, ann) = ann(&store()).await;
    let (phone_id, shown) = give(&accounts, ANN, &phone()).await;
    let (tablet_id, _) = give(&accounts, ANN, &NewAppPassword { label: label("tablet"), ..phone() }).await;
    let with = [Credential::App(phone_id), Credential::App(tablet_id), Credential::Password];
    let sessions = with.map(|with| ann.signed_out_with(with));
    let revoked = accounts.revoke_app_password(ANN, "phone").await.unwrap();
    assert_eq!(revoked.id, phone_id);
    assert_eq!(sessions.each_ref().map(is_over), [true, false, false]);
    assert_eq!(with.map(|with| accounts.takes(ann.id(), with)), [false, true, true]);
    assert_eq!(verdict(&accounts, &ann, &shown, BY_IMAP), AppVerdict::NotOne);
    assert!(accounts.revoke_app_password(ANN, "phone").await.is_err());
    accounts.set_standing(ANN, Standing::Disabled).await.unwrap();
    assert_eq!(sessions.each_ref().map(is_over), [true; 3]);
    assert!(!accounts.takes(ann.id(), with[1]));
}

#[tokio::test]
async fn what_another_process_revokes_ends_here() {
    let store = store();
    let (here, ann) = ann(&store).await;
    let (id, _) = give(&here, ANN, &phone()).await;
    let session = ann.signed_out_with(Credential::App(id));
    accounts(&store).await.revoke_app_password(ANN, &id.to_string()).await.unwrap();
    // Any change follows what others did first.
    here.add("ben@example.org", &record("secret")).await.unwrap();
    assert!(is_over(&session));
}

#[tokio::test]
async fn an_own_password_that_is_refused_is_told_as_such_and_its_sessions_end() {
    let (accounts, ann) = ann(&store()).await;
    let session = || ann.signed_out_with(Credential::Password);
    let own = |accounts: &Accounts| accounts.find(ANN, &Cost::RECOMMENDED).own_password;
    let before = session();
    assert_eq!(own(&accounts), OwnPassword::Allowed);
    accounts.set_own_password(ANN, OwnPassword::Refused).await.unwrap();
    assert_eq!((own(&accounts), is_over(&before)), (OwnPassword::Refused, true));
    assert!(!accounts.takes(ann.id(), Credential::Password));
    accounts.set_own_password(ANN, OwnPassword::Allowed).await.unwrap();
    let after = session();
    accounts.set_own_password(ANN, OwnPassword::Allowed).await.unwrap();
    assert!(!is_over(&after) && accounts.takes(ann.id(), Credential::Password));
}

#[tokio::test]
async fn t_37_who_signed_in_with_a_password_is_signed_out_when_it_is_changed_and_nobody_else() {
    let (accounts, ann) = ann(&store()).await;
    let (phone_id, _) = give(&accounts, ANN, &phone()).await;
    let with = [Credential::Password, Credential::App(phone_id), Credential::Token];
    let sessions = with.map(|with| ann.signed_out_with(with));
    let old = accounts.own_record(ANN).unwrap().unwrap();
    let still_takes = |record: &CredentialRecord| {
        let by = JudgedBy::Record(Box::new(record.clone()));
        accounts.still_takes(ann.id(), Credential::Password, &by)
    };
    let is_taken = || still_takes(&old);
    assert!(is_taken());
    accounts.set_credential(ANN, &record("another")).await.unwrap();
    assert_eq!(sessions.each_ref().map(is_over), [true, false, false]);
    assert!(!is_taken(), "whoever began with the old one comes too late");
    assert!(still_takes(&accounts.own_record(ANN).unwrap().unwrap()));
    assert!(!is_over(&ann.signed_out_with(Credential::Password)), "the new one lets in");
}

fn somebody_of(directory: &str) -> Link {
    Link { directory: DirectoryName::new(directory).unwrap(), subject: Subject::new("4711").unwrap() }
}

#[tokio::test]
async fn t_37_who_signed_in_with_an_accounts_own_password_is_signed_out_when_a_directory_is_asked_instead() {
    let (accounts, ann) = ann(&store()).await;
    let (phone_id, _) = give(&accounts, ANN, &phone()).await;
    let with = [Credential::Password, Credential::App(phone_id)];
    let sessions = with.map(|with| ann.signed_out_with(with));
    accounts.link(ANN, &somebody_of("staff")).await.unwrap();
    assert_eq!(sessions.each_ref().map(is_over), [true, false]);
    // One more directory that knows the same people takes nothing away.
    let session = ann.signed_out_with(Credential::Password);
    accounts.link(ANN, &somebody_of("tokens")).await.unwrap();
    assert!(!is_over(&session));
}

#[tokio::test]
async fn a_better_hash_of_the_same_password_signs_nobody_out() {
    let (accounts, ann) = ann(&store()).await;
    let session = ann.signed_out_with(Credential::Password);
    let old = accounts.own_record(ANN).unwrap().unwrap();
    let fresh = hashed_anew("secret");
    accounts.renew_credential(ann.id(), &old, &fresh).await;
    assert_eq!(accounts.own_record(ANN).unwrap().unwrap().encode(), fresh.encode());
    assert!(!is_over(&session));
    let still_takes = |record: &CredentialRecord| {
        let by = JudgedBy::Record(Box::new(record.clone()));
        accounts.still_takes(ann.id(), Credential::Password, &by)
    };
    assert!(still_takes(&old), "it has begun before");
    // What is no renewal of it is another password.
    accounts.set_credential(ANN, &record("another")).await.unwrap();
    assert!(is_over(&session));
    assert!(!still_takes(&fresh));
}

fn hashed_anew(password: &str) -> CredentialRecord {
    let cost = Cost::new(8, 1, 4_096).unwrap();
    CredentialRecord::new(&Secret::password(password).unwrap(), Salts([8; 32]), &cost, &mut Workspace::new())
}

#[tokio::test]
async fn a_certificate_stands_for_an_account_until_it_is_taken_back() {
    let (accounts, ann) = ann(&store()).await;
    let fingerprint = Fingerprint { of: Fingerprinted::Certificate, sha256: [3; 32] };
    accounts.bind(ANN, &Certificate { fingerprint, label: label("laptop") }).await.unwrap();
    assert_eq!(accounts.bound(&fingerprint).unwrap().0, ann.id());
    let session = ann.signed_out_with(Credential::Certificate(fingerprint));
    accounts.unbind(ANN, &fingerprint).await.unwrap();
    assert!(is_over(&session) && accounts.bound(&fingerprint).is_none());
}

#[tokio::test]
async fn last_use_is_written_once_a_minute_at_most() {
    let (accounts, ann) = ann(&store()).await;
    let (id, _) = give(&accounts, ANN, &phone()).await;
    let last_use = |when_s| LastUse { when_s, address: None, client: "K-9".into() };
    let noted = async || accounts.app_passwords(ANN).await.unwrap().remove(0).last_use;
    assert_eq!(noted().await, None);
    for (when_s, expected) in [(0, 0), (1, 0), (59, 0), (60, 60), (61, 60), (30, 30), (200, 200)] {
        accounts.note_use(ann.id(), id, &last_use(NOW_S + when_s)).await.unwrap();
        assert_eq!(noted().await, Some(last_use(NOW_S + expected)), "{when_s}");
    }
}

const EXPOSED: Exposure = Exposure { when_s: NOW_S, address: None, service: Service::IMAP };

async fn directory_events(store: &dyn Store) -> usize {
    let stream = StreamId { account: AccountId::DIRECTORY, number: 0 };
    store.read(stream, Seq::NONE, 10_000).await.unwrap().len()
}

#[tokio::test]
async fn strangers_cause_one_write_an_account_and_none_for_names_that_nobody_has() {
    let store = store();
    let (accounts, ann) = ann(&store).await;
    give(&accounts, ANN, &phone()).await;
    let before = directory_events(&*store).await;
    for _ in 0..3 {
        for name in ["nobody@example.org", "", "no name\0"] {
            accounts.expose(name, EXPOSED).await.unwrap();
        }
    }
    assert_eq!(directory_events(&*store).await, before);
    let later = Exposure { when_s: NOW_S + 5, ..EXPOSED };
    accounts.expose("ANN@example.org", EXPOSED).await.unwrap();
    let after = directory_events(&*store).await;
    tokio::join!(accounts.expose(ANN, later), accounts.expose(ANN, later), accounts.expose(ANN, later))
        .0
        .unwrap();
    assert_eq!(directory_events(&*store).await, after);
    assert_eq!(accounts.exposure(ann.id()).await.unwrap(), Some(EXPOSED));
    assert_eq!(accounts.clear_exposure(ANN).await.unwrap(), Some(EXPOSED));
    assert_eq!(accounts.clear_exposure(ANN).await.unwrap(), None);
    assert_eq!(accounts.exposure(ann.id()).await.unwrap(), None);
}

#[tokio::test]
async fn many_who_cause_it_at_once_cause_one_write() {
    let store = store();
    let (accounts, _) = ann(&store).await;
    give(&accounts, ANN, &phone()).await;
    let before = directory_events(&*store).await;
    let expose = || accounts.expose(ANN, EXPOSED);
    let _ = tokio::join!(expose(), expose(), expose(), expose());
    assert_eq!(directory_events(&*store).await, before + 2, "said twice, as all is");
}

#[tokio::test]
async fn a_new_password_clears_what_can_only_have_been_the_old_one() {
    let (accounts, ann) = ann(&store()).await;
    accounts.expose(ANN, EXPOSED).await.unwrap();
    accounts.set_credential(ANN, &record("new")).await.unwrap();
    assert_eq!(accounts.exposure(ann.id()).await.unwrap(), None);
    give(&accounts, ANN, &phone()).await;
    accounts.expose(ANN, EXPOSED).await.unwrap();
    accounts.set_credential(ANN, &record("newer")).await.unwrap();
    assert_eq!(
        accounts.exposure(ann.id()).await.unwrap(),
        Some(EXPOSED),
        "it may have been the app password"
    );
}

#[tokio::test]
async fn a_new_password_of_an_account_whose_directory_is_asked_instead_clears_nothing() {
    for has_keyrings in [true, false] {
        let (accounts, ann) = ann(&store()).await;
        if has_keyrings {
            accounts.link(ANN, &somebody_of("staff")).await.unwrap();
        }
        accounts.expose(ANN, EXPOSED).await.unwrap();
        accounts.link(ANN, &somebody_of("staff")).await.unwrap();
        accounts.set_credential(ANN, &record("new")).await.unwrap();
        assert_eq!(accounts.exposure(ann.id()).await.unwrap(), Some(EXPOSED), "it was the directory's");
    }
}

#[tokio::test]
async fn a_renamed_account_keeps_mail_sessions_and_app_passwords() {
    let (accounts, ann) = ann(&store()).await;
    let (id, shown) = give(&accounts, ANN, &phone()).await;
    let session = ann.signed_out_with(Credential::App(id));
    accounts.rename(ANN, "Anna@example.org").await.unwrap();
    assert!(accounts.named(ANN).is_err());
    assert_eq!(accounts.named("anna@example.org").unwrap().id(), ann.id());
    assert!(!is_over(&session));
    assert_eq!(verdict(&accounts, &ann, &shown, BY_IMAP), AppVerdict::Right(id));
    accounts.add("ben@example.org", &record("x")).await.unwrap();
    let taken = accounts.rename("anna@example.org", "ben@example.org").await.unwrap_err();
    assert!(matches!(taken, DirectoryError::Refused(DirectoryRefusal::AlreadyExists(_))));
}

#[tokio::test]
async fn what_a_directory_changes_about_an_account_is_told_once() {
    let accounts = accounts(&store()).await;
    let (staff, tokens) = (somebody_of("staff"), somebody_of("tokens"));
    let same = [staff.directory.clone()];
    let newcomers = Newcomers { get_accounts: true, same_people_as: &same };
    let come = async |link: &Link, name: &str| {
        accounts.take_in(link, Called::one(&Login::new(name).unwrap()), newcomers).await.unwrap().1
    };
    assert_eq!(come(&staff, "cleo").await, TakenIn::Made);
    assert_eq!(come(&staff, "cleo").await, TakenIn::AsBefore);
    assert_eq!(come(&tokens, "cleo").await, TakenIn::Linked);
    let before = Login::new("cleo").unwrap();
    assert_eq!(come(&tokens, "cleopatra").await, TakenIn::Renamed { before });
    assert_eq!(come(&tokens, "cleopatra").await, TakenIn::AsBefore);
}

#[tokio::test]
async fn an_account_that_is_brought_back_has_its_policy_and_no_app_password() {
    let (accounts, ann) = ann(&store()).await;
    let (_, shown) = give(&accounts, ANN, &phone()).await;
    accounts.set_own_password(ANN, OwnPassword::Refused).await.unwrap();
    accounts.remove(ANN).await.unwrap();
    let removed = accounts.removed().await.unwrap().remove(0);
    accounts.restore(&removed, ANN).await.unwrap();
    let (id, keyring) = accounts.keyring(ANN).unwrap();
    assert_eq!((id, keyring.app_passwords().len()), (ann.id(), 0));
    assert_eq!(keyring.own_password(), OwnPassword::Refused);
    assert_eq!(verdict(&accounts, &ann, &shown, BY_IMAP), AppVerdict::NotOne);
}

#[tokio::test]
async fn a_store_that_uses_nothing_of_it_stays_readable_for_older_versions() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk, &Options::default()).unwrap();
    let store = Arc::new(store);
    let dynamic: Arc<dyn Store> = Arc::<LocalStore>::clone(&store);
    pumping(&mut pump, async {
        let (accounts, ann) = ann(&dynamic).await;
        accounts.set_standing(ANN, Standing::Disabled).await.unwrap();
        accounts.set_credential(ANN, &record("new")).await.unwrap();
        accounts.expose("nobody@example.org", EXPOSED).await.unwrap();
        accounts.set_own_password(ANN, OwnPassword::Allowed).await.unwrap();
        // Strangers cause it: they do not raise a store.
        let later = Exposure { when_s: NOW_S + 5, ..EXPOSED };
        for exposed in [EXPOSED, later] {
            accounts.expose(ANN, exposed).await.unwrap();
            assert_eq!(accounts.exposure(ann.id()).await.unwrap(), Some(EXPOSED));
        }
        for _ in 0..2 {
            assert_eq!(accounts.exposure_to_tell(ann.id()).await, Some(EXPOSED), "until they are told");
        }
        accounts.exposure_told(ann.id(), &EXPOSED).await;
        assert_eq!(accounts.exposure_to_tell(ann.id()).await, None);
        assert_eq!(accounts.clear_exposure(ANN).await.unwrap(), Some(EXPOSED));
        assert_eq!(accounts.exposure(ann.id()).await.unwrap(), None);
        accounts.expose(ANN, later).await.unwrap();
        accounts.set_credential(ANN, &record("newer")).await.unwrap();
        assert_eq!(accounts.exposure(ann.id()).await.unwrap(), None, "it can only have been the old one");
        assert_eq!(store.format(), 2);
        accounts.rename(ANN, "anna@example.org").await.unwrap();
        accounts.expose("anna@example.org", EXPOSED).await.unwrap();
        assert_eq!(store.format(), 3);
        assert_eq!(accounts.exposure(ann.id()).await.unwrap(), Some(EXPOSED));
    })
    .await;
}

#[tokio::test]
async fn what_was_revoked_stays_revoked_when_the_power_goes() {
    for seed in 0..20 {
        let disk = FaultyDisk::new(seed);
        let (store, mut pump) = support::local::open(&disk);
        let (id, shown) = pumping(&mut pump, async {
            let (accounts, ann) = ann(&store).await;
            let (_, shown) = give(&accounts, ANN, &phone()).await;
            give(&accounts, ANN, &NewAppPassword { label: label("tablet"), ..phone() }).await;
            accounts.set_own_password(ANN, OwnPassword::Refused).await.unwrap();
            accounts.revoke_app_password(ANN, "phone").await.unwrap();
            (ann.id(), shown)
        })
        .await;
        let (store, mut pump) = support::local::open(&disk.cut(seed));
        pumping(&mut pump, async {
            let accounts = accounts(&store).await;
            let typed = Secret::password(&shown).unwrap();
            assert_eq!(
                accounts.check_app_password(Some(id), &typed, &BY_IMAP),
                AppVerdict::NotOne,
                "seed {seed}"
            );
            let keyring = accounts.keyring(ANN).unwrap().1;
            assert_eq!(keyring.app_passwords().len(), 1, "seed {seed}");
            assert_eq!(keyring.own_password(), OwnPassword::Refused, "seed {seed}");
        })
        .await;
    }
}
