//! Threat T-29: whoever writes References and subjects does not decide how long SORT and THREAD take.
//!
//! What is counted is work, not time: comparisons of a sort, steps of the search for loops, pieces of the answer.

use super::{Note, by_references};
use mailbox::sort::{Direction, SortKey, Sorter};
use mailbox::thread::{Letter, OrderedSubject, References, Standing, Token};
use terms::Uid;
use testkit::dice::Dice;

const MESSAGES: u32 = 100_000;

/// A little more than `log2` of the messages. Counted are 4 to 8.
const STEPS_PER_LINK: u64 = 20;

fn letter(uid: u32) -> Letter<'static> {
    let uid = Uid::new(uid).unwrap();
    Letter { uid, sent: i64::from(uid.get()), subject: "", standing: Standing::Answer }
}

fn id(number: u32) -> Vec<u8> {
    format!("{number}@x").into_bytes()
}

/// Threads messages that refer as `refer` says, and checks what it took.
fn check(name: &str, refer: impl Fn(u32) -> (u32, Vec<u32>)) -> usize {
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
    assert_eq!(check("a chain, oldest first", chain), 1);
    let reversed = |uid: u32| (MESSAGES - uid, vec![MESSAGES - uid + 1]);
    assert_eq!(check("a chain, newest first", reversed), 1);
    let mut dice = Dice::new(29);
    let mut shuffled: Vec<u32> = (1..=MESSAGES).collect();
    for last in (1..shuffled.len()).rev() {
        shuffled.swap(last, dice.below(last + 1));
    }
    let shuffled = |uid: u32| (shuffled[uid as usize - 1], vec![shuffled[uid as usize - 1] - 1]);
    assert_eq!(check("a chain, shuffled", shuffled), 1);
}

/// Every second message of the chain has another child, so that each level is a list of its own.
#[test]
fn threads_may_nest_as_deeply_as_there_are_messages() {
    let ladder = |uid: u32| (uid, if uid < 3 { vec![] } else { vec![(uid - 1) / 2 * 2 - 1] });
    assert_eq!(check("a ladder", ladder), MESSAGES as usize / 2);
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
    check("trees below the tip", onto_tip);
    // The root of the chain below its own tip, refused each time.
    let loops = |uid: u32| match uid {
        1 => (1, vec![]),
        ..=TIP => (uid, vec![uid - 1]),
        uid => (uid, vec![TIP, 1, TIP - uid % 1_000, 1]),
    };
    check("loops", loops);
}

#[test]
fn many_references_that_are_not_there_cost_linear_work() {
    let mut dice = Dice::new(7);
    let references: Vec<Vec<u32>> =
        (0..MESSAGES).map(|_| (0..10).map(|_| dice.below(1_000_000)).collect()).collect();
    check("strangers", |uid| (uid, references[uid as usize - 1].clone()));
}

/// mailcow#5918 was a mailbox whose subjects were all alike.
#[test]
fn subjects_that_are_all_alike_cost_linear_work() {
    for standing in [Standing::Original, Standing::Answer] {
        let note = |uid: u32| Note {
            uid,
            sent: i64::from(MESSAGES - uid),
            subject: "Cron".to_owned(),
            standing,
            id: None,
            references: vec![],
        };
        let notes: Vec<_> = (1..=MESSAGES).map(note).collect();
        let pieces = by_references(&notes).walk().count();
        assert_eq!(pieces, 3 * MESSAGES as usize + 2);
    }
    let mut threading = OrderedSubject::new();
    (1..=MESSAGES).for_each(|uid| threading.push(&letter(uid)));
    assert_eq!(threading.finish().walk().count(), 3 * MESSAGES as usize);
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
        let (mut sorter, mut key) = (Sorter::new(), SortKey::new());
        for uid in 1..=MESSAGES {
            key.clear();
            key.number(Direction::Ascending, value(uid));
            sorter.push(Uid::new(uid).unwrap(), &key);
        }
        let mut sorted = sorter.finish();
        assert_eq!(sorted.by_ref().count(), MESSAGES as usize);
        println!("{name}: {} comparisons", sorted.comparisons());
        // 17 is log2 of the messages; the merge compares each of its levels twice.
        assert!(sorted.comparisons() <= 22 * u64::from(MESSAGES), "{name}: {}", sorted.comparisons());
    }
}
