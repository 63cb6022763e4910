//! Which licences a dependency may have.
//!
//! The list names what is allowed; everything else is refused, so that a licence nobody has read cannot slip in.
//! GPL, LGPL and AGPL are not on it, and neither is anything that asks something of those who *use* Gatepost.

use serde_json::Value;
use spdx::Expression;
use std::collections::BTreeSet;
use std::error::Error;

/// SPDX identifiers that a dependency may have, and why. `A OR B` needs one of them here, `A AND B` both.
const ALLOWED: &[(&str, &str)] = &[
    ("0BSD", "asks nothing"),
    ("Apache-2.0", "our own; notice"),
    ("BSD-2-Clause", "notice"),
    ("BSD-3-Clause", "notice; no endorsement"),
    ("BSL-1.0", "notice in source only"),
    ("CC0-1.0", "public domain; data and small functions only"),
    ("ISC", "notice"),
    ("MIT", "our own; notice"),
    ("MIT-0", "asks nothing"),
    ("OpenSSL", "notice; AWS-LC, which rustls stands on, holds parts of OpenSSL"),
    ("Unicode-3.0", "notice; Unicode's tables"),
    ("Unicode-DFS-2016", "notice; Unicode's tables, older"),
    ("Unlicense", "public domain"),
    ("Zlib", "notice in source only"),
];

/// Exceptions (`WITH ...`) that only widen what a licence on the list allows.
const EXCEPTIONS: &[&str] = &["LLVM-exception"];

/// A package of the dependency tree.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    name: String,
    version: String,
    licence: Option<String>,
}

/// The packages that `cargo metadata` printed.
pub(crate) fn packages(metadata: &Value) -> Result<Vec<Package>, Box<dyn Error>> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let packages = packages.ok_or("cargo metadata named no packages")?;
    packages.iter().map(|package| read(package).ok_or_else(|| "a package without a name".into())).collect()
}

/// Those of the packages that are ever built, on any system: what `cargo tree` printed, a name and a version a line.
pub(crate) fn built(packages: Vec<Package>, tree: &str) -> Vec<Package> {
    let built: BTreeSet<_> = tree.lines().filter_map(name_and_version).collect();
    packages.into_iter().filter(|it| built.contains(&(it.name.as_str(), it.version.as_str()))).collect()
}

fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

fn read(package: &Value) -> Option<Package> {
    let text = |key: &str| Some(package.get(key)?.as_str()?.to_owned());
    Some(Package { name: text("name")?, version: text("version")?, licence: text("license") })
}

/// Refuses a licence that is missing, unreadable or not on the list, and says why.
pub(crate) fn check(package: &Package) -> Result<(), String> {
    let refused = |why: &str| format!("{} {}: {why}", package.name, package.version);
    let Some(licence) = &package.licence else {
        return Err(refused("names no licence"));
    };
    // Lax: old crates write `MIT/Apache-2.0` for OR.
    let expression = Expression::parse_mode(licence, spdx::ParseMode::LAX)
        .map_err(|error| refused(&format!("`{licence}` is no SPDX expression: {}", error.reason)))?;
    expression
        .evaluate_with_failures(allowed)
        .map_err(|_| refused(&format!("`{licence}` is not allowed; the list is in xtask/src/licences.rs")))
}

fn allowed(licence: &spdx::LicenseReq) -> bool {
    let known = licence.license.id().is_some_and(|id| ALLOWED.iter().any(|(name, _)| *name == id.name));
    let exception = match &licence.addition {
        None => true,
        Some(addition) => addition.id().is_some_and(|id| EXCEPTIONS.contains(&id.name)),
    };
    known && exception
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(licence: Option<&str>) -> Result<(), String> {
        check(&Package { name: "x".into(), version: "1.0.0".into(), licence: licence.map(Into::into) })
    }

    #[test]
    fn what_is_on_the_list_passes_alone_and_where_there_is_a_choice() {
        for licence in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0-or-later OR MIT",
            "Apache-2.0 WITH LLVM-exception",
            "(MIT OR GPL-2.0-only) AND Unicode-3.0",
            "ISC AND (Apache-2.0 OR ISC) AND OpenSSL",
        ] {
            assert_eq!(checked(Some(licence)), Ok(()), "{licence}");
        }
    }

    #[test]
    fn copyleft_and_the_unknown_are_refused() {
        for licence in [
            "GPL-3.0-only",
            "LGPL-2.1-or-later",
            "AGPL-3.0-only",
            "MIT AND LGPL-2.1-only",
            "GPL-2.0-only OR AGPL-3.0-only",
            "MPL-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "MIT WITH Classpath-exception-2.0",
            "LicenseRef-Ours",
            "No such licence",
            "",
        ] {
            assert!(checked(Some(licence)).is_err(), "{licence}");
        }
    }

    #[test]
    fn a_package_without_a_licence_is_refused_by_name() {
        assert_eq!(checked(None).unwrap_err(), "x 1.0.0: names no licence");
    }

    #[test]
    fn the_packages_are_those_that_cargo_names() {
        let metadata = r#"{"packages":[{"name":"a","version":"1.0.0","license":"MIT"},
            {"name":"b","version":"2.0.0","license":null}]}"#;
        let found = packages(&serde_json::from_str(metadata).unwrap()).unwrap();
        let refused: Vec<_> = found.iter().filter_map(|p| check(p).err()).collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0], "b 2.0.0: names no licence");
        assert!(packages(&Value::Null).is_err());
    }

    #[test]
    fn what_is_in_the_lock_and_never_built_is_not_asked_for_a_licence() {
        let package =
            |name: &str, version: &str| Package { name: name.into(), version: version.into(), licence: None };
        let all =
            vec![package("a", "1.0.0"), package("a", "2.0.0"), package("b", "1.0.0"), package("c", "1.0.0")];
        let left = built(all, "a v2.0.0 (*)\nc v1.0.0 (/home/x/c)\nc v1.0.0 (proc-macro)\n");
        let left: Vec<_> = left.iter().map(|it| (it.name.as_str(), it.version.as_str())).collect();
        assert_eq!(left, [("a", "2.0.0"), ("c", "1.0.0")]);
    }
}
