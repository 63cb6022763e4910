//! Whose the data directory is.

use anyhow::{Context, Result, bail};
use rustix::fs::{Access, access};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const ROOT: u32 = 0;
/// Where the names of users are; those of a directory service are not among them.
const PASSWD: &str = "/etc/passwd";

/// Who opens a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    /// The server, for as long as it runs.
    Server,
    /// A command at the desk, while no server runs.
    Desk,
    /// The same, which mends first what keeps the directory from being opened.
    Mender,
}

/// Lets only its owner open a data directory. Others, root first of all, would leave files in it that the server's own
/// user can neither read nor replace. A server that is not root may be let in by its group, as in a container.
pub(super) fn check(data: &Path, opener: Opener) -> Result<()> {
    let about = fs::metadata(data).with_context(|| format!("cannot look at {}", data.display()))?;
    let (owner, we) = (about.uid(), rustix::process::geteuid().as_raw());
    let users = || fs::read_to_string(PASSWD).unwrap_or_default();
    if owner == we {
        return Ok(());
    }
    if opener == Opener::Server && we != ROOT {
        if access(data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok() {
            return Ok(());
        }
        bail!(shut(data, owner, we, &users()));
    }
    bail!(refusal(data, owner, we, &users()))
}

fn shut(data: &Path, owner: u32, we: u32, users: &str) -> String {
    let named = |id| name(id, users).map_or_else(|| format!("user {id}"), str::to_owned);
    let (place, owner, we) = (data.display(), named(owner), named(we));
    format!(
        "the data directory {place} belongs to {owner}, and this runs as {we}, who may not write there; run it as \
         {owner}, or give all of it to {we}: chown -R {we} {place}"
    )
}

fn refusal(data: &Path, owner: u32, we: u32, users: &str) -> String {
    let named = |id| name(id, users).map_or_else(|| format!("user {id}"), str::to_owned);
    let sudo = name(owner, users).map_or_else(|| format!("'#{owner}'"), str::to_owned);
    format!(
        "the data directory {} belongs to {}, and this runs as {}, whose files the server could not use later; run it \
         as that user: sudo -u {sudo} gatepost ... (while the server runs, root may ask it)",
        data.display(),
        named(owner),
        named(we),
    )
}

/// A user's name, from the lines of `passwd(5)`.
fn name(id: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, uid) = (fields.next()?, fields.next()?, fields.next()?);
        (uid.parse() == Ok(id) && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_user_to_be() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\nbroken\ngatepost:x:998:998::/var/lib/gatepost:/bin/false\n";
        let said = refusal(Path::new("/var/lib/gatepost"), 998, 0, users);
        assert!(said.contains("/var/lib/gatepost belongs to gatepost, and this runs as root"), "{said}");
        assert!(said.contains("sudo -u gatepost gatepost"), "{said}");
        let said = shut(Path::new("/var/lib/gatepost"), 0, 998, users);
        assert!(said.ends_with("give all of it to gatepost: chown -R gatepost /var/lib/gatepost"), "{said}");
        let said = refusal(Path::new("/data"), 4_711, 998, users);
        assert!(said.contains("belongs to user 4711, and this runs as gatepost"), "{said}");
        assert!(said.contains("sudo -u '#4711' gatepost"), "{said}");
    }
}
