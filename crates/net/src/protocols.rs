//! All that is spoken here, behind one accept loop.

use crate::connection::Service;
use crate::visit::{Farewell, Visit};
use crate::{Imap, Lmtp};
use session::imap::gate::Greeted;
use session::port::Peer;
use std::sync::Arc;

/// The protocols of a whole server.
pub struct Protocols {
    /// Mail is read and kept.
    pub imap: Imap,
    /// Mail comes in.
    pub lmtp: Lmtp,
}

impl Service for Protocols {
    async fn converse<P: Peer>(&self, greeted: Greeted, peer: P, visit: Arc<Visit>) -> Farewell {
        self.imap.converse(greeted, peer, visit).await
    }

    fn exposed(&self, name: &str, visit: &Visit) {
        self.imap.exposed(name, visit);
    }

    async fn take_mail<P: Peer>(&self, peer: P, visit: Arc<Visit>) -> Farewell {
        self.lmtp.take_mail(peer, visit).await
    }
}
