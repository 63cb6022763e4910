//! `cargo xtask performance RESULT`: the page and the charts that tell what `bench/compare.sh` measured.
//!
//! What is measured is decided there; here it is only reckoned and written down. The result is kept beside the charts, so
//! that everybody can reckon again.

mod charts;
mod figures;
mod page;
mod result;

use figures::Figures;
use result::Outcome;
use std::error::Error;
use std::fs;
use std::path::Path;

/// Writes `performance.md` and `performance/` below `docs`.
///
/// # Errors
/// The result cannot be read, or nothing can be written.
pub(crate) fn write(result: &Path, docs: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(result).map_err(|why| format!("{}: {why}", result.display()))?;
    let outcome = Outcome::read(&text)?;
    let figures = Figures::of(&outcome);
    let directory = docs.join("performance");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("result.jsonl"), &text)?;
    let charts = charts::draw(&outcome, &figures)?;
    for (name, svg) in &charts {
        fs::write(directory.join(name), svg)?;
    }
    let names: Vec<_> = charts.iter().map(|(name, _)| *name).collect();
    fs::write(docs.join("performance.md"), page::page(&outcome, &figures, &names))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small result: three servers, two sizes, two rounds, an answer that was wrong, a workload that could not be run.
    pub(super) const RESULT: &str = include_str!("fixture.jsonl");

    #[test]
    fn the_page_in_docs_is_made_of_the_result_beside_it() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let text = fs::read_to_string(docs.join("performance/result.jsonl")).unwrap();
        let outcome = Outcome::read(&text).unwrap();
        let figures = Figures::of(&outcome);
        let charts = charts::draw(&outcome, &figures).unwrap();
        let again = "run cargo xtask performance docs/performance/result.jsonl";
        let names: Vec<_> = charts.iter().map(|(name, _)| *name).collect();
        let page = fs::read_to_string(docs.join("performance.md")).unwrap();
        assert!(page == page::page(&outcome, &figures, &names), "{again}");
        for (name, svg) in charts {
            assert!(fs::read_to_string(docs.join("performance").join(name)).unwrap() == svg, "{again}");
        }
    }
}
