//! An OpenLDAP server for one test, on free ports of this machine, with an authority and a certificate of its own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where Debian's package slapd puts it.
const SLAPD: &str = "/usr/sbin/slapd";
const SLAPADD: &str = "/usr/sbin/slapadd";
const SCHEMAS: [&str; 3] = ["core", "cosine", "inetorgperson"];

/// The root of everything that it knows.
pub const SUFFIX: &str = "dc=example,dc=org";
/// Below it are the people.
pub const PEOPLE: &str = "ou=people,dc=example,dc=org";
/// May read everything but passwords.
pub const READER: &str = "cn=reader,dc=example,dc=org";
/// The reader's password.
pub const READER_PASSWORD: &str = "r3ader";
const ROOT: &str = "cn=root,dc=example,dc=org";
const ROOT_PASSWORD: &str = "root";

/// Where it listens; it has no certificate for the second.
const ADDRESSES: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// A port that was free a moment ago may be somebody else's by the time that the server takes it.
const MOST_STARTS: usize = 5;

/// Whether it does StartTLS and TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// With a certificate for `localhost` and 127.0.0.1.
    Offered,
    /// It has no certificate.
    Absent,
}

/// A server that runs, until it is dropped.
pub struct Slapd {
    child: Child,
    home: PathBuf,
    plain_port: u16,
    tls_port: u16,
    tls: Tls,
}

impl Slapd {
    /// Starts one that knows [`SUFFIX`], [`PEOPLE`], [`READER`] and what this LDIF has beside. Nobody may read without a
    /// password, but below `ou=open` of [`SUFFIX`].
    ///
    /// # Panics
    /// It does not start; Debian's packages slapd and ldap-utils have to be installed.
    #[must_use]
    pub fn start(tls: Tls, people: &str) -> Self {
        let home = new_home();
        write(&home.join("slapd.conf"), &configuration(&home, tls));
        if tls == Tls::Offered {
            write_certificates(&home);
        }
        feed(
            Command::new(SLAPADD).arg("-q").arg("-f").arg(home.join("slapd.conf")),
            &format!("{}\n{people}", base()),
        );
        let mut why = String::new();
        for _ in 0..MOST_STARTS {
            let (plain_port, tls_port) = (free_port(), free_port());
            match spawn(&home, tls, plain_port, tls_port) {
                Ok(child) => return Self { child, home, plain_port, tls_port, tls },
                Err(log) => why = log,
            }
        }
        panic!("slapd does not start: {why}");
    }

    /// Stops it and starts it anew, with what it knows, on the same ports.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self) {
        self.stop();
        let child = spawn(&self.home, self.tls, self.plain_port, self.tls_port);
        self.child = child.unwrap_or_else(|why| panic!("slapd does not start anew: {why}"));
    }

    /// Stops it.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Where it is asked for StartTLS.
    #[must_use]
    pub fn plain_port(&self) -> u16 {
        self.plain_port
    }

    /// Where TLS comes first.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.home.join("ldapi")
    }

    /// The authority behind its certificate, in PEM.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.home.join("ca.pem")
    }

    /// Changes what it knows, by LDIF with a `changetype`.
    ///
    /// # Panics
    /// It refuses.
    pub fn change(&self, ldif: &str) {
        let url = format!("ldapi://{}", self.socket().display().to_string().replace('/', "%2f"));
        feed(Command::new("ldapmodify").args(["-x", "-H", &url, "-D", ROOT, "-w", ROOT_PASSWORD]), ldif);
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn new_home() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let home = std::env::temp_dir().join(format!("gatepost-slapd-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&home);
    std::fs::create_dir_all(home.join("data")).expect("a folder");
    home
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}

fn configuration(home: &Path, tls: Tls) -> String {
    let home = home.display();
    let schemas: String = SCHEMAS.map(|name| format!("include /etc/ldap/schema/{name}.schema\n")).concat();
    let certificate = match tls {
        Tls::Absent => String::new(),
        Tls::Offered => format!(
            "TLSCACertificateFile {home}/ca.pem\nTLSCertificateFile {home}/cert.pem\nTLSCertificateKeyFile {home}/key.pem\n"
        ),
    };
    format!(
        "{schemas}{certificate}pidfile {home}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
database mdb
suffix \"{SUFFIX}\"
rootdn \"{ROOT}\"
rootpw {ROOT_PASSWORD}
directory {home}/data
maxsize 16777216
index entryUUID,uid,mail eq
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree=\"ou=open,{SUFFIX}\" by * read
access to * by dn.exact=\"{READER}\" read by self read by anonymous auth by * none
overlay ppolicy
ppolicy_use_lockout
"
    )
}

fn base() -> String {
    format!(
        "dn: {SUFFIX}\nobjectClass: domain\n\n\
         dn: {PEOPLE}\nobjectClass: organizationalUnit\n\n\
         dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {READER_PASSWORD}\n"
    )
}

fn write_certificates(home: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = KeyPair::generate().expect("a key");
    let leaf =
        CertificateParams::new(names).expect("parameters").signed_by(&key, &issuer).expect("a certificate");
    write(&home.join("ca.pem"), &issuer.pem());
    write(&home.join("cert.pem"), &leaf.pem());
    write(&home.join("key.pem"), &key.serialize_pem());
}

/// Runs a command that reads what it is to do.
fn feed(command: &mut Command, input: &str) {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("slapd and ldap-utils are installed");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts it and waits until it says that it listens; or else what it said before it ended.
fn spawn(home: &Path, tls: Tls, plain_port: u16, tls_port: u16) -> Result<Child, String> {
    let socket = home.join("ldapi").display().to_string().replace('/', "%2f");
    let mut urls = format!("ldapi://{socket}");
    for address in ADDRESSES {
        urls.push_str(&format!(" ldap://{address}:{plain_port}"));
        if tls == Tls::Offered {
            urls.push_str(&format!(" ldaps://{address}:{tls_port}"));
        }
    }
    let mut command = Command::new(SLAPD);
    // A debug level keeps it in the foreground; this one tells when it listens.
    command.arg("-f").arg(home.join("slapd.conf")).args(["-h", &urls, "-d", "conns"]);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("slapd starts");
    let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut told = String::new();
    while !told.contains("epoll: listen=") {
        if log.read_line(&mut told).expect("its log") == 0 {
            let _ = child.wait();
            return Err(told);
        }
    }
    // What it says later must not fill the pipe.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Ok(child)
}
