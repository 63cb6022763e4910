//! The directory of accounts, of which events are lost. It has no snapshot: it is said anew, by events that come to the
//! same from nothing.

use super::{BATCH, Extent, goes_on, is_kept_read_only, stands};
use crate::directory::{STREAM, append_twice};
use crate::{Error, Origin, SKIPPED_ACCOUNTS, World};
use bytes::Bytes;
use mailbox::account::directory::{Directory, DirectoryEvent, Remains, Said, Salvage};
use store::{Beginning, Committed, Head, MAX_COMMIT, MAX_ENTRIES, Seq};

/// Ids behind the last one that is known of which it is looked whether there is such an account.
const LOOKED_FOR: u64 = 1_024;
/// Accounts that are named in what is told.
const NAMED: usize = 20;

/// What is left of the directory where something is wrong with it.
pub(crate) struct Left {
    pub(crate) salvage: Salvage,
    /// Where its stream stands.
    last: Seq,
    /// Its last event: further on where the summary behind it is lost.
    pub(crate) end: Seq,
}

/// Mends the directory where it cannot be read; says in words what was done. Nobody may have it open.
///
/// # Errors
/// The store cannot read or write now.
pub async fn repair_directory(store: &dyn store::Salvage, world: &dyn World) -> Result<Vec<String>, Error> {
    repair(store, world, None, Extent::All).await
}

/// The same, where `known` may be what the directory is at an event.
pub(crate) async fn repair(
    store: &dyn store::Salvage,
    world: &dyn World,
    known: Option<(Seq, &Directory)>,
    extent: Extent,
) -> Result<Vec<String>, Error> {
    let Some(Left { mut salvage, last, mut end }) = look(store).await? else { return Ok(Vec::new()) };
    if let Some((seq, directory)) = known.filter(|(seq, _)| *seq >= end) {
        salvage.know(directory.clone());
        end = seq;
    }
    let lost = salvage.lost();
    if lost > 0 && extent == Extent::WithoutLoss {
        return Ok(Vec::new());
    }
    let mut told = vec![tell(lost, &salvage)];
    if lost > 0 {
        told.extend(tell_of_keyrings(&salvage));
        told.extend(tell_of_removed(store, &salvage).await?);
        find_accounts(store, &mut salvage, &mut told).await?;
    }
    let beginning = Beginning::Events {
        // One further on: whoever still knows the old events must not take these for what came next.
        behind: end.plus(1),
        time_ms: world.now_ms(),
        origin: Origin::desk().encode(),
        events: beginning_of(&salvage.events()),
        head: Head::default(),
    };
    match store.begin_anew(STREAM, last, beginning).await? {
        Committed::Done => Ok(told),
        _ => Err(Error::Unavailable("the directory was changed while it was mended; try again".to_owned())),
    }
}

/// What is left, if something is wrong.
pub(crate) async fn look(store: &dyn store::Salvage) -> Result<Option<Left>, Error> {
    let Some((last, _)) = stands(store, STREAM).await? else {
        return all_is_lost(store).await;
    };
    let trimmed = store.trimmed(STREAM).await?;
    let (mut remains, mut seen) = (Remains::default(), trimmed);
    let mut is_hurt = goes_on(store, STREAM, last).await? || is_kept_read_only(store, STREAM, last).await?;
    loop {
        let some = store.remains(STREAM, seen, BATCH).await?;
        if some.is_empty() {
            break;
        }
        for (seq, event) in some {
            is_hurt |= seq != seen.plus(1);
            match event.and_then(|event| Said::decode(&event.payload).ok()) {
                Some(said) => remains.put(seq.0, (), said),
                None => is_hurt = true,
            }
            seen = seq;
        }
    }
    let end = last.max(seen);
    let mut salvage = Salvage::default();
    for event in remains.events(trimmed.0 + 1, end.0) {
        match event {
            Some(((), event)) => salvage.take(&event),
            None => salvage.lose(1),
        }
    }
    is_hurt |= salvage.lost() > 0 || seen < last;
    Ok(is_hurt.then_some(Left { salvage, last, end }))
}

/// Where nothing of the directory is left, but accounts are.
async fn all_is_lost(store: &dyn store::Salvage) -> Result<Option<Left>, Error> {
    let mut salvage = Salvage::default();
    for id in salvage.unknown(LOOKED_FOR).collect::<Vec<_>>() {
        if !store.list_streams(id).await?.is_empty() {
            salvage.lose(1);
            return Ok(Some(Left { salvage, last: Seq::NONE, end: Seq::NONE }));
        }
    }
    Ok(None)
}

/// Said twice, unless they are so many that they are not to be said at once then.
fn beginning_of(events: &[DirectoryEvent]) -> Vec<Bytes> {
    let twice = append_twice(Seq::NONE, events).events;
    match twice.len() <= MAX_ENTRIES && twice.iter().map(Bytes::len).sum::<usize>() <= MAX_COMMIT {
        true => twice,
        false => events.iter().map(|event| event.encode().into()).collect(),
    }
}

fn tell(lost: u64, salvage: &Salvage) -> String {
    if lost == 0 {
        return "events of the directory of accounts are lost; what they had come to is known, and nothing else is lost"
            .to_owned();
    }
    let shut: Vec<_> = salvage.shut().map(ToString::to_string).collect();
    let many = match shut.len() {
        0 => return format!("{lost} events of the directory of accounts are lost for good"),
        1 => "1 account is disabled that".to_owned(),
        many => format!("{many} accounts are disabled that"),
    };
    let shut = list(&shut);
    format!(
        "{lost} events of the directory of accounts are lost for good. {many} may have been removed, disabled or given \
         another password by them: {shut}. Look who of them may sign in, and whether the password is right \
         (gatepost account enable, gatepost account passwd)"
    )
}

/// App passwords and certificates of which nobody knows whether they were revoked.
fn tell_of_keyrings(salvage: &Salvage) -> Option<String> {
    let gone = salvage.taken_away();
    (gone > 0).then(|| {
        format!(
            "{gone} app passwords and certificates of the accounts that are disabled are gone, for they may have been revoked \
             by them; who needs one gets a new one (gatepost account app-password add)"
        )
    })
}

/// Accounts that were removed, and may have been brought back by an event that is lost: they are kept for another retention.
async fn tell_of_removed(store: &dyn store::Salvage, salvage: &Salvage) -> Result<Option<String>, Error> {
    let mut kept = Vec::new();
    for (id, login) in salvage.perhaps_back() {
        if !store.list_streams(id).await?.is_empty() {
            kept.push(login.to_string());
        }
    }
    let some = (!kept.is_empty()).then(|| {
        format!(
            "accounts that were removed may have been brought back by them: {}. Look which of them are missed; they have no \
             password any more (gatepost undelete, gatepost account passwd)",
            list(&kept)
        )
    });
    Ok(some)
}

/// The first of them, and how many more there are.
fn list(names: &[String]) -> String {
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Accounts that have mail, and whose names are lost.
async fn find_accounts(
    store: &dyn store::Salvage,
    salvage: &mut Salvage,
    told: &mut Vec<String>,
) -> Result<(), Error> {
    for id in salvage.unknown(LOOKED_FOR).collect::<Vec<_>>() {
        if store.list_streams(id).await?.is_empty() {
            continue;
        }
        told.extend(salvage.find(id).map(|login| {
            format!(
                "how an account was called is lost; its name is {login} now, and it has no password \
                 (gatepost account passwd)"
            )
        }));
    }
    salvage.skip(SKIPPED_ACCOUNTS);
    Ok(())
}
