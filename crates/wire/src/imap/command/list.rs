//! LIST, LSUB and XLIST (RFC 9051, 6.3.9; RFC 3501, 6.3.9).

use super::super::error::{Fault, Reason};
use super::super::input::{Input, is_list_char};
use super::super::mailbox_name::{self, BadMailboxName};
use super::status::{self, StatusItem};

/// Which names, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Which of the three commands.
    pub style: ListStyle,
    /// Which names are asked for, besides the pattern.
    pub select: Vec<ListSelect>,
    /// What the patterns are relative to, decoded; mostly empty.
    pub reference: String,
    /// Names with `*` and `%`, decoded. An empty one asks for the hierarchy's separator.
    pub patterns: Vec<String>,
    /// What to tell besides the name.
    pub returns: Vec<ListReturn>,
}

/// The command's name, and so the reply's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListStyle {
    /// LIST
    List,
    /// LSUB: subscribed names (RFC 3501, 6.3.9).
    Lsub,
    /// XLIST: Gmail's LIST with special uses, older than RFC 6154.
    Xlist,
}

/// A selection option (RFC 5258, 3.1; RFC 6154, 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListSelect {
    /// Subscribed names, existing or not.
    Subscribed,
    /// Names on other servers too.
    Remote,
    /// Also names that do not match but have descendants that do.
    RecursiveMatch,
    /// Names with a special use.
    SpecialUse,
}

/// A return option (RFC 5258, 3.2; RFC 5819; RFC 6154, 2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListReturn {
    /// `\Subscribed`
    Subscribed,
    /// `\HasChildren` and `\HasNoChildren`
    Children,
    /// `\Sent` and its kind
    SpecialUse,
    /// A STATUS reply for each name.
    Status(Vec<StatusItem>),
}

pub(super) fn read(input: &mut Input<'_>, style: ListStyle) -> Result<List, Fault> {
    input.space()?;
    let mut select = Vec::new();
    if input.peek() == Some(b'(') && style == ListStyle::List {
        select = selection(input)?;
        input.space()?;
    }
    let reference = decoded(input)?;
    input.space()?;
    let patterns = patterns(input)?;
    let mut returns = Vec::new();
    if style == ListStyle::List && input.take(b' ') {
        returns = return_options(input)?;
    }
    Ok(List { style, select, reference, patterns, returns })
}

fn selection(input: &mut Input<'_>) -> Result<Vec<ListSelect>, Fault> {
    let at = input.at();
    let select = input.list("Expected selection options", |input| {
        let at = input.at();
        match input.atom("Expected a selection option")?.to_ascii_uppercase().as_str() {
            "SUBSCRIBED" => Ok(ListSelect::Subscribed),
            "REMOTE" => Ok(ListSelect::Remote),
            "RECURSIVEMATCH" => Ok(ListSelect::RecursiveMatch),
            "SPECIAL-USE" => Ok(ListSelect::SpecialUse),
            _ => Err(input.fault_at(at, "Unknown selection option")),
        }
    })?;
    // RFC 5258, 3.1: a client MUST NOT specify RECURSIVEMATCH alone or with REMOTE only; the server says BAD.
    let base = select.iter().any(|s| matches!(s, ListSelect::Subscribed | ListSelect::SpecialUse));
    if select.contains(&ListSelect::RecursiveMatch) && !base {
        return Err(input.fault_at(at, "RECURSIVEMATCH needs another selection option, such as SUBSCRIBED"));
    }
    Ok(select)
}

fn patterns(input: &mut Input<'_>) -> Result<Vec<String>, Fault> {
    if input.peek() == Some(b'(') {
        return input.filled_list("Expected mailbox patterns", decoded);
    }
    decoded(input).map(|pattern| vec![pattern])
}

/// A name or a pattern: wildcards pass through modified UTF-7 unchanged.
fn decoded(input: &mut Input<'_>) -> Result<String, Fault> {
    let at = input.at();
    let octets = input.string_or(is_list_char, "Expected a mailbox name or a pattern")?;
    let bad = || Fault { at, reason: Reason::Name(BadMailboxName::Encoding) };
    mailbox_name::decode_text(&octets).ok_or_else(bad)
}

fn return_options(input: &mut Input<'_>) -> Result<Vec<ListReturn>, Fault> {
    if !input.keyword("RETURN") {
        return Err(input.fault("Expected RETURN or the end of the command"));
    }
    input.space()?;
    input.list("Expected return options in parentheses", |input| {
        let at = input.at();
        match input.atom("Expected a return option")?.to_ascii_uppercase().as_str() {
            "SUBSCRIBED" => Ok(ListReturn::Subscribed),
            "CHILDREN" => Ok(ListReturn::Children),
            "SPECIAL-USE" => Ok(ListReturn::SpecialUse),
            "STATUS" => {
                input.space()?;
                status::items(input).map(ListReturn::Status)
            }
            _ => Err(input.fault_at(at, "Unknown return option")),
        }
    })
}
