//! The list. To add a setting, add its lines here; everything else follows.

use crate::declare::settings;
use crate::directory::{Domain, Text};
use crate::value::{
    AccountName, AcmeCertificate, Certificate, FileMode, GroupName, HostName, HttpsUrl, Introspect,
    LdapCleartext, LdapDepth, Listener, ListenerKind, LiteralPlus, LogFormat, LogLevel, NetworkFilesystem,
    NewAccounts, ScramSha1, Separator, SqlCleartext, Subnet, Terms, TlsGroup, TlsProfile, TlsSuite,
    TlsVersion, WhenFull, on_every_address, this_host,
};
use std::net::SocketAddr;
use std::path::PathBuf;
use terms::DirectoryName;

settings! {
    /// What this server is called, and where its mail lies.
    server: Server {
        /// The data directory: mail, accounts and indexes. One process owns it. A copy that is taken while the
        /// server runs is no backup.
        data: PathBuf = PathBuf::from("/var/lib/gatepost");
        /// Whether the data directory may lie on NFS, SMB, 9p, FUSE and the like. Their locks and syncs are another
        /// machine's or another program's, so the server does not start there; `allow` is for whoever knows that theirs
        /// are kept through every interruption, as those of virtiofs may be.
        network_filesystem: NetworkFilesystem = NetworkFilesystem::Refuse;
        /// The name by which this host greets.
        hostname: HostName = HostName::localhost();
        /// Memory for what need not be read again: a quarter of it is for the index of the mail store, the rest for
        /// accounts and mailboxes. What was not used for the longest goes first; what is in use counts, and stays. A
        /// mailbox takes some 20 octets a message. Sessions, and messages on their way, come on top.
        memory_limit_mib: u32 = 256, from 16 to 1_048_576;
        /// Threads that serve sessions. When unset: as many as there are processors.
        workers: Option<u16> = None, from 1 to 1_024, such as "2";
        /// How long a stopping server waits for its sessions to take leave.
        shutdown_seconds: u32 = 10, from 1 to 300;
    }

    /// Where connections come in.
    network: Network {
        /// Addresses to listen on. `imap-starttls` lets nobody log in before STARTTLS; `imap-tls` begins with TLS;
        /// `lmtp` takes mail in from the networks that `lmtp.networks` names, in the clear. `acme-http` and `acme-tls` are
        /// for authorities that validate names (`[acme]`), who come to ports 80 and 443 and nowhere else. A listener may
        /// name a TLS profile of its own, as `tls`; otherwise it has that of `tls.profile`. With `client_certificates`, a PEM
        /// file of authorities, clients of an IMAP listener are asked for a certificate of one of them; who has none signs in
        /// otherwise. It lets in where it is bound to an account (docs/guide/client-certificates.md), and TLS sessions
        /// are not resumed there.
        listeners: Vec<Listener> = vec![
            Listener::new(on_every_address(143), ListenerKind::ImapStartTls),
            Listener::new(on_every_address(993), ListenerKind::ImapTls),
        ];
    }

    /// Mail coming in from a mail server such as Postfix, by LMTP (RFC 2033): over a Unix socket, or on listeners of the
    /// kind `lmtp`. Nobody signs in there, so who may connect is decided here.
    lmtp: Lmtp {
        /// The Unix socket, in a folder that is there, that the mail server may look into and that not everybody may write
        /// to. When unset: none.
        socket: Option<PathBuf> = None, such as "\"/var/spool/postfix/gatepost/lmtp\"";
        /// Who may connect to the socket: whoever may write to it.
        socket_mode: FileMode = FileMode(0o660);
        /// The group that the socket gets, by name or number; only root and members can give it. When unset: the one that
        /// the system gives it.
        socket_group: Option<GroupName> = None, such as "\"postfix\"";
        /// Networks whose hosts may hand in mail over TCP. What they say can be read and altered on its way: name no
        /// network that others use.
        networks: Vec<Subnet> = this_host();
        /// Connections at the same time, over all listeners and the socket.
        connections: u32 = 100, from 1 to 10_000;
        /// What stands in an address between an account and one of its mailboxes, as in `ann+lists@example.org`; "" for
        /// nothing.
        detail_separator: Separator = Separator(Some('+'));
        /// The account that reads mail for `postmaster`, of whichever domain, unless an account has that address itself.
        /// When unset: such mail is refused.
        postmaster: Option<AccountName> = None, such as "\"ann@example.org\"";
        /// Mail for an account that has no room: `defer` lets the mail server keep it and try again, `refuse` lets it send
        /// it back.
        when_full: WhenFull = WhenFull::Defer;
    }

    /// What users are told where to connect, for servers behind a port forwarding.
    public: Public {
        /// The host. When unset: `server.hostname`.
        host: Option<HostName> = None, such as "\"mail.example.org\"";
        /// The port for STARTTLS. When unset: that of the first `imap-starttls` listener.
        imap_port: Option<u16> = None, from 1 to 65_535, such as "143";
        /// The port for TLS. When unset: that of the first `imap-tls` listener.
        imaps_port: Option<u16> = None, from 1 to 65_535, such as "993";
    }

    /// Certificates. They are read again when the files change, without dropping a connection.
    tls: Tls {
        /// PEM files: the chain, own certificate first, and its private key. A client that asks for a name gets the
        /// first certificate that has it, and everybody else the first of all.
        certificates: Vec<Certificate> = vec![Certificate {
            chain: PathBuf::from("tls/fullchain.pem"),
            key: PathBuf::from("tls/privkey.pem"),
        }];
        /// Which TLS is taken, where a listener does not say otherwise. `compatible`: TLS 1.2 and 1.3, with forward secrecy
        /// and authenticated encryption, and nothing older (RFC 8996, RFC 9325); every mail program that is cared for
        /// speaks one of them. `modern`: TLS 1.3 alone, which keeps out Outlook on Windows 10 and telephones from before
        /// 2019. `custom`: what the three lists below say.
        profile: TlsProfile = TlsProfile::Compatible;
        /// The versions of the profile `custom`.
        versions: Vec<TlsVersion> = vec![TlsVersion::V13, TlsVersion::V12];
        /// The cipher suites of the profile `custom`; a client takes the one that it likes best. Each version
        /// needs one.
        suites: Vec<TlsSuite> = vec![
            TlsSuite::Aes256,
            TlsSuite::Aes128,
            TlsSuite::ChaCha20,
            TlsSuite::EcdsaAes256,
            TlsSuite::EcdsaAes128,
            TlsSuite::EcdsaChaCha20,
            TlsSuite::RsaAes256,
            TlsSuite::RsaAes128,
            TlsSuite::RsaChaCha20,
        ];
        /// The key exchanges of the profile `custom`.
        groups: Vec<TlsGroup> =
            vec![TlsGroup::X25519MlKem768, TlsGroup::X25519, TlsGroup::Secp256r1, TlsGroup::Secp384r1];
    }

    /// Certificates from an authority by ACME (RFC 8555), such as Let's Encrypt: ordered when the server starts, and renewed
    /// when the authority wishes it (RFC 9773) or two thirds of their life are over. They lie in `acme` in the data
    /// directory. Until the first is there, handshakes are refused: nobody is shown one that clients would have to be
    /// told to accept.
    acme: Acme {
        /// The certificates. Each has its names, of which a wildcard needs `dns-01`, and says how the authority validates
        /// them: `http-01` (a listener of the kind `acme-http`, reached at port 80), `tls-alpn-01` (`acme-tls`, port 443) or
        /// `dns-01` (`dns_hook`). Where `tls.certificates` is not set, these are all. The guide has
        /// an example (docs/guide/certificates.md).
        certificates: Vec<AcmeCertificate> = Vec::new();
        /// Whether you agree to the authority's terms of service: `agreed`, or no certificate is ordered.
        terms: Terms = Terms::Unread;
        /// The authority's directory.
        directory: HttpsUrl = HttpsUrl::lets_encrypt();
        /// PEM file of the authorities by which the directory's own certificate is verified. When unset: the system's.
        directory_ca: Option<PathBuf> = None, such as "\"tls/step-ca.pem\"";
        /// Where the authority may write to you.
        contact: Option<Text> = None, such as "\"postmaster@example.org\"";
        /// The kind of certificates, where the authority has several profiles. When unset: its usual one.
        profile: Option<Text> = None, such as "\"shortlived\"";
        /// The name of the key by which the authority knows you, where it wants one (External Account Binding).
        external_account: Option<Text> = None, such as "\"kid-1\"";
        /// The file with that key, as the authority gave it, in base64url. Nobody else should be able to read it.
        external_account_key: Option<PathBuf> = None, such as "\"acme-eab.key\"";
        /// For `dns-01`: the program that changes DNS, by its path, and its arguments; no shell reads them. It gets `add` or
        /// `remove` as one argument more, and in its environment `GATEPOST_ACME_NAME`, `GATEPOST_ACME_VALUE` and
        /// `GATEPOST_ACME_DOMAIN`. When it ends after `add`, the TXT record must be what the world sees.
        dns_hook: Vec<Text> = Vec::new(), such as "[\"/usr/local/bin/dns-hook\", \"--zone=example.org\"]";
        /// How long the program may take.
        dns_hook_seconds: u32 = 120, from 1 to 3_600;
    }

    /// What a connection may cost.
    limits: Limits {
        /// Octets that a client may send before TLS. Literals are refused there whatever their size.
        before_tls_octets: u32 = 8_192, from 512 to 65_536;
        /// Longest command under TLS before login, its literals included.
        before_login_octets: u32 = 65_536, from 4_096 to 1_048_576;
        /// Largest literal before login: a name, a password or an OAuth token. At most half of `before_login_octets`.
        login_literal_octets: u32 = 8_192, from 512 to 65_536;
        /// Longest command after login; its literals may have as many octets again. APPEND's message is counted apart.
        command_line_octets: u32 = 1_048_576, from 65_536 to 16_777_216;
        /// Largest message that APPEND and LMTP take; clients read it as APPENDLIMIT, mail servers as SIZE.
        append_limit_octets: u64 = 52_428_800, from 65_536 to 4_294_967_295;
        /// Who may send a message without asking first (LITERAL+, RFC 7888): `never`, so that one that is too large or has no
        /// room does not even come; or `authenticated`, which spares a round trip for each message where many are
        /// brought over a long line.
        literal_plus: LiteralPlus = LiteralPlus::Never;
        /// What is kept in memory for a client that does not read its answers.
        output_buffer_octets: u32 = 262_144, from 131_072 to 16_777_216;
        /// Time to log in, from the connection on.
        preauth_seconds: u32 = 60, from 5 to 600;
        /// Time for the TLS handshake.
        handshake_seconds: u32 = 10, from 1 to 120;
        /// Connections that have not logged in, from one IPv4 address or one IPv6 /64. One more shows out the oldest of them.
        preauth_connections_per_address: u32 = 64, from 1 to 100_000;
        /// Connections that have not logged in, from one IPv4 /24 or one IPv6 /48. One more shows out the oldest of them.
        preauth_connections_per_network: u32 = 512, from 1 to 1_000_000;
        /// Connections of one account. A phone and a desktop need about ten.
        connections_per_account: u32 = 64, from 1 to 10_000;
        /// Networks whose addresses stand for many people: proxies, webmail. What fails to sign in from there is held against
        /// accounts alone, and no address of theirs is ever refused for it.
        trusted_networks: Vec<Subnet> = this_host();
    }

    /// What an account may hold, unless it has limits of its own (`gatepost account quota`). Clients see it as their quota.
    quota: Quota {
        /// All messages of an account together, in MiB; 0 for no limit.
        storage_mib: u64 = 0, from 0 to 1_000_000_000_000;
        /// How many messages; 0 for no limit.
        messages: u32 = 0, from 0 to 4_294_967_295;
        /// How many mailboxes. A new account has six.
        mailboxes: u32 = 10_000, from 6 to 10_000;
    }

    /// The mail store. Everything in it is read and tested from time to time, so that rot is found while there is still a
    /// backup; what is found is logged as `server.rot`.
    store: Store {
        /// Days from the end of one scrub to the begin of the next; 0 for only when asked (`gatepost store scrub`).
        scrub_days: u32 = 7, from 0 to 365;
        /// How fast a scrub reads, in MiB a second.
        scrub_mib_per_second: u32 = 10, from 1 to 10_000;
        /// Days from the end of one compaction, which frees what is needed no more, to the begin of the next; 0 for only
        /// when asked (`gatepost store compact`).
        compact_days: u32 = 1, from 0 to 365;
        /// How fast a compaction reads and writes, in MiB a second.
        compact_mib_per_second: u32 = 64, from 1 to 10_000;
        /// Days for which what was expunged, deleted or removed is kept and can be brought back (`gatepost undelete`); then
        /// it is swept away, once a day. 0 for no longer than that takes. `gatepost purge` does not wait for it.
        retention_days: u32 = 14, from 0 to 3_650;
    }

    /// What Prometheus reads of the server, over HTTP: `/metrics`, and `/health`. Nobody signs in there, and nothing is
    /// encrypted; no account is named, but it is nobody's business outside.
    metrics: Metrics {
        /// The address to listen on. When unset: none, and `gatepost metrics` prints the same.
        listen: Option<SocketAddr> = None, such as "\"127.0.0.1:9143\"";
    }

    /// Sessions that wait for news. IDLE is never ended for idleness.
    idle: Idle {
        /// Silence after which TCP asks whether the peer is still there.
        keepalive_after_seconds: u32 = 120, from 10 to 7_200;
        /// Between two such questions.
        keepalive_interval_seconds: u32 = 30, from 1 to 600;
        /// Unanswered questions after which the connection is given up.
        keepalive_probes: u32 = 4, from 1 to 20;
        /// Between two `* OK Still here` during IDLE, which some clients need to believe that the connection lives; 0 for
        /// none. Clients that are known to run on phones get none: each would wake the radio.
        still_here_seconds: u32 = 240, from 0 to 1_740;
    }

    /// How passwords are kept (Argon2id) and how guessing them is slowed down.
    passwords: Passwords {
        /// Longest time that a login waits where others have failed, and that a failed one waits for its answer; some clients
        /// give up after 5 s.
        login_delay_max_ms: u32 = 3_000, from 0 to 5_000;
        /// Memory for one hash.
        hash_memory_kib: u32 = 19_456, from 8_192 to 65_536;
        /// Passes over that memory.
        hash_passes: u32 = 2, from 1 to 16;
        /// Hashes worked on at the same time; more wait for their turn. Memory in use is this times `hash_memory_kib`.
        hashes_at_once: u32 = 2, from 1 to 64;
        /// How long a password that was right is known again without hashing it, for webmail that signs in with every
        /// click; 0 for never. A changed password and a disabled account are never let in by it. While one is remembered
        /// its mark is in memory, and whoever can read that can guess at it faster than the hash allows.
        remember_seconds: u32 = 300, from 0 to 3_600;
        /// How many are remembered at most, the latest of them.
        remembered: u32 = 4_096, from 1 to 100_000;
        /// Whether SCRAM-SHA-1 may be used by programs that know no SCRAM-SHA-256. With `old-clients` every password that is
        /// set from then on, and every app password, is kept with keys for it too, which raises the data directory to
        /// format 3. It is offered once all passwords and app passwords have such keys and no directory checks passwords:
        /// until then it would fail for some.
        scram_sha_1: ScramSha1 = ScramSha1::Never;
    }

    /// The log, on standard error.
    log: Log {
        /// `human` for eyes, `json` for programs.
        format: LogFormat = LogFormat::Human;
        /// The least important thing to log. Passwords and message texts are in no level.
        level: LogLevel = LogLevel::Info;
    }

    several {
        /// A directory in which accounts are known: whoever it lets in has an account here. Those that are in this server's
        /// own store need none. Several are asked in their order; an account that has come from one is asked for there
        /// alone. One that is down makes its own people wait, and calls no password wrong.
        directory: Directory {
            /// What it is called: a letter, and letters, digits and hyphens, in lower case. Accounts keep it: one that is
            /// called otherwise later is another directory.
            name: Option<DirectoryName> = None, such as "\"staff\"";
            /// The domains whose names it is asked for, `""` for names without one. When empty: all names.
            domains: Vec<Domain> = vec![], such as "[\"example.org\", \"\"]";
            /// Whether somebody whom it knows and who has no account here gets one by signing in (`make`), or stays outside
            /// until an admin has made one (`refuse`).
            new_accounts: NewAccounts = NewAccounts::Make;
            /// Directories whose names mean the same people as this one's, so that an account may come from both: those of an
            /// OpenID provider that takes its people from the LDAP server, say. Elsewhere a name that is an account's
            /// already is refused.
            same_people_as: Vec<DirectoryName> = vec![], such as "[\"ldap\"]";
            /// A file, as `[directory.file]` says. Of the four, a directory has one.
            file: Option<PasswdFile> = None;
            /// An LDAP server, as `[directory.ldap]` says.
            ldap: Option<Ldap> = None;
            /// A database, as `[directory.sql]` says.
            sql: Option<Sql> = None;
            /// An OpenID provider, as `[directory.oidc]` says.
            oidc: Option<Oidc> = None;
        }
        parts {
            /// A file of accounts: `name:hash` on each line, what follows another colon is passed over. It is read again when
            /// it changes.
            "directory.file": PasswdFile {
                /// Where it lies.
                path: Option<PathBuf> = None, such as "\"/etc/gatepost/passwd\"";
            }

            /// An LDAP server, such as OpenLDAP or Active Directory. It is asked who has a name, and whether it lets them bind
            /// with their password. What people type is escaped; nothing of it is ever part of a filter or a name as it is.
            "directory.ldap": Ldap {
                /// Where it is: `ldaps://host` for TLS, `ldap://host` for StartTLS, which has to succeed, or `ldapi:///path` for
                /// a Unix socket.
                url: Option<Text> = None, such as "\"ldaps://ldap.example.org\"";
                /// Whether `ldap://` to an address of this machine means no TLS (`loopback`).
                cleartext: LdapCleartext = LdapCleartext::Never;
                /// A PEM file of the authorities that vouch for it. When unset: those of the system.
                authorities: Option<PathBuf> = None, such as "\"ldap-ca.pem\"";
                /// As whom entries are looked for: a distinguished name that may read them, and needs no other right. When
                /// unset: as nobody.
                reader: Option<Text> = None, such as "\"cn=gatepost,ou=services,dc=example,dc=org\"";
                /// A file with its password on the first line.
                reader_password_file: Option<PathBuf> = None, such as "\"ldap-password\"";
                /// Below which entry people are looked for.
                base: Option<Text> = None, such as "\"ou=people,dc=example,dc=org\"";
                /// How far below it: `one` or `subtree`.
                depth: LdapDepth = LdapDepth::Subtree;
                /// Whose entry it is. `{login}` stands for what is typed, `{local}` for what is before the `@`, `{domain}` for
                /// what is behind it. It has to find exactly one; a name of two is nobody's. With `{local}` and no `{domain}` the
                /// directory needs `domains`: else everybody would be found under each domain.
                filter: Text = Text::known("(mail={login})");
                /// Instead of base and filter: how the name of somebody's entry is made of what they type.
                template: Option<Text> = None, such as "\"uid={local},ou={domain},dc=example,dc=org\"";
                /// The attribute that says who somebody is, whatever they are called; of Active Directory `objectGUID`.
                subject: Text = Text::known("entryUUID");
                /// The attribute with the name of the account. Of several values the first in the alphabet names a new account,
                /// which keeps its name as long as that is one of them.
                login: Text = Text::known("mail");
                /// Who may sign in: a filter that their entries match. When unset: all whom the server lets bind.
                enabled_filter: Option<Text> = None, such as "\"(!(nsAccountLock=true))\"";
                /// Attributes of which one becomes another with the password. A right password is known again without asking
                /// as long as they stay; where there is none, for a minute.
                version: Vec<Text> =
                    ["pwdChangedTime", "pwdLastSet", "entryCSN", "modifyTimestamp"].map(Text::known).into();
            }

            /// A table of accounts in PostgreSQL or SQLite. It is only read.
            "directory.sql": Sql {
                /// One SELECT with one parameter, the login name in lower case, written `$1` for PostgreSQL and `?1` for SQLite.
                /// Its columns go by their names: `subject` (who it is: a key that is never given to somebody else) and
                /// `password` (a hash such as `{ARGON2ID}$argon2id$...` or `$2y$...`) are needed; `login` (what the account is
                /// called, where that is not what was typed), `enabled` (whether they may sign in) and `version` (what becomes
                /// another with the password) need not be there.
                query: Option<Text> = None,
                    such as "\"SELECT id AS subject, hash AS password, active AS enabled FROM users WHERE address = $1\"";
                /// A SQLite file. When unset: PostgreSQL.
                sqlite: Option<PathBuf> = None, such as "\"/var/lib/users/users.sqlite\"";
                /// Where PostgreSQL is: a host that its certificate names, or the folder of its Unix socket.
                host: Text = Text::known("/run/postgresql");
                /// Its port.
                port: u16 = 5_432, from 1 to 65_535;
                /// The database.
                database: Option<Text> = None, such as "\"users\"";
                /// As whom we ask. It needs the right to SELECT what the query reads, and no other.
                user: Text = Text::known("gatepost");
                /// A file with its password on the first line. When unset: none, as for `peer` on a Unix socket.
                password_file: Option<PathBuf> = None, such as "\"postgresql-password\"";
                /// A PEM file of the authorities that vouch for the host. When unset: those of the system.
                authorities: Option<PathBuf> = None, such as "\"postgresql-ca.pem\"";
                /// Whether a host is spoken to without TLS (`allow`): names and hashes can be read and answers be forged on the
                /// way, so that is for a network that is private by other means.
                cleartext: SqlCleartext = SqlCleartext::Never;
            }

            /// An OpenID provider, such as Authentik or Keycloak, whose tokens let in: OAUTHBEARER and XOAUTH2. It knows no
            /// passwords here; for programs that cannot get tokens there are app passwords.
            "directory.oidc": Oidc {
                /// The provider, as it writes itself in its tokens. It is part of who somebody is.
                issuer: Option<Text> = None, such as "\"https://id.example.org/realms/staff\"";
                /// For whom a token has to be made: one of its `aud` is one of these.
                audiences: Vec<Text> = vec![Text::known("gatepost")];
                /// The programs that a token may have been made for, by their `client_id`. When empty: all.
                clients: Vec<Text> = vec![], such as "[\"thunderbird\"]";
                /// The scopes that a token has to have. Clients are told to ask for them.
                scopes: Vec<Text> = vec![], such as "[\"email\"]";
                /// What in a token is the name of the account: `email`, which counts where `email_verified` is true,
                /// `preferred_username`, or a claim of the provider's own. People must not be able to choose it freely.
                login: Text = Text::known("email");
                /// A claim that has to be true for whoever may sign in. When unset: everybody may.
                enabled: Option<Text> = None, such as "\"mail_user\"";
                /// As whom the provider is asked about tokens (RFC 7662): a client that may introspect. When unset: tokens are
                /// judged by the provider's keys alone.
                client_id: Option<Text> = None, such as "\"gatepost\"";
                /// A file with its secret on the first line.
                client_secret_file: Option<PathBuf> = None, such as "\"oidc-secret\"";
                /// Which tokens it is asked about: `opaque`, those that only it can read, or `all`, so that one that was revoked
                /// is known to be within a minute.
                introspect: Introspect = Introspect::Opaque;
                /// A PEM file of the authorities that vouch for it. When unset: those of the system.
                authorities: Option<PathBuf> = None, such as "\"oidc-ca.pem\"";
            }
        }
    }
}
