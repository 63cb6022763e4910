//! The directory.

use mailbox::account::directory::{
    DecoySecret, Directory, DirectoryEvent, DirectoryRefusal, Login, MAX_CREDENTIAL_OCTETS, Standing,
};
use std::collections::BTreeMap;
use terms::AccountId;
use testkit::dice::Dice;

fn login(text: &str) -> Login {
    Login::new(text).unwrap()
}

fn take(directory: &mut Directory, event: &DirectoryEvent) {
    let read = DirectoryEvent::decode(&event.encode()).unwrap();
    assert!(read == *event);
    directory.apply(&read).unwrap();
}

#[test]
fn an_account_is_found_by_every_spelling_of_its_name() {
    let mut directory = Directory::new();
    let event = directory.add(&login("Ann@Example.org"), b"record").unwrap();
    take(&mut directory, &event);
    let (id, entry) = directory.find(&login("ann@EXAMPLE.ORG")).unwrap();
    assert_eq!((id, &*entry.credential), (AccountId(1), &b"record"[..]));
    assert_eq!(directory.get(id), Some(entry));
    let again = directory.add(&login("ANN@example.org"), b"");
    assert!(again == Err(DirectoryRefusal::AlreadyExists(login("ann@example.org"))));
}

#[test]
fn an_id_is_not_given_again_but_a_name_is() {
    let mut directory = Directory::new();
    for expected in 1..=3 {
        let event = directory.add(&login("ann"), b"").unwrap();
        take(&mut directory, &event);
        assert_eq!(directory.find(&login("ann")).map(|(id, _)| id), Some(AccountId(expected)));
        let event = directory.remove(&login("ann")).unwrap();
        take(&mut directory, &event);
        directory = Directory::decode(&directory.encode()).unwrap();
    }
    assert!(directory.remove(&login("ann")) == Err(DirectoryRefusal::NonExistent(login("ann"))));
}

#[test]
fn an_account_is_disabled_until_it_is_enabled_and_a_new_one_of_its_name_is_not() {
    let mut directory = Directory::new();
    let standing = |directory: &Directory| directory.find(&login("ann")).map(|(_, entry)| entry.standing);
    for event in [
        |d: &Directory| d.add(&login("ann"), b""),
        |d: &Directory| d.change_standing(&login("ann"), Standing::Disabled),
        |d: &Directory| d.change_credential(&login("ann"), b"new"),
    ] {
        let event = event(&directory).unwrap();
        take(&mut directory, &event);
    }
    assert_eq!(standing(&directory), Some(Standing::Disabled));
    directory = Directory::decode(&directory.encode()).unwrap();
    for event in [|d: &Directory| d.remove(&login("ann")), |d: &Directory| d.add(&login("ann"), b"")] {
        let event = event(&directory).unwrap();
        take(&mut directory, &event);
    }
    assert_eq!(standing(&directory), Some(Standing::Enabled));
}

#[test]
fn a_credential_has_a_longest_length_and_is_not_printed() {
    let mut directory = Directory::new();
    let long = [0; MAX_CREDENTIAL_OCTETS + 1];
    assert!(directory.add(&login("ann"), &long) == Err(DirectoryRefusal::CredentialTooLong));
    let event = directory.add(&login("ann"), b"\x2a\x2a").unwrap();
    take(&mut directory, &event);
    assert!(directory.change_credential(&login("ann"), &long) == Err(DirectoryRefusal::CredentialTooLong));
    assert_eq!(format!("{event:?}"), "AccountAdded(1, ann, …)");
    assert!(!format!("{directory:?}").contains("42"));
}

#[test]
fn what_decoys_are_made_of_is_kept_once_and_not_printed() {
    let mut directory = Directory::new();
    let event = directory.keep_decoy_secret(DecoySecret([42; 32])).unwrap();
    take(&mut directory, &event);
    assert_eq!(directory.keep_decoy_secret(DecoySecret([43; 32])), None);
    assert!(directory.apply(&DirectoryEvent::DecoySecretMade(DecoySecret([43; 32]))).is_err());
    let event = directory.add(&login("ann"), b"record").unwrap();
    take(&mut directory, &event);
    directory = Directory::decode(&directory.encode()).unwrap();
    assert_eq!(directory.decoy_secret(), Some(DecoySecret([42; 32])));
    let printed = format!("{directory:?} {:?}", DirectoryEvent::DecoySecretMade(DecoySecret([42; 32])));
    assert!(!printed.contains("42"), "{printed}");
}

#[test]
fn ids_that_were_skipped_are_never_given() {
    let mut directory = Directory::new();
    let event = directory.add(&login("ann"), b"record").unwrap();
    take(&mut directory, &event);
    let skip = directory.skip(1_000).unwrap();
    take(&mut directory, &skip);
    let event = directory.add(&login("bob"), b"record").unwrap();
    take(&mut directory, &event);
    assert_eq!(directory.find(&login("bob")).unwrap().0, AccountId(1_002));
    assert_eq!(directory.last_id(), AccountId(1_002));
    assert!(directory.apply(&DirectoryEvent::IdsSkipped { last: AccountId(1_001) }).is_err());
    assert!(directory.skip(u64::MAX) == Err(DirectoryRefusal::Full));
    assert!(Directory::decode(&directory.encode()).unwrap() == directory);
}

#[test]
fn random_histories_agree_with_a_map_and_come_back_from_their_bytes() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let mut directory = Directory::new();
        let mut model: BTreeMap<&str, (u64, u8)> = BTreeMap::new();
        let mut last = 0;
        let mut removed = Vec::new();
        for _ in 0..60 {
            let name = dice.pick(&["ann", "bob", "jürgen@example.org", "d"]);
            let credential = dice.below(256) as u8;
            let decided = match dice.below(6) {
                5 => directory.skip(3),
                4 if !removed.is_empty() => {
                    let (id, credential) = removed.swap_remove(dice.below(removed.len()));
                    directory.restore(AccountId(id), &login(name), &[credential])
                }
                3 => directory
                    .change_standing(&login(name), dice.pick(&[Standing::Enabled, Standing::Disabled])),
                0 => directory.add(&login(name), &[credential]),
                1 => directory.remove(&login(name)),
                _ => directory.change_credential(&login(name), &[credential]),
            };
            match &decided {
                Ok(DirectoryEvent::AccountAdded { .. }) => {
                    last += 1;
                    assert_eq!(model.insert(name, (last, credential)), None, "seed {seed}");
                }
                Ok(DirectoryEvent::AccountRemoved { .. }) => {
                    removed.push(model.remove(name).unwrap_or_else(|| panic!("seed {seed}")));
                }
                Ok(DirectoryEvent::AccountRestored { id, credential, .. }) => {
                    assert_eq!(model.insert(name, (id.0, credential[0])), None, "seed {seed}");
                }
                Ok(DirectoryEvent::StandingChanged { .. }) => {
                    assert!(model.contains_key(name), "seed {seed}")
                }
                Ok(DirectoryEvent::CredentialChanged { .. }) => model.get_mut(name).unwrap().1 = credential,
                Ok(DirectoryEvent::IdsSkipped { .. }) => last += 3,
                Ok(_) => unreachable!("nobody asked for it"),
                Err(DirectoryRefusal::NonExistent(_)) => assert!(!model.contains_key(name), "seed {seed}"),
                Err(_) => assert!(model.contains_key(name), "seed {seed}"),
            }
            if let Ok(event) = &decided {
                take(&mut directory, event);
            }
            assert_eq!(Directory::decode(&directory.encode()).as_ref(), Ok(&directory), "seed {seed}");
            let found = directory.accounts().map(|(name, id)| (name.to_string(), id.0));
            let expected = model.iter().map(|(name, (id, _))| ((*name).to_owned(), *id));
            assert!(found.eq(expected), "seed {seed}");
        }
    }
}

#[test]
fn spoilt_bytes_are_damaged_or_say_something_else() {
    let mut directory = Directory::new();
    let event = directory.keep_decoy_secret(DecoySecret([42; 32])).unwrap();
    take(&mut directory, &event);
    for name in ["ann", "bob"] {
        let event = directory.add(&login(name), b"record").unwrap();
        take(&mut directory, &event);
    }
    let bytes = directory.encode();
    for at in 0..bytes.len() {
        assert!(Directory::decode(&bytes[..at]).is_err());
        for bit in 0..8 {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1 << bit;
            if let Ok(other) = Directory::decode(&spoilt) {
                assert_eq!(other.encode(), spoilt);
            }
            if let Ok(event) = DirectoryEvent::decode(&spoilt) {
                assert_eq!(event.encode(), spoilt);
            }
        }
    }
}
