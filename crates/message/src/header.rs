//! A header block, field by field (RFC 5322, 2.2).
//!
//! It promises that the fields' raw octets together with the blank line are the block: nothing is lost, whatever
//! it is. A line that is no field (no colon, or a continuation of nothing) is a field without a name.

use memchr::memchr;
use std::borrow::Cow;

/// A field of a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// All of it, with its line ends.
    pub raw: &'a [u8],
    /// Its name, without the blanks that obsolete syntax allows before the colon; empty if it has none.
    pub name: &'a [u8],
    /// What is behind the colon, still folded, without the last line end.
    pub value: &'a [u8],
}

/// The fields of a block, in order, up to its blank line.
pub fn fields(block: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() || is_blank(first_line(rest)) {
            return None;
        }
        let (raw, behind) = rest.split_at_checked(field_length(rest))?;
        rest = behind;
        Some(field(raw))
    })
}

/// The blank line that ends the block; empty if it has none.
#[must_use]
pub fn blank_line(block: &[u8]) -> &[u8] {
    let fields: usize = fields(block).map(|field| field.raw.len()).sum();
    block.get(fields..).unwrap_or_default()
}

/// Without the line ends of folding (RFC 5322, 2.2.3) and the blanks around.
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let lines = value.split(|octet| *octet == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Cow::Owned(lines.flatten().copied().collect())
}

/// A line end and nothing else.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

/// The line at the front, with its line end.
pub(crate) fn first_line(bytes: &[u8]) -> &[u8] {
    let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    bytes.get(..end).unwrap_or(bytes)
}

/// The first line and those that continue it: they begin with a blank (RFC 5322, 2.2.3).
fn field_length(block: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = block.get(length..).unwrap_or_default();
        length += first_line(rest).len();
        if !matches!(block.get(length), Some(b' ' | b'\t')) {
            return length;
        }
    }
}

fn field(raw: &[u8]) -> Field<'_> {
    let line = raw.strip_suffix(b"\n").unwrap_or(raw);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let colon = memchr(b':', line).and_then(|at| line.split_at_checked(at));
    let Some((name, value)) = colon.filter(|(name, _)| !name.starts_with(b" ") && !name.starts_with(b"\t"))
    else {
        return Field { raw, name: b"", value: line };
    };
    Field { raw, name: name.trim_ascii_end(), value: value.get(1..).unwrap_or_default() }
}
