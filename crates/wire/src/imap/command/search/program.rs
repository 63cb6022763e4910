//! Keys that hold keys (RFC 9051, 9: search-program), read without recursion.
//!
//! A client that looks for hundreds of messages writes `OR a OR b OR c ...`, which the grammar nests as deep as it
//! is long. So what is open stands on a stack of our own, and what is read comes out flat: an OR in an OR is one OR of
//! more, a list in a list one list, NOT NOT nothing. How long a program can be, [`MAX_WORDS`] says; what nests even
//! so is no deeper than [`MAX_NESTING`], so whoever goes along the keys may recurse.

use super::super::super::error::Fault;
use super::super::super::input::{Input, MAX_NESTING, is_atom_char};
use super::super::super::sequence_set::MessageSet;
use super::SearchKey;
use super::key::leaf;

/// How many keys, ORs, NOTs and parentheses a search has at most: a chain of some thousands with each term in
/// parentheses.
pub(super) const MAX_WORDS: usize = 8_192;

/// Reads all that there is.
pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Vec<SearchKey<'a>>, Fault> {
    let mut program = Program { open: vec![Open::List(Members::default())], left: MAX_WORDS };
    loop {
        let key = program.next_leaf(input)?;
        if let Next::End(keys) = program.complete(input, key)? {
            return Ok(keys);
        }
    }
}

struct Program<'a> {
    /// What has begun and not ended, the program itself first.
    open: Vec<Open<'a>>,
    left: usize,
}

enum Open<'a> {
    /// A parenthesised list.
    List(Members<'a>),
    /// NOT
    Not,
    /// OR, and how many keys it waits for.
    Or(Members<'a>, usize),
}

/// The keys so far, and how deep the deepest of them nests.
#[derive(Default)]
struct Members<'a> {
    keys: Vec<SearchKey<'a>>,
    depth: usize,
}

/// A key that is whole, and how deep it nests.
struct Whole<'a> {
    key: SearchKey<'a>,
    depth: usize,
}

enum Next<'a> {
    Key,
    End(Vec<SearchKey<'a>>),
}

impl<'a> Program<'a> {
    /// Opens what begins here, up to a key that holds no other.
    fn next_leaf(&mut self, input: &mut Input<'a>) -> Result<Whole<'a>, Fault> {
        loop {
            self.left =
                self.left.checked_sub(1).ok_or_else(|| input.limit("This search has too many keys"))?;
            match input.peek() {
                Some(b'(') => {
                    input.take(b'(');
                    self.open.push(Open::List(Members::default()));
                }
                Some(b'0'..=b'9' | b'*' | b'$') => {
                    return MessageSet::read(input).map(SearchKey::Sequence).map(Whole::leaf);
                }
                _ => {
                    if let Some(key) = self.named(input)? {
                        return Ok(Whole::leaf(key));
                    }
                }
            }
        }
    }

    fn named(&mut self, input: &mut Input<'a>) -> Result<Option<SearchKey<'a>>, Fault> {
        let at = input.at();
        let name = input.word(is_atom_char).to_ascii_uppercase();
        match (name.as_str(), self.open.last_mut()) {
            ("NOT", _) => self.open.push(Open::Not),
            // An OR in an OR: where it waited for one key it waits for two.
            ("OR", Some(Open::Or(_, missing))) => *missing += 1,
            ("OR", _) => self.open.push(Open::Or(Members::default(), 2)),
            (name, _) => return leaf(input, at, name).map(Some),
        }
        input.space()?;
        Ok(None)
    }

    /// Puts a key where it belongs, and ends what ends with it.
    fn complete(&mut self, input: &mut Input<'a>, mut whole: Whole<'a>) -> Result<Next<'a>, Fault> {
        loop {
            let next = match self.open.pop() {
                Some(Open::Not) => whole.negated(),
                Some(Open::Or(mut members, missing)) => {
                    members.add_alternative(whole);
                    if missing > 1 {
                        self.open.push(Open::Or(members, missing - 1));
                        input.space()?;
                        return Ok(Next::Key);
                    }
                    members.any()
                }
                Some(Open::List(mut members)) => {
                    members.add_condition(whole);
                    if input.take(b' ') {
                        self.open.push(Open::List(members));
                        return Ok(Next::Key);
                    }
                    if self.open.is_empty() {
                        return Ok(Next::End(members.keys));
                    }
                    input.expect(b')', "Expected a space and another search key, or ')'")?;
                    members.all()
                }
                None => return Ok(Next::End(vec![whole.key])),
            };
            if next.depth > MAX_NESTING {
                return Err(input.limit("This search nests too deeply"));
            }
            whole = next;
        }
    }
}

impl<'a> Whole<'a> {
    const fn leaf(key: SearchKey<'a>) -> Self {
        Self { key, depth: 1 }
    }

    fn negated(self) -> Self {
        match self.key {
            SearchKey::Not(key) => Self { key: *key, depth: self.depth - 1 },
            key => Self { key: SearchKey::Not(Box::new(key)), depth: self.depth + 1 },
        }
    }
}

impl<'a> Members<'a> {
    fn add_alternative(&mut self, whole: Whole<'a>) {
        match whole.key {
            SearchKey::Or(keys) => self.extend(keys, whole.depth - 1),
            key => self.extend([key], whole.depth),
        }
    }

    fn add_condition(&mut self, whole: Whole<'a>) {
        match whole.key {
            SearchKey::And(keys) => self.extend(keys, whole.depth - 1),
            key => self.extend([key], whole.depth),
        }
    }

    fn extend(&mut self, keys: impl IntoIterator<Item = SearchKey<'a>>, depth: usize) {
        self.keys.extend(keys);
        self.depth = self.depth.max(depth);
    }

    fn any(self) -> Whole<'a> {
        Whole { key: SearchKey::Or(self.keys), depth: self.depth + 1 }
    }

    /// A list of one is what is in it.
    fn all(mut self) -> Whole<'a> {
        match (self.keys.pop(), self.keys.is_empty()) {
            (Some(key), true) => Whole { key, depth: self.depth },
            (last, _) => {
                self.keys.extend(last);
                Whole { key: SearchKey::And(self.keys), depth: self.depth + 1 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::Flag;

    fn keys(text: &str) -> Vec<SearchKey<'_>> {
        read(&mut Input::new(text.as_bytes())).unwrap()
    }

    #[track_caller]
    fn check_same(one: &str, other: &str) {
        assert_eq!(keys(one), keys(other), "{one} and {other}");
    }

    #[test]
    fn chains_come_out_flat_however_they_are_written() {
        let flat = keys("OR SEEN OR DRAFT OR DELETED FLAGGED");
        let flags = [Flag::Seen, Flag::Draft, Flag::Deleted, Flag::Flagged].map(SearchKey::Flag);
        assert_eq!(flat, [SearchKey::Or(flags.to_vec())]);
        check_same("OR OR OR SEEN DRAFT DELETED FLAGGED", "OR SEEN OR DRAFT OR DELETED FLAGGED");
        check_same("OR (SEEN) (OR (DRAFT) (OR DELETED (FLAGGED)))", "OR SEEN OR DRAFT OR DELETED FLAGGED");
        check_same("OR (OR SEEN DRAFT) (OR DELETED FLAGGED)", "OR SEEN OR DRAFT OR DELETED FLAGGED");
        check_same("((SEEN) (DRAFT (DELETED)))", "SEEN DRAFT DELETED");
        check_same("NOT NOT SEEN NOT (NOT NOT (DRAFT))", "SEEN NOT DRAFT");
        check_same("OR NOT OR SEEN DRAFT (DELETED FLAGGED)", "OR NOT (OR SEEN DRAFT) (DELETED FLAGGED)");
    }

    #[test]
    fn a_chain_of_thousands_is_read() {
        for term in ["OR SEEN ", "OR (SEEN) ", "NOT NOT ", "OR OR SEEN DRAFT "] {
            let long = format!("{}ALL", term.repeat(2_000));
            assert_eq!(keys(&long).len(), 1, "{term}");
        }
        let closed = format!("{}ALL{}", "OR (SEEN) (".repeat(2_000), ")".repeat(2_000));
        let [SearchKey::Or(terms)] = &keys(&closed)[..] else { panic!("it is one OR") };
        assert_eq!(terms.len(), 2_001);
    }

    #[test]
    fn what_really_nests_has_a_depth() {
        let nested = |pairs: usize| format!("{}ALL{}", "OR SEEN (DRAFT ".repeat(pairs), ")".repeat(pairs));
        let is_read = |text: &str| read(&mut Input::new(text.as_bytes())).is_ok();
        assert!(is_read(&nested(15)));
        assert!(!is_read(&nested(16)));
        assert!(!is_read(&"(".repeat(1_000_000)));
        assert!(!is_read(&"NOT ".repeat(1_000_000)));
    }
}
