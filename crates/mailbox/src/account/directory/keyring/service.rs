//! The protocols that somebody signs in by, as numbers that a later version may have more of.

use std::fmt;

/// A protocol that somebody signs in by. A number that this version has no name for is one of a later version: it is
/// kept, and is none of ours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service(u8);

impl Service {
    /// IMAP.
    pub const IMAP: Self = Self(0);
    /// POP3.
    pub const POP3: Self = Self(1);
    /// Submission of mail.
    pub const SUBMISSION: Self = Self(2);
    /// ManageSieve.
    pub const MANAGESIEVE: Self = Self(3);
    /// How many numbers there are.
    const NUMBERS: u8 = 64;

    /// All that have a name, with it.
    pub const NAMED: [(Self, &'static str); 4] = [
        (Self::IMAP, "imap"),
        (Self::POP3, "pop3"),
        (Self::SUBMISSION, "submission"),
        (Self::MANAGESIEVE, "managesieve"),
    ];

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(service, _)| *service)
    }

    pub(super) const fn number(self) -> u8 {
        self.0
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        (number < Self::NUMBERS).then_some(Self(number))
    }

    const fn bit(self) -> u64 {
        1 << self.0
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(service, _)| service == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "protocol {}", self.0),
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of protocols; there is one in it at least.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u64);

impl Scopes {
    /// All that have a name today. What comes later is not let in by what was made before.
    pub const MAIL: Self = Self(
        Service::IMAP.bit() | Service::POP3.bit() | Service::SUBMISSION.bit() | Service::MANAGESIEVE.bit(),
    );

    /// `None` for none.
    #[must_use]
    pub fn of(services: impl IntoIterator<Item = Service>) -> Option<Self> {
        Self::from_bits(services.into_iter().fold(0, |bits, service| bits | service.bit()))
    }

    /// Whether a protocol is in it.
    #[must_use]
    pub const fn has(self, service: Service) -> bool {
        self.0 & service.bit() != 0
    }

    /// Those that are in it, in order.
    pub fn services(self) -> impl Iterator<Item = Service> {
        (0..Service::NUMBERS).map(Service).filter(move |service| self.has(*service))
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn from_bits(bits: u64) -> Option<Self> {
        (bits != 0).then_some(Self(bits))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.services().enumerate().try_for_each(|(at, service)| {
            f.write_str(if at == 0 { "" } else { "," })?;
            fmt::Display::fmt(&service, f)
        })
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_in_by_one_protocol_lets_in_by_no_other() {
        let scopes = Scopes::of([Service::SUBMISSION, Service::IMAP]).unwrap();
        assert_eq!(scopes.to_string(), "imap,submission");
        assert!(scopes.has(Service::IMAP) && !scopes.has(Service::POP3));
        assert_eq!(Scopes::of([]), None);
        assert_eq!(Scopes::of(Service::NAMED.map(|(service, _)| service)), Some(Scopes::MAIL));
    }

    #[test]
    fn a_protocol_of_a_later_version_is_kept_and_is_none_of_ours() {
        let later = Service::from_number(63).unwrap();
        let scopes = Scopes::from_bits(1 << 63).unwrap();
        assert_eq!((scopes.to_string(), scopes.has(later)), ("protocol 63".into(), true));
        assert!(Service::NAMED.iter().all(|(service, _)| !scopes.has(*service)));
        assert_eq!(Service::from_number(64), None);
    }

    #[test]
    fn a_protocol_is_found_by_the_name_that_it_shows() {
        for (service, name) in Service::NAMED {
            assert_eq!((Service::named(name), service.to_string()), (Some(service), name.to_owned()));
        }
        assert_eq!(Service::named("smtp"), None);
    }
}
