//! Lists `demo/mail/torture/*.eml`, so that the binary carries them and a new file needs no second mention.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?;
    let folder = Path::new(&here).join("../../demo/mail/torture");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files = fs::read_dir(&folder)?
        .map(|entry| entry?.path().canonicalize())
        .collect::<Result<Vec<PathBuf>, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "eml"));
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        writeln!(list, "    include_bytes!({file:?}),")?;
    }
    list.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(Path::new(&out).join("torture.rs"), list)?;
    Ok(())
}
