//! From the client's keys to a program.

use crate::imap::hall::Selected;
use crate::imap::object_id::{EmailName, ThreadName};
use crate::imap::revision::Revision;
use crate::port::Mailbox;
use crate::refusal::Refusal;
use mailbox::search::{
    ArrivalTest, DateTest, FieldName, HeaderTest, Key, MAX_NEEDLE_OCTETS, Needle, Program,
};
use std::num::NonZeroU32;
use terms::AccountId;
use wire::imap::Numbering;
use wire::imap::command::{SearchKey, SearchKeys};
use wire::imap::reply::Code;

/// The charsets that strings can be in.
const CHARSETS: &[&str] = &["US-ASCII", "UTF-8"];

/// What a client asks for at `now`, in Unix seconds, with the UIDs that its message numbers stand for.
pub(in crate::imap) fn program<B: Mailbox>(
    charset: Option<&str>,
    keys: &SearchKeys<'_>,
    selected: &Selected<B>,
    now: i64,
) -> Result<Program, Refusal> {
    check_charset(charset)?;
    let keys = keys.as_ref().map_err(|why| Refusal::from(why.clone()))?;
    let key = Reading { selected, now }.all(keys)?;
    Program::new(key).map_err(|why| Refusal::denied(Code::Limit, why.to_string()))
}

/// RFC 3501, 6.4.4: a charset that is not supported is "a tagged NO response (not a BAD)", with those that are.
fn check_charset(charset: Option<&str>) -> Result<(), Refusal> {
    let is_known = |charset: &str| CHARSETS.iter().any(|known| known.eq_ignore_ascii_case(charset));
    if charset.is_none_or(is_known) {
        return Ok(());
    }
    Err(Refusal::denied(Code::BadCharset(CHARSETS), "Say what to search for in UTF-8"))
}

/// Keys on their way into a program.
struct Reading<'a, B> {
    selected: &'a Selected<B>,
    now: i64,
}

impl<B: Mailbox> Reading<'_, B> {
    fn all(&self, keys: &[SearchKey<'_>]) -> Result<Key, Refusal> {
        keys.iter().map(|one| self.key(one)).collect::<Result<_, _>>().map(Key::And)
    }

    fn any(&self, keys: &[SearchKey<'_>]) -> Result<Key, Refusal> {
        keys.iter().map(|one| self.key(one)).collect::<Result<_, _>>().map(Key::Or)
    }

    /// One key. The client's parser has bounded how deep this goes.
    fn key(&self, one: &SearchKey<'_>) -> Result<Key, Refusal> {
        Ok(match one {
            SearchKey::All => Key::all(),
            SearchKey::Sequence(set) => Key::Uid(self.selected.named(Numbering::Sequence, set)?),
            SearchKey::Uid(set) => Key::Uid(self.selected.named(Numbering::Uid, set)?),
            SearchKey::Not(inner) => self.key(inner)?.negated(),
            SearchKey::Or(keys) => self.any(keys)?,
            SearchKey::And(keys) => self.all(keys)?,
            SearchKey::Flag(flag) => Key::Flag(flag.clone()),
            SearchKey::NoFlag(flag) => Key::Flag(flag.clone()).negated(),
            SearchKey::Recent => self.recent(Key::Recent)?,
            SearchKey::Old => self.recent(Key::Recent.negated())?,
            SearchKey::New => self.recent(Key::new_messages())?,
            SearchKey::Before(day) => Key::InternalDate(DateTest::Before(day.0)),
            SearchKey::On(day) => Key::InternalDate(DateTest::On(day.0)),
            SearchKey::Since(day) => Key::InternalDate(DateTest::Since(day.0)),
            SearchKey::SentBefore(day) => Key::SentDate(DateTest::Before(day.0)),
            SearchKey::SentOn(day) => Key::SentDate(DateTest::On(day.0)),
            SearchKey::SentSince(day) => Key::SentDate(DateTest::Since(day.0)),
            SearchKey::SavedBefore(day) => Key::SaveDate(DateTest::Before(day.0)),
            SearchKey::SavedOn(day) => Key::SaveDate(DateTest::On(day.0)),
            SearchKey::SavedSince(day) => Key::SaveDate(DateTest::Since(day.0)),
            // RFC 8514, 4.3: here every mailbox knows when its messages came.
            SearchKey::SaveDateSupported => Key::all(),
            SearchKey::EmailId(id) => email(id, self.selected.owner),
            SearchKey::ThreadId(id) => thread(id),
            SearchKey::Older(seconds) => Key::Arrived(ArrivalTest::Until(self.ago(*seconds))),
            SearchKey::Younger(seconds) => Key::Arrived(ArrivalTest::Since(self.ago(*seconds))),
            SearchKey::Larger(octets) => Key::Larger(*octets),
            SearchKey::Smaller(octets) => Key::Smaller(*octets),
            // RFC 7162, 3.1.5: a server with one MODSEQ a message "MUST ignore" which entry is named.
            SearchKey::ModSeq { mod_seq, entry: _ } => Key::ModSeq(*mod_seq),
            SearchKey::Bcc(text) => header(b"bcc", text)?,
            SearchKey::Cc(text) => header(b"cc", text)?,
            SearchKey::From(text) => header(b"from", text)?,
            SearchKey::Subject(text) => header(b"subject", text)?,
            SearchKey::To(text) => header(b"to", text)?,
            SearchKey::Header(name, text) => header(name, text)?,
            SearchKey::Body(text) => Key::Body(needle(text)?),
            SearchKey::Text(text) => Key::Text(needle(text)?),
        })
    }

    /// RFC 9051, appendix E, 12. To say that nothing is recent, and all is old, would be no answer.
    fn recent(&self, key: Key) -> Result<Key, Refusal> {
        match self.selected.revision {
            Revision::Rev1 => Ok(key),
            Revision::Rev2 => Err(Refusal::misspoken("RECENT, OLD and NEW are no search keys of IMAP4rev2")),
        }
    }

    /// RFC 5032, 2: "subtracting the interval [...] from the current date and time of the server".
    fn ago(&self, seconds: NonZeroU32) -> i64 {
        self.now.saturating_sub(i64::from(seconds.get()))
    }
}

/// An object id that nobody here has given names no message (RFC 8474, 6).
fn email(id: &str, owner: AccountId) -> Key {
    let named = EmailName::read(id).filter(|name| name.owner == owner);
    named.map_or_else(|| Key::all().negated(), |name| Key::Email(name.email))
}

fn thread(id: &str) -> Key {
    ThreadName::read(id).map_or_else(|| Key::all().negated(), |name| Key::Thread(name.0))
}

/// No message has a field whose name cannot be one (RFC 5322, 2.2), whatever is sought in it.
fn header(name: &[u8], text: &[u8]) -> Result<Key, Refusal> {
    let needle = needle(text)?;
    let field = std::str::from_utf8(name).ok().and_then(FieldName::new);
    Ok(field.map_or_else(|| Key::all().negated(), |field| Key::Header(HeaderTest { field, needle })))
}

/// Without a charset, or with US-ASCII, strings are read as UTF-8 too: neomutt sends that without saying so.
fn needle(text: &[u8]) -> Result<Needle, Refusal> {
    let text = std::str::from_utf8(text)
        .map_err(|_| Refusal::misspoken("A string to search for is neither US-ASCII nor UTF-8"))?;
    Needle::new(text).ok_or_else(|| {
        let why = format!("A string to search for can have at most {MAX_NEEDLE_OCTETS} octets");
        Refusal::denied(Code::Limit, why)
    })
}
