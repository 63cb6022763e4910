//! The types that a setting can have.

use crate::mistake::Report;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How a type is written in the file.
pub(crate) trait Value: Sized {
    /// Completes "must be ...".
    const KIND: &'static str;

    /// `None` where it is not what [`Self::KIND`] says; the caller then says so, unless `report` has it already.
    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self>;

    /// As TOML; `None` where it is left out.
    fn write(&self) -> Option<String>;

    /// For a setting with a range.
    fn number(&self) -> Option<u64> {
        None
    }
}

macro_rules! numbers {
    ($($type:ty)+) => {$(
        impl Value for $type {
            const KIND: &'static str = "a whole number";

            fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
                let number = value.get_ref().as_integer()?;
                let read = Self::from_str_radix(number.as_str(), number.radix()).ok();
                if read.is_none() {
                    report.add(value.span(), format!("{number} is not from 0 to {}", Self::MAX));
                }
                read
            }

            fn write(&self) -> Option<String> {
                Some(self.to_string())
            }

            fn number(&self) -> Option<u64> {
                Some(u64::from(*self))
            }
        }
    )+};
}

numbers!(u16 u32 u64);

impl<V: Value> Value for Option<V> {
    const KIND: &'static str = V::KIND;

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        V::read(value, report).map(Some)
    }

    fn write(&self) -> Option<String> {
        self.as_ref().and_then(V::write)
    }

    fn number(&self) -> Option<u64> {
        self.as_ref().and_then(V::number)
    }
}

impl<V: Value> Value for Vec<V> {
    const KIND: &'static str = V::KIND;

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let items = value.get_ref().as_array()?;
        let read: Self = items.iter().filter_map(|item| report.setting("each entry", item, None)).collect();
        (read.len() == items.len()).then_some(read)
    }

    fn write(&self) -> Option<String> {
        let items: Vec<_> = self.iter().filter_map(V::write).collect();
        match items.as_slice() {
            [] => Some("[]".into()),
            [one] => Some(format!("[{one}]")),
            several => Some(format!("[\n    {},\n]", several.join(",\n    "))),
        }
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "a path in quotes";

    fn read(value: &Spanned<DeValue<'_>>, _: &mut Report<'_>) -> Option<Self> {
        value.get_ref().as_str().filter(|path| !path.is_empty()).map(Self::from)
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.to_string_lossy()))
    }
}

/// A text as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The name of a host, as DNS writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(Box<str>);

impl HostName {
    /// Letters, digits and hyphens between dots, at most 253 octets (RFC 1123, 2.1).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !l.starts_with('-')
                && !l.ends_with('-')
        };
        (text.len() <= 253 && text.split('.').all(label)).then(|| Self(text.into()))
    }

    /// This host, seen from itself.
    #[must_use]
    pub fn localhost() -> Self {
        Self("localhost".into())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for HostName {
    const KIND: &'static str = "the name of a host in quotes, such as \"mail.example.org\"";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let name = Self::new(text);
        if name.is_none() {
            report.add(value.span(), format!("{text:?} is not {}", Self::KIND));
        }
        name
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// A setting that is one of a few words.
macro_rules! words {
    ($(
        $(#[doc = $about:literal])+
        $Name:ident: $kind:literal { $($(#[doc = $doc:literal])+ $Variant:ident = $word:literal),+ $(,)? }
    )+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Name { $($(#[doc = $doc])+ $Variant),+ }

        impl $Name {
            /// As the settings file writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $word),+ }
            }
        }

        impl Value for $Name {
            const KIND: &'static str = $kind;

            fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
                match value.get_ref().as_str()? {
                    $($word => Some(Self::$Variant),)+
                    other => {
                        report.add(value.span(), format!("{other:?} is not {}", Self::KIND));
                        None
                    }
                }
            }

            fn write(&self) -> Option<String> {
                Some(quoted(self.as_str()))
            }
        }
    )+};
}

words! {
    /// How a listener meets its clients.
    ListenerKind: "\"imap-starttls\", \"imap-tls\", \"lmtp\", \"acme-http\" or \"acme-tls\"" {
        /// In the clear, where nothing but STARTTLS leads on.
        ImapStartTls = "imap-starttls",
        /// With a TLS handshake.
        ImapTls = "imap-tls",
        /// In the clear, for mail servers that hand in mail.
        Lmtp = "lmtp",
        /// In the clear, for authorities that look for a file.
        AcmeHttp = "acme-http",
        /// With a TLS handshake that is all there is, for authorities that look at a certificate.
        AcmeTls = "acme-tls",
    }

    /// What an admin thinks of an authority's terms of service.
    Terms: "\"unread\" or \"agreed\"" {
        /// Nothing yet.
        Unread = "unread",
        /// They are fine.
        Agreed = "agreed",
    }

    /// How an authority validates a name.
    Challenge: "\"http-01\", \"tls-alpn-01\" or \"dns-01\"" {
        /// By a file on port 80.
        Http01 = "http-01",
        /// By a certificate on port 443.
        TlsAlpn01 = "tls-alpn-01",
        /// By a record in DNS.
        Dns01 = "dns-01",
    }

    /// Which TLS a listener takes.
    TlsProfile: "\"compatible\", \"modern\" or \"custom\"" {
        /// TLS 1.2 and 1.3, with forward secrecy and authenticated encryption alone.
        Compatible = "compatible",
        /// TLS 1.3 alone.
        Modern = "modern",
        /// What the settings list.
        Custom = "custom",
    }

    /// A version of TLS. There is no older one here.
    TlsVersion: "\"1.2\" or \"1.3\"" {
        /// RFC 5246.
        V12 = "1.2",
        /// RFC 8446.
        V13 = "1.3",
    }

    /// A cipher suite, as IANA names it. Those of TLS 1.2 are RFC 9325's.
    TlsSuite: "the name of a suite, such as \"TLS_AES_128_GCM_SHA256\"" {
        /// TLS 1.3.
        Aes256 = "TLS_AES_256_GCM_SHA384",
        /// TLS 1.3.
        Aes128 = "TLS_AES_128_GCM_SHA256",
        /// TLS 1.3.
        ChaCha20 = "TLS_CHACHA20_POLY1305_SHA256",
        /// TLS 1.2.
        EcdsaAes256 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        /// TLS 1.2.
        EcdsaAes128 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        /// TLS 1.2.
        EcdsaChaCha20 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        /// TLS 1.2.
        RsaAes256 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        /// TLS 1.2.
        RsaAes128 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        /// TLS 1.2.
        RsaChaCha20 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    }

    /// A key exchange, as IANA names its group.
    TlsGroup: "\"X25519MLKEM768\", \"x25519\", \"secp256r1\" or \"secp384r1\"" {
        /// Hybrid: safe while either of its halves is.
        X25519MlKem768 = "X25519MLKEM768",
        /// RFC 7748.
        X25519 = "x25519",
        /// NIST P-256.
        Secp256r1 = "secp256r1",
        /// NIST P-384.
        Secp384r1 = "secp384r1",
    }

    /// What becomes of mail for an account that is full.
    WhenFull: "\"defer\" or \"refuse\"" {
        /// Whoever brings it keeps it and tries again.
        Defer = "defer",
        /// Its sender gets it back.
        Refuse = "refuse",
    }

    /// Who may send literals of any length without asking.
    LiteralPlus: "\"never\" or \"authenticated\"" {
        /// Nobody: LITERAL- is told, and no such literal has more than 4,096 octets.
        Never = "never",
        /// Whoever has signed in: LITERAL+ is told.
        Authenticated = "authenticated",
    }

    /// Who may sign in by SCRAM-SHA-1.
    ScramSha1: "\"never\" or \"old-clients\"" {
        /// Nobody.
        Never = "never",
        /// Programs that know nothing better.
        OldClients = "old-clients",
    }

    /// What becomes of somebody whom a directory knows, and who has no account here.
    NewAccounts: "\"make\" or \"refuse\"" {
        /// They get one.
        Make = "make",
        /// They stay outside.
        Refuse = "refuse",
    }

    /// Whether an LDAP server on this machine is spoken to without TLS.
    LdapCleartext: "\"never\" or \"loopback\"" {
        /// It is not.
        Never = "never",
        /// `ldap://` to an address of this machine means no TLS.
        Loopback = "loopback",
    }

    /// How far below a base people are looked for.
    LdapDepth: "\"one\" or \"subtree\"" {
        /// Right below it.
        One = "one",
        /// Anywhere below it.
        Subtree = "subtree",
    }

    /// Whether a database on another machine is spoken to without TLS.
    SqlCleartext: "\"never\" or \"allow\"" {
        /// It is not.
        Never = "never",
        /// It is.
        Allow = "allow",
    }

    /// Which tokens an OpenID provider is asked about.
    Introspect: "\"opaque\" or \"all\"" {
        /// Those that only it can read.
        Opaque = "opaque",
        /// Those that are signed too.
        All = "all",
    }

    /// Whether mail may lie on a filesystem over a network.
    NetworkFilesystem: "\"refuse\" or \"allow\"" {
        /// The server does not start.
        Refuse = "refuse",
        /// It starts if locks and syncs do what they should when they are tried.
        Allow = "allow",
    }

    /// What a line of the log looks like.
    LogFormat: "\"human\" or \"json\"" {
        /// For eyes.
        Human = "human",
        /// For programs.
        Json = "json",
    }

    /// What is worth a line in the log.
    LogLevel: "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"" {
        /// What somebody must look after.
        Error = "error",
        /// What somebody should look at.
        Warn = "warn",
        /// A line for each session.
        Info = "info",
        /// What clients got wrong.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

impl Value for SocketAddr {
    const KIND: &'static str = "an address and a port, such as \"192.0.2.1:993\" or \"[::]:993\"";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let address = text.parse().ok();
        if address.is_none() {
            report.add(value.span(), format!("{text:?} is not {}", Self::KIND));
        }
        address
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

/// This host, and nobody else.
pub(crate) fn this_host() -> Vec<Subnet> {
    vec![
        Subnet { address: [127, 0, 0, 0].into(), bits: 8 },
        Subnet { address: Ipv6Addr::LOCALHOST.into(), bits: 128 },
    ]
}

/// `[::]`, which takes IPv4 too.
pub(crate) fn on_every_address(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)
}

/// The addresses that begin alike: an address, and how many bits of it count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Any address of it.
    pub address: IpAddr,
    /// How many bits all of its addresses share.
    pub bits: u8,
}

impl Subnet {
    /// `192.0.2.0/24`; an address alone is a network of its own.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|bits| *bits <= most))?;
        Some(Self { address, bits })
    }
}

impl Value for Subnet {
    const KIND: &'static str = "a list of networks, such as [\"192.0.2.0/24\", \"2001:db8::/32\"]";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let network = Self::new(text);
        if network.is_none() {
            report.add(
                value.span(),
                format!("{text:?} is no network, such as \"192.0.2.0/24\" or \"2001:db8::/32\""),
            );
        }
        network
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&format!("{}/{}", self.address, self.bits)))
    }
}

/// Who may do what with a file, as `chmod` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(pub u32);

impl Value for FileMode {
    const KIND: &'static str = "a file mode in quotes, such as \"0660\"";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
        if mode.is_none() {
            report.add(value.span(), format!("{text:?} is not {}", Self::KIND));
        }
        mode.map(Self)
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&format!("{:04o}", self.0)))
    }
}

/// The name or the number of a group of this host's users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName(Box<str>);

impl GroupName {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for GroupName {
    const KIND: &'static str = "the name of a group in quotes, such as \"postfix\"";

    fn read(value: &Spanned<DeValue<'_>>, _: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let fine = !text.is_empty() && !text.contains([':', '\n', '\0']);
        fine.then(|| Self(text.into()))
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// Where something is fetched from over HTTPS. Whether it is all right is found out by whoever fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsUrl(Box<str>);

impl HttpsUrl {
    pub(crate) fn lets_encrypt() -> Self {
        Self("https://acme-v02.api.letsencrypt.org/directory".into())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for HttpsUrl {
    const KIND: &'static str = "a URL in quotes that begins with https://";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let fine = text.strip_prefix("https://").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'@')
        });
        if !fine {
            report.add(value.span(), format!("{text:?} is not {}", Self::KIND));
        }
        fine.then(|| Self(text.into()))
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// A name that a certificate is for: a host, or all hosts directly below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateName(Box<str>);

impl CertificateName {
    /// In small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is for all hosts below a domain.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }
}

impl Value for CertificateName {
    const KIND: &'static str = "a list of names in quotes, such as [\"mail.example.org\", \"*.example.net\"]";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let fine = HostName::new(text.strip_prefix("*.").unwrap_or(text)).is_some();
        if !fine {
            report.add(value.span(), format!("{text:?} is no name of a host, or of all below a domain"));
        }
        fine.then(|| Self(text.to_ascii_lowercase().into()))
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// A certificate that an authority is to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeCertificate {
    /// For which names.
    pub names: Vec<CertificateName>,
    /// How the authority validates them.
    pub challenge: Challenge,
}

impl Value for AcmeCertificate {
    const KIND: &'static str = "a list such as [{ names = [\"mail.example.org\"], challenge = \"http-01\" }]";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let parts = Parts::new(value, &["names", "challenge"], report)?;
        let (names, challenge) = (parts.get("names", report), parts.get("challenge", report));
        Some(Self { names: names?, challenge: challenge? })
    }

    fn write(&self) -> Option<String> {
        let names: Vec<_> = self.names.iter().filter_map(Value::write).collect();
        Some(format!("{{ names = [{}], challenge = {} }}", names.join(", "), self.challenge.write()?))
    }
}

/// The name of an account; whether there is one of that name is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName(Box<str>);

impl AccountName {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for AccountName {
    const KIND: &'static str = "the name of an account in quotes, such as \"ann@example.org\"";

    fn read(value: &Spanned<DeValue<'_>>, _: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let fine = !text.is_empty() && !text.contains(char::is_whitespace);
        fine.then(|| Self(text.into()))
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// What stands between a user and a mailbox in an address; `None` where nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separator(pub Option<char>);

impl Value for Separator {
    const KIND: &'static str = "a character in quotes, such as \"+\", or \"\"";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let text = value.get_ref().as_str()?;
        let mut characters = text.chars();
        let separator = Self(characters.next());
        // A letter, a digit or a dot would cut names apart that people have.
        let fine = characters.next().is_none()
            && separator.0.is_none_or(|c| c.is_ascii_punctuation() && !"@./\"\\".contains(c));
        if !fine {
            report.add(value.span(), format!("{text:?} is not {}", Self::KIND));
        }
        fine.then_some(separator)
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.0.map(String::from).unwrap_or_default()))
    }
}

/// A value with named parts, all of which must be there.
struct Parts<'v, 'd> {
    table: &'v DeTable<'d>,
    whole: &'v Spanned<DeValue<'d>>,
}

impl<'v, 'd> Parts<'v, 'd> {
    fn new(whole: &'v Spanned<DeValue<'d>>, names: &[&'static str], report: &mut Report<'_>) -> Option<Self> {
        let table = whole.get_ref().as_table()?;
        for key in table.keys().filter(|key| !names.contains(&key.get_ref().as_ref())) {
            let names = names.join("` and `");
            report.add(key.span(), format!("`{}` is unknown here: only `{names}`", key.get_ref()));
        }
        Some(Self { table, whole })
    }

    fn get<V: Value>(&self, name: &str, report: &mut Report<'_>) -> Option<V> {
        let Some(part) = self.table.get(name) else {
            report.add(self.whole.span(), format!("`{name}` is missing: {}", V::KIND));
            return None;
        };
        report.setting(name, part, None)
    }

    /// One that need not be there.
    fn optional<V: Value>(&self, name: &str, report: &mut Report<'_>) -> Option<V> {
        self.table.get(name).and_then(|part| report.setting(name, part, None))
    }
}

impl TlsSuite {
    /// The version that it belongs to.
    #[must_use]
    pub const fn version(self) -> TlsVersion {
        match self {
            Self::Aes256 | Self::Aes128 | Self::ChaCha20 => TlsVersion::V13,
            _ => TlsVersion::V12,
        }
    }
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub address: SocketAddr,
    /// What is spoken there.
    pub kind: ListenerKind,
    /// Which TLS it takes; `None` for that of `tls.profile`.
    pub tls: Option<TlsProfile>,
    /// PEM: the authorities of client certificates; `None` where clients are not asked for any.
    pub client_certificates: Option<PathBuf>,
}

impl Listener {
    /// One that takes TLS as most of them do.
    #[must_use]
    pub const fn new(address: SocketAddr, kind: ListenerKind) -> Self {
        Self { address, kind, tls: None, client_certificates: None }
    }
}

impl Value for Listener {
    const KIND: &'static str = "a list such as [{ address = \"[::]:993\", kind = \"imap-tls\" }]";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let parts = Parts::new(value, &["address", "kind", "tls", "client_certificates"], report)?;
        let (address, kind) = (parts.get("address", report), parts.get("kind", report));
        let tls = parts.optional("tls", report);
        let client_certificates = parts.optional("client_certificates", report);
        Some(Self { address: address?, kind: kind?, tls, client_certificates })
    }

    fn write(&self) -> Option<String> {
        let part = |name: &str, written: Option<String>| {
            written.map(|written| format!(", {name} = {written}")).unwrap_or_default()
        };
        let tls = part("tls", self.tls.and_then(|tls| tls.write()));
        let authorities = self.client_certificates.as_ref().and_then(Value::write);
        let clients = part("client_certificates", authorities);
        Some(format!(
            "{{ address = {}, kind = {}{tls}{clients} }}",
            self.address.write()?,
            self.kind.write()?
        ))
    }
}

/// A certificate and its key, as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// PEM: the own certificate first, then those that lead to a root.
    pub chain: PathBuf,
    /// PEM: the private key.
    pub key: PathBuf,
}

impl Value for Certificate {
    const KIND: &'static str =
        "a list such as [{ chain = \"tls/fullchain.pem\", key = \"tls/privkey.pem\" }]";

    fn read(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<Self> {
        let parts = Parts::new(value, &["chain", "key"], report)?;
        let (chain, key) = (parts.get("chain", report), parts.get("key", report));
        Some(Self { chain: chain?, key: key? })
    }

    fn write(&self) -> Option<String> {
        Some(format!("{{ chain = {}, key = {} }}", self.chain.write()?, self.key.write()?))
    }
}
