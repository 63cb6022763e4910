//! Limits on what a stranger may cost us: delays, connection counts.
