//! The Unix socket at which mail comes in, as the settings have it.

use crate::listen::ListenError;
use crate::socket_file::{SocketFile, SocketName};
use settings::Lmtp;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Opens the socket that the settings name.
pub(crate) fn open(path: &Path, settings: &Lmtp) -> Result<SocketFile, ListenError> {
    let opened = make_room(path).and_then(|()| {
        let group = settings.socket_group.as_ref().map(|group| group_id(group.as_str())).transpose()?;
        SocketFile::bind(path, settings.socket_mode.0, group)
    });
    opened.map_err(|why| ListenError::at_path(path, why))
}

/// Looks whether a socket may be put there: in the place of nothing, or of a socket on which nobody listens.
fn make_room(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(there) if there.file_type().is_socket() => {}
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is something else than a socket",
            ));
        }
        Err(why) => return Err(why),
    }
    let name = SocketName::of(path)?;
    match std::os::unix::net::UnixStream::connect(name.path()) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        // Refused: nobody listens. Anything else says nothing of the kind, so it may be somebody's.
        Err(why) if matches!(why.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
            Ok(())
        }
        Err(why) => Err(why),
    }
}

/// The number of a group, from the file of groups where it is not one already.
fn group_id(group: &str) -> io::Result<u32> {
    match group.parse() {
        Ok(id) => Ok(id),
        Err(_) => find_group(&fs::read_to_string("/etc/group")?, group).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("/etc/group has no group {group}; write its number"),
            )
        }),
    }
}

/// `group(5)`: `name:password:number:members`.
fn find_group(groups: &str, wanted: &str) -> Option<u32> {
    let mut lines = groups.lines().map(|line| line.split(':'));
    lines
        .find_map(|mut fields| (fields.next() == Some(wanted)).then(|| fields.nth(1)?.parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("gatepost-door-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder.join("lmtp")
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_and_leaves_nothing_behind() {
        let path = scratch("mode");
        let settings = Lmtp { socket_mode: settings::FileMode(0o620), ..Lmtp::default() };
        let door = open(&path, &settings).unwrap();
        assert_eq!(mode(&path), 0o620);
        let beside: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(beside, std::slice::from_ref(&path));
        drop(door);
        assert!(!path.exists());
        fs::remove_dir(path.parent().unwrap()).unwrap();
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_living_one_and_a_file_are_not() {
        let path = scratch("stale");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a killed server leaves it");
        let door = open(&path, &Lmtp::default()).unwrap();
        let again = open(&path, &Lmtp::default()).unwrap_err().to_string();
        assert!(again.contains("another program listens there"), "{again}");
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        drop(door);
        fs::write(&path, "precious").unwrap();
        let refused = open(&path, &Lmtp::default()).unwrap_err().to_string();
        assert!(refused.ends_with("there is something else than a socket"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn groups_are_found_by_name_and_number() {
        let file = "root:x:0:\npost:x:7:a,b\nbroken\npostfix:x:118:\n";
        assert_eq!(find_group(file, "postfix"), Some(118));
        assert_eq!(find_group(file, "post"), Some(7));
        assert_eq!((find_group(file, "broken"), find_group(file, "x")), (None, None));
        assert_eq!(group_id("4711").unwrap(), 4711);
    }
}
