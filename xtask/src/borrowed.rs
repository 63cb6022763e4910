//! Every crate that ours depend on has its line in `docs/dependencies.md`, and no line is about one that has gone.
//! What they drag in may have a line, where it weighs much.

use serde_json::Value;
use std::collections::BTreeSet;

/// The page's words about what it lists.
pub(crate) const PAGE: &str = include_str!("../../docs/dependencies.md");

/// All crates of the tree, ours too.
fn tree(metadata: &Value) -> BTreeSet<&str> {
    packages(metadata).filter_map(name).collect()
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata.get("packages").and_then(Value::as_array).into_iter().flatten()
}

/// Names of the crates that ours depend on directly, for building and testing too.
fn borrowed(metadata: &Value) -> BTreeSet<&str> {
    // What comes from no registry is ours.
    let own = packages(metadata).filter(|package| package.get("source").is_none_or(Value::is_null));
    let own: Vec<_> = own.collect();
    let own_names: BTreeSet<_> = own.iter().filter_map(|package| name(package)).collect();
    let dependencies = own.iter().filter_map(|package| package.get("dependencies")?.as_array()).flatten();
    dependencies.filter_map(name).filter(|name| !own_names.contains(name)).collect()
}

fn name(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}

/// Names in the first column of the page's table; a cell may name several.
fn listed(page: &str) -> BTreeSet<&str> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(|cell| cell.split(", ")).filter(|name| *name != "crate").collect()
}

/// What is borrowed without a line, and what has a line without being there; empty when all is well.
pub(crate) fn complaints(metadata: &Value, page: &str) -> Vec<String> {
    let (borrowed, tree, listed) = (borrowed(metadata), tree(metadata), listed(page));
    let silent = borrowed.difference(&listed).map(|name| format!("{name} is borrowed without a line"));
    let gone = listed.difference(&tree).map(|name| format!("{name} has a line and is not in the tree"));
    silent.chain(gone).map(|what| format!("docs/dependencies.md: {what}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_borrowed_and_what_is_listed_must_agree() {
        let metadata: Value = serde_json::from_str(
            r#"{"packages":[
                {"name":"ours","source":null,"dependencies":[{"name":"other"},{"name":"bytes"},{"name":"sha2"}]},
                {"name":"other","source":null,"dependencies":[]},
                {"name":"bytes","source":"registry","dependencies":[{"name":"deeper"}]}]}"#,
        )
        .unwrap();
        let page = "| crate | what |\n|---|---|\n| bytes, hmac | x |\n";
        let told = complaints(&metadata, page);
        assert_eq!(
            told,
            [
                "docs/dependencies.md: sha2 is borrowed without a line",
                "docs/dependencies.md: hmac has a line and is not in the tree",
            ]
        );
    }
}
