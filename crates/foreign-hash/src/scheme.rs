//! Of what kind a hash is.

use crate::argon::Argon;
use crate::bcrypt::{self, Bcrypt};
use crate::bounds::MAX_STORED_OCTETS;
use crate::digest::{Digested, Function, Salting};
use crate::encoding::{base64, hex};
use crate::pbkdf::{self, Pbkdf2};
use crate::sha_crypt::{ShaCrypt, Width};
use crate::{Cost, Unusable, Verdict};
use std::fmt;
use zeroize::Zeroizing;

/// A hash that another system made, and that can be compared with a password. It prints as its kind alone.
pub struct ForeignHash(Kind);

enum Kind {
    Bcrypt(Bcrypt),
    ShaCrypt(ShaCrypt),
    Digested(Digested),
    Argon(Argon),
    Pbkdf2(Pbkdf2),
}

impl ForeignHash {
    /// Reads a hash as it stands in `/etc/shadow`, a passwd-file, LDAP's `userPassword` or an SQL table: with `{SCHEME}`
    /// in front as Dovecot and LDAP write it (and `.b64`, `.base64` or `.hex` behind the name), or without, where it begins
    /// with `$`.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(stored: &str) -> Result<Self, Unusable> {
        if stored.len() > MAX_STORED_OCTETS {
            return Err(Unusable::Unknown);
        }
        if stored.starts_with(['!', '*']) {
            return Err(Unusable::Locked);
        }
        match stored.strip_prefix('{').and_then(|behind| behind.split_once('}')) {
            Some((scheme, hash)) => with_scheme(scheme, hash),
            None => crypt(stored),
        }
        .map(Self)
    }

    /// What it is called in messages and in Dovecot.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.0 {
            Kind::Bcrypt(_) => "BLF-CRYPT",
            Kind::ShaCrypt(hash) => hash.kind(),
            Kind::Digested(hash) => hash.kind(),
            Kind::Argon(hash) => hash.kind(),
            Kind::Pbkdf2(_) => pbkdf::KIND,
        }
    }

    /// What [`verify`](Self::verify) costs, whatever is compared.
    #[must_use]
    pub fn cost(&self) -> Cost {
        match &self.0 {
            Kind::Bcrypt(hash) => hash.cost(),
            Kind::ShaCrypt(hash) => hash.cost(),
            Kind::Digested(hash) => hash.cost(),
            Kind::Argon(hash) => hash.cost(),
            Kind::Pbkdf2(hash) => hash.cost(),
        }
    }

    /// Whether all of what was typed counts, if it is right. bcrypt looks at 72 octets, its NUL among them: what is typed from
    /// there on is right whatever it is, so such a password is not known here, and nothing can be made of it.
    #[must_use]
    pub const fn counts_all_of(&self, typed: &[u8]) -> bool {
        match &self.0 {
            Kind::Bcrypt(_) => typed.len() < bcrypt::KEY_OCTETS,
            Kind::ShaCrypt(_) | Kind::Digested(_) | Kind::Argon(_) | Kind::Pbkdf2(_) => true,
        }
    }

    /// Whether these octets are the password. This takes as long as [`cost`](Self::cost) says; it belongs on a thread that
    /// may be busy.
    pub fn verify(&self, typed: &[u8]) -> Verdict {
        match &self.0 {
            Kind::Bcrypt(hash) => hash.verify(typed),
            Kind::ShaCrypt(hash) => hash.verify(typed),
            Kind::Digested(hash) => hash.verify(typed),
            Kind::Argon(hash) => hash.verify(typed),
            Kind::Pbkdf2(hash) => hash.verify(typed),
        }
    }
}

impl fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeignHash({} …)", self.kind())
    }
}

/// What stands behind `{SCHEME}` is text, unless the scheme's name says otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    AsUsual,
    Base64,
    Hex,
}

fn with_scheme(scheme: &str, hash: &str) -> Result<Kind, Unusable> {
    let scheme = scheme.to_ascii_uppercase();
    let (name, written) = match scheme.split_once('.') {
        None => (scheme.as_str(), Written::AsUsual),
        Some((name, "B64" | "BASE64")) => (name, Written::Base64),
        Some((name, "HEX")) => (name, Written::Hex),
        Some(_) => return Err(Unusable::Unknown),
    };
    let text = |kind| text(kind, written, hash);
    let digested = |function, salting, kind| digested(function, salting, kind, written, hash);
    match name {
        "CRYPT" => crypt(&text("CRYPT")?),
        "BLF-CRYPT" | "BCRYPT" => only(crypt(&text("BLF-CRYPT")?)?, "BLF-CRYPT"),
        "SHA256-CRYPT" => only(crypt(&text("SHA256-CRYPT")?)?, "SHA256-CRYPT"),
        "SHA512-CRYPT" => only(crypt(&text("SHA512-CRYPT")?)?, "SHA512-CRYPT"),
        "ARGON2I" => only(crypt(&text("ARGON2I")?)?, "ARGON2I"),
        "ARGON2ID" => only(crypt(&text("ARGON2ID")?)?, "ARGON2ID"),
        // OpenLDAP's name, for each of the three.
        "ARGON2" => any_argon2(crypt(&text("ARGON2")?)?),
        "PBKDF2" => Pbkdf2::parse(&text(pbkdf::KIND)?).map(Kind::Pbkdf2),
        "SHA" | "SHA1" => digested(Function::Sha1, Salting::Plain, "SHA"),
        "SHA256" => digested(Function::Sha256, Salting::Plain, "SHA256"),
        "SHA512" => digested(Function::Sha512, Salting::Plain, "SHA512"),
        "SSHA" => digested(Function::Sha1, Salting::Salted, "SSHA"),
        "SSHA256" => digested(Function::Sha256, Salting::Salted, "SSHA256"),
        "SSHA512" => digested(Function::Sha512, Salting::Salted, "SSHA512"),
        "PLAIN" | "CLEAR" | "CLEARTEXT" | "PLAIN-TRUNC" => Err(Unusable::InTheClear),
        name => Err(unsupported(name)),
    }
}

/// Names that Dovecot knows and we do not read.
fn unsupported(name: &str) -> Unusable {
    const NAMES: &[&str] = &[
        "MD5",
        "MD5-CRYPT",
        "SMD5",
        "PLAIN-MD5",
        "LDAP-MD5",
        "PLAIN-MD4",
        "CRAM-MD5",
        "HMAC-MD5",
        "DIGEST-MD5",
        "DES-CRYPT",
        "OTP",
        "SKEY",
        "RPA",
        "NTLM",
        "LANMAN",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
    ];
    NAMES
        .iter()
        .find(|known| **known == name)
        .map_or(Unusable::Unknown, |known| Unusable::NotSupported(known))
}

/// What begins with `$`, each kind by the mark that it has in front.
fn crypt(stored: &str) -> Result<Kind, Unusable> {
    if let Some(rest) = stored.strip_prefix("$argon2") {
        return Argon::parse(rest).map(Kind::Argon);
    }
    let mark = stored.strip_prefix('$').and_then(|behind| behind.split_once('$'));
    match mark {
        Some(("2a" | "2b" | "2y", rest)) => Bcrypt::parse(rest).map(Kind::Bcrypt),
        Some(("5", rest)) => ShaCrypt::parse(Width::Sha256, rest).map(Kind::ShaCrypt),
        Some(("6", rest)) => ShaCrypt::parse(Width::Sha512, rest).map(Kind::ShaCrypt),
        Some(("1" | "apr1", _)) => Err(Unusable::NotSupported("MD5-CRYPT")),
        Some(("2" | "2x", _)) => Err(Unusable::NotSupported("bcrypt of a faulty version ($2$ or $2x$)")),
        Some(("y" | "gy" | "7", _)) => Err(Unusable::NotSupported("yescrypt or scrypt")),
        _ => Err(Unusable::Unknown),
    }
}

fn only(kind: Kind, wanted: &'static str) -> Result<Kind, Unusable> {
    match ForeignHash(kind) {
        hash if hash.kind() == wanted => Ok(hash.0),
        _ => Err(Unusable::Malformed(wanted)),
    }
}

fn any_argon2(kind: Kind) -> Result<Kind, Unusable> {
    match kind {
        Kind::Argon(_) => Ok(kind),
        _ => Err(Unusable::Malformed("ARGON2")),
    }
}

fn text(kind: &'static str, written: Written, hash: &str) -> Result<Zeroizing<String>, Unusable> {
    let octets = match written {
        Written::AsUsual => return Ok(Zeroizing::new(hash.to_owned())),
        Written::Base64 => base64(hash),
        Written::Hex => hex(hash),
    };
    let text = octets.and_then(|octets| std::str::from_utf8(&octets).map(str::to_owned).ok());
    text.map(Zeroizing::new).ok_or(Unusable::Malformed(kind))
}

/// Digests are written in base64, but Dovecot also takes those without a salt that have the length of hexadecimal.
fn digested(
    function: Function,
    salting: Salting,
    kind: &'static str,
    written: Written,
    hash: &str,
) -> Result<Kind, Unusable> {
    let has_length_of_hex = salting == Salting::Plain && hash.len() == function.octets() * 2;
    let octets = match written {
        Written::Hex => hex(hash),
        Written::AsUsual if has_length_of_hex => hex(hash),
        Written::AsUsual | Written::Base64 => base64(hash),
    };
    let octets = octets.ok_or(Unusable::Malformed(kind))?;
    Digested::new(function, salting, kind, &octets).map(Kind::Digested)
}
