//! Lines with words that are not known before: `‹name›` and `‹any›`.

use std::collections::BTreeMap;

/// What the names of a transcript stand for, once they have been seen.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// `text` with the names that are known replaced.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.0 {
            filled = filled.replace(&format!("‹{name}›"), value);
        }
        filled
    }

    /// Whether `line` is what `pattern` says. Names seen for the first time are kept.
    pub(crate) fn matches(&mut self, pattern: &str, line: &str) -> bool {
        let pattern = self.fill(pattern);
        let Some((before, rest)) = pattern.split_once('‹') else { return pattern == line };
        let Some((name, after)) = rest.split_once('›') else { return pattern == line };
        let Some(line) = line.strip_prefix(before) else { return false };
        // The shortest text that lets the rest match; a line has few places to try.
        let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
        for (value, behind) in ends.filter_map(|at| line.split_at_checked(at)) {
            let mut names = Self(self.0.clone());
            if name != "any" {
                names.0.insert(name.into(), value.into());
            }
            if names.matches(after, behind) {
                *self = names;
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_text_and_any_for_all() {
        let mut names = Names::default();
        assert!(names.matches("* OK [UIDVALIDITY ‹v›] ‹any›", "* OK [UIDVALIDITY 17] UIDs valid"));
        assert_eq!(names.fill("‹v› and ‹w›"), "17 and ‹w›");
        assert!(names.matches("a ‹v› ‹any›", "a 17 x"));
        assert!(!names.matches("a ‹v› ‹any›", "a 18 x"));
    }

    #[test]
    fn what_does_not_match_teaches_no_names() {
        let mut names = Names::default();
        assert!(!names.matches("‹v› b", "a c"));
        assert!(names.matches("‹v› c", "a c"));
        assert!(!names.matches("plain", "plane"));
        assert!(names.matches("plain", "plain"));
    }
}
