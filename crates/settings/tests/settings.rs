#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
//! What a settings file may say, and what is said of one that is wrong.

use settings::{
    FileMode, HostName, Listener, ListenerKind, Lmtp, LogFormat, Separator, Settings, Subnet, TlsGroup,
    TlsProfile, WhenFull, manual,
};
use std::path::{Path, PathBuf};

/// What `text` is told.
fn complaint(text: &str) -> String {
    Settings::parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(Settings::parse("").unwrap(), Settings::default());
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let limits = Settings::default().limits;
    assert_eq!((limits.before_tls_octets, limits.before_login_octets), (8 << 10, 64 << 10));
    assert_eq!((limits.login_literal_octets, limits.command_line_octets), (8 << 10, 1 << 20));
    assert_eq!((limits.append_limit_octets, limits.output_buffer_octets), (50 << 20, 256 << 10));
    assert_eq!((limits.preauth_connections_per_address, limits.preauth_connections_per_network), (64, 512));
}

#[test]
fn the_commented_file_says_what_it_was_written_from() {
    assert_eq!(Settings::parse(&Settings::default().to_toml()).unwrap(), Settings::default());
    let mut own = Settings::default();
    own.server.data = PathBuf::from("mail \"here\"");
    own.server.hostname = HostName::new("mail.example.org").unwrap();
    own.network.listeners = vec![Listener {
        tls: Some(TlsProfile::Modern),
        client_certificates: None,
        ..Listener::new("127.0.0.1:1993".parse().unwrap(), ListenerKind::ImapTls)
    }];
    own.tls.profile = TlsProfile::Custom;
    own.tls.groups = vec![TlsGroup::X25519];
    own.lmtp = Lmtp {
        socket: Some(PathBuf::from("/run/lmtp")),
        socket_mode: FileMode(0o600),
        networks: ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]
            .map(|text| Subnet::new(text).unwrap())
            .into(),
        detail_separator: Separator(None),
        when_full: WhenFull::Refuse,
        ..Lmtp::default()
    };
    own.public.imaps_port = Some(993);
    own.idle.still_here_seconds = 0;
    own.log.format = LogFormat::Json;
    assert_eq!(Settings::parse(&own.to_toml()).unwrap(), own, "{}", own.to_toml());
}

/// The default file with every setting in force.
fn live_file() -> String {
    let file = Settings::default().to_toml();
    let live = file.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if setting.contains(" = ") || setting.starts_with(['[', ']', ' ']) => setting,
        _ => line,
    });
    live.map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_commented_line_can_be_taken_in_as_it_stands() {
    Settings::parse(&live_file()).unwrap();
}

#[test]
fn the_committed_file_and_manual_are_current() {
    let file = include_str!("../../../docs/guide/gatepost.toml");
    assert_eq!(file, Settings::default().to_toml(), "run `cargo xtask manual`");
    let page = include_str!("../../../docs/guide/settings.md");
    assert_eq!(page, manual(), "run `cargo xtask manual`");
}

#[test]
fn an_unknown_name_is_told_its_line_and_what_was_meant() {
    for (text, told) in [
        ("[server]\nhostnme = 'x'", "line 2: [server] has no setting `hostnme`; did you mean `hostname`?"),
        ("[server]\nlevel = 'info'", "line 2: [server] has no setting `level`; it belongs in [log]"),
        ("\n[sever]\n", "line 2: there is no section [sever]; did you mean [server]?"),
        (
            "hostname = 'x'",
            "line 1: `hostname` stands outside of every section; did you mean `hostname` in [server]?",
        ),
        ("server = 1", "line 1: `server` is a section: write [server] on a line of its own"),
        (
            "[[network.listeners]]\naddress = '[::]:1'\nkind = 'imap-tls'\nkin = 1",
            "line 4: `kin` is unknown here: only `address` and `kind` and `tls` and `client_certificates`",
        ),
    ] {
        assert_eq!(complaint(text), told);
    }
    assert!(complaint("[zebra]").contains("there are [server], [network]"));
}

#[test]
fn a_wrong_value_is_told_what_would_be_right() {
    for (text, told) in [
        (
            "[limits]\npreauth_seconds = '60'",
            "line 2: `preauth_seconds` must be a whole number, and this is a TOML string",
        ),
        ("[limits]\npreauth_seconds = 1", "line 2: `preauth_seconds` must be from 5 to 600, and 1 is not"),
        (
            "[network]\nlisteners = [{ address = '[::1]:24', kind = 'lmtp', tls = 'modern' }]",
            "line 2: a listener of this kind has no TLS to choose: `tls` is for those of IMAP",
        ),
        (
            "[network]\nlisteners = [{ address = '[::1]:24', kind = 'lmtp', client_certificates = 'ca.pem' }]",
            "line 2: on a listener of this kind nobody signs in: `client_certificates` is for those of IMAP",
        ),
        ("[tls]\nversions = ['1.1']", "line 2: \"1.1\" is not \"1.2\" or \"1.3\""),
        (
            "[network]\nlisteners = [{ address = '[::]:993', kind = 'imap-tls', tls = 'old' }]",
            "line 2: \"old\" is not \"compatible\", \"modern\" or \"custom\"",
        ),
        ("[limits]\npreauth_seconds = -1", "line 2: -1 is not from 0 to 4294967295"),
        (
            "[log]\nlevel = 'loud'",
            "line 2: \"loud\" is not \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
        ),
        (
            "[server]\nhostname = 'a b'",
            "line 2: \"a b\" is not the name of a host in quotes, such as \"mail.example.org\"",
        ),
        (
            "[network]\nlisteners = [{ address = '[::]:993' }]",
            "line 2: `kind` is missing: \"imap-starttls\", \"imap-tls\", \"lmtp\", \"acme-http\" or \"acme-tls\"",
        ),
        (
            "[network]\nlisteners = [{ address = '[::1]:993', kind = 'imap-tls' },\n { address = '[::1]:993', kind = 'imap-starttls' }]",
            "line 3: the address [::1]:993 is listened on twice",
        ),
        (
            "[lmtp]\nnetworks = ['192.0.2.0/33']",
            "line 2: \"192.0.2.0/33\" is no network, such as \"192.0.2.0/24\" or \"2001:db8::/32\"",
        ),
        ("[lmtp]\nsocket_mode = '0999'", "line 2: \"0999\" is not a file mode in quotes, such as \"0660\""),
        (
            "[lmtp]\ndetail_separator = 'x'",
            "line 2: \"x\" is not a character in quotes, such as \"+\", or \"\"",
        ),
        (
            "[network]\nlisteners = [{ address = '[::1]:25', kind = 'lmtp' }]",
            "line 2: LMTP cannot be spoken on port 25, which is for SMTP; take another one, such as 24",
        ),
        (
            "[network]\nlisteners = [{ address = '[::1]:24', kind = 'lmtp' }]\n[lmtp]\nnetworks = []",
            "line 4: there is a listener for LMTP, and no network that may connect to it",
        ),
        (
            "[limits]\nlogin_literal_octets = 65536",
            "line 2: `login_literal_octets` must be at most half of `before_login_octets`",
        ),
    ] {
        assert_eq!(complaint(text), told);
    }
}

#[test]
fn what_no_setting_is_to_blame_for_alone_is_told_too() {
    for (text, told) in [
        (
            "[limits]\n\nbefore_login_octets = 4096",
            "line 3: `login_literal_octets` must be at most half of `before_login_octets`",
        ),
        ("[network]\nlisteners = []", "line 2: there is nothing to listen on: name at least one listener"),
        (
            "[network]\nlisteners = [{ address = '127.0.0.1:993', kind = 'imap-tls' }]\n[metrics]\nlisten = '127.0.0.1:993'",
            "line 4: the address 127.0.0.1:993 is listened on twice",
        ),
        (
            "[tls]\nversions = ['1.2', '1.3']\nsuites = ['TLS_AES_128_GCM_SHA256']",
            "line 3: there has to be a version of TLS, and a suite for each: those of 1.3 have no WITH in their names",
        ),
        ("[tls]\ngroups = []", "line 2: without a key exchange there is no TLS: name at least one group"),
        ("[tls]\ncertificates = []", "line 2: there is no certificate: without one nobody can log in"),
    ] {
        assert_eq!(complaint(text), told);
    }
}

/// Xorshift: which octet of the text is struck, and by what.
fn strike(text: &str, mut seed: u64) -> String {
    let mut octets = text.as_bytes().to_vec();
    for _ in 0..3 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let place = usize::try_from(seed >> 8).unwrap() % octets.len();
        octets[place] = b"\n\"'=[]{}#,.x0-\xc3"[usize::try_from(seed & 0xff).unwrap() % 15];
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[test]
fn a_damaged_file_is_read_or_told_a_line_that_it_has() {
    let live = live_file();
    for seed in 1..2_000u64 {
        let text = strike(&live, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if let Err(mistakes) = Settings::parse(&text) {
            let last = text.lines().count() + 1;
            for mistake in mistakes.iter() {
                assert!((1..=last).contains(&mistake.line), "seed {seed}: {mistake}");
            }
        }
    }
}

#[test]
fn any_free_port_may_be_asked_for_more_than_once() {
    let any = "{ address = '127.0.0.1:0', kind = 'imap-tls' }";
    let metrics = "[metrics]\nlisten = '127.0.0.1:0'";
    assert!(Settings::parse(&format!("[network]\nlisteners = [{any}, {any}]\n{metrics}")).is_ok());
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_lines() {
    let told = complaint("[log]\nlevel = 1\n[server]\ndata = 2\nfoo = 3\n");
    let lines: Vec<_> = told.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["line 2", "line 4", "line 5"]);
}

#[test]
fn text_that_is_not_toml_is_told_its_line() {
    assert!(complaint("[server]\ndata = \n").starts_with("line 2: "));
    assert!(complaint("[server]\ndata = 'a'\ndata = 'b'\n").starts_with("line 3: "));
}

#[test]
fn relative_paths_begin_where_the_file_lies() {
    let settings = Settings::parse("[server]\ndata = 'mail'").unwrap().rooted_at(Path::new("/etc/gatepost"));
    assert_eq!(settings.lmtp.socket, None);
    let own = Settings::parse("[lmtp]\nsocket = 'lmtp.sock'").unwrap().rooted_at(Path::new("/etc/gatepost"));
    assert_eq!(own.lmtp.socket, Some(PathBuf::from("/etc/gatepost/lmtp.sock")));
    assert_eq!(settings.server.data, Path::new("/etc/gatepost/mail"));
    assert_eq!(settings.tls.certificates.first().unwrap().key, Path::new("/etc/gatepost/tls/privkey.pem"));
    let asks = "[network]\nlisteners = [{ address = '[::]:993', kind = 'imap-tls', client_certificates = 'ca.pem' }]";
    let asks = Settings::parse(asks).unwrap().rooted_at(Path::new("/etc/gatepost"));
    let authorities = asks.network.listeners.first().unwrap().client_certificates.as_deref();
    assert_eq!(authorities, Some(Path::new("/etc/gatepost/ca.pem")));
    assert_eq!(Settings::parse(&asks.to_toml()).unwrap(), asks, "it is written as it is read");
    assert_eq!(Settings::default().rooted_at(Path::new("/etc")).server.data, Path::new("/var/lib/gatepost"));
}

#[test]
fn messages_name_what_is_public_else_what_is_bound() {
    let settings =
        Settings::parse("[public]\nimap_port = 1143\n[server]\nhostname = 'mail.example.org'").unwrap();
    assert_eq!(settings.public_host().as_str(), "mail.example.org");
    assert_eq!(settings.public_port(ListenerKind::ImapStartTls), Some(1143));
    assert_eq!(settings.public_port(ListenerKind::ImapTls), Some(993));
    let listeners = "listeners = [{ address = '[::]:143', kind = 'imap-starttls' }]";
    let none = Settings::parse(&format!("[network]\n{listeners}")).unwrap();
    assert_eq!(none.public_port(ListenerKind::ImapTls), None);
}

#[test]
fn directories_are_asked_in_the_order_in_which_they_stand() {
    let text = "\
        [[directory]]\nname = 'staff'\ndomains = ['Example.org', '']\nfile = { path = 'staff.passwd' }\n\
        [[directory]]\nname = 'guests'\nsame_people_as = ['staff']\nnew_accounts = 'refuse'\n\
        [directory.file]\npath = '/etc/guests'\n";
    let settings = Settings::parse(text).unwrap().rooted_at(Path::new("/etc/gatepost"));
    let of = |at: usize| {
        let directory = &settings.directory[at];
        let path = directory.file.as_ref().unwrap().path.clone().unwrap();
        (directory.name.clone().unwrap().to_string(), path)
    };
    assert_eq!(of(0), ("staff".into(), PathBuf::from("/etc/gatepost/staff.passwd")));
    assert_eq!(of(1), ("guests".into(), PathBuf::from("/etc/guests")));
    let domains: Vec<_> = settings.directory[0].domains.iter().map(ToString::to_string).collect();
    assert_eq!(domains, ["example.org", ""]);
    assert_eq!(Settings::parse(&settings.to_toml()).unwrap(), settings, "{}", settings.to_toml());
}

#[test]
fn a_directory_that_would_take_people_of_two_domains_for_one_is_refused() {
    let told = |domains: &str, ldap: &str| {
        let text = format!(
            "[[directory]]\nname = 'staff'\n{domains}\n[directory.ldap]\nurl = 'ldaps://ldap.example.org'\nbase = 'dc=x'\n{ldap}\n"
        );
        Settings::parse(&text).err().map(|why| why.to_string()).unwrap_or_default()
    };
    for (ldap, key) in [
        ("template = 'uid={local},dc=x'", "template"),
        ("filter = '(uid={local})'", "filter"),
        ("filter = '(|(mail={login})(uid={local}))'", "filter"),
    ] {
        let why = told("", ldap);
        let expected = format!(
            "line 7: `{key}` of the directory staff goes by {{local}} without the domain, and no `domains` are named: \
             ann@one.example and ann@two.example would be one person. Name those that it is for, such as \
             domains = [\"example.org\", \"\"], or put {{login}} or {{domain}} there"
        );
        assert_eq!(why, expected);
        assert_eq!(told("domains = ['example.org', '']", ldap), "");
    }
    for ldap in ["", "filter = '(mail={login})'", "template = 'uid={local},ou={domain},dc=x'"] {
        assert_eq!(told("", ldap), "", "{ldap}");
    }
}

#[test]
fn a_directory_that_could_not_be_asked_is_told_what_it_wants() {
    for (text, told) in [
        ("[[directory]]\nfile.path = 'x'", "line 1: a [[directory]] has no `name`"),
        (
            "[[directory]]\nname = 'staff'",
            "line 2: nothing says where the directory staff is: it wants a table such as [directory.file]",
        ),
        (
            "[[directory]]\nname = 'staff'\n[directory.file]\n",
            "line 3: [directory.file] of the directory staff has no `path`",
        ),
        (
            "[[directory]]\nname = 'Staff'\nfile.path = 'x'",
            "line 1: a [[directory]] has no `name`\nline 2: \"Staff\": A directory's name is a letter and up to 31 more \
             letters, digits or hyphens, all lower case",
        ),
        (
            "[[directory]]\nname = 'a'\nfile.path = 'x'\n[[directory]]\nname = 'a'\nfile.path = 'y'",
            "line 6: there are two directories of the name a",
        ),
        (
            "[[directory]]\nname = 'staff'\nfile.path = 'x'\nsame_people_as = ['other']",
            "line 4: `same_people_as` of staff names other, which is no other directory",
        ),
        (
            "[[directory]]\nname = 'staff'\nfile.path = 'x'\nsql.query = 'x'\nsql.sqlite = 'x'",
            "line 2: the directory staff is in 2 places; make it 2 directories",
        ),
        (
            "[[directory]]\nname = 'staff'\n[directory.oidc]\nclient_id = 'x'\naudiences = []",
            "line 3: [directory.oidc] of the directory staff has no `issuer`\nline 3: [directory.oidc] of the directory \
             staff has no `audiences`\nline 3: [directory.oidc] of the directory staff has no `client_secret_file`",
        ),
        (
            "[[directory]]\nname = 'staff'\n[directory.file]\npaht = 'x'",
            "line 4: [directory.file] has no setting `paht`; there are path",
        ),
        (
            "[directory]\nname = 'staff'",
            "line 1: `directory` is a section: write [[directory]] on a line of its own",
        ),
        (
            "[[directory]]\nname = 'a'\nfile.path = 'x'\ndomains = ['@x']",
            "line 4: \"@x\" is no domain, such as \"example.org\"",
        ),
    ] {
        let complaint = complaint(text);
        assert!(complaint.contains(told), "{text}: {complaint}");
    }
}

const ACME: &str = "[network]\nlisteners = [{ address = '[::]:993', kind = 'imap-tls' }, { address = '[::]:80', kind = 'acme-http' }]\n\
    [acme]\nterms = 'agreed'\n";

#[test]
fn certificates_by_acme_stand_alone_where_no_files_are_named() {
    let by_acme =
        "certificates = [{ names = ['Mail.example.org', 'imap.example.org'], challenge = 'http-01' }]\n";
    let settings = Settings::parse(&format!("{ACME}{by_acme}")).unwrap();
    assert!(settings.tls.certificates.is_empty());
    let names: Vec<_> = settings.acme.certificates[0].names.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["mail.example.org", "imap.example.org"]);
    let both = format!("{ACME}{by_acme}[tls]\ncertificates = [{{ chain = 'a.pem', key = 'b.pem' }}]\n");
    assert_eq!(Settings::parse(&both).unwrap().tls.certificates.len(), 1);
    assert_eq!(Settings::parse(&settings.to_toml()).unwrap().acme, settings.acme);
}

#[test]
fn an_order_that_could_not_come_to_anything_is_a_mistake() {
    let one = |challenge: &str, names: &str| {
        format!("certificates = [{{ names = [{names}], challenge = '{challenge}' }}]\n")
    };
    for (text, told) in [
        (
            one("tls-alpn-01", "'a.example.org'"),
            "line 5: tls-alpn-01 needs a listener of the kind \"acme-tls\", reached at port 443",
        ),
        (one("dns-01", "'a.example.org'"), "line 5: dns-01 needs `dns_hook` in [acme]"),
        (
            one("http-01", "'*.example.org'"),
            "line 5: *.example.org needs dns-01: http-01 proves one host, not all below a domain",
        ),
        (one("http-01", ""), "line 5: a certificate has from 1 to 100 names"),
        (
            one("http-01", "'not a name'"),
            "line 5: \"not a name\" is no name of a host, or of all below a domain",
        ),
        (
            "directory = 'http://ca.example.org/'\n".into(),
            "line 5: \"http://ca.example.org/\" is not a URL in quotes that begins with https://",
        ),
        (
            "external_account = 'kid'\n".into(),
            "line 5: `external_account` and `external_account_key` go together: the authority gives both",
        ),
    ] {
        assert_eq!(complaint(&format!("{ACME}{text}")), told);
    }
    let unread = format!("{ACME}{}", one("http-01", "'a.example.org'")).replace("agreed", "unread");
    assert!(complaint(&unread).contains("terms = \"agreed\""));
}
