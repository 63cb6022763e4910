//! Previews of all the mail that there is.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and says what it counted"
)]

mod corpus;

use corpus::{REAL_SETS, folder, real, torture};
use message::parse;

/// RFC 8970, 3.3: no more than 256 characters; and nothing that would not be one line.
fn check(name: &str, message: &[u8]) -> String {
    let preview = parse(message).preview;
    assert!(preview.chars().count() <= 256, "{name}: {preview}");
    assert!(!preview.contains(char::is_control) && !preview.contains("  "), "{name}: {preview:?}");
    assert_eq!(preview, preview.trim(), "{name}");
    preview
}

#[test]
fn every_message_has_a_preview_that_is_one_short_line() {
    torture().iter().for_each(|(name, message)| drop(check(name, message)));
}

#[test]
fn hardly_any_real_message_says_nothing() {
    let (mut messages, mut silent) = (0, 0);
    for set in REAL_SETS {
        for message in real(set) {
            messages += 1;
            silent += usize::from(check(set, &message).is_empty());
        }
    }
    println!("{silent} of {messages} messages say nothing");
    assert!(silent * 100 <= messages, "{silent} of {messages}");
    assert!(folder("real").is_none() || messages > 5_000);
}
