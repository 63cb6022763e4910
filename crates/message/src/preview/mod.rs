//! PREVIEW (RFC 8970): the beginning of what a message says, for a list of messages.
//!
//! It is gathered while a message streams by, and kept in its record: to tell it costs nothing, so there is nothing to
//! put off for a client that says LAZY. It is made of the first part that is read as the message (text/plain or
//! text/html, and no attachment) and has something to say; what a reply quotes comes into it only where there is
//! nothing else. White space is folded, markup left out, and what would hide or turn round the text behind it.
//! A message that says nothing has the empty string: "no meaningful preview text can be generated" (3.2).
//!
//! Bounded: [`MAX_PREVIEW_OCTETS`] of a message's text are looked at, [`MAX_CHARACTERS`] kept.

mod html;

use crate::charset::Decoder as CharsetDecoder;
use crate::limits::MAX_PREVIEW_OCTETS;
use crate::mime::Description;
use crate::part::{Kind, Part};
use crate::transfer::TransferDecoder;
use html::Html;
use std::fmt;

/// "The server SHOULD limit the length of the preview text to 200 preview characters" (RFC 8970, 3.3).
const CHARACTERS: usize = 200;
/// "The server MUST NOT output preview text longer than 256": room for what belongs to the last of the 200.
const MAX_CHARACTERS: usize = 256;

/// A preview that grows.
#[derive(Default)]
pub(crate) struct Previewer {
    reading: Option<Box<Reading>>,
    own: Snippet,
    quoted: Snippet,
    octets_read: usize,
}

impl fmt::Debug for Previewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previewer")
            .field("own", &self.own)
            .field("quoted", &self.quoted)
            .finish_non_exhaustive()
    }
}

/// A part being read.
struct Reading {
    transfer: TransferDecoder,
    charset: CharsetDecoder,
    form: Form,
    content: Vec<u8>,
    text: String,
}

enum Form {
    Plain(Line),
    Html(Html),
}

/// Whether a part goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    More,
    End,
}

/// Whose words these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// The sender's.
    Own,
    /// Those of somebody who is answered.
    Quoted,
}

/// Where we are in a line of plain text.
#[derive(Clone, Copy)]
enum Line {
    Start,
    Within(Voice),
}

impl Previewer {
    /// A part's body begins.
    pub(crate) fn begin(&mut self, part: &Part, description: &Description) {
        self.end();
        let form = form(part, description).filter(|_| self.wants_more());
        self.reading = form.map(|form| {
            Box::new(Reading {
                transfer: TransferDecoder::new(part.encoding),
                charset: CharsetDecoder::new(part.charset),
                form,
                content: Vec::new(),
                text: String::new(),
            })
        });
    }

    /// The body goes on.
    pub(crate) fn push(&mut self, octets: &[u8]) {
        let Some(reading) = &mut self.reading else { return };
        let room = MAX_PREVIEW_OCTETS - self.octets_read;
        let octets = octets.get(..room).unwrap_or(octets);
        self.octets_read += octets.len();
        reading.transfer.push(octets, &mut reading.content);
        reading.charset.push(&reading.content, &mut reading.text);
        self.take_in(At::More);
        if self.own.is_full() || self.octets_read == MAX_PREVIEW_OCTETS {
            self.end();
        }
    }

    /// The body ends.
    pub(crate) fn end(&mut self) {
        let Some(reading) = &mut self.reading else { return };
        reading.transfer.finish(&mut reading.content);
        reading.charset.push(&reading.content, &mut reading.text);
        reading.charset.finish(&mut reading.text);
        self.take_in(At::End);
        self.reading = None;
    }

    /// The preview.
    pub(crate) fn finish(mut self) -> String {
        self.end();
        if self.own.text.is_empty() { self.quoted.text } else { self.own.text }
    }

    /// Whether no part has had anything to say yet.
    fn wants_more(&self) -> bool {
        self.own.text.is_empty() && self.quoted.text.is_empty() && self.octets_read < MAX_PREVIEW_OCTETS
    }

    fn take_in(&mut self, at: At) {
        let Some(reading) = &mut self.reading else { return };
        let (own, quoted) = (&mut self.own, &mut self.quoted);
        let mut say = |c: char, voice| match voice {
            Voice::Own => own.push(c),
            Voice::Quoted => quoted.push(c),
        };
        match &mut reading.form {
            Form::Plain(line) => reading.text.chars().for_each(|c| line.push(c, &mut say)),
            Form::Html(html) => reading.text.chars().for_each(|c| html.push(c, &mut say)),
        }
        if let (Form::Html(html), At::End) = (&mut reading.form, at) {
            html.finish(&mut say);
        }
        reading.text.clear();
        reading.content.clear();
    }
}

/// How a part is read, if it is: other kinds of text (calendars, cards, style sheets) are not for people.
fn form(part: &Part, description: &Description) -> Option<Form> {
    if part.kind != Kind::Text {
        return None;
    }
    let disposition = description.disposition.as_ref();
    if disposition.is_some_and(|disposition| disposition.kind.eq_ignore_ascii_case(b"attachment")) {
        return None;
    }
    if description.media_type.is("text", "plain") {
        return Some(Form::Plain(Line::Start));
    }
    description.media_type.is("text", "html").then(|| Form::Html(Html::default()))
}

impl Line {
    /// A line that begins with ">" is quoted.
    fn push(&mut self, c: char, say: &mut impl FnMut(char, Voice)) {
        match (*self, c) {
            (_, '\n') => {
                say(' ', Voice::Own);
                say(' ', Voice::Quoted);
                *self = Self::Start;
            }
            (Self::Start, ' ' | '\t') => {}
            (Self::Start, '>') => *self = Self::Within(Voice::Quoted),
            (Self::Start, c) => {
                say(c, Voice::Own);
                *self = Self::Within(Voice::Own);
            }
            (Self::Within(Voice::Quoted), '>') => {}
            (Self::Within(voice), c) => say(c, voice),
        }
    }
}

/// Text with its white space folded, cut where it is long enough.
#[derive(Debug, Default)]
struct Snippet {
    text: String,
    characters: usize,
    blank: Blank,
    end: End,
}

/// Whether white space is waiting for something to stand in front of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Blank {
    #[default]
    None,
    Due,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    Reached,
}

impl Snippet {
    fn is_full(&self) -> bool {
        self.end == End::Reached
    }

    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.blank = if self.text.is_empty() { Blank::None } else { Blank::Due };
            return;
        }
        let is_left_out = is_unseen(c) || (is_joint(c) && self.is_at_gap());
        if !is_left_out {
            self.add(c);
        }
    }

    /// Mail programs fill hidden lines with joints and blanks in turn.
    fn is_at_gap(&self) -> bool {
        self.blank == Blank::Due || self.text.is_empty()
    }

    fn add(&mut self, c: char) {
        let blanks = usize::from(self.blank == Blank::Due);
        let belongs = blanks == 0 && (is_joint(c) || extends(c) || self.text.ends_with('\u{200d}'));
        let limit = if belongs { MAX_CHARACTERS } else { CHARACTERS };
        if self.is_full() || self.characters + blanks + 1 > limit {
            self.end = End::Reached;
            return;
        }
        if self.blank == Blank::Due {
            self.text.push(' ');
        }
        self.text.push(c);
        self.characters += blanks + 1;
        self.blank = Blank::None;
    }
}

/// Controls, soft hyphens, marks of order and direction, and what mail programs fill hidden lines with: nothing to see,
/// and some of it turns round the line behind it.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Zero width (non-)joiners: they have a meaning between letters alone.
const fn is_joint(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// What is drawn as a part of the character in front: accents and marks of the scripts that mail is mostly written in,
/// variants, colours of skin, tags.
const fn extends(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}')
        || matches!(c, '\u{64b}'..='\u{65f}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}' | '\u{e31}')
        || matches!(c, '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}')
        || matches!(c, '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
        || matches!(c, '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
