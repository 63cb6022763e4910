//! MIME structure, envelope and body structure of one message, exact for the bytes as stored.
