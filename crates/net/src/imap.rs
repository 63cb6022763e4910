//! IMAP as a [`Service`]: a session for each connection, and a door for each session.

use crate::clock::Clock;
use crate::connection::Service;
use crate::door::Doorkeeper;
use crate::hall::HallLimits;
use crate::visit::{Farewell, Visit};
use events::EndReason;
use mail::{Accounts, HashPool};
use session::imap::Ending;
use session::imap::gate::Greeted;
use session::port::Peer;
use settings::Settings;
use std::sync::Arc;
use std::time::Duration;

/// Serves the mail of accounts over IMAP.
pub struct Imap {
    keeper: Arc<Doorkeeper>,
}

impl Imap {
    /// Over these accounts, within the limits of the settings.
    #[must_use]
    pub fn new(settings: &Settings, accounts: Arc<Accounts>, pool: Arc<HashPool>) -> Self {
        let limits =
            HallLimits { message_octets: settings.limits.append_limit_octets, account: accounts.limits() };
        let delay = Duration::from_millis(settings.passwords.login_delay_max_ms.into());
        let time = Duration::from_secs(settings.passwords.remember_seconds.into());
        let remembered =
            accounts.remembered(time, usize::try_from(settings.passwords.remembered).unwrap_or(usize::MAX));
        let sessions = usize::try_from(settings.limits.connections_per_account).unwrap_or(usize::MAX);
        let keeper = Doorkeeper::new(accounts, pool, Clock::start(), delay, sessions, limits, remembered);
        Self { keeper: Arc::new(keeper) }
    }
}

impl Service for Imap {
    async fn converse<P: Peer>(&self, greeted: Greeted, peer: P, visit: Arc<Visit>) -> Farewell {
        let door = self.keeper.door(visit);
        let ended = session::imap::serve(greeted, peer, &door).await;
        Farewell { reason: reason(ended.ending), commands: ended.commands }
    }
}

/// As the log calls it.
const fn reason(ending: Ending) -> EndReason {
    match ending {
        Ending::LoggedOut => EndReason::Logout,
        Ending::Gone => EndReason::Closed,
        Ending::HalfSaid | Ending::Unended => EndReason::HalfCommand,
        Ending::NotSignedIn => EndReason::LoginTimeout,
        Ending::Crowded => EndReason::Crowded,
        Ending::TimedOut => EndReason::IdleTimeout,
        Ending::Stopping => EndReason::Stopping,
        Ending::SignedOut => EndReason::SignedOut,
        Ending::TooManyMistakes | Ending::Unsynchronised => EndReason::Misuse,
        Ending::FellBehind => EndReason::ViewLimit,
    }
}
