//! What an admin says of an LDAP server.

use crate::server::{BadServer, Server};
use directory::{DirectoryName, Secret};
use std::path::PathBuf;

/// Who somebody is, by the attribute that most servers have (RFC 4530).
pub const DEFAULT_SUBJECT: &str = "entryUUID";
/// What an account is called here.
pub const DEFAULT_LOGIN: &str = "mail";
/// What becomes another with a password: of the password where the server says it, else of the whole entry.
pub const DEFAULT_VERSION: [&str; 4] = ["pwdChangedTime", "pwdLastSet", "entryCSN", "modifyTimestamp"];

/// An LDAP server, and what is whose there.
#[derive(Clone, Debug)]
pub struct LdapConfig {
    /// What the directory is called.
    pub name: DirectoryName,
    /// Where it is, and how the way there is kept private.
    pub server: Server,
    /// By whose word its certificate is believed.
    pub authorities: Authorities,
    /// As whom entries are looked for.
    pub reader: Reader,
    /// How somebody's entry is found.
    pub people: People,
    /// The attribute that says who it is, whatever they are called: [`DEFAULT_SUBJECT`]. It must have one value, and never
    /// be given to somebody else. Of Active Directory's `objectGUID` the octets are written in hexadecimal.
    pub subject: Box<str>,
    /// The attribute with the name of the account: [`DEFAULT_LOGIN`]. Best one of a single value; of several the first in
    /// the order of the alphabet counts, whichever was typed.
    pub login: Box<str>,
    /// Who of those that are found may sign in.
    pub standing: StandingRule,
    /// Attributes of which one at least becomes another when the password does: [`DEFAULT_VERSION`]. A right password is
    /// known again without asking as long as they stay. Where the server keeps passwords elsewhere (`{SASL}`), name none:
    /// then it is asked again a minute later.
    pub version: Box<[Box<str>]>,
}

/// Who vouches for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// Those of the system.
    System,
    /// Those of a PEM file, and nobody else.
    File(PathBuf),
}

/// As whom entries are looked for, before anybody's password is known.
#[derive(Clone, Debug)]
pub enum Reader {
    /// As nobody. The server has to show the attributes that are named here to everyone who asks.
    Anonymous,
    /// As somebody who may read those attributes, and needs no other right.
    Account {
        /// Its distinguished name.
        dn: Box<str>,
        /// Its password.
        password: Secret,
    },
}

/// How somebody's entry is found by what they type.
///
/// `{login}` stands for all of it, `{local}` for what is before the `@`, `{domain}` for what is behind it. What stands there
/// is escaped; a login without a domain finds nobody where there is a `{domain}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// By a search that has to find exactly one. If it finds two, it is nobody's name.
    Lookup {
        /// Below which entry.
        base: Box<str>,
        /// How far below.
        depth: Depth,
        /// Which, as in `(&(objectClass=inetOrgPerson)(|(mail={login})(uid={login})))`.
        filter: Box<str>,
    },
    /// By a name that can be said at once, as in `uid={local},ou=people,dc=example,dc=org`. After the bind the entry is read
    /// once more, by its owner, and has to be the same person's.
    Template {
        /// The name.
        dn: Box<str>,
    },
}

/// How far below a base people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Right below it.
    One,
    /// Anywhere below it.
    Subtree,
}

/// Who of those that are found may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandingRule {
    /// All whom the server lets bind.
    All,
    /// Those whose entries match this filter, as in `(!(userAccountControl:1.2.840.113556.1.4.803:=2))`. It costs a question
    /// more.
    Filter(Box<str>),
    /// All but those who have one of these values in this attribute, capital or not.
    Unless {
        /// As in `nsAccountLock`.
        attribute: Box<str>,
        /// As in `true`.
        values: Box<[Box<str>]>,
    },
}

/// Why a configuration cannot be used, for the admin.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// The server.
    #[error(transparent)]
    Server(#[from] BadServer),
    /// A filter or a name that everybody would have, or with a place for something unknown.
    #[error("`{0}` has to have {{login}} or {{local}} in it, and may have {{domain}}; no other braces")]
    Template(Box<str>),
    /// Not a filter as RFC 4515 has them.
    #[error("`{0}` is not an LDAP filter")]
    Filter(Box<str>),
    /// Not the name of an attribute.
    #[error("`{0}` is not the name of an attribute")]
    Attribute(Box<str>),
    /// The reader has no password: the server would take it for nobody (RFC 4513, 5.1.2).
    #[error("the reader has a name and no password; without either it reads as nobody")]
    NoPassword,
    /// The authorities.
    #[error("no authority to know the server by: {0}")]
    Authorities(Box<str>),
}
