//! What a scrub has found, told with the names of those whose mail it is.

use crate::desk;
use crate::watchman::Found;
use events::{Event, File, Sentence};
use mail::Accounts;
use std::path::Path;
use std::sync::Arc;
use store::StreamId;
use store_local::{Damage, Lost};
use tokio::sync::mpsc::UnboundedReceiver;

/// Tells it as it comes.
pub(crate) async fn tell(accounts: Arc<Accounts>, mut found: UnboundedReceiver<Found>) {
    while let Some(found) = found.recv().await {
        match found {
            Found::Damage(damage) => tell_damage(&accounts, &damage).await,
            Found::Through(tally) => {
                Event::StoreScrubbed { octets: tally.octets, damages: tally.damages }.log();
            }
        }
    }
}

async fn tell_damage(accounts: &Accounts, damage: &Damage) {
    let (file, from, to) = (File::from(Path::new(&damage.file)), damage.from, damage.to);
    let first = damage.lost.first();
    let login = first.and_then(|lost| {
        let named = accounts.list().into_iter().find(|(_, id)| *id == lost.account());
        named.map(|(login, _)| login.to_string())
    });
    let (mailbox, uid) = match first {
        Some(lost) if login.is_some() => whose(accounts, lost, damage).await,
        _ => (None, None),
    };
    let more = damage.lost.len().saturating_sub(1);
    let lost = first.map(|lost| match more {
        0 => Sentence::new(&lost.to_string()),
        more => Sentence::new(&format!("{lost}, and {more} more")),
    });
    let account = login.map(|login| events::Account::new(&login));
    Event::StoreRotten { file, from, to, account, mailbox, uid, lost }.log();
}

/// The mailbox and the message that a loss is of. What cannot be found out is left out: the damage is told all the same.
async fn whose(accounts: &Accounts, lost: &Lost, damage: &Damage) -> (Option<events::Mailbox>, Option<u64>) {
    let account = accounts.account(lost.account());
    match lost {
        Lost::Event { stream, .. } | Lost::Snapshot { stream, .. } => {
            let StreamId { number, .. } = *stream;
            let name = account.name_of(number).await.ok().flatten();
            (name.as_ref().map(events::Mailbox::from), None)
        }
        Lost::Record { .. } | Lost::Body { .. } => {
            let one = Damage { lost: vec![*lost], ..damage.clone() };
            let unreadable = desk::unreadable(&[one], lost.account());
            let checked = account.check(&unreadable).await.unwrap_or_default();
            let found = checked.findings.into_iter().find(|finding| finding.uid.is_some());
            let uid = found.as_ref().and_then(|finding| finding.uid).map(|uid| uid.get().into());
            (found.map(|finding| events::Mailbox::from(&finding.mailbox)), uid)
        }
    }
}
