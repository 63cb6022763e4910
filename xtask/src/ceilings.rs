//! How many instructions an operation may take: `crates/operations/ceilings.toml`, and counts held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use toml::Table;

/// How far a ceiling is above the count that it was made of, in percent. Another patch release of the compiler or of the
/// C library stays below it, and whoever slows an operation down by a tenth does not.
const ROOM_PERCENT: u64 = 6;

/// A count below so many percent of its ceiling has become so small that the ceiling guards nothing.
const FAR_BELOW_PERCENT: u64 = 80;

/// The ceilings, and what they were made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ceilings {
    compiler: String,
    of: BTreeMap<String, u64>,
}

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Below,
    FarBelow,
    Above,
    /// It has no ceiling.
    New,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    operation: String,
    count: u64,
    ceiling: Option<u64>,
}

impl Row {
    fn standing(&self) -> Standing {
        match self.ceiling {
            None => Standing::New,
            Some(ceiling) if self.count > ceiling => Standing::Above,
            Some(ceiling) if self.count < ceiling / 100 * FAR_BELOW_PERCENT => Standing::FarBelow,
            Some(_) => Standing::Below,
        }
    }
}

/// Counts beside their ceilings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    rows: Vec<Row>,
    /// Ceilings of operations that are not there.
    gone: Vec<String>,
}

impl Ceilings {
    /// Reads the file.
    ///
    /// # Errors
    /// It is not what [`write()`] writes.
    pub(crate) fn read(text: &str) -> Result<Self, Box<dyn Error>> {
        let wrong = |what: &str| format!("ceilings.toml: {what}");
        let file: Table = text.parse().map_err(|why| wrong(&format!("{why}")))?;
        let compiler = file.get("rustc").and_then(|value| value.as_str()).ok_or_else(|| wrong("no rustc"))?;
        let table = file.get("ceilings").and_then(|value| value.as_table());
        let table = table.ok_or_else(|| wrong("no [ceilings]"))?;
        let number = |(name, value): (&String, &toml::Value)| {
            let ceiling = value.as_integer().and_then(|number| u64::try_from(number).ok());
            let ceiling = ceiling.ok_or_else(|| wrong(&format!("{name} is no number of instructions")))?;
            Ok((name.clone(), ceiling))
        };
        let of: Result<_, String> = table.iter().map(number).collect();
        Ok(Self { compiler: compiler.to_owned(), of: of? })
    }

    /// Compares.
    pub(crate) fn hold_against(&self, counts: &[(String, u64)]) -> Report {
        let row = |(operation, count): &(String, u64)| {
            let (operation, count) = (operation.clone(), *count);
            Row { ceiling: self.of.get(&operation).copied(), operation, count }
        };
        let counted: BTreeSet<_> = counts.iter().map(|(name, _)| name).collect();
        let gone = self.of.keys().filter(|name| !counted.contains(name)).cloned().collect();
        Report { rows: counts.iter().map(row).collect(), gone }
    }
}

/// The file with a ceiling for each count.
pub(crate) fn write(counts: &[(String, u64)], compiler: &str) -> String {
    let mut out = format!(
        "# How many instructions one run of an operation may take: {ROOM_PERCENT} % more than it took when this was\n\
         # written, by `cargo xtask instructions --write`, with this compiler, on x86-64.\n\
         rustc = \"{compiler}\"\n\n[ceilings]\n"
    );
    for (name, count) in counts {
        // Writing into a string does not fail.
        let _ = writeln!(out, "\"{name}\" = {}", grouped(ceiling(*count), "_"));
    }
    out
}

/// With some room, and rounded up to three digits: what comes behind them says nothing.
fn ceiling(count: u64) -> u64 {
    let ceiling = count.saturating_mul(100 + ROOM_PERCENT).div_ceil(100);
    let unit = 10_u64.saturating_pow(ceiling.max(1).ilog10().saturating_sub(2));
    ceiling.div_ceil(unit).saturating_mul(unit)
}

impl Report {
    /// All of it, a line each.
    pub(crate) fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.operation.len()).max().unwrap_or_default();
        let mut out = format!("{:width$}  {:>13}  {:>13}\n", "operation", "instructions", "ceiling");
        for row in &self.rows {
            let ceiling = row.ceiling.map_or_else(|| "none".into(), |ceiling| grouped(ceiling, ","));
            let note = match row.standing() {
                Standing::Below => "",
                Standing::FarBelow => "  far below: lower the ceiling",
                Standing::Above => "  TOO MANY",
                Standing::New => "  NO CEILING",
            };
            let count = grouped(row.count, ",");
            // Writing into a string does not fail.
            let _ = writeln!(out, "{:width$}  {count:>13}  {ceiling:>13}{note}", row.operation);
        }
        out
    }

    /// Whether all is well; counts far below are.
    ///
    /// # Errors
    /// What is not, and what to do about it.
    pub(crate) fn verdict(&self, ceilings: &Ceilings, compiler: &str) -> Result<(), String> {
        let named = |standing: Standing| {
            let rows = self.rows.iter().filter(move |row| row.standing() == standing);
            rows.map(|row| row.operation.clone()).collect::<Vec<_>>()
        };
        let complaint = |what: &str, names: &[String]| match names {
            [] => None,
            names => Some(format!("instructions: {what}: {}", names.join(", "))),
        };
        let (above, new) = (named(Standing::Above), named(Standing::New));
        let mut complaints = Vec::new();
        complaints.extend(complaint("above the ceiling", &above));
        complaints.extend(complaint("without a ceiling", &new));
        complaints.extend(complaint("a ceiling for what is not there", &self.gone));
        if complaints.is_empty() {
            return Ok(());
        }
        if ceilings.compiler != compiler {
            let then = &ceilings.compiler;
            complaints
                .push(format!("The ceilings were made with rustc {then}, and this is rustc {compiler}."));
        }
        complaints.push(
            "Where that is what you want: cargo xtask instructions --write, and say in the commit what it buys.".into(),
        );
        Err(complaints.join("\n"))
    }
}

/// 1234567 as 1,234,567.
fn grouped(number: u64, between: &str) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push_str(between);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64)]) -> Vec<(String, u64)> {
        of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    const FILE: &str = "rustc = \"1.95.0\"\n[ceilings]\n\"wire/parse\" = 1_000\n\"store/commit\" = 50_000\n";

    fn check(of: &[(&str, u64)], compiler: &str) -> (String, Result<(), String>) {
        let ceilings = Ceilings::read(FILE).unwrap();
        let report = ceilings.hold_against(&counts(of));
        (report.table(), report.verdict(&ceilings, compiler))
    }

    #[test]
    fn counts_up_to_their_ceilings_are_well() {
        let (table, verdict) = check(&[("wire/parse", 1_000), ("store/commit", 41_000)], "1.95.0");
        assert_eq!(verdict, Ok(()));
        assert_eq!(
            table,
            "operation      instructions        ceiling\n\
             wire/parse            1,000          1,000\n\
             store/commit         41,000         50,000\n"
        );
    }

    #[test]
    fn one_instruction_above_is_too_many() {
        let (table, verdict) = check(&[("wire/parse", 1_001), ("store/commit", 50_000)], "1.95.0");
        let why = verdict.unwrap_err();
        assert!(why.starts_with("instructions: above the ceiling: wire/parse\n"), "{why}");
        assert!(why.contains("cargo xtask instructions --write") && !why.contains("rustc"), "{why}");
        assert!(table.contains("1,001          1,000  TOO MANY\n"), "{table}");
    }

    #[test]
    fn another_compiler_is_told_of_where_something_is_wrong() {
        let why = check(&[("wire/parse", 1_001), ("store/commit", 1)], "1.99.0").1.unwrap_err();
        assert!(why.contains("made with rustc 1.95.0, and this is rustc 1.99.0"), "{why}");
        assert_eq!(check(&[("wire/parse", 1_000), ("store/commit", 50_000)], "1.99.0").1, Ok(()));
    }

    #[test]
    fn a_count_far_below_is_a_hint_and_no_failure() {
        let (table, verdict) = check(&[("wire/parse", 799), ("store/commit", 40_000)], "1.95.0");
        assert_eq!(verdict, Ok(()));
        assert!(table.contains("799          1,000  far below: lower the ceiling\n"), "{table}");
        assert!(table.ends_with("40,000         50,000\n"), "{table}");
    }

    #[test]
    fn an_operation_and_a_ceiling_belong_together() {
        let (table, verdict) = check(&[("wire/parse", 1_000), ("wire/new", 7)], "1.95.0");
        let why = verdict.unwrap_err();
        assert!(why.contains("without a ceiling: wire/new\n"), "{why}");
        assert!(why.contains("a ceiling for what is not there: store/commit\n"), "{why}");
        assert!(table.contains("none  NO CEILING\n"), "{table}");
    }

    #[test]
    fn what_is_written_is_read_and_leaves_room_for_what_was_counted() {
        let counted = counts(&[("b/one", 1_234_567), ("a/two", 9), ("c/none", 0)]);
        let ceilings = Ceilings::read(&write(&counted, "1.95.0")).unwrap();
        assert_eq!(ceilings.compiler, "1.95.0");
        let expected = [("a/two", 10), ("b/one", 1_310_000), ("c/none", 0)];
        assert_eq!(ceilings.of.into_iter().collect::<Vec<_>>(), counts(&expected));
    }

    #[test]
    fn a_file_that_is_not_ours_is_refused_with_what_is_wrong() {
        let wrong = [
            ("[ceilings]\n", "no rustc"),
            ("rustc = \"1\"\n", "no [ceilings]"),
            ("rustc = \"1\"\n[ceilings]\nx = \"7\"\n", "x is no number of instructions"),
            ("rustc = \"1\"\n[ceilings]\nx = -7\n", "x is no number of instructions"),
            ("rustc", "ceilings.toml"),
        ];
        for (text, why) in wrong {
            let told = Ceilings::read(text).map(|_| ()).unwrap_err().to_string();
            assert!(told.contains(why), "{text:?}: {told}");
        }
    }
}
