//! What becomes of an attempt.

use std::fmt;
use std::time::Duration;
use terms::Moment;

/// What becomes of an attempt, before anything is spent on it. Later ones are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Verdict {
    /// Look at it.
    Go,
    /// Look at it after so long.
    Wait(Duration),
    /// Look whether it was right a short while ago, and at nothing else; what is not known again is refused until then, and
    /// has failed. Only devices that are known hear this: who shares their network, and says that they are the same client,
    /// shall not keep them out by what they have failed.
    Recall {
        /// From when on it will be looked at, unless others fail meanwhile.
        until: Moment,
    },
    /// Do not look at it, and do not say whether it is right.
    Refuse {
        /// From when on it will be looked at, unless others fail meanwhile.
        until: Moment,
        /// What has failed too often.
        scope: Scope,
    },
}

/// For what failures are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One customer: /32 of IPv4, /64 of IPv6.
    Address,
    /// /24 of IPv4, /48 of IPv6.
    Network,
    /// /16 of IPv4, /32 of IPv6.
    Wider,
    /// An account, from whom it does not know.
    Account,
    /// An account from one network, by one kind of client.
    Pair,
}

impl Scope {
    /// As it is called in logs and lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Network => "network",
            Self::Wider => "wider-network",
            Self::Account => "account",
            Self::Pair => "pair",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
