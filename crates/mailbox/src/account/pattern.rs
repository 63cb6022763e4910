//! LIST patterns.

use terms::{SEPARATOR, to_nfc};

/// Longest pattern that can match anything, reference included, in octets. A longer one is "silently ignored, i.e.
/// it results in no LIST responses" (RFC 9051, 6.3.9).
pub const MAX_PATTERN_OCTETS: usize = 2_000;

/// A canonical LIST pattern (RFC 9051, 6.3.9): `*` is anything, `%` anything but a separator.
///
/// Matching simulates all ways through the pattern at once, one bit each: a name of n octets costs at most
/// n times (pattern octets / 64) steps, whatever the wildcards (threat T-29). There is no backtracking.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// How many octets stand between the wildcards.
    literals: usize,
    /// For each octet, as many words as it takes: bit i is set where literal i is that octet.
    places: Box<[u64]>,
    /// Bit g: a `*` stands before literal g (or at the end).
    stars: Box<[u64]>,
    /// Bit g: a `%` stands there and no `*`.
    percents: Box<[u64]>,
    ends_in_percent: bool,
}

const SLASH: u8 = SEPARATOR as u8;
const INBOX: &[u8] = b"INBOX";

impl Pattern {
    /// The reference with the pattern appended: we have no breakout characters, so that is the canonical form
    /// (RFC 9051, 6.3.9). Normalised to NFC as names are.
    #[must_use]
    pub fn new(reference: &str, pattern: &str) -> Self {
        let canonical = format!("{reference}{pattern}");
        if canonical.len() > MAX_PATTERN_OCTETS {
            return Self::matching_nothing();
        }
        Self::compile(to_nfc(&canonical).as_bytes())
    }

    fn matching_nothing() -> Self {
        // No name is empty.
        Self::compile(b"")
    }

    fn compile(pattern: &[u8]) -> Self {
        let words = pattern.len() / 64 + 1;
        let (mut stars, mut percents) = (vec![0; words], vec![0; words]);
        let mut places = vec![0; 256 * words];
        let mut literals = 0;
        for &octet in pattern {
            match octet {
                b'*' => set(&mut stars, literals),
                b'%' => set(&mut percents, literals),
                literal => {
                    set(&mut places, usize::from(literal) * words * 64 + literals);
                    literals += 1;
                }
            }
        }
        Self {
            literals,
            places: places.into(),
            stars: stars.into(),
            percents: percents.into(),
            ends_in_percent: pattern.last() == Some(&b'%'),
        }
    }

    fn places(&self, octet: u8) -> &[u64] {
        self.places.chunks(self.stars.len()).nth(usize::from(octet)).unwrap_or_default()
    }

    /// Whether the last character is `%`, so that levels are asked for too.
    pub(super) const fn asks_for_levels(&self) -> bool {
        self.ends_in_percent
    }

    /// Whether the whole of `name` matches. INBOX matches in any case (RFC 9051, 5.1).
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.run(name).0
    }

    /// Whether it matches, and the words of state that were touched to find out.
    fn run(&self, name: &str) -> (bool, usize) {
        let folded = if is_inbox_or_below(name) { INBOX.len() } else { 0 };
        let mut ways = vec![0_u64; self.stars.len()];
        set(&mut ways, 0);
        let mut steps = 0;
        for (at, octet) in name.bytes().enumerate() {
            let other_case = if at < folded { octet.to_ascii_lowercase() } else { octet };
            steps += ways.len();
            if !self.step(&mut ways, octet, other_case) {
                return (false, steps);
            }
        }
        (is_set(&ways, self.literals), steps)
    }

    /// Each way stays where a wildcard lets it, goes on where the next literal is the octet, or ends. Whether any
    /// is left.
    fn step(&self, ways: &mut [u64], octet: u8, other_case: u8) -> bool {
        let mut carry = 0;
        let mut left = 0;
        let wildcards = self.stars.iter().zip(&self.percents);
        let places = self.places(octet).iter().zip(self.places(other_case));
        for ((way, (star, percent)), (place, other)) in ways.iter_mut().zip(wildcards).zip(places) {
            let stays = *star | if octet == SLASH { 0 } else { *percent };
            let goes_on = *way & (place | other);
            let next = (*way & stays) | (goes_on << 1) | carry;
            carry = goes_on >> 63;
            left |= next;
            *way = next;
        }
        left != 0
    }
}

fn is_inbox_or_below(name: &str) -> bool {
    let rest = name.as_bytes().strip_prefix(INBOX);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(&SLASH)))
}

fn set(bits: &mut [u64], at: usize) {
    if let Some(word) = bits.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

fn is_set(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new("", pattern).matches(name)
    }

    /// The definition, word for word: exponential, and obviously right.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|n| naive(rest, &name[n..])),
            Some(('%', rest)) => {
                let level = name.iter().take_while(|c| **c != '/').count();
                (0..=level).any(|n| naive(rest, &name[n..]))
            }
            Some((c, rest)) => name.first() == Some(c) && naive(rest, &name[1..]),
        }
    }

    #[test]
    fn percent_stops_at_a_separator_and_star_does_not() {
        assert!(matches("%", "a") && !matches("%", "a/b") && matches("%/%", "a/b"));
        assert!(matches("*", "a/b") && matches("a*", "a/b") && matches("a/%", "a/b"));
        assert!(!matches("a", "ab") && !matches("ab", "a") && !matches("", "a"));
        assert!(Pattern::new("a/", "%").matches("a/b"));
    }

    #[test]
    fn inbox_matches_in_any_case_and_nothing_else_does() {
        assert!(matches("inbox", "INBOX") && matches("Inbox/%", "INBOX/x") && matches("i%", "INBOX"));
        assert!(!matches("INBOX/X", "INBOX/x") && !matches("inboxes", "INBOXES") && !matches("A", "a"));
    }

    #[test]
    fn a_pattern_in_another_normalisation_form_finds_the_name() {
        assert!(matches("u\u{308}%", "\u{fc}ber"));
    }

    #[test]
    fn all_short_patterns_match_what_the_definition_says() {
        let words = |letters: &'static [char], len: u32| {
            (0..letters.len().pow(len)).map(move |n| {
                let digit = |i: u32| letters[n / letters.len().pow(i) % letters.len()];
                (0..len).map(digit).collect::<String>()
            })
        };
        let names: Vec<String> = (1..=5).flat_map(|len| words(&['a', 'b', '/'], len)).collect();
        for pattern in (0..=4).flat_map(|len| words(&['a', '/', '*', '%'], len)) {
            let compiled = Pattern::new("", &pattern);
            let letters: Vec<char> = pattern.chars().collect();
            for name in &names {
                let expected = naive(&letters, &name.chars().collect::<Vec<_>>());
                assert_eq!(compiled.matches(name), expected, "{pattern:?} {name:?}");
            }
        }
    }

    #[test]
    fn patterns_longer_than_a_word_of_state_match_too() {
        let name = "abcdefgh".repeat(30);
        assert!(matches(&name, &name) && matches(&format!("{}*", &name[..200]), &name));
        assert!(matches(&format!("%{}", &name[100..]), &name) && !matches(&name[..239], &name));
    }

    #[test]
    fn the_worst_pattern_costs_as_many_steps_as_the_longest_name_has_octets_times_its_words() {
        let name = "a".repeat(1_000);
        for bomb in ["*a".repeat(990), "*%".repeat(990), "%a*".repeat(600), format!("{}b", "*a".repeat(900))]
        {
            let (_, steps) = Pattern::new("", &bomb).run(&name);
            assert!(steps <= 1_000 * (MAX_PATTERN_OCTETS / 64 + 1), "{steps}");
        }
        let (found, steps) = Pattern::new("", &"*%".repeat(MAX_PATTERN_OCTETS)).run(&name);
        assert!(!found && steps == 1, "a pattern over the limit matches nothing: {steps}");
    }
}
