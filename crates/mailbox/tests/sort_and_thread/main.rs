//! SORT and THREAD (RFC 5256): what they answer, and what they cost.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod costs;
mod literal;
mod sort;
mod thread;

use mailbox::thread::{Letter, References, Standing, Threads, Token};
use terms::Uid;

/// A message to be threaded, in words.
#[derive(Clone, Debug)]
struct Note {
    uid: u32,
    sent: i64,
    subject: String,
    standing: Standing,
    id: Option<String>,
    references: Vec<String>,
}

impl Note {
    fn letter(&self) -> Letter<'_> {
        let uid = Uid::new(self.uid).unwrap();
        Letter { uid, sent: self.sent, subject: &self.subject, standing: self.standing }
    }
}

/// As the THREAD response has it.
fn told(threads: &Threads) -> String {
    let mut out = String::new();
    for token in threads.walk() {
        match token {
            Token::Open if out.ends_with(|c: char| c.is_ascii_digit()) => out.push_str(" ("),
            Token::Open => out.push('('),
            Token::Member(uid) if out.ends_with(|c: char| c.is_ascii_digit()) => {
                out.push_str(&format!(" {uid}"));
            }
            Token::Member(uid) => out.push_str(&uid.to_string()),
            Token::Close => out.push(')'),
        }
    }
    out
}

fn by_references(notes: &[Note]) -> Threads {
    let mut threading = References::new(notes.len());
    for note in notes {
        let references = note.references.iter().map(String::as_bytes);
        threading.push(&note.letter(), note.id.as_ref().map(String::as_bytes), references);
    }
    threading.gather().finish()
}
