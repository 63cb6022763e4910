//! The door: where a name and a password become somebody's mail.
//!
//! A right password never waits. A wrong one waits for its answer, the longer the more often; a name that nobody has
//! costs what a wrong password costs, and hears the same words (threat T-38). The same holds for a proof: SCRAM shows
//! everybody a salt, and those of names that nobody has stay the same for ever.

use crate::chronicle::Chronicle;
use crate::clock::Clock;
use crate::gate::refused_as;
use crate::hall::{Hall, HallLimits, Place, refusal};
use crate::visit::Visit;
use events::{Account, AuthFailure, AuthLimit, Claimed, ClientId, Command, Event, Mechanism};
use events::{ResponseCode, Sentence, Word};
use mail::{Accounts, Certainty, Found, HashPool, Origin, Protocol, Remembered};
use mailbox::account::directory::Standing;
use policy::{FailedLogins, Sessions, TooManySessions};
use sasl::{Claim, Nonce, ScramVerifier, Secret, Verdict};
use session::port::{self, Means};
use session::refusal::Refusal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use terms::AccountId;
use wire::imap::CommandName;
use wire::imap::reply::Code;

/// What all doors of a server share.
pub(crate) struct Doorkeeper {
    accounts: Arc<Accounts>,
    pool: Arc<HashPool>,
    clock: Clock,
    failed: Mutex<FailedLogins>,
    sessions: Arc<Mutex<Sessions>>,
    longest_delay: Duration,
    limits: HallLimits,
    remembered: Arc<Remembered>,
}

/// The door of one connection.
pub(crate) struct ConnectionDoor {
    keeper: Arc<Doorkeeper>,
    visit: Arc<Visit>,
}

/// Who came of a claim.
enum Checked {
    Known(AccountId),
    Wrong(AuthFailure),
    /// Part of the directory is lost: nobody is told that a password is wrong which may be right, nor of which accounts all
    /// is known.
    Unknowable(AuthFailure),
}

impl Doorkeeper {
    pub(crate) fn new(
        accounts: Arc<Accounts>,
        pool: Arc<HashPool>,
        clock: Clock,
        longest_delay: Duration,
        sessions_per_account: usize,
        limits: HallLimits,
        remembered: Remembered,
    ) -> Self {
        Self {
            accounts,
            pool,
            clock,
            failed: Mutex::new(FailedLogins::new()),
            sessions: Arc::new(Mutex::new(Sessions::new(sessions_per_account))),
            longest_delay,
            limits,
            remembered: Arc::new(remembered),
        }
    }

    /// The door for a new connection.
    pub(crate) fn door(self: &Arc<Self>, visit: Arc<Visit>) -> ConnectionDoor {
        ConnectionDoor { keeper: Arc::clone(self), visit }
    }

    async fn check(&self, claim: Claim, mechanism: Mechanism) -> Result<Checked, mail::Busy> {
        let found = self.accounts.find(claim.name(), self.pool.cost());
        let verdict = match claim {
            Claim::Password { password, .. } => self.verify(&found, password, mechanism).await?,
            Claim::Proven { verifier, .. } if *found.record.scram() == verifier => Verdict::Right,
            Claim::Proven { .. } => Verdict::Wrong,
            Claim::Disproven { .. } => Verdict::Wrong,
        };
        let checked = match (verdict, found.account) {
            (Verdict::Right, Some(_)) if found.standing == Standing::Disabled => {
                Checked::Wrong(AuthFailure::Disabled)
            }
            (Verdict::Right, Some(account)) => Checked::Known(account),
            (Verdict::Wrong, Some(_)) => Checked::Wrong(AuthFailure::WrongPassword),
            (_, None) => Checked::Wrong(AuthFailure::NoAccount),
        };
        Ok(match (checked, found.certainty) {
            (Checked::Wrong(_), Certainty::Doubtful) => Checked::Unknowable(AuthFailure::Unavailable),
            (Checked::Wrong(why), Certainty::OfThisOne) => Checked::Unknowable(why),
            (checked, _) => checked,
        })
    }
}

impl Doorkeeper {
    /// What was right a short while ago is not hashed again, where the account may sign in: of one that is disabled
    /// nobody shall learn by the time that its password is right. Many who come back at once, as after a restart, find
    /// that out when their turn comes.
    async fn verify(
        &self,
        found: &Found,
        password: Secret,
        mechanism: Mechanism,
    ) -> Result<Verdict, mail::Busy> {
        let mark = self.remembered.mark(found.account, mechanism.as_str(), &found.record, &password);
        let (now, may_sign_in) = (self.clock.now(), found.standing == Standing::Enabled);
        if may_sign_in && self.remembered.holds(&mark, now) {
            return Ok(Verdict::Right);
        }
        let (asked, told) = (Arc::clone(&self.remembered), Arc::clone(&self.remembered));
        let is_known = move || may_sign_in && asked.holds(&mark, now);
        let right = move || told.remember(mark, now);
        self.pool.verify_unless_known(found.record.clone(), password, is_known, right).await
    }
}

impl ConnectionDoor {
    async fn let_in(&self, id: AccountId, name: &str, mechanism: Mechanism) -> Result<Hall, Refusal> {
        let keeper = &self.keeper;
        let admitted = lock(&keeper.sessions).admit(id);
        let permit = admitted.map_err(|crowd| self.too_many(name, crowd))?;
        let place = Place { sessions: Arc::clone(&keeper.sessions), permit: Some(permit) };
        lock(&keeper.failed).succeeded(name);
        let connection = self.visit.id();
        let origin = Origin {
            account: Some(id),
            protocol: Protocol::Imap,
            address: Some(self.visit.address().ip()),
            session: connection.0,
            device: self.visit.client().map(|client| client.to_string()).unwrap_or_default().into(),
        };
        let account = keeper.accounts.account(id);
        let founded = account.ensure_founded(&origin).await;
        founded.map_err(|why| refusal(why, connection))?;
        self.visit.stays_until(account.signed_out());
        // Whoever was disabled before that could be waited for is not let in.
        if keeper.accounts.standing(id) != Some(Standing::Enabled) {
            self.turn_away(name, mechanism, AuthFailure::Disabled).await;
            return Err(sasl::Failure::WrongCredentials.into());
        }
        let known = Account::new(name);
        self.visit.signed_in(known.clone(), mechanism);
        let (peer, mechanism) = (self.visit.peer(), Some(mechanism));
        Event::AuthSucceeded { connection, peer, account: known.clone(), mechanism }.log();
        let chronicle = Chronicle::new(Arc::clone(&account), known, connection);
        Ok(Hall::new(account, origin, chronicle, keeper.limits, place))
    }

    fn too_many(&self, name: &str, crowd: TooManySessions) -> Refusal {
        Event::AuthLimited {
            connection: self.visit.id(),
            peer: self.visit.peer(),
            claimed: Some(Claimed::new(name.as_bytes())),
            limit: AuthLimit::Connections,
        }
        .log();
        Refusal::denied(Code::Limit, crowd.to_string())
    }

    /// Writes it down, and lets whoever guesses wait.
    async fn turn_away(&self, name: &str, mechanism: Mechanism, reason: AuthFailure) {
        let keeper = &self.keeper;
        let (from, now) = (self.visit.address().ip(), keeper.clock.now());
        let delay = lock(&keeper.failed).failed(from, name, now);
        self.log_failure(name, mechanism, reason);
        tokio::time::sleep(delay.min(keeper.longest_delay)).await;
    }

    fn log_failure(&self, name: &str, mechanism: Mechanism, reason: AuthFailure) {
        Event::AuthFailed {
            connection: self.visit.id(),
            peer: self.visit.peer(),
            claimed: Some(Claimed::new(name.as_bytes())),
            mechanism: Some(mechanism),
            reason,
        }
        .log();
    }
}

impl port::Door for ConnectionDoor {
    type Mail = Hall;

    async fn sign_in(&self, claim: Claim, means: Means) -> Result<Hall, Refusal> {
        let mechanism = mechanism(means);
        let name = claim.name().to_owned();
        match self.keeper.check(claim, mechanism).await {
            Ok(Checked::Known(id)) => self.let_in(id, &name, mechanism).await,
            Ok(Checked::Wrong(reason)) => {
                self.turn_away(&name, mechanism, reason).await;
                Err(sasl::Failure::WrongCredentials.into()) // the words for it stand there
            }
            Ok(Checked::Unknowable(reason)) => {
                self.turn_away(&name, mechanism, reason).await;
                let why = "Part of the server's list of accounts cannot be read just now, so that it is not known whether this \
                           is right; try again once your administrator has mended it";
                Err(Refusal::denied(Code::Unavailable, why))
            }
            Err(mail::Busy) => {
                self.log_failure(&name, mechanism, AuthFailure::Unavailable);
                let why = "Too many are signing in just now; try again in a moment";
                Err(Refusal::denied(Code::Unavailable, why))
            }
        }
    }

    fn nonce(&self) -> Nonce {
        self.keeper.accounts.nonce()
    }

    async fn verifier(&self, name: &str) -> Result<ScramVerifier, Refusal> {
        // A decoy where nobody has the name; who it is that has it is asked again once a proof has come.
        Ok(self.keeper.accounts.find(name, self.keeper.pool.cost()).record.scram().clone())
    }

    fn refused(&self, command: Option<CommandName>, refusal: &Refusal) {
        let Some((condition, code, told)) = refusal.told() else { return };
        let Some(refused) = refused_as(condition) else { return };
        let command = command.map(|name| Command::new(&name.to_string()));
        self.visit.refused(
            refused,
            command,
            code.map(|code| ResponseCode::new(code.name())),
            Sentence::new(&told),
        );
    }

    fn introduced(&self, fields: &[(&str, Option<&str>)]) {
        let field = |wanted: &str| {
            fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).and_then(|(_, value)| *value)
        };
        if let Some(name) = field("name") {
            self.visit.introduced(ClientId::new(name.as_bytes(), field("version").map(str::as_bytes)));
        }
    }
}

/// As the log calls it.
const fn mechanism(means: Means) -> Mechanism {
    match means {
        Means::LoginCommand => Mechanism::LoginCommand,
        Means::Sasl(sasl::Mechanism::Plain) => Mechanism::Plain,
        Means::Sasl(sasl::Mechanism::ScramSha256) => Mechanism::ScramSha256,
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
