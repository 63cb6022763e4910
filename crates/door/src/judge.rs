//! Whether a claim holds.

use crate::by_word::Checked;
use crate::doorkeeper::Doorkeeper;
use crate::not_let_in::{NotLetIn, TryAgain};
use crate::try_at::{Manner, Try};
use crate::visitor::Visitor;
use events::{AuthFailure, Word};
use mail::{AppVerdict, Busy, Certainty, Credential, Found, JudgedBy, Unusable};
use mailbox::account::directory::Standing;
use mailbox::account::directory::keyring::OwnPassword;
use sasl::{Claim, ForeignHash, Secret, Typed, Verdict};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use terms::AccountId;
use tokio::time::Instant;

/// Where whose password it is would show by the time that judging it takes, whoever is turned away hears it at a stroke of
/// this (threat T-38): one directory says sooner that it has no such name than that a password is wrong.
const STROKE: Duration = Duration::from_millis(500);

/// What the slowest check by others has taken of late: of a hash that was made elsewhere, or of a password that a directory
/// was asked about. A server that has just begun learns it anew, and one check that was held up is forgotten again.
#[derive(Debug, Default)]
pub(crate) struct Slowest(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    since: Option<Instant>,
    now: Duration,
    before: Duration,
}

/// No answer waits longer for what a check by others takes.
const LONGEST_CHECK: Duration = Duration::from_secs(4);

/// For so long it is remembered at least, and for twice as long at most.
const REMEMBERED_FOR: Duration = Duration::from_secs(10 * 60);

impl Slowest {
    pub(crate) fn took(&self, time: Duration) {
        let mut lately = self.lately();
        lately.now = lately.now.max(time.min(LONGEST_CHECK));
    }

    fn time(&self) -> Duration {
        let lately = self.lately();
        lately.now.max(lately.before)
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = lately.since.get_or_insert_with(Instant::now).elapsed();
        if age >= REMEMBERED_FOR {
            let before = if age < REMEMBERED_FOR.saturating_mul(2) { lately.now } else { Duration::ZERO };
            *lately = Lately { since: Some(Instant::now()), now: Duration::ZERO, before };
        }
        lately
    }
}

/// When whoever is turned away hears it: at the next stroke, counted from when they asked, and not before the slowest check
/// would have been done. That there is no room in the pool is heard so too. What one is held back for does not count.
struct Stroke {
    asked: Instant,
    /// How long they had been held back by then.
    waited: Duration,
}

impl Stroke {
    fn begin(tried: &Try) -> Self {
        Self { asked: Instant::now(), waited: tried.waited }
    }

    async fn end(self, tried: &Try, slowest: &Slowest) {
        let held_back = tried.waited.saturating_sub(self.waited);
        let time = self.asked.elapsed().saturating_sub(held_back).max(slowest.time());
        let strokes = time.as_millis() / STROKE.as_millis() + 1;
        let wait = STROKE.saturating_mul(u32::try_from(strokes).unwrap_or(u32::MAX));
        tokio::time::sleep_until(self.asked + held_back + wait).await;
    }
}

/// Whose a claim is that holds.
pub(crate) struct Known {
    pub(crate) account: AccountId,
    pub(crate) with: Credential,
    pub(crate) by: JudgedBy,
}

/// What came of a claim.
pub(crate) enum Judged {
    /// It holds.
    Known(Known),
    /// It does not.
    Wrong(AuthFailure),
    /// Part of the directory is lost: nobody is told that a password is wrong which may be right, nor of which accounts all
    /// is known.
    Unknowable(AuthFailure),
    /// The directory elsewhere that knows cannot be asked, or what it says cannot be kept.
    Unavailable,
    /// The same of one that was handed the password: by how it answers others, no answer may be one.
    Unanswered,
    /// It does not hold, and there is no room to let it cost what it has to: nobody is told that it is wrong.
    Unpaid,
    /// Whose account it is turned out, and too much has failed there: it was not looked at.
    NotLookedAt(NotLetIn),
    /// It was not right a short while ago, and nothing else was looked at: see [`Try::only_recalled`].
    NotRecalled(TryAgain),
}

impl Doorkeeper {
    /// Holds a claim against what the accounts sign in with. App passwords come first: they cost nothing, and let in while a
    /// directory is down or the pool is busy. One that does not let in costs what a wrong password costs, so that nobody learns
    /// by the time that there is one.
    pub(crate) async fn judge(
        &self,
        claim: Claim,
        visitor: &Visitor,
        tried: &mut Try,
    ) -> Result<Judged, Busy> {
        if let Claim::External { authzid } = &claim {
            return Ok(self.judge_certificate(authzid.as_deref(), visitor.certificate.as_deref()));
        }
        let holder = self.accounts.holder(claim.name().unwrap_or_default());
        let app = self.hold_against_app_passwords(&claim, holder, visitor);
        if let (AppVerdict::Right(app), Some(id)) = (app, holder)
            && self.accounts.takes(id, Credential::App(app))
        {
            return Ok(Judged::Known(Known {
                account: id,
                with: Credential::App(app),
                by: JudgedBy::Itself,
            }));
        }
        Ok(match (app, self.judge_own(claim, visitor, tried).await?) {
            (AppVerdict::Unusable(_, why), Judged::Wrong(_)) => Judged::Wrong(reason(why)),
            // It is right, and its account is not let in.
            (AppVerdict::Right(_), Judged::Wrong(_)) => {
                holder.map_or(Judged::Wrong(AuthFailure::Disabled), |id| self.kept_out(id))
            }
            (_, judged) => judged,
        })
    }

    fn hold_against_app_passwords(
        &self,
        claim: &Claim,
        holder: Option<AccountId>,
        visitor: &Visitor,
    ) -> AppVerdict {
        let sign_in = visitor.sign_in(self.accounts.unix_s());
        match claim {
            Claim::Password { password, .. } => {
                self.accounts.check_app_password(holder, password.prepared(), &sign_in)
            }
            Claim::Proven { verifier, .. } => self.accounts.check_app_proof(holder, verifier, &sign_in),
            Claim::Disproven { .. } | Claim::Bearer { .. } | Claim::External { .. } => AppVerdict::NotOne,
        }
    }

    /// The same with what is no app password, here or elsewhere.
    async fn judge_own(&self, claim: Claim, visitor: &Visitor, tried: &mut Try) -> Result<Judged, Busy> {
        let found = self.accounts.find(claim.name().unwrap_or_default(), self.pool.cost());
        let question = claim.name().and_then(|name| self.who_knows(name, &found));
        // A token is no guess at a password: nothing of the kind has to be known again.
        if let Some(when) = tried.only_recalled
            && question.is_none()
            && !matches!(claim, Claim::Bearer { .. })
            && !self.recalls(&claim, &found, &self.manner(tried, visitor))
        {
            return Ok(Judged::NotRecalled(when));
        }
        let stroke = (self.time_would_tell()).then(|| Stroke::begin(tried));
        let judged = match (claim, question) {
            (Claim::Password { password, .. }, Some(question)) => {
                // Of whom part is lost, it is not known whether they are to be asked for elsewhere at all.
                let judged = self.judge_elsewhere(question, password, visitor, tried).await;
                judged.map(|judged| as_far_as_is_certain(judged, found.certainty))
            }
            (Claim::Password { password, .. }, None) => {
                self.judge_here(&found, password, &self.manner(tried, visitor)).await
            }
            (Claim::Proven { verifier, .. }, None) if *found.record.scram() == verifier => {
                return Ok(judged(Verdict::Right, &found));
            }
            (Claim::Bearer { user, token }, _) => Ok(self.judge_bearer(user.as_deref(), &token).await),
            // A certificate is no secret of this kind: it has been judged by then. Nor does a proof fit what others know.
            (Claim::Proven { .. } | Claim::Disproven { .. } | Claim::External { .. }, _) => {
                return Ok(judged(Verdict::Wrong, &found));
            }
        };
        // What directories and hashes of others take is not what ours do.
        if let Some(stroke) = stroke
            && !matches!(judged, Ok(Judged::Known(_) | Judged::NotLookedAt(_) | Judged::NotRecalled(_)))
        {
            stroke.end(tried, &self.slowest).await;
        }
        judged
    }

    /// Whether judging one name may take another time than judging another.
    fn time_would_tell(&self) -> bool {
        !self.elsewhere.chain().is_empty() || self.accounts.have_foreign_hashes()
    }

    /// Whether this was right a short while ago and lets in.
    fn recalls(&self, claim: &Claim, found: &Found, manner: &Manner) -> bool {
        let Claim::Password { password, .. } = claim else { return false };
        let how = manner.mechanism.as_str();
        let mark = self.remembered.mark(found.account, how, &found.record, password.prepared());
        lets_in(found) && self.remembered.holds(&mark, self.now())
    }

    async fn judge_here(&self, found: &Found, typed: Typed, manner: &Manner) -> Result<Judged, Busy> {
        let Some(hash) = found.record.foreign_hash() else {
            return Ok(judged(self.verify(found, typed.into_prepared(), manner).await?, found));
        };
        Ok(match self.check_and_renew(found, hash, typed, manner).await? {
            Checked::Wrong(why @ AuthFailure::UnusableHash) => Judged::Wrong(why),
            Checked::Right => judged(Verdict::Right, found),
            Checked::Wrong(_) | Checked::Unpaid | Checked::Unanswered | Checked::Unavailable => {
                judged(Verdict::Wrong, found)
            }
        })
    }

    /// What was right a short while ago is not hashed again, where it lets in: of an account that is disabled, or whose own
    /// password is refused, nobody shall learn by the time that the password is right. Many who come back at once, as after a restart, find
    /// that out when their turn comes.
    ///
    /// What was wrong a short while ago is not hashed again either, and is told after the time that a hash takes. Nor is what
    /// was right where it does not let in.
    pub(crate) async fn verify(
        &self,
        found: &Found,
        password: Secret,
        manner: &Manner,
    ) -> Result<Verdict, Busy> {
        let mark = self.remembered.mark(found.account, manner.mechanism.as_str(), &found.record, &password);
        let here = self.remembered.mark(found.account, &manner.device, &found.record, &password);
        let lets_in = lets_in(found);
        let now = self.now();
        if lets_in && self.remembered.holds(&mark, now) {
            return Ok(Verdict::Right);
        }
        if let Some(verdict) = self.turned_away.recall(&here, lets_in, now) {
            tokio::time::sleep(self.pool.usual_time()).await;
            return Ok(verdict);
        }
        let (right, away) = (Arc::clone(&self.remembered), Arc::clone(&self.turned_away));
        let known = move || match lets_in && right.holds(&mark, now) {
            true => Some(Verdict::Right),
            false => away.recall(&here, lets_in, now),
        };
        let (right, away) = (Arc::clone(&self.remembered), Arc::clone(&self.turned_away));
        let told = move |verdict| {
            if verdict == Verdict::Right {
                right.remember(mark, now);
            }
            away.keep(here, (verdict, lets_in), now, Duration::MAX);
        };
        self.pool.verify_unless_known(manner.lane, found.record.clone(), password, known, told).await
    }

    /// An account that came with a hash of somebody else's gets a record of our own with the first password that is right and
    /// that the hash knows to its end: from then on nothing is left of the old one. Where that cannot be kept now, the next sign-in tries again.
    async fn check_and_renew(
        &self,
        found: &Found,
        hash: &ForeignHash,
        typed: Typed,
        manner: &Manner,
    ) -> Result<Checked, Busy> {
        let typed = Arc::new(typed);
        let here = self.remembered.mark(found.account, &manner.device, &found.record, typed.prepared());
        let (lets_in, now) = (lets_in(found), self.now());
        if self.turned_away.recall(&here, lets_in, now) == Some(Verdict::Wrong) {
            return Ok(Checked::Wrong(AuthFailure::WrongPassword));
        }
        let checked = self.check_foreign(hash.text(), Arc::clone(&typed), manner).await?;
        if let Some(verdict) = checked.verdict() {
            self.turned_away.keep(here, (verdict, lets_in), now, Duration::MAX);
        }
        if let (Checked::Right, Some(account), Some(typed)) = (checked, found.account, Arc::into_inner(typed))
            && knows_all_of(hash, &typed)
        {
            // What SCRAM shows stays, so that app passwords made beside the old one can be proven on.
            let (before, salts) = (found.record.clone(), self.accounts.salts());
            let fresh = self.pool.next_record(before, typed.into_prepared(), salts).await?;
            self.accounts.renew_credential(account, &found.record, &fresh).await;
        }
        Ok(checked)
    }
}

/// Whether a hash knows what was typed to its end. If it does not, a record made of it would have for the password what was
/// perhaps mistyped there, and refuse the password itself.
fn knows_all_of(hash: &ForeignHash, typed: &Typed) -> bool {
    foreign_hash::ForeignHash::parse(hash.text()).is_ok_and(|hash| hash.counts_all_of(typed.raw().expose()))
}

/// Whether a right password lets in.
fn lets_in(found: &Found) -> bool {
    found.standing == Standing::Enabled && found.own_password == OwnPassword::Allowed
}

/// As the log calls it.
const fn reason(why: Unusable) -> AuthFailure {
    match why {
        Unusable::Expired => AuthFailure::AppPasswordExpired,
        Unusable::Service => AuthFailure::AppPasswordProtocol,
        Unusable::Network => AuthFailure::AppPasswordNetwork,
    }
}

/// What a verdict means for the account that was found.
fn judged(verdict: Verdict, found: &Found) -> Judged {
    let judged = match (verdict, found.account) {
        (Verdict::Right, Some(_)) if found.standing == Standing::Disabled => {
            Judged::Wrong(AuthFailure::Disabled)
        }
        (Verdict::Right, Some(_)) if found.own_password == OwnPassword::Refused => {
            Judged::Wrong(AuthFailure::OwnPasswordRefused)
        }
        (Verdict::Right, Some(account)) => {
            let by = JudgedBy::Record(Box::new(found.record.clone()));
            Judged::Known(Known { account, with: Credential::Password, by })
        }
        (Verdict::Wrong, Some(_)) => Judged::Wrong(AuthFailure::WrongPassword),
        (_, None) => Judged::Wrong(AuthFailure::NoAccount),
    };
    as_far_as_is_certain(judged, found.certainty)
}

/// Where part of the directory is lost, nobody learns from what is wrong of whom all is known.
fn as_far_as_is_certain(judged: Judged, certainty: Certainty) -> Judged {
    match (judged, certainty) {
        (Judged::Wrong(_), Certainty::Doubtful) => Judged::Unknowable(AuthFailure::Unavailable),
        (Judged::Wrong(why), Certainty::OfThisOne) => Judged::Unknowable(why),
        (judged, _) => judged,
    }
}
