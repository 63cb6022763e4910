//! A directory put together from what is left of its events, and said anew from nothing.

use super::{Directory, DirectoryEvent, Entry, Login, Standing};
use std::collections::{BTreeMap, BTreeSet};
use terms::AccountId;

/// A directory on its way back.
#[derive(Clone, Debug, Default)]
pub struct Salvage {
    directory: Directory,
    /// Accounts of which an event says that they went, and what they were where that is known.
    gone: BTreeMap<AccountId, Option<Entry>>,
    lost: u64,
}

impl Salvage {
    /// The next event, as far as it fits what is known.
    pub fn take(&mut self, event: &DirectoryEvent) {
        match event {
            DirectoryEvent::AccountRemoved { id } => {
                let was = self.directory.get(*id).cloned();
                self.gone.insert(*id, was);
            }
            DirectoryEvent::AccountRestored { id, .. } => drop(self.gone.remove(id)),
            _ => {}
        }
        if self.directory.apply(event).is_err() {
            self.lose(1);
        }
    }

    /// So many events cannot be read.
    pub const fn lose(&mut self, events: u64) {
        self.lost = self.lost.saturating_add(events);
    }

    /// How many events are lost, those among them that do not fit any more.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The directory is known after all.
    pub fn know(&mut self, directory: Directory) {
        (self.directory, self.lost) = (directory, 0);
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
        self.directory.named(id, &login, &[]).ok()?;
        self.directory.last_id = self.directory.last_id.max(id.0);
        Some(login)
    }

    /// Passes over ids: what was given in events that are lost is not given again. Where there are not so many left, none
    /// is.
    pub fn skip(&mut self, ids: u64) {
        if let Ok(event) = self.directory.skip(ids) {
            self.take(&event);
        }
    }

    /// Events that come to this directory from nothing. Accounts that were removed come and go again, so that they can be
    /// brought back, or purged, as before.
    #[must_use]
    pub fn events(&self) -> Vec<DirectoryEvent> {
        let mut anew = Anew::default();
        let away = self.away();
        let living = self.directory.entries.iter().map(|(id, entry)| (*id, (&**entry, Whereabouts::Here)));
        let gone = self.gone.iter().filter_map(|(id, was)| Some((*id, (was.as_ref()?, Whereabouts::Gone))));
        // Whoever is here is no more gone.
        let all: BTreeMap<_, _> = gone.chain(living).collect();
        for (id, (entry, whereabouts)) in all {
            let (login, credential) = (entry.login.clone(), entry.credential.clone());
            let came = anew.say(DirectoryEvent::AccountAdded { id, login, credential });
            if came && (whereabouts == Whereabouts::Gone || away.contains(&id)) {
                anew.say(DirectoryEvent::AccountRemoved { id });
            }
        }
        for (id, entry) in self.directory.entries.iter() {
            if away.contains(id) {
                let (id, login, credential) = (*id, entry.login.clone(), entry.credential.clone());
                anew.say(DirectoryEvent::AccountRestored { id, login, credential });
            }
            if entry.standing != Standing::Enabled {
                anew.say(DirectoryEvent::StandingChanged { id: *id, standing: entry.standing });
            }
        }
        anew.events.extend(self.directory.decoy_secret.map(DirectoryEvent::DecoySecretMade));
        anew.events.push(DirectoryEvent::IdsSkipped { last: self.directory.last_id() });
        anew.events
    }

    /// Those that have the name of an account which came behind them and went: they go, and come back when that is said.
    fn away(&self) -> BTreeSet<AccountId> {
        let newer = self.gone.iter().filter_map(|(id, was)| {
            let (older, _) = self.directory.find(&was.as_ref()?.login)?;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::directory::DecoySecret;

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

    #[test]
    fn no_id_is_given_twice() {
        let mut salvage = without(3);
        salvage.skip(10);
        assert!(fold(&salvage.events()).last_id() > AccountId(3));
    }
}
