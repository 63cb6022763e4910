//! What a part says about itself: the Content-* fields (RFC 2045 to 2047, 2183, 2231, 3282, 2557).

use crate::charset::Charset;
use crate::header;
use crate::lexer::Lexer;
use crate::limits::MAX_PARAMETERS;
use crate::part::Encoding;
use std::borrow::Cow;

/// A parameter of a Content-Type or Content-Disposition field: name and value.
pub type Parameter = (Box<[u8]>, Box<[u8]>);

/// A type with its parameters: `text/plain; charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// The type, as written.
    pub kind: Box<[u8]>,
    /// The subtype, as written.
    pub subtype: Box<[u8]>,
    /// The parameters, continuations joined (RFC 2231).
    pub parameters: Vec<Parameter>,
}

/// A Content-Disposition (RFC 2183).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// `attachment`, `inline` or what the sender thought of.
    pub kind: Box<[u8]>,
    /// The parameters, continuations joined.
    pub parameters: Vec<Parameter>,
}

/// The Content-* fields of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Content-Type, or the default for the place (RFC 2045, 5.2; RFC 2046, 5.1.5).
    pub media_type: MediaType,
    /// Content-ID.
    pub id: Option<Box<[u8]>>,
    /// Content-Description.
    pub description: Option<Box<[u8]>>,
    /// Content-Transfer-Encoding; what has none that can be read is 7BIT (RFC 2045, 6.1).
    pub encoding: Option<Box<[u8]>>,
    /// Content-MD5.
    pub md5: Option<Box<[u8]>>,
    /// Content-Disposition.
    pub disposition: Option<Disposition>,
    /// Content-Language.
    pub languages: Vec<Box<[u8]>>,
    /// Content-Location.
    pub location: Option<Box<[u8]>>,
}

/// What a part is when it does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsaid {
    /// text/plain in US-ASCII.
    Text,
    /// message/rfc822: in multipart/digest.
    Message,
}

impl MediaType {
    pub(crate) fn of(kind: &str, subtype: &str) -> Self {
        Self { kind: octets(kind), subtype: octets(subtype), parameters: Vec::new() }
    }

    /// What can be said of anything.
    pub(crate) fn opaque() -> Self {
        Self::of("application", "octet-stream")
    }

    fn unsaid(place: Unsaid) -> Self {
        match place {
            Unsaid::Message => Self::of("message", "rfc822"),
            // RFC 2045, 5.2 gives the default with its charset.
            Unsaid::Text => Self {
                parameters: vec![(octets("charset"), octets("us-ascii"))],
                ..Self::of("text", "plain")
            },
        }
    }

    /// `None` when it cannot be read as a type: "it is suggested to treat it as text/plain" (RFC 2045, 5.2).
    fn parse(value: &[u8]) -> Option<Self> {
        let mut lexer = Lexer::new(value);
        let kind = word(&mut lexer)?;
        lexer.eat(b'/').then_some(())?;
        let subtype = word(&mut lexer)?;
        Some(Self { kind, subtype, parameters: parameters(&mut lexer) })
    }

    /// Whether it is `kind/subtype`, letter case aside.
    pub(crate) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.is_a(kind) && self.subtype.eq_ignore_ascii_case(subtype.as_bytes())
    }

    /// Whether it is of this kind, letter case aside.
    pub(crate) fn is_a(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
    }

    /// A parameter's value.
    pub(crate) fn parameter(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.parameters.iter().filter(|(one, _)| one.eq_ignore_ascii_case(name.as_bytes()));
        found.next().map(|(_, value)| value.as_ref())
    }
}

impl Description {
    /// Of a part about which nothing more is known.
    pub(crate) fn bare(media_type: MediaType) -> Self {
        Self {
            media_type,
            id: None,
            description: None,
            encoding: None,
            md5: None,
            disposition: None,
            languages: Vec::new(),
            location: None,
        }
    }

    /// Reads a header block. Of a repeated field the first counts.
    pub(crate) fn parse(block: &[u8], place: Unsaid) -> Self {
        let mut found = Self::bare(MediaType::unsaid(place));
        let mut typed = Seen::Not;
        for field in header::fields(block) {
            let is_content = field.name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
            if is_content {
                found.take(field, &mut typed);
            }
        }
        found
    }

    fn take(&mut self, field: header::Field<'_>, typed: &mut Seen) {
        let name = field.name.get(8..).unwrap_or_default().to_ascii_lowercase();
        match name.as_slice() {
            b"type" => self.take_type(field.value, typed),
            b"id" => first(&mut self.id, || text(field.value)),
            b"description" => first(&mut self.description, || text(field.value)),
            b"transfer-encoding" => first(&mut self.encoding, || encoding(field.value)),
            b"md5" => first(&mut self.md5, || text(field.value)),
            b"disposition" => first(&mut self.disposition, || disposition(field.value)),
            b"language" if self.languages.is_empty() => self.languages = languages(field.value),
            b"location" => first(&mut self.location, || text(field.value)),
            _ => {}
        }
    }

    fn take_type(&mut self, value: &[u8], typed: &mut Seen) {
        if *typed == Seen::Not {
            *typed = Seen::Yes;
            self.media_type = MediaType::parse(value).unwrap_or_else(|| MediaType::unsaid(Unsaid::Text));
        }
    }

    /// How the body can be read.
    pub(crate) fn transfer_encoding(&self) -> Encoding {
        let name = self.encoding.as_deref().unwrap_or(b"7bit");
        match name.to_ascii_lowercase().as_slice() {
            b"7bit" | b"8bit" | b"binary" => Encoding::Identity,
            b"base64" => Encoding::Base64,
            b"quoted-printable" => Encoding::QuotedPrintable,
            _ => Encoding::Unknown,
        }
    }

    /// The charset of its text.
    pub(crate) fn charset(&self) -> Charset {
        let media_type = &self.media_type;
        // RFC 2231, 4: charset'language'value. A charset's own name needs no percent-encoding.
        let extended = || media_type.parameter("charset*")?.rsplit(|octet| *octet == b'\'').next();
        media_type.parameter("charset").or_else(extended).map_or(Charset::default(), Charset::named)
    }

    /// About how many octets it takes on the wire.
    pub(crate) fn cost(&self) -> usize {
        let parameters = |list: &[Parameter]| {
            list.iter().map(|(name, value)| name.len() + value.len() + 16).sum::<usize>()
        };
        let one = |value: &Option<Box<[u8]>>| value.as_ref().map_or(0, |value| value.len() + 12);
        let disposed = |one: &Disposition| one.kind.len() + parameters(&one.parameters);
        let fields = [&self.id, &self.description, &self.encoding, &self.md5, &self.location].map(one);
        let typed = self.media_type.kind.len() + self.media_type.subtype.len();
        typed
            + parameters(&self.media_type.parameters)
            + fields.iter().sum::<usize>()
            + self.disposition.as_ref().map_or(0, disposed)
            + self.languages.iter().map(|one| one.len() + 12).sum::<usize>()
    }
}

/// Whether a Content-Type came by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    Yes,
}

fn octets(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

fn first<T>(place: &mut Option<T>, value: impl FnOnce() -> Option<T>) {
    if place.is_none() {
        *place = value();
    }
}

/// An unstructured value; nothing for an empty one.
fn text(value: &[u8]) -> Option<Box<[u8]>> {
    let text = header::unfold(value);
    (!text.is_empty()).then(|| text.as_ref().into())
}

/// A token with blanks and comments around it.
fn word(lexer: &mut Lexer<'_>) -> Option<Box<[u8]>> {
    lexer.skip_blanks();
    let token = lexer.token();
    lexer.skip_blanks();
    (!token.is_empty()).then(|| token.into())
}

/// "8 bit" is no encoding; "base64;" is meant to be one.
fn encoding(value: &[u8]) -> Option<Box<[u8]>> {
    let mut lexer = Lexer::new(value);
    word(&mut lexer).filter(|_| matches!(lexer.peek(), None | Some(b';')))
}

fn disposition(value: &[u8]) -> Option<Disposition> {
    let mut lexer = Lexer::new(value);
    let kind = word(&mut lexer)?;
    Some(Disposition { kind, parameters: parameters(&mut lexer) })
}

fn languages(value: &[u8]) -> Vec<Box<[u8]>> {
    let mut lexer = Lexer::new(value);
    let mut found = Vec::new();
    while found.len() < MAX_PARAMETERS && !lexer.rest().is_empty() {
        found.extend(word(&mut lexer));
        lexer.take_while(|octet| octet != b',');
        lexer.skip(1);
    }
    found
}

fn parameters(lexer: &mut Lexer<'_>) -> Vec<Parameter> {
    let mut found = Vec::new();
    while found.len() < MAX_PARAMETERS {
        lexer.take_while(|octet| octet != b';');
        if !lexer.eat(b';') {
            break;
        }
        found.extend(parameter(lexer));
    }
    continuations::join(found)
}

fn parameter(lexer: &mut Lexer<'_>) -> Option<Parameter> {
    let name = word(lexer)?;
    lexer.eat(b'=').then_some(())?;
    lexer.skip_blanks();
    let value = match lexer.peek() {
        Some(b'"') => lexer.quoted(),
        // Real senders write blanks, slashes and brackets without quotes.
        _ => Cow::Borrowed(lexer.take_while(|octet| octet != b';' && octet != b'\n').trim_ascii()),
    };
    Some((name, value.as_ref().into()))
}

/// Parameter continuations (RFC 2231, 3 and 4.1).
mod continuations {
    use super::Parameter;

    /// `name*2*`: the third piece of `name`, percent-encoded.
    struct Piece {
        name: Vec<u8>,
        number: usize,
        form: Form,
        value: Box<[u8]>,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Form {
        Plain,
        Encoded,
    }

    /// Joins what is continued; a series with a gap or a double is left as it was sent.
    ///
    /// The number of parameters is limited, so comparing each with each is cheap.
    pub(super) fn join(sent: Vec<Parameter>) -> Vec<Parameter> {
        let pieces: Vec<Option<Piece>> = sent.iter().map(piece).collect();
        let mut out: Vec<Parameter> = Vec::with_capacity(sent.len());
        let mut joined: Vec<Vec<u8>> = Vec::new();
        for (parameter, piece) in sent.into_iter().zip(&pieces) {
            let Some(piece) = piece else {
                out.push(parameter);
                continue;
            };
            if joined.contains(&piece.name) {
                continue;
            }
            let whole = whole(&piece.name, &pieces);
            joined.extend(whole.is_some().then(|| piece.name.clone()));
            out.push(whole.unwrap_or(parameter));
        }
        out
    }

    fn piece((name, value): &Parameter) -> Option<Piece> {
        let (rest, form) = match name.strip_suffix(b"*") {
            Some(rest) => (rest, Form::Encoded),
            None => (name.as_ref(), Form::Plain),
        };
        let star = rest.iter().rposition(|octet| *octet == b'*')?;
        let (name, digits) = (rest.get(..star)?, rest.get(star + 1..)?);
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Some(Piece { name: name.to_ascii_lowercase(), number, form, value: value.clone() })
    }

    /// All pieces of a name in order, if they are 0, 1, 2, ... without a double.
    fn whole(name: &[u8], pieces: &[Option<Piece>]) -> Option<Parameter> {
        let mut series: Vec<&Piece> = pieces.iter().flatten().filter(|piece| piece.name == name).collect();
        series.sort_by_key(|piece| piece.number);
        series.iter().enumerate().all(|(number, piece)| piece.number == number).then_some(())?;
        let form = series.first()?.form;
        let value = series.iter().flat_map(|piece| spelled(piece, form)).collect();
        let star: &[u8] = if form == Form::Encoded { b"*" } else { b"" };
        Some(([name, star].concat().into(), value))
    }

    /// In a series that is percent-encoded, a plain piece must not be taken for encoded.
    fn spelled(piece: &Piece, series: Form) -> Vec<u8> {
        if series == Form::Plain || piece.form == Form::Encoded {
            return piece.value.to_vec();
        }
        let safe = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_');
        let spell = |octet: &u8| match *octet {
            octet if safe(octet) => vec![octet],
            octet => format!("%{octet:02X}").into_bytes(),
        };
        piece.value.iter().flat_map(spell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        let block = format!("Content-Type: {value}\r\n\r\n");
        let media_type = Description::parse(block.as_bytes(), Unsaid::Text).media_type;
        let show = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let mut shown = format!("{}/{}", show(&media_type.kind), show(&media_type.subtype));
        for (name, value) in &media_type.parameters {
            shown += &format!("; {}={}", show(name), show(value));
        }
        assert_eq!(shown, expected);
    }

    #[test]
    fn parameters_may_be_quoted_commented_and_folded() {
        check(
            "text/plain (why); charset=\"utf-8\" ;\r\n format = flowed",
            "text/plain; charset=utf-8; format=flowed",
        );
    }

    #[test]
    fn what_is_no_type_is_plain_text() {
        check("text", "text/plain; charset=us-ascii");
        check("", "text/plain; charset=us-ascii");
    }

    #[test]
    fn continuations_are_joined_in_their_order() {
        check("a/b; name*1=\"c d\"; name*0=ab; x=y", "a/b; name=abc d; x=y");
        check("a/b; name*0*=utf-8''%C3; name*1*=%BC; name*2=\"z %\"", "a/b; name*=utf-8''%C3%BCz%20%25");
    }

    #[test]
    fn a_broken_series_is_left_as_it_was_sent() {
        check("a/b; name*0=a; name*2=c", "a/b; name*0=a; name*2=c");
        check("a/b; name*0=a; name*0=c", "a/b; name*0=a; name*0=c");
    }

    #[test]
    fn parameters_behind_the_hundredth_are_not_read() {
        let value: String = (0..100_000).map(|n| format!("; p*{n}=x")).collect();
        let block = format!("Content-Type: a/b{value}\r\n");
        let found = Description::parse(block.as_bytes(), Unsaid::Text).media_type.parameters;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.len(), MAX_PARAMETERS);
    }

    #[test]
    fn an_unreadable_encoding_is_7bit() {
        let found = Description::parse(b"Content-Transfer-Encoding: ?invalid\r\n", Unsaid::Text);
        assert_eq!((found.transfer_encoding(), found.encoding), (Encoding::Identity, None));
    }
}
