//! The base subject (RFC 5256, 2.1): what is left of a Subject without the marks of replies, forwards and lists.
//!
//! "All servers and disconnected clients MUST use exactly this algorithm": no `Aw:`, no `SV:`, no `Fwd:` in other
//! languages. It is linear in the subject's length, whatever marks are heaped upon it: the clause takes off one
//! `[blob]` at a time and looks for a `Re:` behind the rest of them each time; here they are walked over once.

/// A subject without its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseSubject {
    /// What is left; empty where nothing was there but marks.
    pub text: String,
    /// What the marks say.
    pub kind: SubjectKind,
}

/// Whether a message is an answer to another, by its subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectKind {
    /// Nothing says so.
    #[default]
    Original,
    /// "A message is considered to be a reply or forward if the base subject extraction rules ... remove any of the
    /// following: a subj-refwd, a "(fwd)" subj-trailer, or a subj-fwd-hdr and subj-fwd-trl" (RFC 5256, 3).
    ReplyOrForward,
}

/// The base subject of a Subject whose encoded words are decoded.
#[must_use]
pub fn base_subject(decoded: &str) -> BaseSubject {
    let spaced = single_spaced(decoded);
    let mut marked = Marked { rest: &spaced, kind: SubjectKind::Original };
    loop {
        marked.drop_trailers();
        marked.drop_leaders();
        if !marked.unwrap_forward() {
            return BaseSubject { text: marked.rest.to_owned(), kind: marked.kind };
        }
    }
}

/// Step 1: "Convert all tabs and continuations to space. Convert all multiple spaces to a single space."
fn single_spaced(text: &str) -> String {
    looked_at(text.len());
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '\t' | '\r' | '\n' if out.ends_with(' ') => {}
            ' ' | '\t' | '\r' | '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A subject on its way to its base.
struct Marked<'a> {
    rest: &'a str,
    kind: SubjectKind,
}

impl<'a> Marked<'a> {
    /// Step 2: `subj-trailer = "(fwd)" / WSP`, as long as there are any.
    fn drop_trailers(&mut self) {
        while self.drop_mark(trailer) {}
        self.rest = self.rest.trim_end_matches(' ');
    }

    /// Steps 3 to 5: `subj-leader = (*subj-blob subj-refwd) / WSP`, and then blobs, as long as there are any.
    fn drop_leaders(&mut self) {
        while self.drop_mark(leader) {}
        self.rest = Blobs::before(self.rest).base();
    }

    /// Step 6: `subj-fwd = subj-fwd-hdr subject subj-fwd-trl`. Whether there was one.
    fn unwrap_forward(&mut self) -> bool {
        self.drop_mark(forward)
    }

    /// Takes off a mark of a reply or a forward, if there is one.
    fn drop_mark(&mut self, without_mark: impl Fn(&'a str) -> Option<&'a str>) -> bool {
        let Some(rest) = without_mark(self.rest) else { return false };
        *self = Self { rest, kind: SubjectKind::ReplyOrForward };
        true
    }
}

fn trailer(text: &str) -> Option<&str> {
    without_suffix(text.trim_end_matches(' '), "(fwd)")
}

fn leader(text: &str) -> Option<&str> {
    refwd(Blobs::before(text).behind)
}

fn forward(text: &str) -> Option<&str> {
    without_prefix(text, "[fwd:")?.strip_suffix(']')
}

/// All the blobs at the front of a text, behind its blanks.
struct Blobs<'a> {
    last: &'a str,
    behind: &'a str,
}

impl<'a> Blobs<'a> {
    fn before(text: &'a str) -> Self {
        let text = text.trim_start_matches(' ');
        let mut blobs = Self { last: text, behind: text };
        while let Some(rest) = blob(blobs.behind) {
            blobs = Self { last: blobs.behind, behind: rest };
        }
        blobs
    }

    /// Step 4: a blob goes only if that "leaves a non-empty subj-base"; the last one stays where it would not.
    const fn base(&self) -> &'a str {
        if self.behind.is_empty() { self.last } else { self.behind }
    }
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`: what is behind it.
fn blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']']);
    looked_at(end.unwrap_or(inside.len()));
    let rest = inside.get(end?..)?.strip_prefix(']')?;
    Some(rest.trim_start_matches(' '))
}

/// `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`: what is behind it.
fn refwd(text: &str) -> Option<&str> {
    let word = ["re", "fwd", "fw"].iter().find_map(|word| without_prefix(text, word))?;
    let rest = word.trim_start_matches(' ');
    blob(rest).unwrap_or(rest).strip_prefix(':')
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    looked_at(prefix.len());
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn without_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    looked_at(suffix.len());
    let (rest, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(rest)
}

/// For those who count the work: so many octets were looked at.
fn looked_at(_octets: usize) {
    #[cfg(test)]
    tests::LOOKED_AT.set(tests::LOOKED_AT.get() + _octets);
}

#[cfg(test)]
mod tests {
    use super::SubjectKind::{Original, ReplyOrForward};
    use super::*;
    use std::cell::Cell;
    use testkit::dice::Dice;

    thread_local! {
        pub(super) static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    /// Threat T-29: whoever writes a subject does not decide how long it takes to find out what it is about.
    #[test]
    fn twice_the_marks_are_twice_the_work() {
        let work = |marks: &str, behind: &str, times: usize| {
            LOOKED_AT.set(0);
            let _ = base_subject(&[&marks.repeat(times), "hello", &behind.repeat(times)].concat());
            LOOKED_AT.get()
        };
        for (marks, behind) in [
            ("Re: ", ""),
            ("[list] ", ""),
            ("[list] Fwd: ", ""),
            ("[fwd: ", "]"),
            ("[fwd: [list] ", "]"),
            ("[fwd: Re: ", " (fwd)]"),
            ("[fwd:", ""),
            ("Re[", ""),
            ("Re [a", ""),
            ("[", ""),
            ("[]", ""),
            ("", " (fwd)"),
            ("", "[list]"),
            ("Re: ", "[list]"),
            ("", " "),
        ] {
            let (half, all) = (work(marks, behind, 5_000), work(marks, behind, 10_000));
            assert!(half >= 5_000 && all <= 2 * half + 100, "{marks:?}, {behind:?}: {half}, then {all}");
        }
    }

    fn check(subject: &str, text: &str, kind: SubjectKind) {
        assert_eq!(base_subject(subject), BaseSubject { text: text.to_owned(), kind }, "{subject:?}");
    }

    #[test]
    fn marks_of_replies_and_forwards_are_taken_off() {
        check("hello", "hello", Original);
        check("Re: hello", "hello", ReplyOrForward);
        check("re : FW: Fwd:re: hello (fwd) (FWD) ", "hello", ReplyOrForward);
        check("RE[2]: hello", "hello", ReplyOrForward);
        check("Re [a] : hello", "hello", ReplyOrForward);
        check("[Fwd: hello]", "hello", ReplyOrForward);
        check("[fwd: [FWD: Re: [a] hello (fwd)]]", "hello", ReplyOrForward);
        check("hello (fwd)", "hello", ReplyOrForward);
    }

    #[test]
    fn a_list_is_no_part_of_a_subject_but_no_answer_either() {
        check("[list] hello", "hello", Original);
        check("[a][b] [c] hello", "hello", Original);
        check("[a] Re: [b] hello", "hello", ReplyOrForward);
        check("Re: [a] Re: [b] hello", "hello", ReplyOrForward);
    }

    #[test]
    fn the_last_blob_stays_where_nothing_else_would() {
        check("[list]", "[list]", Original);
        check("[a] [list] ", "[list]", Original);
        check("Re: [list]", "[list]", ReplyOrForward);
        check("[list] (fwd)", "[list]", ReplyOrForward);
    }

    #[test]
    fn what_only_looks_like_a_mark_stays() {
        check("Reply: hello", "Reply: hello", Original);
        check("Re hello", "Re hello", Original);
        check("Aw: hello", "Aw: hello", Original);
        check("[a[b] hello", "[a[b] hello", Original);
        check("[fwd: hello", "[fwd: hello", Original);
        check("hello [fwd: you]", "hello [fwd: you]", Original);
        check("[fwd: hello] you]", "you]", Original);
        check("(fwd) hello", "(fwd) hello", Original);
        check("Re[a][b]: hello", "Re[a][b]: hello", Original);
    }

    #[test]
    fn blanks_are_single_and_never_outside() {
        check(" \t hello\r\n\t  you\t", "hello you", Original);
        check("Re:", "", ReplyOrForward);
        check("  ", "", Original);
        check("(fwd)", "", ReplyOrForward);
        check("Grüße  ", "Grüße", Original);
        check("ré: x", "ré: x", Original);
    }

    /// The clause as it stands, step by step, one blob at a time.
    fn word_for_word(decoded: &str) -> String {
        let mut text = single_spaced(decoded);
        loop {
            loop {
                let before = text.len();
                text = text.trim_end_matches(' ').to_owned();
                text = without_suffix(&text, "(fwd)").unwrap_or(&text).to_owned();
                if text.len() == before {
                    break;
                }
            }
            loop {
                let before = text.len();
                text = one_leader(&text).unwrap_or(&text).to_owned();
                if let Some(rest) = blob(&text).filter(|rest| !rest.is_empty()) {
                    text = rest.to_owned();
                }
                if text.len() == before {
                    break;
                }
            }
            match without_prefix(&text, "[fwd:").and_then(|rest| rest.strip_suffix(']')) {
                Some(inside) => text = inside.to_owned(),
                None => return text,
            }
        }
    }

    fn one_leader(text: &str) -> Option<&str> {
        if let Some(rest) = text.strip_prefix(' ') {
            return Some(rest);
        }
        let mut at = text;
        loop {
            if let Some(rest) = refwd(at) {
                return Some(rest);
            }
            at = blob(at)?;
        }
    }

    #[test]
    fn walking_over_all_blobs_at_once_is_what_the_clause_does_one_by_one() {
        const PIECES: [&str; 14] =
            ["re", "Fwd", "fw", ":", " ", "[", "]", "[a]", "[fwd:", "(fwd)", "x", "ü", "Re: ", "\t"];
        for seed in 0..50_000 {
            let mut dice = Dice::new(seed);
            let subject: String = (0..12).map(|_| dice.pick(&PIECES)).collect();
            assert_eq!(base_subject(&subject).text, word_for_word(&subject), "{subject:?}, seed {seed}");
        }
    }
}
