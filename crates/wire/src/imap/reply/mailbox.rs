//! What is said of mailboxes: FLAGS, EXISTS, LIST, STATUS, NAMESPACE and the like (RFC 9051, 7.3 and 7.4).

use super::super::command::{ListStyle, StatusItem};
use super::super::mailbox_name::{self, NameForm};
use super::status::counted;
use super::text::{Charset, astring, astring_in, nstring, number, string, string_in};
use std::io::Write as _;
use terms::{Flag, Keyword, MailboxName, ModSeq, SEPARATOR, SeqNum, Uid, UidSet, UidValidity};

/// A flag as it is written, borrowed from where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagName<'a> {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
    /// A keyword.
    Keyword(&'a Keyword),
    /// `\Recent` (RFC 3501), not for IMAP4rev2 sessions.
    Recent,
    /// `\*` in PERMANENTFLAGS: new keywords can be made.
    AnyKeyword,
}

impl<'a> From<&'a Flag> for FlagName<'a> {
    fn from(flag: &'a Flag) -> Self {
        match flag {
            Flag::Answered => Self::Answered,
            Flag::Flagged => Self::Flagged,
            Flag::Deleted => Self::Deleted,
            Flag::Seen => Self::Seen,
            Flag::Draft => Self::Draft,
            Flag::Keyword(keyword) => Self::Keyword(keyword),
        }
    }
}

impl FlagName<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Seen => "\\Seen",
            Self::Draft => "\\Draft",
            Self::Keyword(keyword) => keyword.as_str(),
            Self::Recent => "\\Recent",
            Self::AnyKeyword => "\\*",
        }
    }
}

/// Writes a list of flags in parentheses.
pub(super) fn flag_names<'a>(out: &mut Vec<u8>, flags: impl IntoIterator<Item = FlagName<'a>>) {
    out.push(b'(');
    for (i, flag) in flags.into_iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(flag.as_str().as_bytes());
    }
    out.push(b')');
}

/// `* FLAGS (...)`
pub fn flags<'a>(out: &mut Vec<u8>, flags: impl IntoIterator<Item = FlagName<'a>>) {
    out.extend_from_slice(b"* FLAGS ");
    flag_names(out, flags);
    out.extend_from_slice(b"\r\n");
}

/// `* 12 EXISTS`
pub fn exists(out: &mut Vec<u8>, count: u32) {
    counted(out, u64::from(count), "EXISTS");
}

/// `* 3 RECENT` (RFC 3501)
pub fn recent(out: &mut Vec<u8>, count: u32) {
    counted(out, u64::from(count), "RECENT");
}

/// `* 5 EXPUNGE`
pub fn expunge(out: &mut Vec<u8>, position: SeqNum) {
    counted(out, u64::from(position.get()), "EXPUNGE");
}

/// When the messages of a VANISHED went (RFC 7162, 3.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// Now: sequence numbers move.
    Now,
    /// `(EARLIER)`: before this session saw the mailbox.
    Earlier,
}

/// `* VANISHED 1:3`. Nothing is written for the empty set, which IMAP cannot write.
pub fn vanished(out: &mut Vec<u8>, era: Era, uids: &UidSet) {
    if uids.is_empty() {
        return;
    }
    let earlier = if era == Era::Earlier { "(EARLIER) " } else { "" };
    // Writing to a Vec cannot fail.
    let _ = write!(out, "* VANISHED {earlier}{uids}\r\n");
}

/// A mailbox's attribute (RFC 9051, 7.3.1; special uses RFC 6154, 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the RFCs' own, one for one")]
pub enum ListAttribute {
    NonExistent,
    NoSelect,
    NoInferiors,
    HasChildren,
    HasNoChildren,
    Marked,
    Unmarked,
    Subscribed,
    Remote,
    All,
    Archive,
    Drafts,
    Flagged,
    Important,
    Inbox,
    Junk,
    Sent,
    Trash,
}

impl ListAttribute {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NonExistent => "\\NonExistent",
            Self::NoSelect => "\\Noselect",
            Self::NoInferiors => "\\Noinferiors",
            Self::HasChildren => "\\HasChildren",
            Self::HasNoChildren => "\\HasNoChildren",
            Self::Marked => "\\Marked",
            Self::Unmarked => "\\Unmarked",
            Self::Subscribed => "\\Subscribed",
            Self::Remote => "\\Remote",
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Important => "\\Important",
            Self::Inbox => "\\Inbox",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

/// A line of LIST, LSUB or XLIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListLine<'a> {
    /// Which command it answers.
    pub style: ListStyle,
    /// In the order to be written.
    pub attributes: &'a [ListAttribute],
    /// The name; `None` answers the empty pattern, which asks for the separator alone (RFC 9051, 6.3.9).
    pub name: Option<&'a MailboxName>,
    /// RECURSIVEMATCH: a child is subscribed (RFC 5258, 3.5).
    pub subscribed_child: bool,
    /// The name that the client used, where ours is another (RFC 9051, 6.3.9.7).
    pub old_name: Option<&'a str>,
}

/// Writes a line of LIST, LSUB or XLIST, its names in this form.
pub fn list(out: &mut Vec<u8>, line: &ListLine<'_>, form: NameForm) {
    out.extend_from_slice(match line.style {
        ListStyle::List => b"* LIST (",
        ListStyle::Lsub => b"* LSUB (",
        ListStyle::Xlist => b"* XLIST (",
    });
    for (i, attribute) in line.attributes.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"" } else { b" " });
        out.extend_from_slice(attribute.as_str().as_bytes());
    }
    // Writing to a Vec cannot fail.
    let _ = write!(out, ") \"{SEPARATOR}\" ");
    match line.name {
        Some(name) => mailbox(out, name, form),
        None => out.extend_from_slice(b"\"\""),
    }
    list_extended(out, line, form);
    out.extend_from_slice(b"\r\n");
}

/// `[SP "(" mbox-list-extended-item ... ")"]`
fn list_extended(out: &mut Vec<u8>, line: &ListLine<'_>, form: NameForm) {
    let mut open: &[u8] = b" (";
    if line.subscribed_child {
        out.extend_from_slice(open);
        out.extend_from_slice(b"\"CHILDINFO\" (\"SUBSCRIBED\")");
        open = b" ";
    }
    if let Some(old) = line.old_name {
        out.extend_from_slice(open);
        out.extend_from_slice(b"\"OLDNAME\" (");
        mailbox_text(out, old, form);
        out.push(b')');
        open = b" ";
    }
    if open == b" " {
        out.push(b')');
    }
}

/// Writes a mailbox name: an atom where it can be, else quoted.
pub(super) fn mailbox(out: &mut Vec<u8>, name: &MailboxName, form: NameForm) {
    mailbox_text(out, name.as_str(), form);
}

fn mailbox_text(out: &mut Vec<u8>, name: &str, form: NameForm) {
    let mut encoded = Vec::with_capacity(name.len());
    mailbox_name::encode(&mut encoded, name, form);
    astring_in(out, &encoded, charset(form));
}

/// Who is told names in UTF-8 reads it in quoted strings (RFC 9755, 3).
const fn charset(form: NameForm) -> Charset {
    match form {
        NameForm::Utf7 => Charset::Ascii,
        NameForm::Utf8 => Charset::Utf8,
    }
}

/// A value that STATUS tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its StatusItem's value")]
pub enum StatusValue {
    Messages(u32),
    Recent(u32),
    UidNext(Uid),
    UidValidity(UidValidity),
    Unseen(u32),
    Deleted(u32),
    Size(u64),
    HighestModSeq(ModSeq),
    /// RFC 8474, 4: 1 to 255 letters, digits, `-` and `_`.
    MailboxId(String),
    AppendLimit(u64),
    DeletedStorage(u64),
}

impl StatusValue {
    fn write(&self, out: &mut Vec<u8>) {
        let (item, value) = match self {
            Self::Messages(n) => (StatusItem::Messages, u64::from(*n)),
            Self::Recent(n) => (StatusItem::Recent, u64::from(*n)),
            Self::UidNext(uid) => (StatusItem::UidNext, u64::from(uid.get())),
            Self::UidValidity(validity) => (StatusItem::UidValidity, u64::from(validity.get())),
            Self::Unseen(n) => (StatusItem::Unseen, u64::from(*n)),
            Self::Deleted(n) => (StatusItem::Deleted, u64::from(*n)),
            Self::Size(octets) => (StatusItem::Size, *octets),
            Self::HighestModSeq(mod_seq) => (StatusItem::HighestModSeq, mod_seq.get()),
            Self::AppendLimit(octets) => (StatusItem::AppendLimit, *octets),
            Self::DeletedStorage(octets) => (StatusItem::DeletedStorage, *octets),
            Self::MailboxId(id) => {
                out.extend_from_slice(b"MAILBOXID (");
                astring(out, id.as_bytes());
                out.push(b')');
                return;
            }
        };
        out.extend_from_slice(item.as_str().as_bytes());
        out.push(b' ');
        number(out, value);
    }
}

/// `* STATUS name (...)`
pub fn status_data(out: &mut Vec<u8>, name: &MailboxName, values: &[StatusValue], form: NameForm) {
    out.extend_from_slice(b"* STATUS ");
    mailbox(out, name, form);
    out.extend_from_slice(b" (");
    for (i, value) in values.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"" } else { b" " });
        value.write(out);
    }
    out.extend_from_slice(b")\r\n");
}

/// A namespace: where its names start. The separator is [`SEPARATOR`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// Such as `""` or `Users/`.
    pub prefix: &'a str,
}

/// The three kinds (RFC 2342); an empty one is NIL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces<'a> {
    /// One's own.
    pub personal: &'a [Namespace<'a>],
    /// Other users'.
    pub other_users: &'a [Namespace<'a>],
    /// Shared.
    pub shared: &'a [Namespace<'a>],
}

/// `* NAMESPACE`
pub fn namespace(out: &mut Vec<u8>, spaces: &Namespaces<'_>, form: NameForm) {
    out.extend_from_slice(b"* NAMESPACE");
    for kind in [spaces.personal, spaces.other_users, spaces.shared] {
        out.push(b' ');
        namespace_kind(out, kind, form);
    }
    out.extend_from_slice(b"\r\n");
}

fn namespace_kind(out: &mut Vec<u8>, kind: &[Namespace<'_>], form: NameForm) {
    if kind.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    out.push(b'(');
    for space in kind {
        let mut prefix = Vec::new();
        mailbox_name::encode(&mut prefix, space.prefix, form);
        out.push(b'(');
        string_in(out, &prefix, charset(form));
        // Writing to a Vec cannot fail.
        let _ = write!(out, " \"{SEPARATOR}\")");
    }
    out.push(b')');
}

/// `* ID`; NIL where nothing is told (RFC 2971, 3.2).
pub fn id(out: &mut Vec<u8>, fields: &[(&str, Option<&str>)]) {
    out.extend_from_slice(b"* ID ");
    if fields.is_empty() {
        out.extend_from_slice(b"NIL\r\n");
        return;
    }
    for (i, (name, value)) in fields.iter().enumerate() {
        out.push(if i == 0 { b'(' } else { b' ' });
        string(out, name.as_bytes());
        out.push(b' ');
        nstring(out, value.map(str::as_bytes));
    }
    out.extend_from_slice(b")\r\n");
}
