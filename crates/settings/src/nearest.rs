//! "Did you mean ...?"

/// The word of `words` that `typed` was most likely meant to be; none where nothing is close.
pub(crate) fn nearest<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let furthest = (typed.chars().count() / 3).max(1);
    words
        .into_iter()
        .map(|word| (distance(typed, word), word))
        .filter(|&(steps, _)| steps <= furthest)
        .min()
        .map(|(_, word)| word)
}

/// Levenshtein's distance: letters to add, drop or change. The row holds the distances of `a`'s beginning so far
/// to each beginning of `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().zip([None].into_iter().chain(b.chars().map(Some))) {
            let here = y.map_or(i + 1, |y| (diagonal + usize::from(x != y)).min(*cell + 1).min(left + 1));
            diagonal = *cell;
            left = here;
            *cell = here;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters_to_add_drop_or_change() {
        for (a, b, steps) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(a, b), steps, "{a} {b}");
            assert_eq!(distance(b, a), steps, "{b} {a}");
        }
    }

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let words = ["data", "hostname", "listeners"];
        assert_eq!(nearest("hostnme", words), Some("hostname"));
        assert_eq!(nearest("listener", words), Some("listeners"));
        assert_eq!(nearest("colour", words), None);
    }
}
