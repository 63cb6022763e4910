//! A strict reader of Prometheus' text format, version 0.0.4.
//!
//! Stricter than Prometheus: each family comes once, with HELP and TYPE before its samples, and no sample comes twice.

use std::collections::BTreeMap;

/// What one metric says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it means.
    pub help: String,
    /// Its samples, each by what stands in front of the number.
    pub samples: BTreeMap<String, f64>,
}

/// A page, family by family.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposition(pub BTreeMap<String, Family>);

impl Exposition {
    /// Reads a page.
    ///
    /// # Panics
    /// The page is not what it should be; says which line.
    #[must_use]
    pub fn parse(page: &str) -> Self {
        assert!(page.ends_with('\n'), "the last line has an end too");
        let mut families = BTreeMap::new();
        let mut lines = page.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, help) = described(line, "# HELP ");
            let (typed, kind) = described(lines.next().unwrap_or_default(), "# TYPE ");
            assert_eq!(name, typed, "HELP and TYPE stand together");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(is_name(name) && !help.is_empty(), "{line}");
            let mut samples = BTreeMap::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                let (what, number) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no number: {line:?}"));
                check_sample(what, name, kind);
                let number: f64 = number.parse().unwrap_or_else(|_| panic!("no number: {line:?}"));
                assert!(number.is_finite(), "{line}");
                assert!(samples.insert(what.to_owned(), number).is_none(), "twice: {line}");
            }
            let family = Family { kind: kind.to_owned(), help: help.to_owned(), samples };
            family.check_histogram(name);
            assert!(families.insert(name.to_owned(), family).is_none(), "twice: {name}");
        }
        Self(families)
    }

    /// A sample by what stands in front of its number, if there is one.
    #[must_use]
    pub fn get(&self, what: &str) -> Option<f64> {
        self.0.values().find_map(|family| family.samples.get(what).copied())
    }
}

impl Family {
    /// A histogram's buckets only grow, and the last one counts all.
    fn check_histogram(&self, name: &str) {
        if self.kind != "histogram" {
            return;
        }
        let bounds = self.samples.iter().filter_map(|(what, count)| {
            let bound = what.strip_prefix(name)?.strip_prefix("_bucket{le=\"")?.strip_suffix("\"}")?;
            Some((bound.parse::<f64>().unwrap_or_else(|_| panic!("no bound: {what}")), *count))
        });
        let mut buckets: Vec<_> = bounds.collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1), "{name} shrinks: {buckets:?}");
        let last = buckets.last().copied().unwrap_or_default();
        assert_eq!(last.0, f64::INFINITY, "{name} has no +Inf");
        assert_eq!(self.samples.get(&format!("{name}_count")), Some(&last.1), "{name}");
        assert!(self.samples.contains_key(&format!("{name}_sum")), "{name} has no sum");
    }
}

fn described<'l>(line: &'l str, prefix: &str) -> (&'l str, &'l str) {
    let described = line.strip_prefix(prefix).and_then(|line| line.split_once(' '));
    described.unwrap_or_else(|| panic!("{prefix:?} is missing: {line:?}"))
}

fn check_sample(what: &str, name: &str, kind: &str) {
    let (of, labels) = what.split_once('{').map_or((what, None), |(of, labels)| (of, Some(labels)));
    let suffix = of.strip_prefix(name).unwrap_or_else(|| panic!("{what} is not of {name}"));
    let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
    assert!(suffixes.contains(&suffix), "{what}");
    let Some(labels) = labels else { return };
    let labels = labels.strip_suffix("\"}").unwrap_or_else(|| panic!("the label does not end: {what}"));
    let (label, value) = labels.split_once("=\"").unwrap_or_else(|| panic!("no label: {what}"));
    assert!(is_name(label), "{what}");
    // A certificate may be for all names below one, or for an address.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._+*:".contains(c);
    assert!(!value.is_empty() && value.chars().all(plain), "a label's value is one word of ours: {what}");
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_may_be_is_read() {
        let page = "# HELP a_total It counts.\n# TYPE a_total counter\na_total{b=\"c-d\"} 2\n# HELP t Time.\n\
                    # TYPE t histogram\nt_bucket{le=\"0.5\"} 1\nt_bucket{le=\"+Inf\"} 3\nt_sum 7.5\nt_count 3\n";
        let read = Exposition::parse(page);
        assert_eq!(read.get("a_total{b=\"c-d\"}"), Some(2.0));
        assert_eq!((read.get("t_count"), read.get("nothing")), (Some(3.0), None));
    }

    #[test]
    fn what_a_page_may_not_be_is_refused() {
        let head = "# HELP a It is.\n# TYPE a gauge\n";
        for wrong in [
            "a 1\n".to_owned(),
            format!("{head}a 1"),
            format!("{head}b 1\n"),
            format!("{head}a one\n"),
            format!("{head}a NaN\n"),
            format!("{head}a 1\na 1\n"),
            format!("{head}{head}"),
            format!("{head}a{{b=\"ann@example.org\"}} 1\n"),
            "# HELP a It is.\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n".to_owned(),
        ] {
            assert!(std::panic::catch_unwind(|| Exposition::parse(&wrong)).is_err(), "{wrong}");
        }
    }
}
