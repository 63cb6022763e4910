//! LIST, LSUB and XLIST (RFC 9051, 6.3.9; RFC 3501, 6.3.9).

use super::super::error::{Fault, Reason};
use super::super::input::{Input, is_list_char};
use super::super::mailbox_name;
use super::status::{self, StatusItem};

/// Which names, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Which of the three commands.
    pub style: ListStyle,
    /// Whether it is said in the words of RFC 3501, or in any that came later.
    pub syntax: ListSyntax,
    /// Which names are asked for, besides the pattern.
    pub select: Vec<ListSelect>,
    /// What the patterns are relative to, decoded; mostly empty.
    pub reference: String,
    /// Names with `*` and `%`, decoded. In the basic syntax an empty one asks for the hierarchy's separator; in the
    /// extended one it matches nothing.
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

/// Which of LIST's two grammars (RFC 9051, 6.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListSyntax {
    /// A reference and a pattern.
    Basic,
    /// Selection options, several patterns or return options, empty lists of them included.
    Extended,
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
    let mut list = List {
        style,
        syntax: ListSyntax::Basic,
        select: Vec::new(),
        reference: String::new(),
        patterns: Vec::new(),
        returns: Vec::new(),
    };
    if list.extends(b'(', input) {
        list.select = selection(input)?;
        input.space()?;
    }
    list.reference = decoded(input)?;
    input.space()?;
    list.patterns = match list.extends(b'(', input) {
        true => input.filled_list("Expected mailbox patterns", decoded)?,
        false => vec![decoded(input)?],
    };
    if list.extends(b' ', input) {
        list.returns = return_options(input)?;
    }
    Ok(list)
}

impl List {
    /// Whether something of the extended syntax comes next, which LSUB and XLIST do not have.
    fn extends(&mut self, octet: u8, input: &Input<'_>) -> bool {
        let extends = self.style == ListStyle::List && input.peek() == Some(octet);
        if extends {
            self.syntax = ListSyntax::Extended;
        }
        extends
    }

    /// The items that the STATUS return option asks for, each once however often it was given.
    #[must_use]
    pub fn status_items(&self) -> Vec<StatusItem> {
        let given = self.returns.iter().filter_map(|option| match option {
            ListReturn::Status(items) => Some(items),
            _ => None,
        });
        status::each_once(given.flatten().copied())
    }
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
    // RFC 5258, 6: "If a list-select-mod-opt appears, then a list-select-base-opt must also appear", of which there is
    // one; SPECIAL-USE is as independent as REMOTE (RFC 6154, 6). Section 3.1: the server MUST say BAD.
    if select.contains(&ListSelect::RecursiveMatch) && !select.contains(&ListSelect::Subscribed) {
        return Err(input.fault_at(at, "RECURSIVEMATCH needs the selection option SUBSCRIBED beside it"));
    }
    Ok(select)
}

/// A name or a pattern: wildcards pass through modified UTF-7 unchanged.
fn decoded(input: &mut Input<'_>) -> Result<String, Fault> {
    let at = input.at();
    let octets = input.string_or(is_list_char, "Expected a mailbox name or a pattern")?;
    mailbox_name::decode_text(&octets, input.names()).map_err(|bad| Fault { at, reason: Reason::Name(bad) })
}

fn return_options(input: &mut Input<'_>) -> Result<Vec<ListReturn>, Fault> {
    input.space()?;
    if !input.keyword("RETURN") {
        return Err(input.fault("Expected RETURN or the end of the command"));
    }
    input.space()?;
    input.list("Expected return options in parentheses", return_option)
}

fn return_option(input: &mut Input<'_>) -> Result<ListReturn, Fault> {
    let at = input.at();
    match input.atom("Expected a return option")?.to_ascii_uppercase().as_str() {
        "SUBSCRIBED" => Ok(ListReturn::Subscribed),
        "CHILDREN" => Ok(ListReturn::Children),
        "SPECIAL-USE" => Ok(ListReturn::SpecialUse),
        "STATUS" => {
            input.space()?;
            status::items(input).map(ListReturn::Status)
        }
        "METADATA" => Err(input.not_offered("LIST with METADATA (RFC 9590)")),
        "MYRIGHTS" => Err(input.not_offered("LIST with MYRIGHTS (RFC 8440)")),
        _ => Err(input.fault_at(at, "Unknown return option")),
    }
}
