//! The room where the mail is sorted: chance, message numbers, and what has been written so far.

use crate::calendar::{DAY, HOUR, TODAY, at, mail_date};
use crate::letter::Letter;
use crate::people::Person;
use crate::seed::Chance;
use crate::{DemoMessage, folder};
use terms::{Flag, InternalDate, Keyword};

/// How far back the mail reaches.
pub(crate) const PAST: i64 = 2 * 365 * DAY;

/// What is older than this has been read.
const UNREAD_FOR: i64 = 9 * DAY;

pub(crate) struct Room {
    pub(crate) chance: Chance,
    serial: u32,
    mail: Vec<DemoMessage>,
}

impl Room {
    pub(crate) fn new(seed: u64) -> Self {
        Self { chance: Chance::new(seed), serial: 0, mail: Vec::new() }
    }

    pub(crate) fn into_mail(self) -> Vec<DemoMessage> {
        self.mail
    }

    /// Some moment of the two years, in office hours, at least `margin` seconds before today; rather lately.
    pub(crate) fn some_day(&mut self, margin: i64) -> i64 {
        let days = u64::try_from((PAST - margin) / DAY).unwrap_or(1);
        let back = self.chance.below(days).min(self.chance.below(days)).min(self.chance.below(days));
        let back = i64::try_from(back).unwrap_or_default() * DAY;
        TODAY - margin - back + self.minutes(8 * 60)
    }

    /// Up to `most` minutes, in seconds.
    pub(crate) fn minutes(&mut self, most: u64) -> i64 {
        i64::try_from(self.chance.below(most * 60)).unwrap_or_default()
    }

    /// A moment as `person` writes it.
    pub(crate) fn written(&mut self, person: Person, seconds: i64) -> InternalDate {
        at(seconds.min(TODAY + 8 * HOUR), person.zone_minutes)
    }

    pub(crate) fn message_id(&mut self, domain: &str) -> String {
        self.serial += 1;
        format!("<{}.{}@{domain}>", self.chance.hex(12), self.serial)
    }

    pub(crate) fn boundary(&mut self) -> String {
        format!("=_{}", self.chance.hex(16))
    }

    /// Puts a letter that came in into a folder; old ones have been read, some are flagged.
    pub(crate) fn receive(&mut self, mailbox: &str, letter: &Letter) {
        let read = TODAY - letter.date().seconds() > UNREAD_FOR || self.chance.percent(40);
        let mut flags = if read { vec![Flag::Seen] } else { Vec::new() };
        if self.chance.percent(5) {
            flags.push(Flag::Flagged);
        }
        self.receive_as(mailbox, letter, flags);
    }

    /// Puts a letter that came in into a folder, with these flags.
    pub(crate) fn receive_as(&mut self, mailbox: &str, letter: &Letter, flags: Vec<Flag>) {
        let trace = self.trace(letter.date());
        self.file(mailbox, letter, flags, trace);
    }

    /// Puts a letter of the owner's into a folder.
    pub(crate) fn keep(&mut self, mailbox: &str, letter: &Letter, flags: Vec<Flag>) {
        self.file(mailbox, letter, flags, String::new());
    }

    fn file(&mut self, mailbox: &str, letter: &Letter, flags: Vec<Flag>, trace: String) {
        let mut bytes = trace.into_bytes();
        bytes.extend(letter.to_bytes());
        self.mail.push(DemoMessage { mailbox: folder(mailbox), flags, date: letter.date(), bytes });
    }

    /// What the servers on the way wrote (RFC 5321, 4.4).
    fn trace(&mut self, date: InternalDate) -> String {
        let (host, queue) = (self.chance.below(250) + 1, self.chance.hex(10));
        format!(
            "Return-Path: <bounces+{queue}@example.net>\r\n\
             Received: from relay{host}.example.net (relay{host}.example.net [192.0.2.{host}])\r\n\
             \tby mx.example.org with ESMTPS id {queue} for <robin@example.org>;\r\n\
             \t{}\r\n",
            mail_date(date)
        )
    }
}

/// A keyword from this crate's own list.
pub(crate) fn keyword(text: &str) -> Flag {
    Flag::Keyword(
        Keyword::new(text).expect("the keywords written in this crate are atoms; tests use them all"),
    )
}
