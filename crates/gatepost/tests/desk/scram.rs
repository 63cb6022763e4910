//! SCRAM-SHA-1 for old clients: off, and who can sign in with it once it is on.

use crate::home::{Home, Listening};
use crate::prover;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";
const OLD: [&str; 2] = ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"];
const NEW: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];
const WRONG: &str = "t1 NO [AUTHENTICATIONFAILED] ";

fn connect(server: &Listening, home: &Home) -> Client {
    Client::connect(server.imaps, &home.trust()).unwrap()
}

/// Which of these a client is told of behind TLS.
fn offered<'m>(server: &Listening, home: &Home, mechanisms: &[&'m str]) -> Vec<&'m str> {
    let told = connect(server, home).ask("CAPABILITY").unwrap()[0].to_string();
    let is_told =
        |mechanism: &&&str| told.split(' ').any(|word| word.strip_prefix("AUTH=") == Some(mechanism));
    mechanisms.iter().filter(is_told).copied().collect()
}

/// Proves a password by a mechanism, bound to these octets where it binds to any; or what is told instead.
fn prove(client: &mut Client, mechanism: &str, password: &str, channel: &[u8]) -> Result<(), String> {
    let (header, channel) = match mechanism.ends_with("-PLUS") {
        true => ("p=tls-exporter,,", channel),
        false => ("n,,", &b""[..]),
    };
    let first = STANDARD.encode(format!("{header}{}", prover::bare(ANN)));
    let tag = client.send(&format!("AUTHENTICATE {mechanism} {first}")).unwrap();
    let challenge = challenged(client)?;
    let proof = prover::prove(mechanism, (header, channel), ANN, password, &challenge);
    client.say(format!("{}\r\n", STANDARD.encode(proof.last)).as_bytes()).unwrap();
    assert_eq!(challenged(client)?, proof.expected, "the server knows the password, too");
    client.say(b"\r\n").unwrap();
    client.answer(tag).map(drop).map_err(|why| why.to_string())
}

/// What the server says in an exchange, or with what it ends it.
fn challenged(client: &mut Client) -> Result<String, String> {
    let told = client.response().unwrap().to_string();
    let challenge = told.strip_prefix("+ ").ok_or_else(|| told.clone())?;
    Ok(String::from_utf8(STANDARD.decode(challenge).unwrap()).unwrap())
}

#[test]
fn scram_sha_1_is_offered_once_it_is_on_and_every_password_has_keys_for_it_and_lets_in_by_either_form() {
    let home = Home::init("scram-sha-1");
    home.ok("account add ann@example.org --password-stdin", "of before\n");
    let server = home.serve();
    assert_eq!(offered(&server, &home, &NEW), NEW);
    assert_eq!(offered(&server, &home, &OLD), [""; 0], "nobody has asked for it");
    for mechanism in OLD {
        let told = prove(&mut connect(&server, &home), mechanism, "of before", b"").unwrap_err();
        assert!(told.starts_with("t1 NO ") && !told.starts_with(WRONG), "{told}");
    }
    server.stop();

    let made = fs::read_to_string(home.config()).unwrap();
    let on = made.replace("# scram_sha_1 = \"never\"", "scram_sha_1 = \"old-clients\"");
    assert_ne!(made, on);
    fs::write(home.config(), on).unwrap();
    let server = home.serve();
    assert_eq!(offered(&server, &home, &OLD), [""; 0], "a password of before has no keys for it");
    home.ok("account passwd ann@example.org --password-stdin", "pencil\n");
    assert_eq!(offered(&server, &home, &OLD), OLD);
    let made = home.ok("account app-password add ann@example.org --name phone", "");
    let phone = made.lines().nth(1).unwrap();
    server.stop();

    let server = home.serve();
    for mechanism in OLD.into_iter().chain(NEW) {
        for password in ["pencil", phone] {
            let mut client = connect(&server, &home);
            let channel = client.exporter();
            prove(&mut client, mechanism, password, &channel).unwrap();
            client.ask("SELECT INBOX").unwrap();
        }
        let mut client = connect(&server, &home);
        let channel = client.exporter();
        let told = prove(&mut client, mechanism, "of before", &channel).unwrap_err();
        assert!(told.starts_with(WRONG), "{mechanism}: {told}");
    }
    // A right proof that was made on another connection is passed on by whoever stands between.
    for mechanism in [OLD[1], NEW[1]] {
        let elsewhere = connect(&server, &home).exporter();
        let told = prove(&mut connect(&server, &home), mechanism, "pencil", &elsewhere).unwrap_err();
        assert!(told.starts_with(WRONG), "{mechanism}: {told}");
    }
    // Somebody whose password has no keys for it ends the offer for all, rather than be told of what fails.
    let hashes = home.folder.join("hashes");
    fs::write(&hashes, format!("bob@example.org:{}\n", crate::directories::FIRST)).unwrap();
    home.ok(&format!("account import {}", hashes.display()), "");
    assert_eq!(offered(&server, &home, &OLD), [""; 0]);
    home.ok("account remove bob@example.org", "");
    assert_eq!(offered(&server, &home, &OLD), OLD);
    server.stop();
}
