//! A real OpenID provider for one test: `oidc-provider` from npm, on a port of its own, gone with the test.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fetch::{Client, Roots, Url};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// Where a token asks to be for mail.
pub(crate) const AUDIENCE: &str = "https://mail.example.org";

pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) authority: Vec<u8>,
    client: Client,
    home: PathBuf,
    folder: PathBuf,
    running: Option<Child>,
}

impl Provider {
    /// A provider that runs; `None`, and a word why, where there is no Node.js.
    pub(crate) fn start() -> Option<Self> {
        let Some(home) = installed() else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "node and npm are not installed");
            println!("skipped: node and npm are not installed");
            return None;
        };
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("gatepost-oidc-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let authority = certificate(&folder).into_bytes();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = Client::new(&Roots::Pem(authority.clone())).unwrap();
        let issuer = format!("https://localhost:{port}");
        let mut provider = Self { issuer, authority, client, home, folder, running: None };
        provider.up();
        Some(provider)
    }

    /// Starts it, with new keys, and waits until it says that it is there.
    pub(crate) fn up(&mut self) {
        // If the test is killed, so is its provider.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "node", "server.mjs", &self.issuer]);
        command.args([self.folder.join("certificate.pem"), self.folder.join("key.pem")]);
        command.current_dir(&self.home).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        self.running = Some(child);
        let mut all = String::new();
        while !all.contains("ready\n") {
            assert_ne!(said.read_line(&mut all).unwrap(), 0, "the provider does not start: {all}");
        }
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
    }

    pub(crate) fn down(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// A token for `client`, of that format and algorithm, for mail.
    pub(crate) async fn token(&self, client: &str, kind: &str) -> String {
        self.token_for(client, &format!("{AUDIENCE}/{kind}"), "mail").await
    }

    /// A token by the grant of client credentials (RFC 6749, 4.4).
    pub(crate) async fn token_for(&self, client: &str, resource: &str, scope: &str) -> String {
        let body = format!("grant_type=client_credentials&scope={scope}&resource={resource}");
        let said: serde_json::Value =
            serde_json::from_slice(&self.post("token", client, body).await).unwrap();
        let token = said.get("access_token").and_then(serde_json::Value::as_str);
        token.unwrap_or_else(|| panic!("no token: {said}")).to_owned()
    }

    /// RFC 7009.
    pub(crate) async fn revoke(&self, client: &str, token: &str) {
        self.post("token/revocation", client, format!("token={token}")).await;
    }

    async fn post(&self, path: &str, client: &str, body: String) -> Vec<u8> {
        let url = Url::parse(&format!("{}/{path}", self.issuer)).unwrap();
        let authorization =
            format!("Basic {}", STANDARD.encode(format!("{client}:secret%20of%20{client}%3A%20%2B%25")));
        let headers = [("authorization", authorization.as_str())];
        let answer =
            self.client.post(&url, "application/x-www-form-urlencoded", body, &headers).await.unwrap();
        answer.body.to_vec()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.down();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder that the provider is installed in, once for all tests; `None` where that cannot be.
fn installed() -> Option<PathBuf> {
    let has =
        |name: &str| Command::new(name).arg("--version").output().is_ok_and(|done| done.status.success());
    if !has("node") || !has("npm") {
        return None;
    }
    // From the tests of another crate, too.
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../directory-oidc/tests/provider");
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oidc-provider");
    fs::create_dir_all(&home).unwrap();
    // Tests are processes of their own: one installs, and the others wait for it.
    let turn = File::create(home.join("turn")).unwrap();
    turn.lock().unwrap();
    let lock = fs::read(own.join("package-lock.json")).unwrap();
    fs::copy(own.join("server.mjs"), home.join("server.mjs")).unwrap();
    if fs::read(home.join("installed")).ok().as_ref() != Some(&lock) {
        for name in ["package.json", "package-lock.json"] {
            fs::copy(own.join(name), home.join(name)).unwrap();
        }
        let done = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&home)
            .output()
            .unwrap();
        assert!(done.status.success(), "npm ci: {}", String::from_utf8_lossy(&done.stderr));
        fs::write(home.join("installed"), &lock).unwrap();
    }
    Some(home)
}

/// Writes a certificate for localhost and its key into the folder; gives back that of its authority.
fn certificate(folder: &Path) -> String {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority =
        rcgen::CertifiedIssuer::self_signed(authority, rcgen::KeyPair::generate().unwrap()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.join("certificate.pem"), server.signed_by(&key, &authority).unwrap().pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    authority.pem()
}
