//! What a scrub has found, and what was mended while the server runs, told with the names of those whose mail it is.

use crate::desk;
use crate::watchman::Found;
use events::{Event, File, Sentence};
use mail::{Accounts, Mending};
use mailbox::account::MailboxId;
use std::path::Path;
use std::sync::Arc;
use store::{AccountId, StreamId};
use store_local::{Damage, Lost};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Tells it as it comes, and has mended what can be. To mend a mailbox may have to wait for whoever has the turn of its
/// account; nobody else waits for that.
pub(crate) async fn tell(accounts: Arc<Accounts>, found: UnboundedReceiver<Found>) {
    let (to_mend, mut hurt) = unbounded_channel();
    let mending = async {
        while let Some(damage) = hurt.recv().await {
            mend(&accounts, &damage).await;
        }
    };
    tokio::join!(tell_all(&accounts, found, to_mend), mending);
}

async fn tell_all(
    accounts: &Accounts,
    mut found: UnboundedReceiver<Found>,
    to_mend: UnboundedSender<Damage>,
) {
    while let Some(found) = found.recv().await {
        match found {
            Found::Damage(damage) => {
                tell_damage(accounts, &damage).await;
                // Nobody takes it where all ends.
                let _ = to_mend.send(damage);
            }
            Found::Through(tally) => {
                Event::StoreScrubbed { octets: tally.octets, damages: tally.damages }.log();
            }
            Found::Mended(id, mending) => tell_mended(accounts, id, &mending),
            Found::InPart(id, mailbox) => tell_in_part(accounts, id, mailbox).await,
            Found::NamesInPart(id) => {
                if let Some(login) = login(accounts, id) {
                    Event::NamesInPart { account: events::Account::new(&login) }.log();
                }
            }
        }
    }
}

/// What could not be opened or written for it any more is mended, where no client notices.
async fn mend(accounts: &Accounts, damage: &Damage) {
    let mut hurt: Vec<StreamId> = damage
        .lost
        .iter()
        .filter_map(|lost| match lost {
            Lost::Event { stream, .. } | Lost::Snapshot { stream, .. } => Some(*stream),
            Lost::Record { .. } | Lost::Body { .. } => None,
        })
        .collect();
    hurt.dedup();
    for stream in hurt {
        if let Err(why) = mend_stream(accounts, stream).await {
            let (account, stream) = (stream.account.0, stream.number);
            tracing::warn!(account, stream, %why, "what a scrub has found could not be mended");
        }
    }
}

async fn mend_stream(accounts: &Accounts, stream: StreamId) -> Result<(), mail::Error> {
    if stream.account == AccountId::DIRECTORY {
        return accounts.mend_if_hurt().await;
    }
    if login(accounts, stream.account).is_none() {
        return Ok(());
    }
    let account = accounts.account(stream.account);
    match MailboxId::new(stream.number) {
        Some(mailbox) => account.mend_if_hurt(mailbox).await,
        None => account.mend_names_if_hurt().await,
    }
}

fn tell_mended(accounts: &Accounts, id: AccountId, mending: &Mending) {
    let account = login(accounts, id).map(|login| events::Account::new(&login));
    let mailbox = mending.mailbox.as_ref().map(events::Mailbox::from);
    let uid = mending.uid.map(|uid| uid.get().into());
    Event::StoreMended { account, mailbox, uid, done: Sentence::new(&mending.what) }.log();
}

async fn tell_in_part(accounts: &Accounts, id: AccountId, mailbox: MailboxId) {
    let Some(login) = login(accounts, id) else { return };
    let name = accounts.account(id).name_of(mailbox.get()).await.ok().flatten();
    let (account, mailbox) = (events::Account::new(&login), name.as_ref().map(events::Mailbox::from));
    Event::MailboxInPart { account, mailbox }.log();
}

fn login(accounts: &Accounts, id: AccountId) -> Option<String> {
    let named = accounts.list().into_iter().find(|(_, there)| *there == id);
    named.map(|(login, _)| login.to_string())
}

async fn tell_damage(accounts: &Accounts, damage: &Damage) {
    let (file, from, to) = (File::from(Path::new(&damage.file)), damage.from, damage.to);
    let first = damage.lost.first();
    let login = first.and_then(|lost| login(accounts, lost.account()));
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
