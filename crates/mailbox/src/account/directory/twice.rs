//! Events as the directory's stream has them: those of one commit, and then the same once more. Who may sign in is not to be
//! lost with one octet.
//!
//! ```text
//! first   version (1) · 8 · distance to where it is said again · event
//! again   version (1) · 9 · distance to where it was said first · event
//! ```
//! Events of earlier versions are said once, and stand as they are.

use super::DirectoryEvent;
use crate::account::codec::{Damaged, Reader, VERSION, put_number};
use std::collections::{BTreeMap, BTreeSet};

const FIRST: u8 = 8;
const AGAIN: u8 = 9;

/// What stands at a place of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An event that is not said again.
    Once(DirectoryEvent),
    /// An event that is said again so many places further on.
    First(u64, DirectoryEvent),
    /// An event that was said so many places before: if that can be read, nothing happens.
    Again(u64, DirectoryEvent),
}

impl Said {
    /// The octets of events that happen together, in the order in which they are appended.
    #[must_use]
    pub fn twice(events: &[DirectoryEvent]) -> Vec<Vec<u8>> {
        let distance = events.len() as u64;
        let say = |tag| events.iter().map(move |event| encode(tag, distance, event));
        say(FIRST).chain(say(AGAIN)).collect()
    }

    /// From the stream.
    ///
    /// # Errors
    /// [`Damaged`]: anything that [`Self::twice`] and [`DirectoryEvent::encode`] do not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes)?;
        let tag = reader.byte()?;
        if tag != FIRST && tag != AGAIN {
            return DirectoryEvent::decode(bytes).map(Self::Once);
        }
        let distance = reader.number()?;
        if distance == 0 {
            return Err(Damaged("an event that is said again where it stands"));
        }
        let event = DirectoryEvent::decode(reader.rest())?;
        Ok(if tag == FIRST { Self::First(distance, event) } else { Self::Again(distance, event) })
    }

    /// What happens at this place, where nothing is lost.
    #[must_use]
    pub fn into_news(self) -> Option<DirectoryEvent> {
        match self {
            Self::Once(event) | Self::First(_, event) => Some(event),
            Self::Again(..) => None,
        }
    }
}

fn encode(tag: u8, distance: u64, event: &DirectoryEvent) -> Vec<u8> {
    let mut out = vec![VERSION, tag];
    put_number(&mut out, distance);
    out.extend(event.encode());
    out
}

/// What is left of the stream, to be put together. `T` is what else there is to know of an event.
#[derive(Clone, Debug)]
pub struct Remains<T> {
    places: BTreeMap<u64, (T, Said)>,
}

impl<T> Default for Remains<T> {
    fn default() -> Self {
        Self { places: BTreeMap::new() }
    }
}

impl<T> Remains<T> {
    /// What stands at a place can be read.
    pub fn put(&mut self, place: u64, about: T, said: Said) {
        self.places.insert(place, (about, said));
    }

    /// What happened from the place `first` to the place `last`, in order; `None` stands for an event that is lost.
    #[must_use]
    pub fn events(mut self, first: u64, last: u64) -> Vec<Option<(T, DirectoryEvent)>> {
        // Where what stands at a place is said again, and the places that only say again.
        let (mut later, mut repeating) = (BTreeMap::new(), BTreeSet::new());
        for (place, (_, said)) in &self.places {
            match said {
                Said::First(distance, _) => drop(repeating.insert(place.saturating_add(*distance))),
                Said::Again(distance, _) => {
                    later.insert(place.saturating_sub(*distance), *place);
                    repeating.insert(*place);
                }
                Said::Once(_) => {}
            }
        }
        let mut events = Vec::new();
        for place in first..=last {
            let is_there = self.places.contains_key(&place);
            let said = match later.get(&place) {
                Some(again) if !is_there => self.places.remove(again),
                // It says nothing new.
                _ if repeating.contains(&place) => continue,
                _ => self.places.remove(&place),
            };
            events.push(said.map(|(about, said)| (about, said.into_event())));
        }
        events
    }
}

impl Said {
    fn into_event(self) -> DirectoryEvent {
        match self {
            Self::Once(event) | Self::First(_, event) | Self::Again(_, event) => event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::directory::{DecoySecret, Standing};
    use terms::AccountId;

    fn some(ids: std::ops::RangeInclusive<u64>) -> Vec<DirectoryEvent> {
        ids.map(|id| DirectoryEvent::AccountRemoved { id: AccountId(id) }).collect()
    }

    /// A stream of commits of one, three and two events, and one of an earlier version, and what happened.
    fn stream() -> (Vec<Vec<u8>>, Vec<DirectoryEvent>) {
        let once = DirectoryEvent::DecoySecretMade(DecoySecret([1; 32]));
        let mut places = vec![once.encode()];
        let mut happened = vec![once];
        for events in [some(1..=1), some(2..=4), some(5..=6)] {
            places.extend(Said::twice(&events));
            happened.extend(events);
        }
        (places, happened)
    }

    fn left(places: &[Vec<u8>], lost: &[usize]) -> Vec<Option<DirectoryEvent>> {
        let mut remains = Remains::default();
        for (at, octets) in places.iter().enumerate().filter(|(at, _)| !lost.contains(at)) {
            remains.put(at as u64 + 1, (), Said::decode(octets).unwrap());
        }
        let events = remains.events(1, places.len() as u64);
        events.into_iter().map(|event| Some(event?.1)).collect()
    }

    #[test]
    fn what_is_said_twice_happens_once() {
        let (places, happened) = stream();
        let news: Vec<_> =
            places.iter().filter_map(|octets| Said::decode(octets).unwrap().into_news()).collect();
        assert_eq!(news, happened);
        assert_eq!(left(&places, &[]), happened.iter().cloned().map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn one_place_that_is_lost_costs_nothing_but_of_an_event_that_was_said_once() {
        let (places, happened) = stream();
        for lost in 1..places.len() {
            assert_eq!(
                left(&places, &[lost]),
                happened.iter().cloned().map(Some).collect::<Vec<_>>(),
                "{lost}"
            );
        }
        let mut without = happened.into_iter().map(Some).collect::<Vec<_>>();
        without[0] = None;
        assert_eq!(left(&places, &[0]), without);
    }

    #[test]
    fn an_event_that_is_lost_twice_is_missed_where_it_was() {
        let (places, happened) = stream();
        // The second of the three: the places are 1, 2 2, 3 4 5 3 4 5, 6 7 6 7.
        let left = left(&places, &[4, 7]);
        assert_eq!(left.iter().filter(|event| event.is_none()).count(), 2, "either may be an event");
        assert_eq!(left[3], None);
        let known: Vec<_> = left.into_iter().flatten().collect();
        assert_eq!(known.len(), happened.len() - 1);
        assert!(known.iter().all(|event| happened.contains(event)));
    }

    #[test]
    fn what_is_not_written_is_not_read() {
        let event = DirectoryEvent::StandingChanged { id: AccountId(3), standing: Standing::Disabled };
        let [first, again] = Said::twice(std::slice::from_ref(&event)).try_into().unwrap();
        assert_eq!(Said::decode(&first), Ok(Said::First(1, event.clone())));
        assert_eq!(Said::decode(&again), Ok(Said::Again(1, event)));
        for octets in [&[VERSION, FIRST, 0][..], &[VERSION, FIRST, 1], &[VERSION, AGAIN, 1, VERSION, 99]] {
            assert!(Said::decode(octets).is_err(), "{octets:?}");
        }
        assert!(Said::decode(&encode(FIRST, 1, &some(1..=1)[0])[..4]).is_err());
        let nested = [&[VERSION, FIRST, 1][..], &first].concat();
        assert!(Said::decode(&nested).is_err(), "an event holds no other");
    }
}
