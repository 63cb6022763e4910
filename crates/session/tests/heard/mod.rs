//! What the server says, read by `imap-codec`, which forgives nothing here.

use imap_codec::decode::{Decoder as _, GreetingDecodeError, ResponseDecodeError};
use imap_codec::{GreetingCodec, ResponseCodec};

/// Responses that `imap-codec` does not know, by how they begin.
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

/// The first response that cannot be read, and how many could. What is said may be cut off at its end.
#[allow(dead_code, reason = "not every test that shares this file asks")]
pub(crate) fn read_conversation(said: &[u8]) -> Result<usize, String> {
    match GreetingCodec::default().decode(said) {
        Ok((rest, _)) => read_responses(rest).map(|read| read + 1),
        // The runner stops listening where its file ends.
        Err(GreetingDecodeError::Incomplete) => Ok(0),
        Err(why) => Err(complaint(said, &why)),
    }
}

/// The same behind the greeting.
pub(crate) fn read_responses(said: &[u8]) -> Result<usize, String> {
    let plain = with_numbers(said);
    let (mut rest, mut read) = (&plain[..], 0);
    while !rest.is_empty() {
        rest = match ResponseCodec::default().decode(rest) {
            Ok((behind, _)) => behind,
            Err(ResponseDecodeError::Incomplete | ResponseDecodeError::LiteralFound { .. }) => {
                return Ok(read);
            }
            Err(_) if is_unknown(rest) => behind_response(rest),
            Err(why) => return Err(complaint(rest, &why)),
        };
        read += 1;
    }
    Ok(read)
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
