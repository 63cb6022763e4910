//! What follows DATA: a message, its dots doubled, up to CRLF `.` CRLF (RFC 5321, 4.5.2).
//!
//! > **Only that ends it.** LF `.` LF, LF `.` CRLF, CR `.` CR and their kin do not, and a message that has a CR without
//! > LF or an LF without CR is refused as a whole once it has ended: such octets are how a second message is smuggled
//! > in behind a first (CVE-2023-51764, threat T-6). They are not repaired either: then the two of us would have read
//! > different messages.

use memchr::{memchr, memchr2};

/// Why a message is refused, whoever it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadData {
    /// A CR without LF.
    BareCr,
    /// An LF without CR.
    BareLf,
    /// A NUL, which no message has (RFC 5321, 4.5.2 and RFC 6152, 3) and IMAP could not give back.
    Nul,
}

/// Where in a line we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At its start: behind CRLF, or at the start of all.
    Start,
    /// Behind a dot at its start.
    Dot,
    /// Behind a dot at its start and a CR.
    DotCr,
    /// Further on.
    Within,
    /// Behind a CR further on.
    Cr,
}

/// Whether the message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// All octets were taken, and it has not ended.
    Open,
    /// It ended behind so many of the octets.
    Ended(usize),
}

/// Reads one message.
#[derive(Debug)]
pub struct DataReader {
    place: Place,
    bad: Option<BadData>,
    octets: u64,
}

impl Default for DataReader {
    fn default() -> Self {
        Self::new()
    }
}

impl DataReader {
    /// Right behind the line end of DATA.
    #[must_use]
    pub const fn new() -> Self {
        Self { place: Place::Start, bad: None, octets: 0 }
    }

    /// How many octets the message has so far, as they were before its dots were doubled. Those behind what makes it
    /// bad are counted too.
    #[must_use]
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// What is wrong with it, as far as it has come.
    #[must_use]
    pub const fn bad(&self) -> Option<BadData> {
        self.bad
    }

    /// Takes what came next, and appends to `out` what of it is the message's. Of a message that turns out bad nothing
    /// more is given out.
    pub fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> Course {
        let mut rest = input;
        while let Some((&octet, behind)) = rest.split_first() {
            let run = self.run(rest);
            if let Some((plain, behind)) = rest.split_at_checked(run).filter(|_| run > 0) {
                self.give(plain, out);
                self.place = Place::Within;
                rest = behind;
                continue;
            }
            rest = behind;
            if self.step(octet, out) {
                return Course::Ended(input.len() - rest.len());
            }
        }
        Course::Open
    }

    /// How many octets from here on are ordinary ones within a line.
    fn run(&self, rest: &[u8]) -> usize {
        match self.place {
            Place::Within => memchr2(b'\r', b'\n', rest).unwrap_or(rest.len()),
            _ => 0,
        }
    }

    /// Takes one octet; whether it is the last.
    fn step(&mut self, octet: u8, out: &mut Vec<u8>) -> bool {
        self.place = match (self.place, octet) {
            (Place::DotCr, b'\n') => return true,
            (Place::Start, b'.') => Place::Dot,
            (Place::Dot, b'\r') => Place::DotCr,
            (Place::Start | Place::Within, b'\r') => Place::Cr,
            (Place::Cr, b'\n') => {
                self.give(b"\r\n", out);
                Place::Start
            }
            (Place::Cr | Place::DotCr, octet) => {
                self.spoil(BadData::BareCr);
                self.give(b"\r", out);
                if octet == b'\r' { Place::Cr } else { self.within(octet, out) }
            }
            // RFC 5321, 4.5.2: the dot in front of other characters is deleted.
            (Place::Start | Place::Dot | Place::Within, octet) => self.within(octet, out),
        };
        false
    }

    fn within(&mut self, octet: u8, out: &mut Vec<u8>) -> Place {
        if octet == b'\n' {
            self.spoil(BadData::BareLf);
        }
        self.give(&[octet], out);
        Place::Within
    }

    fn give(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.octets = self.octets.saturating_add(octets.len() as u64);
        let nul = memchr(0, octets);
        if self.bad.is_none() {
            out.extend_from_slice(octets.get(..nul.unwrap_or(octets.len())).unwrap_or_default());
        }
        if nul.is_some() {
            self.spoil(BadData::Nul);
        }
    }

    fn spoil(&mut self, why: BadData) {
        self.bad.get_or_insert(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What became of some octets: the message, what is wrong with it, and what is behind it where it has ended.
    type Outcome = (Vec<u8>, Option<BadData>, Option<Vec<u8>>);

    /// Reads a stream that comes in these pieces.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        let (mut reader, mut out, mut behind) = (DataReader::new(), Vec::new(), None::<Vec<u8>>);
        for piece in pieces {
            match &mut behind {
                Some(behind) => behind.extend(piece),
                None => {
                    if let Course::Ended(at) = reader.read(piece, &mut out) {
                        behind = Some(piece[at..].to_vec());
                    }
                }
            }
        }
        (out, reader.bad(), behind)
    }

    fn fine(stream: &[u8], message: &[u8], behind: &[u8]) {
        assert_eq!(
            read([stream]),
            (message.to_vec(), None, Some(behind.to_vec())),
            "{}",
            stream.escape_ascii()
        );
    }

    #[test]
    fn a_message_ends_at_a_dot_alone_on_a_line() {
        fine(b".\r\n", b"", b"");
        fine(b"a\r\n.\r\nNOOP\r\n", b"a\r\n", b"NOOP\r\n");
        fine(b"\r\n.\r\n", b"\r\n", b"");
        fine(b"a: b\r\n\r\nc\r\n.\r\n", b"a: b\r\n\r\nc\r\n", b"");
    }

    #[test]
    fn one_dot_of_those_at_the_start_of_a_line_goes() {
        fine(b"..\r\n.\r\n", b".\r\n", b"");
        fine(b".a\r\n...b\r\nc.\r\n.\r\n", b"a\r\n..b\r\nc.\r\n", b"");
    }

    /// The endings that one server or another has taken for the end of a message: "SMTP Smuggling", SEC Consult, 2023,
    /// and the cases of the tool smtpsmug.
    const SMUGGLED: [&[u8]; 20] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\r.\n",
        b"\n.\r",
        b"\n\n.\r\n",
        b"\n\n.\n",
        b"\r\n\n.\n",
        b"\r\r.\r\r",
        b"\r\r\n.\r\r\n",
        b"\n\r.\n\r",
        b"\r\n.\r\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\0\r\n.\n",
        b"\r\n.\n\r\n",
        b"\n.\0\n",
    ];

    #[test]
    fn nothing_that_only_looks_like_the_end_is_one_and_all_of_it_is_refused() {
        for ending in SMUGGLED {
            let smuggled =
                [b"Subject: one\r\n\r\nfirst", ending, b"MAIL FROM:<second@example.org>\r\n"].concat();
            let (_, bad, behind) = read([&smuggled[..]]);
            assert!(behind.is_none(), "{} ended it", ending.escape_ascii());
            assert!(bad.is_some(), "{} was taken", ending.escape_ascii());
            let stream = [&smuggled, &b"\r\n.\r\nQUIT\r\n"[..]].concat();
            let (_, bad, behind) = read([&stream[..]]);
            assert_eq!((bad.is_some(), behind.as_deref()), (true, Some(&b"QUIT\r\n"[..])));
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_first_place() {
        for (stream, why) in [
            (&b"a\nb\r\n.\r\n"[..], BadData::BareLf),
            (b"\n.\r\n", BadData::BareLf),
            (b".\n\r\n.\r\n", BadData::BareLf),
            (b"a\rb\nc\r\n.\r\n", BadData::BareCr),
            (b"a\r\r\n.\r\n", BadData::BareCr),
            (b".\ra\r\n.\r\n", BadData::BareCr),
            (b"a\0\nb\r\n.\r\n", BadData::Nul),
            (b"\0\r\n.\r\n", BadData::Nul),
        ] {
            assert_eq!(read([stream]).1, Some(why), "{}", stream.escape_ascii());
        }
    }

    #[test]
    fn any_octet_but_nul_and_bare_line_ends_may_be_in_a_message() {
        let octets: Vec<u8> = (1..=255).filter(|octet| !b"\r\n".contains(octet)).collect();
        let long = [&b"x".repeat(5_000), &octets[..], b"\r\n"].concat();
        fine(&[&long, &b".\r\n"[..]].concat(), &long, b"");
    }

    /// Octets that matter here, and a few that do not.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let octet =
            prop_oneof![6 => Just(b'.'), 6 => Just(b'\r'), 6 => Just(b'\n'), 1 => Just(0), 3 => any::<u8>()];
        let piece = prop_oneof![
            4 => prop::collection::vec(octet, 0..8),
            3 => Just(b"\r\n".to_vec()),
            2 => Just(b"\r\n.\r\n".to_vec()),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    /// The same by the letter of RFC 5321, 4.5.2, with all of the stream at hand.
    fn by_the_letter(stream: &[u8]) -> Outcome {
        let framed = [b"\r\n", stream].concat();
        let end = framed.windows(5).position(|five| five == b"\r\n.\r\n");
        let (lines, behind) = match end {
            Some(at) => (&framed[2..(at + 2).max(2)], Some(framed[at + 5..].to_vec())),
            None => (stream, None),
        };
        let bad = (0..lines.len()).find_map(|at| match lines[at] {
            0 => Some(BadData::Nul),
            b'\n' if at == 0 || lines[at - 1] != b'\r' => Some(BadData::BareLf),
            b'\r' if at + 1 < lines.len() && lines[at + 1] != b'\n' => Some(BadData::BareCr),
            _ => None,
        });
        let mut message = Vec::new();
        for (at, octet) in lines.iter().enumerate() {
            let starts_line = at == 0 || lines[..at].ends_with(b"\r\n");
            if !(starts_line && *octet == b'.') {
                message.push(*octet);
            }
        }
        (message, bad, behind)
    }

    proptest! {
        #[test]
        fn any_cut_anywhere_gives_the_same(stream in stream(), cuts in prop::collection::vec(0..200_usize, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (stream.len() + 1)).collect();
            cuts.sort_unstable();
            let ends = cuts.iter().copied().chain([stream.len()]);
            let starts = [0].into_iter().chain(cuts.iter().copied());
            let pieces = starts.zip(ends).map(|(from, to)| &stream[from..to]);
            let whole = read([&stream[..]]);
            prop_assert_eq!(&read(pieces), &whole);
            prop_assert_eq!(&read(stream.chunks(1)), &whole);
        }

        #[test]
        fn it_is_read_by_the_letter(stream in stream()) {
            let (message, bad, behind) = read([&stream[..]]);
            let (expected, expected_bad, expected_behind) = by_the_letter(&stream);
            prop_assert_eq!(&behind, &expected_behind);
            if behind.is_some() {
                prop_assert_eq!(bad, expected_bad);
                if bad.is_none() {
                    prop_assert_eq!(message, expected);
                }
            }
        }

        #[test]
        fn what_is_sent_as_the_standard_says_comes_out_as_it_was(lines in prop::collection::vec("[.a]{0,4}", 0..6)) {
            let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let stuffed: String = lines
                .iter()
                .map(|line| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" }))
                .collect();
            let stream = format!("{stuffed}.\r\n");
            prop_assert_eq!(read([stream.as_bytes()]), (message.into_bytes(), None, Some(Vec::new())));
        }
    }
}
