//! Whether a claim holds.

use crate::doorkeeper::Doorkeeper;
use crate::elsewhere::Checked;
use crate::not_let_in::{NotLetIn, TryAgain};
use crate::try_at::{Manner, Try};
use crate::visitor::Visitor;
use events::{AuthFailure, Word};
use mail::{AppVerdict, Busy, Certainty, Credential, Found, Unusable};
use mailbox::account::directory::Standing;
use mailbox::account::directory::keyring::OwnPassword;
use sasl::{Claim, CredentialRecord, ForeignHash, Secret, Typed, Verdict};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use terms::AccountId;
use tokio::time::Instant;

/// Where whose password it is would show by the time that judging it takes, whoever is turned away hears it at a stroke of
/// this (threat T-38): one directory says sooner that it has no such name than that a password is wrong.
const STROKE: Duration = Duration::from_millis(500);

/// What the slowest check of a hash of others has taken, in milliseconds. A server that has just begun learns it anew.
#[derive(Debug, Default)]
pub(crate) struct Slowest(AtomicU64);

/// No answer waits longer for what another's hash takes.
const LONGEST_CHECK: Duration = Duration::from_secs(4);

impl Slowest {
    pub(crate) fn took(&self, time: Duration) {
        let time = u64::try_from(time.min(LONGEST_CHECK).as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(time, Ordering::Relaxed);
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Whose a claim is that holds.
pub(crate) struct Known {
    pub(crate) account: AccountId,
    pub(crate) with: Credential,
    /// What a password was held against, where that is kept here: it may be changed by the time that its owner is in.
    pub(crate) by: Option<Box<CredentialRecord>>,
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
            return Ok(Judged::Known(Known { account: id, with: Credential::App(app), by: None }));
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
        let manner = self.manner(tried, visitor);
        let found = self.accounts.find(claim.name().unwrap_or_default(), self.pool.cost());
        let is_elsewhere = claim.name().is_some_and(|name| self.who_knows(name, &found).is_some());
        if let Some(when) = tried.only_recalled
            && !is_elsewhere
            && !self.recalls(&claim, &found, &manner)
        {
            return Ok(Judged::NotRecalled(when));
        }
        match claim {
            Claim::Password { name, password } => match self.who_knows(&name, &found) {
                Some(question) => {
                    let judging = self.judge_elsewhere(question, password, visitor, tried);
                    let judged = self.at_a_stroke(judging).await?;
                    // Of whom part is lost, it is not known whether they are to be asked for elsewhere at all.
                    Ok(match (judged, found.certainty) {
                        (Judged::Wrong(_), Certainty::Doubtful) => {
                            Judged::Unknowable(AuthFailure::Unavailable)
                        }
                        (judged, _) => judged,
                    })
                }
                // What directories and hashes of others take is not what ours do.
                None if self.time_would_tell() => {
                    self.at_a_stroke(self.judge_here(&found, password, &manner)).await
                }
                None => self.judge_here(&found, password, &manner).await,
            },
            Claim::Proven { verifier, .. } if *found.record.scram() == verifier => {
                Ok(judged(Verdict::Right, &found))
            }
            Claim::Bearer { user, token } => {
                self.at_a_stroke(async { Ok(self.judge_bearer(user.as_deref(), &token).await) }).await
            }
            // A certificate is no secret of this kind: it has been judged by then.
            Claim::Proven { .. } | Claim::Disproven { .. } | Claim::External { .. } => {
                Ok(judged(Verdict::Wrong, &found))
            }
        }
    }

    /// Whether judging one name may take another time than judging another.
    fn time_would_tell(&self) -> bool {
        !self.elsewhere.chain().is_empty() || self.accounts.have_foreign_hashes()
    }

    /// Lets whoever is turned away hear it at a stroke, counted from when they asked: the next one, and not before the slowest
    /// hash that anybody has would have been checked. That there is no room in the pool is heard so too.
    async fn at_a_stroke(&self, judging: impl Future<Output = Result<Judged, Busy>>) -> Result<Judged, Busy> {
        let asked = Instant::now();
        let judged = judging.await;
        if !matches!(judged, Ok(Judged::Known(..))) {
            let time = asked.elapsed().max(self.slowest.time());
            let strokes = time.as_millis() / STROKE.as_millis() + 1;
            let wait = STROKE.saturating_mul(u32::try_from(strokes).unwrap_or(u32::MAX));
            tokio::time::sleep_until(asked + wait).await;
        }
        judged
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
            Checked::Wrong(_) | Checked::Unavailable => judged(Verdict::Wrong, found),
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

    /// An account that came with a hash of somebody else's gets a record of our own with the first password that is right:
    /// from then on nothing is left of the old one. Where that cannot be kept now, the next sign-in tries again.
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
        {
            // What SCRAM shows stays, so that app passwords made beside the old one can be proven on.
            let (before, salts) = (found.record.clone(), self.accounts.salts());
            let fresh = self.pool.next_record(before, typed.into_prepared(), salts).await?;
            self.accounts.renew_credential(account, &found.record, &fresh).await;
        }
        Ok(checked)
    }
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
            let by = Some(Box::new(found.record.clone()));
            Judged::Known(Known { account, with: Credential::Password, by })
        }
        (Verdict::Wrong, Some(_)) => Judged::Wrong(AuthFailure::WrongPassword),
        (_, None) => Judged::Wrong(AuthFailure::NoAccount),
    };
    match (judged, found.certainty) {
        (Judged::Wrong(_), Certainty::Doubtful) => Judged::Unknowable(AuthFailure::Unavailable),
        (Judged::Wrong(why), Certainty::OfThisOne) => Judged::Unknowable(why),
        (judged, _) => judged,
    }
}
