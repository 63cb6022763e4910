//! Bytes to typed commands and typed replies to bytes.
