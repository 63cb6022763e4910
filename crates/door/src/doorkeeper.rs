//! What all doors of a server share, and the order in which a visitor meets it.

use crate::elsewhere::Elsewhere;
use crate::entered::{Entered, Place};
use crate::judge::{Judged, Known, Slowest};
use crate::limits::Limits;
use crate::not_let_in::{NotLetIn, TryAgain};
use crate::presence::Presence;
use crate::try_at::{Manner, Try};
use crate::turned_away::TurnedAway;
use crate::visitor::{Visitor, address_of};
use events::{AuthFailure, AuthLimit, Claimed, Event, Peer};
use mail::{Accounts, Credential, HashPool, Lane, LastUse, Origin, Remembered, ScramSha1};
use mailbox::account::directory::keyring::{Exposure, Service};
use policy::{Scope, Sessions, TooManySessions, Verdict};
use sasl::{Ability, Channel, Claim, Mechanism, Nonce, Offer, Policy, State, Verifiers};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use terms::{AccountId, Login, Moment};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Judges claims, and lets in. One for a server, however many protocols it speaks: guesses at one count at the others.
pub struct Doorkeeper {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) pool: Arc<HashPool>,
    pub(crate) remembered: Arc<Remembered>,
    pub(crate) turned_away: Arc<TurnedAway>,
    pub(crate) elsewhere: Arc<Elsewhere>,
    pub(crate) slowest: Arc<Slowest>,
    pub(crate) presence: Presence,
    clock: Box<dyn Fn() -> Moment + Send + Sync>,
    pub(crate) limits: Arc<Limits>,
    sessions: Arc<Mutex<Sessions>>,
    longest_delay: Duration,
    policy: Policy,
    /// Held by whoever writes down that a password was sent in clear.
    exposing: Arc<Semaphore>,
}

/// As many exposed passwords are written down at a time. Of more at once the log tells alone, until they are sent again.
const EXPOSED_AT_ONCE: usize = 16;

/// How long one waits for what others come to that are being looked at, at most, and how often one asks.
const CROWDED_FOR: Duration = Duration::from_secs(10);
const CROWDED_PAUSE: Duration = Duration::from_millis(200);

/// What a doorkeeper goes by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// No login waits longer, before it is looked at and for its answer.
    pub longest_delay: Duration,
    /// Sessions that one account may have at once.
    pub sessions_per_account: usize,
    /// For how long a right password is remembered.
    pub remember: Duration,
    /// How many of them.
    pub remembered: usize,
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorkeeper")
    }
}

impl Doorkeeper {
    /// For these accounts.
    #[must_use]
    pub fn new(
        accounts: Arc<Accounts>,
        pool: Arc<HashPool>,
        elsewhere: impl Into<Arc<Elsewhere>>,
        limits: Arc<Limits>,
        clock: impl Fn() -> Moment + Send + Sync + 'static,
        rules: Rules,
    ) -> Self {
        let elsewhere = elsewhere.into();
        let remembered = Arc::new(accounts.remembered(rules.remember, rules.remembered));
        let turned_away = Arc::new(TurnedAway::new(&accounts));
        Self {
            accounts,
            policy: policy(&elsewhere, pool.scram_sha_1()),
            pool,
            remembered,
            turned_away,
            elsewhere,
            slowest: Arc::default(),
            presence: Presence::default(),
            clock: Box::new(clock),
            limits,
            sessions: Arc::new(Mutex::new(Sessions::new(rules.sessions_per_account))),
            longest_delay: rules.longest_delay,
            exposing: Arc::new(Semaphore::new(EXPOSED_AT_ONCE)),
        }
    }

    /// Random octets that no other exchange has had.
    #[must_use]
    pub fn nonce(&self) -> Nonce {
        self.accounts.nonce()
    }

    /// What a SCRAM proof of this name is checked with: a decoy where nobody has it. Who it is that has it is asked again
    /// once a proof has come.
    #[must_use]
    pub fn verifiers(&self, name: &str) -> Verifiers {
        self.accounts.verifiers(name, self.pool.cost())
    }

    /// What may be used to sign in on a connection that is behind TLS: what is switched on, as far as all accounts can do it.
    #[must_use]
    pub fn offer(&self, channel: Channel) -> Offer {
        let mut policy = self.policy.clone();
        // No proof fits what others have hashed, until its owner has signed in, nor an app password that nothing to prove it
        // with was made for.
        if self.accounts.have_foreign_hashes() || self.accounts.have_unprovable() {
            policy.abilities.scram_sha_256 = Ability::Some;
        }
        policy.abilities.scram_sha_1 = self.who_can_scram_sha_1(policy.abilities.scram_sha_256);
        Offer::new(State::Private(channel), &policy)
    }

    /// Records that were made before old clients were thought of have no keys for it, and whoever is told of it by a server
    /// that has none for them fails with it for ever.
    fn who_can_scram_sha_1(&self, who_can_scram_sha_256: Ability) -> Ability {
        match who_can_scram_sha_256 {
            Ability::Everybody if !self.accounts.lack_sha1() => Ability::Everybody,
            Ability::Everybody | Ability::Some => Ability::Some,
            Ability::Nobody => Ability::Nobody,
        }
    }

    /// Judges a claim. Whoever is not let in has waited by then as long as the policy says, and stands in the log.
    ///
    /// # Errors
    /// What the visitor may be told.
    pub async fn enter(&self, claim: Claim, visitor: &Visitor) -> Result<Entered, NotLetIn> {
        let name = claim.name().unwrap_or_default().to_owned();
        let mut tried = Try::new(&claim, visitor, &self.limits);
        self.hold_back(&mut tried, &name, visitor).await?;
        match self.judge(claim, visitor, &mut tried).await {
            Ok(Judged::Known(known)) => {
                tried.looking = None;
                self.let_in(known, &mut tried, &name, visitor).await
            }
            Ok(Judged::Wrong(reason)) => {
                self.turn_away(&mut tried, &name, visitor, reason).await;
                Err(if reason == AuthFailure::NotAuthorized {
                    NotLetIn::NotAuthorized
                } else {
                    NotLetIn::Wrong
                })
            }
            // That it cannot be known is our failure; that it was tried counts all the same, or guesses would be free.
            Ok(Judged::Unknowable(reason)) => {
                self.turn_away(&mut tried, &name, visitor, reason).await;
                Err(NotLetIn::Unknowable)
            }
            Ok(Judged::NotLookedAt(why)) => Err(why),
            Ok(Judged::NotRecalled(when)) => {
                self.turn_away_unseen(&mut tried, &name, visitor).await;
                Err(NotLetIn::Limited(when))
            }
            Ok(Judged::Unavailable) => {
                log_failure(&name, visitor, AuthFailure::Unavailable);
                Err(NotLetIn::DirectoryDown)
            }
            Ok(judged @ (Judged::Unanswered | Judged::Unpaid)) => {
                // Counted once for each password, as all are: whoever comes back with it loses nothing.
                let failure = self.limits.failed(&tried.attempt(), tried.typed());
                visitor.failures.add(failure.charge);
                log_failure(&name, visitor, AuthFailure::Unavailable);
                Err(if matches!(judged, Judged::Unpaid) { NotLetIn::Busy } else { NotLetIn::DirectoryDown })
            }
            Err(mail::Busy) => {
                log_failure(&name, visitor, AuthFailure::Unavailable);
                Err(NotLetIn::Busy)
            }
        }
    }

    /// Keeps that a password of `name` was sent in clear, in the background: neither an answer nor its time tells whether
    /// somebody has that name. It is to be called within a tokio runtime.
    pub fn exposed(&self, name: &str, peer: Peer, service: Service) {
        let Ok(permit) = Arc::clone(&self.exposing).try_acquire_owned() else { return };
        let exposure = Exposure { when_s: self.accounts.unix_s(), address: address_of(peer), service };
        let (accounts, name) = (Arc::clone(&self.accounts), name.to_owned());
        tokio::spawn(async move {
            if let Err(why) = accounts.expose(&name, exposure).await {
                tracing::warn!(%why, "that a password was exposed stands in the log alone");
            }
            drop(permit);
        });
    }

    /// Asks the limits, before anything is spent. Being refused takes its time, too: who is, comes again at once else.
    pub(crate) async fn hold_back(
        &self,
        tried: &mut Try,
        name: &str,
        visitor: &Visitor,
    ) -> Result<(), NotLetIn> {
        let (now, verdict) = self.begin(tried, name, visitor).await?;
        let (wait, refused) = match verdict {
            Verdict::Go => return Ok(()),
            Verdict::Wait(wait) => (wait.min(self.longest_delay), None),
            Verdict::Recall { until } => {
                tried.only_recalled = Some(TryAgain(until.since(now)));
                return Ok(());
            }
            Verdict::Refuse { until, scope } => (self.longest_delay, Some((until, scope))),
        };
        if let Some((_, scope)) = refused {
            log_limit(name, visitor, limit(scope));
        }
        // Under two names nobody waits twice.
        tokio::time::sleep(wait.saturating_sub(tried.waited)).await;
        tried.waited = wait.max(tried.waited);
        refused.map_or(Ok(()), |(until, _)| Err(NotLetIn::Limited(TryAgain(until.since(now)))))
    }

    /// Asks the limits in its turn: where those that are being looked at may come to too much, one waits for what they come to.
    async fn begin(
        &self,
        tried: &mut Try,
        name: &str,
        visitor: &Visitor,
    ) -> Result<(Moment, Verdict), NotLetIn> {
        tried.looking = None;
        let asked = Instant::now();
        loop {
            if let Some((now, verdict, looking)) = self.limits.begin(&tried.attempt(), tried.typed()) {
                tried.looking = looking;
                return Ok((now, verdict));
            }
            if asked.elapsed() >= CROWDED_FOR {
                log_failure(name, visitor, AuthFailure::Unavailable);
                return Err(NotLetIn::Busy);
            }
            tokio::time::sleep(CROWDED_PAUSE).await;
        }
    }

    pub(crate) fn manner(&self, tried: &Try, visitor: &Visitor) -> Manner {
        let lane = if self.limits.knows(&tried.attempt()) { Lane::Known } else { Lane::Strangers };
        Manner { mechanism: visitor.mechanism, lane, device: tried.device(visitor.mechanism) }
    }

    async fn let_in(
        &self,
        Known { account: id, with, by }: Known,
        tried: &mut Try,
        name: &str,
        visitor: &Visitor,
    ) -> Result<Entered, NotLetIn> {
        let admitted = lock(&self.sessions).admit(id);
        let permit = admitted.map_err(|crowd| too_many(name, visitor, crowd))?;
        let place = Place::new(&self.sessions, permit);
        let origin = self.origin(id, with, visitor);
        let account = self.accounts.account(id);
        account.ensure_founded(&origin).await?;
        let signed_out = account.signed_out_with(with);
        // What was disabled, revoked or changed before that could be waited for lets nobody in.
        if !self.accounts.still_takes(id, with, &by) {
            self.turn_away(tried, name, visitor, self.taken_back(id, with)).await;
            return Err(NotLetIn::Wrong);
        }
        self.ask_soon(id, with);
        self.note_use(id, with, visitor).await;
        let exposure = self.accounts.exposure_to_tell(id).await;
        // As it is called here, which is not always what was typed, and for a token need not be typed at all.
        let login = self.accounts.login(id);
        let name = login.as_ref().map_or(name, Login::as_str);
        // Known under both names: limits are asked under the typed one first. Each takes back what failed under it.
        let failures = visitor.failures.take();
        match tried.attempt_as_typed() {
            typed if typed.account == name => {}
            unnamed if tried.is_unnamed() => self.limits.succeeded_without_name(&unnamed, failures.clone()),
            typed => self.limits.succeeded(&typed, failures.clone()),
        }
        self.limits.succeeded(&tried.attempt_at(name), failures);
        let name = events::Account::new(name);
        Ok(Entered { account, name, origin, signed_out, exposure, place, with })
    }

    /// Whether somebody who was let in still is, where they were made to wait since: for their program to be content with
    /// what the server has proven to it. It is no failure, and counts for none.
    ///
    /// # Errors
    /// What they have signed in with was changed, revoked or disabled meanwhile.
    pub fn confirm(&self, entered: &Entered, visitor: &Visitor) -> Result<(), NotLetIn> {
        if !entered.signed_out.is_over() {
            return Ok(());
        }
        let reason = self.taken_back(entered.account.id(), entered.with);
        log_failure(&entered.name.to_string(), visitor, reason);
        Err(NotLetIn::Wrong)
    }

    /// Somebody who was let in has come in: what they were told then is not told again. It is to be called within a tokio
    /// runtime, and is done in the background.
    pub fn has_come_in(&self, entered: &Entered) {
        let Some(exposure) = entered.exposure else { return };
        let (accounts, id) = (Arc::clone(&self.accounts), entered.account.id());
        tokio::spawn(async move { accounts.exposure_told(id, &exposure).await });
    }

    /// Why something lets in no more that did a moment ago.
    fn taken_back(&self, id: AccountId, with: Credential) -> AuthFailure {
        let is_changed = self.accounts.takes(id, with);
        if is_changed { AuthFailure::WrongPassword } else { AuthFailure::Disabled }
    }

    /// Those to whom somebody is signed in.
    pub(crate) fn signed_in(&self) -> Vec<AccountId> {
        lock(&self.sessions).accounts().collect()
    }

    /// Writes it down, and lets whoever guesses wait.
    async fn turn_away(&self, tried: &mut Try, name: &str, visitor: &Visitor, reason: AuthFailure) {
        let failure = self.limits.failed(&tried.attempt(), tried.typed());
        tried.looking = None;
        visitor.failures.add(failure.charge);
        log_failure(name, visitor, reason);
        tokio::time::sleep(failure.delay.min(self.longest_delay).saturating_sub(tried.waited)).await;
    }

    /// The same of what was not known again, where nothing else was looked at.
    async fn turn_away_unseen(&self, tried: &mut Try, name: &str, visitor: &Visitor) {
        // A proof is another each time: of what was not looked at, nobody knows that it is not the right one at last.
        if let Some(unseen) = tried.unseen() {
            let failure = self.limits.failed(&tried.attempt(), Some(unseen));
            visitor.failures.add(failure.charge);
        }
        tried.looking = None;
        log_limit(name, visitor, AuthLimit::Pair);
        tokio::time::sleep_until(tried.began + self.longest_delay).await;
    }

    /// When an app password was used last is nice to know, and no reason to turn anybody away.
    async fn note_use(&self, id: AccountId, with: Credential, visitor: &Visitor) {
        let Credential::App(app) = with else { return };
        let client = visitor.client.as_ref().map(ToString::to_string).unwrap_or_default().into();
        let last_use = LastUse { when_s: self.accounts.unix_s(), address: address_of(visitor.peer), client };
        if let Err(why) = self.accounts.note_use(id, app, &last_use).await {
            tracing::warn!(account = id.0, %why, "when an app password was used is not written down");
        }
    }

    fn origin(&self, id: AccountId, with: Credential, visitor: &Visitor) -> Origin {
        let client = visitor.client.as_ref().map(ToString::to_string).unwrap_or_default();
        let label = match with {
            Credential::App(app) => self.accounts.app_password_label(id, app),
            Credential::Certificate(fingerprint) => self.accounts.certificate_label(id, &fingerprint),
            Credential::Password | Credential::Token => None,
        };
        let device = match label {
            Some(label) if client.is_empty() => label.to_string(),
            Some(label) => format!("{label} ({client})"),
            None => client,
        };
        Origin {
            account: Some(id),
            protocol: visitor.protocol,
            address: Some(visitor.address()),
            session: visitor.connection.0,
            device: device.into(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        (self.clock)()
    }
}

/// Which mechanisms make sense, by what directories can do. A client uses the strongest mechanism that it sees and fails
/// with it for ever, so proofs are offered only where every account has what they are checked with, which no directory
/// elsewhere gives away.
fn policy(elsewhere: &Elsewhere, scram_sha_1: ScramSha1) -> Policy {
    let mut policy = Policy::default();
    if scram_sha_1 == ScramSha1::OldClients {
        policy.on = policy.on.iter().chain([Mechanism::ScramSha1]).collect();
    }
    if !elsewhere.chain().is_empty() {
        policy.abilities.scram_sha_256 = Ability::Some;
    }
    if elsewhere.can(directory::Ability::Bearer) {
        policy.abilities.bearer = Some(elsewhere.hint());
    }
    policy
}

fn log_failure(name: &str, visitor: &Visitor, reason: AuthFailure) {
    Event::AuthFailed {
        connection: visitor.connection,
        peer: visitor.peer,
        claimed: Some(Claimed::new(name.as_bytes())),
        mechanism: Some(visitor.mechanism),
        reason,
    }
    .log();
}

fn too_many(name: &str, visitor: &Visitor, crowd: TooManySessions) -> NotLetIn {
    log_limit(name, visitor, AuthLimit::Connections);
    crowd.into()
}

fn log_limit(name: &str, visitor: &Visitor, limit: AuthLimit) {
    Event::AuthLimited {
        connection: visitor.connection,
        peer: visitor.peer,
        claimed: Some(Claimed::new(name.as_bytes())),
        limit,
    }
    .log();
}

/// As the log calls it.
const fn limit(scope: Scope) -> AuthLimit {
    match scope {
        Scope::Address => AuthLimit::Address,
        Scope::Network => AuthLimit::Network,
        Scope::Wider => AuthLimit::Wider,
        Scope::Account => AuthLimit::Account,
        Scope::Pair => AuthLimit::Pair,
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
