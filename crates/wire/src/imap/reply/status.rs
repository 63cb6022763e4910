//! OK, NO, BAD, BYE and what is in their brackets (RFC 9051, 7.1); CAPABILITY, ENABLED and continuations.

use super::super::command::Tag;
use super::super::sequence_set::SequenceSet;
use super::mailbox::{FlagName, flag_names};
use super::text::{human, nstring, number, spaced};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Write as _;
use terms::{ModSeq, SeqNum, Uid, UidSet, UidValidity};

/// How a command or a connection fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Done, or a greeting, or information.
    Ok,
    /// Not done.
    No,
    /// Not understood.
    Bad,
    /// The connection is about to be closed. Untagged only.
    Bye,
}

impl Condition {
    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
        }
    }
}

/// A response code: the part of a status that programs read (RFC 9051, 7.1, and the RFCs named).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code<'a> {
    /// A human must see the text.
    Alert,
    /// RFC 5530
    AlreadyExists,
    /// RFC 4315: where the appended messages are.
    AppendUid(UidValidity, &'a UidSet),
    /// RFC 5530
    AuthenticationFailed,
    /// RFC 5530
    AuthorizationFailed,
    /// The charsets that SEARCH knows.
    BadCharset(&'a [&'a str]),
    /// RFC 5530
    Cannot,
    /// What the server can: names with a space between.
    Capability(&'a str),
    /// RFC 5530
    ClientBug,
    /// RFC 7162, 3.2.11: what follows is of the next mailbox.
    Closed,
    /// RFC 4978: there is nothing left to compress.
    CompressionActive,
    /// RFC 5530
    ContactAdmin,
    /// RFC 4315: the UIDs copied, and in the same order those that they got.
    CopyUid(UidValidity, &'a UidSet, &'a UidSet),
    /// RFC 5530
    Corruption,
    /// RFC 5530
    Expired,
    /// RFC 5530: a message is gone that the session has not been told of.
    ExpungeIssued,
    /// RFC 9051, 7.1: a mailbox with children is not deleted.
    HasChildren,
    /// RFC 7162, 3.1.2.1
    HighestModSeq(ModSeq),
    /// RFC 9585: how far a command has come.
    InProgress(Progress<'a>),
    /// RFC 5530
    InUse,
    /// RFC 5530
    Limit,
    /// RFC 8474, 4.1 and 4.2: the mailbox, whatever its name.
    MailboxId(&'a str),
    /// RFC 7162, 3.1.3: these failed UNCHANGEDSINCE.
    Modified(&'a SequenceSet),
    /// RFC 7162, 3.1.2.2
    NoModSeq,
    /// RFC 5530
    NonExistent,
    /// RFC 5530
    NoPerm,
    /// RFC 5182, 2.5: what was found is too much to SAVE.
    NotSaved,
    /// RFC 5530
    OverQuota,
    /// A message could not be parsed.
    Parse,
    /// The flags that can be changed for good.
    PermanentFlags(&'a [FlagName<'a>]),
    /// RFC 5530: not without TLS.
    PrivacyRequired,
    /// The mailbox cannot be changed.
    ReadOnly,
    /// The mailbox can be changed.
    ReadWrite,
    /// RFC 5530
    ServerBug,
    /// RFC 4469 and RFC 7889: larger than is taken.
    TooBig,
    /// The target does not exist and could be made.
    TryCreate,
    /// The next UID.
    UidNext(Uid),
    /// RFC 4315: UIDs do not last.
    UidNotSticky,
    /// RFC 9586: message numbers are given up.
    UidRequired,
    /// The mailbox's UIDVALIDITY.
    UidValidity(UidValidity),
    /// RFC 5530: try later.
    Unavailable,
    /// RFC 3516: a content-transfer-encoding that cannot be decoded, or what it holds not be stored.
    UnknownCte,
    /// The first message without `\Seen` (RFC 3501).
    Unseen(SeqNum),
    /// RFC 6154, 3: the special use cannot be given.
    UseAttr,
}

/// How far a command has come, counted in what it works on: messages, mostly (RFC 9585, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Which command.
    pub tag: &'a Tag<'a>,
    /// How many are done.
    pub done: u32,
    /// How many there are; not told where as many are done, since the goal "MUST be greater".
    pub goal: u32,
}

impl Progress<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b" (");
        // RFC 9585, 4: a tag with a "]" in it "MUST be set to NIL".
        let tag = Some(self.tag.as_str().as_bytes()).filter(|tag| !tag.contains(&b']'));
        nstring(out, tag);
        out.push(b' ');
        number(out, u64::from(self.done));
        out.push(b' ');
        match self.goal > self.done {
            true => number(out, u64::from(self.goal)),
            false => out.extend_from_slice(b"NIL"),
        }
        out.push(b')');
    }
}

impl Code<'_> {
    /// Its name, without what it tells besides.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Alert => "ALERT",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::AppendUid(..) => "APPENDUID",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::BadCharset(_) => "BADCHARSET",
            Self::Cannot => "CANNOT",
            Self::Capability(_) => "CAPABILITY",
            Self::ClientBug => "CLIENTBUG",
            Self::Closed => "CLOSED",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::CopyUid(..) => "COPYUID",
            Self::Corruption => "CORRUPTION",
            Self::Expired => "EXPIRED",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::HasChildren => "HASCHILDREN",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::InProgress(_) => "INPROGRESS",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::MailboxId(_) => "MAILBOXID",
            Self::Modified(_) => "MODIFIED",
            Self::NoModSeq => "NOMODSEQ",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPerm => "NOPERM",
            Self::NotSaved => "NOTSAVED",
            Self::OverQuota => "OVERQUOTA",
            Self::Parse => "PARSE",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::ServerBug => "SERVERBUG",
            Self::TooBig => "TOOBIG",
            Self::TryCreate => "TRYCREATE",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidNotSticky => "UIDNOTSTICKY",
            Self::UidRequired => "UIDREQUIRED",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unavailable => "UNAVAILABLE",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::Unseen(_) => "UNSEEN",
            Self::UseAttr => "USEATTR",
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        out.extend_from_slice(self.name().as_bytes());
        self.write_arguments(out);
        out.extend_from_slice(b"] ");
    }

    fn write_arguments(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = match self {
            Self::AppendUid(validity, uids) => write!(out, " {validity} {uids}"),
            Self::CopyUid(validity, from, to) => write!(out, " {validity} {from} {to}"),
            Self::HighestModSeq(mod_seq) => write!(out, " {mod_seq}"),
            Self::MailboxId(id) => write!(out, " ({id})"),
            Self::Modified(set) => write!(out, " {set}"),
            Self::UidNext(uid) => write!(out, " {uid}"),
            Self::UidValidity(validity) => write!(out, " {validity}"),
            Self::Unseen(position) => write!(out, " {position}"),
            Self::Capability(names) => write!(out, " {names}"),
            Self::InProgress(progress) => {
                progress.write(out);
                Ok(())
            }
            // RFC 9051, erratum 7323: in parentheses even when there is one.
            Self::BadCharset(names) => {
                out.extend_from_slice(b" (");
                spaced(out, names);
                out.push(b')');
                Ok(())
            }
            Self::PermanentFlags(flags) => {
                out.push(b' ');
                flag_names(out, flags.iter().copied());
                Ok(())
            }
            _ => Ok(()),
        };
    }
}

/// The completion of a command.
pub fn tagged(out: &mut Vec<u8>, tag: &Tag<'_>, condition: Condition, code: Option<&Code<'_>>, text: &str) {
    out.extend_from_slice(tag.as_str().as_bytes());
    status(out, condition, code, text);
}

/// A greeting, a BYE, information, or the answer to a command whose tag could not be read.
pub fn untagged(out: &mut Vec<u8>, condition: Condition, code: Option<&Code<'_>>, text: &str) {
    out.push(b'*');
    status(out, condition, code, text);
}

fn status(out: &mut Vec<u8>, condition: Condition, code: Option<&Code<'_>>, text: &str) {
    out.push(b' ');
    out.extend_from_slice(condition.as_str().as_bytes());
    out.push(b' ');
    match code {
        Some(code) => code.write(out),
        // Text that begins with a bracket would be read as a code.
        None if text.starts_with('[') => out.push(b'-'),
        None => {}
    }
    human(out, text);
    out.extend_from_slice(b"\r\n");
}

/// `+ text`: go on.
pub fn continuation(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"+ ");
    human(out, text);
    out.extend_from_slice(b"\r\n");
}

/// `+ base64`: a SASL challenge. An empty one is `+ ` and a line end.
pub fn challenge(out: &mut Vec<u8>, octets: &[u8]) {
    out.extend_from_slice(b"+ ");
    out.extend_from_slice(STANDARD.encode(octets).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// `* CAPABILITY`, and names with a space between.
pub fn capability(out: &mut Vec<u8>, names: &str) {
    out.extend_from_slice(b"* CAPABILITY ");
    out.extend_from_slice(names.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// `* ENABLED`, with nothing where nothing was (RFC 5161, 3.2).
pub fn enabled(out: &mut Vec<u8>, names: &[&str]) {
    out.extend_from_slice(if names.is_empty() { b"* ENABLED" } else { b"* ENABLED " });
    spaced(out, names);
    out.extend_from_slice(b"\r\n");
}

/// `* 12 WORD`
pub(super) fn counted(out: &mut Vec<u8>, count: u64, word: &str) {
    out.extend_from_slice(b"* ");
    number(out, count);
    out.push(b' ');
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b"\r\n");
}
