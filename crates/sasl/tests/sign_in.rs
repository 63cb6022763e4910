//! Whole exchanges, from the client's first octet to the verdict.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use common::{Client, begin, begin_in, bindings, challenged, cost, decoy, offer, password, record};
use sasl::{
    Accepted, Assent, Bindings, Claim, CredentialRecord, Disproof, ForeignHash, Mechanism, Pending, Refused,
    Salts, Secret, Step, Verdict, Verifiers, Workspace,
};
use sasl::{Cost, DecoyKey, Failure};

fn plain(message: &[u8]) -> Step {
    begin(Mechanism::Plain, Some(message))
}

fn judged(step: Step) -> Claim {
    match step {
        Step::Judge(claim, _) => claim,
        other => panic!("no claim but {other:?}"),
    }
}

/// What waits for the door's word, once a proof was right.
fn proven(step: Step) -> Pending {
    match step {
        Step::Judge(Claim::Proven { .. }, pending) => pending,
        other => panic!("no proof but {other:?}"),
    }
}

/// What the client hears of it, and the one who waits for its answer.
fn proves<T>(accepted: Accepted<T>) -> (String, Assent<T>) {
    match accepted {
        Accepted::Prove(octets, assent) => (String::from_utf8(octets).unwrap(), assent),
        Accepted::In(_) => panic!("the server has proven nothing"),
    }
}

fn scram_client(password: &str) -> Client {
    Client::new(Mechanism::ScramSha256, "n,,", b"", password)
}

/// Lets a client talk to a server that finds these verifiers, on a connection with these bindings; what the server first
/// said, and how it went.
fn talk(client: &Client, verifiers: impl Into<Verifiers>, bindings: Bindings) -> (String, Step) {
    let (empty, exchange) = challenged(begin_in(&offer(bindings), client.mechanism, None));
    assert_eq!(empty, "");
    let Step::Lookup(lookup) = exchange.respond(&client.first()) else { panic!("no lookup") };
    assert_eq!(lookup.name(), "ann");
    let (server_first, exchange) = challenged(lookup.found(verifiers));
    let last = exchange.respond(&client.last(&server_first));
    (server_first, last)
}

/// Signs in by SCRAM with `password`, against `record`; what the server first said, and how it went.
fn scram(password: &str, record: &CredentialRecord) -> (String, Step) {
    talk(&scram_client(password), record.scram().clone(), bindings())
}

#[test]
fn plain_with_and_without_an_initial_response_claims_the_same() {
    let (challenge, exchange) = challenged(begin(Mechanism::Plain, None));
    assert_eq!(challenge, "");
    for step in [exchange.respond(b"\0ann\0tanstaaf"), plain(b"ann\0ann\0tanstaaf")] {
        let Claim::Password { name, password } = judged(step) else { panic!("no password") };
        assert_eq!(name, "ann");
        assert_eq!(record("tanstaaf").verify(password.prepared(), &mut Workspace::new()), Verdict::Right);
    }
}

#[test]
fn login_asks_for_a_name_and_then_for_a_password() {
    let (wanted, exchange) = challenged(begin(Mechanism::Login, None));
    assert_eq!(wanted, "Username:");
    for step in [exchange.respond(b"ann"), begin(Mechanism::Login, Some(b"ann"))] {
        let (wanted, exchange) = challenged(step);
        assert_eq!(wanted, "Password:");
        let Claim::Password { name, password } = judged(exchange.respond(b"tanstaaf")) else {
            panic!("no password")
        };
        assert_eq!((&*name, password.raw().expose()), ("ann", &b"tanstaaf"[..]));
    }
    for (name, password) in
        [(&b""[..], &b"x"[..]), (b"a\0b", b"x"), (b"\xff", b"x"), (b"ann", b""), (b"ann", b"\xff")]
    {
        let step = match begin(Mechanism::Login, Some(name)) {
            Step::Challenge(_, exchange) => exchange.respond(password),
            step => step,
        };
        assert!(matches!(step, Step::Failed(Failure::Malformed(_))), "{step:?}");
    }
}

#[test]
fn what_was_typed_is_kept_beside_what_is_compared() {
    let Claim::Password { password, .. } = judged(plain("\0ann\0Ju\u{308}rgen\u{a0}\u{2168}".as_bytes()))
    else {
        panic!("no password")
    };
    assert_eq!(password.raw().expose(), "Ju\u{308}rgen\u{a0}\u{2168}".as_bytes());
    assert_eq!(password.prepared().expose(), "J\u{fc}rgen IX".as_bytes());
}

#[test]
fn external_says_as_whom_it_acts_or_nothing() {
    let (challenge, exchange) = challenged(begin(Mechanism::External, None));
    assert_eq!(challenge, "");
    assert!(matches!(judged(exchange.respond(b"")), Claim::External { authzid: None }));
    let claim = judged(begin(Mechanism::External, Some(b"ann")));
    assert!(matches!(&claim, Claim::External { authzid: Some(_) }) && claim.name() == Some("ann"));
}

#[test]
fn a_token_that_is_refused_is_answered_in_json_before_the_exchange_fails() {
    for (mechanism, message, json) in [
        (
            Mechanism::OAuthBearer,
            &b"n,a=ann,\x01auth=Bearer abc\x01\x01"[..],
            r#"{"status":"invalid_token","scope":"mail"}"#,
        ),
        (
            Mechanism::XOAuth2,
            b"user=ann\x01auth=Bearer abc\x01\x01",
            r#"{"status":"401","schemes":"bearer","scope":"mail"}"#,
        ),
    ] {
        let begun = || match begin(mechanism, Some(message)) {
            Step::Judge(Claim::Bearer { user, token }, pending) => {
                assert_eq!((user.as_deref(), token.expose()), (Some("ann"), &b"abc"[..]));
                pending
            }
            step => panic!("{step:?}"),
        };
        assert!(matches!(begun().accepted("ann"), Accepted::In("ann")), "nothing more is said");
        for answer in [&b"\x01"[..], b"", b"whatever"] {
            let (told, exchange) = challenged(begun().refused(Refused::Claim));
            assert_eq!(told, json);
            assert!(matches!(exchange.respond(answer), Step::Failed(Failure::WrongCredentials)));
        }
        // Of a token that nobody looked at, nothing is said.
        assert!(matches!(begun().refused(Refused::NotNow), Step::Failed(_)));
    }
}

#[test]
fn whoever_has_no_token_hears_where_to_get_one() {
    let step = begin(Mechanism::OAuthBearer, Some(b"n,,\x01auth=\x01\x01"));
    let (told, exchange) = challenged(step);
    assert_eq!(told, r#"{"status":"invalid_token","scope":"mail"}"#);
    assert!(matches!(exchange.respond(b"\x01"), Step::Failed(Failure::WrongCredentials)));
}

/// What becomes of a claim to act for somebody.
#[derive(Debug, PartialEq)]
enum Acting {
    /// The name, or nothing, goes on to whoever knows whose the token or the certificate is.
    GoesOn(Option<String>),
    Refused(Failure),
}

fn acting(mechanism: Mechanism, authzid: &str) -> Acting {
    let gs2 = if authzid.is_empty() { "n,,".into() } else { format!("n,a={authzid},") };
    let message = match mechanism {
        Mechanism::Plain => format!("{authzid}\0ann\0x"),
        Mechanism::External => authzid.into(),
        Mechanism::OAuthBearer => format!("{gs2}\u{1}auth=Bearer x\u{1}\u{1}"),
        Mechanism::XOAuth2 => format!("user={authzid}\u{1}auth=Bearer x\u{1}\u{1}"),
        _ => format!("{gs2}n=ann,r=x"),
    };
    match begin(mechanism, Some(message.as_bytes())) {
        Step::Judge(claim, _) => Acting::GoesOn(claim.name().map(str::to_owned)),
        Step::Lookup(lookup) => Acting::GoesOn(Some(lookup.name().to_owned())),
        Step::Failed(failure) => Acting::Refused(failure),
        step => panic!("{step:?}"),
    }
}

/// What a client may say of whom it acts for: mechanisms that know a name let through that name alone; those that know
/// none yet hand on what it says, and nothing that is no name.
#[test]
fn t_30_nobody_acts_for_another_whatever_the_mechanism() {
    use Mechanism::{External, OAuthBearer, Plain, ScramSha1, ScramSha256, XOAuth2};
    let to_ann = Acting::GoesOn(Some("ann".into()));
    for mechanism in [Plain, ScramSha256, ScramSha1] {
        for same in ["", "ann", "a\u{ad}nn"] {
            assert_eq!(acting(mechanism, same), to_ann, "{mechanism:?} {same:?}");
        }
        for other in ["bob", "Ann", "ANN", "ann ", "root", "ann@example.org"] {
            assert_eq!(
                acting(mechanism, other),
                Acting::Refused(Failure::NotAuthorized),
                "{mechanism:?} {other:?}"
            );
        }
    }
    for mechanism in [External, OAuthBearer] {
        assert_eq!(acting(mechanism, ""), Acting::GoesOn(None), "{mechanism:?}");
    }
    for mechanism in [External, OAuthBearer, XOAuth2] {
        for name in ["ann", "bob", "Ann", "root"] {
            assert_eq!(acting(mechanism, name), Acting::GoesOn(Some(name.into())), "{mechanism:?}");
        }
    }
    for mechanism in [ScramSha256, ScramSha1, External, OAuthBearer, XOAuth2] {
        for no_name in ["\0", "ann\0", "\0ann", "ann\0bob", "ann\u{7}"] {
            assert_eq!(acting(mechanism, no_name), Acting::Refused(Failure::NotAuthorized), "{mechanism:?}");
        }
    }
    // There a NUL more is a part more.
    for no_name in ["\0", "ann\0", "\0ann", "ann\0bob"] {
        assert!(matches!(acting(Plain, no_name), Acting::Refused(Failure::Malformed(_))));
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

/// How each mechanism's message begins, so that not all babble ends at the first octet.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"n,,n=",
    b"n,,n=a,r=",
    b"p=tls-exporter,,n=a,r=",
    b"n,,\x01auth=Bearer ",
    b"user=a\x01auth=",
    b"\0ann\0",
];

#[test]
fn t_15_t_16_whatever_octets_come_nobody_is_proven_and_nothing_panics() {
    let record = record("pencil").with_sha1(&password("pencil"));
    for seed in 0..4_000 {
        let octets = babble(seed, seed % 40);
        for (mechanism, beginning) in
            Mechanism::ALL.into_iter().flat_map(|m| BEGINNINGS.iter().map(move |b| (m, b)))
        {
            let mut step = begin(mechanism, Some(&[beginning, &octets[..]].concat()));
            // No mechanism goes on for ever.
            for round in 1..5 {
                step = match step {
                    Step::Challenge(_, exchange) => exchange.respond(&babble(seed + round, seed % 60)),
                    Step::Lookup(lookup) => lookup.found(record.scram().clone()),
                    Step::Judge(claim, pending) => {
                        assert!(!matches!(claim, Claim::Proven { .. }), "seed {seed}");
                        pending.refused(Refused::Claim)
                    }
                    step @ Step::Failed(_) => step,
                };
            }
            assert!(matches!(step, Step::Failed(_)), "seed {seed}: {mechanism:?} {step:?}");
        }
    }
}

/// A whole exchange of each mechanism, as the client has it: its messages one after the other.
fn dialogue(mechanism: Mechanism) -> Vec<Vec<u8>> {
    let record = record("pencil").with_sha1(&password("pencil"));
    let header = if mechanism.name().ends_with("PLUS") { "p=tls-exporter,," } else { "n,," };
    let channel = if mechanism.name().ends_with("PLUS") { &[0xe5; 32][..] } else { &[] };
    let client = Client::new(mechanism, header, channel, "pencil");
    match mechanism {
        Mechanism::Plain => vec![b"\0ann\0pencil".to_vec()],
        Mechanism::Login => vec![b"ann".to_vec(), b"pencil".to_vec()],
        Mechanism::External => vec![b"ann".to_vec()],
        Mechanism::OAuthBearer => vec![b"n,a=ann,\x01auth=Bearer x\x01\x01".to_vec()],
        Mechanism::XOAuth2 => vec![b"user=ann\x01auth=Bearer x\x01\x01".to_vec()],
        _ => {
            let Step::Lookup(lookup) = begin(mechanism, Some(&client.first())) else { panic!("no lookup") };
            let (server_first, _) = challenged(lookup.found(record.scram().clone()));
            vec![client.first(), client.last(&server_first)]
        }
    }
}

#[test]
fn t_14_an_exchange_that_ends_at_any_octet_lets_nobody_in_and_leaves_nothing_behind() {
    let record = record("pencil").with_sha1(&password("pencil"));
    for mechanism in Mechanism::ALL {
        let messages = dialogue(mechanism);
        let whole = messages.iter().map(Vec::len).sum::<usize>();
        for most in 0..whole {
            // The messages up to `most` octets of them; then the connection is gone, and the exchange is dropped.
            let (mut left, mut step) = (most, begin(mechanism, None));
            for message in &messages {
                let Step::Challenge(_, exchange) = step else { break };
                let cut = &message[..message.len().min(left)];
                left -= cut.len();
                step = match exchange.respond(cut) {
                    Step::Lookup(lookup) => lookup.found(record.scram().clone()),
                    step => step,
                };
                if cut.len() < message.len() {
                    break;
                }
            }
            let Step::Judge(claim, _) = step else { continue };
            let may_be_cut = matches!(mechanism, Mechanism::Plain | Mechanism::Login | Mechanism::External);
            let is_disproven = matches!(claim, Claim::Disproven { .. });
            assert!(may_be_cut || is_disproven, "{mechanism:?} after {most} of {whole}: {claim:?}");
        }
    }
}

#[test]
fn scram_proves_the_server_to_whoever_is_let_in_and_gives_them_when_they_are_content() {
    let record = record("pencil");
    let (_, step) = scram("pencil", &record);
    assert!(
        matches!(&step, Step::Judge(Claim::Proven { name, verifier, which: 0 }, _) if name == "ann" && verifier == record.scram()),
        "{step:?}"
    );
    let (server_final, assent) = proves(proven(step).accepted("ann"));
    assert!(server_final.starts_with("v="), "{server_final}");
    assert_eq!(assent.respond(b""), Ok("ann"));
}

#[test]
fn scram_refuses_a_wrong_password_and_a_client_that_goes_on_talking() {
    let record = record("pencil");
    assert!(matches!(judged(scram("pen", &record).1), Claim::Disproven { why: Disproof::Password, .. }));
    let (_, assent) = proves(proven(scram("pencil", &record).1).accepted(()));
    assert!(matches!(assent.respond(b"x"), Err(Failure::Malformed(_))));
}

/// Whoever is refused by the limits, or because the account is disabled, would learn from another word, or from one more,
/// that a guess was right.
#[test]
fn whoever_is_not_let_in_hears_the_same_of_a_right_proof_as_of_a_wrong_one() {
    let record = record("pencil");
    for why in [Refused::Claim, Refused::NotNow] {
        let [right, wrong] = ["pencil", "pen"].map(|password| match scram(password, &record).1 {
            Step::Judge(_, pending) => pending.refused(why),
            step => panic!("{password} is told before it is judged: {step:?}"),
        });
        assert!(matches!(right, Step::Failed(Failure::WrongCredentials)), "{right:?}");
        assert!(matches!(wrong, Step::Failed(Failure::WrongCredentials)), "{wrong:?}");
    }
}

#[test]
fn a_decoy_shows_one_salt_for_a_name_and_another_for_another() {
    let (first, step) = scram("pencil", &decoy("nobody"));
    assert!(matches!(judged(step), Claim::Disproven { .. }));
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
    proven(scram("Jürgen's", &again).1);
}

#[test]
fn a_record_that_is_cut_lengthened_or_over_the_limits_is_damaged() {
    let bytes = record("x").encode();
    for length in 0..bytes.len() {
        assert!(CredentialRecord::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(CredentialRecord::decode(&[&bytes[..], &[0]].concat()).is_err());
    // The version, Argon2's memory and passes, SCRAM's iterations.
    for (at, octet) in [(0, 3), (1, 255), (5, 255), (57, 255)] {
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
    let token = begin(Mechanism::XOAuth2, Some(b"user=a\x01auth=Bearer tanstaaf\x01\x01"));
    let printed = format!("{step:?} {token:?} {:?} {:?}", record("tanstaaf"), DecoyKey::new([65; 32]));
    assert!(!printed.contains("tanstaaf") && !printed.contains("65"), "{printed}");
}

#[test]
fn a_mechanism_is_known_by_its_name_in_any_case() {
    for mechanism in Mechanism::ALL {
        assert_eq!(Mechanism::from_name(&mechanism.name().to_lowercase()), Some(mechanism));
    }
    assert_eq!(Mechanism::from_name("NTLM"), None);
}

#[test]
fn a_record_with_keys_of_sha_1_lets_in_by_either_and_has_a_version_of_its_own() {
    let plain = record("pencil");
    let both = plain.clone().with_sha1(&password("pencil"));
    assert_eq!((plain.version(), both.version(), both.encode().len()), (1, 2, 182));
    let again = CredentialRecord::decode(&both.encode()).unwrap();
    assert_eq!(again.encode(), both.encode());
    for mechanism in [Mechanism::ScramSha1, Mechanism::ScramSha256] {
        let client = Client::new(mechanism, "n,,", b"", "pencil");
        proven(talk(&client, again.scram().clone(), Bindings::NONE).1);
        let wrong = Client::new(mechanism, "n,,", b"", "Pencil");
        let claim = judged(talk(&wrong, again.scram().clone(), Bindings::NONE).1);
        assert!(matches!(claim, Claim::Disproven { .. }));
    }
    // Whoever has no such keys is as wrong as nobody.
    let client = Client::new(Mechanism::ScramSha1, "n,,", b"", "pencil");
    for without in [plain, decoy("ann")] {
        let claim = judged(talk(&client, without.scram().clone(), Bindings::NONE).1);
        assert!(matches!(claim, Claim::Disproven { why: Disproof::Password, .. }));
    }
}

#[test]
fn a_foreign_hash_is_kept_as_it_came_and_nothing_fits_beside_it() {
    let hash = ForeignHash::new("$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe").unwrap();
    let record = CredentialRecord::foreign(hash.clone(), Salts([9; 32]), &cost());
    let bytes = record.encode();
    let again = CredentialRecord::decode(&bytes).unwrap();
    assert_eq!((again.version(), again.foreign_hash(), again.encode()), (2, Some(&hash), bytes.clone()));
    assert_eq!((again.cost(), again.memory_octets()), (cost(), record.memory_octets()));
    assert_eq!(again.verify(&password("rasmuslerdorf"), &mut Workspace::new()), Verdict::Wrong);
    assert!(matches!(judged(scram("rasmuslerdorf", &again).1), Claim::Disproven { .. }));
    let shown = |record: &CredentialRecord| scram("x", record).0;
    assert_eq!(shown(&again), shown(&record), "what it shows stays");
    for length in 0..bytes.len() {
        assert!(CredentialRecord::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(CredentialRecord::decode(&[&bytes[..], b"x"].concat()).is_err());
    // When its owner signs in it becomes one of ours; what was shown is shown still.
    let own = again.anew(&password("rasmuslerdorf"), Salts([8; 32]), &cost(), &mut Workspace::new());
    assert_eq!((own.version(), own.foreign_hash()), (1, None));
    assert_eq!(shown(&own), shown(&record));
    proven(scram("rasmuslerdorf", &own).1);
}

#[test]
fn a_foreign_hash_is_short_and_printable() {
    for text in ["", "a b", "a\n", "é", &"x".repeat(513)] {
        assert!(ForeignHash::new(text).is_none(), "{text:?}");
    }
    assert!(ForeignHash::new(&"x".repeat(512)).is_some());
}

#[test]
fn any_of_an_accounts_passwords_is_proven_in_one_exchange_which_says_which() {
    let own = record("pencil").with_sha1(&password("pencil"));
    let mut verifiers = Verifiers::from(own.scram().clone());
    for app in ["first", "second", "third"] {
        assert!(verifiers.add(own.scram().alike(&password(app))).is_some());
    }
    for mechanism in [Mechanism::ScramSha1, Mechanism::ScramSha256] {
        for (number, text) in ["pencil", "first", "second", "third"].into_iter().enumerate() {
            let client = Client::new(mechanism, "n,,", b"", text);
            let claim = judged(talk(&client, verifiers.clone(), Bindings::NONE).1);
            let Claim::Proven { verifier, which, .. } = claim else { panic!("not proven") };
            assert_eq!(which, number);
            assert!(verifier == own.scram().alike(&password(text)));
        }
        let client = Client::new(mechanism, "n,,", b"", "fourth");
        assert!(matches!(
            judged(talk(&client, verifiers.clone(), Bindings::NONE).1),
            Claim::Disproven { .. }
        ));
    }
    // A new password of the account leaves the others as they are, if it is made so.
    let next = own.anew(&password("pen"), Salts([1; 32]), &cost(), &mut Workspace::new());
    let mut verifiers = Verifiers::from(next.scram().clone());
    assert_eq!(verifiers.add(own.scram().alike(&password("first"))), Some(1));
}

fn fails_for(client: &Client, bindings: Bindings) -> Disproof {
    match judged(talk(client, record("pencil").scram().clone(), bindings).1) {
        Claim::Disproven { why, .. } => why,
        claim => panic!("{claim:?}"),
    }
}

#[test]
fn a_proof_is_bound_to_its_connection_by_either_type() {
    for (header, channel) in [
        ("p=tls-exporter,,", &[0xe5; 32][..]),
        ("p=tls-server-end-point,,", &[0x5e; 48]),
        ("p=tls-exporter,a=ann,", &[0xe5; 32]),
    ] {
        let client = Client::new(Mechanism::ScramSha256Plus, header, channel, "pencil");
        let claim = judged(talk(&client, record("pencil").scram().clone(), bindings()).1);
        assert!(matches!(claim, Claim::Proven { .. }), "{header}");
    }
}

#[test]
fn t_34_whoever_is_bound_to_another_connection_is_refused_with_the_right_password() {
    let exporter =
        |channel: &[u8]| Client::new(Mechanism::ScramSha256Plus, "p=tls-exporter,,", channel, "pencil");
    for channel in [&[0xe4; 32][..], &[0xe5; 31], &[0xe5; 33], &[], &[0x5e; 48]] {
        assert_eq!(fails_for(&exporter(channel), bindings()), Disproof::Channel);
    }
    // Of a wrong password nothing is said about the channel: it may be anybody's word.
    let guessed = Client { password: "pen".into(), ..exporter(&[0xe4; 32]) };
    assert_eq!(fails_for(&guessed, bindings()), Disproof::Password);
    // A header other than the one at the start: somebody took the offer away, and was found out.
    let mut changed = scram_client("pencil");
    let Step::Lookup(lookup) = begin_in(&offer(Bindings::NONE), changed.mechanism, Some(&changed.first()))
    else {
        panic!("no lookup")
    };
    let (server_first, exchange) = challenged(lookup.found(record("pencil").scram().clone()));
    changed.header = "y,,".into();
    let claim = judged(exchange.respond(&changed.last(&server_first)));
    assert!(matches!(claim, Claim::Disproven { why: Disproof::Channel, .. }));
}

#[test]
fn t_34_an_offer_that_was_taken_away_and_a_type_that_we_do_not_have_are_told_and_end_it() {
    let told = |mechanism, header: &str, bindings| {
        let client = Client::new(mechanism, header, b"", "pencil");
        let (told, exchange) = challenged(begin_in(&offer(bindings), mechanism, Some(&client.first())));
        assert!(matches!(exchange.respond(b""), Step::Failed(Failure::Downgraded | Failure::UnknownBinding)));
        told
    };
    let downgraded = told(Mechanism::ScramSha256, "y,,", bindings());
    assert_eq!(downgraded, "e=server-does-support-channel-binding");
    let only_exporter = Bindings { server_end_point: None, ..bindings() };
    for (header, bindings) in [
        ("p=tls-unique,,", bindings()),
        ("p=,,", bindings()),
        ("p=TLS-EXPORTER,,", bindings()),
        ("p=tls-server-end-point,,", only_exporter),
    ] {
        let told = told(Mechanism::ScramSha256Plus, header, bindings);
        assert_eq!(told, "e=unsupported-channel-binding-type", "{header}");
    }
    // Who binds takes the mechanism that does, and who takes it binds.
    for (mechanism, header) in [
        (Mechanism::ScramSha256, "p=tls-exporter,,"),
        (Mechanism::ScramSha256Plus, "n,,"),
        (Mechanism::ScramSha256Plus, "y,,"),
    ] {
        let step = begin(mechanism, Some(&Client::new(mechanism, header, b"", "pencil").first()));
        assert!(matches!(step, Step::Failed(Failure::Malformed(_))), "{header} {step:?}");
    }
    // Where none is offered, "y" is true.
    let client = Client::new(Mechanism::ScramSha256, "y,,", b"", "pencil");
    proven(talk(&client, record("pencil").scram().clone(), Bindings::NONE).1);
}

#[test]
fn t_34_what_was_said_in_one_exchange_proves_nothing_in_another() {
    let client = scram_client("pencil");
    let begun = |nonce: u8| {
        let offer = offer(Bindings::NONE);
        let step =
            offer.choose("SCRAM-SHA-256").unwrap().begin(Some(&client.first()), sasl::Nonce([nonce; 18]));
        let Step::Lookup(lookup) = step else { panic!("no lookup") };
        challenged(lookup.found(record("pencil").scram().clone()))
    };
    let ((first, exchange), (second, again)) = (begun(1), begun(2));
    assert_ne!(first, second, "a client that repeats its nonce gets another of ours");
    let overheard = client.last(&first);
    proven(exchange.respond(&overheard));
    assert!(matches!(judged(again.respond(&overheard)), Claim::Disproven { .. }), "a replay");
    // The nonce of this exchange put into the proof of that one.
    let nonce = |first: &str| first.split(',').next().unwrap().to_owned();
    let patched = String::from_utf8(overheard).unwrap().replace(&nonce(&first), &nonce(&second));
    assert!(matches!(judged(begun(2).1.respond(patched.as_bytes())), Claim::Disproven { .. }));
    // A proof with fewer iterations than we asked for: somebody in between asked for less.
    let downgraded = client.last(&second.replace("i=4096", "i=1"));
    assert!(matches!(judged(begun(2).1.respond(&downgraded)), Claim::Disproven { .. }));
    // No proof at all.
    let whole = String::from_utf8(client.last(&second)).unwrap();
    let (without, _) = whole.rsplit_once(",p=").unwrap();
    for proof in ["", "AA==", &"A".repeat(44)] {
        let step = begun(2).1.respond(format!("{without},p={proof}").as_bytes());
        assert!(matches!(judged(step), Claim::Disproven { .. }), "{proof:?}");
    }
    assert!(matches!(begun(2).1.respond(without.as_bytes()), Step::Failed(Failure::Malformed(_))));
}
