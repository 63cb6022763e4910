//! A directory put together from what is left of its events, and said anew from nothing.
//!
//! > **Shut.** A lost event may have removed any account that there was, put it to rest, or given it another name or password.
//! > Only who came, or came back, after the last loss is certain; nobody else signs in, nor with an older password after
//! > having been brought back. App passwords and certificates of those who are not certain are gone: of each it may have been
//! > said that it is taken no more, and nobody could look that up.

use super::{Directory, DirectoryEvent, Entry, Login, NO_CREDENTIAL, Standing};
use std::collections::{BTreeMap, BTreeSet};
use terms::AccountId;

/// A directory on its way back.
#[derive(Clone, Debug, Default)]
pub struct Salvage {
    directory: Directory,
    /// Accounts of which an event says that they went.
    gone: BTreeMap<AccountId, Gone>,
    /// Those of which all was said since the last loss.
    said: BTreeSet<AccountId>,
    lost: u64,
}

/// An account that went.
#[derive(Clone, Debug)]
struct Gone {
    /// What it was, where that is known.
    was: Option<Entry>,
    /// Whether that is certain, and that it has not come back.
    certainly: bool,
}

impl Salvage {
    /// The next event, as far as it fits what is known.
    pub fn take(&mut self, event: &DirectoryEvent) {
        self.make_room(event);
        match event {
            DirectoryEvent::AccountRemoved { id } => {
                let (was, certainly) = (self.directory.get(*id).cloned(), self.is_certain(*id));
                // What had to make room before is known from then.
                let was = was.or_else(|| self.gone.remove(id)?.was);
                self.gone.insert(*id, Gone { was, certainly });
            }
            DirectoryEvent::AccountRestored { id, .. } => drop(self.gone.remove(id)),
            _ => {}
        }
        if self.directory.apply(event).is_err() {
            // It says nothing of any account but its own, of which too little is known.
            self.lost = self.lost.saturating_add(1);
            return;
        }
        if let DirectoryEvent::AccountAdded { id, .. } | DirectoryEvent::AccountRestored { id, .. } = event {
            self.said.insert(*id);
        }
    }

    /// Whoever comes, or gets a name, has one that nobody had at that moment: whoever seems to have it had gone, or had
    /// another name by then; and so had one who comes back. What stands for an account stood for no other.
    fn make_room(&mut self, event: &DirectoryEvent) {
        let (id, login, comes) = match event {
            DirectoryEvent::AccountAdded { id, login, .. }
            | DirectoryEvent::AccountRestored { id, login, .. } => (id, login, Some(*id)),
            DirectoryEvent::AccountRenamed { id, login } => (id, login, None),
            _ => return self.make_free(event),
        };
        let had = self.directory.find(login).map(|(had, _)| had).filter(|had| comes.is_some() || had != id);
        for gone in had.into_iter().chain(comes) {
            if let Some(was) = self.directory.get(gone).cloned()
                && self.directory.apply(&DirectoryEvent::AccountRemoved { id: gone }).is_ok()
            {
                self.gone.insert(gone, Gone { was: Some(was), certainly: false });
            }
        }
        if matches!(event, DirectoryEvent::AccountRestored { .. }) {
            self.directory.last_id = self.directory.last_id.max(id.0);
        }
    }

    /// Takes a link or a certificate from whoever seems to have it.
    fn make_free(&mut self, event: &DirectoryEvent) {
        let lost = match event {
            DirectoryEvent::AccountLinked { id, link } => {
                let had = self.directory.find_linked(link).map(|(had, _)| had).filter(|had| had != id);
                had.map(|id| DirectoryEvent::AccountUnlinked { id, link: link.clone() })
            }
            DirectoryEvent::CertificateBound { id, certificate } => {
                let fingerprint = certificate.fingerprint;
                let had = self.directory.find_bound(&fingerprint).map(|(had, _)| had).filter(|had| had != id);
                had.map(|id| DirectoryEvent::CertificateUnbound { id, fingerprint })
            }
            _ => None,
        };
        let fits = lost.is_none_or(|lost| self.directory.apply(&lost).is_ok());
        debug_assert!(fits, "whoever has something can lose it");
    }

    /// So many events cannot be read.
    pub fn lose(&mut self, events: u64) {
        if events > 0 {
            self.said.clear();
            self.gone.values_mut().for_each(|gone| gone.certainly = false);
        }
        self.lost = self.lost.saturating_add(events);
    }

    /// Whether it is certain that an account is there, and with what it signs in, if it may.
    #[must_use]
    pub fn is_certain(&self, id: AccountId) -> bool {
        self.directory.get(id).is_some() && (self.lost == 0 || self.said.contains(&id))
    }

    /// Accounts that went when they were last heard of, and may have come back.
    pub fn perhaps_back(&self) -> impl Iterator<Item = (AccountId, &Login)> {
        let doubtful =
            self.gone.iter().filter(|(id, gone)| !gone.certainly && self.directory.get(**id).is_none());
        doubtful.filter_map(|(id, gone)| Some((*id, &gone.was.as_ref()?.login)))
    }

    /// What is known by now.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Accounts that nobody may sign in to until somebody has looked at them, which could be signed in to when they were
    /// last heard of.
    pub fn shut(&self) -> impl Iterator<Item = &Login> {
        let entries = self.directory.entries.iter();
        let open = entries.filter(|(_, entry)| entry.standing == Standing::Enabled);
        open.filter(|(id, _)| !self.is_certain(**id)).map(|(_, entry)| &entry.login)
    }

    /// How many app passwords and certificates are gone, for nobody knows whether they were revoked.
    #[must_use]
    pub fn taken_away(&self) -> usize {
        let doubtful = self.directory.entries.iter().filter(|(id, _)| !self.is_certain(**id));
        let keyrings = doubtful.map(|(_, entry)| entry.keyring());
        keyrings.map(|keyring| keyring.app_passwords().len() + keyring.certificates().len()).sum()
    }

    /// How many events are lost, those among them that do not fit any more.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The directory is known after all; so is that all went who are not there any more.
    pub fn know(&mut self, directory: Directory) {
        let were = std::mem::replace(&mut self.directory, directory);
        for (id, was) in were.entries.iter().filter(|(id, _)| self.directory.get(**id).is_none()) {
            let certainly = self.said.contains(id);
            self.gone.entry(*id).or_insert_with(|| Gone { was: Some(Entry::clone(was)), certainly });
        }
        self.gone.retain(|id, _| self.directory.get(*id).is_none());
        self.lost = 0;
    }

    /// Ids that may have been given, `more` of them in events that are lost at the end; of each no event says anything.
    pub fn unknown(&self, more: u64) -> impl Iterator<Item = AccountId> {
        let last = self.directory.last_id.saturating_add(more);
        let is_known = |id: &AccountId| self.directory.get(*id).is_some() || self.gone.contains_key(id);
        (1..=last).map(AccountId).filter(move |id| !is_known(id))
    }

    /// Gives an account whose name is lost one that is free, if that can be had, and says which. Nobody can sign in to it
    /// until it gets a password.
    pub fn find(&mut self, id: AccountId) -> Option<Login> {
        let login = Login::new(&format!("recovered-{}", id.0)).ok()?;
        self.directory.named(id, &login, &NO_CREDENTIAL).ok()?;
        self.directory.last_id = self.directory.last_id.max(id.0);
        // There is no password that could be an older one.
        self.said.insert(id);
        Some(login)
    }

    /// Passes over ids: what was given in events that are lost is not given again. Where there are not so many left, none
    /// is.
    pub fn skip(&mut self, ids: u64) {
        if let Ok(event) = self.directory.skip(ids) {
            self.take(&event);
        }
    }

    /// Events that come to this directory from nothing, with accounts of which too little is known disabled. Accounts that
    /// were removed come and go again, so that they can be brought back, or purged, as before.
    #[must_use]
    pub fn events(&self) -> Vec<DirectoryEvent> {
        let mut anew = Anew::default();
        let away = self.away();
        let living = self.directory.entries.iter().map(|(id, entry)| (*id, (&**entry, Whereabouts::Here)));
        let gone = self.gone.iter().filter_map(|(id, gone)| {
            let mut was = gone.was.clone()?;
            if !gone.certainly {
                was.credential = NO_CREDENTIAL.into();
            }
            Some((*id, was))
        });
        let gone: BTreeMap<_, _> = gone.collect();
        let gone = gone.iter().map(|(id, was)| (*id, (was, Whereabouts::Gone)));
        // Whoever is here is no more gone.
        let all: BTreeMap<_, _> = gone.chain(living).collect();
        for (id, (entry, whereabouts)) in all {
            let (login, credential) = (entry.login.clone(), entry.credential.clone());
            let came = anew.say(DirectoryEvent::AccountAdded { id, login, credential });
            if !came {
                continue;
            }
            if whereabouts == Whereabouts::Gone {
                // What whoever brings it back is to know.
                anew.say_all(entry.keyring().narrowing(id));
            }
            if whereabouts == Whereabouts::Gone || away.contains(&id) {
                anew.say(DirectoryEvent::AccountRemoved { id });
            }
        }
        for (id, entry) in self.directory.entries.iter() {
            if away.contains(id) {
                let (id, login, credential) = (*id, entry.login.clone(), entry.credential.clone());
                anew.say(DirectoryEvent::AccountRestored { id, login, credential });
            }
            match self.is_certain(*id) {
                true => anew.say_all(entry.keyring().events(*id)),
                false => anew.say_all(entry.keyring().narrowing(*id)),
            }
            if entry.standing == Standing::Disabled || !self.is_certain(*id) {
                anew.say(DirectoryEvent::StandingChanged { id: *id, standing: Standing::Disabled });
            }
        }
        anew.events.extend(self.directory.decoy_secret.map(DirectoryEvent::DecoySecretMade));
        let mut last = self.directory.last_id();
        // One id that is passed over is reserved for an account in the making.
        if last.0 == anew.directory.last_id().0 + 1 {
            last.0 = last.0.saturating_add(1);
        }
        anew.events.push(DirectoryEvent::IdsSkipped { last });
        anew.events
    }

    /// Those that have the name of an account which came behind them and went: they go, and come back when that is said.
    fn away(&self) -> BTreeSet<AccountId> {
        let newer = self.gone.iter().filter_map(|(id, gone)| {
            let (older, _) = self.directory.find(&gone.was.as_ref()?.login)?;
            (older < *id).then_some(older)
        });
        newer.collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whereabouts {
    Here,
    Gone,
}

/// Events, and what they come to.
#[derive(Default)]
struct Anew {
    directory: Directory,
    events: Vec<DirectoryEvent>,
}

impl Anew {
    fn say(&mut self, event: DirectoryEvent) -> bool {
        let fits = self.directory.apply(&event).is_ok();
        self.events.extend(fits.then_some(event));
        fits
    }

    fn say_all(&mut self, events: impl IntoIterator<Item = DirectoryEvent>) {
        for event in events {
            self.say(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::directory::DecoySecret;
    use crate::account::directory::keyring::{
        AppPassword, AppPasswordId, Certificate, DirectoryName, Fingerprint, Fingerprinted, Label, Link,
        OwnPassword, Scopes, Subject,
    };
    use testkit::dice::Dice;

    fn login(text: &str) -> Login {
        Login::new(text).unwrap()
    }

    fn history() -> Vec<DirectoryEvent> {
        let added = |id, name| DirectoryEvent::AccountAdded {
            id: AccountId(id),
            login: login(name),
            credential: [7].into(),
        };
        vec![
            DirectoryEvent::DecoySecretMade(DecoySecret([1; 32])),
            added(1, "ann"),
            added(2, "ben"),
            added(3, "cy"),
            DirectoryEvent::StandingChanged { id: AccountId(1), standing: Standing::Disabled },
            DirectoryEvent::AccountRemoved { id: AccountId(2) },
        ]
    }

    fn fold(events: &[DirectoryEvent]) -> Directory {
        let mut directory = Directory::new();
        events.iter().for_each(|event| directory.apply(event).unwrap());
        directory
    }

    fn without(lost: usize) -> Salvage {
        let mut salvage = Salvage::default();
        for (at, event) in history().iter().enumerate() {
            if at == lost { salvage.lose(1) } else { salvage.take(event) }
        }
        salvage
    }

    #[test]
    fn what_is_known_is_said_anew() {
        let salvage = without(usize::MAX);
        assert_eq!((salvage.lost(), salvage.unknown(0).count()), (0, 0));
        assert_eq!(fold(&salvage.events()), fold(&history()));
    }

    #[test]
    fn an_account_whose_name_is_lost_gets_one_and_nobody_can_sign_in_to_it() {
        let mut salvage = without(1);
        assert_eq!(salvage.unknown(0).collect::<Vec<_>>(), [AccountId(1)], "2 was removed");
        assert_eq!(salvage.find(AccountId(1)), Some(login("recovered-1")));
        let after = fold(&salvage.events());
        assert_eq!(after.get(AccountId(1)).unwrap().credential, [].into());
        assert_eq!(after.find(&login("cy")).map(|(id, _)| id), Some(AccountId(3)));
    }

    /// Who was removed, with name and password, as whoever lives through these events sees it.
    fn gone(events: &[DirectoryEvent]) -> BTreeMap<AccountId, Entry> {
        let mut directory = Directory::new();
        let mut gone = BTreeMap::new();
        for event in events {
            match event {
                DirectoryEvent::AccountRemoved { id } => {
                    gone.insert(*id, directory.get(*id).unwrap().clone());
                }
                DirectoryEvent::AccountRestored { id, .. } => drop(gone.remove(id)),
                _ => {}
            }
            directory.apply(event).unwrap();
        }
        gone
    }

    #[test]
    fn who_was_removed_is_said_anew_although_an_older_account_has_the_name_by_now() {
        let mut events = history();
        // 3 goes, 2 comes back under its name, is disabled, and signs in with something else.
        events.push(DirectoryEvent::AccountRemoved { id: AccountId(3) });
        let (id, credential) = (AccountId(2), [8].into());
        events.push(DirectoryEvent::AccountRestored { id, login: login("cy"), credential });
        events.push(DirectoryEvent::StandingChanged { id, standing: Standing::Disabled });
        let mut salvage = Salvage::default();
        events.iter().for_each(|event| salvage.take(event));
        let anew = salvage.events();
        assert_eq!(fold(&anew), fold(&events));
        assert_eq!(gone(&anew), gone(&events));
    }

    fn added(id: u64, name: &str, credential: u8) -> DirectoryEvent {
        DirectoryEvent::AccountAdded {
            id: AccountId(id),
            login: login(name),
            credential: [credential].into(),
        }
    }

    #[test]
    fn of_which_too_little_is_known_nobody_may_sign_in() {
        let mut salvage = without(usize::MAX);
        assert!(salvage.is_certain(AccountId(3)) && salvage.is_certain(AccountId(1)));
        // Whatever it was: 3 may have gone, or have another password.
        salvage.lose(1);
        salvage.take(&added(4, "dee", 7));
        assert_eq!(salvage.shut().collect::<Vec<_>>(), [&login("cy")], "1 was shut before");
        assert!(salvage.is_certain(AccountId(4)), "it came later");
        let standing = |salvage: &Salvage, id| fold(&salvage.events()).get(AccountId(id)).unwrap().standing;
        assert_eq!((standing(&salvage, 3), standing(&salvage, 4)), (Standing::Disabled, Standing::Enabled));
        let id = AccountId(3);
        salvage.take(&DirectoryEvent::CredentialChanged { id, credential: [8].into() });
        salvage.take(&DirectoryEvent::StandingChanged { id, standing: Standing::Enabled });
        assert!(!salvage.is_certain(id), "it may have gone, and come back under another name");
        salvage.take(&DirectoryEvent::AccountRemoved { id });
        salvage.take(&DirectoryEvent::AccountRestored { id, login: login("cy"), credential: [8].into() });
        assert!(salvage.is_certain(id));
        assert_eq!(standing(&salvage, 3), Standing::Enabled);
        // What is lost again may have been of any of them.
        salvage.lose(1);
        assert_eq!(salvage.shut().count(), 2);
        salvage.know(fold(&history()));
        assert_eq!(salvage.shut().count(), 0);
    }

    #[test]
    fn who_went_may_have_come_back_and_gets_no_older_password_by_being_brought_back() {
        let mut salvage = without(usize::MAX);
        assert_eq!(salvage.perhaps_back().count(), 0);
        salvage.lose(1);
        assert_eq!(salvage.perhaps_back().collect::<Vec<_>>(), [(AccountId(2), &login("ben"))]);
        // What 3 signed in with may have changed before it went.
        salvage.take(&DirectoryEvent::AccountRemoved { id: AccountId(3) });
        salvage.take(&added(4, "dee", 7));
        salvage.take(&DirectoryEvent::AccountRemoved { id: AccountId(4) });
        let gone = gone(&salvage.events());
        let credential = |id| &*gone[&AccountId(id)].credential;
        assert_eq!((credential(2), credential(3), credential(4)), (&[][..], &[][..], &[7][..]));
    }

    #[test]
    fn where_the_directory_is_known_so_is_who_went_by_what_is_lost() {
        let mut salvage = without(5);
        salvage.know(fold(&history()));
        assert_eq!(salvage.lost(), 0);
        assert_eq!(gone(&salvage.events()).keys().copied().collect::<Vec<_>>(), [AccountId(2)]);
        // Of the newest account nothing is left at all: its id is not one that was reserved for somebody.
        let mut salvage = without(3);
        let mut known = fold(&history());
        known.apply(&DirectoryEvent::AccountRemoved { id: AccountId(3) }).unwrap();
        salvage.know(known);
        let events = salvage.events();
        let (last, before) = events.split_last().unwrap();
        let DirectoryEvent::IdsSkipped { last } = last else { panic!("{last:?}") };
        assert!(last.0 >= 3 && last.0 != fold(before).last_id().0 + 1, "{last:?}");
    }

    #[test]
    fn whoever_comes_under_a_name_shows_that_it_was_free() {
        let mut salvage = without(usize::MAX);
        // 3 was removed by an event that is lost.
        salvage.lose(1);
        salvage.take(&added(4, "cy", 9));
        assert_eq!(salvage.directory().find(&login("cy")).map(|(id, _)| id), Some(AccountId(4)));
        assert!(salvage.is_certain(AccountId(4)));
        assert_eq!(salvage.lost(), 1);
        let gone = gone(&salvage.events());
        assert_eq!(gone.get(&AccountId(3)).map(|entry| entry.login.as_str()), Some("cy"));
        // One that comes back was gone, and has the number that it had.
        let (id, credential) = (AccountId(7), [1].into());
        salvage.take(&DirectoryEvent::AccountRestored { id, login: login("eve"), credential });
        assert!(salvage.is_certain(id) && salvage.lost() == 1);
        assert_eq!(salvage.directory().last_id(), id);
    }

    #[test]
    fn who_made_room_for_another_and_is_then_told_to_be_gone_can_still_be_brought_back() {
        let mut salvage = without(usize::MAX);
        // 3 was called something else by an event that is lost, and went later.
        salvage.lose(1);
        salvage.take(&added(4, "cy", 9));
        salvage.take(&DirectoryEvent::AccountRemoved { id: AccountId(3) });
        assert_eq!(
            salvage.perhaps_back().map(|(id, _)| id).collect::<Vec<_>>(),
            [AccountId(2), AccountId(3)]
        );
        let gone = gone(&salvage.events());
        let was = gone.get(&AccountId(3)).map(|entry| (entry.login.as_str(), &*entry.credential));
        assert_eq!(was, Some(("cy", &[][..])), "what it signed in with may have changed");
        assert_eq!(salvage.unknown(0).count(), 0);
    }

    /// Something that may happen to a keyring, or to a name.
    fn next_of_keyring(directory: &Directory, name: &Login, dice: &mut Dice) -> Option<DirectoryEvent> {
        let number = dice.below(3_u8);
        let (id, label) = (AppPasswordId::new([number; 8]), Label::new(&format!("device {number}")).unwrap());
        let fingerprint = Fingerprint { of: Fingerprinted::Certificate, sha256: [number; 32] };
        let subject = Subject::new(&format!("{number}")).unwrap();
        let link = Link { directory: DirectoryName::new("ldap").unwrap(), subject };
        match dice.below(8) {
            0 => {
                let app = AppPassword {
                    id,
                    label,
                    secret: [number].into(),
                    scopes: Scopes::MAIL,
                    created_s: 1,
                    expires_s: None,
                    networks: [].into(),
                };
                directory.add_app_password(name, &app).ok()
            }
            1 => directory.revoke_app_password(name, label.as_str()).ok(),
            2 => directory.bind(name, &Certificate { fingerprint, label }).ok()?,
            3 => directory.unbind(name, &fingerprint).ok(),
            4 => directory.link(name, &link).ok()?,
            5 => directory.unlink(name, &link.directory).ok()?,
            6 => directory
                .set_own_password(name, dice.pick(&[OwnPassword::Allowed, OwnPassword::Refused]))
                .ok()?,
            _ => directory.set_second_factor(name, dice.pick(&[None, Some(&[number][..])])).ok()?,
        }
    }

    /// Something that may happen to a directory.
    fn next(directory: &Directory, dice: &mut Dice) -> Option<DirectoryEvent> {
        let name = login(dice.pick(&["ann", "ben", "cy", "dee"]));
        if dice.chance(40) {
            return next_of_keyring(directory, &name, dice);
        }
        let credential = [dice.below(250_u8)];
        match dice.below(7) {
            6 => return directory.rename(&name, &login(dice.pick(&["ann", "ben", "cy", "dee"]))).ok()?,
            0 | 1 => directory.add(&name, &credential),
            2 => directory.remove(&name),
            3 => directory.change_credential(&name, &credential),
            4 => directory.change_standing(&name, dice.pick(&[Standing::Enabled, Standing::Disabled])),
            _ => directory.restore(AccountId(dice.below(directory.last_id + 1).max(1)), &name, &credential),
        }
        .ok()
        .filter(|event| directory.clone().apply(event).is_ok())
    }

    #[test]
    fn whatever_is_lost_nobody_signs_in_who_could_not() {
        let (mut certain, mut shut, mut back, mut kept, mut taken) = (0, 0, 0, 0, 0);
        for seed in 0..3_000 {
            let mut dice = Dice::new(seed);
            let mut went = BTreeMap::new();
            let (mut truth, mut salvage, mut lost) = (Directory::new(), Salvage::default(), 0);
            for _ in 0..dice.below(70) {
                let Some(event) = next(&truth, &mut dice) else { continue };
                if let DirectoryEvent::AccountRemoved { id } = event {
                    went.insert(id, truth.get(id).unwrap().credential.clone());
                }
                truth.apply(&event).unwrap();
                if dice.chance(7) {
                    salvage.lose(1);
                    lost += 1;
                } else {
                    salvage.take(&event);
                }
            }
            assert!(salvage.lost() >= lost);
            for (_, id) in salvage.directory().accounts().filter(|(_, id)| salvage.is_certain(*id)) {
                assert_eq!(salvage.directory().get(id), truth.get(id), "seed {seed}: {id:?}");
                certain += u32::from(lost > 0);
            }
            let events = salvage.events();
            let after = fold(&events);
            taken += salvage.taken_away();
            for (id, was) in gone(&events) {
                // Whoever is brought back signs in with what was the last password, or with none.
                let had = [truth.get(id).map(|entry| &*entry.credential), went.get(&id).map(|was| &**was)];
                let is_known = was.credential.is_empty() || had.contains(&Some(&*was.credential));
                assert!(is_known, "seed {seed}: {id:?}");
            }
            for (name, id) in after.accounts() {
                let entry = after.get(id).unwrap();
                let may = entry.standing == Standing::Enabled;
                let lets_in = entry.keyring().app_passwords().len() + entry.keyring().certificates().len();
                assert!(lets_in == 0 || truth.get(id) == Some(entry), "seed {seed}: {name}");
                kept += u32::from(lost > 0 && lets_in > 0);
                assert!(!may || truth.get(id) == Some(entry), "seed {seed}: {name}");
                back += u32::from(salvage.perhaps_back().count() > 0);
                shut +=
                    u32::from(!may && truth.get(id).is_some_and(|truth| truth.standing != entry.standing));
            }
        }
        assert!(certain > 500 && shut > 500 && back > 500, "{certain} {shut} {back}");
        assert!(kept > 100 && taken > 100, "{kept} {taken}");
    }

    #[test]
    fn no_id_is_given_twice() {
        let mut salvage = without(3);
        salvage.skip(10);
        assert!(fold(&salvage.events()).last_id() > AccountId(3));
    }
}
