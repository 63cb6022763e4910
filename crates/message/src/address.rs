//! Address lists (RFC 5322, 3.4 and 4.4): what people really put into From, To and Cc.
//!
//! Nothing is refused: from a broken list comes what can be made of it, in time linear in its length. Encoded words
//! stay as they are, because that is how ENVELOPE shows them.

use crate::lexer::{Lexer, is_blank, plain};
use std::borrow::Cow;

/// An entry of an address list, as ENVELOPE tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// A mailbox: `Name <@route:local@domain>`.
    Mailbox {
        /// The display name, or the comment that stood for it before there were display names.
        name: Option<Cow<'a, [u8]>>,
        /// The obsolete source route.
        route: Option<Cow<'a, [u8]>>,
        /// The part before the `@`, without quotes; empty when it is missing.
        local: Cow<'a, [u8]>,
        /// The part behind it; empty when it is missing.
        domain: Cow<'a, [u8]>,
    },
    /// The beginning of a named group.
    GroupStart(Cow<'a, [u8]>),
    /// Its end.
    GroupEnd,
}

/// The entries of an address list, in order. A group that is not closed is closed at the end.
pub fn addresses(value: &[u8]) -> impl Iterator<Item = Address<'_>> {
    let mut list = List { lexer: Lexer::new(value), group: Group::Outside };
    std::iter::from_fn(move || list.next())
}

struct List<'a> {
    lexer: Lexer<'a>,
    group: Group,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Outside,
    Inside,
}

/// Words that are a display name, a group's name or a local part: what comes behind them tells.
struct Words<'a> {
    spaced: Cow<'a, [u8]>,
    compact: Cow<'a, [u8]>,
    comment: Option<&'a [u8]>,
}

impl<'a> List<'a> {
    fn next(&mut self) -> Option<Address<'a>> {
        loop {
            self.lexer.skip_blanks();
            match self.lexer.peek() {
                None => return self.leave_group(),
                Some(b',') => self.lexer.skip(1),
                Some(b';') => {
                    self.lexer.skip(1);
                    if let Some(end) = self.leave_group() {
                        return Some(end);
                    }
                }
                Some(_) => return Some(self.entry()),
            }
        }
    }

    fn leave_group(&mut self) -> Option<Address<'a>> {
        let left = std::mem::replace(&mut self.group, Group::Outside);
        (left == Group::Inside).then_some(Address::GroupEnd)
    }

    fn entry(&mut self) -> Address<'a> {
        let is_quoted = self.lexer.peek() == Some(b'"');
        let words = words(&mut self.lexer, is_phrase_stop);
        match self.lexer.peek() {
            Some(b'<') => self.angle(words),
            Some(b'@') => self.bare(words),
            Some(b':') if self.group == Group::Outside => {
                self.lexer.skip(1);
                self.group = Group::Inside;
                Address::GroupStart(words.spaced)
            }
            Some(b':') => {
                self.lexer.skip(1);
                self.entry_behind_colon()
            }
            _ if is_quoted => name_alone(words),
            _ => nowhere(words),
        }
    }

    /// Groups do not nest; what looks like it is read as if the inner name were not there.
    fn entry_behind_colon(&mut self) -> Address<'a> {
        let words = words(&mut self.lexer, |octet| is_phrase_stop(octet) && octet != b':');
        match self.lexer.peek() {
            Some(b'<') => self.angle(words),
            Some(b'@') => self.bare(words),
            _ => nowhere(words),
        }
    }

    /// `user@domain (Name)`.
    fn bare(&mut self, words: Words<'a>) -> Address<'a> {
        self.lexer.skip(1);
        let domain = words_of_domain(&mut self.lexer);
        let comment = domain.comment.or(words.comment);
        self.lexer.take_while(|octet| octet != b',' && octet != b';');
        mailbox(named(comment), None, words.compact, domain.compact)
    }

    /// `Name <@route:user@domain>`.
    fn angle(&mut self, name: Words<'a>) -> Address<'a> {
        self.lexer.skip(1);
        let route = self.route();
        let local = words(&mut self.lexer, |octet| matches!(octet, b'@' | b'>' | b',' | b';'));
        let domain = self.lexer.eat(b'@').then(|| words_of_domain(&mut self.lexer));
        self.lexer.take_while(|octet| octet != b'>' && octet != b',');
        self.lexer.eat(b'>');
        let behind = self.lexer.skip_blanks();
        self.lexer.take_while(|octet| octet != b',' && octet != b';');
        let name = Some(name.spaced).filter(|name| !name.is_empty()).or_else(|| named(behind));
        let domain = domain.map_or(Cow::Borrowed(&b""[..]), |domain| domain.compact);
        mailbox(name, route, local.compact, domain)
    }

    /// `@a,@b:` (RFC 5322, 4.4: obs-route).
    fn route(&mut self) -> Option<Cow<'a, [u8]>> {
        self.lexer.skip_blanks();
        if self.lexer.peek() != Some(b'@') {
            return None;
        }
        let route = self.lexer.take_while(|octet| octet != b':' && octet != b'>' && octet != b';');
        self.lexer.eat(b':');
        let spoken = || route.iter().copied().filter(|octet| !is_blank(*octet)).collect();
        Some(if route.iter().any(|octet| is_blank(*octet)) {
            Cow::Owned(spoken())
        } else {
            Cow::Borrowed(route)
        })
    }
}

/// Words without an address: one is a local part, several are a name.
fn nowhere(words: Words<'_>) -> Address<'_> {
    if words.spaced == words.compact {
        return mailbox(named(words.comment), None, words.compact, Cow::Borrowed(b""));
    }
    name_alone(words)
}

fn name_alone(words: Words<'_>) -> Address<'_> {
    mailbox(Some(words.spaced), None, Cow::Borrowed(b""), Cow::Borrowed(b""))
}

const fn mailbox<'a>(
    name: Option<Cow<'a, [u8]>>,
    route: Option<Cow<'a, [u8]>>,
    local: Cow<'a, [u8]>,
    domain: Cow<'a, [u8]>,
) -> Address<'a> {
    Address::Mailbox { name, route, local, domain }
}

fn named(comment: Option<&[u8]>) -> Option<Cow<'_, [u8]>> {
    comment.map(|comment| plain(comment.trim_ascii())).filter(|name| !name.is_empty())
}

const fn is_phrase_stop(octet: u8) -> bool {
    matches!(octet, b'<' | b'@' | b',' | b':' | b';')
}

fn words_of_domain<'a>(lexer: &mut Lexer<'a>) -> Words<'a> {
    words(lexer, |octet| matches!(octet, b'<' | b'>' | b'@' | b',' | b';' | b':'))
}

/// Atoms, dots, quoted strings and domain literals up to an octet that `stop`s them.
fn words<'a>(lexer: &mut Lexer<'a>, stop: impl Fn(u8) -> bool) -> Words<'a> {
    let mut words = Words { spaced: Cow::Borrowed(b""), compact: Cow::Borrowed(b""), comment: None };
    loop {
        let before = lexer.rest().len();
        words.comment = lexer.skip_blanks().or(words.comment);
        let apart = lexer.rest().len() < before;
        let word = match lexer.peek() {
            None => return words,
            Some(octet) if stop(octet) => return words,
            Some(b'"') => lexer.quoted(),
            Some(b'[') => Cow::Borrowed(domain_literal(lexer)),
            Some(_) => Cow::Borrowed(atom(lexer, &stop)),
        };
        if apart && !words.spaced.is_empty() {
            words.spaced.to_mut().push(b' ');
        }
        append(&mut words.spaced, word.clone());
        append(&mut words.compact, word);
    }
}

fn append<'a>(text: &mut Cow<'a, [u8]>, word: Cow<'a, [u8]>) {
    if text.is_empty() {
        *text = word;
    } else {
        text.to_mut().extend_from_slice(&word);
    }
}

/// At least one octet, so that whatever stands there is passed.
fn atom<'a>(lexer: &mut Lexer<'a>, stop: &impl Fn(u8) -> bool) -> &'a [u8] {
    let all = lexer.rest();
    lexer.skip(1);
    let more = lexer.take_while(|octet| !is_blank(octet) && !matches!(octet, b'"' | b'(') && !stop(octet));
    all.get(..=more.len()).unwrap_or(all)
}

fn domain_literal<'a>(lexer: &mut Lexer<'a>) -> &'a [u8] {
    let all = lexer.rest();
    let inside = lexer.take_while(|octet| !is_blank(octet) && !matches!(octet, b']' | b'>' | b',' | b';'));
    let closed = usize::from(lexer.eat(b']'));
    all.get(..inside.len() + closed).unwrap_or(all)
}
