//! Every conversation in `transcripts/`, with the machine alone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod machine;

use machine::Machine;
use sasl::{Abilities, BearerHint, Policy};
use session::{Rules, Unasked};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use transcript::Transcript;

/// What came of a file: nothing, or a complaint that an editor can jump to.
fn complaint(path: &Path, mut machine: Machine) -> Option<String> {
    let text = fs::read_to_string(path).unwrap();
    let transcript = match Transcript::parse(&text) {
        Ok(transcript) => transcript,
        Err(why) => return Some(format!("{}: {why}", path.display())),
    };
    let played = transcript::run(&transcript, &mut machine);
    played.err().map(|failure| format!("{}: {failure}", path.display()))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../transcripts")
}

fn conversations() -> Vec<PathBuf> {
    let mut paths = conversations_in(&[folder(), folder().join("lmtp")]);
    paths.extend(conversations_of_settings());
    paths.extend(conversations_with_tokens());
    paths.extend(conversations_with_certificates());
    paths
}

/// Those that a setting makes possible.
fn conversations_of_settings() -> Vec<PathBuf> {
    conversations_in(&[folder().join("settings")])
}

/// Those with somebody at the door who knows tokens.
fn conversations_with_tokens() -> Vec<PathBuf> {
    conversations_in(&[folder().join("tokens")])
}

/// Those with a client that has shown a certificate.
fn conversations_with_certificates() -> Vec<PathBuf> {
    conversations_in(&[folder().join("certificates")])
}

fn conversations_in(folders: &[PathBuf]) -> Vec<PathBuf> {
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "imap" || e == "lmtp"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

#[test]
fn every_conversation_comes_out_word_for_word() {
    hold(&conversations_in(&[folder(), folder().join("lmtp")]), Machine::new);
    let rules = Rules { unasked: Unasked::Any, ..Rules::default() };
    hold(&conversations_of_settings(), || Machine::for_old_clients(rules));
    hold(&conversations_with_tokens(), || Machine::with(knows_tokens()));
    hold(&conversations_with_certificates(), Machine::certified);
}

fn knows_tokens() -> Policy {
    let hint = BearerHint { scope: Some("mail".into()), openid_configuration: None };
    let abilities = Abilities { bearer: Some(Arc::new(hint)), ..Abilities::default() };
    Policy { abilities, ..Policy::default() }
}

fn hold(paths: &[PathBuf], machine: impl Fn() -> Machine) {
    let complaints: Vec<_> = paths.iter().filter_map(|path| complaint(path, machine())).collect();
    assert!(complaints.is_empty(), "{} of {}\n{}", complaints.len(), paths.len(), complaints.join("\n"));
}

#[test]
fn every_conversation_stands_in_the_readme_under_what_it_shows() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let is_listed = |path: &PathBuf| readme.contains(&format!("`{}`", path.file_stem().unwrap().display()));
    let unlisted: Vec<_> = conversations().into_iter().filter(|path| !is_listed(path)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}
