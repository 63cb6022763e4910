//! Accounts and mailboxes over a store: caches, commit and retry, delivery.
