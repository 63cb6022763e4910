//! Looking for strings in the text of a message.

use mailbox::search::{Need, Needle, Scan};
use message::text::{Passage, Place, Reader};

/// Longest text without an ASCII character that is held back to see what follows it, in octets.
const MAX_HELD: usize = 16 << 10;

/// Strings that are sought in one message, all in one reading.
pub(super) struct Hunt<'p> {
    quarry: Vec<Quarry<'p>>,
}

struct Quarry<'p> {
    needle: &'p Needle,
    range: Range,
    found: bool,
}

/// Where a string is sought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    /// BODY: "this doesn't match any header fields" (RFC 9051, 6.4.4).
    Body,
    /// TEXT: "in the header (including MIME header fields) or body".
    Text,
}

impl Range {
    const fn covers(self, place: Place) -> bool {
        match (self, place) {
            (Self::Text, _) | (Self::Body, Place::Body) => true,
            (Self::Body, Place::Header) => false,
        }
    }
}

impl<'p> Hunt<'p> {
    /// For those of `needs` that the text of a message tells.
    pub(super) fn new(needs: &[Need<'p>]) -> Self {
        let quarry = |need: &Need<'p>| {
            let (needle, range) = sought(*need)?;
            Some(Quarry { needle, range, found: needle.is_empty() })
        };
        Self { quarry: needs.iter().filter_map(quarry).collect() }
    }

    /// Whether something in that place could still make a difference.
    pub(super) fn wants(&self, place: Place) -> bool {
        self.quarry.iter().any(|quarry| !quarry.found && quarry.range.covers(place))
    }

    /// Goes on with a passage. No string is found that begins in one and ends in another.
    pub(super) fn enter(&mut self, passage: &Passage) -> Trail<'_, 'p> {
        let open = |quarry: &&mut Quarry<'p>| !quarry.found && quarry.range.covers(passage.place);
        let open = self.quarry.iter_mut().filter(open);
        let scans = open.map(|quarry| (quarry.needle.scan(), &mut quarry.found)).collect();
        Trail { scans, reader: Reader::new(passage), text: String::new() }
    }

    /// What came of it, when it is over; `None` of a string that was not sought.
    pub(super) fn tell(&self, need: Need<'p>) -> Option<bool> {
        let (needle, range) = sought(need)?;
        let same = |quarry: &&Quarry<'p>| std::ptr::eq(quarry.needle, needle) && quarry.range == range;
        self.quarry.iter().find(same).map(|quarry| quarry.found)
    }
}

const fn sought(need: Need<'_>) -> Option<(&Needle, Range)> {
    match need {
        Need::Body(needle) => Some((needle, Range::Body)),
        Need::Text(needle) => Some((needle, Range::Text)),
        Need::SentDate(_) | Need::Thread(_) | Need::Header(_) => None,
    }
}

/// A hunt in one passage.
pub(super) struct Trail<'h, 'p> {
    scans: Vec<(Scan<'p>, &'h mut bool)>,
    reader: Reader,
    text: String,
}

impl Trail<'_, '_> {
    /// Takes the passage's next octets.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.reader.push(octets, &mut self.text);
        let settled = settled(&self.text);
        look(&mut self.scans, self.text.get(..settled).unwrap_or_default());
        self.text.drain(..settled);
    }

    /// Whether nothing is sought here any more.
    pub(super) fn is_over(&self) -> bool {
        self.scans.is_empty()
    }

    /// The passage is over.
    pub(super) fn finish(mut self) {
        self.reader.finish(&mut self.text);
        look(&mut self.scans, &self.text);
    }
}

/// Looks at more of the text; what is found is sought no more.
fn look(scans: &mut Vec<(Scan<'_>, &mut bool)>, text: &str) {
    scans.retain_mut(|(scan, found)| {
        scan.feed(text);
        **found = scan.found();
        !scan.found()
    });
}

/// How much of a text can be looked at before the rest is known. An accent that follows makes another letter of
/// the last one (Unicode's normalisation form C); but no ASCII character is ever the second half of a letter.
fn settled(text: &str) -> usize {
    let at = text.rfind(|c: char| c.is_ascii()).unwrap_or(0);
    if text.len() - at < MAX_HELD { at } else { text.len() }
}
