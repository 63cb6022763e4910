//! A real authority that speaks ACME: Let's Encrypt's pebble, with a DNS of its own, on free ports of this host.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// After so long a start has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where ports are looked for: below those that Linux gives to clients (`ip_local_port_range`).
const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 20_000;
/// A prime, so that the ports of processes one behind the other are apart.
const PORTS_OF_A_PROCESS: u32 = 41;

/// How an authority is to be.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'w> {
    /// Where it looks for files.
    pub http: u16,
    /// Where it looks at certificates.
    pub tls: u16,
    /// How long its certificates last, in seconds.
    pub validity: u64,
    /// The name and the key by which it knows us, where it wants that.
    pub external_account: Option<(&'w str, &'w str)>,
    /// Whether it looks, or believes everything.
    pub looks: bool,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self { http: 1, tls: 1, validity: 90 * 24 * 60 * 60, external_account: None, looks: true }
    }
}

/// One that runs; it ends when dropped.
pub struct Pebble {
    children: Vec<Child>,
    /// Where its directory is.
    pub directory: String,
    /// Its address.
    pub address: SocketAddr,
    /// Where its root is: GET `/roots/0`.
    pub management: String,
    /// By which certificate it is verified, as a PEM file.
    pub ca: PathBuf,
    /// Where records are set in its DNS: POST `/set-txt` and `/clear-txt`.
    pub dns: SocketAddr,
}

/// A port that was free a moment ago. Not one that the system hands out to whoever connects, and for each process others: it
/// is to be free in a moment, too.
///
/// # Panics
/// None is free.
#[must_use]
pub fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(PORTS_OF_A_PROCESS);
    let mut numbers = std::iter::repeat_with(|| first.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)));
    let ports =
        numbers.by_ref().take(PORTS.into()).map(|number| FIRST_PORT + (number % u32::from(PORTS)) as u16);
    let mut free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a free port")
}

impl Pebble {
    /// Starts one that keeps its files in `folder`.
    #[must_use]
    pub fn start(folder: &Path, wish: Wish<'_>) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let (ca, key, config) =
            (folder.join("pebble.pem"), folder.join("pebble.key"), folder.join("pebble.json"));
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        fs::write(&ca, made.cert.pem()).expect("a file");
        fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        let [port, management, dns, dns_management] = [(); 4].map(|()| free_port());
        fs::write(&config, settings(port, management, &ca, &key, wish)).expect("a file");
        let mut children = vec![start_dns(dns, dns_management)];
        children.push(start(&config, dns, wish.looks));
        await_listening(&[port, management]);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let dns_address = SocketAddr::from(([127, 0, 0, 1], dns_management));
        Self {
            children,
            directory: format!("https://127.0.0.1:{port}/dir"),
            address,
            management: format!("https://127.0.0.1:{management}"),
            ca,
            dns: dns_address,
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn settings(port: u16, management: u16, ca: &Path, key: &Path, wish: Wish<'_>) -> String {
    let mut text = format!(
        "{{\"pebble\":{{\"listenAddress\":\"127.0.0.1:{port}\",\"managementListenAddress\":\"127.0.0.1:{management}\",\
         \"certificate\":\"{}\",\"privateKey\":\"{}\",\"httpPort\":{},\"tlsPort\":{},\"ocspResponderURL\":\"\",\
         \"certificateValidityPeriod\":{},\"retryAfter\":{{\"authz\":1,\"order\":1}}",
        ca.display(),
        key.display(),
        wish.http,
        wish.tls,
        wish.validity
    );
    if let Some((id, key)) = wish.external_account {
        let known = format!(
            ",\"externalAccountBindingRequired\":true,\"externalAccountMACKeys\":{{\"{id}\":\"{key}\"}}"
        );
        let _ = write!(text, "{known}");
    }
    text + "}}"
}

fn start(config: &Path, dns: u16, looks: bool) -> Child {
    let mut command = Command::new("pebble");
    command
        .args(["-config".as_ref(), config.as_os_str(), "-dnsserver".as_ref()])
        .arg(format!("127.0.0.1:{dns}"))
        .env("PEBBLE_VA_NOSLEEP", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !looks {
        command.env("PEBBLE_VA_ALWAYS_VALID", "1");
    }
    command.spawn().expect("pebble is installed: scripts/test tools")
}

fn start_dns(dns: u16, management: u16) -> Child {
    let child = Command::new("pebble-challtestsrv")
        .args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""])
        .args(["-dns01", &format!("127.0.0.1:{dns}"), "-management", &format!("127.0.0.1:{management}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("pebble-challtestsrv is installed: scripts/test tools");
    await_listening(&[dns, management]);
    child
}

/// What either of them prints comes before it listens.
fn await_listening(ports: &[u16]) {
    let began = Instant::now();
    for port in ports {
        while TcpStream::connect(("127.0.0.1", *port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "nobody listens at port {port}");
            std::thread::yield_now();
        }
    }
}

/// A program that sets records in an authority's DNS, as a hook of `dns-01` does: for `bash`, which can speak over TCP.
#[must_use]
pub fn dns_hook(folder: &Path, dns: SocketAddr) -> PathBuf {
    let path = folder.join("dns-hook");
    let script = format!(
        r#"#!/bin/bash
case "$1" in
add)    what=set-txt ;;
remove) what=clear-txt ;;
*)      exit 2 ;;
esac
body="{{\"host\":\"$GATEPOST_ACME_NAME.\",\"value\":\"$GATEPOST_ACME_VALUE\"}}"
exec 3<>/dev/tcp/{ip}/{port} || exit 1
printf 'POST /%s HTTP/1.1\r\nHost: dns\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' $what ${{#body}} "$body" >&3
IFS= read -r answer <&3
case "$answer" in *' 200 '*) echo "$1 $GATEPOST_ACME_NAME" >> {log} ;; *) echo "$answer" >&2; exit 1 ;; esac
"#,
        ip = dns.ip(),
        port = dns.port(),
        log = folder.join("dns-hook.log").display()
    );
    let mut file = fs::File::create(&path).expect("a file");
    file.write_all(script.as_bytes()).expect("a script");
    drop(file);
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    path
}
