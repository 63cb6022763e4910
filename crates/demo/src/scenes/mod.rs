//! What happens in the two years: one file for each kind of mail.

mod attachments;
mod invitations;
mod junk;
mod letters;
mod lists;
mod newsletters;
mod notices;
mod reports;
mod threads;
mod wrapped;

use crate::DemoMessage;
use crate::room::Room;

/// All of them, in an order that is fixed because chance flows through it.
pub(crate) fn play(seed: u64) -> Vec<DemoMessage> {
    let mut room = Room::new(seed);
    threads::play(&mut room);
    letters::play(&mut room);
    newsletters::play(&mut room);
    notices::play(&mut room);
    lists::play(&mut room);
    attachments::play(&mut room);
    invitations::play(&mut room);
    reports::play(&mut room);
    wrapped::play(&mut room);
    junk::play(&mut room);
    room.into_mail()
}
