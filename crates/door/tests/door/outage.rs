//! Directories that are down, that are gone from the settings, or that find names and answer no password.

use crate::house::{House, KIB, app_password, open};
use directory::scripted::{Pace, Scripted, State};
use door::{Elsewhere, Expected};
use mailbox::account::directory::keyring::{Link, Scopes, Service};
use std::time::Duration;
use terms::{DirectoryName, Login, Subject};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_down_calls_nothing_wrong() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    house.add("own", "ours").await;
    let ann = house.sign_in("ann", "right").await;
    staff.becomes(State::Down);
    for (name, password) in [("ann", "right"), ("ann", "wrong"), ("nobody", "x")] {
        assert_eq!(house.sign_in(name, password).await, "DirectoryDown", "{name} {password}");
    }
    assert!(house.sign_in("own", "ours").await.starts_with("1 "), "others are as ever");
    staff.becomes(State::Silent);
    assert_eq!(house.sign_in("ann", "right").await, "DirectoryDown");
    staff.becomes(State::Up);
    tokio::time::advance(directory::ASKED_AGAIN_AFTER).await;
    assert_eq!(house.sign_in("ann", "right").await, ann);
    assert_eq!(house.sign_in("ann", "wrong").await, "Wrong");
}

#[tokio::test(start_paused = true)]
async fn an_app_password_lets_in_while_a_directory_is_down_and_costs_no_hash() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    house.add("own", "ours").await;
    let (ann, own) = (house.sign_in("ann", "right").await, house.sign_in("own", "ours").await);
    let (of_ann, of_own) =
        (app_password(&house, "ann", Scopes::MAIL).await, app_password(&house, "own", Scopes::MAIL).await);
    staff.becomes(State::Down);
    let (hashed, asked) = (house.pool.verified_kib(), staff.times_asked());
    assert_eq!(house.sign_in("ann", &of_ann).await, ann);
    assert_eq!(house.sign_in("own", &of_own.to_uppercase()).await, own);
    assert_eq!((house.pool.verified_kib(), staff.times_asked()), (hashed, asked));
    // It is its owner's alone, and of no use to one who is disabled.
    assert_eq!(house.sign_in("own", &of_ann).await, "Wrong");
    let disabled = mailbox::account::directory::Standing::Disabled;
    house.accounts.set_standing("own", disabled).await.unwrap();
    assert_eq!(house.sign_in("own", &of_own).await, "Wrong");
    // What is for other protocols costs what a wrong password costs.
    let sends = app_password(&house, "own", Scopes::of([Service::SUBMISSION]).unwrap()).await;
    house.accounts.set_standing("own", mailbox::account::directory::Standing::Enabled).await.unwrap();
    let hashed = house.pool.verified_kib();
    assert_eq!(house.sign_in("own", &sends).await, "Wrong");
    assert_eq!(house.pool.verified_kib(), hashed + KIB);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_the_settings_have_no_more_gives_no_password_of_before_its_turn_again() {
    let house = House::new(Vec::new()).await;
    house.add("ann", "ours").await;
    assert!(house.sign_in("ann", "ours").await.starts_with("1 "));
    let gone = DirectoryName::new("gone").unwrap();
    let link = Link { directory: gone.clone(), subject: Subject::new("1").unwrap() };
    house.accounts.link("ann", &link).await.unwrap();
    for password in ["ours", "wrong"] {
        assert_eq!(house.sign_in("ann", password).await, "DirectoryDown", "{password}");
    }
    let missing = Elsewhere::default().missing_of(&house.accounts);
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), std::slice::from_ref(&gone));
    house.accounts.unlink("ann", &gone).await.unwrap();
    assert!(house.sign_in("ann", "ours").await.starts_with("1 "));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_judged_is_a_directory_that_is_down() {
    let sso = Scripted::new("sso", &[("ann", "")]).of_tokens_alone();
    let house = House::new(vec![open(&sso)]).await;
    sso.becomes(State::Down);
    assert_eq!(house.bearer(None, "sso/ann").await, "DirectoryDown");
    assert_eq!(house.elsewhere.down(), [DirectoryName::new("sso").unwrap()]);
    sso.becomes(State::Up);
    assert!(house.bearer(None, "sso/ann").await.starts_with("1 "));
    assert!(house.elsewhere.down().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_password_that_a_directory_was_handed_and_did_not_answer_counts_as_one_that_is_wrong() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    staff.checks_become(State::Silent);
    let from = "198.51.100.1:1";
    let mut heard = Vec::new();
    for n in 0..20 {
        heard.push(house.sign_in_from(from, "ann", &format!("guess {n}")).await);
    }
    assert!(heard.iter().filter(|answer| *answer == "DirectoryDown").count() < 10, "{heard:?}");
    assert!(heard.last().unwrap().starts_with("Limited"), "{heard:?}");
    // Who has one password alone, and tries again, counts once.
    let telephone = "203.0.113.1:1";
    let _ = house.limits.clear();
    for _ in 0..20 {
        assert_eq!(house.sign_in_from(telephone, "ann", "right").await, "DirectoryDown");
    }
    staff.checks_become(State::Up);
    tokio::time::advance(directory::ASKED_AGAIN_AFTER).await;
    assert!(house.sign_in_from(telephone, "ann", "right").await.starts_with("1 "));
}

#[tokio::test(start_paused = true)]
async fn a_right_password_that_was_refused_while_its_owner_was_locked_out_is_taken_a_quarter_of_an_hour_later()
 {
    let staff = Scripted::new("staff", &[("ann", "another")]);
    staff.people()[0].version = Some("unchanged".into());
    let house = House::new(vec![open(&staff)]).await;
    // A lock looks like this from outside: no password is right, and nothing else is another.
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
    staff.people()[0].password = "right".into();
    let checked = staff.times_checked();
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
    assert_eq!(staff.times_checked(), checked, "it is not handed on again");
    tokio::time::advance(Duration::from_secs(15 * 60)).await;
    assert!(house.sign_in("ann", "right").await.starts_with("1 "));
}

#[tokio::test(start_paused = true)]
async fn t_38_how_long_a_directory_takes_over_passwords_is_learned_from_the_first() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    staff.takes(Pace { find: Duration::from_millis(20), check: Duration::from_millis(700) });
    house.turned_away("ann", "wrong").await;
    let (ann, nobody) =
        (house.turned_away("ann", "another").await, house.turned_away("nobody", "another").await);
    assert_eq!(ann, nobody);
    assert_eq!(ann.1, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn while_a_directory_answers_no_password_a_name_that_nobody_has_is_told_and_counted_as_one_of_its_own()
{
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    staff.checks_become(State::Silent);
    house.sign_in("ann", "right").await;
    let _ = house.limits.clear();
    let told = async |from: &str, name: &str| {
        let mut told = Vec::new();
        for n in 0..8 {
            let asked = Instant::now();
            let heard = house.sign_in_from(from, name, &format!("guess {n} {from}")).await;
            let heard = heard.split_once('(').map_or(heard.as_str(), |(heard, _)| heard).to_owned();
            told.push((heard, asked.elapsed()));
            // Each is the one that is asked whether the directory is back.
            tokio::time::advance(directory::ASKED_AGAIN_AFTER).await;
        }
        told
    };
    let (ann, nobody) = (told("198.51.100.1:1", "ann").await, told("203.0.113.1:1", "nobody").await);
    assert_eq!(ann, nobody);
    assert_eq!(ann.last().unwrap().0, "Limited", "{ann:?}");
    // Mail for nobody is refused as ever: who brings it guesses at nothing.
    let nobody = Login::new("nobody").unwrap();
    assert_eq!(house.elsewhere.expect(&house.accounts, &nobody).await, Expected::Nobody);
}
