//! One list of settings: parser, defaults and manual.
//!
//! Each setting is declared once, in [`list`](mod@list): name, type, default, range and what it means. From that
//! one place come the parser ([`Settings::parse`]), the defaults ([`Settings::default`]), the commented file
//! that an installation starts from ([`Settings::to_toml`]) and the manual ([`manual`]).
//!
//! Text goes in; settings, or every mistake with its line and its remedy, come out. This crate opens no file:
//! finding the text, the certificates and the data directory is left to the caller.

mod declare;
mod directory;
pub mod list;
mod manual;
mod mistake;
mod nearest;
mod value;

pub use directory::{Domain, Text};
pub use list::{
    Acme, Directory, Idle, Ldap, Limits, Lmtp, Log, Metrics, Network, Oidc, PasswdFile, Passwords, Public,
    Quota, Server, Settings, Sql, Store, Tls,
};
pub use manual::manual;
pub use mistake::{Mistake, Mistakes};
pub use terms::DirectoryName;
pub use value::{
    AccountName, AcmeCertificate, Certificate, CertificateName, Challenge, FileMode, GroupName, HostName,
    HttpsUrl, Introspect, LdapCleartext, LdapDepth, Listener, ListenerKind, LiteralPlus, LogFormat, LogLevel,
    NetworkFilesystem, NewAccounts, ScramSha1, Separator, SqlCleartext, Subnet, Terms, TlsGroup, TlsProfile,
    TlsSuite, TlsVersion, WhenFull,
};

use std::path::Path;

impl Settings {
    /// Reads the text of a settings file. What it does not name keeps its default.
    ///
    /// # Errors
    /// All mistakes of the text, in the order of its lines; but only the first where it is not TOML.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        let mut report = mistake::Report::new(text);
        let settings = Self::read_text(text, &mut report);
        report.check(&settings);
        report.finish().map(|()| settings)
    }

    /// Makes every relative path one below `folder`: where the settings file lies.
    #[must_use]
    pub fn rooted_at(mut self, folder: &Path) -> Self {
        self.server.data = folder.join(&self.server.data);
        self.lmtp.socket = self.lmtp.socket.map(|socket| folder.join(socket));
        for directory in &mut self.directory {
            directory.rooted_at(folder);
        }
        for certificate in &mut self.tls.certificates {
            certificate.chain = folder.join(&certificate.chain);
            certificate.key = folder.join(&certificate.key);
        }
        for listener in &mut self.network.listeners {
            listener.client_certificates = listener.client_certificates.take().map(|file| folder.join(file));
        }
        self.acme.directory_ca = self.acme.directory_ca.map(|file| folder.join(file));
        self.acme.external_account_key = self.acme.external_account_key.map(|file| folder.join(file));
        self
    }

    /// The host that messages to users name.
    #[must_use]
    pub fn public_host(&self) -> &HostName {
        self.public.host.as_ref().unwrap_or(&self.server.hostname)
    }

    /// The port for `kind` that messages to users name: as set, else of the first such listener.
    #[must_use]
    pub fn public_port(&self, kind: ListenerKind) -> Option<u16> {
        let set = match kind {
            ListenerKind::ImapStartTls => self.public.imap_port,
            ListenerKind::ImapTls => self.public.imaps_port,
            ListenerKind::Lmtp | ListenerKind::AcmeHttp | ListenerKind::AcmeTls => None,
        };
        let bound = || self.network.listeners.iter().find(|listener| listener.kind == kind);
        set.or_else(|| bound().map(|listener| listener.address.port()))
    }
}

impl Directory {
    /// Every file that it names.
    fn rooted_at(&mut self, folder: &Path) {
        let mut paths = Vec::new();
        if let Some(file) = &mut self.file {
            paths.push(&mut file.path);
        }
        if let Some(ldap) = &mut self.ldap {
            paths.extend([&mut ldap.authorities, &mut ldap.reader_password_file]);
        }
        if let Some(sql) = &mut self.sql {
            paths.extend([&mut sql.authorities, &mut sql.password_file, &mut sql.sqlite]);
        }
        if let Some(oidc) = &mut self.oidc {
            paths.extend([&mut oidc.authorities, &mut oidc.client_secret_file]);
        }
        for path in paths.into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }
}
