//! A Unix socket that has a name in the file system.
//!
//! It is made in a folder that nobody else can enter, which is held by a descriptor, gets its mode and its group there,
//! and is then moved to its place: so nobody can connect to it before it has them, whatever the umask; nobody can have
//! something else get them, whatever is moved about meanwhile; and one that a killed server left behind is replaced in
//! the same step. When it is dropped it takes its name away, and no other socket's that has come to lie there.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};
use tokio::net::{UnixListener, UnixStream};

/// Octets that a socket's address has for a path and the NUL behind it (`unix(7)`, `sun_path`).
const SUN_PATH: usize = 108;
/// What everybody may write to.
const BY_EVERYBODY: u32 = 0o002;
/// Where each may move and remove only what is theirs.
const STICKY: u32 = 0o1000;

/// A socket that is listened on, and where it lies.
#[derive(Debug)]
pub struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    /// Which file it is.
    id: (u64, u64),
}

impl SocketFile {
    /// Listens at `path`, in the place of whatever file is there, so that who may write to it by `mode` may connect.
    ///
    /// # Errors
    /// The folder cannot be written to, or by everybody.
    pub fn bind(path: &Path, mode: u32, group: Option<u32>) -> io::Result<Self> {
        Self::check_folder(path)?;
        let folder = Folder::beside(path)?;
        let (listener, made) = bind_in(&folder.handle, &folder.path, mode, group)?;
        let id = id(&fs::symlink_metadata(&made)?);
        fs::rename(made, path)?;
        Ok(Self { listener, path: path.into(), id })
    }

    /// Whether a socket may lie at `path`. Where everybody may move files about, anybody can put one of theirs in its
    /// place.
    ///
    /// # Errors
    /// It may not, or there is no such folder.
    pub fn check_folder(path: &Path) -> io::Result<()> {
        if fs::metadata(folder_of(path))?.mode() & (BY_EVERYBODY | STICKY) == BY_EVERYBODY {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "everybody may write to its folder, and put another socket in its place; `chmod o-w` the folder",
            ));
        }
        Ok(())
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// As accept(2) has them.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }

    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        Poll::Ready(ready!(self.listener.poll_accept(cx)).map(|(stream, _)| stream))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|there| id(&there) == self.id) {
            // One that stays is replaced by the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// How a socket is named to the system.
#[derive(Debug)]
pub struct SocketName {
    path: PathBuf,
    /// Held for as long as the path leads through it.
    _folder: Option<File>,
}

impl SocketName {
    /// By its path; where that is longer than an address, through a descriptor of its folder.
    ///
    /// # Errors
    /// The folder cannot be opened.
    pub fn of(path: &Path) -> io::Result<Self> {
        match path.file_name() {
            Some(name) if path.as_os_str().len() >= SUN_PATH => {
                let folder = File::open(folder_of(path))?;
                Ok(Self { path: by_descriptor(&folder).join(name), _folder: Some(folder) })
            }
            _ => Ok(Self { path: path.into(), _folder: None }),
        }
    }

    /// What connect(2) takes, as long as this is there.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder, whatever lies at its path by now (`proc(5)`).
fn by_descriptor(folder: &File) -> PathBuf {
    format!("/proc/self/fd/{}", folder.as_raw_fd()).into()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn id(of: &Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}

/// Makes a socket in a folder of ours, and says where it is.
fn bind_in(folder: &File, path: &Path, mode: u32, group: Option<u32>) -> io::Result<(UnixListener, PathBuf)> {
    let descriptor = by_descriptor(folder);
    // A system without proc(5) has to do with the path.
    let made = if descriptor.exists() { descriptor } else { path.into() }.join("s");
    let listener = UnixListener::bind(&made)?;
    let (held, socket) = (folder.metadata()?, fs::symlink_metadata(&made)?);
    if held.uid() != socket.uid() || held.mode() & 0o777 != 0o700 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "somebody else moves files about in its folder",
        ));
    }
    if group.is_some() {
        chown(&made, None, group)?;
    }
    fs::set_permissions(&made, Permissions::from_mode(mode))?;
    Ok((listener, made))
}

/// A folder that only we can enter, as long as it is needed.
struct Folder {
    path: PathBuf,
    handle: File,
}

impl Folder {
    fn beside(path: &Path) -> io::Result<Self> {
        let path = folder_of(path).join(format!(".{}", std::process::id()));
        match fs::remove_dir_all(&path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&path)?;
        let handle = File::open(&path)?;
        Ok(Self { path, handle })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream as Client;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("gatepost-socket-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn a_socket_takes_its_own_name_away_and_no_other_sockets() {
        let folder = scratch("own");
        let path = folder.join("s");
        let first = SocketFile::bind(&path, 0o600, None).unwrap();
        let second = SocketFile::bind(&path, 0o600, None).unwrap();
        drop(first);
        Client::connect(&path).unwrap();
        second.accept().await.unwrap();
        drop(second);
        assert!(!path.exists());
        let third = SocketFile::bind(&path, 0o600, None).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        drop(third);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_everybody_may_write_to_is_refused_unless_it_is_sticky() {
        let folder = scratch("open");
        let path = folder.join("s");
        for (rights, is_taken) in [(0o777, false), (0o702, false), (0o1777, true), (0o750, true)] {
            fs::set_permissions(&folder, Permissions::from_mode(rights)).unwrap();
            let bound = SocketFile::bind(&path, 0o620, None);
            assert_eq!(bound.is_ok(), is_taken, "{rights:o}: {bound:?}");
            assert_eq!(path.exists(), is_taken);
            assert!(!is_taken || mode(&path) == 0o620);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left behind");
        fs::remove_dir_all(folder).unwrap();
    }

    /// Who may write to the folder around it moves ours away while the socket is made.
    #[tokio::test]
    async fn nothing_gets_the_sockets_mode_but_the_socket() {
        let folder = scratch("swapped");
        let (ours, elsewhere) = (folder.join("ours"), folder.join("elsewhere"));
        DirBuilder::new().mode(0o700).create(&ours).unwrap();
        let handle = File::open(&ours).unwrap();
        fs::rename(&ours, &elsewhere).unwrap();
        fs::create_dir(&ours).unwrap();
        fs::write(ours.join("s"), "secret").unwrap();
        fs::set_permissions(ours.join("s"), Permissions::from_mode(0o600)).unwrap();
        let (_listener, made) = bind_in(&handle, &ours, 0o666, None).unwrap();
        assert_eq!((mode(&ours.join("s")), mode(&elsewhere.join("s"))), (0o600, 0o666));
        drop(fs::rename(made, folder.join("lmtp")));
        Client::connect(folder.join("lmtp")).unwrap();
        // And a folder that others can enter is none of ours.
        let open = File::open(&ours).unwrap();
        fs::remove_file(ours.join("s")).unwrap();
        fs::set_permissions(&ours, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(bind_in(&open, &ours, 0o666, None).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_path_may_be_longer_than_an_address() {
        let folder = scratch("long");
        let deep = folder.join("a".repeat(80)).join("b".repeat(80));
        fs::create_dir_all(&deep).unwrap();
        let socket = SocketFile::bind(&deep.join("s"), 0o600, None).unwrap();
        Client::connect(SocketName::of(&deep.join("s")).unwrap().path()).unwrap();
        socket.accept().await.unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}
