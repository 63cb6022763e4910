use super::*;
use crate::support::for_all;
use proptest::prelude::*;

/// What a session does with an announced literal.
#[derive(Clone, Copy, Debug)]
enum Decision {
    Keep,
    Stream,
    Refuse,
}

/// What a conversation came to: events, with streamed octets joined and decisions' outcomes among them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Command(String),
    Literal(Announced),
    Outcome(Result<GoAhead, Refused>),
    Streamed(String),
    Rest(String),
    Bad(Misframed, String),
    Lost,
}

fn text(octets: &[u8]) -> String {
    octets.escape_ascii().to_string()
}

fn decide(framer: &mut Framer, decision: Decision) -> Option<Seen> {
    match decision {
        Decision::Keep => Some(Seen::Outcome(framer.keep())),
        Decision::Stream => Some(Seen::Outcome(framer.stream())),
        Decision::Refuse => {
            framer.refuse();
            None
        }
    }
}

/// Plays `chunks` to a framer whose session decides by `decision`.
fn play<'a>(
    framer: &mut Framer,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    decision: impl Fn(Announced) -> Decision,
) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut streamed = Vec::new();
    for chunk in chunks {
        framer.push(chunk);
        loop {
            match framer.next_event() {
                Event::More => break,
                Event::Command(frame) => seen.push(Seen::Command(text(&frame))),
                Event::Literal(announced) => {
                    seen.push(Seen::Literal(announced));
                    seen.extend(decide(framer, decision(announced)));
                }
                Event::Octets { octets, left } => {
                    streamed.extend_from_slice(&octets);
                    if left == 0 {
                        seen.push(Seen::Streamed(text(&streamed)));
                        streamed.clear();
                    }
                }
                Event::Rest(rest) => seen.push(Seen::Rest(text(&rest))),
                Event::Bad { why, start } => seen.push(Seen::Bad(why, text(&start))),
                Event::Lost => {
                    seen.push(Seen::Lost);
                    return seen;
                }
            }
        }
    }
    seen
}

fn check(limits: Limits, decision: Decision, stream: &str, want: &[Seen]) {
    let mut framer = Framer::new(limits);
    let seen = play(&mut framer, [stream.as_bytes()], |_| decision);
    assert_eq!(seen, want, "{stream:?} at once");
    let mut framer = Framer::new(limits);
    let seen = play(&mut framer, stream.as_bytes().chunks(1), |_| decision);
    assert_eq!(seen, want, "{stream:?} octet by octet");
}

fn command(frame: &str) -> Seen {
    Seen::Command(text(frame.as_bytes()))
}

const fn literal(octets: u64, sync: Sync) -> Seen {
    Seen::Literal(Announced { octets, sync, form: LiteralForm::Literal })
}

fn after_login() -> Limits {
    Limits::after_login(1 << 20)
}

#[test]
fn lines_are_commands() {
    let want = [command("a NOOP"), command(""), command("b \"x}\""), command("DONE")];
    check(after_login(), Decision::Keep, "a NOOP\r\n\r\nb \"x}\"\r\nDONE\r\nc", &want);
}

#[test]
fn a_kept_literal_is_part_of_its_command() {
    let stream = "a LOGIN {3}\r\nx\r\n {2+}\r\n{}\r\nb\r\n";
    let want = [
        literal(3, Sync::Sync),
        Seen::Outcome(Ok(GoAhead::Continue)),
        literal(2, Sync::NonSync),
        Seen::Outcome(Ok(GoAhead::Nothing)),
        command("a LOGIN {3}\r\nx\r\n {2+}\r\n{}"),
        command("b"),
    ];
    check(after_login(), Decision::Keep, stream, &want);
}

#[test]
fn a_streamed_literal_comes_by_itself_and_then_the_rest() {
    let want = [
        literal(4, Sync::Sync),
        Seen::Outcome(Ok(GoAhead::Continue)),
        Seen::Streamed("a\\r\\nb".into()),
        Seen::Rest(String::new()),
        command("c"),
    ];
    check(after_login(), Decision::Stream, "a APPEND x {4}\r\na\r\nb\r\nc\r\n", &want);
    let want = [
        literal(0, Sync::NonSync),
        Seen::Outcome(Ok(GoAhead::Nothing)),
        Seen::Streamed(String::new()),
        literal(1, Sync::Sync),
        Seen::Outcome(Ok(GoAhead::Continue)),
        Seen::Streamed("y".into()),
        Seen::Rest(" (".into()),
    ];
    check(after_login(), Decision::Stream, "a APPEND x {0+}\r\n {1}\r\ny (\r\n", &want);
}

#[test]
fn a_refused_literal_that_the_client_holds_back_ends_its_command() {
    check(after_login(), Decision::Refuse, "a X {9}\r\nb Y\r\n", &[literal(9, Sync::Sync), command("b Y")]);
}

#[test]
fn a_refused_literal_that_comes_anyway_is_skipped_with_the_rest_of_its_command() {
    let stream = "a X {9+}\r\nb NOOP\r\n  {4+}\r\nc\r\n2 d {7}\r\ne NOOP\r\n";
    check(after_login(), Decision::Refuse, stream, &[literal(9, Sync::NonSync), command("e NOOP")]);
}

#[test]
fn t_11_limits_refuse_what_the_session_would_take() {
    let limits = Limits { literal_octets: 5, literals_per_command_octets: 8, ..after_login() };
    for (stream, why) in [
        ("a {6}\r\n", Refused::TooBig(5)),
        ("a {99999999999999999999999999999}\r\n", Refused::TooBig(5)),
        ("a {4294967295}\r\n", Refused::TooBig(5)),
    ] {
        let mut framer = Framer::new(limits);
        let seen = play(&mut framer, [stream.as_bytes()], |_| Decision::Keep);
        assert_eq!(seen.last(), Some(&Seen::Outcome(Err(why))), "{stream:?}");
    }
    let mut framer = Framer::new(limits);
    let seen = play(&mut framer, [&b"a {5}\r\n12345{4}\r\nb\r\n"[..]], |_| Decision::Keep);
    assert_eq!(seen.get(3..), Some(&[Seen::Outcome(Err(Refused::TooBigTogether(8))), command("b")][..]));
    let mut framer = Framer::new(Limits::after_login(10));
    let seen = play(&mut framer, [&b"a {11}\r\n"[..]], |_| Decision::Stream);
    assert_eq!(seen.last(), Some(&Seen::Outcome(Err(Refused::TooBig(10)))));
}

#[test]
fn a_literal_that_does_not_ask_has_at_most_4096_octets() {
    for decision in [Decision::Keep, Decision::Stream] {
        let mut framer = Framer::new(after_login());
        let stream = format!("a X {{4097+}}\r\n{}\r\nb\r\n", "x".repeat(4_097));
        let seen = play(&mut framer, [stream.as_bytes()], |_| decision);
        assert_eq!(
            seen.get(1..),
            Some(&[Seen::Outcome(Err(Refused::TooBigNonSync(4_096))), command("b")][..])
        );
    }
}

#[test]
fn before_tls_there_are_no_literals_and_one_that_does_not_ask_ends_the_connection() {
    let limits = Limits::BEFORE_TLS;
    let refused = |why| Seen::Outcome(Err(why));
    check(
        limits,
        Decision::Keep,
        "a LOGIN {5+}\r\nx",
        &[literal(5, Sync::NonSync), refused(Refused::TooBigNonSync(0)), Seen::Lost],
    );
    check(
        limits,
        Decision::Keep,
        "a LOGIN {5}\r\nb\r\n",
        &[literal(5, Sync::Sync), refused(Refused::TooBig(0)), command("b")],
    );
}

#[test]
fn a_line_that_is_too_long_is_bad_once_and_skipped() {
    let limits = Limits { line_octets: 10, ..after_login() };
    let long = |start: &str| Seen::Bad(Misframed::TooLong(10), start.into());
    check(limits, Decision::Keep, "a 456789\r\nb\r\n", &[command("a 456789"), command("b")]);
    check(limits, Decision::Keep, "a 4567890\r\nb\r\n", &[long("a 4567890\\r"), command("b")]);
    let stream = "a 4567890abcdef {12+}\r\nskip\r\nthis\r\n too {3}\r\nb\r\n";
    check(limits, Decision::Keep, stream, &[long("a 4567890a"), command("b")]);
}

#[test]
fn all_lines_of_a_command_share_one_limit() {
    let limits = Limits { line_octets: 20, ..after_login() };
    let mut framer = Framer::new(limits);
    let stream = "a {0}\r\n{0}\r\n{0}\r\n{0}\r\n{0}\r\n";
    let seen = play(&mut framer, [stream.as_bytes()], |_| Decision::Keep);
    assert!(matches!(seen.get(6), Some(Seen::Bad(Misframed::TooLong(20), _))), "{seen:?}");
}

#[test]
fn synchronisation_is_given_up_where_skipping_would_take_too_long() {
    let limits = Limits { line_octets: 10, skipped_octets: 15, ..after_login() };
    let long = Seen::Bad(Misframed::TooLong(10), "aaaaaaaaaa".into());
    check(limits, Decision::Keep, &"a".repeat(25), std::slice::from_ref(&long));
    check(limits, Decision::Keep, &"a".repeat(26), &[long, Seen::Lost]);
    check(limits, Decision::Refuse, "a {16+}\r\n", &[literal(16, Sync::NonSync), Seen::Lost]);
    let huge = Announced { octets: u64::MAX, sync: Sync::NonSync, form: LiteralForm::Literal };
    let stream = "a {18446744073709551616+}\r\n";
    let limits = Limits { line_octets: 99, ..limits };
    check(limits, Decision::Refuse, stream, &[Seen::Literal(huge), Seen::Lost]);
}

#[test]
fn each_bad_command_has_its_own_budget_for_skipping() {
    let limits = Limits { line_octets: 10, skipped_octets: 15, ..after_login() };
    let line = format!("{}\r\n", "a".repeat(20));
    let seen = play(&mut Framer::new(limits), [line.repeat(3).as_bytes()], |_| Decision::Keep);
    assert_eq!(seen, vec![Seen::Bad(Misframed::TooLong(10), "aaaaaaaaaa".into()); 3]);
    let seen = play(&mut Framer::new(limits), ["a {9+}\r\n123456789\r\n".repeat(3).as_bytes()], |_| {
        Decision::Refuse
    });
    assert_eq!(seen, vec![literal(9, Sync::NonSync); 3]);
}

#[test]
fn t_10_before_login_no_stream_makes_us_hold_more_than_its_limits() {
    // A growing buffer may double: twice what limits and one push allow.
    let most = 2 * (64 * 1_024 + 4_096);
    for hostile in
        ["x", "(", "a {8192}\r\n", "a {8192+}\r\n", "{1+}\r\nx ", "{0}\r\n", "{99999999999+}\r\n", "\n"]
    {
        let stream = hostile.repeat(1_000_000 / hostile.len());
        for decision in [Decision::Keep, Decision::Stream, Decision::Refuse] {
            let mut framer = Framer::new(Limits::BEFORE_LOGIN);
            for chunk in stream.as_bytes().chunks(4_096) {
                play(&mut framer, [chunk], |_| decision);
                assert!(framer.allocated_octets() <= most, "{hostile:?} holds {}", framer.allocated_octets());
            }
        }
    }
}

#[test]
fn a_lone_lf_ends_a_line_and_before_tls_the_command_is_bad() {
    check(after_login(), Decision::Keep, "a NOOP\nb\r\n", &[command("a NOOP"), command("b")]);
    let bare = |start: &str| Seen::Bad(Misframed::BareLf, start.into());
    check(
        Limits::BEFORE_TLS,
        Decision::Keep,
        "a STARTTLS\nb LOGIN {3}\nc\r\n",
        &[bare("a STARTTLS\\n"), bare("b LOGIN {3}\\n"), command("c")],
    );
    check(Limits::BEFORE_TLS, Decision::Keep, "a {3+}\nxyz", &[bare("a {3+}\\n"), Seen::Lost]);
}

#[test]
fn a_literal8_is_told_apart() {
    let announced = Announced { octets: 3, sync: Sync::NonSync, form: LiteralForm::Literal8 };
    check(after_login(), Decision::Refuse, "a APPEND x ~{3+}\r\n\0ab\r\n", &[Seen::Literal(announced)]);
}

#[test]
fn what_only_looks_like_an_announcement_is_none() {
    for line in ["a {}", "a {x}", "a {3}x", "a 3}", "a {+}", "a {3-}", "a {3++}", "a { 3}"] {
        assert_eq!(announcement(format!("{line}\r\n").as_bytes()), None, "{line}");
    }
}

#[test]
fn between_commands_nothing_is_held() {
    let mut framer = Framer::new(after_login());
    let line = format!("a {}\r\n", "x".repeat(1_000_000));
    assert_eq!(play(&mut framer, line.as_bytes().chunks(16_384), |_| Decision::Keep).len(), 1);
    assert_eq!(framer.allocated_octets(), 0);
    play(&mut framer, [line.as_bytes(), b"b NO"], |_| Decision::Keep);
    assert!(framer.allocated_octets() < 64, "half a command holds {}", framer.allocated_octets());
}

#[test]
fn a_skipped_flood_holds_no_memory() {
    let limits = Limits { line_octets: 1_000, skipped_octets: 100_000_000, ..after_login() };
    let chunk = vec![b'x'; 8_192];
    for start in ["a ", "a {90000000+}\r\n"] {
        let mut framer = Framer::new(limits);
        play(&mut framer, [start.as_bytes()], |_| Decision::Refuse);
        for _ in 0..1_000 {
            play(&mut framer, [&chunk[..]], |_| Decision::Refuse);
            assert!(framer.allocated_octets() <= 16_384, "{start:?} holds {}", framer.allocated_octets());
        }
    }
}

#[test]
fn t_19_work_grows_with_octets_and_not_with_their_square() {
    let literals = |n: usize| format!("a {}\r\n", "{1+}\r\nx ".repeat(n));
    let pipelined = |n: usize| "a NOOP\r\n".repeat(n);
    let line = |n: usize| format!("a {}\r\n", "x".repeat(n * 8));
    for stream in [literals(10_000), pipelined(10_000), line(10_000)] {
        for size in [1, 100, stream.len()] {
            let mut framer = Framer::new(after_login());
            play(&mut framer, stream.as_bytes().chunks(size), |_| Decision::Keep);
            assert!(framer.work <= 2 * stream.len() as u64, "{} for {} octets", framer.work, stream.len());
        }
    }
}

/// Streams made of what framing is about.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z \"]{0,12}".prop_map(String::into_bytes),
        3 => Just(b"\r\n".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        3 => (0u64..40).prop_map(|n| format!("{{{n}}}\r\n").into_bytes()),
        3 => (0u64..40).prop_map(|n| format!("{{{n}+}}\r\n").into_bytes()),
        1 => (0u64..40).prop_map(|n| format!("~{{{n}}}\r\n").into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

#[test]
fn any_split_of_the_octets_gives_the_same_events() {
    let limits = Limits {
        line_octets: 60,
        literal_octets: 20,
        literals_per_command_octets: 30,
        streamed_octets: 30,
        non_sync_octets: 25,
        skipped_octets: 90,
        line_end: LineEnd::CrLfOrLf,
    };
    let by_length = |announced: Announced| match announced.octets % 3 {
        0 => Decision::Keep,
        1 => Decision::Stream,
        _ => Decision::Refuse,
    };
    let cuts = proptest::collection::vec(1usize..30, 1..40);
    let strategy = (streams(), cuts, prop_oneof![Just(LineEnd::CrLf), Just(LineEnd::CrLfOrLf)]);
    for_all(7, 4_000, strategy, |(stream, cuts, line_end)| {
        let limits = Limits { line_end, ..limits };
        let at_once = play(&mut Framer::new(limits), [&stream[..]], by_length);
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, behind) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk);
            rest = behind;
        }
        assert_eq!(at_once, play(&mut Framer::new(limits), chunks, by_length));
    });
}
