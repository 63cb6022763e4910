//! Commands: one file each, or one for a family that shares its grammar.
//!
//! A new command is a file, a variant of [`Command`] and a line in `COMMANDS`.

mod append;
mod authenticate;
mod compress;
mod create;
mod enable;
mod fetch;
mod flags;
mod id;
mod list;
mod login;
mod mailbox;
mod quota;
mod replace;
mod results;
mod search;
mod select;
mod sort;
mod status;
mod store;
mod thread;
mod transfer;
mod uid;
mod unoffered;
mod upload;

pub use append::{Append, AppendItem, MessageForm, append_end, append_next};
pub use authenticate::{Authenticate, SaslLine, sasl_line};
pub use create::Create;
pub use fetch::{ChangedSince, Fetch, FetchItem, Partial, Peek, Urgency, Vanished};
pub use id::Id;
pub use list::{List, ListReturn, ListSelect, ListStyle, ListSyntax};
pub use login::Login;
pub use mailbox::Rename;
pub use replace::Replace;
pub use results::{ListEnd, PartialRange, ResultOption, ResultOptions};
pub use search::{EntryKind, Search, SearchKey, SearchKeys};
pub use select::{Access, KnownMessages, QResync, Select};
pub use sort::{Sort, SortCriterion, SortDirection, SortKey};
pub use status::{Status, StatusItem};
pub use store::{Silence, Store, StoreAction};
pub use thread::{Thread, ThreadAlgorithm};
pub use transfer::Transfer;
pub use upload::{AtLiteral, Upload, upload_at_literal};

use super::error::{BadCommand, Fault, Reason};
use super::input::{Input, is_astring_char};
use super::mailbox_name::{NameForm, SpeltName};
use super::sequence_set::MessageSet;
use std::borrow::Cow;
use std::fmt;
use terms::MailboxName;

/// Longest tag that we echo, in octets. No client comes near it.
pub const MAX_TAG_OCTETS: usize = 128;

/// What a client asks.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// RFC 9051, 6.1.1
    Capability,
    /// RFC 9051, 6.1.2
    Noop,
    /// RFC 9051, 6.1.3
    Logout,
    /// RFC 2971
    Id(Id<'a>),
    /// RFC 9051, 6.2.1
    StartTls,
    /// RFC 9051, 6.2.2
    Authenticate(Authenticate<'a>),
    /// RFC 9051, 6.2.3
    Login(Login<'a>),
    /// RFC 4978: DEFLATE, from the answer on.
    Compress,
    /// RFC 9051, 6.3.1: the capabilities as written.
    Enable(Vec<&'a str>),
    /// SELECT and EXAMINE, RFC 9051, 6.3.2 and 6.3.3
    Select(Select),
    /// RFC 9051, 6.3.4
    Create(Create<'a>),
    /// RFC 9051, 6.3.5
    Delete(SpeltName),
    /// RFC 9051, 6.3.6
    Rename(Rename),
    /// RFC 9051, 6.3.7
    Subscribe(MailboxName),
    /// RFC 9051, 6.3.8
    Unsubscribe(MailboxName),
    /// LIST, LSUB and XLIST: RFC 9051, 6.3.9; RFC 3501, 6.3.9
    List(List),
    /// RFC 9208, 4.1.1: the quota root.
    GetQuota(Cow<'a, str>),
    /// RFC 9208, 4.1.2
    GetQuotaRoot(MailboxName),
    /// RFC 9208, 4.1.3: the quota root.
    SetQuota(Cow<'a, str>),
    /// RFC 9051, 6.3.10
    Namespace,
    /// RFC 9051, 6.3.11
    Status(Status),
    /// RFC 9051, 6.3.13. The next line is `DONE`.
    Idle,
    /// RFC 3501, 6.4.1
    Check,
    /// RFC 9051, 6.4.1
    Close,
    /// RFC 9051, 6.4.2
    Unselect,
    /// RFC 9051, 6.4.3; with a set it is UID EXPUNGE (6.4.9).
    Expunge(Option<MessageSet>),
    /// RFC 9051, 6.4.4
    Search(Search<'a>),
    /// RFC 5256
    Sort(Sort<'a>),
    /// RFC 5256
    Thread(Thread<'a>),
    /// RFC 9051, 6.4.5
    Fetch(Fetch<'a>),
    /// RFC 9051, 6.4.6
    Store(Store),
    /// RFC 9051, 6.4.7
    Copy(Transfer),
    /// RFC 9051, 6.4.8
    Move(Transfer),
}

/// What the numbers of a command mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbering {
    /// Positions in the session's view.
    Sequence,
    /// UIDs: the command began with `UID`.
    Uid,
}

/// A command and the tag to answer it with.
#[derive(Clone, Debug)]
pub struct Tagged<T, Label = Tag<'static>> {
    /// The client's tag.
    pub tag: Label,
    /// What it asks.
    pub command: T,
}

/// A client's name for a command, echoed in its completion.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag<'a>(Cow<'a, str>);

impl<'a> Tag<'a> {
    /// The tag as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same tag, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Tag<'static> {
        Tag(Cow::Owned(self.0.into_owned()))
    }

    /// `1*<any ASTRING-CHAR except "+">`
    fn read(input: &mut Input<'a>) -> Option<Self> {
        let word = input.word(|octet| is_astring_char(octet) && octet != b'+');
        let fits = (1..=MAX_TAG_OCTETS).contains(&word.len());
        (fits && matches!(input.peek(), Some(b' ') | None)).then_some(Tag(Cow::Borrowed(word)))
    }
}

impl fmt::Debug for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads one whole command of a client that writes mailbox names in modified UTF-7: what the framer gave, without its
/// last line end.
///
/// # Errors
/// [`BadCommand`], with the tag whenever one could be read.
pub fn parse(frame: &[u8]) -> Result<Tagged<Command<'_>, Tag<'_>>, BadCommand> {
    parse_with(frame, NameForm::Utf7)
}

/// The same of a client that writes mailbox names in this form.
///
/// # Errors
/// [`BadCommand`], with the tag whenever one could be read.
pub fn parse_with(frame: &[u8], names: NameForm) -> Result<Tagged<Command<'_>, Tag<'_>>, BadCommand> {
    let mut input = Input::with_names(frame, names);
    let tag = read_tag(&mut input)?;
    let command = (|| {
        let command = command(&mut input)?;
        input.end()?;
        Ok(command)
    })();
    match command {
        Ok(command) => Ok(Tagged { tag, command }),
        Err(fault) => Err(Fault::tagged(fault, Some(tag.into_owned()))),
    }
}

/// The tag of a command that is otherwise lost: too long, or cut off at a literal that was refused.
#[must_use]
pub fn tag_of(start: &[u8]) -> Option<Tag<'static>> {
    let mut input = Input::new(start);
    let tag = Tag::read(&mut input)?;
    (input.peek() == Some(b' ')).then(|| tag.into_owned())
}

/// The name of a command that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandName(Numbering, &'static str);

impl CommandName {
    /// What the command is that starts so, whole or not; `None` for one that we do not know. Nothing of what was sent
    /// is in it.
    #[must_use]
    pub fn of(start: &[u8]) -> Option<Self> {
        let mut words = start.split(|octet| matches!(octet, b' ' | b'\r' | b'\n')).skip(1);
        let first = words.next()?;
        let known = |name: &[u8]| COMMANDS.iter().map(|(known, ..)| *known).find(|known| is(known, name));
        match known(first)? {
            "UID" => Some(Self(Numbering::Uid, words.next().and_then(uid::known)?)),
            name => Some(Self(Numbering::Sequence, name)),
        }
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Numbering::Sequence => f.write_str(self.1),
            Numbering::Uid => write!(f, "UID {}", self.1),
        }
    }
}

fn is(known: &str, name: &[u8]) -> bool {
    known.as_bytes().eq_ignore_ascii_case(name)
}

fn read_tag<'a>(input: &mut Input<'a>) -> Result<Tag<'a>, BadCommand> {
    if input.is_done() {
        return Err(BadCommand { tag: None, at: 0, reason: Reason::EmptyLine });
    }
    let what = "A command starts with a tag, which is letters and digits, and a space";
    Tag::read(input).ok_or_else(|| input.fault_at(0, what).tagged(None))
}

type Reader = for<'a> fn(&mut Input<'a>) -> Result<Command<'a>, Fault>;

/// Every command, its arguments as people write them, and who reads them, from behind its name.
const COMMANDS: &[(&str, &str, Reader)] = &[
    ("APPEND", "mailbox [(flags)] [\"date\"] {octets}", append::without_literal),
    ("AUTHENTICATE", "mechanism [initial-response]", authenticate::read),
    ("CAPABILITY", "", |_| Ok(Command::Capability)),
    ("CHECK", "", |_| Ok(Command::Check)),
    ("CLOSE", "", |_| Ok(Command::Close)),
    ("COMPRESS", "DEFLATE", compress::read),
    ("COPY", "messages mailbox", |input| transfer::read(input, Numbering::Sequence).map(Command::Copy)),
    ("CREATE", "mailbox [(USE (use))]", |input| create::read(input).map(Command::Create)),
    ("DELETE", "mailbox", |input| mailbox::read_spelt(input).map(Command::Delete)),
    ("ENABLE", "capability ...", enable::read),
    ("EXAMINE", "mailbox [(options)]", |input| select::read(input, Access::ReadOnly).map(Command::Select)),
    ("EXPUNGE", "", |_| Ok(Command::Expunge(None))),
    ("FETCH", "messages (items) [(options)]", |input| {
        fetch::read(input, Numbering::Sequence).map(Command::Fetch)
    }),
    ("GETQUOTA", "root", |input| quota::read_root(input).map(Command::GetQuota)),
    ("GETQUOTAROOT", "mailbox", |input| mailbox::read_name(input).map(Command::GetQuotaRoot)),
    ("ID", "NIL, or ID (\"name\" \"value\" ...)", id::read),
    ("IDLE", "", |_| Ok(Command::Idle)),
    ("LIST", "[(selection)] reference pattern [RETURN (options)]", |input| {
        list::read(input, ListStyle::List).map(Command::List)
    }),
    ("LOGIN", "user password", login::read),
    ("LOGOUT", "", |_| Ok(Command::Logout)),
    ("LSUB", "reference pattern", |input| list::read(input, ListStyle::Lsub).map(Command::List)),
    ("MOVE", "messages mailbox", |input| transfer::read(input, Numbering::Sequence).map(Command::Move)),
    ("NAMESPACE", "", |_| Ok(Command::Namespace)),
    ("NOOP", "", |_| Ok(Command::Noop)),
    ("RENAME", "mailbox new-name", mailbox::read_rename),
    ("REPLACE", "message mailbox [(flags)] [\"date\"] {octets}", replace::without_literal),
    ("SEARCH", "[RETURN (options)] [CHARSET charset] key ...", |input| {
        search::read(input, Numbering::Sequence).map(Command::Search)
    }),
    ("SELECT", "mailbox [(options)]", |input| select::read(input, Access::ReadWrite).map(Command::Select)),
    ("SETQUOTA", "root (resource limit ...)", |input| quota::read_set(input).map(Command::SetQuota)),
    ("SORT", "[RETURN (options)] (criteria) charset key ...", |input| {
        sort::read(input, Numbering::Sequence).map(Command::Sort)
    }),
    ("STARTTLS", "", |_| Ok(Command::StartTls)),
    ("STATUS", "mailbox (items)", |input| status::read(input).map(Command::Status)),
    ("STORE", "messages [(UNCHANGEDSINCE n)] FLAGS|+FLAGS|-FLAGS[.SILENT] (flags)", |input| {
        store::read(input, Numbering::Sequence).map(Command::Store)
    }),
    ("SUBSCRIBE", "mailbox", |input| mailbox::read_name(input).map(Command::Subscribe)),
    ("THREAD", "algorithm charset key ...", |input| {
        thread::read(input, Numbering::Sequence).map(Command::Thread)
    }),
    ("UID", "", uid::read),
    ("UNSELECT", "", |_| Ok(Command::Unselect)),
    ("UNSUBSCRIBE", "mailbox", |input| mailbox::read_name(input).map(Command::Unsubscribe)),
    ("XLIST", "reference pattern", |input| list::read(input, ListStyle::Xlist).map(Command::List)),
];

fn command<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.expect(b' ', "Expected a space and the name of a command")?;
    let at = input.at();
    let name = input.atom("Expected the name of a command")?;
    match COMMANDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)) {
        Some((name, arguments, read)) => {
            read(input).map_err(|fault| too_short(fault, input, name, arguments))
        }
        None => Err(unoffered::fault(at, name)),
    }
}

/// Where a line ends before the command does, whoever typed it is shown the whole of it.
fn too_short(fault: Fault, input: &Input<'_>, name: &str, arguments: &str) -> Fault {
    match fault.reason {
        Reason::Grammar(what) if input.ends_at(fault.at) && !arguments.is_empty() => {
            Fault { at: fault.at, reason: Reason::Grammar(format!("{what}: {name} {arguments}").into()) }
        }
        _ => fault,
    }
}
