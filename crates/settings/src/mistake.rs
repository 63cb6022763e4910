//! What is wrong with a settings file, told so that it can be mended.

use crate::declare::Range;
use crate::nearest::nearest;
use crate::value::Value;
use crate::{
    AcmeCertificate, CertificateName, Challenge, Directory, DirectoryName, ListenerKind, Settings, Terms,
    TlsVersion,
};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

/// Everything that is wrong, in the order of lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            let line_end = if i == 0 { "" } else { "\n" };
            write!(f, "{line_end}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Where something stands in the text, in octets.
pub(crate) type Span = std::ops::Range<usize>;

/// Names of a certificate that authorities take.
const MAX_NAMES: usize = 100;

/// Gathers mistakes while a text is read.
pub(crate) struct Report<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, mistakes: Vec::new() }
    }

    pub(crate) fn finish(mut self) -> Result<(), Mistakes> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        if self.mistakes.is_empty() { Ok(()) } else { Err(Mistakes(self.mistakes)) }
    }

    pub(crate) fn add(&mut self, at: Span, what: impl Into<String>) {
        let before = self.text.bytes().take(at.start);
        let line = before.filter(|&b| b == b'\n').count() + 1;
        self.mistakes.push(Mistake { line, what: what.into() });
    }

    /// Reads one setting; says what is wrong with it.
    pub(crate) fn setting<V: Value>(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        range: Option<Range>,
    ) -> Option<V> {
        let found = self.mistakes.len();
        let Some(read) = V::read(value, self) else {
            // Where the value has parts, they have spoken for themselves.
            if self.mistakes.len() == found {
                let kind = value.get_ref().type_str();
                self.add(value.span(), format!("`{key}` must be {}, and this is a TOML {kind}", V::KIND));
            }
            return None;
        };
        let number = read.number();
        match range.zip(number).filter(|(Range(low, high), number)| !(low..=high).contains(&number)) {
            Some((Range(low, high), number)) => {
                self.add(value.span(), format!("`{key}` must be from {low} to {high}, and {number} is not"));
                None
            }
            None => Some(read),
        }
    }

    /// A key that no section, or another section, has.
    pub(crate) fn unknown_key(&mut self, section: &str, key: &Spanned<Cow<'_, str>>) {
        let typed = key.get_ref();
        let keys = |wanted: &str| Settings::SECTIONS.iter().find(|(name, _)| *name == wanted).map(|s| s.1);
        let home = Settings::SECTIONS.iter().find(|(_, keys)| keys.contains(&typed.as_ref()));
        let near = nearest(typed, keys(section).unwrap_or_default().iter().copied());
        let remedy = match (home, near) {
            (Some((home, _)), _) => format!("it belongs in {}", header(home)),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => format!("there are {}", keys(section).unwrap_or_default().join(", ")),
        };
        self.add(key.span(), format!("{} has no setting `{typed}`; {remedy}", header(section)));
    }

    /// A table that is none of ours.
    pub(crate) fn unknown_section(&mut self, typed: &str, at: Span) {
        let remedy = match nearest(typed, Settings::SECTIONS.iter().map(|s| s.0)) {
            Some(near) => format!("did you mean {}?", header(near)),
            None => format!("there are {}", sections()),
        };
        self.add(at, format!("there is no section [{typed}]; {remedy}"));
    }

    /// A key above the first section.
    fn homeless(&mut self, key: &Spanned<Cow<'_, str>>) {
        let typed = key.get_ref();
        if Settings::SECTIONS.iter().any(|(name, _)| *name == typed.as_ref()) {
            let header = header(typed);
            return self
                .add(key.span(), format!("`{typed}` is a section: write {header} on a line of its own"));
        }
        let home = |key: &str| Settings::SECTIONS.iter().find(|s| s.1.contains(&key)).map(|s| s.0);
        let near = nearest(typed, Settings::SECTIONS.iter().flat_map(|s| s.1).copied());
        let remedy = match near.and_then(|near| Some((near, home(near)?))) {
            Some((near, section)) => format!("did you mean `{near}` in {}?", header(section)),
            None => format!("the sections are {}", sections()),
        };
        self.add(key.span(), format!("`{typed}` stands outside of every section; {remedy}"));
    }

    fn check_tls(&mut self, settings: &Settings) {
        let tls = &settings.tls;
        if tls.groups.is_empty() {
            self.blame(&["groups"], "without a key exchange there is no TLS: name at least one group");
        }
        let has_suite = |version: &TlsVersion| tls.suites.iter().any(|suite| suite.version() == *version);
        if tls.versions.is_empty() || !tls.versions.iter().all(has_suite) {
            let what = "there has to be a version of TLS, and a suite for each: those of 1.3 have no WITH in their names";
            self.blame(&["suites", "versions"], what);
        }
        let takes_tls = |kind| matches!(kind, ListenerKind::ImapStartTls | ListenerKind::ImapTls);
        for listener in &settings.network.listeners {
            if listener.tls.is_some() && !takes_tls(listener.kind) {
                let what = "a listener of this kind has no TLS to choose: `tls` is for those of IMAP";
                self.blame(&[&listener.address.to_string()], what);
            }
            if listener.client_certificates.is_some() && !takes_tls(listener.kind) {
                let what =
                    "on a listener of this kind nobody signs in: `client_certificates` is for those of IMAP";
                self.blame(&[&listener.address.to_string()], what);
            }
        }
    }

    /// What no setting can be blamed for alone.
    pub(crate) fn check(&mut self, settings: &Settings) {
        let limits = &settings.limits;
        if limits.login_literal_octets > limits.before_login_octets / 2 {
            let what = "`login_literal_octets` must be at most half of `before_login_octets`";
            self.blame(&["login_literal_octets", "before_login_octets"], what);
        }
        if settings.network.listeners.is_empty() {
            self.blame(&["listeners"], "there is nothing to listen on: name at least one listener");
        }
        self.check_tls(settings);
        let lmtp = settings.network.listeners.iter().filter(|listener| listener.kind == ListenerKind::Lmtp);
        for listener in lmtp {
            // RFC 2033, 5: "it MUST NOT be used on the TCP service port 25".
            if listener.address.port() == 25 {
                let what =
                    "LMTP cannot be spoken on port 25, which is for SMTP; take another one, such as 24";
                self.blame(&[&listener.address.to_string()], what);
            }
            if settings.lmtp.networks.is_empty() {
                self.blame(
                    &["networks"],
                    "there is a listener for LMTP, and no network that may connect to it",
                );
            }
        }
        if settings.tls.certificates.is_empty() && settings.acme.certificates.is_empty() {
            self.blame(&["certificates"], "there is no certificate: without one nobody can log in");
        }
        self.check_directories(settings);
        self.check_acme(settings);
        // Port 0 is any that is free: two of them are not the same.
        let mut seen = HashSet::new();
        let addresses = settings.network.listeners.iter().map(|listener| listener.address);
        let addresses = addresses.chain(settings.metrics.listen);
        for twice in addresses.filter(|address| address.port() != 0 && !seen.insert(*address)) {
            self.blame(&[&twice.to_string()], format!("the address {twice} is listened on twice"));
        }
    }

    fn check_directories(&mut self, settings: &Settings) {
        let mut seen = HashSet::new();
        for directory in &settings.directory {
            let Some(name) = &directory.name else {
                self.blame(&["[directory]"], "a [[directory]] has no `name`");
                continue;
            };
            if !seen.insert(name) {
                self.blame(&[name.as_str()], format!("there are two directories of the name {name}"));
            }
            for other in &directory.same_people_as {
                let is_known = settings.directory.iter().any(|known| known.name.as_ref() == Some(other));
                if !is_known || other == name {
                    let what =
                        format!("`same_people_as` of {name} names {other}, which is no other directory");
                    self.blame(&[other.as_str()], what);
                }
            }
            self.check_directory(name, directory);
        }
    }

    fn check_directory(&mut self, name: &DirectoryName, directory: &Directory) {
        let missing = missing(directory);
        let kinds = missing.len();
        match kinds {
            0 => {
                let what = format!(
                    "nothing says where the directory {name} is: it wants a table such as [directory.file]"
                );
                self.blame(&[name.as_str()], what);
            }
            1 => {}
            _ => self.blame(
                &[name.as_str()],
                format!("the directory {name} is in {kinds} places; make it {kinds} directories"),
            ),
        }
        for (table, key) in
            missing.into_iter().flat_map(|(table, keys)| keys.into_iter().map(move |key| (table, key)))
        {
            let what = format!("[directory.{table}] of the directory {name} has no `{key}`");
            self.blame(&[&format!("[directory.{table}]"), table], what);
        }
        if let Some(key) = names_without_domain(directory) {
            let what = format!(
                "`{key}` of the directory {name} goes by {{local}} without the domain, and no `domains` are named: ann@one.example \
                 and ann@two.example would be one person. Name those that it is for, such as domains = [\"example.org\", \"\"], \
                 or put {{login}} or {{domain}} there"
            );
            self.blame(&[key, "[directory.ldap]"], what);
        }
    }

    /// An order that cannot come to anything would fail every day, at night.
    fn check_acme(&mut self, settings: &Settings) {
        let acme = &settings.acme;
        if !acme.certificates.is_empty() && acme.terms != Terms::Agreed {
            let what = "certificates by ACME need `terms = \"agreed\"` in [acme]: read what the authority asks of you";
            self.blame(&["[acme]", "acme"], what);
        }
        if acme.external_account.is_some() != acme.external_account_key.is_some() {
            let what = "`external_account` and `external_account_key` go together: the authority gives both";
            self.blame(&["external_account"], what);
        }
        let mut first = HashSet::new();
        for certificate in &acme.certificates {
            self.check_acme_certificate(certificate, settings);
            let name = certificate.names.first().map(CertificateName::as_str);
            if let Some(twice) = name.filter(|name| !first.insert(*name)) {
                let what = format!("two certificates begin with {twice}: their files would be the same");
                self.blame(&[twice], what);
            }
        }
    }

    fn check_acme_certificate(&mut self, certificate: &AcmeCertificate, settings: &Settings) {
        let listens = |kind| settings.network.listeners.iter().any(|listener| listener.kind == kind);
        let challenge = certificate.challenge.as_str();
        let missing = match certificate.challenge {
            Challenge::Http01 if !listens(ListenerKind::AcmeHttp) => {
                Some("a listener of the kind \"acme-http\", reached at port 80")
            }
            Challenge::TlsAlpn01 if !listens(ListenerKind::AcmeTls) => {
                Some("a listener of the kind \"acme-tls\", reached at port 443")
            }
            Challenge::Dns01 if settings.acme.dns_hook.is_empty() => Some("`dns_hook` in [acme]"),
            _ => None,
        };
        if let Some(missing) = missing {
            self.blame(&[challenge], format!("{challenge} needs {missing}"));
        }
        if certificate.names.is_empty() || certificate.names.len() > MAX_NAMES {
            self.blame(&["names"], format!("a certificate has from 1 to {MAX_NAMES} names"));
        }
        // RFC 8555, 8.3 and RFC 8737: a host can only prove that it is itself.
        let wildcard = certificate.names.iter().find(|name| name.is_wildcard());
        if let Some(name) = wildcard.filter(|_| certificate.challenge != Challenge::Dns01) {
            let name = name.as_str();
            self.blame(
                &[name],
                format!("{name} needs dns-01: {challenge} proves one host, not all below a domain"),
            );
        }
    }

    /// Points at the last place of the first of these words that the text has.
    fn blame(&mut self, words: &[&str], what: impl Into<String>) {
        let at = words.iter().find_map(|word| self.text.rfind(word)).unwrap_or_default();
        self.add(at..at, what);
    }
}

impl Settings {
    pub(crate) fn read_text(text: &str, report: &mut Report<'_>) -> Self {
        let mut settings = Self::default();
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                report.add(error.span().unwrap_or_default(), error.message());
                return settings;
            }
        };
        for (key, value) in table.get_ref() {
            match value.get_ref() {
                // A section's span is its header, which is where a mistake in its name stands.
                DeValue::Table(section) if !is_several(key) => {
                    let section = Spanned::new(key.span(), section.clone());
                    settings.read_section(key.get_ref(), &section, report);
                }
                DeValue::Array(sections) if is_several(key) => {
                    for section in sections {
                        let DeValue::Table(table) = section.get_ref() else { continue };
                        let table = Spanned::new(section.span(), table.clone());
                        settings.read_section(key.get_ref(), &table, report);
                    }
                }
                _ => report.homeless(key),
            }
        }
        // Whoever gets certificates by ACME, and names no files, has none at the usual place.
        let names_files =
            table.get_ref().get("tls").and_then(|tls| tls.get_ref().get("certificates")).is_some();
        if !settings.acme.certificates.is_empty() && !names_files {
            settings.tls.certificates.clear();
        }
        settings
    }
}

/// The tables that say where a directory is, and what each of them lacks.
fn missing(directory: &Directory) -> Vec<(&'static str, Vec<&'static str>)> {
    let lacks = |keys: &[(&'static str, bool)]| {
        keys.iter().filter(|(_, is_there)| !is_there).map(|(key, _)| *key).collect()
    };
    let mut tables = Vec::new();
    if let Some(file) = &directory.file {
        tables.push(("file", lacks(&[("path", file.path.is_some())])));
    }
    if let Some(ldap) = &directory.ldap {
        let has_people = ldap.template.is_some() || ldap.base.is_some();
        tables.push(("ldap", lacks(&[("url", ldap.url.is_some()), ("base", has_people)])));
    }
    if let Some(sql) = &directory.sql {
        let has_database = sql.sqlite.is_some() || sql.database.is_some();
        tables.push(("sql", lacks(&[("query", sql.query.is_some()), ("database", has_database)])));
    }
    if let Some(oidc) = &directory.oidc {
        let has_secret = oidc.client_id.is_none() || oidc.client_secret_file.is_some();
        let keys = [
            ("issuer", oidc.issuer.is_some()),
            ("audiences", !oidc.audiences.is_empty()),
            ("client_secret_file", has_secret),
        ];
        tables.push(("oidc", lacks(&keys)));
    }
    tables
}

/// What finds people by a part of their names that says nothing of the domain, where the directory is asked for every domain's:
/// anybody would be found under names of which nobody has thought, and get the mail that comes for them.
fn names_without_domain(directory: &Directory) -> Option<&'static str> {
    let ldap = directory.ldap.as_ref().filter(|_| directory.domains.is_empty())?;
    let (key, text) = match &ldap.template {
        Some(template) => ("template", template),
        None => ("filter", &ldap.filter),
    };
    let text = text.as_str();
    (text.contains("{local}") && !text.contains("{domain}")).then_some(key)
}

/// Whether it names tables that may be there several times.
fn is_several(key: &Spanned<Cow<'_, str>>) -> bool {
    Settings::SEVERAL.contains(&key.get_ref().as_ref())
}

/// The header of a section, as it is written.
fn header(name: &str) -> String {
    if Settings::SEVERAL.contains(&name) { format!("[[{name}]]") } else { format!("[{name}]") }
}

/// The headers of all sections.
fn sections() -> String {
    Settings::SECTIONS.iter().map(|(name, _)| header(name)).collect::<Vec<_>>().join(", ")
}
