//! Who was let in.

use mail::{Account, Credential, Origin, SignedOut};
use mailbox::account::directory::keyring::Exposure;
use policy::{SessionPermit, Sessions};
use std::sync::{Arc, Mutex, PoisonError};

/// Somebody who was let in, and whose mail it is. There is no other way to one than through a [`Doorkeeper`](crate::Doorkeeper).
pub struct Entered {
    /// The mail.
    pub account: Arc<Account>,
    /// The account, as events call it.
    pub name: events::Account,
    /// Who does what is done from now on.
    pub origin: Origin,
    /// The end of it, whatever the visitor wants: the account may not be signed in to any more.
    pub signed_out: SignedOut,
    /// That a password of the account was sent in clear, where its owner has not been told yet.
    pub exposure: Option<Exposure>,
    /// To be kept as long as the session lasts.
    pub place: Place,
    /// What they have signed in with.
    pub(crate) with: Credential,
}

/// One of the sessions that an account may have; given back when dropped.
pub struct Place {
    sessions: Arc<Mutex<Sessions>>,
    permit: Option<SessionPermit>,
}

impl Place {
    pub(crate) fn new(sessions: &Arc<Mutex<Sessions>>, permit: SessionPermit) -> Self {
        Self { sessions: Arc::clone(sessions), permit: Some(permit) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        self.permit.take().into_iter().for_each(|permit| sessions.release(permit));
    }
}
