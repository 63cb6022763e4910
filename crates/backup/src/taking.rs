//! The half that has the shelf.

use crate::Stream;
use crate::link::{Answer, Ask, Held, Link, Offered};
use crate::manifest::{Entry, Manifest, ManifestId, form_for};
use crate::shelf::{Shelf, Writing};
use crate::trouble::Trouble;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The backup that was made.
    pub id: ManifestId,
    /// How many files it has.
    pub files: u64,
    /// How many octets are in them.
    pub octets: u64,
    /// How many of the files were new.
    pub taken_files: u64,
    /// How many octets are in these.
    pub taken_octets: u64,
    /// How many files went because no backup that is kept has them.
    pub removed_files: u64,
}

/// Whoever looks on.
pub trait Watcher {
    /// So many octets are there, of so many in all.
    fn at(&self, octets: u64, of: u64);
}

/// Takes what is not on the shelf yet, and makes a backup of it. Of all backups the newest `keep` stay.
///
/// # Errors
/// What is missing cannot be had or written. What was there before is as it was.
pub async fn take(
    stream: impl Stream,
    shelf: &Shelf,
    made: jiff::Timestamp,
    keep: Option<usize>,
    watcher: &impl Watcher,
) -> Result<Taken, Trouble> {
    let writing = shelf.write()?;
    let mut link = Link::new(stream);
    let (held, offered) = list(&mut link).await?;
    let known = writing.known(&held.store)?;
    let all = offered.iter().map(|file| file.octets).sum();
    let (mut files, mut octets) = (Vec::with_capacity(offered.len()), 0);
    let (mut taken_files, mut taken_octets) = (0, 0);
    for (index, file) in offered.into_iter().enumerate() {
        octets += file.octets;
        let key = (file.path.clone(), file.octets, file.mark.clone());
        files.push(match known.get(&key) {
            Some(entry) => entry.clone(),
            None => {
                taken_files += 1;
                taken_octets += file.octets;
                receive(&mut link, index, &file, &writing).await?
            }
        });
        watcher.at(octets, all);
    }
    let manifest = Manifest {
        form: form_for(held.format),
        store_format: held.format,
        made,
        gatepost: env!("CARGO_PKG_VERSION").to_owned(),
        store: held.store,
        log_ends: (held.segment, held.offset),
        accounts: held.accounts,
        files,
    };
    let id = writing.finish(&manifest)?;
    link.say(&Ask::Done { files: taken_files, octets: taken_octets }).await?;
    // It is a backup, whatever becomes of the other half now.
    let _ = link.answer::<Answer>().await;
    let removed_files = writing.prune(keep)?;
    Ok(Taken { id, files: manifest.files.len() as u64, octets, taken_files, taken_octets, removed_files })
}

async fn list(link: &mut Link<impl Stream>) -> Result<(Held, Vec<Offered>), Trouble> {
    link.say(&Ask::List).await?;
    let held = match link.answer().await? {
        Answer::Moment(held) => held,
        Answer::Failed(why) => return Err(Trouble::Refused(why)),
        other => return Err(unexpected(&other)),
    };
    let mut offered = Vec::new();
    loop {
        match link.answer().await? {
            Answer::Files(some) => offered.extend(some),
            Answer::End => return Ok((held, offered)),
            other => return Err(unexpected(&other)),
        }
    }
}

async fn receive(
    link: &mut Link<impl Stream>,
    index: usize,
    file: &Offered,
    writing: &Writing<'_>,
) -> Result<Entry, Trouble> {
    link.say(&Ask::File(index)).await?;
    let mut partial = writing.begin()?;
    loop {
        let piece = link.hear_octets().await?.ok_or_else(|| Trouble::link("it went away"))?;
        if piece.is_empty() {
            break;
        }
        partial.write(&piece)?;
    }
    match link.answer().await? {
        Answer::Whole if partial.octets() == file.octets => writing.keep(partial, &file.path, &file.mark),
        Answer::Whole => Err(Trouble::link(format!("{} came with another length", file.path))),
        Answer::Failed(why) => {
            Err(Trouble::Damaged(format!("the server cannot read a file of its own: {why}")))
        }
        other => Err(unexpected(&other)),
    }
}

fn unexpected(answer: &Answer) -> Trouble {
    Trouble::link(format!("it answers {answer:?}"))
}
