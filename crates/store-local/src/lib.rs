//! The embedded store: an append-only log with a rebuildable index.
