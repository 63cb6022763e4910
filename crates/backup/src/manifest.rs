//! What makes up a backup: the list of its files.

use crate::trouble::Trouble;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use store_local::READABLE_FORMATS;

/// The forms of manifests that this version reads: the second says of which format the store's directory is.
const FORMS: RangeInclusive<u32> = 1..=2;
/// The format of a store's directory of which nothing is said.
const UNSAID: u32 = 1;
/// How the file of a manifest ends.
const ENDING: &str = ".json";

/// Names a manifest: when it was made, and the beginning of the BLAKE3 of its octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManifestId(String);

impl ManifestId {
    pub(crate) fn of(made: jiff::Timestamp, text: &str) -> Self {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        Self(format!("{}-{}", when(made), hash.get(..16).unwrap_or_default()))
    }

    /// Whether it was made before this time.
    pub(crate) fn is_before(&self, then: jiff::Timestamp) -> bool {
        self.made() < when(then).as_str()
    }

    /// Whether it was made behind this time.
    pub(crate) fn is_behind(&self, then: jiff::Timestamp) -> bool {
        self.made() > when(then).as_str()
    }

    fn made(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(made, _)| made)
    }

    /// From what a person types, or the name of a manifest's file.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.strip_suffix(ENDING).unwrap_or(text);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        (text.split_once('-').is_some() && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn file(&self) -> String {
        format!("{}{ENDING}", self.0)
    }

    /// Whether these are the octets that were named so.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        self.0.rsplit_once('-').is_some_and(|(_, begins)| begins.len() == 16 && hash.starts_with(begins))
    }
}

/// To the millisecond; in the order of their letters they are in that of time.
fn when(made: jiff::Timestamp) -> String {
    made.strftime("%Y%m%dT%H%M%S.%3fZ").to_string()
}

impl fmt::Display for ManifestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The lowest form that says what is to be said.
pub(crate) const fn form_for(store_format: u32) -> u32 {
    if store_format == UNSAID { 1 } else { 2 }
}

const fn unsaid() -> u32 {
    UNSAID
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_unsaid(format: &u32) -> bool {
    *format == UNSAID
}

/// A store at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    pub(crate) form: u32,
    /// When it was made.
    pub made: jiff::Timestamp,
    /// The version that made it.
    pub(crate) gatepost: String,
    /// Which store: 16 octets in hex.
    pub(crate) store: String,
    /// The format that its directory has.
    #[serde(default = "unsaid", skip_serializing_if = "is_unsaid")]
    pub(crate) store_format: u32,
    /// Where its log ends: the number of a segment, and octets from its start.
    pub(crate) log_ends: (u64, u64),
    /// How many accounts there were.
    pub accounts: u64,
    /// What it is made of.
    pub files: Vec<Entry>,
}

/// A file of a store, and which one of the shelf's it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entry {
    /// Where it lies below the store's directory.
    pub path: String,
    /// Where it lies below the shelf's.
    pub file: String,
    /// How long it is.
    pub octets: u64,
    /// The BLAKE3 of it, in hex.
    pub blake3: String,
    /// What tells it from another that was at the same place and is as long.
    pub(crate) mark: String,
}

impl Manifest {
    /// All octets of it.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.files.iter().map(|entry| entry.octets).sum()
    }

    /// Refuses what this version could not read once it is brought back.
    pub(crate) fn check_format(&self) -> Result<(), Trouble> {
        if READABLE_FORMATS.contains(&self.store_format) {
            return Ok(());
        }
        Err(Trouble::Refused(format!(
            "this backup of {} was made by Gatepost {}, of a store of format {}, and this version reads formats {} to {}: \
             restore it with that version, or a later one",
            self.made,
            self.gatepost,
            self.store_format,
            READABLE_FORMATS.start(),
            READABLE_FORMATS.end()
        )))
    }

    pub(crate) fn encode(&self) -> Result<String, Trouble> {
        let json = serde_json::to_string_pretty(self).map_err(|why| Trouble::Refused(why.to_string()))?;
        Ok(json + "\n")
    }

    /// Reads what was named `id`.
    pub(crate) fn decode(id: &ManifestId, text: &str) -> Result<Self, Trouble> {
        let damaged = |why: &str| Trouble::Damaged(format!("the manifest {id} is damaged: {why}"));
        if !id.fits(text) {
            return Err(damaged("its octets are not those that it was named by"));
        }
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let Form { form } = serde_json::from_str(text).map_err(|why| damaged(&why.to_string()))?;
        if !FORMS.contains(&form) {
            return Err(Trouble::Refused(format!(
                "the manifest {id} is of form {form}, and this version reads forms {} to {}: use the version that made \
                 it, or a later one",
                FORMS.start(),
                FORMS.end()
            )));
        }
        let manifest: Self = serde_json::from_str(text).map_err(|why| damaged(&why.to_string()))?;
        // Files are written where it says: nowhere else than where a store has them.
        let strange = |entry: &&Entry| !is_below(&entry.path) || !is_below(&entry.file);
        match manifest.files.iter().find(strange) {
            Some(entry) => Err(damaged(&format!("{:?} is no file of a store", entry.path))),
            None => Ok(manifest),
        }
    }
}

/// Whether it is a plain name in one of the two folders that there are.
fn is_below(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    path.split_once('/').is_some_and(|(folder, name)| {
        FOLDERS.contains(&folder) && !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
    })
}

/// Where files lie, in a store and on the shelf.
pub(crate) const FOLDERS: [&str; 2] = ["log", "bodies"];

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(path: &str) -> Manifest {
        let entry = Entry {
            path: path.to_owned(),
            file: "log/1-ab".to_owned(),
            octets: 7,
            blake3: String::new(),
            mark: String::new(),
        };
        Manifest {
            form: 1,
            store_format: 1,
            made: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
            gatepost: "1".to_owned(),
            store: "00".to_owned(),
            log_ends: (1, 96),
            accounts: 1,
            files: vec![entry],
        }
    }

    fn read(manifest: &Manifest) -> Result<Manifest, Trouble> {
        let text = manifest.encode().unwrap();
        Manifest::decode(&ManifestId::of(manifest.made, &text), &text)
    }

    #[test]
    fn a_manifest_reads_as_it_was_written_or_not_at_all() {
        let written = manifest("log/1.seg");
        assert_eq!(read(&written).unwrap(), written);
        let text = written.encode().unwrap();
        let id = ManifestId::of(written.made, &text);
        assert_eq!(id.to_string().split_once('-').unwrap().0, "20270115T080000.000Z");
        assert_eq!(ManifestId::new(&id.file()), Some(id.clone()));
        let at = |ms: i64| jiff::Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
        assert!(id.is_before(at(1)) && !id.is_before(at(0)) && id.is_behind(at(-1)) && !id.is_behind(at(0)));
        let flipped = text.replace('7', "8");
        assert!(matches!(Manifest::decode(&id, &flipped), Err(Trouble::Damaged(_))));
        let later = Manifest { form: 3, ..written };
        assert!(matches!(read(&later), Err(Trouble::Refused(why)) if why.contains("form 3")));
    }

    #[test]
    fn the_format_of_the_store_is_told_where_it_is_not_the_first() {
        let first = manifest("log/1.seg");
        assert!(!first.encode().unwrap().contains("format"), "what earlier versions would not know");
        assert!(first.check_format().is_ok());
        let store_format = READABLE_FORMATS.end() + 1;
        let newer = Manifest { form: form_for(store_format), store_format, ..first };
        assert_eq!((newer.form, read(&newer).unwrap()), (2, newer.clone()));
        let refused = newer.check_format().unwrap_err().to_string();
        let told = format!("made by Gatepost 1, of a store of format {store_format}");
        assert!(refused.contains(&told), "{refused}");
    }

    #[test]
    fn a_manifest_that_would_write_elsewhere_is_refused() {
        for path in [
            "../gatepost.toml",
            "log/../../x",
            "/etc/passwd",
            "log/",
            "log/.x",
            "tls/key.pem",
            "x",
            "log/a/b",
        ] {
            assert!(matches!(read(&manifest(path)), Err(Trouble::Damaged(_))), "{path}");
        }
    }
}
