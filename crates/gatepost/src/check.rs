//! `gatepost check-config`: what a start would stumble over, told without starting.

use crate::say::say;
use crate::{config, desk, directories, office, serve};
use anyhow::{Result, bail};
use certificates::{Certificates, client_verifier};
use directory::Answer;
use net::SocketFile;
use settings::{ListenerKind, Settings};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use store_local::disk::filesystem::{Filesystem, Remote, judge_name};
use store_local::disk::filesystem_of;

/// Reads the settings and tries what they name; says so when all is well.
pub(crate) fn run(path: &Path) -> Result<()> {
    let settings = config::read(path)?;
    let problems: Vec<_> = certificates(&settings)
        .into_iter()
        .chain(client_authorities(&settings))
        .chain(addresses(&settings))
        .chain(socket(&settings))
        .chain(data(&settings))
        .chain(directories(&settings))
        .collect();
    if !problems.is_empty() {
        bail!("{}:\n{}", path.display(), problems.join("\n"));
    }
    for note in postmaster(&settings).map(str::to_owned).into_iter().chain(metrics(&settings)) {
        say!("{}: {note}", path.display());
    }
    say!("{}: fine", path.display());
    Ok(())
}

/// Those that can be asked are: of a query that is wrong nobody else would tell before somebody signs in.
fn directories(settings: &Settings) -> Vec<String> {
    let elsewhere = match directories::elsewhere(settings) {
        Ok(elsewhere) => elsewhere,
        Err(why) => return vec![format!("{why:#}")],
    };
    let Ok(runtime) = serve::runtime(Some(1)) else { return Vec::new() };
    runtime.block_on(async {
        let mut problems = Vec::new();
        for member in elsewhere.chain().members() {
            if let Answer::Unavailable(why) = member.examine().await {
                problems.push(format!("the directory {}: {why}", member.name()));
            }
        }
        problems
    })
}

fn certificates(settings: &Settings) -> Vec<String> {
    let pairs = net::certificate_files(settings).into_iter();
    pairs.filter_map(|pair| Certificates::load(vec![pair]).err()).map(|why| why.to_string()).collect()
}

fn client_authorities(settings: &Settings) -> Vec<String> {
    let files =
        settings.network.listeners.iter().filter_map(|listener| listener.client_certificates.as_ref());
    files.filter_map(|file| client_verifier(file).err()).map(|why| why.to_string()).collect()
}

fn addresses(settings: &Settings) -> Vec<String> {
    let in_use = match desk::is_open(&settings.server.data) {
        true => InUse::ByOurServer,
        false => InUse::ByAnother,
    };
    let listeners = settings.network.listeners.iter().map(|listener| listener.address);
    listeners.chain(settings.metrics.listen).filter_map(|listener| address(listener, in_use)).collect()
}

/// Whose a taken address is likely to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InUse {
    ByOurServer,
    ByAnother,
}

fn address(address: SocketAddr, in_use: InUse) -> Option<String> {
    let why = TcpListener::bind(address).err()?;
    match why.kind() {
        ErrorKind::AddrInUse if in_use == InUse::ByOurServer => None,
        ErrorKind::AddrInUse => Some(format!("{address} is taken: another program listens there")),
        // Whoever checks need not be who serves: a service manager hands out the right to low ports.
        ErrorKind::PermissionDenied => None,
        _ => Some(format!("{address} cannot be listened on: {why}")),
    }
}

/// Whoever checks need not be who serves, so that only what nobody could do is told.
fn socket(settings: &Settings) -> Option<String> {
    let socket = settings.lmtp.socket.as_ref()?;
    if let Some(folder) = socket.parent().filter(|folder| !folder.is_dir()) {
        return Some(format!(
            "{} is to hold the socket for LMTP, and is no folder: make it",
            folder.display()
        ));
    }
    let why = SocketFile::check_folder(socket).err().filter(|why| why.kind() == ErrorKind::InvalidInput)?;
    Some(format!("{} cannot be the socket for LMTP: {why}", socket.display()))
}

/// RFC 5321, 4.5.1 wants a postmaster where mail comes in. Whether an account is called so is not looked for: a server
/// may run.
fn postmaster(settings: &Settings) -> Option<&'static str> {
    let comes_in = settings.lmtp.socket.is_some()
        || settings.network.listeners.iter().any(|listener| listener.kind == ListenerKind::Lmtp);
    (comes_in && settings.lmtp.postmaster.is_none()).then_some(
        "`lmtp.postmaster` is not set: mail for postmaster is refused unless an account has that address",
    )
}

/// Whether others can reach it is for networks and filters to say, of which this knows nothing.
fn metrics(settings: &Settings) -> Option<String> {
    let listen = settings.metrics.listen.filter(|listen| !listen.ip().to_canonical().is_loopback())?;
    Some(format!("`metrics.listen` is {listen}: whoever can connect to it reads how much this server does"))
}

fn data(settings: &Settings) -> Option<String> {
    let data = &settings.server.data;
    if data.exists() && !data.is_dir() {
        return Some(format!("{} is to be the data directory, and is none", data.display()));
    }
    // It is made at the first start: then its filesystem is that of the folder which it will lie in.
    let filesystem = data.ancestors().find_map(|folder| filesystem_of(folder).ok())?;
    unfit(data, filesystem, office::remote(settings))
}

/// What a filesystem does is tried by the server, at each start; here nothing is written, and it goes by its name.
fn unfit(data: &Path, filesystem: Filesystem, remote: Remote) -> Option<String> {
    let why = judge_name(filesystem, remote).err()?;
    Some(format!("{} is no place for mail: {why}", data.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_on_a_network_filesystem_is_told_of_unless_it_is_allowed() {
        let (data, nfs) = (Path::new("/srv/mail"), Filesystem(0x6969));
        let told = unfit(data, nfs, Remote::Refused).unwrap();
        assert!(told.starts_with("/srv/mail is no place for mail: its filesystem is NFS, "), "{told}");
        assert_eq!(unfit(data, nfs, Remote::Allowed), None);
        assert_eq!(unfit(data, Filesystem(0xef53), Remote::Refused), None);
    }
}
