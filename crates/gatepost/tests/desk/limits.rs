//! Guessing, and what an admin sees and does of it.

use crate::ANN;
use crate::home::{Home, Listening};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use testkit::imap::Client;

/// What a login is told; nothing where it is let in.
fn told(server: &Listening, home: &Home, password: &str) -> String {
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, password).err().map(|why| why.to_string()).unwrap_or_default()
}

fn guess(server: &Listening, home: &Home) {
    for n in 0..5 {
        let told = told(server, home, &format!("guess{n}"));
        assert!(told.contains("[AUTHENTICATIONFAILED]"), "{told}");
    }
}

fn is_refused(server: &Listening, home: &Home) -> bool {
    let told = told(server, home, "secret");
    assert!(
        told.is_empty() || told.contains("[LIMIT] Too many logins have failed; try again in 15 minutes"),
        "{told}"
    );
    !told.is_empty()
}

#[test]
fn what_failed_is_held_against_them_over_a_restart_until_somebody_lets_them_off() {
    let home = Home::init("limits");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = home.serve();
    assert_eq!(home.ok("limits list", ""), "");
    guess(&server, &home);
    assert!(is_refused(&server, &home));
    let listed = "account  ann@example.org  5 failures  strangers are refused for 15 min\n";
    assert_eq!(home.ok("limits list", ""), listed);
    let json: serde_json::Value = serde_json::from_str(&home.ok("limits list --json", "")).unwrap();
    assert_eq!((&json[0]["scope"], &json[0]["failures"]), (&"account".into(), &5.into()));
    let log = server.stop();
    // The line that programs read (docs/guide/limits.md).
    assert_eq!(log.matches("\"auth.limited\"").count(), 1, "{log}");
    assert!(log.contains("\"limit\":\"account\"") || log.contains("\"limit\":\"pair\""), "{log}");
    let file = home.data().join("failed-logins");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let written = fs::read(&file).unwrap();
    for secret in [&b"ann"[..], b"guess"] {
        assert!(!written.windows(secret.len()).any(|some| some == secret));
    }

    let server = home.serve();
    assert!(is_refused(&server, &home));
    assert!(home.refused("limits clear", "").contains("--account"));
    let cleared = home.ok("limits clear --account ANN@example.org", "");
    assert_eq!(cleared, "nothing is held against ANN@example.org any more\n");
    assert!(!is_refused(&server, &home));
    server.stop();

    // Without a server the file is what is looked at.
    assert_eq!(home.ok("limits clear --all", ""), "nothing is held against anybody\n");
    assert_eq!(home.ok("limits clear --address 192.0.2.7", ""), "nothing is held against 192.0.2.7\n");
}

#[test]
fn a_damaged_memory_of_failures_is_an_empty_one_and_the_log_says_so() {
    let home = Home::init("limits-damaged");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    fs::write(home.data().join("failed-logins"), "gatepost limits 1\nand rot").unwrap();
    let server = home.serve();
    assert_eq!(told(&server, &home, "secret"), "");
    // Somebody who has signed in from there is known there after the restart, whatever strangers do.
    server.stop();
    let server = home.serve();
    guess(&server, &home);
    assert!(!is_refused(&server, &home));
    server.stop();
}
