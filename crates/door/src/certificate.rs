//! Whoever has shown a client certificate, and says EXTERNAL.
//!
//! What stands in a certificate is never taken for a name (threat T-35): it is somebody's because an admin has bound it to an
//! account, and nobody's otherwise, whichever authority has signed it.

use crate::doorkeeper::Doorkeeper;
use crate::judge::{Judged, Known};
use events::AuthFailure;
use mail::{Credential, JudgedBy};
use mailbox::account::directory::keyring::{Fingerprint, Fingerprinted};
use terms::Login;

/// A client certificate of which the handshake has made sure: it is of an authority that we take, valid, and the client has
/// its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownCertificate {
    /// SHA-256 of all of it, in DER.
    pub certificate: [u8; 32],
    /// SHA-256 of its public key (SubjectPublicKeyInfo, in DER).
    pub public_key: [u8; 32],
}

impl ShownCertificate {
    /// What it may be bound by. The certificate itself says more than its key, and comes first.
    fn fingerprints(&self) -> [Fingerprint; 2] {
        [
            Fingerprint { of: Fingerprinted::Certificate, sha256: self.certificate },
            Fingerprint { of: Fingerprinted::PublicKey, sha256: self.public_key },
        ]
    }
}

impl Doorkeeper {
    /// Whose a certificate is. The policy for own passwords is not asked: this is none. Nothing here is hashed, and nothing is
    /// told to whoever has no certificate of ours but that it is wrong, so that no time needs to be made alike.
    pub(crate) fn judge_certificate(
        &self,
        authzid: Option<&str>,
        shown: Option<&ShownCertificate>,
    ) -> Judged {
        let fingerprints = shown.map(ShownCertificate::fingerprints).into_iter().flatten();
        let mut bound = fingerprints.filter_map(|by| self.accounts.bound(&by).map(|whose| (by, whose)));
        let Some((by, (account, login))) = bound.next() else { return self.nobodys() };
        // "Act as" is for oneself alone (threat T-30), and of what is no name nobody is the owner.
        if authzid.is_some_and(|name| Login::new(name).ok().as_ref() != Some(&login)) {
            return Judged::Wrong(AuthFailure::NotAuthorized);
        }
        let with = Credential::Certificate(by);
        if self.accounts.takes(account, with) {
            Judged::Known(Known { account, with, by: JudgedBy::Itself })
        } else {
            self.kept_out(account)
        }
    }

    /// Where part of the directory is lost, it may have been somebody's.
    fn nobodys(&self) -> Judged {
        if self.accounts.is_in_part() {
            Judged::Unknowable(AuthFailure::Unavailable)
        } else {
            Judged::Wrong(AuthFailure::UnboundCertificate)
        }
    }
}
