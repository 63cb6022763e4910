//! MIME parts.

use crate::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A part: its header lines, and its body in transfer encoding. Lines end in CRLF.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    header: Vec<String>,
    body: Vec<u8>,
}

/// A content transfer encoding (RFC 2045, 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    SevenBit,
    EightBit,
    QuotedPrintable,
    Base64,
}

impl Transfer {
    /// By its name in the texts; 7bit where there is no such.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "8bit" => Self::EightBit,
            "quoted-printable" => Self::QuotedPrintable,
            "base64" => Self::Base64,
            _ => Self::SevenBit,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    fn encode(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::SevenBit | Self::EightBit => bytes.to_vec(),
            Self::QuotedPrintable => quoted_printable(bytes),
            Self::Base64 => base64_lines(bytes),
        }
    }
}

impl Part {
    /// Text of a subtype, in a charset and a transfer encoding.
    pub(crate) fn text(subtype: &str, text: &str, charset: &str, transfer: Transfer) -> Self {
        let text = crate::with_crlf(format!("{text}\n").as_bytes());
        let text = header::encoded(&String::from_utf8_lossy(&text), charset);
        Self {
            header: vec![
                format!("Content-Type: text/{subtype}; charset={charset}"),
                format!("Content-Transfer-Encoding: {}", transfer.as_str()),
            ],
            body: transfer.encode(&text),
        }
    }

    /// Plain text in the simplest form that holds it.
    pub(crate) fn plain(text: &str) -> Self {
        match text.is_ascii() {
            true => Self::text("plain", text, "us-ascii", Transfer::SevenBit),
            false => Self::text("plain", text, "utf-8", Transfer::QuotedPrintable),
        }
    }

    /// Paragraphs that flow (RFC 3676).
    pub(crate) fn flowed(text: &str) -> Self {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            lines.push(flow(paragraph));
        }
        let part = Self::text("plain", &lines.join("\n"), "utf-8", Transfer::EightBit);
        part.with_type("text/plain; charset=utf-8; format=flowed")
    }

    /// A file to save.
    pub(crate) fn attachment(content_type: &str, name: &str, bytes: &[u8]) -> Self {
        Self {
            header: vec![
                header::field("Content-Type", &format!("{content_type}{}", header::parameter("name", name))),
                "Content-Transfer-Encoding: base64".into(),
                header::field(
                    "Content-Disposition",
                    &format!("attachment{}", header::parameter("filename", name)),
                ),
            ],
            body: base64_lines(bytes),
        }
    }

    /// An image that HTML refers to by `cid:`.
    pub(crate) fn inline_image(id: &str, bytes: &[u8]) -> Self {
        Self {
            header: vec![
                "Content-Type: image/png".into(),
                "Content-Transfer-Encoding: base64".into(),
                format!("Content-ID: <{id}>"),
                "Content-Disposition: inline".into(),
            ],
            body: base64_lines(bytes),
        }
    }

    /// A whole message; one that is not ASCII may have an address that RFC 822 knows nothing of (RFC 6532, 3.7).
    pub(crate) fn message(bytes: &[u8]) -> Self {
        let subtype = if bytes.is_ascii() { "rfc822" } else { "global" };
        Self { header: vec![format!("Content-Type: message/{subtype}")], body: bytes.to_vec() }
    }

    /// Lines of ASCII of any type.
    pub(crate) fn lines(content_type: &str, text: &str) -> Self {
        Self {
            header: vec![header::field("Content-Type", content_type)],
            body: crate::with_crlf(text.as_bytes()),
        }
    }

    /// Several parts. `kind` is the subtype, with parameters if need be; `boundary` occurs in none of the parts.
    pub(crate) fn multipart(kind: &str, boundary: &str, parts: &[Self]) -> Self {
        let content_type = format!("multipart/{kind}; boundary=\"{boundary}\"");
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            part.write(&mut body);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self { header: vec![header::field("Content-Type", &content_type)], body }
    }

    fn with_type(mut self, content_type: &str) -> Self {
        self.header.retain(|line| !line.starts_with("Content-Type:"));
        self.header.insert(0, header::field("Content-Type", content_type));
        self
    }

    /// Header, empty line, body.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for line in &self.header {
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }
}

/// Breaks a paragraph into lines that end in a space (RFC 3676, 4.2); quotes keep their mark.
fn flow(paragraph: &str) -> String {
    let (mark, text) = match paragraph.strip_prefix("> ") {
        Some(text) => ("> ", text),
        None => ("", paragraph),
    };
    let mut lines = vec![mark.to_string()];
    for word in text.split_inclusive(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() <= 72 => line.push_str(word),
            _ => lines.push(format!("{mark}{word}")),
        }
    }
    lines.join("\n")
}

fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(bytes);
    let mut out = Vec::with_capacity(text.len() + text.len() / 38);
    for line in text.as_bytes().chunks(76) {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// RFC 2045, 6.7, for text whose lines end in CRLF.
fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split_inclusive(|&b| b == b'\n') {
        let (line, end) = match line.strip_suffix(b"\r\n") {
            Some(line) => (line, b"\r\n".as_slice()),
            None => (line, b"".as_slice()),
        };
        push_quoted_line(&mut out, line);
        out.extend_from_slice(end);
    }
    out
}

fn push_quoted_line(out: &mut Vec<u8>, line: &[u8]) {
    let mut width = 0;
    for (i, &b) in line.iter().enumerate() {
        let last = i + 1 == line.len();
        let plain = (b.is_ascii_graphic() && b != b'=') || (b == b' ' && !last);
        let token = if plain { char::from(b).to_string() } else { format!("={b:02X}") };
        // 76 with the `=` of a soft line break.
        if width + token.len() > 75 {
            out.extend_from_slice(b"=\r\n");
            width = 0;
        }
        width += token.len();
        out.extend_from_slice(token.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_lines_are_short_and_end_in_no_space() {
        let text = format!("{}\r\nends in a space \r\n", "é=".repeat(60));
        let quoted = String::from_utf8(quoted_printable(text.as_bytes())).unwrap();
        assert!(quoted.split("\r\n").all(|line| line.len() <= 76 && !line.ends_with(' ')), "{quoted}");
        assert!(quoted.ends_with("ends in a space=20\r\n"));
    }

    #[test]
    fn flowed_lines_break_behind_a_space() {
        let flowed = flow(&format!("> {}", "word ".repeat(40)));
        assert!(flowed.lines().all(|line| line.len() <= 72 && line.starts_with("> ") && line.ends_with(' ')));
    }
}
