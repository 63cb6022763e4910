//! One list of what happens: log lines now, audit log and metrics from the same source.
