//! The directory of accounts, of which events are lost. It has no snapshot: it is said anew, by events that come to the
//! same from nothing.

use super::{BATCH, stands};
use crate::{Error, Origin, SKIPPED_ACCOUNTS, World};
use mailbox::account::directory::{Directory, DirectoryEvent, Salvage};
use store::{Beginning, Committed, Head, Seq, StreamId};
use terms::AccountId;

const STREAM: StreamId = StreamId { account: AccountId::DIRECTORY, number: 0 };

/// Ids behind the last one that is known of which it is looked whether there is such an account.
const LOOKED_FOR: u64 = 1_024;

/// Mends the directory where it cannot be read; says in words what was done. Nobody may have it open.
///
/// # Errors
/// The store cannot read or write now.
pub async fn repair_directory(store: &dyn store::Salvage, world: &dyn World) -> Result<Vec<String>, Error> {
    repair(store, world, None).await
}

/// The same, where `known` may be what the directory is at an event.
pub(crate) async fn repair(
    store: &dyn store::Salvage,
    world: &dyn World,
    known: Option<(Seq, &Directory)>,
) -> Result<Vec<String>, Error> {
    let Some((last, _)) = stands(store, STREAM).await? else { return Ok(Vec::new()) };
    let (mut salvage, end) = left(store, last).await?;
    if salvage.lost() == 0 && end == last && store.read(STREAM, last, 1).await.is_ok() {
        return Ok(Vec::new());
    }
    if let Some((_, directory)) = known.filter(|(seq, _)| *seq == last) {
        salvage.know(directory.clone());
    }
    let mut told = Vec::new();
    match salvage.lost() {
        0 => told.push(
            "events of the directory of accounts are lost; what they had come to is known, and nothing else is lost"
                .to_owned(),
        ),
        lost => {
            told.push(format!(
                "{lost} events of the directory of accounts are lost for good: look who may sign in (gatepost account \
                 list). Passwords may be older ones, and who was removed or disabled may be there again"
            ));
            find_accounts(store, &mut salvage, &mut told).await?;
        }
    }
    let beginning = Beginning::Events {
        // One further on: whoever still knows the old events must not take these for what came next.
        behind: end.plus(1),
        time_ms: world.now_ms(),
        origin: Origin::desk().encode(),
        events: salvage.events().iter().map(|event| event.encode().into()).collect(),
        head: Head::default(),
    };
    match store.begin_anew(STREAM, last, beginning).await? {
        Committed::Done => Ok(told),
        _ => Err(Error::Unavailable("the directory was changed while it was mended; try again".to_owned())),
    }
}

async fn left(store: &dyn store::Salvage, last: Seq) -> Result<(Salvage, Seq), Error> {
    let mut salvage = Salvage::default();
    let mut seen = store.trimmed(STREAM).await?;
    loop {
        let some = store.remains(STREAM, seen, BATCH).await?;
        if some.is_empty() {
            break;
        }
        for (seq, event) in some {
            salvage.lose(seq.0 - seen.0 - 1);
            match event.and_then(|event| DirectoryEvent::decode(&event.payload).ok()) {
                Some(event) => salvage.take(&event),
                None => salvage.lose(1),
            }
            seen = seq;
        }
    }
    salvage.lose(last.0.saturating_sub(seen.0));
    Ok((salvage, last.max(seen)))
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
