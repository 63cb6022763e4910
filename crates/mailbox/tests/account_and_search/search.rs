//! Random programs over random messages, against an evaluator that reads everything.

use mailbox::search::*;
use terms::{EmailId, Flag, InternalDate, Keyword, ModSeq, ThreadId, Uid, UidSet};
use testkit::dice::Dice;

const WORDS: [&str; 6] = ["Grüße", "swim", "SWIMMING", "", "a", "ann@example.org"];
const FIELDS: [&str; 3] = ["from", "Subject", "X-None"];
const DAY_S: i64 = 86_400;

struct Message {
    uid: Uid,
    flags: Vec<Flag>,
    recent: bool,
    email: EmailId,
    thread: ThreadId,
    internal_date: InternalDate,
    save_date: InternalDate,
    size: u64,
    mod_seq: ModSeq,
    sent_day: Option<i64>,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Searchable for Message {
    fn uid(&self) -> Uid {
        self.uid
    }
    fn has_flag(&self, flag: &Flag) -> bool {
        self.flags.contains(flag)
    }
    fn is_recent(&self) -> bool {
        self.recent
    }
    fn email(&self) -> EmailId {
        self.email
    }
    fn internal_date(&self) -> InternalDate {
        self.internal_date
    }
    fn save_date(&self) -> InternalDate {
        self.save_date
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn mod_seq(&self) -> ModSeq {
        self.mod_seq
    }
}

impl Message {
    fn any(dice: &mut Dice) -> Self {
        let mut text = || (0..3).map(|_| dice.pick(&WORDS)).collect::<Vec<_>>().join(" ");
        let (from, body) = (text(), text());
        let subject = (!body.is_empty()).then(|| ("subject", text()));
        Self {
            uid: Uid::new(1 + dice.below(9) as u32).unwrap(),
            flags: (0..3).map(|_| any_flag(dice)).collect(),
            recent: dice.below(2) == 0,
            email: any_email(dice),
            thread: any_thread(dice),
            save_date: InternalDate::new(dice.below(3 * DAY_S as u64) as i64, 0).unwrap(),
            internal_date: InternalDate::new(
                dice.below(3 * DAY_S as u64) as i64,
                dice.below(1_400) as i16 - 700,
            )
            .unwrap(),
            size: dice.below(9),
            mod_seq: ModSeq::new(dice.below(9)).unwrap(),
            sent_day: dice.below(4_u64).checked_sub(1).map(|day| day as i64),
            headers: std::iter::once(("from", from)).chain(subject).collect(),
            body,
        }
    }

    fn has(&self, needle: &Needle) -> bool {
        needle.is_in(&self.body)
    }

    fn values<'a>(&'a self, field: &'a FieldName) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(|(name, _)| *name == field.as_str()).map(|(_, value)| value.as_str())
    }

    fn answer(&self, need: Need<'_>) -> bool {
        match need {
            Need::SentDate(test) => test.holds(self.sent_day),
            Need::Thread(thread) => self.thread == thread,
            Need::Header(test) => test.holds(self.values(&test.field)),
            Need::Body(needle) => self.has(needle),
            Need::Text(needle) => self.has(needle) || self.headers.iter().any(|(_, v)| needle.is_in(v)),
        }
    }

    /// The standard's words, key by key, reading whatever they name.
    fn fits(&self, key: &Key) -> bool {
        match key {
            Key::And(keys) => keys.iter().all(|key| self.fits(key)),
            Key::Or(keys) => keys.iter().any(|key| self.fits(key)),
            Key::Not(key) => !self.fits(key),
            Key::Flag(flag) => self.flags.contains(flag),
            Key::Recent => self.recent,
            Key::Uid(uids) => uids.iter().any(|uid| uid == self.uid),
            Key::InternalDate(test) => test.holds(Some(self.internal_date.local_seconds().div_euclid(DAY_S))),
            Key::Arrived(ArrivalTest::Since(moment)) => self.internal_date.seconds() >= *moment,
            Key::Arrived(ArrivalTest::Until(moment)) => self.internal_date.seconds() <= *moment,
            Key::SaveDate(test) => test.holds(Some(self.save_date.seconds().div_euclid(DAY_S))),
            Key::Email(email) => self.email == *email,
            Key::Thread(thread) => self.answer(Need::Thread(*thread)),
            Key::Larger(octets) => self.size > *octets,
            Key::Smaller(octets) => self.size < *octets,
            Key::ModSeq(mod_seq) => self.mod_seq.get() >= mod_seq.get(),
            Key::SentDate(test) => self.answer(Need::SentDate(*test)),
            Key::Header(test) => self.answer(Need::Header(test)),
            Key::Body(needle) => self.answer(Need::Body(needle)),
            Key::Text(needle) => self.answer(Need::Text(needle)),
        }
    }
}

fn any_flag(dice: &mut Dice) -> Flag {
    match dice.below(4) {
        0 => Flag::Seen,
        1 => Flag::Deleted,
        2 => Flag::Keyword(Keyword::new("$Junk").unwrap()),
        _ => Flag::Keyword(Keyword::new("$forwarded").unwrap()),
    }
}

fn any_email(dice: &mut Dice) -> EmailId {
    EmailId { mailbox: dice.below(2) as u32, uid: dice.below(2) as u32 }
}

fn any_thread(dice: &mut Dice) -> ThreadId {
    ThreadId([dice.below(2) as u8; 16])
}

fn any_date(dice: &mut Dice) -> DateTest {
    let day = dice.below(4) as i64;
    dice.pick(&[DateTest::Before(day), DateTest::On(day), DateTest::Since(day)])
}

fn any_needle(dice: &mut Dice) -> Needle {
    Needle::new(&dice.pick(&WORDS).to_uppercase()).unwrap()
}

fn any_key(dice: &mut Dice, depth: u64) -> Key {
    match dice.below(if depth == 0 { 15 } else { 21 }) {
        0 => Key::Flag(any_flag(dice)),
        1 => Key::Recent,
        2 => Key::Uid(UidSet::range(
            Uid::new(1 + dice.below(9) as u32).unwrap(),
            Uid::new(1 + dice.below(9) as u32).unwrap(),
        )),
        3 => Key::InternalDate(any_date(dice)),
        4 => Key::Larger(dice.below(9)),
        5 => Key::Smaller(dice.below(9)),
        6 => Key::ModSeq(ModSeq::new(dice.below(9)).unwrap()),
        7 => Key::SentDate(any_date(dice)),
        8 => Key::Header(HeaderTest {
            field: FieldName::new(dice.pick(&FIELDS)).unwrap(),
            needle: any_needle(dice),
        }),
        9 => Key::Body(any_needle(dice)),
        10 => Key::Text(any_needle(dice)),
        11 => Key::SaveDate(any_date(dice)),
        12 => Key::Email(any_email(dice)),
        13 => Key::Thread(any_thread(dice)),
        14 => {
            let moment = dice.below(3 * DAY_S as u64) as i64;
            Key::Arrived(dice.pick(&[ArrivalTest::Since(moment), ArrivalTest::Until(moment)]))
        }
        15 | 16 => any_key(dice, depth - 1).negated(),
        17 | 18 => Key::Or((0..dice.below(4)).map(|_| any_key(dice, depth - 1)).collect()),
        _ => Key::And((0..dice.below(4)).map(|_| any_key(dice, depth - 1)).collect()),
    }
}

/// Runs a program to its end; whether the message fits, and what had to be read for it.
fn run(program: &Program, message: &Message) -> (bool, Vec<String>) {
    let mut answers = program.answers();
    let mut asked = Vec::new();
    loop {
        match program.judge(message, &mut answers, |_| None) {
            Verdict::Fits => return (true, asked),
            Verdict::Fails => return (false, asked),
            Verdict::Asks(question) => {
                asked.push(format!("{:?}", question.need()));
                answers.set(&question, message.answer(question.need()));
            }
        }
    }
}

/// Runs a program over a message that is read in two steps, header and body; the tests that were made.
fn run_in_steps(program: &Program, message: &Message) -> (bool, Vec<String>) {
    let mut answers = program.answers();
    let mut tested = Vec::new();
    let (mut header, mut body) = (false, false);
    loop {
        let verdict = program.judge(message, &mut answers, |need| {
            let record = matches!(need, Need::SentDate(_) | Need::Thread(_) | Need::Header(_));
            let read = if record { header } else { body };
            read.then(|| {
                tested.push(format!("{need:?}"));
                message.answer(need)
            })
        });
        match verdict {
            Verdict::Fits => return (true, tested),
            Verdict::Fails => return (false, tested),
            Verdict::Asks(_) => (header, body) = (true, header),
        }
    }
}

/// How many keys need reading.
fn reads(key: &Key) -> usize {
    match key {
        Key::And(keys) | Key::Or(keys) => keys.iter().map(reads).sum(),
        Key::Not(key) => reads(key),
        Key::SentDate(_) | Key::Thread(_) | Key::Header(_) | Key::Body(_) | Key::Text(_) => 1,
        _ => 0,
    }
}

#[test]
fn random_programs_find_what_an_evaluator_that_reads_everything_finds() {
    for seed in 0..20_000 {
        let mut dice = Dice::new(seed);
        let message = Message::any(&mut dice);
        let key = any_key(&mut dice, 4);
        let (expected, most) = (message.fits(&key), reads(&key));
        let program = Program::new(key).unwrap();
        let (found, asked) = run(&program, &message);
        assert_eq!(found, expected, "seed {seed}: {program:?}");
        assert!(asked.len() <= most, "seed {seed} asked twice: {asked:?}");
        let (found, tested) = run_in_steps(&program, &message);
        assert_eq!(found, expected, "seed {seed}: {program:?}");
        assert!(tested.len() <= most, "seed {seed} tested twice: {tested:?}");
        let may_be = program.candidates().is_none_or(|uids| uids.contains(message.uid));
        assert!(may_be || !expected, "seed {seed}: {program:?} excludes what fits");
    }
}

fn message() -> Message {
    let mut message = Message::any(&mut Dice::new(1));
    (message.flags, message.size, message.sent_day) = (vec![Flag::Seen], 5, Some(2));
    message.headers = vec![("from", "Ann".into())];
    message.body = "They swim".into();
    message
}

fn body(text: &str) -> Key {
    Key::Body(Needle::new(text).unwrap())
}

fn from(text: &str) -> Key {
    let (field, needle) = (FieldName::new("From").unwrap(), Needle::new(text).unwrap());
    Key::Header(HeaderTest { field, needle })
}

fn check_asks(key: Key, fits: bool, expected: &[&str]) {
    let (found, asked) = run(&Program::new(key).unwrap(), &message());
    let kinds: Vec<&str> = asked.iter().map(|need| need.split('(').next().unwrap()).collect();
    assert_eq!((found, &kinds[..]), (fits, expected));
}

#[test]
fn what_columns_decide_is_never_read() {
    check_asks(Key::And(vec![body("swim"), Key::Larger(9)]), false, &[]);
    check_asks(Key::Or(vec![body("x"), Key::Flag(Flag::Seen)]), true, &[]);
    check_asks(Key::And(vec![body("x"), Key::Flag(Flag::Seen)]).negated(), true, &["Body"]);
}

#[test]
fn the_cheapest_question_comes_first_and_may_be_the_last() {
    let sent = || Key::SentDate(DateTest::On(2));
    check_asks(Key::And(vec![body("swim"), from("bob"), sent()]), false, &["SentDate", "Header"]);
    check_asks(Key::Or(vec![body("swim"), from("bob"), sent()]), true, &["SentDate"]);
    let nested = Key::And(vec![Key::Or(vec![body("x"), from("ann")]), sent()]);
    check_asks(nested, true, &["SentDate", "Header"]);
}

#[test]
fn of_what_has_been_read_the_cheap_is_tested_first() {
    let program = Program::new(Key::And(vec![body("swim"), from("bob")])).unwrap();
    let mut tested = Vec::new();
    let verdict = program.judge(&message(), &mut program.answers(), |need| {
        tested.push(format!("{need:?}"));
        Some(message().answer(need))
    });
    assert!(matches!(verdict, Verdict::Fails) && tested.len() == 1, "{tested:?}");
}

#[test]
fn an_empty_string_is_in_every_text_and_asks_whether_a_field_is_there() {
    check_asks(from(""), true, &["Header"]);
    let (field, needle) = (FieldName::new("X-None").unwrap(), Needle::new("").unwrap());
    check_asks(Key::Header(HeaderTest { field, needle }), false, &["Header"]);
    check_asks(body(""), true, &[]);
}

#[test]
fn dates_compare_as_written_whatever_the_zone() {
    let mut message = message();
    // 1970-01-02 00:30 +0100 is still the first in Greenwich.
    message.internal_date = InternalDate::new(DAY_S - 1_800, 60).unwrap();
    for (test, fits) in [(DateTest::On(1), true), (DateTest::Since(1), true), (DateTest::Before(1), false)] {
        assert_eq!(run(&Program::new(Key::InternalDate(test)).unwrap(), &message).0, fits, "{test:?}");
    }
    assert!(!DateTest::Before(9).holds(None) && !DateTest::Since(0).holds(None));
}

#[test]
fn new_is_recent_and_unseen_and_all_is_everything() {
    let mut message = message();
    message.recent = true;
    assert!(!run(&Program::new(Key::new_messages()).unwrap(), &message).0);
    message.flags.clear();
    assert!(run(&Program::new(Key::new_messages()).unwrap(), &message).0);
    assert!(run(&Program::new(Key::all()).unwrap(), &message).0);
}

#[test]
fn a_program_with_too_many_or_too_deep_keys_is_refused() {
    let wide = |keys| Key::Or((1..keys).map(|_| Key::Recent).collect());
    assert!(Program::new(wide(MAX_KEYS)).is_ok());
    assert_eq!(Program::new(wide(MAX_KEYS + 1)).err(), Some(TooComplex));
    let deep = |depth| (1..depth).fold(Key::Recent, |key, _| key.negated());
    assert!(Program::new(deep(MAX_DEPTH)).is_ok());
    assert_eq!(Program::new(deep(MAX_DEPTH + 1)).err(), Some(TooComplex));
}

#[test]
fn a_mod_seq_key_is_seen_wherever_it_stands() {
    let hidden = Key::And(vec![Key::Recent, Key::Or(vec![Key::ModSeq(ModSeq::ZERO).negated()])]);
    assert!(Program::new(hidden).unwrap().names_mod_seq());
    assert!(!Program::new(Key::all()).unwrap().names_mod_seq());
}

#[test]
fn a_field_name_has_no_colon_and_no_space() {
    assert_eq!(FieldName::new("MESSAGE-ID"), FieldName::new("Message-Id"));
    for text in ["", "a:", "a b", "ü", &"x".repeat(FieldName::MAX_OCTETS + 1)] {
        assert_eq!(FieldName::new(text), None, "{text:?}");
    }
}
