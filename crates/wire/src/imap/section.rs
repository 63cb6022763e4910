//! Which part of a message: the text between the brackets of `BODY[...]` (RFC 9051, 9: section).

use super::error::Fault;
use super::input::Input;
use super::reply::text;
use std::borrow::Cow;
use std::num::NonZeroU32;

/// A part's number, outermost level first (RFC 9051, 9: section-part); empty for the message itself.
pub type PartNumber = Vec<NonZeroU32>;

/// How many levels a part number may have.
const MAX_PART_LEVELS: usize = 100;

/// A section of a message. The default is the whole of it, `BODY[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Section<'a> {
    /// The MIME part.
    pub part: PartNumber,
    /// What of the part; `None` for all of it.
    pub text: Option<SectionText<'a>>,
}

/// What of a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SectionText<'a> {
    /// `HEADER`: of a message or a message/rfc822 part.
    Header,
    /// `HEADER.FIELDS`: these fields only, in the header's order.
    HeaderFields(Vec<Cow<'a, [u8]>>),
    /// `HEADER.FIELDS.NOT`: all fields but these.
    HeaderFieldsNot(Vec<Cow<'a, [u8]>>),
    /// `TEXT`: the body of a message or a message/rfc822 part.
    Text,
    /// `MIME`: the header of a part that is not the message itself.
    Mime,
}

impl<'a> Section<'a> {
    /// Reads `[...]`, brackets included.
    pub(crate) fn read(input: &mut Input<'a>) -> Result<Self, Fault> {
        input.expect(b'[', "Expected '['")?;
        let part = part_number(input)?;
        let wants_text = part.is_empty() || input.take(b'.');
        let text = if input.peek() == Some(b']') && part.is_empty() {
            None
        } else if wants_text {
            Some(SectionText::read(input, &part)?)
        } else {
            None
        };
        input.expect(b']', "Expected ']'")?;
        Ok(Self { part, text })
    }

    /// Writes `[...]`, brackets included.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        write_number(out, &self.part);
        if let Some(what) = &self.text {
            out.extend_from_slice(if self.part.is_empty() { b"" } else { b"." });
            what.write(out);
        }
        out.push(b']');
    }

    /// The same section, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Section<'static> {
        Section { part: self.part, text: self.text.map(SectionText::into_owned) }
    }
}

/// Reads `"[" [section-part] "]"`: section-binary.
pub(super) fn read_part(input: &mut Input<'_>) -> Result<PartNumber, Fault> {
    input.expect(b'[', "Expected '['")?;
    let part = part_number(input)?;
    input.expect(b']', "Expected a part number and ']': BINARY has no HEADER, TEXT or MIME")?;
    Ok(part)
}

/// Writes the same.
pub(super) fn write_part(out: &mut Vec<u8>, part: &[NonZeroU32]) {
    out.push(b'[');
    write_number(out, part);
    out.push(b']');
}

fn write_number(out: &mut Vec<u8>, part: &[NonZeroU32]) {
    for (level, number) in part.iter().enumerate() {
        out.extend_from_slice(if level == 0 { b"" } else { b"." });
        text::number(out, u64::from(number.get()));
    }
}

fn part_number(input: &mut Input<'_>) -> Result<PartNumber, Fault> {
    let mut part = Vec::new();
    let mut probe = input.clone();
    while probe.peek().is_some_and(|octet| octet.is_ascii_digit()) {
        let number = probe.digits().and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new);
        part.push(number.ok_or_else(|| input.fault("A part number counts from 1 to 4294967295"))?);
        if part.len() > MAX_PART_LEVELS {
            return Err(input.limit("This part number has too many levels"));
        }
        *input = probe.clone();
        if !probe.take(b'.') {
            break;
        }
    }
    Ok(part)
}

impl<'a> SectionText<'a> {
    fn read(input: &mut Input<'a>, part: &[NonZeroU32]) -> Result<Self, Fault> {
        if input.keyword("HEADER.FIELDS.NOT") {
            return field_names(input).map(Self::HeaderFieldsNot);
        }
        if input.keyword("HEADER.FIELDS") {
            return field_names(input).map(Self::HeaderFields);
        }
        if input.keyword("HEADER") {
            return Ok(Self::Header);
        }
        if input.keyword("TEXT") {
            return Ok(Self::Text);
        }
        // RFC 9051, 6.4.5.1: MIME must be prefixed by a part number.
        if !part.is_empty() && input.keyword("MIME") {
            return Ok(Self::Mime);
        }
        Err(input
            .fault("Expected HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, a part number or PART.MIME"))
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Header => out.extend_from_slice(b"HEADER"),
            Self::Text => out.extend_from_slice(b"TEXT"),
            Self::Mime => out.extend_from_slice(b"MIME"),
            Self::HeaderFields(names) => write_field_names(out, b"HEADER.FIELDS (", names),
            Self::HeaderFieldsNot(names) => write_field_names(out, b"HEADER.FIELDS.NOT (", names),
        }
    }

    fn into_owned(self) -> SectionText<'static> {
        let own = |names: Vec<Cow<'a, [u8]>>| names.into_iter().map(|n| Cow::Owned(n.into_owned())).collect();
        match self {
            Self::Header => SectionText::Header,
            Self::Text => SectionText::Text,
            Self::Mime => SectionText::Mime,
            Self::HeaderFields(names) => SectionText::HeaderFields(own(names)),
            Self::HeaderFieldsNot(names) => SectionText::HeaderFieldsNot(own(names)),
        }
    }
}

fn field_names<'a>(input: &mut Input<'a>) -> Result<Vec<Cow<'a, [u8]>>, Fault> {
    input.space()?;
    input.filled_list("Expected a list of header field names", |input| {
        input.astring("Expected a header field name")
    })
}

fn write_field_names(out: &mut Vec<u8>, start: &[u8], names: &[Cow<'_, [u8]>]) {
    out.extend_from_slice(start);
    for (i, name) in names.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"" } else { b" " });
        text::astring(out, name);
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Option<Section<'_>> {
        let mut input = Input::new(text.as_bytes());
        Section::read(&mut input).ok().filter(|_| input.is_done())
    }

    #[test]
    fn sections_are_written_as_they_were_read() {
        for text in [
            "[]",
            "[TEXT]",
            "[HEADER]",
            "[1]",
            "[1.2.4294967295]",
            "[1.MIME]",
            "[4.2.HEADER.FIELDS (Subject \"a b\")]",
            "[HEADER.FIELDS.NOT (\"\")]",
        ] {
            let mut out = Vec::new();
            section(text).unwrap().write(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_section_is_refused() {
        for text in [
            "[",
            "[MIME]",
            "[0]",
            "[1.]",
            "[1.0]",
            "[.1]",
            "[1TEXT]",
            "[HEADER.FIELDS]",
            "[HEADER.FIELDS ()]",
            "[TEXTS]",
            "[4294967296]",
            "[1 ]",
        ] {
            assert_eq!(section(text), None, "{text}");
        }
        assert_eq!(section(&format!("[{}1]", "1.".repeat(MAX_PART_LEVELS))), None);
    }
}
