//! IMAP as a [`Service`]: a session for each connection, and a door for each session.

use crate::clock::Clock;
use crate::connection::Service;
use crate::door::{ConnectionDoor, Lodge};
use crate::hall::HallLimits;
use crate::visit::{Farewell, Visit};
use door::{Doorkeeper, Elsewhere, Failures, Limits, Rules};
use events::EndReason;
use mail::{Accounts, HashPool};
use mailbox::account::directory::keyring;
use policy::{Keys, Network};
use session::imap::Ending;
use session::imap::gate::Greeted;
use session::port::Peer;
use settings::Settings;
use std::sync::Arc;
use std::time::Duration;

/// Serves the mail of accounts over IMAP.
pub struct Imap {
    lodge: Arc<Lodge>,
}

impl Imap {
    /// Over these accounts, within the limits of the settings.
    #[must_use]
    pub fn new(settings: &Settings, accounts: Arc<Accounts>, pool: Arc<HashPool>) -> Self {
        Self::over(settings, accounts, pool, Elsewhere::default())
    }

    /// The same, where accounts are known elsewhere too.
    #[must_use]
    pub fn over(
        settings: &Settings,
        accounts: Arc<Accounts>,
        pool: Arc<HashPool>,
        elsewhere: Elsewhere,
    ) -> Self {
        let keys = Keys { names: accounts.salts().0, passwords: accounts.salts().0 };
        let clock = Clock::start();
        let limits = Limits::new(keys, trusted_networks(settings), move || clock.now());
        Self::within(settings, accounts, pool, elsewhere, Arc::new(limits))
    }

    /// The same, where others ask about failed logins, too.
    #[must_use]
    pub fn within(
        settings: &Settings,
        accounts: Arc<Accounts>,
        pool: Arc<HashPool>,
        elsewhere: impl Into<Arc<Elsewhere>>,
        failed: Arc<Limits>,
    ) -> Self {
        let limits =
            HallLimits { message_octets: settings.limits.append_limit_octets, account: accounts.limits() };
        let clock = Clock::start();
        let keeper = Doorkeeper::new(accounts, pool, elsewhere, failed, move || clock.now(), rules(settings));
        Self { lodge: Arc::new(Lodge { keeper, limits }) }
    }

    /// Asks directories again, for ever, whether they still let in those who are signed in: see
    /// [`Doorkeeper::ask_again`]. Whoever runs the server keeps this going.
    pub fn ask_again(&self) -> impl Future<Output = ()> + Send + use<> {
        let lodge = Arc::clone(&self.lodge);
        async move { lodge.keeper.ask_again().await }
    }
}

/// Networks whose addresses stand for many people.
#[must_use]
pub fn trusted_networks(settings: &Settings) -> Vec<Network> {
    let networks = settings.limits.trusted_networks.iter();
    networks.map(|network| Network::of(network.address, network.bits)).collect()
}

fn rules(settings: &Settings) -> Rules {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Rules {
        longest_delay: Duration::from_millis(settings.passwords.login_delay_max_ms.into()),
        sessions_per_account: count(settings.limits.connections_per_account),
        remember: Duration::from_secs(settings.passwords.remember_seconds.into()),
        remembered: count(settings.passwords.remembered),
    }
}

impl Service for Imap {
    async fn converse<P: Peer>(&self, greeted: Greeted, peer: P, visit: Arc<Visit>) -> Farewell {
        let door = ConnectionDoor { lodge: Arc::clone(&self.lodge), visit, failures: Failures::default() };
        let ended = session::imap::serve(greeted, peer, &door).await;
        Farewell { reason: reason(ended.ending), commands: ended.commands }
    }

    fn exposed(&self, name: &str, visit: &Visit) {
        self.lodge.keeper.exposed(name, visit.peer(), keyring::Service::IMAP);
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
