//! `gatepost account import`: accounts with the hashes that another server has made of their passwords.

use super::ask_or_do;
use crate::desk::{Password, Reply, Request};
use crate::say::say;
use anyhow::{Context, Result, bail};
use directory_file::{Line, MAX_FILE_OCTETS};
use foreign_hash::ForeignHash;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

/// Accounts of one request: each is a change of the directory, and synced.
const AT_ONCE: usize = 100;

/// Reads the file, looks at all of it, and then adds what is new of it.
pub(super) async fn import(config: &Path, file: &Path) -> Result<()> {
    let lines = directory_file::lines(&read(file)?).map_err(|bad| {
        let told: Vec<_> = bad.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("nothing is imported of {}:\n{}", file.display(), told.join("\n"))
    })?;
    let bad: Vec<_> = lines.iter().filter_map(unusable).collect();
    if !bad.is_empty() {
        bail!(
            "nothing is imported of {}, for these would not be here what they are there. Take them out, and give those new passwords who need one:\n{}",
            file.display(),
            bad.join("\n")
        );
    }
    let (mut added, mut left) = (0, Vec::new());
    for some in lines.chunks(AT_ONCE) {
        let accounts = some.iter().map(|line| (line.login.to_string(), Password(line.hash.to_string())));
        match ask_or_do(config, Request::ImportAccounts { accounts: accounts.collect() }).await? {
            Reply::AccountsImported { added: now, left: others } => {
                added += now;
                left.extend(others);
            }
            Reply::Refused(why) => bail!("{added} are added, and then: {why}"),
            reply => bail!("the server answers something else: {reply:?}"),
        }
    }
    left.iter().for_each(|why| say!("{why}"));
    say!("{added} of {} are added", lines.len());
    Ok(())
}

/// Why somebody could not sign in; or could for longer than the file allows.
fn unusable(line: &Line) -> Option<String> {
    let why = match ForeignHash::parse(&line.hash) {
        Ok(_) if line.hash.len() > sasl::MAX_FOREIGN_HASH_OCTETS => "the hash is too long".to_owned(),
        Ok(_) if sasl::ForeignHash::new(&line.hash).is_none() => {
            "the hash has something in it that is no printable ASCII, or a blank, and is not kept here"
                .to_owned()
        }
        Ok(_) if line.is_shut_out => "the file says that they may not sign in".to_owned(),
        Ok(_) if line.end.is_some() => {
            "the file lets them in until a day only (the eighth field), and an account here has no such day"
                .to_owned()
        }
        Ok(_) => return None,
        Err(why) => why.to_string(),
    };
    Some(format!("line {}: {}: {why}", line.number, line.login))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    let reader: Box<dyn Read> = if file == Path::new("-") {
        Box::new(stdin().lock())
    } else {
        Box::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?)
    };
    reader.take(MAX_FILE_OCTETS + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > MAX_FILE_OCTETS {
        bail!("{} has more than {MAX_FILE_OCTETS} octets", file.display());
    }
    Ok(octets)
}
