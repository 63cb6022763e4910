//! Threat T-29: whoever writes References and subjects does not decide how long SORT and THREAD take.
//!
//! What is counted is work, not time: steps, comparisons, and the octets that were hashed or compared; each for some
//! messages and for twice as many, which may take little more than twice the work.

use super::{Note, by_references};
use mailbox::sort::{Cost, Direction, MAX_KEY_TEXT_OCTETS, SortKey, Sorter};
use mailbox::thread::{Letter, OrderedSubject, References, Standing, Threads, Token};
use terms::Uid;
use testkit::dice::Dice;

const MESSAGES: u32 = 100_000;

/// A little more than `log2` of the messages. Counted are 4 to 8.
const STEPS_PER_LINK: u64 = 20;

/// What twice the messages may take of the work, in percent: `log2` grows by a sixteenth, and longer numbers make longer
/// names. A quadratic takes 400.
const MOST_GROWTH_PERCENT: u64 = 225;

/// Of the work for half of [`MESSAGES`], and for all.
fn check_growth(name: &str, half: u64, all: u64) {
    println!("{name}: {half} for half of them, {all} for all");
    assert!(half >= u64::from(MESSAGES / 2), "{name}: nothing was counted");
    assert!(all * 100 <= half * MOST_GROWTH_PERCENT, "{name}: {half}, and {all} for twice as many");
}

fn check(name: &str, work: impl Fn(u32) -> u64) {
    check_growth(name, work(MESSAGES / 2), work(MESSAGES));
}

/// What it took to make threads and to tell them.
fn work_of(threads: &Threads) -> u64 {
    let mut walk = threads.walk();
    walk.by_ref().for_each(drop);
    threads.work() + walk.steps()
}

fn letter(uid: u32) -> Letter<'static> {
    let uid = Uid::new(uid).unwrap();
    Letter { uid, sent: i64::from(uid.get()), subject: "", standing: Standing::Answer }
}

fn id(number: u32) -> Vec<u8> {
    format!("{number}@x").into_bytes()
}

/// Threads messages that refer as `refer` says, and checks what it took.
fn check_links(name: &str, refer: impl Fn(u32) -> (u32, Vec<u32>)) -> usize {
    let mut threading = References::new(MESSAGES as usize);
    let mut links = 0_u64;
    for uid in 1..=MESSAGES {
        let (own, references) = refer(uid);
        links += references.len() as u64;
        let references: Vec<_> = references.into_iter().map(id).collect();
        threading.push(&letter(uid), Some(&id(own)), references.iter().map(Vec::as_slice));
    }
    let steps = threading.steps();
    println!("{name}: {links} links, {steps} steps");
    assert!(steps <= links * STEPS_PER_LINK, "{name}: {steps} steps for {links} links");
    let threads = threading.gather().finish();
    let (mut members, mut depth, mut deepest, mut pieces) = (0, 0_usize, 0_usize, 0_u64);
    for token in threads.walk() {
        pieces += 1;
        match token {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            Token::Member(_) => members += 1,
        }
        deepest = deepest.max(depth);
    }
    assert_eq!((members, depth), (MESSAGES, 0), "{name}");
    assert!(pieces <= 4 * u64::from(MESSAGES), "{name}: {pieces} pieces");
    deepest
}

#[test]
fn a_chain_of_replies_as_long_as_the_mailbox_costs_linear_work() {
    let chain = |uid: u32| (uid, if uid == 1 { vec![] } else { vec![uid - 1] });
    assert_eq!(check_links("a chain, oldest first", chain), 1);
    let reversed = |uid: u32| (MESSAGES - uid, vec![MESSAGES - uid + 1]);
    assert_eq!(check_links("a chain, newest first", reversed), 1);
    let mut dice = Dice::new(29);
    let mut shuffled: Vec<u32> = (1..=MESSAGES).collect();
    for last in (1..shuffled.len()).rev() {
        shuffled.swap(last, dice.below(last + 1));
    }
    let shuffled = |uid: u32| (shuffled[uid as usize - 1], vec![shuffled[uid as usize - 1] - 1]);
    assert_eq!(check_links("a chain, shuffled", shuffled), 1);
}

/// Every second message of the chain has another child, so that each level is a list of its own.
#[test]
fn threads_may_nest_as_deeply_as_there_are_messages() {
    let ladder = |uid: u32| (uid, if uid < 3 { vec![] } else { vec![(uid - 1) / 2 * 2 - 1] });
    assert_eq!(check_links("a ladder", ladder), MESSAGES as usize / 2);
}

/// To walk up from the tip of a long chain, again and again, is what the links of these ask for.
#[test]
fn links_below_the_tip_of_a_long_chain_cost_no_more_than_others() {
    const TIP: u32 = MESSAGES / 2;
    let onto_tip = |uid: u32| match uid {
        1 => (1, vec![]),
        ..=TIP => (uid, vec![uid - 1]),
        // First a child of a stranger, then the stranger itself, which goes below the tip.
        uid if uid.is_multiple_of(2) => (uid, vec![uid + 1]),
        uid => (uid, vec![TIP]),
    };
    check_links("trees below the tip", onto_tip);
    // The root of the chain below its own tip, refused each time.
    let loops = |uid: u32| match uid {
        1 => (1, vec![]),
        ..=TIP => (uid, vec![uid - 1]),
        uid => (uid, vec![TIP, 1, TIP - uid % 1_000, 1]),
    };
    check_links("loops", loops);
}

#[test]
fn many_references_that_are_not_there_cost_linear_work() {
    let mut dice = Dice::new(7);
    let references: Vec<Vec<u32>> =
        (0..MESSAGES).map(|_| (0..10).map(|_| dice.below(1_000_000)).collect()).collect();
    check_links("strangers", |uid| (uid, references[uid as usize - 1].clone()));
}

/// Something of a message, by its UID.
type Of<T> = fn(u32) -> T;

/// Subjects from somebody who wants this to take long: which one, of how many.
const SUBJECTS: [(&str, Of<String>); 7] = [
    // mailcow#5918 was a mailbox whose subjects were all alike.
    ("all alike", |_| "Cron".to_owned()),
    ("all others", |uid| format!("Cron {uid}")),
    ("in pairs", |uid| format!("Cron {}", uid / 2)),
    ("alike to the end", |uid| format!("{}{uid:06}", "x".repeat(240))),
    ("alike behind the end of what is compared", |uid| format!("{}{uid:06}", "x".repeat(300))),
    ("alike in what is folded", |uid| format!("{}{uid:06}", "ǅ".repeat(40))),
    // What is left where brackets do not close is compared as it is.
    ("half of a nest", |uid| format!("{}{uid:06}", "[list [fwd: re ".repeat(16))),
];

/// How a message and its references come to stand for one subject: answers, dummies with children, and both.
const SHAPES: [(&str, Of<Note>); 5] = [
    ("originals", |uid| note(uid, Standing::Original, vec![])),
    ("answers", |uid| note(uid, Standing::Answer, vec![])),
    ("in turns", |uid| {
        note(uid, if uid.is_multiple_of(2) { Standing::Original } else { Standing::Answer }, vec![])
    }),
    ("below strangers", |uid| note(uid, Standing::Answer, vec![format!("gone{}@x", uid / 2)])),
    ("below lines of strangers", |uid| {
        note(uid, Standing::Original, (0..6).map(|step| format!("gone{}@x", uid * 3 + step)).collect())
    }),
];

fn note(uid: u32, standing: Standing, references: Vec<String>) -> Note {
    // Every one is older than the one before.
    Note { uid, sent: -i64::from(uid), subject: String::new(), standing, id: None, references }
}

#[test]
fn twice_the_messages_are_little_more_than_twice_the_work_whatever_their_subjects() {
    for (subjects, subject) in SUBJECTS {
        for (shape, note) in SHAPES {
            check(&format!("{shape}, subjects {subjects}"), |messages| {
                let note = |uid| Note { subject: subject(uid), ..note(uid) };
                work_of(&by_references(&(1..=messages).map(note).collect::<Vec<_>>()))
            });
        }
        check(&format!("by subjects {subjects}"), |messages| {
            let mut threading = OrderedSubject::new();
            for uid in 1..=messages {
                threading.push(&Letter { subject: &subject(uid), ..letter(uid) });
            }
            work_of(&threading.finish())
        });
    }
}

/// The chain hangs from its end; half of its links are strangers.
#[test]
fn twice_the_links_are_little_more_than_twice_the_work() {
    check("a chain through strangers", |messages| {
        let notes = (1..=messages).map(|uid| {
            let near = |step: u32| format!("{}@x", (2 * uid + step).min(2 * messages));
            Note { id: Some(near(0)), ..note(uid, Standing::Answer, vec![near(2), near(1)]) }
        });
        work_of(&by_references(&notes.collect::<Vec<_>>()))
    });
    check("a line of strangers", |messages| {
        let line = |uid: u32| (0..8).map(|step| format!("gone{}@x", uid * 8 + step)).collect();
        let notes: Vec<_> = (1..=messages).map(|uid| note(uid, Standing::Answer, line(uid))).collect();
        work_of(&by_references(&notes))
    });
    check("one id for all", |messages| {
        let all = |uid| Note { id: Some("a@x".into()), ..note(uid, Standing::Answer, vec!["a@x".into()]) };
        work_of(&by_references(&(1..=messages).map(all).collect::<Vec<_>>()))
    });
}

/// What a sort by a key took.
fn sorting(messages: u32, mut make: impl FnMut(u32, &mut SortKey)) -> Cost {
    let (mut sorter, mut key) = (Sorter::new(), SortKey::new());
    for uid in 1..=messages {
        key.clear();
        make(uid, &mut key);
        sorter.push(Uid::new(uid).unwrap(), &key);
    }
    let mut sorted = sorter.finish();
    assert_eq!(sorted.by_ref().count(), messages as usize);
    sorted.cost()
}

#[test]
fn a_sort_compares_n_log_n_times_whatever_the_keys() {
    let mut dice = Dice::new(1);
    let random: Vec<i64> = (0..MESSAGES).map(|_| dice.any().cast_signed()).collect();
    let zigzag = |uid: u32| if uid.is_multiple_of(2) { i64::from(uid) } else { -i64::from(uid) };
    let orders: [(&str, &dyn Fn(u32) -> i64); 5] = [
        ("equal", &|_| 0),
        ("ascending", &i64::from),
        ("descending", &|uid| -i64::from(uid)),
        ("zigzag", &zigzag),
        ("random", &|uid| random[uid as usize - 1]),
    ];
    for (name, value) in orders {
        let Cost { comparisons, octets } =
            sorting(MESSAGES, |uid, key| key.number(Direction::Ascending, value(uid)));
        println!("{name}: {comparisons} comparisons");
        // 17 is log2 of the messages; the merge compares each of its levels twice.
        assert!(comparisons <= 22 * u64::from(MESSAGES), "{name}: {comparisons}");
        assert_eq!(octets, 8 * comparisons, "{name}");
    }
}

/// Long common beginnings are where octets count: each comparison looks at no more of them than a key may have.
#[test]
fn twice_the_subjects_are_little_more_than_twice_the_octets_compared() {
    for (name, subject) in SUBJECTS {
        for direction in [Direction::Ascending, Direction::Descending] {
            let cost = |messages: u32| {
                sorting(messages, |uid, key| {
                    // Neither in order nor against it.
                    let uid = uid.reverse_bits() >> 8;
                    key.text(direction, &subject(uid));
                    key.number(direction, i64::from(uid));
                })
            };
            let (half, all) = (cost(MESSAGES / 2), cost(MESSAGES));
            check_growth(&format!("{name}, comparisons"), half.comparisons, all.comparisons);
            check_growth(&format!("{name}, octets"), half.octets, all.octets);
            assert!(all.comparisons <= 22 * u64::from(MESSAGES), "{name}: {all:?}");
            assert!(all.octets <= all.comparisons * (MAX_KEY_TEXT_OCTETS as u64 + 10), "{name}: {all:?}");
        }
    }
}
