mod known;
mod real;
mod shelf;

use crate::imap::done::Stop;
use crate::imap::ending::Ending;
use crate::imap::hall::Selected;
use crate::imap::pace::{PROGRESS_TIME, STRETCH};
use crate::outbox::PIECE;
use bytes::Bytes;
use known::{Known, Piece, pieces};
use mailbox::{Change, Doomed, Flags, Store};
use shelf::{Far, READER, Shelf, Work, ask, hunt, read};
use terms::{Flag, InternalDate, Keyword, Uid, UidSet};
use testkit::dice::Dice;

const WORDS: [&str; 22] = [
    "swim",
    "SWIM",
    "grüße",
    "GRÜSSE",
    "KÖLN",
    "русский",
    "ÉTÉ",
    "e\u{301}te",
    "hidden",
    "needle",
    "",
    "Subject: ",
    "<B>",
    "inner",
    "within",
    "e",
    "@example",
    "text/html",
    "amble",
    "epilogue",
    "İlker",
    "a folded value",
];
const FIELDS: [&str; 8] = ["Subject", "FROM", "to", "X-Swim", "Content-Type", "Date", "No-Such", "bad:name"];
const DAYS: [&str; 5] = ["28-Feb-2026", "1-Mar-2026", "2-Mar-2026", "\"3-Mar-2026\"", "1-Jan-1994"];
const FLAGS: [&str; 12] = [
    "ALL",
    "SEEN",
    "UNSEEN",
    "DELETED",
    "UNFLAGGED",
    "ANSWERED",
    "KEYWORD $Junk",
    "UNKEYWORD $junk",
    "KEYWORD Other",
    "RECENT",
    "OLD",
    "NEW",
];
const DATED: [&str; 6] = ["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"];
const TEXTS: [&str; 7] = ["BODY", "TEXT", "SUBJECT", "FROM", "TO", "CC", "BCC"];

/// A key in the client's words; `last` are the highest number and UID.
fn any_key(dice: &mut Dice, depth: u64, last: (u64, u64)) -> String {
    let set = |dice: &mut Dice, from: u64, to: u64| {
        let mut end =
            || if dice.below(6) == 0 { "*".into() } else { (from + dice.below(to - from + 1)).to_string() };
        [end(), end()].join(":") + "," + &end()
    };
    match dice.below(if depth == 0 { 11 } else { 17 }) {
        0 | 1 => dice.pick(&FLAGS).into(),
        2 => set(dice, 1, last.0),
        3 => format!("UID {}", set(dice, last.1 - last.0, last.1 + 3)),
        4 => format!("{} {}", dice.pick(&DATED), dice.pick(&DAYS)),
        5 => format!("{} {}", dice.pick(&["LARGER", "SMALLER"]), 100 + dice.below(400)),
        6 if dice.below(2) == 0 => {
            // To the second, and one on either side of it.
            let ago = dice.below(10) * 43_200 + dice.below(3);
            format!("{} {}", dice.pick(&["OLDER", "YOUNGER"]), ago.max(2) - 1)
        }
        6 => format!("MODSEQ {}", dice.below(14)),
        7 => format!("HEADER {} \"{}\"", dice.pick(&FIELDS), dice.pick(&WORDS)),
        8..=10 => format!("{} \"{}\"", dice.pick(&TEXTS), dice.pick(&WORDS)),
        11 | 12 => format!("NOT {}", any_key(dice, depth - 1, last)),
        13 | 14 => format!("OR {} {}", any_key(dice, depth - 1, last), any_key(dice, depth - 1, last)),
        _ => {
            let keys: Vec<_> = (0..=dice.below(3)).map(|_| any_key(dice, depth - 1, last)).collect();
            format!("({})", keys.join(" "))
        }
    }
}

fn any_flags(dice: &mut Dice) -> Vec<Flag> {
    let all = [
        Flag::Seen,
        Flag::Deleted,
        Flag::Flagged,
        Flag::Answered,
        Flag::Keyword(Keyword::new("$Junk").unwrap()),
    ];
    all.into_iter().filter(|_| dice.below(3) == 0).collect()
}

/// Midnight and noon of a few days, in zones that make other days of them.
fn any_date(dice: &mut Dice) -> InternalDate {
    let half_days = 2 * 20_511 + dice.below(10) as i64;
    InternalDate::new(half_days * 43_200, dice.pick(&[-720, -60, 0, 60, 840])).unwrap()
}

/// A mailbox in which things happened after it was selected: messages were expunged, changed and added, and the
/// client has not heard of it. `known` are the messages that it has been told of and that are still there.
fn any_mailbox<'a>(dice: &mut Dice, pieces: &'a [Piece]) -> (Selected<Shelf>, Vec<Known<'a>>) {
    let shelf = Shelf::new();
    let count = 1 + dice.below(8);
    let mut told: Vec<_> = (0..count).map(|_| &pieces[dice.below(pieces.len() as u64) as usize]).collect();
    let put = |dice: &mut Dice, piece: &Piece| {
        let flags = any_flags(dice).iter().collect();
        shelf.put(piece.raw.clone(), flags, any_date(dice))
    };
    let uids: Vec<_> = told.iter().map(|piece| put(dice, piece)).collect();
    let recent = dice.pick(&uids);
    shelf.set_recent(recent);
    let selected = shelf.select();
    let gone: UidSet = uids.iter().copied().filter(|_| dice.below(6) == 0).collect();
    store(&shelf, &gone, Flags::from_iter([&Flag::Deleted]));
    shelf.apply(&mailbox::expunge(&shelf.state(), Doomed::DeletedAmong(&gone)).unwrap().events);
    store(&shelf, &UidSet::one(dice.pick(&uids)), Flags::from_iter([&Flag::Seen]));
    put(dice, &pieces[0]);
    let state = shelf.state();
    let last = (u32::try_from(told.len()).unwrap(), uids.last().unwrap().get());
    let known = (1..).zip(told.drain(..)).zip(&uids).filter_map(|((number, piece), uid)| {
        let row = state.reader(READER).row(*uid)?;
        let keyword =
            (!row.flags.keywords().is_empty()).then(|| Flag::Keyword(Keyword::new("$JUNK").unwrap()));
        let names: Vec<_> = row.flags.system.names().collect();
        let system = [Flag::Seen, Flag::Deleted, Flag::Flagged, Flag::Answered];
        let flags =
            system.into_iter().filter(|flag| names.contains(&flag.to_string().as_str())).chain(keyword);
        Some(Known {
            piece,
            number,
            uid: uid.get(),
            flags: flags.collect(),
            recent: *uid >= recent,
            date: row.internal_date,
            mod_seq: row.modseq,
            last,
        })
    });
    let known = known.collect();
    (selected, known)
}

fn store(shelf: &Shelf, uids: &UidSet, flags: Flags) {
    let state = shelf.state();
    let request = Store { account: READER, uids, change: Change::Add, flags: &flags, unchanged_since: None };
    shelf.apply(&mailbox::store(&state, &request).unwrap().events);
}

#[test]
fn random_searches_find_what_a_look_at_everything_finds() {
    let pieces = pieces();
    let mut found = 0;
    for seed in 0..4_000 {
        let mut dice = Dice::new(seed);
        let (mut selected, known) = any_mailbox(&mut dice, &pieces);
        let last =
            (u64::from(selected.view.messages()), u64::from(selected.view.uids().last().unwrap().get()));
        let keys: Vec<_> = (0..=dice.below(2)).map(|_| any_key(&mut dice, 3, last)).collect();
        let name =
            dice.pick(&["SEARCH", "UID SEARCH", "UID SEARCH CHARSET utf-8", "SEARCH CHARSET \"US-ASCII\""]);
        let command = format!("a {name} {}", keys.join(" "));
        let keys = read(&command);
        let fitting = known.iter().filter(|known| keys.iter().all(|key| known.fits(key)));
        let fitting: Vec<_> = fitting.collect();
        let mut expected = "* SEARCH".to_owned();
        for known in &fitting {
            let number = if name.starts_with("UID") { known.uid } else { known.number };
            expected += &format!(" {number}");
        }
        if let Some(highest) =
            fitting.iter().map(|known| known.mod_seq).max().filter(|_| command.contains("MODSEQ"))
        {
            expected += &format!(" (MODSEQ {highest})");
        }
        assert_eq!(ask(&mut selected, &command).unwrap(), expected, "seed {seed}: {command}");
        found += fitting.len();
    }
    assert!(found > 2_000, "hardly a search found anything: {found}");
}

fn date() -> InternalDate {
    InternalDate::new(0, 0).unwrap()
}

/// A shelf of `count` small messages with numbers in their subjects and texts.
fn numbered(count: usize) -> Shelf {
    let shelf = Shelf::new();
    for number in 1..=count {
        let raw = format!("Subject: number {number}\r\nX-Odd: {}\r\n\r\ntext {number}.\r\n", number % 2);
        shelf.put(raw.into_bytes(), Flags::NONE, date());
    }
    shelf
}

#[track_caller]
fn check_work(shelf: &Shelf, command: &str, answer: &str, work: Work) {
    shelf.work();
    assert_eq!(ask(&mut shelf.select(), command).unwrap(), answer, "{command}");
    assert_eq!(shelf.work(), work, "{command}");
}

#[test]
fn a_search_reads_what_it_cannot_know_otherwise() {
    let shelf = numbered(20);
    let nothing = Work::default();
    let records = Work { records: 20, ..nothing };
    check_work(&shelf, "a SEARCH UNSEEN LARGER 40", "* SEARCH 10 11 12 13 14 15 16 17 18 19 20", nothing);
    check_work(&shelf, "a SEARCH SEEN TEXT number", "* SEARCH", nothing);
    check_work(&shelf, "a SEARCH SUBJECT \"number 7\"", "* SEARCH 7", records);
    check_work(&shelf, "a SEARCH NOT BODY x BCC y", "* SEARCH", records);
    let texts = Work { records: 20, octets: 9 * 9 + 11 * 10, largest: 10 };
    check_work(&shelf, "a UID SEARCH BODY \"TEXT 12.\"", "* SEARCH 112", texts);
    let all = Work { records: 20, octets: 9 * 40 + 11 * 42, largest: 42 };
    check_work(&shelf, "a UID SEARCH HEADER x-odd 1 BODY \" 9.\"", "* SEARCH 109", all);
    let one = Work { records: 1, octets: 40, largest: 40 };
    check_work(&shelf, "a SEARCH UID 103 TEXT \"subject: number 3\"", "* SEARCH 3", one);
}

#[test]
fn all_strings_are_sought_in_one_reading() {
    let shelf = numbered(1);
    let keys: Vec<_> = (0..12).map(|n| format!("OR BODY \"no {n}\" OR TEXT \"none {n}\" ")).collect();
    let once = Work { records: 1, octets: 40, largest: 40 };
    check_work(&shelf, &format!("a SEARCH {}BODY ext", keys.concat()), "* SEARCH 1", once);
}

/// A message of so many octets with a word at its very end, which is made where it is read.
fn large(octets: usize) -> Shelf {
    const HEADER: &[u8] = b"Subject: large\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    const LINE: &[u8] = "eine Zeile mit Grüßen\r\n".as_bytes();
    const END: &[u8] = b"the needle";
    let lines = octets - HEADER.len() - END.len();
    let octet = move |at: usize| match at {
        _ if at < HEADER.len() => HEADER[at],
        _ if at < HEADER.len() + lines => LINE[(at - HEADER.len()) % LINE.len()],
        _ => END[at - HEADER.len() - lines],
    };
    let mut scanner = message::Scanner::new();
    let piece =
        move |from: usize, most: usize| (from..octets.min(from + most)).map(octet).collect::<Vec<_>>();
    (0..octets).step_by(PIECE).for_each(|from| scanner.push(&piece(from, PIECE)));
    let shelf = Shelf::new();
    let body = Box::new(move |from, most| Some(piece(from, most).into()));
    shelf.put_parsed(&scanner.finish(), octets as u64, body, Flags::NONE, date());
    shelf
}

#[test]
fn a_large_message_is_read_once_and_in_pieces() {
    const OCTETS: usize = 50 << 20;
    let shelf = large(OCTETS);
    // All but the header.
    let all = Work { records: 1, octets: OCTETS - 59, largest: PIECE };
    check_work(&shelf, "a SEARCH OR BODY \"THE NEEDLE\" BODY \"no such thing\"", "* SEARCH 1", all);
    let some = Work { records: 1, octets: PIECE, largest: PIECE };
    check_work(&shelf, "a SEARCH BODY \"GRÜSSEN\"", "* SEARCH", all);
    check_work(&shelf, "a SEARCH BODY \"GRÜßEN\"", "* SEARCH 1", some);
}

#[test]
fn a_long_search_lets_others_work_and_says_that_it_goes_on() {
    let shelf = large(8 << 20);
    let far = Far::default();
    far.line().step = PROGRESS_TIME / 4;
    let (found, polls) = hunt(&shelf.select(), "a SEARCH BODY nothing", &far);
    assert!(found.unwrap().is_empty());
    let stretches = (8 << 20) / STRETCH;
    assert!((stretches..=stretches + 1).contains(&polls), "{polls} polls for {stretches} stretches");
    let heard = String::from_utf8(far.line().heard.clone()).unwrap();
    assert_eq!(heard, "* OK [INPROGRESS (\"a\" 0 1)] Still at it\r\n".repeat(stretches / 4));
}

#[test]
fn a_search_for_a_peer_that_is_gone_ends() {
    let shelf = large(8 << 20);
    let far = Far::default();
    far.line().gone = true;
    let (found, _) = hunt(&shelf.select(), "a SEARCH BODY nothing", &far);
    assert!(matches!(found, Err(Stop::Over(Ending::Gone))));
    assert!(shelf.work().octets < STRETCH + PIECE, "it went on");
}

#[test]
fn a_message_that_is_gone_fits_nothing() {
    let shelf = numbered(2);
    let parsed = message::parse(b"Subject: number 3\r\n\r\ntext\r\n");
    shelf.put_parsed(&parsed, 27, Box::new(|_, _| None), Flags::NONE, date());
    shelf.put_parsed(
        &parsed,
        27,
        Box::new(|from, _| Some(Bytes::from(&b"Sub"[from.min(3)..]))),
        Flags::NONE,
        date(),
    );
    let mut selected = shelf.select();
    for (command, answer) in [
        ("a SEARCH BODY z", "* SEARCH"),
        ("a SEARCH NOT BODY z", "* SEARCH 1 2"),
        ("a SEARCH NOT HEADER x-odd 1", "* SEARCH 2"),
        ("a SEARCH SUBJECT 3", "* SEARCH 3 4"),
    ] {
        assert_eq!(ask(&mut selected, command).unwrap(), answer, "{command}");
    }
}

#[test]
fn an_accent_is_found_wherever_the_pieces_are_cut() {
    for before in PIECE - 4..=PIECE {
        let text = "x".repeat(before) + "e\u{301}" + &"日本語".repeat(9_000) + "が";
        let raw = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}");
        let shelf = Shelf::new();
        shelf.put(raw.into(), Flags::NONE, date());
        for (word, answer) in
            [("xé", "* SEARCH 1"), ("é日", "* SEARCH 1"), ("語が", "* SEARCH 1"), ("xe", "* SEARCH")]
        {
            assert_eq!(
                ask(&mut shelf.select(), &format!("a SEARCH BODY \"{word}\"")).unwrap(),
                answer,
                "{word}"
            );
        }
    }
}

#[test]
fn messages_are_found_in_the_middle_of_many() {
    let shelf = numbered(700);
    let gone: UidSet = [3, 300, 699].into_iter().filter_map(|n| Uid::new(100 + n)).collect();
    let mut selected = shelf.select();
    store(&shelf, &gone, Flags::from_iter([&Flag::Deleted]));
    shelf.apply(&mailbox::expunge(&shelf.state(), Doomed::Deleted).unwrap().events);
    let answer = ask(&mut selected, "a SEARCH OR (SUBJECT \" 30\" LARGER 42) OR 2:4 *:698").unwrap();
    assert_eq!(answer, "* SEARCH 2 4 301 302 303 304 305 306 307 308 309 698 700");
}

#[track_caller]
fn check_refused(command: &str, expected: &str) {
    let Err(Stop::Refused(refusal)) = ask(&mut numbered(3).select(), command) else {
        panic!("{command} was done");
    };
    let mut out = Vec::new();
    refusal.tell(None, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), format!("* {expected}\r\n"));
}

#[test]
fn what_cannot_be_searched_for_is_refused() {
    let charset = "NO [BADCHARSET (US-ASCII UTF-8)] Say what to search for in UTF-8";
    check_refused("a SEARCH CHARSET KOI8-R TEXT x", charset);
    check_refused("a SEARCH 4", "BAD There are 3 messages in this mailbox");
    let long = format!("a SEARCH BODY {}", "x".repeat(4_097));
    check_refused(&long, "NO [LIMIT] A string to search for can have at most 4096 octets");
    let many = format!("a SEARCH{}", " SEEN".repeat(2_000));
    check_refused(&many, "NO [LIMIT] A search has at most 2000 keys, nested at most 500 deep");
}
