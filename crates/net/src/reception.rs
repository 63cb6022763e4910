//! Who is in: counts connections, shows one out for another, and asks all to leave.
//!
//! A connection is a *stranger* from its acceptance until it signs in, and a *resident* from then on. Strangers are
//! few by policy, from one address, from one network and altogether. Where there are too many the oldest goes: of that address
//! or network, or else of the network that has the most, so that ten thousand silent sockets keep out nobody who means to sign
//! in (threat T-8), and hardly ever show out one from elsewhere. Who is shown out needs a moment to go; a network of which as
//! many are going as may be strangers is refused.

use events::{ConnectionId, Protocol};
use policy::{ConnectionLimits, ConnectionPermit, Connections, Crowded, Network, Tally};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Whether a connection may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Welcome,
    /// Say goodbye and go.
    Asked(Wherefore),
    /// There was time enough for that.
    Cut,
}

/// Why a connection has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wherefore {
    /// The server is stopping.
    Stopping,
    /// Others wait outside, and this one has not signed in.
    Crowded,
    /// Its account may not be signed in to any more.
    SignedOut,
}

const STOPPING: Presence = Presence::Asked(Wherefore::Stopping);
/// Odd, so that no two numbers become one; the golden ratio, so that neighbours go far apart (Knuth, TAOCP 6.4).
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Everybody who is in.
#[derive(Debug)]
pub(crate) struct Reception(Mutex<Book>);

#[derive(Debug)]
struct Book {
    counts: Connections,
    limits: ConnectionLimits,
    strangers: BTreeMap<ConnectionId, Stranger>,
    /// Each stranger twice: in its narrow network and in its wide one, the oldest of each first.
    neighbours: BTreeSet<(Network, ConnectionId)>,
    /// How many of each narrow network were shown out and have not gone.
    going: Tally<Network>,
    residents: HashMap<ConnectionId, Resident>,
    last: ConnectionId,
}

#[derive(Debug)]
struct Resident {
    protocol: Protocol,
    /// Where it came from, if it was shown out as a stranger.
    going: Option<Network>,
    presence: watch::Sender<Presence>,
}

/// How many are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Who may read mail once they sign in, and have not.
    pub strangers: u64,
    /// Who has signed in to read mail, or was shown out for another.
    pub readers: u64,
    /// Who brings mail.
    pub bringers: u64,
}

#[derive(Debug)]
struct Stranger {
    permit: ConnectionPermit,
    presence: watch::Sender<Presence>,
}

/// One connection is in, and counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) id: ConnectionId,
    pub(crate) presence: watch::Receiver<Presence>,
    reception: Arc<Reception>,
}

impl Reception {
    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        let counts = Connections::new(limits);
        Arc::new(Self(Mutex::new(Book {
            counts,
            limits,
            strangers: BTreeMap::new(),
            neighbours: BTreeSet::new(),
            going: Tally::default(),
            residents: HashMap::new(),
            last: ConnectionId(0),
        })))
    }

    /// Lets one more in.
    pub(crate) fn admit(self: &Arc<Self>, from: IpAddr) -> Result<Admission, Crowded> {
        let mut book = self.book();
        let permit = book.permit(from)?;
        let (sender, presence) = watch::channel(Presence::Welcome);
        book.last = ConnectionId(book.last.0 + 1);
        let id = book.last;
        book.neighbours.extend(permit.networks().map(|network| (network, id)));
        book.strangers.insert(id, Stranger { permit, presence: sender });
        Ok(Admission { id, presence, reception: Arc::clone(self) })
    }

    /// Lets one in who does not have to sign in, and is no stranger from the start.
    pub(crate) fn admit_known(self: &Arc<Self>) -> Admission {
        let mut book = self.book();
        let (sender, presence) = watch::channel(Presence::Welcome);
        book.last = ConnectionId(book.last.0 + 1);
        let id = book.last;
        book.residents.insert(id, Resident { protocol: Protocol::Lmtp, going: None, presence: sender });
        Admission { id, presence, reception: Arc::clone(self) }
    }

    /// Asks those to leave who have not signed in; how many that is.
    pub(crate) fn ask_strangers_to_leave(&self) -> u64 {
        let book = self.book();
        tell(book.strangers.values().map(|stranger| &stranger.presence), STOPPING)
    }

    /// Who has signed in, in an order that has nothing to do with when they came: one client's connections, and one
    /// company's, came together.
    pub(crate) fn residents(&self) -> Vec<ConnectionId> {
        let mut residents: Vec<ConnectionId> = self.book().residents.keys().copied().collect();
        residents.sort_unstable_by_key(|id| id.0.wrapping_mul(SCATTER));
        residents
    }

    /// Asks some residents to leave; how many of them were still there.
    pub(crate) fn ask_to_leave(&self, some: &[ConnectionId]) -> u64 {
        let book = self.book();
        tell(some.iter().filter_map(|id| Some(&book.residents.get(id)?.presence)), STOPPING)
    }

    /// Cuts off those who are still here; how many that is.
    pub(crate) fn cut_all(&self) -> u64 {
        let book = self.book();
        let strangers = book.strangers.values().map(|stranger| &stranger.presence);
        let residents = book.residents.values().map(|resident| &resident.presence);
        tell(strangers.chain(residents), Presence::Cut)
    }

    /// How many are in now.
    pub(crate) fn present(&self) -> Present {
        let book = self.book();
        let bring = |resident: &&Resident| resident.protocol == Protocol::Lmtp;
        let bringers = book.residents.values().filter(bring).count();
        Present {
            strangers: book.strangers.len() as u64,
            readers: (book.residents.len() - bringers) as u64,
            bringers: bringers as u64,
        }
    }

    fn signed_in(&self, id: ConnectionId) {
        let mut book = self.book();
        if let Some(presence) = book.no_stranger_any_more(id) {
            book.residents.insert(id, Resident { protocol: Protocol::Imap, going: None, presence });
        } else {
            book.may_stay(id);
        }
    }

    fn left(&self, id: ConnectionId) {
        let mut book = self.book();
        if book.no_stranger_any_more(id).is_none()
            && let Some(Resident { going: Some(network), .. }) = book.residents.remove(&id)
        {
            book.going.remove(&network);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell<'a>(some: impl Iterator<Item = &'a watch::Sender<Presence>>, presence: Presence) -> u64 {
    let mut told = 0;
    for sender in some {
        sender.send_replace(presence);
        told += 1;
    }
    told
}

impl Book {
    fn permit(&mut self, from: IpAddr) -> Result<ConnectionPermit, Crowded> {
        match self.counts.admit(from) {
            Err(crowded) if self.show_one_out(crowded) => self.counts.admit(from),
            decided => decided,
        }
    }

    /// Its place is free at once; it needs a moment longer to go.
    fn show_one_out(&mut self, crowded: Crowded) -> bool {
        let network = match crowded {
            Crowded::Network(network) => Some(network),
            Crowded::Server => self.counts.fullest(),
        };
        let oldest = match network {
            Some(network) => self.oldest_of(network),
            None => self.strangers.first_key_value().map(|(id, _)| *id),
        };
        oldest.is_some_and(|id| self.show_out(id))
    }

    fn oldest_of(&self, network: Network) -> Option<ConnectionId> {
        let from = (network, ConnectionId(0));
        let oldest = self.neighbours.range(from..).next().filter(|(of, _)| *of == network);
        oldest.map(|(_, id)| *id)
    }

    fn show_out(&mut self, id: ConnectionId) -> bool {
        let Some([narrow, _]) = self.strangers.get(&id).map(|stranger| stranger.permit.networks()) else {
            return false;
        };
        if self.going.count(&narrow) >= self.limits.per_narrow {
            return false;
        }
        let Some(presence) = self.no_stranger_any_more(id) else { return false };
        presence.send_replace(Presence::Asked(Wherefore::Crowded));
        self.going.add(narrow);
        self.residents.insert(id, Resident { protocol: Protocol::Imap, going: Some(narrow), presence });
        true
    }

    /// Takes one from among the strangers, if it is one of them.
    fn no_stranger_any_more(&mut self, id: ConnectionId) -> Option<watch::Sender<Presence>> {
        let Stranger { permit, presence } = self.strangers.remove(&id)?;
        for network in permit.networks() {
            self.neighbours.remove(&(network, id));
        }
        self.counts.release(permit);
        Some(presence)
    }

    /// It was shown out while its password was looked at.
    fn may_stay(&mut self, id: ConnectionId) {
        let Some(Resident { going, presence, .. }) = self.residents.get_mut(&id) else { return };
        if let Some(network) = going.take() {
            self.going.remove(&network);
        }
        presence.send_if_modified(|presence| {
            let is_crowded = *presence == Presence::Asked(Wherefore::Crowded);
            if is_crowded {
                *presence = Presence::Welcome;
            }
            is_crowded
        });
    }
}

impl Admission {
    /// From now on this connection does not count as a stranger.
    pub(crate) fn signed_in(&self) {
        self.reception.signed_in(self.id);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.reception.left(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reception(per_narrow: usize, total: usize) -> Arc<Reception> {
        Reception::new(ConnectionLimits { per_narrow, per_wide: 512, total })
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn presence(admission: &Admission) -> Presence {
        *admission.presence.borrow()
    }

    fn present(reception: &Reception) -> (u64, u64, u64) {
        let Present { strangers, readers, bringers } = reception.present();
        (strangers, readers, bringers)
    }

    #[test]
    fn who_signs_in_or_leaves_makes_room_for_another_stranger() {
        let reception = reception(1, 10);
        let first = reception.admit(address(1)).unwrap();
        first.signed_in();
        let second = reception.admit(address(1)).unwrap();
        assert_eq!(present(&reception), (1, 1, 0));
        drop(second);
        let _third = reception.admit(address(1)).unwrap();
        drop(first);
        assert_eq!(present(&reception), (1, 0, 0));
        let bringer = reception.admit_known();
        assert_eq!(present(&reception), (1, 0, 1));
        drop(bringer);
        assert_eq!(present(&reception), (1, 0, 0));
    }

    #[test]
    fn t_8_in_a_full_house_the_oldest_stranger_goes_and_residents_stay() {
        let reception = reception(9, 2);
        let resident = reception.admit(address(1)).unwrap();
        resident.signed_in();
        let oldest = reception.admit(address(2)).unwrap();
        let younger = reception.admit(address(3)).unwrap();
        let newest = reception.admit(address(4)).unwrap();
        assert_eq!(presence(&oldest), Presence::Asked(Wherefore::Crowded));
        assert_eq!([&resident, &younger, &newest].map(presence), [Presence::Welcome; 3]);
        // Its password was looked at meanwhile, and was right.
        oldest.signed_in();
        assert_eq!(presence(&oldest), Presence::Welcome);
        assert_eq!(present(&reception), (2, 2, 0));
        drop([oldest, younger, newest]);
        assert_eq!(present(&reception), (0, 1, 0));
    }

    #[test]
    fn t_8_a_full_network_shows_out_its_own_oldest_and_nobody_elses() {
        let reception = reception(2, 100);
        let [elsewhere, oldest, younger] = [[198, 51, 100, 1], [192, 0, 2, 1], [192, 0, 2, 1]]
            .map(|from| reception.admit(from.into()).unwrap());
        let newest = reception.admit(address(1)).unwrap();
        assert_eq!(presence(&oldest), Presence::Asked(Wherefore::Crowded));
        assert_eq!([&elsewhere, &younger, &newest].map(presence), [Presence::Welcome; 3]);
        // As many may be on their way out as may be strangers; then the network is refused, and no other.
        let one_more = reception.admit(address(1)).unwrap();
        assert_eq!(presence(&younger), Presence::Asked(Wherefore::Crowded));
        let full = Crowded::Network(Network::narrow(address(1)));
        assert_eq!(reception.admit(address(1)).map(drop), Err(full));
        let _neighbour = reception.admit(address(2)).unwrap();
        drop(oldest);
        let _last = reception.admit(address(1)).unwrap();
        assert_eq!(
            [&newest, &one_more].map(presence),
            [Presence::Asked(Wherefore::Crowded), Presence::Welcome]
        );
    }

    #[test]
    fn t_8_fifteen_thousand_silent_connections_show_out_none_that_comes_from_elsewhere() {
        let reception = Reception::new(ConnectionLimits::default());
        let honest: Vec<Admission> =
            (0..100).map(|n| reception.admit([198, 51, n, 1].into()).unwrap()).collect();
        let mut silent = Vec::new();
        // From 256 addresses of each of 40 networks; whoever is asked goes.
        for n in 0..15_000_u32 {
            let from = [203, u8::try_from(n / 256 % 40).unwrap(), 0, u8::try_from(n % 256).unwrap()];
            silent.push(reception.admit(from.into()).unwrap());
            if n % 500 == 499 {
                silent.retain(|admission| presence(admission) == Presence::Welcome);
            }
        }
        assert!(honest.iter().all(|admission| presence(admission) == Presence::Welcome));
        assert_eq!(present(&reception), (10_000, 0, 0));
        assert_eq!(silent.len(), 9_900);
        drop((honest, silent));
        assert_eq!(present(&reception), (0, 0, 0));
        assert!(reception.book().neighbours.is_empty());
    }

    #[test]
    fn everybody_is_asked_to_leave_before_anybody_is_cut_off() {
        let reception = reception(9, 9);
        let (one, other) = (reception.admit(address(1)).unwrap(), reception.admit(address(2)).unwrap());
        one.signed_in();
        assert_eq!(reception.ask_strangers_to_leave(), 1);
        assert_eq!(*other.presence.borrow(), STOPPING);
        assert_eq!(*one.presence.borrow(), Presence::Welcome);
        assert_eq!(reception.ask_to_leave(&reception.residents()), 1);
        assert_eq!(*one.presence.borrow(), STOPPING);
        drop(other);
        assert_eq!(reception.cut_all(), 1);
        assert_eq!(*one.presence.borrow(), Presence::Cut);
    }
}
