//! The half that has the store.

use crate::Stream;
use crate::link::{Answer, Ask, FILES_AT_ONCE, Held, Link, Offered, PIECE};
use crate::trouble::Trouble;
use events::Event;
use mail::Accounts;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store_local::disk::File;
use store_local::{LocalStore, Moment, MomentFile};

/// Octets that are given in a second, so that those who read mail have their turn at the disk: 100 GB in half an hour.
const OCTETS_PER_SECOND: u32 = 64 << 20;

/// Gives what is asked for, until nobody asks any more. The store is held still for no longer than that: for `user`, the
/// number of the system's user who asks.
///
/// # Errors
/// The other half has gone in the middle of something, or speaks otherwise.
pub async fn give(
    store: &LocalStore,
    accounts: &Accounts,
    user: u32,
    stream: impl Stream,
) -> Result<(), Trouble> {
    let mut link = Link::new(stream);
    // Whoever only looked whether a server runs has asked for nothing.
    let Some(mut ask) = link.hear().await? else { return Ok(()) };
    let mut moment = None;
    let mut tally = Tally { user, taken: None };
    loop {
        match (ask, &moment) {
            (Ask::List, _) => moment = list(store, accounts, &mut link).await?,
            (Ask::File(index), Some(moment)) => file(moment, index, &mut link).await?,
            (Ask::File(_), None) => link.say(&Answer::Failed("nothing was listed".to_owned())).await?,
            (Ask::Done { files, octets }, _) => {
                tally.taken = Some((files, octets));
                link.say(&Answer::Recorded).await?;
            }
        }
        link.flush().await?;
        ask = match link.hear().await? {
            Some(next) => next,
            None => return Ok(()),
        };
    }
}

/// What came of it. It is recorded when it is dropped, however that comes about.
struct Tally {
    user: u32,
    taken: Option<(u64, u64)>,
}

impl Drop for Tally {
    fn drop(&mut self) {
        let (files, octets) = self.taken.unzip();
        Event::BackedUp { user: self.user.into(), files, octets }.log();
    }
}

async fn list(
    store: &LocalStore,
    accounts: &Accounts,
    link: &mut Link<impl Stream>,
) -> Result<Option<Moment>, Trouble> {
    let moment = match store.moment().await {
        Ok(moment) => moment,
        Err(why) => {
            link.say(&Answer::Failed(why.to_string())).await?;
            return Ok(None);
        }
    };
    let (segment, offset) = moment.end();
    let store = moment.store().iter().fold(String::new(), |text, octet| text + &format!("{octet:02x}"));
    let accounts = accounts.list().len() as u64;
    link.say(&Answer::Moment(Held { store, segment, offset, accounts, format: moment.format() })).await?;
    for some in moment.files().chunks(FILES_AT_ONCE) {
        link.say(&Answer::Files(some.iter().map(offered).collect())).await?;
    }
    link.say(&Answer::End).await?;
    Ok(Some(moment))
}

fn offered(file: &MomentFile) -> Offered {
    let path = file.path.to_string_lossy().into_owned();
    Offered { path, octets: file.length, mark: format!("{:016x}", file.mark) }
}

async fn file(moment: &Moment, index: usize, link: &mut Link<impl Stream>) -> Result<(), Trouble> {
    let Some(wanted) = moment.files().get(index) else {
        link.say_octets(b"").await?;
        return link.say(&Answer::Failed("there is no such file".to_owned())).await;
    };
    let verdict = match moment.open(wanted) {
        Ok(file) => pieces(file, wanted.length, link).await?,
        Err(why) => Err(why),
    };
    link.say_octets(b"").await?;
    link.say(&match verdict {
        Ok(()) => Answer::Whole,
        Err(why) => Answer::Failed(format!("{}: {why}", wanted.path.display())),
    })
    .await
}

/// How long the disk is left to others behind so many octets.
fn rest_behind(octets: usize) -> Duration {
    Duration::from_secs(octets as u64) / OCTETS_PER_SECOND
}

/// What is wrong with the file, if it is not the other half that has gone.
async fn pieces(
    file: Arc<dyn File>,
    octets: u64,
    link: &mut Link<impl Stream>,
) -> Result<io::Result<()>, Trouble> {
    let mut sent = 0;
    while sent < octets {
        let file = Arc::clone(&file);
        let length = usize::try_from(octets - sent).unwrap_or(usize::MAX).min(PIECE);
        // What is backed up was mostly not read for long: it waits for the disk, and those who read mail must not.
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; length];
            file.read_exact_at(&mut piece, sent).map(|()| piece)
        });
        match read.await.unwrap_or_else(|why| Err(io::Error::other(why))) {
            Ok(piece) => link.say_octets(&piece).await?,
            Err(why) => return Ok(Err(why)),
        }
        tokio::time::sleep(rest_behind(length)).await;
        sent += length as u64;
    }
    Ok(Ok(()))
}
