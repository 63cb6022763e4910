//! Signing in where passwords are not taken: by tokens, whose refusal is told in words of the mechanism first.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod machine;

use machine::{Machine, TOKEN};
use sasl::{Abilities, Ability, BearerHint, Policy, response};
use std::sync::Arc;
use transcript::{NAME, PASSWORD, Pipe, Port, World};

/// Tokens alone.
fn policy() -> Policy {
    let nobody = Ability::Nobody;
    let hint = BearerHint { scope: Some("mail".into()), openid_configuration: None };
    let bearer = Some(Arc::new(hint));
    let abilities = Abilities { passwords: nobody, scram_sha_256: nobody, scram_sha_1: nobody, bearer };
    Policy { abilities, ..Policy::default() }
}

/// What is said to a client, from the greeting on, after each of its lines.
fn answers(lines: &[&str]) -> Vec<String> {
    let mut wire = Machine::with(policy()).connect(Port::Imaps).unwrap();
    let mut hear = |line: Option<&&str>| {
        line.into_iter().for_each(|line| wire.send(format!("{line}\r\n").as_bytes()).unwrap());
        String::from_utf8(wire.receive().unwrap()).unwrap()
    };
    std::iter::once(None).chain(lines.iter().map(Some)).map(&mut hear).collect()
}

fn token(name: &str, token: &[u8]) -> String {
    let message = [format!("n,a={name},\u{1}auth=Bearer ").as_bytes(), token, b"\x01\x01"].concat();
    response::encode(&message)
}

#[test]
fn where_passwords_are_not_taken_none_is_looked_at() {
    let (login, plain) = (format!("a LOGIN {NAME} {PASSWORD}"), "b AUTHENTICATE PLAIN AGFsaWNlAHRhbnN0YWFm");
    let said = answers(&[&login, plain]);
    let [greeting, to_login, to_plain] = &said[..] else { panic!("{said:?}") };
    assert!(greeting.contains(" LOGINDISABLED]") && !greeting.contains("AUTH=PLAIN"), "{greeting}");
    assert_eq!(
        to_login,
        "a NO [CANNOT] Passwords are not taken here; CAPABILITY lists the ways of signing in\r\n"
    );
    assert!(to_plain.starts_with("b NO [CANNOT] This way of signing in is not offered"), "{to_plain}");
}

#[test]
fn a_token_that_is_refused_is_answered_in_json_and_then_refused() {
    let begin = format!("a AUTHENTICATE OAUTHBEARER {}", token(NAME, b"bad"));
    let said = answers(&[&begin, "AQ==", "b AUTHENTICATE OAUTHBEARER", "*"]);
    let json = response::encode(br#"{"status":"invalid_token","scope":"mail"}"#);
    assert_eq!(said[1], format!("+ {json}\r\n"));
    assert_eq!(said[2], "a NO [AUTHENTICATIONFAILED] The name or the password is wrong\r\n");
    assert_eq!(said[3..], ["+ \r\n", "b BAD Authentication was cancelled\r\n"]);
    let over = answers(&[&begin, "*"]);
    assert_eq!(over[2], "a BAD Authentication was cancelled\r\n");
}

#[test]
fn a_token_that_is_good_lets_in() {
    let said = answers(&[&format!("a AUTHENTICATE oauthbearer {}", token(NAME, TOKEN))]);
    assert!(said[1].starts_with("a OK [CAPABILITY ") && said[1].ends_with(" Welcome\r\n"), "{said:?}");
}
