//! Finding and reading the settings file.

use anyhow::{Context, Result, anyhow};
use settings::Settings;
use std::fs;
use std::path::Path;

/// Reads the settings; relative paths in them are below the file's folder.
pub(crate) fn read(path: &Path) -> Result<Settings> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("cannot read {}; `gatepost init` writes one, and --config names another", path.display())
    })?;
    let settings = Settings::parse(&text).map_err(|mistakes| anyhow!("{}:\n{mistakes}", path.display()))?;
    let folder = fs::canonicalize(path)?.parent().map(Path::to_owned).unwrap_or_default();
    Ok(settings.rooted_at(&folder))
}
