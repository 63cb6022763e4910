//! CAPABILITY (RFC 3501, 6.1.1), and the one table of what this server can do.
//!
//! What a client is told comes from [`TABLE`] alone, and a row enters the table with the file that does the
//! work: nothing is advertised that does not work.

mod manual;

pub use manual::{manual, summary};

use super::done::Done;
use super::talk::Compression;
use crate::rules::Unasked;
use sasl::{Mechanism, Mechanisms, Offer};
use std::borrow::Cow;
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

/// What a session's capabilities depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far the conversation has come.
    pub stage: Stage,
    /// The mechanisms that are offered.
    pub mechanisms: Mechanisms,
    /// Whether LOGIN may be used.
    pub login: LoginCommand,
    /// The largest message that the account takes, in octets; 0 until somebody has signed in.
    pub largest_message: u64,
    /// Whether what is said is compressed.
    pub compression: Compression,
    /// Which literals need not ask.
    pub unasked: Unasked,
}

/// Whether LOGIN may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginCommand {
    /// It may.
    Enabled,
    /// It may not.
    Disabled,
}

impl Standing {
    /// Behind TLS, where this is offered.
    #[must_use]
    pub fn of_stranger(offer: &Offer) -> Self {
        let login = if offer.takes_passwords() { LoginCommand::Enabled } else { LoginCommand::Disabled };
        Self { mechanisms: offer.mechanisms(), login, ..Greeted.into() }
    }

    fn takes_any_literal_unasked(&self) -> bool {
        self.stage == SignedIn && self.unasked == Unasked::Any
    }
}

impl From<Stage> for Standing {
    /// Of a stranger to whom nothing is offered.
    fn from(stage: Stage) -> Self {
        let (mechanisms, login) = (Mechanisms::NONE, LoginCommand::Disabled);
        Self {
            stage,
            mechanisms,
            login,
            largest_message: 0,
            compression: Compression::None,
            unasked: Unasked::Short,
        }
    }
}

/// One capability.
#[derive(Clone, Copy, Debug)]
pub struct Capability {
    /// As it is written in the CAPABILITY response, up to its value if it has one.
    pub name: &'static str,
    /// What is written behind the name and `=`; `None` for most, which have no value.
    pub value: Option<fn(&Standing) -> String>,
    /// When it is told although the stage is none of those; `None` for most.
    pub also: Option<fn(&Standing) -> bool>,
    /// When it is told no more although it would be; `None` for most.
    pub unless: Option<fn(&Standing) -> bool>,
    /// The setting without which it is not told; `None` for most.
    pub setting: Option<&'static str>,
    /// The RFC that defines it.
    pub rfc: u16,
    /// When it is told.
    pub told: &'static [Stage],
    /// The file of this crate that does the work, below `src/`.
    pub file: &'static str,
    /// The conversations that prove it: files `transcripts/*.imap`, without the ending. `tests/capabilities.rs` holds what
    /// each of them must show.
    pub transcripts: &'static [&'static str],
}

const EVER: &[Stage] = &[Cleartext, Greeted, SignedIn];
const PRIVATE: &[Stage] = &[Greeted, SignedIn];

/// Every capability, in the order in which it is told.
pub const TABLE: &[Capability] = &[
    row(
        "IMAP4rev1",
        3501,
        EVER,
        "imap/mod.rs",
        &["capability", "select", "fetch", "store", "search", "bad-commands"],
    ),
    row(
        "IMAP4rev2",
        9051,
        EVER,
        "imap/revision.rs",
        &[
            "rev2",
            "rev2-select",
            "rev2-recent",
            "rev2-search",
            "rev2-names",
            "rev2-fetch",
            "rev2-status",
            "rev2-keywords",
            "rev2-old",
        ],
    ),
    row("BINARY", 3516, &[SignedIn], "imap/fetch/binary.rs", &["binary", "append-binary"]),
    Capability {
        value: Some(|standing| standing.largest_message.to_string()),
        ..row("APPENDLIMIT", 7889, &[SignedIn], "imap/append.rs", &["append-limit", "status", "list-status"])
    },
    row("CHILDREN", 3348, &[SignedIn], "imap/list.rs", &["list"]),
    Capability {
        unless: Some(|standing| standing.compression == Compression::Deflate),
        ..row("COMPRESS=DEFLATE", 4978, &[SignedIn], "imap/compress.rs", &["compress"])
    },
    row("CONDSTORE", 7162, &[SignedIn], "imap/store.rs", &["condstore"]),
    row("CREATE-SPECIAL-USE", 6154, &[SignedIn], "imap/create.rs", &["create-special-use"]),
    row("ENABLE", 5161, PRIVATE, "imap/enable.rs", &["enable"]),
    row("ESEARCH", 4731, &[SignedIn], "imap/search/answer.rs", &["esearch", "esearch-modseq"]),
    row("ESORT", 5267, &[SignedIn], "imap/sort.rs", &["esort", "esort-options"]),
    row("ID", 2971, EVER, "imap/id.rs", &["id", "starttls"]),
    row("IDLE", 2177, PRIVATE, "imap/idle.rs", &["idle"]),
    row("INPROGRESS", 9585, &[SignedIn], "imap/pace.rs", &["inprogress"]),
    row("LIST-EXTENDED", 5258, &[SignedIn], "imap/list.rs", &["list-extended"]),
    row("LIST-STATUS", 5819, &[SignedIn], "imap/list.rs", &["list-status"]),
    // RFC 7888, 5: never both.
    Capability {
        unless: Some(Standing::takes_any_literal_unasked),
        ..row("LITERAL-", 7888, PRIVATE, "imap/talk.rs", &["append", "login"])
    },
    Capability {
        setting: Some("limits.literal_plus"),
        unless: Some(|standing| !standing.takes_any_literal_unasked()),
        ..row("LITERAL+", 7888, &[SignedIn], "imap/talk.rs", &["settings/literal-plus"])
    },
    row("MOVE", 6851, &[SignedIn], "imap/transfer.rs", &["move"]),
    row("MULTIAPPEND", 3502, &[SignedIn], "imap/append.rs", &["multiappend"]),
    row("NAMESPACE", 2342, &[SignedIn], "imap/namespace.rs", &["namespace"]),
    row("OBJECTID", 8474, &[SignedIn], "imap/object_id.rs", &["object-ids", "create-special-use", "status"]),
    row(
        "PARTIAL",
        9394,
        &[SignedIn],
        "imap/search/answer.rs",
        &["partial", "partial-fetch", "searchres-options"],
    ),
    row("PREVIEW", 8970, &[SignedIn], "imap/fetch/mod.rs", &["preview"]),
    row("QRESYNC", 7162, &[SignedIn], "imap/select.rs", &["qresync", "delayed-expunge"]),
    row("QUOTA", 9208, &[SignedIn], "imap/quota.rs", &["quota"]),
    row("QUOTA=RES-MAILBOX", 9208, &[SignedIn], "imap/quota.rs", &["quota"]),
    row("QUOTA=RES-MESSAGE", 9208, &[SignedIn], "imap/quota.rs", &["quota", "status"]),
    row("QUOTA=RES-STORAGE", 9208, &[SignedIn], "imap/quota.rs", &["quota", "status"]),
    row("REPLACE", 8508, &[SignedIn], "imap/replace.rs", &["replace"]),
    row("SAVEDATE", 8514, &[SignedIn], "imap/fetch/mod.rs", &["savedate"]),
    row("SASL-IR", 4959, &[Greeted], "imap/authenticate.rs", &["authenticate"]),
    Capability {
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::ScramSha256Plus)),
        ..row("AUTH=SCRAM-SHA-256-PLUS", 7677, &[Greeted], "imap/authenticate.rs", &["scram-plus"])
    },
    Capability {
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::ScramSha256)),
        ..row("AUTH=SCRAM-SHA-256", 7677, &[Greeted], "imap/authenticate.rs", &["scram"])
    },
    Capability {
        setting: Some("passwords.scram_sha_1"),
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::ScramSha1Plus)),
        ..row("AUTH=SCRAM-SHA-1-PLUS", 5802, &[Greeted], "imap/authenticate.rs", &["settings/scram-sha-1"])
    },
    Capability {
        setting: Some("passwords.scram_sha_1"),
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::ScramSha1)),
        ..row("AUTH=SCRAM-SHA-1", 5802, &[Greeted], "imap/authenticate.rs", &["settings/scram-sha-1"])
    },
    Capability {
        setting: Some("directory.oidc"),
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::OAuthBearer)),
        ..row("AUTH=OAUTHBEARER", 7628, &[Greeted], "imap/authenticate.rs", &["tokens/oauthbearer"])
    },
    // Google's own page defines it; RFC 7628 came of it.
    Capability {
        setting: Some("directory.oidc"),
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::XOAuth2)),
        ..row("AUTH=XOAUTH2", 7628, &[Greeted], "imap/authenticate.rs", &["tokens/xoauth2"])
    },
    Capability {
        setting: Some("client_certificates"),
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::External)),
        ..row("AUTH=EXTERNAL", 4422, &[Greeted], "imap/authenticate.rs", &["certificates/external"])
    },
    Capability {
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::Plain)),
        ..row("AUTH=PLAIN", 4616, &[Greeted], "imap/authenticate.rs", &["authenticate"])
    },
    Capability {
        unless: Some(|standing| !standing.mechanisms.has(Mechanism::Login)),
        ..row("AUTH=LOGIN", 3501, &[Greeted], "imap/authenticate.rs", &["authenticate-login"])
    },
    row(
        "SEARCHRES",
        5182,
        &[SignedIn],
        "imap/saved.rs",
        &["searchres", "searchres-expunge", "searchres-options"],
    ),
    row("SORT", 5256, &[SignedIn], "imap/sort.rs", &["sort"]),
    row("SORT=DISPLAY", 5957, &[SignedIn], "imap/sort.rs", &["sort-display"]),
    row("SPECIAL-USE", 6154, &[SignedIn], "imap/list.rs", &["list", "list-extended"]),
    row(
        "STARTTLS",
        3501,
        &[Cleartext],
        "imap/gate/mod.rs",
        &["starttls", "starttls-injection", "starttls-lookalikes"],
    ),
    Capability {
        also: Some(|standing| standing.stage == Greeted && standing.login == LoginCommand::Disabled),
        ..row(
            "LOGINDISABLED",
            3501,
            &[Cleartext],
            "imap/gate/mod.rs",
            &["privacy-required", "password-in-clear"],
        )
    },
    row("STATUS=SIZE", 8438, &[SignedIn], "imap/status.rs", &["status"]),
    row("THREAD=ORDEREDSUBJECT", 5256, &[SignedIn], "imap/thread.rs", &["thread"]),
    row("THREAD=REFERENCES", 5256, &[SignedIn], "imap/thread.rs", &["thread"]),
    row("UIDONLY", 9586, &[SignedIn], "imap/uid_only.rs", &["uidonly"]),
    row("UIDPLUS", 4315, &[SignedIn], "imap/expunge.rs", &["append", "copy", "uid-expunge"]),
    row("UNSELECT", 3691, &[SignedIn], "imap/close.rs", &["close"]),
    row("UTF8=ACCEPT", 9755, &[SignedIn], "imap/utf8.rs", &["utf8-accept", "append-binary"]),
    row("WITHIN", 5032, &[SignedIn], "imap/search/keys.rs", &["within"]),
];

const fn row(
    name: &'static str,
    rfc: u16,
    told: &'static [Stage],
    file: &'static str,
    transcripts: &'static [&'static str],
) -> Capability {
    Capability { name, value: None, also: None, unless: None, setting: None, rfc, told, file, transcripts }
}

impl Capability {
    fn is_told(&self, standing: &Standing) -> bool {
        let is_due = self.told.contains(&standing.stage) || self.also.is_some_and(|also| also(standing));
        is_due && !self.unless.is_some_and(|spent| spent(standing))
    }

    fn text(&self, standing: &Standing) -> Cow<'static, str> {
        match self.value {
            None => self.name.into(),
            Some(value) => format!("{}={}", self.name, value(standing)).into(),
        }
    }
}

/// What is told at `standing`, with a space between: what follows the word CAPABILITY.
#[must_use]
pub fn line(standing: &Standing) -> String {
    let told = TABLE.iter().filter(|row| row.is_told(standing));
    told.map(|row| row.text(standing)).collect::<Vec<_>>().join(" ")
}

pub(super) fn run(standing: &Standing, out: &mut Vec<u8>) -> Done {
    reply::capability(out, &line(standing));
    Done::ok("CAPABILITY completed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn before_tls_nothing_is_told_that_could_authenticate() {
        assert_eq!(line(&Cleartext.into()), "IMAP4rev1 IMAP4rev2 ID STARTTLS LOGINDISABLED");
    }

    #[test]
    fn behind_tls_ways_to_sign_in_are_told_until_one_was_taken() {
        let mechanisms = Mechanisms::of(&[Mechanism::ScramSha256, Mechanism::Plain]);
        let standing = Standing { mechanisms, login: LoginCommand::Enabled, ..Greeted.into() };
        assert_eq!(
            line(&standing),
            "IMAP4rev1 IMAP4rev2 ENABLE ID IDLE LITERAL- SASL-IR AUTH=SCRAM-SHA-256 AUTH=PLAIN"
        );
        let line =
            line(&Standing { login: LoginCommand::Disabled, mechanisms: Mechanisms::NONE, ..standing });
        assert!(!line.contains("AUTH=") && line.ends_with(" LOGINDISABLED"), "{line}");
    }

    #[test]
    fn behind_a_login_no_way_to_sign_in_is_told() {
        assert!(!line(&SignedIn.into()).contains("AUTH="));
    }

    #[test]
    fn what_is_spent_is_told_no_more() {
        let standing = |compression| Standing { compression, ..SignedIn.into() };
        assert!(line(&standing(Compression::None)).contains("COMPRESS=DEFLATE"));
        assert!(!line(&standing(Compression::Deflate)).contains("COMPRESS="));
    }

    #[test]
    fn one_of_literal_plus_and_literal_minus_is_told() {
        let told = |unasked, stage: Stage| line(&Standing { unasked, ..stage.into() });
        let plus = told(Unasked::Any, SignedIn);
        assert!(plus.contains(" LITERAL+ ") && !plus.contains("LITERAL-"), "{plus}");
        for minus in [told(Unasked::Short, SignedIn), told(Unasked::Any, Greeted)] {
            assert!(minus.contains(" LITERAL- ") && !minus.contains("LITERAL+"), "{minus}");
        }
    }

    #[test]
    fn every_row_stands_once_and_names_a_file_that_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
            assert!(root.join("src").join(row.file).is_file(), "{}: {}", row.name, row.file);
        }
    }
}
