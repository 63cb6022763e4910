//! A message of the corpus, octet by octet.

use super::text::{base64, base64_that_fits, digits_of};
use super::{Corpus, Facts, Kind, Mark, Recipe, Sizes};
use crate::dice::Dice;
use std::io::Write;

/// A message from here on has the fields that mail servers on its way add, in octets.
const TRAVELLED: u32 = 2_600;
/// The least that the text before an attachment has, in octets.
const LEAST_TEXT: usize = 200;
/// Room for the lines between parts, whose lengths are known when they are written.
const BOUNDARY: &str = "=_part-of-the-bench";

/// Where an attachment or HTML is, around which the text fills up.
struct Frame {
    /// Between the first part and the second.
    between: String,
    /// Behind the second.
    behind: String,
}

impl Corpus {
    /// Writes message `index` behind what is in `to`.
    pub(crate) fn write(&self, index: u32, to: &mut Vec<u8>) {
        let facts = self.facts(index);
        let mut dice = Dice::of(self.recipe.seed, u64::from(index));
        let end = to.len() + facts.size as usize;
        to.reserve(facts.size as usize);
        let _ = self.header(index, &facts, &mut dice, to);
        let mark = Mark::Body.on(index);
        match facts.kind {
            Kind::Plain => self.words.prose(&mut dice, end.saturating_sub(to.len()), mark, to),
            Kind::Alternative => self.alternative(&mut dice, end, mark, to),
            Kind::Mixed => self.mixed(&mut dice, index, end, mark, to),
        }
    }

    /// The message's octets, hashed (XXH3). `scratch` is room to make it in.
    pub(crate) fn hash(&self, index: u32, scratch: &mut Vec<u8>) -> u64 {
        scratch.clear();
        self.write(index, scratch);
        xxhash_rust::xxh3::xxh3_64(scratch)
    }

    /// Writes the Subject of a message, as it stands there.
    pub(crate) fn write_subject(&self, index: u32, to: &mut Vec<u8>) {
        let mut dice = Dice::of(self.recipe.seed ^ 3, u64::from(index));
        to.extend_from_slice(if dice.chance(25) { b"Re: " } else { b"" });
        if let Some(word) = Mark::Subject.on(index) {
            to.extend_from_slice(word.as_bytes());
            to.push(b' ');
        }
        for _ in 0..2 + dice.below(5) {
            to.extend_from_slice(self.words.any(&mut dice));
            to.push(b' ');
        }
        // Writing into a Vec cannot fail, here and below.
        let _ = write!(to, "{index}");
    }

    /// Writes the Message-ID of a message. It names recipe and index.
    pub(crate) fn write_message_id(&self, index: u32, to: &mut Vec<u8>) {
        let Recipe { seed, sizes, largest } = self.recipe;
        let sizes = match sizes {
            Sizes::People => 'p',
            Sizes::Small => 's',
        };
        let _ = write!(to, "<{index}.{seed:x}.{sizes}{largest:x}@bench.example.org>");
    }

    fn header(&self, index: u32, facts: &Facts, dice: &mut Dice, to: &mut Vec<u8>) -> std::io::Result<()> {
        let host = dice.below(40);
        if facts.size >= TRAVELLED {
            self.journey(facts, host, dice, to)?;
        }
        let date = facts.date.field();
        to.extend_from_slice(b"Message-ID: ");
        self.write_message_id(index, to);
        write!(to, "\r\nDate: {date}\r\nFrom: ")?;
        match Mark::Sender.on(index) {
            Some(name) => write!(to, "{name}")?,
            None => {
                to.extend_from_slice(self.words.any(dice));
                write!(to, ".{}", dice.below(200))?;
            }
        }
        write!(to, "@host{host}.example.net\r\nTo: reader@example.org")?;
        for _ in 0..dice.below(4) {
            to.extend_from_slice(b",\r\n ");
            to.extend_from_slice(self.words.any(dice));
            to.extend_from_slice(b"@example.org");
        }
        to.extend_from_slice(b"\r\nSubject: ");
        self.write_subject(index, to);
        to.extend_from_slice(b"\r\nMIME-Version: 1.0\r\n");
        if dice.chance(20) {
            write!(to, "List-Id: <list{}.example.org>\r\n", dice.below(30))?;
        }
        to.extend_from_slice(match facts.kind {
            Kind::Plain => b"Content-Type: text/plain; charset=utf-8\r\n\r\n",
            Kind::Alternative => b"Content-Type: multipart/alternative;\r\n boundary=\"",
            Kind::Mixed => b"Content-Type: multipart/mixed; boundary=\"".as_slice(),
        });
        if facts.kind != Kind::Plain {
            write!(
                to,
                "{BOUNDARY}\"\r\n\r\n--{BOUNDARY}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            )?;
        }
        Ok(())
    }

    /// What mail servers on the way wrote on it.
    fn journey(&self, facts: &Facts, host: u64, dice: &mut Dice, to: &mut Vec<u8>) -> std::io::Result<()> {
        let date = facts.date.field();
        for hop in 0..=dice.below(4) {
            write!(
                to,
                "Received: from mx{hop}.host{host}.example.net (mx{hop}.host{host}.example.net [192.0.2.{}])\r\n\
                 \tby in{hop}.example.org (Postfix) with ESMTPS id {:012X}\r\n\tfor <reader@example.org>; {date}\r\n",
                dice.below(255),
                dice.any() >> 16,
            )?;
        }
        if dice.chance(33) {
            to.extend_from_slice(
                b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=one;\r\n\tbh=",
            );
            digits_of(dice, 43, to);
            to.extend_from_slice(b"=;\r\n\tb=");
            for _ in 0..4 {
                digits_of(dice, 72, to);
                to.extend_from_slice(b"\r\n\t ");
            }
            digits_of(dice, 54, to);
            to.extend_from_slice(b"==\r\n");
        }
        Ok(())
    }

    fn alternative(&self, dice: &mut Dice, end: usize, mark: Option<&str>, to: &mut Vec<u8>) {
        let frame = Frame {
            between: format!(
                "--{BOUNDARY}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>\r\n"
            ),
            behind: format!("</p></body></html>\r\n--{BOUNDARY}--\r\n"),
        };
        let room = end.saturating_sub(to.len() + frame.between.len() + frame.behind.len());
        let text = room / 3;
        self.words.prose(dice, text, mark, to);
        to.extend_from_slice(frame.between.as_bytes());
        self.words.prose(dice, room - text, None, to);
        to.extend_from_slice(frame.behind.as_bytes());
    }

    fn mixed(&self, dice: &mut Dice, index: u32, end: usize, mark: Option<&str>, to: &mut Vec<u8>) {
        let frame = Frame {
            between: format!(
                "--{BOUNDARY}\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment;\r\n \
                 filename=\"report-{index}.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            ),
            behind: format!("--{BOUNDARY}--\r\n"),
        };
        let room = end.saturating_sub(to.len() + frame.between.len() + frame.behind.len());
        let wanted = room.min(LEAST_TEXT + dice.place(3_000).min(room / 4));
        let (digits, octets) = base64_that_fits(room - wanted);
        self.words.prose(dice, room - octets, mark, to);
        to.extend_from_slice(frame.between.as_bytes());
        base64(dice, digits, to);
        to.extend_from_slice(frame.behind.as_bytes());
    }
}
