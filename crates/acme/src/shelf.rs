//! The files: accounts, certificates with their keys, and records. All are the owner's alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Octets of a file that are read: none of ours comes near.
const MAX_FILE: u64 = 2 << 20;
/// Longest name of a file without its ending.
const MAX_STEM: usize = 200;

/// A folder of our own.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// Makes the folder where it is missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The file of that name.
    pub(crate) fn path(&self, stem: &str, ending: &str) -> PathBuf {
        path(&self.folder, stem, ending)
    }

    /// What is in a file; `None` where there is none.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(why),
        };
        let mut content = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// Puts a file in its place as a whole, or not at all: whoever looks meanwhile sees the old one.
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let half = self.folder.join(format!(".{name}.new"));
        // One left by a crash may belong to nobody knows whom.
        remove(&half)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&half, path)?;
        File::open(&self.folder)?.sync_all()
    }
}

/// The file of that name in a folder; what could lead out of it, or is no letter of a host's name, is replaced.
pub(crate) fn path(folder: &Path, stem: &str, ending: &str) -> PathBuf {
    let safe = |c: char| match c {
        'a'..='z' | '0'..='9' | '-' | '.' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '_',
    };
    let stem: String = stem.chars().take(MAX_STEM).map(safe).collect();
    // No name begins with a dot: those are files that are still being written.
    folder.join(format!("{}.{ending}", stem.trim_start_matches('.')))
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_the_owners_alone_and_is_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("acme-shelf-{}", std::process::id()));
        let shelf = Shelf::open(&folder).unwrap();
        let path = shelf.path("mail.example.org", "pem");
        assert_eq!(Shelf::read(&path).unwrap(), None);
        fs::write(folder.join(".mail.example.org.pem.new"), "left by a crash").unwrap();
        for content in [b"one".as_slice(), b"two"] {
            shelf.write(&path, content).unwrap();
            assert_eq!(Shelf::read(&path).unwrap().unwrap(), content);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let shelf = Shelf { folder: "/data/acme".into() };
        assert_eq!(shelf.path("../../etc/passwd", "pem"), Path::new("/data/acme/_.._etc_passwd.pem"));
        assert_eq!(shelf.path("*.Example.org", "pem"), Path::new("/data/acme/_.example.org.pem"));
    }
}
