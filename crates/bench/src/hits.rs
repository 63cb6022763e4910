//! What a search finds.

use crate::client::{Said, Session, number, numbers, split};
use crate::trouble::Trouble;

/// Hits that are taken, at most.
const MOST: usize = 10_000_000;

/// Runs a search; its hits in ascending order.
pub(crate) async fn hits(session: &mut Session, command: &str) -> Result<Vec<u32>, Trouble> {
    let mut found = None;
    session
        .run(command, |said| {
            match said {
                Said::Search(words) => found = Some(words_of(words)?),
                Said::ESearch(text) => found = Some(set_of(text)?),
                _ => {}
            }
            Ok(())
        })
        .await?;
    let mut found = found.ok_or_else(|| Trouble::Garbled(format!("{command}: nothing is said of it")))?;
    found.sort_unstable();
    Ok(found)
}

/// `1 2 3`, with `(MODSEQ 7)` behind where a search asks for it (RFC 7162, 3.1.5).
fn words_of(words: &[u8]) -> Result<Vec<u32>, Trouble> {
    let words = words.split(|octet| *octet == b'(').next().unwrap_or_default();
    let words = words.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
    words.map(|word| number(word).ok_or_else(|| Trouble::garbled("no number in SEARCH", word))).collect()
}

/// `(TAG "b1") UID ALL 1:3,7`; without ALL nothing was found (RFC 4731, 3.1).
fn set_of(text: &[u8]) -> Result<Vec<u32>, Trouble> {
    let mut rest = text;
    while !rest.is_empty() {
        let (word, behind) = split(rest);
        if word.eq_ignore_ascii_case(b"ALL") {
            return numbers(split(behind).0, MOST);
        }
        rest = behind;
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        assert_eq!(words_of(b"1 2 30").unwrap(), [1, 2, 30]);
        assert_eq!(words_of(b"").unwrap(), [0_u32; 0]);
        assert_eq!(words_of(b"4 5 (MODSEQ 9)").unwrap(), [4, 5]);
        assert!(words_of(b"4 x").is_err());
        assert_eq!(set_of(b"(TAG \"b1\") UID ALL 1:3,7 MODSEQ 3").unwrap(), [1, 2, 3, 7]);
        assert_eq!(set_of(b"(TAG \"b1\") UID").unwrap(), [0_u32; 0]);
    }
}
