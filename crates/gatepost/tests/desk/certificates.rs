//! Certificates: from a real authority, renewed under open sessions, and looked at as a client would.

use crate::ANN;
use crate::home::{Home, Listening};
use fetch::{Roots, Url};
use std::fs;
use std::path::{Path, PathBuf};
use testkit::imap::{Client, Trust};
use testkit::pebble::{Pebble, Wish, dns_hook, free_port};

const HOST: &str = "mail.example.org";

/// An installation that gets its certificates from an authority.
struct Site {
    home: Home,
    http: u16,
    tls: u16,
}

impl Site {
    fn new(name: &str) -> Self {
        let home = Home::empty(name);
        Self { home, http: free_port(), tls: free_port() }
    }

    fn pebble(&self, wish: Wish<'_>) -> Pebble {
        Pebble::start(&self.home.folder.join("pebble"), Wish { http: self.http, tls: self.tls, ..wish })
    }

    /// Writes the settings; `acme` are lines of their section.
    fn configure(&self, directory: &str, ca: &Path, acme: &str) {
        let listener = |port: u16, kind| format!("{{ address = \"127.0.0.1:{port}\", kind = \"{kind}\" }}");
        let listeners = [
            listener(0, "imap-starttls"),
            listener(0, "imap-tls"),
            listener(self.http, "acme-http"),
            listener(self.tls, "acme-tls"),
        ];
        let text = format!(
            "[server]\ndata = \"{}\"\nhostname = \"{HOST}\"\n[network]\nlisteners = [{}]\n[log]\nformat = \"json\"\n\
             [passwords]\nhash_memory_kib = 8192\nlogin_delay_max_ms = 0\n\
             [acme]\nterms = \"agreed\"\ndirectory = \"{directory}\"\ndirectory_ca = \"{}\"\n{acme}\n",
            self.home.data().display(),
            listeners.join(", "),
            ca.display(),
        );
        fs::write(self.home.config(), text).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.data().join("acme").join(format!("{name}.pem"))
    }

    /// Trust in the authority's root, for one of our names.
    fn trust(&self, pebble: &Pebble, host: &str) -> Trust {
        let root = self.home.folder.join("root.pem");
        fs::write(&root, fetched(pebble, "/roots/0")).unwrap();
        Trust::authority(&root, host)
    }
}

fn fetched(pebble: &Pebble, path: &str) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = Url::parse(&format!("{}{path}", pebble.management)).unwrap();
    let client = fetch::Client::new(&Roots::File(pebble.ca.clone())).unwrap();
    runtime.block_on(client.get(&url)).unwrap().body.to_vec()
}

const BY_HTTP: &str = "certificates = [{ names = [\"mail.example.org\"], challenge = \"http-01\" }]";

fn first_certificate(server: &Listening) {
    server.line_with("certificate.issued");
    server.line_with("certificate.loaded");
}

#[test]
fn a_certificate_is_proved_over_http_and_renewed_while_connections_stay_up() {
    let site = Site::new("acme-http");
    let pebble = site.pebble(Wish::default());
    site.configure(&pebble.directory, &pebble.ca, BY_HTTP);
    site.home.ok("check-config", "");
    site.home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = site.home.serve();
    first_certificate(&server);
    let trust = site.trust(&pebble, HOST);
    let mut old = Client::connect(server.imaps, &trust).unwrap();
    old.login(ANN, "secret").unwrap();

    let first = fs::read(site.file(HOST)).unwrap();
    let told = site.home.ok("cert renew mail.example.org", "");
    assert!(told.starts_with("mail.example.org has a new certificate"), "{told}");
    server.line_with("certificate.loaded");
    let second = fs::read(site.file(HOST)).unwrap();
    let key = |pem: &[u8]| pem.split(|octet| *octet == b'\n').take(4).collect::<Vec<_>>().concat();
    assert_ne!(key(&first), key(&second), "each has a key of its own");
    let mut new = Client::connect(server.imaps, &trust).unwrap();
    new.login(ANN, "secret").unwrap();
    old.ask("NOOP").unwrap();

    let status = site.home.ok("cert status", "");
    for part in [
        "mail.example.org\n",
        "  issuer   CN=Pebble Intermediate CA",
        "in 89 days",
        "  ACME     http-01, next order ",
    ] {
        assert!(status.contains(part), "{part} in {status}");
    }
    let json = site.home.ok("cert status --json", "");
    assert!(json.contains("\"challenge\": \"http-01\""), "{json}");
    let unknown = site.home.refused("cert renew other.example.org", "");
    assert!(unknown.contains("[acme] names no certificate for other.example.org"), "{unknown}");
    server.stop();
    // Whoever starts again has it at once, and orders none.
    let server = site.home.serve();
    assert!(server.first_line_with("certificate.loaded").contains("mail.example.org.pem"));
    Client::connect(server.imaps, &trust).unwrap();
    assert!(!server.stop().contains("certificate.issued"));
}

#[test]
fn certificates_are_proved_over_tls_and_by_dns_and_each_name_gets_its_own() {
    let site = Site::new("acme-others");
    let pebble = site.pebble(Wish::default());
    let hook = dns_hook(&site.home.folder, pebble.dns);
    let acme = format!(
        "certificates = [\n{{ names = [\"mail.example.org\"], challenge = \"tls-alpn-01\" }},\n\
         {{ names = [\"*.example.net\", \"example.net\"], challenge = \"dns-01\" }} ]\ndns_hook = [\"{}\"]",
        hook.display()
    );
    site.configure(&pebble.directory, &pebble.ca, &acme);
    let server = site.home.serve();
    for name in [HOST, "*.example.net"] {
        // Issued, or not: then it says why.
        let told = server.line_with("certificate.issued");
        assert!(told.contains(&format!("\"server_name\":\"{name}\"")), "{told}");
        server.line_with("certificate.loaded");
        server.line_with("certificate.checked");
    }
    for host in [HOST, "imap.example.net", "example.net"] {
        Client::connect(server.imaps, &site.trust(&pebble, host)).unwrap();
    }
    let told = fs::read_to_string(site.home.folder.join("dns-hook.log")).unwrap();
    let name = "_acme-challenge.example.net";
    assert_eq!(told, format!("add {name}\nadd {name}\nremove {name}\nremove {name}\n"));
    server.stop();
}

#[test]
fn an_authority_that_wants_to_know_us_is_told_by_its_key() {
    let site = Site::new("acme-eab");
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let pebble = site.pebble(Wish { external_account: Some(("kid-1", key)), ..Wish::default() });
    site.configure(&pebble.directory, &pebble.ca, BY_HTTP);
    let server = site.home.serve();
    let failed = server.first_line_with("certificate.order-failed");
    assert!(failed.contains("externalAccountRequired"), "{failed}");
    server.stop();
    let file = site.home.folder.join("eab.key");
    fs::write(&file, format!("{key}\n")).unwrap();
    let acme =
        format!("{BY_HTTP}\nexternal_account = \"kid-1\"\nexternal_account_key = \"{}\"", file.display());
    site.configure(&pebble.directory, &pebble.ca, &acme);
    let server = site.home.serve();
    site.home.ok("cert renew", "");
    server.line_with("certificate.loaded");
    server.stop();
}

#[test]
fn until_there_is_a_certificate_nobody_is_shown_one_and_a_restart_does_not_ask_again() {
    let site = Site::new("acme-none");
    let pebble = site.pebble(Wish::default());
    // A port at which nobody listens.
    let nobody = format!("https://127.0.0.1:{}/dir", free_port());
    site.configure(&nobody, &pebble.ca, BY_HTTP);
    let server = site.home.serve();
    let failed = server.first_line_with("certificate.order-failed");
    assert!(failed.contains("\"failures\":1") && failed.contains("cannot be reached"), "{failed}");
    assert!(Client::connect(server.imaps, &site.trust(&pebble, HOST)).is_err(), "the handshake is refused");
    let status = site.home.ok("cert status", "");
    assert!(status.contains("there is none yet") && status.contains("failed   1 times"), "{status}");
    server.stop();
    let server = site.home.serve();
    let status = site.home.ok("cert status", "");
    assert!(status.contains("failed   1 times"), "{status}");
    let again = site.home.refused("cert renew", "");
    assert!(again.contains("cannot be reached"), "{again}");
    let failed = server.line_with("certificate.order-failed");
    assert!(failed.contains("\"failures\":2"), "an admin may, and the plan did not: {failed}");
    server.stop();
}

#[test]
fn what_an_authority_does_not_find_is_told_by_name() {
    let site = Site::new("acme-refused");
    // It looks where nobody listens.
    let pebble =
        Pebble::start(&site.home.folder.join("pebble"), Wish { http: free_port(), ..Wish::default() });
    site.configure(&pebble.directory, &pebble.ca, BY_HTTP);
    let server = site.home.serve();
    let failed = server.first_line_with("certificate.order-failed");
    assert!(failed.contains("mail.example.org was not validated: "), "{failed}");
    server.stop();
}

#[test]
fn the_doors_for_authorities_lead_nowhere() {
    let site = Site::new("acme-doors");
    let pebble = site.pebble(Wish::default());
    site.configure(&pebble.directory, &pebble.ca, BY_HTTP);
    let server = site.home.serve();
    first_certificate(&server);
    let get = |path: &str| testkit::http::get(([127, 0, 0, 1], site.http).into(), path);
    for path in ["/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/guess", "/metrics"] {
        assert_eq!(get(path).0, 404, "{path}");
    }
    // A mail program that comes to the door for validations finds no mail behind it.
    assert!(Client::connect(([127, 0, 0, 1], site.tls).into(), &site.trust(&pebble, HOST)).is_err());
    server.stop();
}

#[test]
fn files_are_looked_at_as_a_client_would() {
    let home = Home::init("cert-check");
    let fine = home.ok("cert check", "");
    assert!(fine.contains("localhost") && fine.contains("  ends     "), "{fine}");
    let made = rcgen::generate_simple_self_signed(vec!["elsewhere.example.org".to_owned()]).unwrap();
    let tls = home.data().join("tls");
    fs::write(tls.join("server.pem"), made.cert.pem()).unwrap();
    let broken = home.refused("cert check", "");
    assert!(broken.contains("both files must be replaced"), "{broken}");
    fs::write(tls.join("server-key.pem"), made.signing_key.serialize_pem()).unwrap();
    let told = home.refused("cert check", "");
    for part in
        ["it is self-signed", "no certificate is for localhost, the name that users are told to connect to"]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
    let server = home.serve();
    assert!(server.first_line_with("certificate.missing").contains("localhost"));
    assert!(home.ok("cert status", "").contains("problem  it is self-signed"));
    let none = home.refused("cert renew", "");
    assert!(none.contains("no certificate comes from an authority"), "{none}");
    server.stop();
    assert!(home.refused("cert status", "").contains("no server runs on"));
}
