//! CAPABILITY (RFC 3501, 6.1.1), and the one table of what this server can do.
//!
//! What a client is told comes from [`TABLE`] alone, and a row enters the table with the file that does the
//! work: nothing is advertised that does not work.

use super::done::Done;
use wire::imap::reply;

/// How far a conversation has come, as far as the capability line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before TLS: nothing that could authenticate, nothing that a man in the middle could use.
    Cleartext,
    /// Under TLS, before a login.
    Greeted,
    /// After a login.
    SignedIn,
}

use Stage::{Cleartext, Greeted, SignedIn};

/// One capability.
#[derive(Clone, Copy, Debug)]
pub struct Capability {
    /// As it is written in the CAPABILITY response.
    pub name: &'static str,
    /// The RFC that defines it.
    pub rfc: u16,
    /// When it is told.
    pub told: &'static [Stage],
    /// The file of this crate that does the work, below `src/`.
    pub file: &'static str,
    /// The conversations that prove it, in `transcripts/`.
    pub transcripts: &'static [&'static str],
}

/// Every capability, in the order in which it is told.
pub const TABLE: &[Capability] = &[
    Capability {
        name: "IMAP4rev1",
        rfc: 3501,
        told: &[Cleartext, Greeted, SignedIn],
        file: "imap/mod.rs",
        transcripts: &[],
    },
    Capability {
        name: "ID",
        rfc: 2971,
        told: &[Cleartext, Greeted, SignedIn],
        file: "imap/gate/mod.rs",
        transcripts: &["starttls.imap"],
    },
    Capability {
        name: "STARTTLS",
        rfc: 3501,
        told: &[Cleartext],
        file: "imap/gate/mod.rs",
        transcripts: &["starttls.imap"],
    },
    Capability {
        name: "LOGINDISABLED",
        rfc: 3501,
        told: &[Cleartext],
        file: "imap/gate/mod.rs",
        transcripts: &["privacy-required.imap", "password-in-clear.imap"],
    },
];

/// The names told at `stage`.
#[must_use]
pub fn names(stage: Stage) -> Vec<&'static str> {
    TABLE.iter().filter(|row| row.told.contains(&stage)).map(|row| row.name).collect()
}

/// The same with a space between them: what follows the word CAPABILITY.
#[must_use]
pub fn line(stage: Stage) -> String {
    names(stage).join(" ")
}

pub(super) fn run(stage: Stage, out: &mut Vec<u8>) -> Done {
    reply::capability(out, &names(stage));
    Done::ok("CAPABILITY completed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn before_tls_nothing_is_told_that_could_authenticate() {
        assert_eq!(line(Cleartext), "IMAP4rev1 ID STARTTLS LOGINDISABLED");
    }

    #[test]
    fn every_row_names_files_that_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for row in TABLE {
            assert!(root.join("src").join(row.file).is_file(), "{}: {}", row.name, row.file);
            for transcript in row.transcripts {
                let path = root.join("../../transcripts").join(transcript);
                assert!(path.is_file(), "{}: {transcript}", row.name);
            }
        }
    }
}
