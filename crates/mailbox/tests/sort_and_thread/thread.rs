//! Threads.

use super::{Note, by_references, literal, told};
use mailbox::thread::{OrderedSubject, References, Standing};
use testkit::dice::Dice;

/// `uid sent subject id references...`, `-` for none; a subject that begins with `re:` is an answer.
fn notes(lines: &[&str]) -> Vec<Note> {
    let note = |line: &&str| {
        let words: Vec<_> = line.split(' ').collect();
        let standing = if words[2].starts_with("re:") { Standing::Answer } else { Standing::Original };
        Note {
            uid: words[0].parse().unwrap(),
            sent: words[1].parse().unwrap(),
            subject: words[2].trim_start_matches("re:").trim_start_matches('-').to_owned(),
            standing,
            id: Some(words[3].to_owned()).filter(|id| id != "-"),
            references: words[4..].iter().map(|id| (*id).to_owned()).collect(),
        }
    };
    lines.iter().map(note).collect()
}

fn check(lines: &[&str], expected: &str) {
    let notes = notes(lines);
    assert_eq!(told(&by_references(&notes)), expected);
    assert_eq!(literal::references(&notes), expected, "literally");
}

fn check_subjects(lines: &[&str], expected: &str) {
    let mut threading = OrderedSubject::new();
    notes(lines).iter().for_each(|note| threading.push(&note.letter()));
    assert_eq!(told(&threading.finish()), expected);
}

#[test]
fn messages_of_one_subject_are_children_of_the_first() {
    check_subjects(&["1 5 a -", "2 3 b -", "3 4 A -", "4 9 a -", "5 1 c -"], "(5)(2)(3 (1)(4))");
    check_subjects(&["1 1 a -", "2 2 re:a -"], "(1 2)");
    check_subjects(&[], "");
}

#[test]
fn dates_that_are_equal_leave_the_order_of_the_mailbox() {
    check_subjects(&["1 7 a -", "2 7 b -", "3 7 a -", "4 7 a -"], "(1 (3)(4))(2)");
    check(&["1 7 - a", "2 7 - b a", "3 7 - c a", "4 7 - -"], "(1 (2)(3))(4)");
}

/// RFC 5256, 4: "(2)(3 6 (4 23)(44 7 96))" and "((3)(5))".
#[test]
fn the_examples_of_the_rfc_come_out() {
    let tree = [
        "2 1 - a",
        "3 2 - b",
        "4 4 - d c",
        "6 3 - c b",
        "7 6 - f e",
        "23 5 - x d",
        "44 5 - e c",
        "96 9 - y f",
    ];
    check(&tree, "(2)(3 6 (4 23)(44 7 96))");
    check(&["3 1 - a gone", "5 2 - b gone"], "((3)(5))");
}

#[test]
fn a_message_that_is_not_there_holds_its_answers_together() {
    check(&["1 1 - a gone"], "(1)");
    check(&["1 1 - a gone lost", "2 2 - b gone lost"], "((1)(2))");
    check(&["1 1 - a x", "2 2 - b a y", "3 3 - c a y"], "(1 (2)(3))");
    check(&["1 1 - a gone", "2 2 - gone"], "(2 1)");
}

#[test]
fn links_make_no_loop() {
    check(&["1 1 - a b", "2 2 - b a"], "(2 1)");
    check(&["1 1 - a a", "2 2 - b b a b"], "(2 1)");
    check(&["1 1 - a b c", "2 2 - c a", "3 3 - b c"], "(2 (1)(3))");
}

#[test]
fn the_last_reference_is_the_parent_whatever_others_thought() {
    check(&["1 1 - a", "2 2 - c a b", "3 3 - b x"], "(1)(3 2)");
    check(&["1 1 - c a b", "2 2 - b", "3 3 - a"], "(2 1)(3)");
}

#[test]
fn a_second_message_of_an_id_is_another() {
    check(&["1 1 - a", "2 2 - a", "3 3 - b a"], "(1 3)(2)");
    check(&["1 1 - a b", "2 2 - a b"], "((1)(2))");
}

#[test]
fn threads_of_one_subject_are_gathered() {
    check(&["1 1 a a", "2 2 re:a b"], "(1 2)");
    check(&["1 1 re:a a", "2 2 a b"], "(2 1)");
    check(&["1 1 a a", "2 2 a b", "3 3 A c"], "((1)(2)(3))");
    check(&["1 1 re:a a", "2 2 re:a b"], "((1)(2))");
    check(&["1 1 -- a", "2 2 -- b"], "(1)(2)");
    check(&["1 1 a a gone", "2 2 b b gone", "3 3 re:a c"], "((1)(2)(3))");
    check(&["1 1 a a x", "2 2 b b x", "3 3 a c y", "4 4 c d y"], "((1)(2)(3)(4))");
}

fn random_note(dice: &mut Dice, uid: u32) -> Note {
    const IDS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let subject = dice.pick(&["", "one", "ONE", "two"]).to_owned();
    let standing = dice.pick(&[Standing::Original, Standing::Answer]);
    let id = dice.chance(80).then(|| dice.pick(&IDS).to_owned());
    let references = (0..dice.below(5_u32)).map(|_| dice.pick(&IDS).to_owned()).collect();
    Note { uid, sent: dice.below(6_i64), subject, standing, id, references }
}

#[test]
fn whatever_messages_say_the_threads_are_those_that_the_rfc_has_literally() {
    for seed in 0..30_000 {
        let mut dice = Dice::new(seed);
        let count = 1 + dice.below(12_u32);
        let notes: Vec<_> = (1..=count).map(|uid| random_note(&mut dice, uid)).collect();
        assert_eq!(told(&by_references(&notes)), literal::references(&notes), "seed {seed}: {notes:#?}");
    }
}

#[test]
fn beyond_their_limit_strangers_are_passed_over() {
    let mut threading = References::new(2);
    let strangers: Vec<_> = (0..20_000).map(|number| format!("{number}@x")).collect();
    let notes = notes(&["1 1 - a", "2 2 - b"]);
    threading.push(&notes[0].letter(), Some(b"a"), strangers.iter().map(String::as_bytes));
    threading.push(
        &notes[1].letter(),
        Some(b"b"),
        [strangers[9_998].as_bytes(), strangers[19_999].as_bytes(), b"a"],
    );
    assert_eq!(told(&threading.gather().finish()), "(1 2)");
}
