//! Client certificates at the desk, while the server runs and without it, and whom they let in.

use crate::home::{Gatepost, Home, Listening};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::fs;
use std::path::{Path, PathBuf};
use testkit::imap::Client;

const ANN: &str = "ann@example.org";
/// RFC 4959: no octets at all, for "as whoever the certificate says I am", are written as an equals sign.
const EXTERNAL: &str = "AUTHENTICATE EXTERNAL =";
const BYE: &str = "* BYE You were signed out by whoever runs this server";

/// An installation with Ann, whose listeners ask for certificates of an authority; and that.
fn with_ann(name: &str) -> (Home, Issuer<'static, KeyPair>) {
    let home = Home::init(name);
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let key = KeyPair::generate().unwrap();
    fs::write(home.folder.join("client-ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let config = fs::read_to_string(home.config()).unwrap();
    let asking = config.replace("kind = \"imap", "client_certificates = \"client-ca.pem\", kind = \"imap");
    assert_eq!(asking.matches("client-ca.pem").count(), 2, "{asking}");
    fs::write(home.config(), asking).unwrap();
    assert!(home.ok("check-config", "").ends_with("gatepost.toml: fine\n"));
    (home, Issuer::new(params, key))
}

/// What a device has: the files of its certificate and its key.
struct Device {
    certificate: PathBuf,
    key: PathBuf,
}

impl Device {
    fn new(home: &Home, name: &str, authority: &Issuer<'static, KeyPair>) -> Self {
        let key = KeyPair::generate().unwrap();
        let device = Self {
            certificate: home.folder.join(format!("{name}.pem")),
            key: home.folder.join(format!("{name}-key.pem")),
        };
        fs::write(&device.key, key.serialize_pem()).unwrap();
        device.renew(authority);
        device
    }

    /// Another certificate for its key.
    fn renew(&self, authority: &Issuer<'static, KeyPair>) {
        let key = KeyPair::from_pem(&fs::read_to_string(&self.key).unwrap()).unwrap();
        // What stands in it lets nobody in.
        let mut params = CertificateParams::new(vec![ANN.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        fs::write(&self.certificate, params.signed_by(&key, authority).unwrap().pem()).unwrap();
    }

    fn connect(&self, server: &Listening, home: &Home) -> Client {
        let trust = home.trust().showing(&self.certificate, &self.key);
        Client::connect(server.imaps, &trust).unwrap()
    }

    /// A session that it signs in to, or what it is told.
    fn signs_in(&self, server: &Listening, home: &Home) -> Result<Client, String> {
        let mut client = self.connect(server, home);
        client.ask(EXTERNAL).map_err(|why| why.to_string())?;
        Ok(client)
    }
}

fn bind(file: &Path, label: &str) -> Gatepost {
    Gatepost::new("account certificate bind ann@example.org --name").arg(label).arg(file.to_str().unwrap())
}

fn unbind(home: &Home, called: &str) -> String {
    let words = Gatepost::new("account certificate unbind ann@example.org").arg(called).config(home);
    words.succeeds("")
}

/// A wrong password and a certificate of nobody's are told the same, but for the numbers of the commands.
fn wrong(server: &Listening, home: &Home) -> String {
    Client::connect(server.imaps, &home.trust()).unwrap().login(ANN, "wrong").unwrap_err().to_string()
}

#[test]
fn t_37_a_certificate_that_is_unbound_is_refused_like_a_wrong_password_and_its_sessions_end_alone() {
    let (home, authority) = with_ann("client-certificate");
    let (laptop, phone) = (Device::new(&home, "laptop", &authority), Device::new(&home, "phone", &authority));
    let said = bind(&laptop.certificate, "Ann's laptop").config(&home).succeeds("");
    assert_eq!(said, "The certificate Ann's laptop stands for ann@example.org\n");
    let server = home.serve();
    let wrong = wrong(&server, &home);
    assert_eq!(phone.signs_in(&server, &home).map(drop).unwrap_err(), wrong);
    bind(&phone.certificate, "phone").config(&home).succeeds("");

    let mut by_laptop = laptop.signs_in(&server, &home).unwrap();
    let mut idle = laptop.signs_in(&server, &home).unwrap();
    idle.send("IDLE").unwrap();
    assert!(idle.response().unwrap().is_continuation());
    let mut by_phone = phone.signs_in(&server, &home).unwrap();
    let mut by_password = laptop.connect(&server, &home);
    by_password.login(ANN, "secret").unwrap();

    let said = unbind(&home, "Ann's laptop");
    assert_eq!(
        said,
        "The certificate Ann's laptop stands for ann@example.org no more, and who had signed in with it is signed out\n"
    );
    for client in [&mut by_laptop, &mut idle] {
        assert_eq!(client.response().unwrap().to_string(), BYE);
        assert!(client.response().is_err(), "and then the end");
    }
    assert_eq!(laptop.signs_in(&server, &home).map(drop).unwrap_err(), wrong);
    for client in [&mut by_phone, &mut by_password] {
        client.ask("NOOP").unwrap();
    }
    phone.signs_in(&server, &home).unwrap();
    let log = server.stop();
    assert!(log.contains(r#""reason":"unbound-certificate""#), "{log}");

    // It is so after the next start, too.
    let server = home.serve();
    phone.signs_in(&server, &home).unwrap();
    assert_eq!(laptop.signs_in(&server, &home).map(drop).unwrap_err(), wrong);
    server.stop();
}

#[test]
fn certificates_are_listed_by_their_sha_256_and_the_log_has_each_that_was_bound_and_unbound() {
    let (home, authority) = with_ann("client-certificate-list");
    let (laptop, phone) = (Device::new(&home, "laptop", &authority), Device::new(&home, "phone", &authority));
    let server = home.serve();
    bind(&laptop.certificate, "laptop").config(&home).succeeds("");
    bind(&phone.certificate, "phone").arg("--public-key").config(&home).succeeds("");
    let again = bind(&laptop.certificate, "other").config(&home).succeeds("");
    assert_eq!(again, "It stands for ann@example.org already, as laptop\n");
    let taken = bind(&phone.certificate, "laptop").config(&home).fails("");
    assert_eq!(taken, "gatepost: ann@example.org has a certificate that is called laptop already\n");

    let json = home.ok("account certificate list ann@example.org --json", "");
    let listed: serde_json::Value = serde_json::from_str(&json).unwrap();
    let told = |at: usize| (listed[at]["name"].as_str().unwrap(), listed[at]["by"].as_str().unwrap());
    assert_eq!((told(0), told(1)), (("laptop", "certificate"), ("phone", "public-key")));
    let sha256 = |at: usize| listed[at]["sha256"].as_str().unwrap();
    let lines = home.ok("account certificate list ann@example.org", "");
    assert_eq!(lines, format!("{}  laptop\n{}  phone   by its key\n", sha256(0), sha256(1)));

    // What is bound by its key need not be bound again.
    for device in [&laptop, &phone] {
        device.signs_in(&server, &home).unwrap();
        device.renew(&authority);
    }
    phone.signs_in(&server, &home).unwrap();
    assert!(laptop.signs_in(&server, &home).is_err());

    unbind(&home, &sha256(1).to_uppercase());
    unbind(&home, "laptop");
    let gone = home.refused("account certificate unbind ann@example.org laptop", "");
    assert_eq!(gone, "gatepost: ann@example.org has no certificate laptop\n");
    assert_eq!(home.ok("account certificate list ann@example.org", ""), "");
    let log = server.stop();
    for (event, label, at) in
        [("bound", "laptop", 0), ("bound", "phone", 1), ("unbound", "phone", 1), ("unbound", "laptop", 0)]
    {
        let fields = format!(
            "\"message\":\"account.certificate-{event}\",\"account\":\"{ANN}\",\"label\":\"{label}\",\"sha256\":\"{}\"",
            sha256(at)
        );
        assert_eq!(log.matches(&fields).count(), 1, "{fields} in {log}");
    }
}
