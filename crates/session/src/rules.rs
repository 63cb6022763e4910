//! What a configuration decides about a conversation.

use crate::imap::MAX_OCTETS_TOGETHER;
use crate::outbox;
use std::time::Duration;
use wire::imap::Limits;

/// How long a peer may take, and how much it may make us hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a peer may take to begin TLS, and from then on to sign in.
    pub sign_in_time: Duration,
    /// Longest line before TLS, in octets. There are no literals.
    pub before_tls_octets: usize,
    /// Longest command under TLS before login, in octets, its literals included.
    pub before_login_octets: usize,
    /// Longest literal before login, in octets.
    pub login_literal_octets: u64,
    /// Longest command after login, in octets; its literals may have as many again. APPEND's message counts apart.
    pub command_octets: usize,
    /// How long a literal may be that a client sends without asking, after login.
    pub unasked: Unasked,
    /// What may wait for a client to read it, in octets; no less than two [`PIECE`](outbox::PIECE)s.
    pub output_octets: usize,
    /// How often a client in IDLE is told that the connection lives; `None` for never.
    pub still_here: Option<Duration>,
}

/// Which literals a client may send without asking, after login (RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// LITERAL-: those of up to 4,096 octets. A message that has no room, or is too large, never comes.
    Short,
    /// LITERAL+: any. It spares a round trip for each message where many come, and what is refused comes all the same.
    Any,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            sign_in_time: Duration::from_secs(60),
            before_tls_octets: Limits::BEFORE_TLS.line_octets,
            before_login_octets: 64 << 10,
            login_literal_octets: Limits::BEFORE_LOGIN.literal_octets,
            command_octets: 1 << 20,
            unasked: Unasked::Short,
            output_octets: outbox::HIGH_WATER + outbox::PIECE,
            // Delta Chat gives up an IDLE that is silent for five minutes.
            still_here: Some(Duration::from_secs(4 * 60)),
        }
    }
}

impl Rules {
    pub(crate) const fn before_login(&self) -> Limits {
        Limits::before_login(self.before_login_octets, self.login_literal_octets)
    }

    /// For an account whose largest message has so many octets.
    pub(crate) const fn after_login(&self, message_octets: u64) -> Limits {
        let limits = Limits::after_login(message_octets).with_command_octets(self.command_octets);
        match self.unasked {
            Unasked::Short => limits,
            Unasked::Any => limits.with_any_literal_unasked(MAX_OCTETS_TOGETHER),
        }
    }

    /// Where a command stops to let the peer read: one more piece of a body then still fits.
    pub(crate) const fn high_water(&self) -> usize {
        self.output_octets.saturating_sub(outbox::PIECE)
    }
}
