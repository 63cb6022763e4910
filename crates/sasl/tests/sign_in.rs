//! Whole exchanges, from the client's first octet to the verdict.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sasl::{
    Claim, Cost, CredentialRecord, DecoyKey, Exchange, Failure, Mechanism, Nonce, Salts, Secret, Step,
    Verdict, Workspace,
};
use sha2::{Digest, Sha256};

/// As cheap as it may be.
fn cost() -> Cost {
    Cost::new(64, 1, sasl::MIN_SCRAM_ITERATIONS).unwrap()
}

fn password(text: &str) -> Secret {
    Secret::password(text).unwrap()
}

fn record(text: &str) -> CredentialRecord {
    CredentialRecord::new(&password(text), Salts([7; 32]), &cost(), &mut Workspace::new())
}

fn decoy(name: &str) -> CredentialRecord {
    CredentialRecord::decoy(&DecoyKey::new([3; 32]), name, &cost())
}

fn plain(message: &[u8]) -> Step {
    Mechanism::Plain.begin(Some(message), Nonce([0; 18]))
}

fn challenged(step: Step) -> (String, Exchange) {
    match step {
        Step::Challenge(challenge, exchange) => (String::from_utf8(challenge).unwrap(), exchange),
        other => panic!("no challenge but {other:?}"),
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    <Hmac<Sha256>>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().into()
}

/// A client's last message, written anew from RFC 5802, 3.
fn client_final(password: &str, first_bare: &str, server_first: &str) -> String {
    let attribute = |key| server_first.split(',').find_map(|part| part.strip_prefix(key)).unwrap();
    let salt = STANDARD.decode(attribute("s=")).unwrap();
    let mut u = hmac(password.as_bytes(), &[salt, vec![0, 0, 0, 1]].concat());
    let mut salted = u;
    for _ in 1..attribute("i=").parse().unwrap() {
        u = hmac(password.as_bytes(), &u);
        (0..32).for_each(|i| salted[i] ^= u[i]);
    }
    let client_key = hmac(&salted, b"Client Key");
    let stored_key = Sha256::digest(client_key);
    let without_proof = format!("c=biws,r={}", attribute("r="));
    let signature = hmac(&stored_key, format!("{first_bare},{server_first},{without_proof}").as_bytes());
    let proof: Vec<u8> = (0..32).map(|i| client_key[i] ^ signature[i]).collect();
    format!("{without_proof},p={}", STANDARD.encode(proof))
}

/// Signs in by SCRAM with `password`, against `record`; what the server first said, and how it went.
fn scram(password: &str, record: &CredentialRecord) -> (String, Step) {
    let (empty, exchange) = challenged(Mechanism::ScramSha256.begin(None, Nonce([5; 18])));
    assert_eq!(empty, "");
    let Step::Lookup(lookup) = exchange.respond(b"n,,n=ann,r=abc") else { panic!("no lookup") };
    assert_eq!(lookup.name(), "ann");
    let (server_first, exchange) = challenged(lookup.found(record.scram().clone()));
    let last = exchange.respond(client_final(password, "n=ann,r=abc", &server_first).as_bytes());
    (server_first, last)
}

#[test]
fn plain_with_and_without_an_initial_response_claims_the_same() {
    let (challenge, exchange) = challenged(Mechanism::Plain.begin(None, Nonce([0; 18])));
    assert_eq!(challenge, "");
    for step in [exchange.respond(b"\0ann\0tanstaaf"), plain(b"ann\0ann\0tanstaaf")] {
        let Step::Done(Claim::Password { name, password }) = step else { panic!("{step:?}") };
        assert_eq!(name, "ann");
        assert_eq!(record("tanstaaf").verify(&password, &mut Workspace::new()), Verdict::Right);
    }
}

#[test]
fn t_30_plain_refuses_to_act_for_another_before_the_password_counts() {
    for message in [&b"bob\0ann\0x"[..], b"Ann\0ann\0x", b"ann \0ann\0x", b"\xff\0ann\0x", b"root\0ann\0"] {
        let step = plain(message);
        assert!(matches!(step, Step::Failed(Failure::NotAuthorized)), "{} {step:?}", message.escape_ascii());
    }
}

#[test]
fn plain_takes_exactly_two_nuls_and_utf8() {
    for message in [
        &b""[..],
        b"\0",
        b"ann",
        b"\0ann",
        b"\0ann\0",
        b"\0\0x",
        b"\0ann\0x\0",
        b"\0ann\0x\0y",
        b"\0\0\0",
        b"\0a\xff\0x",
        b"\0ann\0\xff",
        b"\0ann\0a\tb",
    ] {
        let step = plain(message);
        assert!(matches!(step, Step::Failed(Failure::Malformed(_))), "{} {step:?}", message.escape_ascii());
    }
    let long = format!("\0{}\0x", "a".repeat(256));
    assert!(matches!(plain(long.as_bytes()), Step::Failed(Failure::Malformed(_))));
}

#[test]
fn t_14_a_message_cut_before_its_password_claims_nothing() {
    let message = b"\0ann\0tanstaaf";
    for length in 0..=message.iter().rposition(|octet| *octet == 0).unwrap() + 1 {
        assert!(matches!(plain(&message[..length]), Step::Failed(_)));
    }
}

/// Octets that mean something to a mechanism, in any order, by a seed.
fn babble(seed: u64, length: u64) -> Vec<u8> {
    let alphabet = b"n,=aypr23CDbiws\0\xc3\xa9\xff\x07 ";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        alphabet[(state % alphabet.len() as u64) as usize]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn t_15_whatever_octets_come_nobody_gets_in_and_nothing_panics() {
    let record = record("pencil");
    for seed in 0..20_000 {
        let octets = babble(seed, seed % 40);
        for message in
            [octets.clone(), [b"n,,n=".as_slice(), &octets].concat(), [b"n,,n=a,r=", &octets[..]].concat()]
        {
            let step = Mechanism::ScramSha256.begin(Some(&message), Nonce([5; 18]));
            let Step::Lookup(lookup) = step else { continue };
            let (_, exchange) = challenged(lookup.found(record.scram().clone()));
            let step = exchange.respond(&babble(seed + 1, seed % 60));
            assert!(matches!(step, Step::Failed(_)), "seed {seed}: {step:?}");
        }
        let step = plain(&octets);
        assert!(
            matches!(step, Step::Failed(_) | Step::Done(Claim::Password { .. })),
            "seed {seed}: {step:?}"
        );
    }
}

#[test]
fn scram_lets_the_right_password_in_after_proving_itself() {
    let record = record("pencil");
    let (_, step) = scram("pencil", &record);
    let (server_final, exchange) = challenged(step);
    assert!(server_final.starts_with("v="), "{server_final}");
    let step = exchange.respond(b"");
    assert!(
        matches!(&step, Step::Done(Claim::Proven { name, verifier }) if name == "ann" && verifier == record.scram()),
        "{step:?}"
    );
}

#[test]
fn scram_refuses_a_wrong_password_and_a_client_that_goes_on_talking() {
    let record = record("pencil");
    assert!(matches!(scram("pen", &record).1, Step::Done(Claim::Disproven { .. })));
    let (_, exchange) = challenged(scram("pencil", &record).1);
    assert!(matches!(exchange.respond(b"x"), Step::Failed(Failure::Malformed(_))));
}

#[test]
fn a_decoy_shows_one_salt_for_a_name_and_another_for_another() {
    let (first, step) = scram("pencil", &decoy("nobody"));
    assert!(matches!(step, Step::Done(Claim::Disproven { .. })));
    assert_eq!(first, scram("other", &decoy("nobody")).0);
    assert_ne!(first, scram("pencil", &decoy("noone")).0);
    let iterations = |first: &str| first.rsplit_once(",i=").unwrap().1.to_owned();
    assert_eq!(iterations(&first), iterations(&scram("pencil", &record("pencil")).0));
}

#[test]
fn nothing_fits_a_decoy_and_trying_takes_the_memory_of_a_record() {
    let decoy = decoy("nobody");
    for guess in ["", "pencil"].iter().filter_map(|guess| Secret::password(guess).ok()) {
        assert_eq!(decoy.verify(&guess, &mut Workspace::new()), Verdict::Wrong);
    }
    assert_eq!(decoy.memory_octets(), record("x").memory_octets());
}

#[test]
fn a_record_comes_back_from_its_bytes_and_checks_as_before() {
    let bytes = record("Jürgen's").encode();
    assert_eq!(bytes.len(), 141);
    let again = CredentialRecord::decode(&bytes).unwrap();
    assert_eq!(again.encode(), bytes);
    let mut workspace = Workspace::new();
    assert_eq!(again.verify(&password("Ju\u{308}rgen's"), &mut workspace), Verdict::Right);
    assert_eq!(again.verify(&password("Jurgen's"), &mut workspace), Verdict::Wrong);
    assert!(matches!(scram("Jürgen's", &again).1, Step::Challenge(..)));
}

#[test]
fn a_record_that_is_cut_lengthened_or_over_the_limits_is_damaged() {
    let bytes = record("x").encode();
    for length in 0..bytes.len() {
        assert!(CredentialRecord::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(CredentialRecord::decode(&[&bytes[..], &[0]].concat()).is_err());
    // The version, Argon2's memory and passes, SCRAM's iterations.
    for (at, octet) in [(0, 2), (1, 255), (5, 255), (57, 255)] {
        let mut spoilt = bytes.clone();
        spoilt[at] = octet;
        assert!(CredentialRecord::decode(&spoilt).is_err(), "octet {at}");
    }
}

#[test]
fn one_workspace_serves_records_of_every_cost() {
    let mut workspace = Workspace::new();
    for memory_kib in [8, 256, 32] {
        let cost = Cost::new(memory_kib, 2, sasl::MIN_SCRAM_ITERATIONS).unwrap();
        let record = CredentialRecord::new(&password("x"), Salts([1; 32]), &cost, &mut workspace);
        assert_eq!(record.verify(&password("x"), &mut workspace), Verdict::Right);
        assert_eq!(record.verify(&password("x"), &mut Workspace::new()), Verdict::Right);
    }
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let step = plain(b"\0ann\0tanstaaf");
    let printed = format!("{step:?} {:?} {:?}", record("tanstaaf"), DecoyKey::new([65; 32]));
    assert!(!printed.contains("tanstaaf") && !printed.contains("65"), "{printed}");
}

#[test]
fn a_mechanism_is_known_by_its_name_in_any_case() {
    assert_eq!(Mechanism::from_name("plain"), Some(Mechanism::Plain));
    assert_eq!(Mechanism::from_name("SCRAM-SHA-256"), Some(Mechanism::ScramSha256));
    assert_eq!(Mechanism::from_name("SCRAM-SHA-256-PLUS"), None);
    assert_eq!(Mechanism::from_name("NTLM"), None);
}
