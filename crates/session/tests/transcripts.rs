//! Every conversation in `transcripts/`, with the machine alone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod machine;

use machine::Machine;
use std::fs;
use std::path::Path;
use transcript::Transcript;

/// What came of a file: nothing, or a complaint that an editor can jump to.
fn complaint(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).unwrap();
    let transcript = match Transcript::parse(&text) {
        Ok(transcript) => transcript,
        Err(why) => return Some(format!("{}: {why}", path.display())),
    };
    let failure = transcript::run(&transcript, &mut Machine::new()).err()?;
    Some(format!("{}: {failure}", path.display()))
}

#[test]
fn every_conversation_comes_out_word_for_word() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../transcripts");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "imap"));
    paths.sort();
    assert!(!paths.is_empty());
    let complaints: Vec<_> = paths.iter().filter_map(|path| complaint(path)).collect();
    assert!(complaints.is_empty(), "{} of {}\n{}", complaints.len(), paths.len(), complaints.join("\n"));
}
