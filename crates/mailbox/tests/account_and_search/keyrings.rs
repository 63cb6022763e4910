//! What accounts have beside their passwords.

use mailbox::account::directory::keyring::{
    AppPassword, AppPasswordId, Certificate, Cidr, DirectoryName, Exposure, Fingerprint, Fingerprinted,
    Label, Link, MAX_APP_PASSWORDS, MAX_APP_SECRET_OCTETS, MAX_CERTIFICATES, MAX_LINKS, MAX_NETWORKS,
    MAX_SECOND_FACTOR_OCTETS, OwnPassword, Scopes, Service, Subject,
};
use mailbox::account::directory::{Directory, DirectoryEvent, DirectoryRefusal, Entry, Login, Standing};
use std::collections::BTreeMap;
use terms::AccountId;
use testkit::dice::Dice;

type Decision = Result<Option<DirectoryEvent>, DirectoryRefusal>;

fn login(text: &str) -> Login {
    Login::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn take(directory: &mut Directory, event: &DirectoryEvent) {
    let read = DirectoryEvent::decode(&event.encode()).unwrap();
    assert!(read == *event, "{event:?}");
    directory.apply(&read).unwrap();
}

fn with(names: &[&str]) -> Directory {
    let mut directory = Directory::new();
    for name in names {
        let event = directory.add(&login(name), b"record").unwrap();
        take(&mut directory, &event);
    }
    directory
}

fn app(number: u8, name: &str) -> AppPassword {
    AppPassword {
        id: AppPasswordId::new([number; 8]),
        label: label(name),
        secret: [number; 33].into(),
        scopes: Scopes::MAIL,
        created_s: 1_800_000_000,
        expires_s: None,
        networks: [].into(),
    }
}

fn directory_name(name: &str) -> DirectoryName {
    DirectoryName::new(name).unwrap()
}

fn link(subject: &str) -> Link {
    Link { directory: DirectoryName::new("ldap").unwrap(), subject: Subject::new(subject).unwrap() }
}

fn certificate(number: u8) -> Certificate {
    let fingerprint = Fingerprint { of: Fingerprinted::PublicKey, sha256: [number; 32] };
    Certificate { fingerprint, label: label("laptop") }
}

const EXPOSED: Exposure = Exposure { when_s: 1_800_000_000, address: None, service: Service::IMAP };

fn entry<'d>(directory: &'d Directory, name: &str) -> &'d Entry {
    directory.find(&login(name)).unwrap().1
}

#[test]
fn an_account_that_is_renamed_keeps_its_number_and_all_else_and_its_old_name_is_free() {
    let mut directory = with(&["ann", "ben"]);
    let added = directory.add_app_password(&login("ann"), &app(1, "phone")).unwrap();
    take(&mut directory, &added);
    let mut expected = entry(&directory, "ann").clone();
    expected.login = login("anna");
    assert!(
        directory.rename(&login("ann"), &login("ben")) == Err(DirectoryRefusal::AlreadyExists(login("ben")))
    );
    assert!(directory.rename(&login("ann"), &login("ANN")) == Ok(None));
    let renamed = directory.rename(&login("ann"), &login("anna")).unwrap().unwrap();
    take(&mut directory, &renamed);
    assert!(directory.find(&login("ann")).is_none());
    let (id, after) = directory.find(&login("anna")).unwrap();
    assert_eq!((id, after), (AccountId(1), &expected));
    let added = directory.add(&login("ann"), b"").unwrap();
    take(&mut directory, &added);
    assert_eq!(directory.find(&login("ann")).unwrap().0, AccountId(3));
}

#[test]
fn a_link_or_a_certificate_stands_for_one_account_alone() {
    let mut directory = with(&["ann", "ben"]);
    let (ann, ben) = (login("ann"), login("ben"));
    let linked = directory.link(&ann, &link("1")).unwrap().unwrap();
    take(&mut directory, &linked);
    let bound = directory.bind(&ann, &certificate(1)).unwrap().unwrap();
    take(&mut directory, &bound);
    assert_eq!(directory.find_linked(&link("1")).map(|(id, _)| id), Some(AccountId(1)));
    assert_eq!(directory.find_bound(&certificate(1).fingerprint).map(|(id, _)| id), Some(AccountId(1)));
    let of_ann: Decision = Err(DirectoryRefusal::OfAnother(ann.clone()));
    assert!(directory.link(&ben, &link("1")) == of_ann);
    assert!(directory.bind(&ben, &certificate(1)) == of_ann);
    for stolen in [
        DirectoryEvent::AccountLinked { id: AccountId(2), link: link("1") },
        DirectoryEvent::CertificateBound { id: AccountId(2), certificate: certificate(1) },
    ] {
        let before = directory.clone();
        assert!(directory.apply(&stolen).is_err());
        assert_eq!(directory, before);
    }
    // Another link takes the place of the first, which is free then; so is all when its account goes.
    let linked = directory.link(&ann, &link("2")).unwrap().unwrap();
    take(&mut directory, &linked);
    assert!(directory.find_linked(&link("1")).is_none());
    let removed = directory.remove(&ann).unwrap();
    take(&mut directory, &removed);
    for event in [directory.link(&ben, &link("2")), directory.bind(&ben, &certificate(1))] {
        take(&mut directory, &event.unwrap().unwrap());
    }
}

#[test]
fn several_directories_may_vouch_for_an_account_by_one_subject_each() {
    let mut directory = with(&["ann"]);
    let ann = login("ann");
    let of =
        |number: usize, subject| Link { directory: directory_name(&format!("d{number}")), ..link(subject) };
    for (number, subject) in [(0, "1"), (1, "1"), (0, "2")] {
        let linked = directory.link(&ann, &of(number, subject)).unwrap().unwrap();
        take(&mut directory, &linked);
    }
    assert_eq!(entry(&directory, "ann").keyring().links(), [of(0, "2"), of(1, "1")]);
    let unlinked = directory.unlink(&ann, &directory_name("d0")).unwrap().unwrap();
    take(&mut directory, &unlinked);
    assert_eq!(entry(&directory, "ann").keyring().links(), [of(1, "1")]);
    assert!(directory.find_linked(&of(0, "2")).is_none() && directory.find_linked(&of(1, "1")).is_some());
    for number in 2..=MAX_LINKS {
        let linked = directory.link(&ann, &of(number, "1")).unwrap().unwrap();
        take(&mut directory, &linked);
    }
    let more = of(MAX_LINKS + 1, "1");
    assert!(directory.link(&ann, &more) == Err(DirectoryRefusal::TooManyLinks));
    assert!(directory.apply(&DirectoryEvent::AccountLinked { id: AccountId(1), link: more }).is_err());
}

#[test]
fn what_lets_in_does_not_come_back_with_its_account_and_what_narrows_does() {
    let mut directory = with(&["ann"]);
    let ann = login("ann");
    let decisions: [fn(&Directory, &Login) -> Decision; 7] = [
        |directory, ann| directory.add_app_password(ann, &app(1, "phone")).map(Some),
        |directory, ann| directory.bind(ann, &certificate(1)),
        |directory, ann| directory.set_own_password(ann, OwnPassword::Refused),
        |directory, ann| directory.set_second_factor(ann, Some(b"totp")),
        |directory, ann| directory.link(ann, &link("1")),
        |directory, ann| Ok(directory.expose(ann, EXPOSED)),
        |directory, ann| directory.change_standing(ann, Standing::Disabled).map(Some),
    ];
    for decide in decisions {
        let event = decide(&directory, &ann).unwrap().unwrap();
        take(&mut directory, &event);
    }
    let was = entry(&directory, "ann").clone();
    let removed = directory.remove(&ann).unwrap();
    take(&mut directory, &removed);
    let back = |directory: &Directory| {
        let mut directory = directory.clone();
        for event in directory.bring_back(AccountId(1), &ann, &was).unwrap() {
            take(&mut directory, &event);
        }
        entry(&directory, "ann").clone()
    };
    let is = back(&directory);
    assert_eq!((is.standing, &is.credential), (Standing::Disabled, &was.credential));
    let (keyring, before) = (is.keyring(), was.keyring());
    assert_eq!((keyring.app_passwords(), keyring.certificates()), (&[][..], &[][..]));
    assert_eq!((keyring.own_password(), keyring.second_factor()), (OwnPassword::Refused, Some(&b"totp"[..])));
    assert_eq!((keyring.links(), keyring.exposure()), (before.links(), before.exposure()));
    // Somebody else is linked so by now.
    let added = directory.add(&login("ben"), b"").unwrap();
    take(&mut directory, &added);
    let linked = directory.link(&login("ben"), &link("1")).unwrap().unwrap();
    take(&mut directory, &linked);
    assert_eq!(back(&directory).keyring().links(), []);
}

#[test]
fn everything_of_a_keyring_has_a_bound() {
    let mut directory = with(&["ann"]);
    let ann = login("ann");
    for number in 0..MAX_APP_PASSWORDS as u8 {
        let added = directory.add_app_password(&ann, &app(number + 1, &format!("device {number}"))).unwrap();
        take(&mut directory, &added);
    }
    for number in 0..MAX_CERTIFICATES as u8 {
        let bound = directory.bind(&ann, &certificate(number)).unwrap().unwrap();
        take(&mut directory, &bound);
    }
    assert!(
        directory.add_app_password(&ann, &app(200, "more")) == Err(DirectoryRefusal::TooManyAppPasswords)
    );
    assert!(directory.bind(&ann, &certificate(200)) == Err(DirectoryRefusal::TooManyCertificates));
    let too_much: [DirectoryEvent; 2] = [
        DirectoryEvent::AppPasswordAdded { id: AccountId(1), app_password: app(200, "more") },
        DirectoryEvent::CertificateBound { id: AccountId(1), certificate: certificate(200) },
    ];
    assert!(too_much.iter().all(|event| directory.apply(event).is_err()));
    assert_eq!(Directory::decode(&directory.encode()).unwrap(), directory);

    let directory = with(&["ann"]);
    let networks = vec!["10.0.0.0/8".parse().unwrap(); MAX_NETWORKS + 1].into();
    let wide = AppPassword { networks, ..app(1, "a") };
    assert!(directory.add_app_password(&ann, &wide) == Err(DirectoryRefusal::TooManyNetworks));
    let long = AppPassword { secret: vec![0; MAX_APP_SECRET_OCTETS + 1].into(), ..app(1, "a") };
    assert!(directory.add_app_password(&ann, &long) == Err(DirectoryRefusal::SecretTooLong));
    let factor = vec![0; MAX_SECOND_FACTOR_OCTETS + 1];
    assert!(directory.set_second_factor(&ann, Some(&factor)) == Err(DirectoryRefusal::SecretTooLong));
    let id = AccountId(1);
    for event in [
        DirectoryEvent::AppPasswordAdded { id, app_password: wide },
        DirectoryEvent::AppPasswordAdded { id, app_password: long },
        DirectoryEvent::SecondFactorSet { id, factor: factor.into() },
    ] {
        assert!(DirectoryEvent::decode(&event.encode()).is_err(), "{event:?}");
    }
}

#[test]
fn an_app_password_is_revoked_by_its_name_or_its_id() {
    let mut directory = with(&["ann"]);
    let ann = login("ann");
    // The second is called as the first is numbered.
    let numbered = app(2, &app(1, "phone").id.to_string());
    for app in [app(1, "phone"), numbered.clone()] {
        let added = directory.add_app_password(&ann, &app).unwrap();
        take(&mut directory, &added);
    }
    for (called, id) in [("phone", 1), (numbered.label.as_str(), 2), (&numbered.id.to_string(), 2)] {
        let revoked = directory.revoke_app_password(&ann, called).unwrap();
        let app_password = AppPasswordId::new([id; 8]);
        assert!(revoked == DirectoryEvent::AppPasswordRevoked { id: AccountId(1), app_password }, "{called}");
    }
    let revoked = directory.revoke_app_password(&ann, "phone").unwrap();
    take(&mut directory, &revoked);
    assert!(directory.apply(&revoked).is_err(), "once is enough");
    let again = directory.revoke_app_password(&ann, "phone");
    assert!(again == Err(DirectoryRefusal::NoAppPassword("phone".into())));
    let taken = directory.add_app_password(&ann, &app(3, numbered.label.as_str()));
    assert!(taken == Err(DirectoryRefusal::LabelTaken(numbered.label)));
}

#[test]
fn an_exposure_is_kept_once_until_it_is_cleared_and_of_names_that_somebody_has() {
    let mut directory = with(&["ann"]);
    assert!(directory.expose(&login("nobody"), EXPOSED).is_none());
    let exposed = directory.expose(&login("ann"), EXPOSED).unwrap();
    take(&mut directory, &exposed);
    assert!(directory.expose(&login("ann"), EXPOSED).is_none());
    let cleared = directory.clear_exposure(&login("ann")).unwrap().unwrap();
    take(&mut directory, &cleared);
    assert!(directory.clear_exposure(&login("ann")) == Ok(None));
    assert!(directory.expose(&login("ann"), EXPOSED).is_some());
}

#[test]
fn nothing_of_a_secret_is_printed() {
    let mut directory = with(&["ann"]);
    let events = [
        directory.add_app_password(&login("ann"), &app(77, "phone")).unwrap(),
        DirectoryEvent::SecondFactorSet { id: AccountId(1), factor: [77; 20].into() },
    ];
    for event in &events {
        take(&mut directory, event);
    }
    let printed = format!("{events:?} {directory:?} {:?}", entry(&directory, "ann").keyring());
    assert!(!printed.contains("77"), "{printed}");
}

/// What a keyring is to hold, kept in another way.
#[derive(Clone, Default, PartialEq, Debug)]
struct Model {
    apps: BTreeMap<String, u64>,
    certificates: BTreeMap<u8, ()>,
    /// Numbers by directory.
    links: BTreeMap<String, u8>,
    factor: Option<u8>,
    exposed: bool,
    refused: bool,
}

impl Model {
    fn of(entry: &Entry) -> Self {
        let keyring = entry.keyring();
        Self {
            apps: keyring.app_passwords().iter().map(|app| (app.label.to_string(), app.id.get())).collect(),
            certificates: keyring.certificates().iter().map(|one| (one.fingerprint.sha256[0], ())).collect(),
            links: keyring
                .links()
                .iter()
                .map(|link| (link.directory.to_string(), link.subject.as_str().parse().unwrap()))
                .collect(),
            factor: keyring.second_factor().map(|factor| factor[0]),
            exposed: keyring.exposure().is_some(),
            refused: keyring.own_password() == OwnPassword::Refused,
        }
    }
}

fn random_app(dice: &mut Dice, number: u8, name: &str) -> AppPassword {
    let networks: [Cidr; 3] =
        ["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"].map(|text| text.parse().unwrap());
    AppPassword {
        scopes: Scopes::of(dice.some(&[Service::IMAP, Service::POP3])).unwrap_or(Scopes::MAIL),
        created_s: dice.pick(&[0, -1, i64::MAX, 1_800_000_000]),
        expires_s: dice.pick(&[None, Some(0), Some(i64::MIN), Some(1_900_000_000)]),
        networks: dice.some(&networks).into(),
        ..app(number, name)
    }
}

/// Decides something, and does the same to the model where it is done.
fn step(directory: &Directory, model: &mut Model, name: &Login, dice: &mut Dice, given: &mut u8) -> Decision {
    let number = dice.below(4_u8);
    let device = format!("device {number}");
    Ok(match dice.below(9) {
        0 => {
            *given += 1;
            let app = random_app(dice, *given, &device);
            let event = directory.add_app_password(name, &app)?;
            assert_eq!(model.apps.insert(device, app.id.get()), None);
            Some(event)
        }
        1 => {
            let event = directory.revoke_app_password(name, &device)?;
            assert!(model.apps.remove(&device).is_some());
            Some(event)
        }
        2 => {
            let event = directory.bind(name, &certificate(number))?;
            assert_eq!(model.certificates.insert(number, ()).is_none(), event.is_some());
            event
        }
        3 => {
            let event = directory.unbind(name, &certificate(number).fingerprint)?;
            assert!(model.certificates.remove(&number).is_some());
            Some(event)
        }
        4 => {
            let link =
                Link { directory: directory_name(dice.pick(&["ldap", "oidc"])), ..link(&number.to_string()) };
            let event = directory.link(name, &link)?;
            let before = model.links.insert(link.directory.to_string(), number);
            assert_eq!(before != Some(number), event.is_some());
            event
        }
        5 => {
            let from = dice.pick(&["ldap", "oidc"]);
            let event = directory.unlink(name, &directory_name(from))?;
            assert_eq!(model.links.remove(from).is_some(), event.is_some());
            event
        }
        6 => {
            model.factor = dice.pick(&[None, Some(number)]);
            directory.set_second_factor(name, model.factor.map(|number| [number]).as_ref().map(|f| &f[..]))?
        }
        7 => {
            let exposes = dice.chance(50);
            model.exposed = exposes;
            if exposes { directory.expose(name, EXPOSED) } else { directory.clear_exposure(name)? }
        }
        _ => {
            model.refused = dice.chance(50);
            let own = if model.refused { OwnPassword::Refused } else { OwnPassword::Allowed };
            directory.set_own_password(name, own)?
        }
    })
}

#[test]
fn random_keyrings_agree_with_a_model_and_come_back_from_their_bytes() {
    let names = ["ann", "ben"];
    let mut refused = 0;
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let mut directory = with(&names);
        let mut models = [Model::default(), Model::default()];
        let mut given = 0;
        for _ in 0..80 {
            let at = dice.below(names.len());
            let name = login(names[at]);
            match step(&directory, &mut models[at], &name, &mut dice, &mut given) {
                Ok(Some(event)) => {
                    assert!(event.is_of_keyrings());
                    take(&mut directory, &event);
                }
                Ok(None) => {}
                Err(_) => refused += 1,
            }
            for (name, model) in names.iter().zip(&models) {
                assert_eq!(Model::of(entry(&directory, name)), *model, "seed {seed}");
            }
        }
        assert_eq!(Directory::decode(&directory.encode()).as_ref(), Ok(&directory), "seed {seed}");
    }
    assert!(refused > 1_000, "{refused}");
}

#[test]
fn spoilt_bytes_of_keyrings_are_damaged_or_say_something_else() {
    let mut dice = Dice::new(7);
    let mut directory = with(&["ann", "ben"]);
    let mut events = Vec::new();
    let mut models = [Model::default(), Model::default()];
    let mut given = 0;
    for round in 0..200 {
        let at = round % 2;
        let name = login(["ann", "ben"][at]);
        if let Ok(Some(event)) = step(&directory, &mut models[at], &name, &mut dice, &mut given) {
            take(&mut directory, &event);
            events.push(event.encode());
        }
    }
    events.push(DirectoryEvent::AccountRenamed { id: AccountId(1), login: login("x") }.encode());
    let kinds: std::collections::BTreeSet<_> = events.iter().map(|octets| octets[1]).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), (10..=21).collect::<Vec<_>>(), "every kind");
    events.push(directory.encode());
    for bytes in events {
        for at in 0..bytes.len() {
            assert!(DirectoryEvent::decode(&bytes[..at]).is_err());
            for bit in 0..8 {
                let mut spoilt = bytes.clone();
                spoilt[at] ^= 1 << bit;
                if let Ok(other) = DirectoryEvent::decode(&spoilt) {
                    assert_eq!(other.encode(), spoilt);
                }
                if let Ok(other) = Directory::decode(&spoilt) {
                    assert_eq!(other.encode(), spoilt);
                }
            }
        }
    }
}
