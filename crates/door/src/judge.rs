//! Whether a claim holds.

use crate::doorkeeper::Doorkeeper;
use events::{AuthFailure, Mechanism, Word};
use mail::{Busy, Certainty, Found};
use mailbox::account::directory::Standing;
use sasl::{Claim, Secret, Verdict};
use std::sync::Arc;
use terms::AccountId;

/// What came of a claim.
pub(crate) enum Judged {
    /// It holds, and this is whose it is.
    Known(AccountId),
    /// It does not.
    Wrong(AuthFailure),
    /// Part of the directory is lost: nobody is told that a password is wrong which may be right, nor of which accounts all
    /// is known.
    Unknowable(AuthFailure),
}

impl Doorkeeper {
    /// Holds a claim against what the accounts sign in with.
    pub(crate) async fn judge(&self, claim: Claim, mechanism: Mechanism) -> Result<Judged, Busy> {
        let found = self.accounts.find(claim.name().unwrap_or_default(), self.pool.cost());
        let verdict = match claim {
            Claim::Password { password, .. } => {
                self.verify(&found, password.into_prepared(), mechanism).await?
            }
            Claim::Proven { verifier, .. } if *found.record.scram() == verifier => Verdict::Right,
            Claim::Proven { .. } => Verdict::Wrong,
            // Nobody here knows tokens or certificates, and so neither is offered.
            Claim::Disproven { .. } | Claim::Bearer { .. } | Claim::External { .. } => Verdict::Wrong,
        };
        let judged = match (verdict, found.account) {
            (Verdict::Right, Some(_)) if found.standing == Standing::Disabled => {
                Judged::Wrong(AuthFailure::Disabled)
            }
            (Verdict::Right, Some(account)) => Judged::Known(account),
            (Verdict::Wrong, Some(_)) => Judged::Wrong(AuthFailure::WrongPassword),
            (_, None) => Judged::Wrong(AuthFailure::NoAccount),
        };
        Ok(match (judged, found.certainty) {
            (Judged::Wrong(_), Certainty::Doubtful) => Judged::Unknowable(AuthFailure::Unavailable),
            (Judged::Wrong(why), Certainty::OfThisOne) => Judged::Unknowable(why),
            (judged, _) => judged,
        })
    }

    /// What was right a short while ago is not hashed again, where the account may sign in: of one that is disabled
    /// nobody shall learn by the time that its password is right. Many who come back at once, as after a restart, find
    /// that out when their turn comes.
    async fn verify(&self, found: &Found, password: Secret, mechanism: Mechanism) -> Result<Verdict, Busy> {
        let mark = self.remembered.mark(found.account, mechanism.as_str(), &found.record, &password);
        let (now, may_sign_in) = (self.now(), found.standing == Standing::Enabled);
        if may_sign_in && self.remembered.holds(&mark, now) {
            return Ok(Verdict::Right);
        }
        let (asked, told) = (Arc::clone(&self.remembered), Arc::clone(&self.remembered));
        let is_known = move || may_sign_in && asked.holds(&mark, now);
        let right = move || told.remember(mark, now);
        self.pool.verify_unless_known(found.record.clone(), password, is_known, right).await
    }
}
