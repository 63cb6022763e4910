//! Whom a directory lets in no more: they are asked for again, and are out by all that would let them in.

use crate::house::{House, app_password, is_over, open};
use directory::Standing;
use directory::scripted::{Human, Scripted, State};
use door::{Claim, Entered, ShownCertificate};
use mailbox::account::directory::keyring::{Certificate, Fingerprint, Fingerprinted, Label, Scopes};
use std::sync::Arc;
use std::time::Duration;
use terms::DirectoryName;
use tokio::task::JoinHandle;

const LAPTOP: ShownCertificate = ShownCertificate { certificate: [1; 32], public_key: [2; 32] };

/// Long enough for a round.
const ROUND: Duration = Duration::from_secs(6 * 60);

impl House {
    /// As the server does while it runs.
    fn asks_again(&self) -> JoinHandle<()> {
        let keeper = Arc::clone(&self.keeper);
        tokio::spawn(async move { keeper.ask_again().await })
    }

    async fn enters(&self, name: &str, password: &str) -> Entered {
        self.enter(Claim::login(name.as_bytes(), password.as_bytes()).unwrap()).await.unwrap()
    }
}

/// Nothing is left to do but to wait for the time to go by.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

fn disable(directory: &Scripted, standing: Standing) {
    directory.people().first_mut().unwrap().standing = standing;
}

#[tokio::test(start_paused = true)]
async fn t_37_whom_their_directory_disables_is_out_by_everything_until_it_lets_them_in_again() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    let _asking = house.asks_again();
    let ann = house.sign_in("ann", "right").await;
    let app = app_password(&house, "ann", Scopes::MAIL).await;
    let fingerprint = Fingerprint { of: Fingerprinted::Certificate, sha256: LAPTOP.certificate };
    let laptop = Certificate { fingerprint, label: Label::new("laptop").unwrap() };
    house.accounts.bind("ann", &laptop).await.unwrap();
    let sessions = [
        house.enters("ann", "right").await,
        house.enters("ann", &app).await,
        house.show(Some(LAPTOP), "").await.unwrap(),
    ];
    pass(ROUND).await;
    assert!(!sessions.iter().any(is_over), "she is there");
    disable(&staff, Standing::Disabled);
    pass(ROUND).await;
    assert!(sessions.iter().all(is_over));
    assert_eq!(house.sign_in("ann", &app).await, "Wrong");
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
    assert!(house.show(Some(LAPTOP), "").await.is_err());
    // Nothing of the account has changed. Who tries is asked for at once, and the next try lets in.
    disable(&staff, Standing::Enabled);
    pass(Duration::from_secs(5)).await;
    house.sign_in("ann", &app).await;
    pass(Duration::from_secs(1)).await;
    assert_eq!(house.sign_in("ann", &app).await, ann);
    assert!(house.show(Some(LAPTOP), "").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_signs_in_by_the_directorys_own_word_is_in_again_at_once() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    let asking = house.asks_again();
    let session = house.enters("ann", "right").await;
    disable(&staff, Standing::Disabled);
    pass(ROUND).await;
    assert!(is_over(&session));
    asking.abort();
    disable(&staff, Standing::Enabled);
    assert_eq!(house.sign_in("ann", "right").await, format!("1 {:?}", session.name));
    assert!(house.accounts.barred().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_has_gone_from_their_directory_is_out_within_seconds_of_signing_in_by_an_app_password() {
    let staff = Scripted::new("staff", &[("ann", "right"), ("bob", "his")]);
    let house = House::new(vec![open(&staff)]).await;
    let _asking = house.asks_again();
    house.sign_in("ann", "right").await;
    let app = app_password(&house, "ann", Scopes::MAIL).await;
    pass(ROUND).await;
    staff.people().remove(0);
    let session = house.enters("ann", &app).await;
    pass(Duration::from_secs(1)).await;
    assert!(is_over(&session));
    assert_eq!(house.sign_in("ann", &app).await, "Wrong");
    // Whoever comes later and is called the same is somebody else.
    let another = Human { subject: "another".into(), ..Human::new("staff", "ann", "new") };
    staff.people().push(another);
    pass(ROUND).await;
    assert_eq!(house.sign_in("ann", &app).await, "Wrong");
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_cannot_be_asked_keeps_nobody_out_and_lets_nobody_in_again() {
    let staff = Scripted::new("staff", &[("ann", "right"), ("bob", "his")]);
    let house = House::new(vec![open(&staff)]).await;
    let _asking = house.asks_again();
    let sessions = [house.enters("ann", "right").await, house.enters("bob", "his").await];
    let app = app_password(&house, "ann", Scopes::MAIL).await;
    disable(&staff, Standing::Disabled);
    pass(ROUND).await;
    assert!(is_over(&sessions[0]) && !is_over(&sessions[1]));
    for state in [State::Down, State::Silent] {
        staff.becomes(state);
        disable(&staff, Standing::Enabled);
        pass(ROUND).await;
        assert!(!is_over(&sessions[1]), "{state:?}");
        assert_eq!(house.sign_in("ann", &app).await, "DirectoryDown", "{state:?}");
    }
    // Nor does a restart.
    let again = house.restarted(vec![open(&staff)]).await;
    assert_eq!(again.sign_in("ann", &app).await, "DirectoryDown");
}

#[tokio::test(start_paused = true)]
async fn who_is_called_otherwise_by_now_is_not_taken_for_gone() {
    let by_subject = Scripted::new("staff", &[("ann", "right")]);
    let by_name = Scripted::new("staff", &[("ann", "right")]).by_names_alone();
    for staff in [by_subject, by_name] {
        let house = House::new(vec![open(&staff)]).await;
        let _asking = house.asks_again();
        house.sign_in("ann", "right").await;
        let app = app_password(&house, "ann", Scopes::MAIL).await;
        staff.people().first_mut().unwrap().login = "ann.b".into();
        let session = house.enters("ann", &app).await;
        pass(ROUND).await;
        assert!(!is_over(&session), "{staff:?}");
        // Where a name is all that can be asked for, it has to be asked for by one that is theirs.
        house.accounts.rename("ann", "ann.b").await.unwrap();
        disable(&staff, Standing::Disabled);
        pass(ROUND).await;
        assert!(is_over(&session), "{staff:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_where_the_name_is_who_somebody_is_is_out() {
    let staff = Scripted::new("staff", &[("ann", "right")]).by_names_alone();
    staff.people().first_mut().unwrap().subject = "ann".into();
    let house = House::new(vec![open(&staff)]).await;
    let _asking = house.asks_again();
    let session = house.enters("ann", "right").await;
    staff.people().clear();
    pass(ROUND).await;
    assert!(is_over(&session));
}

#[tokio::test(start_paused = true)]
async fn where_no_directory_has_a_say_any_more_nobody_is_kept_out() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    let _asking = house.asks_again();
    house.enters("ann", "right").await;
    let app = app_password(&house, "ann", Scopes::MAIL).await;
    let session = house.enters("ann", &app).await;
    disable(&staff, Standing::Disabled);
    pass(ROUND).await;
    assert!(is_over(&session));
    house.accounts.unlink("ann", &DirectoryName::new("staff").unwrap()).await.unwrap();
    assert!(house.sign_in("ann", &app).await.starts_with("1 "));
}

#[tokio::test(start_paused = true)]
async fn a_password_of_before_lets_nobody_in_again_whom_the_directory_lets_in_with_another() {
    let staff = Scripted::new("staff", &[("ann", "old")]);
    let house = House::new(vec![open(&staff)]).await;
    let _asking = house.asks_again();
    let session = house.enters("ann", "old").await;
    disable(&staff, Standing::Disabled);
    pass(ROUND).await;
    assert!(is_over(&session));
    assert_eq!(house.sign_in("ann", "old").await, "Wrong");
    // The admin gives her another password, and lets her in again.
    staff.people().first_mut().unwrap().password = "new".into();
    disable(&staff, Standing::Enabled);
    assert_eq!(house.sign_in("ann", "old").await, "Wrong");
    assert!(house.sign_in("ann", "new").await.starts_with("1 "));
}
