//! `cargo xtask performance RESULT`: the page and the charts that tell what `bench/compare.sh` measured.
//!
//! What is measured is decided there; here it is only reckoned and written down. The result is kept beside the charts, so
//! that everybody can reckon again.

mod charts;
mod figures;
mod page;
mod result;
mod scale;

use figures::Figures;
use result::{Limits, Outcome};
use std::error::Error;
use std::fs;
use std::path::Path;

/// Writes `performance.md` and `performance/` below `docs`, of a result of `bench/compare.sh` and the last one of the other
/// kind: of servers side by side, or of one with much mail and many sessions.
///
/// # Errors
/// The result cannot be read, or nothing can be written.
pub(crate) fn write(result: &Path, docs: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(result).map_err(|why| format!("{}: {why}", result.display()))?;
    let is_scale = Outcome::read(&text)?.run.limits == Limits::Scale;
    let directory = docs.join("performance");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(if is_scale { SCALE } else { COMPARISON }), &text)?;
    for (file, text) in made(docs)? {
        fs::write(docs.join(file), text)?;
    }
    Ok(())
}

/// What stands beside the charts, to reckon again.
const COMPARISON: &str = "result.jsonl";
const SCALE: &str = "scale.jsonl";

/// The page and the charts, by their names below `docs`, of the results that lie there.
fn made(docs: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let read = |name: &str| {
        let file = docs.join("performance").join(name);
        fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))
    };
    let outcome = Outcome::read(&read(COMPARISON)?)?;
    let scale = scale::section(&Outcome::read(&read(SCALE)?)?);
    let figures = Figures::of(&outcome);
    let charts = charts::draw(&outcome, &figures)?;
    let names: Vec<_> = charts.iter().map(|(name, _)| *name).collect();
    let page = page::page(&outcome, &figures, &names, &scale);
    let mut files = vec![("performance.md".to_owned(), page)];
    files.extend(charts.into_iter().map(|(name, svg)| (format!("performance/{name}"), svg)));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small result: three servers, two sizes, two rounds, an answer that was wrong, a workload that could not be run.
    pub(super) const RESULT: &str = include_str!("fixture.jsonl");

    #[test]
    fn the_page_in_docs_is_made_of_the_result_beside_it() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        for (file, text) in made(&docs).unwrap() {
            let again = "run cargo xtask performance docs/performance/result.jsonl";
            assert!(fs::read_to_string(docs.join(&file)).unwrap() == text, "{file}: {again}");
        }
    }
}
