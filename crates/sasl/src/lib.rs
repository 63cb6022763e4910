//! Each SASL mechanism as a small machine, and the credential records they check.
