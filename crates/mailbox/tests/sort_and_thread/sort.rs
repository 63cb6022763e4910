//! Orders.

use mailbox::sort::{Direction, MAX_KEY_TEXT_OCTETS, RUN, SortKey, Sorter};
use std::cmp::Ordering;
use terms::Uid;
use testkit::dice::Dice;

use Direction::{Ascending, Descending};

fn uid(number: usize) -> Uid {
    Uid::new(u32::try_from(number).unwrap()).unwrap()
}

fn check(direction: Direction, texts: &[&str], expected: &[usize]) {
    let mut sorter = Sorter::new();
    for (number, text) in (1..).zip(texts) {
        let mut key = SortKey::new();
        key.text(direction, text);
        sorter.push(uid(number), &key);
    }
    assert_eq!(sorter.finish().collect::<Vec<_>>(), expected.iter().copied().map(uid).collect::<Vec<_>>());
}

#[test]
fn texts_sort_by_the_collation_and_the_empty_one_is_the_first() {
    check(Ascending, &["b", "a", "", "B", "Á", "az"], &[3, 2, 6, 5, 1, 4]);
    check(Ascending, &["a b", "a", "a\0", "aa", "a\u{1}"], &[2, 3, 5, 1, 4]);
}

/// RFC 5256: REVERSE "does not affect the implicit sequence number sort criterion".
#[test]
fn reverse_turns_a_criterion_and_not_the_order_of_equals() {
    check(Descending, &["b", "a", "", "B", "ab", "a"], &[1, 4, 5, 2, 6, 3]);
}

#[test]
fn texts_are_compared_as_far_as_they_are_kept() {
    let long = "x".repeat(MAX_KEY_TEXT_OCTETS);
    check(Ascending, &[&(long.clone() + "b"), &(long.clone() + "a"), &long[1..]], &[3, 1, 2]);
}

#[derive(Clone, Debug)]
struct Values(i64, String, String);

fn random_values(dice: &mut Dice) -> Values {
    let text = |dice: &mut Dice| dice.some(&["a", "B", "\0", "ü"]).concat();
    Values(dice.pick(&[i64::MIN, -1, 0, 1, i64::MAX]), text(dice), text(dice))
}

fn order(a: &Values, b: &Values, directions: [Direction; 3]) -> Ordering {
    let turned = |order: Ordering, direction| if direction == Descending { order.reverse() } else { order };
    // What the collation makes of these letters.
    let folded = |text: &str| text.replace('a', "A").replace('ü', "U\u{308}");
    let texts = |a: &str, b: &str| folded(a).as_bytes().cmp(folded(b).as_bytes());
    turned(a.0.cmp(&b.0), directions[0])
        .then(turned(texts(&a.1, &b.1), directions[1]))
        .then(turned(texts(&a.2, &b.2), directions[2]))
}

#[test]
fn several_criteria_sort_in_the_order_of_their_priority_across_all_runs() {
    for seed in 0..20 {
        let mut dice = Dice::new(seed);
        let directions = [(); 3].map(|()| dice.pick(&[Ascending, Descending]));
        let values: Vec<_> = (0..RUN * 2 + 100).map(|_| random_values(&mut dice)).collect();
        let (mut sorter, mut key) = (Sorter::new(), SortKey::new());
        for (number, Values(first, second, third)) in (1..).zip(&values) {
            key.clear();
            key.number(directions[0], *first);
            key.text(directions[1], second);
            key.text(directions[2], third);
            sorter.push(uid(number), &key);
        }
        let mut expected: Vec<_> = (1..=values.len()).collect();
        expected.sort_by(|a, b| order(&values[a - 1], &values[b - 1], directions));
        let sorted: Vec<_> = sorter.finish().collect();
        assert_eq!(sorted, expected.into_iter().map(uid).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn nothing_is_sorted_into_nothing() {
    assert_eq!(Sorter::new().finish().next(), None);
}
