//! A house where part of the list of accounts is lost.

use crate::house::{House, open, record};
use crate::rotten::Disk;
use directory::scripted::Scripted;
use mail::ScramSha1;
use mailbox::account::directory::keyring::Link;
use mailbox::account::directory::{Called, Newcomers};
use std::sync::Arc;
use std::time::Duration;
use terms::{DirectoryName, Login, Subject};
use tokio::time::Instant;

/// What is known of Ann, whom the directory knows, and of Alice is from before what is lost, and may be so no more. Lin, whom
/// the directory knows, and Bob came later, and of them all is known. Everybody's password is "right".
async fn house(name: &str, staff: &Arc<Scripted>) -> (House, Disk) {
    let mut disk = Disk::new(name);
    let accounts = disk.accounts().await;
    let join = async |known: &str, own: &str| {
        let link = Link {
            directory: DirectoryName::new("staff").unwrap(),
            subject: Subject::new(&format!("staff-{known}")).unwrap(),
        };
        let newcomers = Newcomers { get_accounts: true, same_people_as: &[] };
        accounts.take_in(&link, Called::one(&Login::new(known).unwrap()), newcomers).await.unwrap();
        accounts.add(own, &record("right")).await.unwrap();
    };
    join("ann", "alice").await;
    let before = disk.events().await;
    accounts.add("lost", &record("right")).await.unwrap();
    let lost = before + 1..=disk.events().await;
    join("lin", "bob").await;
    drop(accounts);
    let accounts = disk.rots(lost).await;
    (House::of(accounts, disk.store(), vec![open(staff)], ScramSha1::Never), disk)
}

/// Nobody is told that something is wrong which may be right, nor of whom all is known; not by the time either.
#[tokio::test(start_paused = true)]
async fn t_38_whom_part_of_the_directory_here_is_lost_of_is_told_at_the_same_instant_as_everybody_else() {
    let staff = Scripted::new("staff", &["ann", "lin", "zoe"].map(|name| (name, "right")));
    let (house, _disk) = house("in-doubt", &staff).await;
    for (name, password) in [
        ("nobody", "right"),
        ("alice", "right"),
        ("alice", "wrong"),
        ("ann", "right"),
        ("ann", "wrong"),
        ("bob", "wrong"),
        ("lin", "wrong"),
        ("zoe", "wrong"),
    ] {
        let asked = Instant::now();
        let told = (house.sign_in(name, password).await, asked.elapsed());
        assert_eq!(told, ("Unknowable".into(), Duration::from_millis(500)), "{name} {password}");
    }
    for name in ["bob", "lin"] {
        assert!(house.sign_in(name, "right").await.contains(name), "of whom all is known");
    }
}

#[tokio::test(start_paused = true)]
async fn where_part_of_the_directory_here_is_lost_nobody_is_guessed_at_more_often_than_elsewhere() {
    let staff = Scripted::new("staff", &["ann", "lin"].map(|name| (name, "right")));
    let (house, _disk) = house("guessed-at", &staff).await;
    for name in ["bob", "lin", "alice", "ann", "nobody"] {
        let mut heard = Vec::new();
        for n in 0..12 {
            heard.push(house.sign_in_from("198.51.100.9:1", name, &format!("guess {n}")).await);
        }
        let (looked_at, refused) = heard.split_at(5);
        assert!(looked_at.iter().all(|told| told == "Unknowable"), "{name}: {heard:?}");
        assert!(refused.iter().all(|told| told.starts_with("Limited")), "{name}: {heard:?}");
        let _ = house.limits.clear();
    }
}
