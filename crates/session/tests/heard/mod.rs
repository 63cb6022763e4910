//! What the server says, read by the letter of the standards, and by `imap-codec`, which forgives nothing here.

mod grammar;

use grammar::{Charset, read_response};
use imap_codec::decode::Decoder as _;
use imap_codec::{GreetingCodec, ResponseCodec};

/// Responses that `imap-codec` does not know, by how they begin. `grammar` knows all.
const UNKNOWN: [(&[u8], &str); 3] = [
    (b"* XLIST ", "not an RFC's"),
    (b"* ESEARCH ", "RFC 4731"),
    (b"+ \r\n", "an empty challenge: a quirk to it, base64 to RFC 9051"),
];

/// Responses whose names it does not read in UTF-8 (RFC 9755, 3).
const UTF8_NAMES: [&str; 4] = ["* LIST (", "* LSUB (", "* STATUS ", "* QUOTAROOT "];

/// Items that it does not know, of a response that it knows without them.
const UNKNOWN_ITEMS: [(&str, &str, &str); 9] = [
    (" FETCH (", "EMAILID (", "RFC 8474"),
    (" FETCH (", "THREADID (", "RFC 8474"),
    (" FETCH (", "SAVEDATE ", "RFC 8514"),
    (" FETCH (", "PREVIEW ", "RFC 8970"),
    (" STATUS ", "MAILBOXID (", "RFC 8474"),
    (" STATUS ", "APPENDLIMIT ", "RFC 7889"),
    (" LIST (", "(\"CHILDINFO\" (", "RFC 5258"),
    (" LIST (", "(\"OLDNAME\" (", "RFC 9051"),
    (" FETCH (", "\"message\" \"global\"", "RFC 9051: with an envelope"),
];

/// Hears one connection, from its greeting on.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    charset: Charset,
}

#[allow(dead_code, reason = "not every test that shares this file asks")]
impl Listener {
    /// What is said from the greeting on: how many responses, or the first that cannot be read.
    pub(crate) fn conversation(&mut self, said: &[u8]) -> Result<usize, String> {
        if said.is_empty() {
            return Ok(0); // and nobody listened
        }
        let greeting = said.split_at(said.len() - behind_response(said).len()).0;
        match GreetingCodec::default().decode(greeting) {
            Ok(_) => self.responses(said),
            Err(why) => Err(complaint(said, &why)),
        }
    }

    /// The same behind the greeting.
    pub(crate) fn responses(&mut self, said: &[u8]) -> Result<usize, String> {
        let (mut rest, mut read) = (said, 0);
        while !rest.is_empty() {
            let (response, behind) = rest.split_at(rest.len() - behind_response(rest).len());
            self.response(response)?;
            (rest, read) = (behind, read + 1);
        }
        Ok(read)
    }

    /// Twice: by the letter, and by another implementation where it knows the response.
    fn response(&mut self, response: &[u8]) -> Result<(), String> {
        read_response(response, self.charset).map_err(|bad| {
            let from = response.get(bad.at..).unwrap_or_default();
            complaint(response, &format!("wanted {:?} at {}", bad.wanted, from.escape_ascii()))
        })?;
        // RFC 9755, 3; RFC 9051, 5.1.
        let enables = |name: &[u8]| response.split(u8::is_ascii_whitespace).any(|word| word == name);
        if response.starts_with(b"* ENABLED ") && (enables(b"UTF8=ACCEPT") || enables(b"IMAP4rev2")) {
            self.charset = Charset::Utf8;
        }
        let plain = with_numbers(response);
        match ResponseCodec::default().decode(&plain) {
            Ok(([], _)) => Ok(()),
            Ok((rest, _)) => Err(complaint(response, &format!("{} is left", rest.escape_ascii()))),
            Err(_) if is_unknown(&plain) => Ok(()),
            Err(why) => Err(complaint(response, &why)),
        }
    }
}

/// UIDFETCH as FETCH: RFC 9586 gives them the same items.
fn with_numbers(said: &[u8]) -> Vec<u8> {
    const UIDFETCH: &[u8] = b" UIDFETCH (";
    let mut plain = Vec::with_capacity(said.len());
    let mut rest = said;
    while let Some(at) = rest.windows(UIDFETCH.len()).position(|octets| octets == UIDFETCH) {
        let (before, behind) = rest.split_at(at);
        plain.extend_from_slice(before);
        plain.extend_from_slice(b" FETCH (");
        rest = behind.strip_prefix(UIDFETCH).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

fn is_unknown(response: &[u8]) -> bool {
    let whole = response.len() - behind_response(response).len();
    let line = String::from_utf8_lossy(response.get(..whole).unwrap_or_default());
    let has = |(kind, item, _): &(&str, &str, &str)| line.contains(kind) && line.contains(item);
    let has_utf8_name = UTF8_NAMES.iter().any(|begin| line.starts_with(begin)) && !line.is_ascii();
    has_utf8_name
        || UNKNOWN.iter().any(|(begin, _)| response.starts_with(begin))
        || (line.starts_with("* ") && (UNKNOWN_ITEMS.iter().any(has) || has_binary_origin(&line)))
}

/// `BINARY[1]<0>`, as erratum 8217 of RFC 3516 has it.
fn has_binary_origin(line: &str) -> bool {
    let mut behind = line.split("BINARY[").skip(1).filter_map(|part| part.split_once(']'));
    behind.any(|(_, behind)| behind.starts_with('<'))
}

/// What comes behind the response at the front: a line, and further ones as long as literals join them.
fn behind_response(text: &[u8]) -> &[u8] {
    let Some(end) = text.windows(2).position(|octets| octets == b"\r\n") else { return b"" };
    let (line, rest) = text.split_at(end + 2);
    let announced = line.strip_suffix(b"}\r\n").and_then(|line| line.rsplit(|&octet| octet == b'{').next());
    match announced.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok()) {
        Some(octets) => behind_response(rest.get(octets..).unwrap_or_default()),
        None => rest,
    }
}

fn complaint(text: &[u8], why: &dyn std::fmt::Debug) -> String {
    let line = text.split(|&octet| octet == b'\n').next().unwrap_or_default();
    format!("{why:?} at {}", line.escape_ascii())
}
