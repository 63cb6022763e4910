use super::*;
use crate::encrypted::Handshake;

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 ID STARTTLS LOGINDISABLED] mail.example.org Gatepost ready; \
                        STARTTLS required, or use port 993\r\n";
const REFUSED: &str = "NO [PRIVACYREQUIRED] Encryption required: issue STARTTLS first, or connect to mail.example.org port 993\r\n";
const ALERT: &str = "* NO [ALERT] Your password was sent without encryption and may have been read by others. \
                     Change it, and set this account to port 993 with SSL/TLS.\r\n";

fn signpost() -> Arc<Signpost> {
    Arc::new(Signpost { host: "mail.example.org".into(), imaps_port: Some(993) })
}

fn gate() -> (Cleartext, Vec<Effect>) {
    let mut effects = Vec::new();
    let gate = Cleartext::greet(signpost(), Arc::default(), Moment::from_millis(5), &mut effects);
    assert_eq!(effects, [Effect::Send(GREETING.into())]);
    effects.clear();
    (gate, effects)
}

/// What a gate does about `pieces` of input: everything sent as one text, and all other effects. What it says of a refusal
/// for the log is held against what it has just sent.
fn talk<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, Vec<Effect>) {
    let (mut gate, mut effects) = gate();
    for piece in pieces {
        gate.handle(piece, &mut effects);
    }
    let mut sent = String::new();
    effects.retain(|effect| match effect {
        Effect::Send(text) => {
            sent.push_str(text);
            false
        }
        Effect::Refused(Refused { condition, code, why, .. }) => {
            let code = code.map(|code| format!("[{code}] ")).unwrap_or_default();
            let told = format!(" {} {code}{why}\r\n", condition.as_str());
            assert!(sent.ends_with(&told), "{sent:?}: {told:?}");
            false
        }
        _ => true,
    });
    (sent, effects)
}

/// Checks the answers to `input` in one piece, in two pieces split anywhere, and octet by octet.
fn check(input: &str, sent: &str, others: &[Effect]) {
    let bytes = input.as_bytes();
    let expected = (sent.to_owned(), others.to_vec());
    for at in 0..=bytes.len() {
        assert_eq!(talk([&bytes[..at], &bytes[at..]]), expected, "{input:?} split at {at}");
    }
    assert_eq!(talk(bytes.chunks(1)), expected, "{input:?} octet by octet");
}

/// Checks that `attack`, a STARTTLS with something behind it, is never answered behind the STARTTLS, however
/// it is cut into pieces, and that no handshake follows.
fn check_injection(attack: &str) {
    let bytes = attack.as_bytes();
    let (sent, others) = talk([bytes]);
    assert_eq!(sent, "* BYE Data behind STARTTLS\r\n", "{attack:?}");
    assert_eq!(others, [Effect::Close(Ending::DataBehindStarttls)], "{attack:?}");
    for at in 1..bytes.len() {
        let (sent, others) = talk([&bytes[..at], &bytes[at..]]);
        check_cut_off(&sent, &others, attack);
    }
    let (sent, others) = talk(bytes.chunks(1));
    check_cut_off(&sent, &others, attack);
}

fn check_cut_off(sent: &str, others: &[Effect], attack: &str) {
    assert!(sent.starts_with("* BYE") || sent.ends_with("OK Begin TLS negotiation now\r\n"), "{attack:?}");
    assert_eq!(sent.lines().count(), 1, "{attack:?}: {sent}");
    assert_eq!(others.last(), Some(&Effect::Close(Ending::DataBehindStarttls)), "{attack:?}");
}

fn refused(input: &str, wanted: Wanted) {
    check(&format!("a {input}\r\n"), &format!("a {REFUSED}"), &[Effect::PrivacyRequired(wanted)]);
}

struct Done(bool);
impl Handshake for Done {
    fn is_complete(&self) -> bool {
        self.0
    }
}

#[test]
fn the_five_commands_work_in_any_case() {
    check("a noOP\r\n", "a OK NOOP completed\r\n", &[]);
    check(
        "b Capability\r\n",
        "* CAPABILITY IMAP4rev1 IMAP4rev2 ID STARTTLS LOGINDISABLED\r\nb OK CAPABILITY completed\r\n",
        &[],
    );
    check("c ID (\"name\" \"x\")\r\n", "* ID NIL\r\nc OK ID completed\r\n", &[]);
    check("d ID NIL\r\n", "* ID NIL\r\nd OK ID completed\r\n", &[]);
    check(
        "e LOGOUT\r\n",
        "* BYE Logging out\r\ne OK LOGOUT completed\r\n",
        &[Effect::Close(Ending::LoggedOut)],
    );
    check("f STARTTLS\r\n", "f OK Begin TLS negotiation now\r\n", &[Effect::Handshake]);
}

#[test]
fn commands_that_follow_each_other_are_answered_in_order() {
    check(
        "a NOOP\r\n\r\nb NOOP\nc ID ()\r\n",
        "a OK NOOP completed\r\nb OK NOOP completed\r\n* ID NIL\r\nc OK ID completed\r\n",
        &[],
    );
}

#[test]
fn t_5_everything_else_requires_privacy() {
    for command in ["SELECT INBOX", "UID FETCH 1 FLAGS", "XYZZY"] {
        refused(command, Wanted::Other);
    }
    for command in ["AUTHENTICATE PLAIN", "authenticate SCRAM-SHA-256"] {
        refused(command, Wanted::Authenticate);
    }
}

#[test]
fn a_password_in_clear_is_refused_unread_and_its_owner_warned() {
    let warned = Effect::Warn(Exposed { account: Some("alice".into()) });
    for (command, wanted) in [
        ("LOGIN alice secret", Wanted::Login),
        ("login \"alice\" \"secret\"", Wanted::Login),
        ("AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==", Wanted::Authenticate),
    ] {
        let others = [Effect::PrivacyRequired(wanted), warned.clone()];
        check(&format!("a {command}\r\n"), &format!("{ALERT}a {REFUSED}"), &others);
    }
    let literal = "a LOGIN alice {6+}\r\n";
    let answer = format!("{ALERT}a {REFUSED}* BYE No literals before TLS\r\n");
    let refused = Effect::PrivacyRequired(Wanted::Login);
    check(literal, &answer, &[refused, warned, Effect::Close(Ending::UnaskedLiteral)]);
}

#[test]
fn no_answer_ever_holds_the_password() {
    for input in [
        "a LOGIN alice hunter2\r\n",
        "a LOGIN alice {7+}\r\nhunter2\r\n",
        "a LOGIN alice {7}\r\nhunter2\r\n",
        "LOGIN alice hunter2\r\n",
        "hunter2\r\n",
    ] {
        let (sent, others) = talk([input.as_bytes()]);
        assert!(!sent.contains("hunter2"), "{sent}");
        assert!(!format!("{others:?}").contains("hunter2"), "{others:?}");
    }
}

#[test]
fn a_literal_is_never_asked_for() {
    refused("LOGIN {5}", Wanted::Login);
    refused("LOGIN alice {6}", Wanted::Login);
    refused("SELECT {5}", Wanted::Other);
    for input in ["a STARTTLS {5}\r\n", "a NOOP {5}\r\n", "a ID {5}\r\n"] {
        let (sent, others) = talk([input.as_bytes()]);
        assert!(sent.starts_with("a BAD "), "{sent}");
        assert_eq!(others, []);
    }
}

#[test]
fn a_literal_that_was_not_asked_for_ends_the_connection() {
    for input in [
        "a STARTTLS {5+}\r\nb NOOP\r\n",
        "a NOOP {0+}\r\n",
        "a XYZZY {99999999999999999999-}\r\n",
        "{5+}\r\n",
    ] {
        let (sent, others) = talk([input.as_bytes()]);
        assert!(sent.ends_with("* BYE No literals before TLS\r\n"), "{sent}");
        assert_eq!(others.last(), Some(&Effect::Close(Ending::UnaskedLiteral)));
    }
}

#[test]
fn t_1_data_behind_starttls_is_never_answered_however_it_is_cut() {
    for attack in [
        "a STARTTLS\r\nb CAPABILITY\r\n",
        "a starttls\r\nb LOGIN alice secret\r\n",
        "a STARTTLS\nb NOOP\n",
        "a STARTTLS\r\na STARTTLS\r\n",
        "a STARTTLS\r\n\r\n",
        "a STARTTLS\r\n{5+}\r\nhello",
        "a STARTTLS\r\n\x16\x03\x01",
        "a]b StArTtLs\r\nx",
    ] {
        check_injection(attack);
    }
}

#[test]
fn t_2_what_only_looks_like_starttls_starts_nothing() {
    for input in [
        "a STARTTLS now\r\n",
        "a STARTTLS \r\n",
        "a  STARTTLS\r\n",
        "a\tSTARTTLS\r\n",
        "a STARTTLS\t\r\n",
        "a STARTTLS\r\r\n",
        " a STARTTLS\r\n",
        "+ STARTTLS\r\n",
        "a\u{a0}STARTTLS\r\n",
        "STARTTLS\r\n",
        "a STARTTLS\0\r\n",
    ] {
        let (sent, others) = talk([input.as_bytes(), b"z NOOP\r\n"]);
        assert!(sent.contains(" BAD "), "{input:?}: {sent}");
        assert!(sent.ends_with("z OK NOOP completed\r\n"), "{input:?}: {sent}");
        assert_eq!(others, [], "{input:?}");
    }
}

#[test]
fn what_is_read_never_outgrows_its_bound() {
    let (mut gate, mut effects) = gate();
    let most = Rules::default().before_tls_octets;
    for _ in 0..10 * most {
        gate.handle(b"x", &mut effects);
        assert!(gate.unread.capacity() <= 2 * most);
    }
    assert_eq!(effects, [Effect::Send("* BYE Line too long\r\n".into()), Effect::Close(Ending::LineTooLong)]);
}

#[test]
fn each_refusal_is_told_once_and_nothing_of_what_was_sent_is_in_it() {
    let refused = |input: &str, command: Option<&str>, condition| {
        let (mut gate, mut effects) = gate();
        gate.handle(input.as_bytes(), &mut effects);
        let told: Vec<_> = effects
            .into_iter()
            .filter_map(|effect| if let Effect::Refused(refused) = effect { Some(refused) } else { None })
            .collect();
        assert!(
            matches!(&told[..], [one] if (one.command, one.condition) == (command, condition)),
            "{told:?}"
        );
        assert!(!told[0].why.contains("hunter2"), "{told:?}");
    };
    refused("a login alice hunter2\r\n", Some("LOGIN"), Condition::No);
    refused("a hunter2\r\n", None, Condition::No);
    refused("(hunter2)\r\n", None, Condition::Bad);
    refused("a noop hunter2\r\n", Some("NOOP"), Condition::Bad);
}

#[test]
fn a_peer_that_is_refused_again_and_again_is_sent_away() {
    let refusals = MAX_REFUSALS as usize;
    let (sent, others) = talk(["a LOGIN {1}\r\n".repeat(refusals + 5).as_bytes()]);
    assert_eq!(sent.matches("PRIVACYREQUIRED").count(), refusals + 1);
    assert_eq!(others.last(), Some(&Effect::Close(Ending::TooManyRefusals)));
}

#[test]
fn tls_on_the_wrong_port_is_hung_up_on_without_a_word() {
    check("\u{16}\u{3}\u{1}", "", &[Effect::Close(Ending::TlsWithoutStarttls)]);
}

#[test]
fn patience_ends_at_the_deadline_and_not_twice() {
    let (mut gate, mut effects) = gate();
    assert_eq!(gate.deadline(), Moment::from_millis(60_005));
    gate.time_out(&mut effects);
    gate.time_out(&mut effects);
    assert_eq!(
        effects,
        [Effect::Send("* BYE You took too long to begin TLS\r\n".into()), Effect::Close(Ending::TimedOut)]
    );
}

#[test]
fn t_3_only_a_completed_handshake_is_a_proof_and_what_was_said_before_is_gone() {
    assert!(Encrypted::after(&Done(false)).is_none());
    let (mut gate, mut effects) = gate();
    gate.handle(b"a ID (\"name\" \"evil\")\r\nb STARTTLS\r\n", &mut effects);
    let greeted = gate.finish_handshake(Encrypted::after(&Done(true)).unwrap());
    // Nothing but the server's own name is left: there is no field that could hold more.
    let Greeted { signpost: left, rules: _, greeting: Greeting::Given } = greeted else {
        panic!("greeted twice")
    };
    assert_eq!(left, signpost());
}
