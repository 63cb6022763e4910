//! Mail to fill a store with: every message another, from its number.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use testkit::dice::Dice;

/// Octets of a small message's body, about.
pub(crate) const SMALL: usize = 160;
/// Octets of a message's body where the store is to be large: what mail has on an average.
pub(crate) const MEAN: usize = 15_000;
const LINE: usize = 72;

/// An mbox file of messages `first` and up.
pub(crate) fn write_mbox(file: &Path, first: u64, count: u64, octets: usize) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file).unwrap());
    for number in first..first + count {
        out.write_all(b"From sender@example.net Thu Jan  1 00:00:00 2026\n").unwrap();
        let message = message(number, octets);
        out.write_all(&message).unwrap();
        out.write_all(b"\n").unwrap();
    }
    out.flush().unwrap();
}

/// A message whose octets do not compress, as most of those that are large do not. Its lines end in LF.
pub(crate) fn message(number: u64, octets: usize) -> Vec<u8> {
    let mut message = format!(
        "From: Sender {} <sender@example.net>\nTo: ann@example.org\nSubject: Number {number} of many\n\
         Date: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <{number}.big@example.net>\n\
         Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n",
        number % 1_000
    )
    .into_bytes();
    let noise = Dice::new(number).octets(octets);
    for line in noise.chunks(LINE) {
        // Nothing below a digit: neither a line end nor a mark that mbox would quote.
        message.extend(line.iter().map(|octet| octet.max(&b'0')));
        message.push(b'\n');
    }
    message
}
