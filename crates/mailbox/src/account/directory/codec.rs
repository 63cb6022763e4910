//! The directory's events and state as bytes, in the alphabet of the account's.
//!
//! ```text
//! event     version (1) · tag · id · fields; of the decoys' secret: version (1) · tag · secret
//! snapshot  version (1) · last id · secret · count · accounts in the order of their ids
//!           · count · events that come to the keyrings; not there where all are empty
//! secret    32 octets, or none where there is none
//! account   id · login · credential, and in a snapshot 0 for one that may sign in, 1 for one that may not
//! ```

use super::keyring::FIRST_TAG;
use super::{AccountId, DecoySecret, Directory, DirectoryEvent, Login, MAX_CREDENTIAL_OCTETS, Standing};
use crate::account::codec::{Damaged, Reader, VERSION, put_number, put_octets, put_text};

const ADDED: u8 = 1;
const REMOVED: u8 = 2;
const CREDENTIAL_CHANGED: u8 = 3;
const STANDING_CHANGED: u8 = 4;
const DECOY_SECRET_MADE: u8 = 5;
const RESTORED: u8 = 6;
const IDS_SKIPPED: u8 = 7;

impl DirectoryEvent {
    /// For the stream.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        match self {
            Self::AccountAdded { id, login, credential } => {
                out.push(ADDED);
                put_account(&mut out, *id, login, credential);
            }
            Self::AccountRestored { id, login, credential } => {
                out.push(RESTORED);
                put_account(&mut out, *id, login, credential);
            }
            Self::AccountRemoved { id } => {
                out.push(REMOVED);
                put_number(&mut out, id.0);
            }
            Self::StandingChanged { id, standing } => {
                out.push(STANDING_CHANGED);
                put_number(&mut out, id.0);
                put_standing(&mut out, *standing);
            }
            Self::CredentialChanged { id, credential } => {
                out.push(CREDENTIAL_CHANGED);
                put_number(&mut out, id.0);
                put_octets(&mut out, credential);
            }
            Self::DecoySecretMade(secret) => {
                out.push(DECOY_SECRET_MADE);
                put_octets(&mut out, &secret.0);
            }
            Self::IdsSkipped { last } => {
                out.push(IDS_SKIPPED);
                put_number(&mut out, last.0);
            }
            other => {
                let is_put = other.put_keyring(&mut out);
                debug_assert!(is_put, "every kind of event is written here or there");
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
            ADDED => {
                let (id, login, credential) = account(&mut reader)?;
                Self::AccountAdded { id, login, credential }
            }
            RESTORED => {
                let (id, login, credential) = account(&mut reader)?;
                Self::AccountRestored { id, login, credential }
            }
            IDS_SKIPPED => Self::IdsSkipped { last: id(&mut reader)? },
            REMOVED => Self::AccountRemoved { id: id(&mut reader)? },
            STANDING_CHANGED => {
                Self::StandingChanged { id: id(&mut reader)?, standing: standing(&mut reader)? }
            }
            CREDENTIAL_CHANGED => {
                Self::CredentialChanged { id: id(&mut reader)?, credential: credential(&mut reader)? }
            }
            DECOY_SECRET_MADE => {
                Self::DecoySecretMade(secret(&mut reader)?.ok_or(Damaged("no secret where one was made"))?)
            }
            tag if tag >= FIRST_TAG => Self::read_keyring(tag, id(&mut reader)?, &mut reader)?,
            _ => return Err(Damaged("a directory event of an unknown kind")),
        };
        reader.finish(event)
    }
}

impl Directory {
    /// The state for a snapshot; the caller cuts it into pieces as the store wants them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_number(&mut out, self.last_id);
        put_octets(&mut out, self.decoy_secret.as_ref().map_or(&[], |secret| &secret.0));
        put_number(&mut out, self.entries.len() as u64);
        for (id, entry) in self.entries.iter() {
            put_account(&mut out, *id, &entry.login, &entry.credential);
            put_standing(&mut out, entry.standing);
        }
        let of_keyrings = self.entries.iter().flat_map(|(id, entry)| entry.keyring().events(*id));
        let of_keyrings: Vec<_> = of_keyrings.map(|event| event.encode()).collect();
        if !of_keyrings.is_empty() {
            put_number(&mut out, of_keyrings.len() as u64);
            of_keyrings.iter().for_each(|event| put_octets(&mut out, event));
        }
        out
    }

    /// The state from a snapshot, its pieces joined.
    ///
    /// # Errors
    /// [`Damaged`]: anything that [`Self::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes)?;
        let last_id = reader.number()?;
        let mut directory = Self { decoy_secret: secret(&mut reader)?, ..Self::default() };
        for _ in 0..reader.number()? {
            // The ids ascend, so the fold of additions takes exactly what was written.
            let (id, login, credential) = account(&mut reader)?;
            directory.added(id, &login, &credential)?;
            let standing = standing(&mut reader)?;
            directory.apply(&DirectoryEvent::StandingChanged { id, standing })?;
        }
        if directory.last_id > last_id {
            return Err(Damaged("an account has an id that was not given yet"));
        }
        directory.last_id = last_id;
        if !reader.rest().is_empty() {
            directory.read_keyrings(&mut reader)?;
        }
        reader.finish(directory)
    }
}

impl Directory {
    /// Exactly what [`Self::encode`] writes: in the order of the accounts, and of each what it writes first, first.
    fn read_keyrings(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        let count = reader.number()?;
        let mut events = Vec::new();
        for _ in 0..count {
            let event = DirectoryEvent::decode(reader.octets()?)?;
            if !event.is_of_keyrings() {
                return Err(Damaged("an event of no keyring among those of keyrings"));
            }
            self.apply(&event)?;
            events.push(event);
        }
        let written = self.entries.iter().flat_map(|(id, entry)| entry.keyring().events(*id));
        match count > 0 && written.eq(events) {
            true => Ok(()),
            false => Err(Damaged("keyrings in another order than they are written in")),
        }
    }
}

fn put_account(out: &mut Vec<u8>, id: AccountId, login: &Login, credential: &[u8]) {
    put_number(out, id.0);
    put_text(out, login.as_str());
    put_octets(out, credential);
}

fn put_standing(out: &mut Vec<u8>, standing: Standing) {
    out.push(match standing {
        Standing::Enabled => 0,
        Standing::Disabled => 1,
    });
}

fn standing(reader: &mut Reader<'_>) -> Result<Standing, Damaged> {
    match reader.byte()? {
        0 => Ok(Standing::Enabled),
        1 => Ok(Standing::Disabled),
        _ => Err(Damaged("an account of an unknown standing")),
    }
}

fn account(reader: &mut Reader<'_>) -> Result<(AccountId, Login, Box<[u8]>), Damaged> {
    Ok((id(reader)?, login(reader)?, credential(reader)?))
}

fn id(reader: &mut Reader<'_>) -> Result<AccountId, Damaged> {
    match reader.number()? {
        0 => Err(Damaged("an account with the directory's own id")),
        id => Ok(AccountId(id)),
    }
}

pub(super) fn login(reader: &mut Reader<'_>) -> Result<Login, Damaged> {
    let text = reader.text()?;
    let login = Login::new(text).ok().filter(|login| login.as_str() == text);
    login.ok_or(Damaged("a text that is no login name"))
}

fn secret(reader: &mut Reader<'_>) -> Result<Option<DecoySecret>, Damaged> {
    match reader.octets()? {
        [] => Ok(None),
        octets => match octets.try_into() {
            Ok(octets) => Ok(Some(DecoySecret(octets))),
            Err(_) => Err(Damaged("a secret that is longer or shorter than one is")),
        },
    }
}

fn credential(reader: &mut Reader<'_>) -> Result<Box<[u8]>, Damaged> {
    let octets = reader.octets()?;
    match octets.len() > MAX_CREDENTIAL_OCTETS {
        true => Err(Damaged("a credential that is longer than it may be")),
        false => Ok(octets.into()),
    }
}
