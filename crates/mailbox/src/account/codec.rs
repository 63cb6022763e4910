//! Events and state as bytes.
//!
//! ```text
//! event     version (1) · tag · fields
//! snapshot  version (1) · last id · last UIDVALIDITY of its own · count · UIDVALIDITYs of all mailboxes that it has
//!           or had, ascending, each with who made it (0 the account, 1 another server)
//!           · 1 where it may have forgotten some, else 0 · count · mailboxes in the order of their names
//!           · count · subscribed names in order · allowances
//! allowances  octets, messages, mailboxes: 0 for what is usual, 1 for any amount, else the limit + 2
//! mailbox   name · id · UIDVALIDITY · special uses
//! ```
//! Numbers are varints of seven bits a byte, lowest first, as short as can be; texts are a number and as many
//! octets of UTF-8; special uses are the code of the one, 0 for none, and 0x80 with a bit each for several. Decoding is strict: what encoding would not have
//! written is [`Damaged`], and nothing is allocated by a length that was read.

use super::event::{AccountEvent, MailboxId};
use super::quota::{Allowance, Allowances};
use super::special_use::SpecialUses;
use super::state::{Account, Inconsistent, Mailbox, Maker};
use std::fmt;
use terms::{MailboxName, UidValidity};

/// Bytes that are not what we write, and what is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged(pub(super) &'static str);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Damaged {}

impl From<Inconsistent> for Damaged {
    fn from(Inconsistent(what): Inconsistent) -> Self {
        Self(what)
    }
}

pub(super) const VERSION: u8 = 1;

const CREATED: u8 = 1;
const DELETED: u8 = 2;
const RENAMED: u8 = 3;
const SUBSCRIBED: u8 = 4;
const UNSUBSCRIBED: u8 = 5;
const SPECIAL_USE_CHANGED: u8 = 6;
const ALLOWANCES_CHANGED: u8 = 7;
const UNDELETED: u8 = 8;
const SKIPPED: u8 = 9;
const CONTINUED: u8 = 10;
const WITHDRAWN: u8 = 11;
const BEGUN_ANEW: u8 = 12;

impl AccountEvent {
    /// For the stream.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        match self {
            Self::Created { id, name, uid_validity, special_uses } => {
                out.push(CREATED);
                put_mailbox(
                    &mut out,
                    name,
                    &Mailbox { id: *id, uid_validity: *uid_validity, special_uses: *special_uses },
                );
            }
            Self::Undeleted { id, name, uid_validity, special_uses } => {
                out.push(UNDELETED);
                put_mailbox(
                    &mut out,
                    name,
                    &Mailbox { id: *id, uid_validity: *uid_validity, special_uses: *special_uses },
                );
            }
            Self::Continued { id, name, uid_validity, special_uses } => {
                out.push(CONTINUED);
                put_mailbox(
                    &mut out,
                    name,
                    &Mailbox { id: *id, uid_validity: *uid_validity, special_uses: *special_uses },
                );
            }
            Self::BegunAnew => out.push(BEGUN_ANEW),
            Self::Withdrawn { id } => {
                out.push(WITHDRAWN);
                put_number(&mut out, u64::from(id.get()));
            }
            Self::Deleted { id } => {
                out.push(DELETED);
                put_number(&mut out, u64::from(id.get()));
            }
            Self::Renamed { from, to } => {
                out.push(RENAMED);
                put_text(&mut out, from.as_str());
                put_text(&mut out, to.as_str());
            }
            Self::Subscribed { name } => {
                out.push(SUBSCRIBED);
                put_text(&mut out, name.as_str());
            }
            Self::Unsubscribed { name } => {
                out.push(UNSUBSCRIBED);
                put_text(&mut out, name.as_str());
            }
            Self::SpecialUseChanged { id, special_uses } => {
                out.push(SPECIAL_USE_CHANGED);
                put_number(&mut out, u64::from(id.get()));
                put_uses(&mut out, *special_uses);
            }
            Self::AllowancesChanged { allowances } => {
                out.push(ALLOWANCES_CHANGED);
                put_allowances(&mut out, allowances);
            }
            Self::Skipped { last_id, last_uid_validity } => {
                out.push(SKIPPED);
                put_number(&mut out, u64::from(last_id.get()));
                put_number(&mut out, u64::from(last_uid_validity.get()));
            }
        }
        out
    }

    /// From the stream.
    ///
    /// # Errors
    /// [`Damaged`]: anything that [`Self::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes)?;
        let event = match reader.byte()? {
            CREATED => {
                let (name, Mailbox { id, uid_validity, special_uses }) = reader.mailbox()?;
                Self::Created { id, name, uid_validity, special_uses }
            }
            UNDELETED => {
                let (name, Mailbox { id, uid_validity, special_uses }) = reader.mailbox()?;
                Self::Undeleted { id, name, uid_validity, special_uses }
            }
            CONTINUED => {
                let (name, Mailbox { id, uid_validity, special_uses }) = reader.mailbox()?;
                Self::Continued { id, name, uid_validity, special_uses }
            }
            WITHDRAWN => Self::Withdrawn { id: reader.id()? },
            BEGUN_ANEW => Self::BegunAnew,
            DELETED => Self::Deleted { id: reader.id()? },
            RENAMED => Self::Renamed { from: reader.name()?, to: reader.name()? },
            SUBSCRIBED => Self::Subscribed { name: reader.name()? },
            UNSUBSCRIBED => Self::Unsubscribed { name: reader.name()? },
            SPECIAL_USE_CHANGED => {
                Self::SpecialUseChanged { id: reader.id()?, special_uses: reader.special_uses()? }
            }
            ALLOWANCES_CHANGED => Self::AllowancesChanged { allowances: reader.allowances()? },
            SKIPPED => Self::Skipped { last_id: reader.id()?, last_uid_validity: reader.uid_validity()? },
            _ => return Err(Damaged("an account event of an unknown kind")),
        };
        reader.finish(event)
    }
}

impl Account {
    /// The state for a snapshot; the caller cuts it into pieces as the store wants them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_number(&mut out, self.last_id.map_or(0, |id| u64::from(id.get())));
        put_number(&mut out, self.last_uid_validity.map_or(0, |last| u64::from(last.get())));
        put_number(&mut out, self.uid_validities.len() as u64);
        for (uid_validity, maker) in self.uid_validities.iter() {
            put_number(&mut out, u64::from(uid_validity.get()));
            out.push(u8::from(*maker == Maker::Elsewhere));
        }
        out.push(u8::from(self.may_have_forgotten));
        put_number(&mut out, self.mailboxes.len() as u64);
        for (name, mailbox) in self.mailboxes.iter() {
            put_mailbox(&mut out, name, mailbox);
        }
        put_number(&mut out, self.subscriptions.len() as u64);
        for name in self.subscriptions.keys() {
            put_text(&mut out, name.as_str());
        }
        put_allowances(&mut out, &self.allowances);
        out
    }

    /// The state from a snapshot, its pieces joined.
    ///
    /// # Errors
    /// [`Damaged`]: anything that [`Self::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes)?;
        let mut account = Self {
            last_id: MailboxId::new(reader.small()?),
            last_uid_validity: UidValidity::new(reader.small()?),
            ..Self::default()
        };
        for _ in 0..reader.number()? {
            let uid_validity = reader.uid_validity()?;
            let last = account.uid_validities.last_key();
            if last.is_some_and(|last| *last >= uid_validity) || !account.has_room_to_remember() {
                return Err(Damaged("UIDVALIDITYs out of order, or too many"));
            }
            account.uid_validities.insert(uid_validity, reader.maker()?);
        }
        account.may_have_forgotten = match reader.byte()? {
            0 => false,
            1 => true,
            _ => return Err(Damaged("an account that has forgotten neither something nor nothing")),
        };
        for _ in 0..reader.number()? {
            let (name, mailbox) = reader.mailbox()?;
            account.restore(name, mailbox)?;
        }
        for _ in 0..reader.number()? {
            let name = reader.name()?;
            if account.subscriptions.last_key() >= Some(&name) {
                return Err(Damaged("subscriptions out of order"));
            }
            account.subscriptions.insert(name, ());
        }
        account.allowances = reader.allowances()?;
        reader.finish(account)
    }

    fn restore(&mut self, name: MailboxName, mailbox: Mailbox) -> Result<(), Damaged> {
        if self.mailboxes.last_key().is_some_and(|last| *last >= name) {
            return Err(Damaged("mailboxes out of order"));
        }
        if Some(mailbox.id) > self.last_id || !self.had(mailbox.uid_validity) {
            return Err(Damaged("a mailbox has a number that was not given yet"));
        }
        if self.name(mailbox.id).is_some() {
            return Err(Damaged("two mailboxes have one id"));
        }
        self.put(name, mailbox);
        Ok(())
    }
}

fn put_mailbox(out: &mut Vec<u8>, name: &MailboxName, mailbox: &Mailbox) {
    put_text(out, name.as_str());
    put_number(out, u64::from(mailbox.id.get()));
    put_number(out, u64::from(mailbox.uid_validity.get()));
    put_uses(out, mailbox.special_uses);
}

fn put_uses(out: &mut Vec<u8>, special_uses: SpecialUses) {
    out.push(special_uses.code());
}

fn put_allowances(out: &mut Vec<u8>, allowances: &Allowances) {
    for allowance in [allowances.octets, allowances.messages, allowances.mailboxes] {
        put_number(
            out,
            match allowance {
                Allowance::Usual => 0,
                Allowance::Unlimited => 1,
                // What does not fit is as good as none.
                Allowance::AtMost(most) => most.checked_add(2).unwrap_or(1),
            },
        );
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_octets(out, text.as_bytes());
}

pub(super) fn put_octets(out: &mut Vec<u8>, octets: &[u8]) {
    put_number(out, octets.len() as u64);
    out.extend_from_slice(octets);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits fit a byte")]
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads what the `put_` functions wrote, and nothing else.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Behind the version.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Damaged> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => Ok(Self { rest }),
            _ => Err(Damaged("an account's data of an unknown version")),
        }
    }

    /// `value`, if all was read.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Damaged> {
        if self.rest.is_empty() { Ok(value) } else { Err(Damaged("more bytes than there should be")) }
    }

    /// All that was not read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        let (&byte, rest) = self.rest.split_first().ok_or(CUT_SHORT)?;
        self.rest = rest;
        Ok(byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                return Err(Damaged("a number that is longer than it must be"));
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged("a number that is longer than it must be"))
    }

    fn small(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged("a number above 32 bits"))
    }

    pub(super) fn octets(&mut self) -> Result<&'a [u8], Damaged> {
        let length = usize::try_from(self.number()?).map_err(|_| CUT_SHORT)?;
        let (octets, rest) = self.rest.split_at_checked(length).ok_or(CUT_SHORT)?;
        self.rest = rest;
        Ok(octets)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Damaged> {
        std::str::from_utf8(self.octets()?).map_err(|_| Damaged("a text that is not UTF-8"))
    }

    fn name(&mut self) -> Result<MailboxName, Damaged> {
        let text = self.text()?;
        let name = MailboxName::new(text).ok().filter(|name| name.as_str() == text);
        name.ok_or(Damaged("a text that is no mailbox name"))
    }

    fn id(&mut self) -> Result<MailboxId, Damaged> {
        MailboxId::new(self.small()?).ok_or(Damaged("a mailbox with id 0"))
    }

    fn uid_validity(&mut self) -> Result<UidValidity, Damaged> {
        UidValidity::new(self.small()?).ok_or(Damaged("UIDVALIDITY 0"))
    }

    fn maker(&mut self) -> Result<Maker, Damaged> {
        match self.byte()? {
            0 => Ok(Maker::Account),
            1 => Ok(Maker::Elsewhere),
            _ => Err(Damaged("a UIDVALIDITY of an unknown maker")),
        }
    }

    fn special_uses(&mut self) -> Result<SpecialUses, Damaged> {
        SpecialUses::from_code(self.byte()?).ok_or(Damaged("an unknown special use"))
    }

    fn allowances(&mut self) -> Result<Allowances, Damaged> {
        Ok(Allowances {
            octets: self.allowance()?,
            messages: self.allowance()?,
            mailboxes: self.allowance()?,
        })
    }

    fn allowance(&mut self) -> Result<Allowance, Damaged> {
        Ok(match self.number()? {
            0 => Allowance::Usual,
            1 => Allowance::Unlimited,
            more => Allowance::AtMost(more - 2),
        })
    }

    fn mailbox(&mut self) -> Result<(MailboxName, Mailbox), Damaged> {
        let name = self.name()?;
        let id = self.id()?;
        let uid_validity = self.uid_validity()?;
        Ok((name, Mailbox { id, uid_validity, special_uses: self.special_uses()? }))
    }
}

const CUT_SHORT: Damaged = Damaged("fewer bytes than there should be");
