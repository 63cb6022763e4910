//! How sessions hear that they have ended: all of an account, or those that signed in with something that is taken no
//! more.

use mailbox::account::directory::keyring::{AppPasswordId, Fingerprint};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// Most of what is remembered of an account as taken back while somebody is signed in to it. Who takes back more than that
/// signs out all.
const MAX_TAKEN: usize = 4_096;

/// What somebody signed in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Credential {
    /// The account's own password.
    Password,
    /// A token that a directory elsewhere has vouched for.
    Token,
    /// An app password.
    App(AppPasswordId),
    /// A client certificate.
    Certificate(Fingerprint),
}

/// How often each has ended. Counts, for what a certificate or the own password signs in to may end, and be let in
/// again.
#[derive(Debug, Default)]
pub(crate) struct SignOuts {
    all: u64,
    with: BTreeMap<Credential, u64>,
}

impl SignOuts {
    pub(crate) fn all(&mut self) {
        self.all += 1;
        self.with.clear();
    }

    pub(crate) fn one(&mut self, with: Credential) {
        if self.with.len() >= MAX_TAKEN {
            return self.all();
        }
        *self.with.entry(with).or_default() += 1;
    }

    fn of(&self, with: Option<Credential>) -> (u64, u64) {
        (self.all, with.and_then(|with| self.with.get(&with)).copied().unwrap_or_default())
    }
}

/// Tells the end of whatever was signed in when it was made.
#[derive(Clone, Debug)]
pub struct SignedOut {
    ended: watch::Receiver<SignOuts>,
    with: Option<Credential>,
    /// Where it stood then.
    at: (u64, u64),
}

impl SignedOut {
    pub(crate) fn new(ended: watch::Receiver<SignOuts>, with: Option<Credential>) -> Self {
        let at = ended.borrow().of(with);
        Self { ended, with, at }
    }

    /// Whether it has come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended.borrow().of(self.with) != self.at
    }

    /// Waits for it; for ever, unless the account is disabled or removed, or what was signed in with is taken no more.
    pub async fn wait(mut self) {
        if self.ended.wait_for(|ended| ended.of(self.with) != self.at).await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Which is said alike to whoever waits for it and to whoever asks.
    fn is_over(signed_out: &SignedOut) -> bool {
        let wait = pin!(signed_out.clone().wait());
        let waited = wait.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(());
        assert_eq!(waited, signed_out.is_over());
        waited
    }

    #[test]
    fn who_signed_in_with_what_is_taken_no_more_is_signed_out_and_nobody_else() {
        let ended = watch::Sender::<SignOuts>::default();
        let app = |n| Credential::App(AppPasswordId::new([n; 8]));
        let with = |with| SignedOut::new(ended.subscribe(), with);
        let sessions = [None, Some(Credential::Password), Some(app(1)), Some(app(2))].map(with);
        let over = |sessions: &[SignedOut]| {
            sessions.iter().for_each(|session| assert_eq!(session.is_over(), is_over(session)));
            sessions.iter().map(SignedOut::is_over).collect::<Vec<_>>()
        };
        assert_eq!(over(&sessions), [false; 4]);
        ended.send_modify(|ended| ended.one(app(1)));
        assert_eq!(over(&sessions), [false, false, true, false]);
        ended.send_modify(|ended| ended.one(Credential::Password));
        assert_eq!(over(&sessions), [false, true, true, false]);
        let later = with(Some(Credential::Password));
        assert!(!is_over(&later), "it was let in again");
        ended.send_modify(SignOuts::all);
        assert_eq!(over(&sessions), [true; 4]);
        assert!(is_over(&later));
    }

    #[test]
    fn who_takes_back_more_than_is_remembered_signs_out_all() {
        let mut ended = SignOuts::default();
        for n in 0..=MAX_TAKEN as u64 {
            ended.one(Credential::App(AppPasswordId::new((n + 1).to_be_bytes())));
        }
        assert_eq!((ended.all, ended.with.len()), (1, 0));
    }
}
