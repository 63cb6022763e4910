//! The list. A new metric is a new entry here; the manual's page follows with `cargo xtask manual`.
//!
//! Names follow Prometheus' conventions: base units, `_total` where something is counted, `gatepost_` in front, and
//! `process_` where every program has the same one. A name, once released, keeps its meaning.

use crate::declare::{asked, counted};
use crate::page::Page;
use crate::value::{Answer, By, Ends, Histogram, Instant, Names, Need, SignInFailure, Sum, Version, Words};
use events::{AuthLimit, DeliveryFailure, EndReason, Event, Mechanism, Protocol, Refusal, Refused};
use std::time::Duration;

counted! {
    /// Events, each by its name, whatever the level of the log.
    "gatepost_events_total" events: Names, by "event", of event => event.index();

    /// Connections that were refused before anything was read from them, by why.
    "gatepost_connections_refused_total" connections_refused: Words<Refusal>, by "reason",
        of Event::ConnectionRefused { reason, .. } => *reason;

    /// Sign-ins, by how.
    "gatepost_sign_ins_total" sign_ins: Words<Mechanism>, by "mechanism",
        of Event::AuthSucceeded { mechanism, .. } => *mechanism;

    /// Sign-ins that failed, by why. A name that nobody has and a password that is wrong are one here, so that nobody who may
    /// read this finds out which it was; the log tells them apart.
    "gatepost_sign_in_failures_total" sign_in_failures: Words<SignInFailure>, by "reason",
        of Event::AuthFailed { reason, .. } => SignInFailure::from(*reason);

    /// Sign-ins that were held back whatever the password, by the limit that did it.
    "gatepost_sign_ins_limited_total" sign_ins_limited: Words<AuthLimit>, by "limit",
        of Event::AuthLimited { limit, .. } => *limit;

    /// Commands that were refused, by how.
    "gatepost_commands_refused_total" commands_refused: Words<Refused>, by "refused",
        of Event::CommandRefused { refused, .. } => *refused;

    /// Sessions that ended, by why.
    "gatepost_sessions_ended_total" sessions_ended: Words<EndReason>, by "reason",
        of Event::SessionEnded { reason, .. } => *reason;

    /// Commands of sessions, counted when the session ends.
    "gatepost_session_commands_total" session_commands: Sum,
        of Event::SessionEnded { commands, .. } => *commands;

    /// Octets that sessions received, inside TLS, counted when the session ends.
    "gatepost_session_received_bytes_total" session_received: Sum,
        of Event::SessionEnded { octets_in, .. } => *octets_in;

    /// Octets that sessions sent, inside TLS, counted when the session ends.
    "gatepost_session_sent_bytes_total" session_sent: Sum,
        of Event::SessionEnded { octets_out, .. } => *octets_out;

    /// Messages that clients added to mailboxes.
    "gatepost_messages_appended_total" messages_appended: Sum,
        of Event::MessagesAppended { messages, .. } => *messages;

    /// Octets of messages that clients added to mailboxes.
    "gatepost_messages_appended_bytes_total" messages_appended_octets: Sum,
        of Event::MessagesAppended { octets, .. } => *octets;

    /// Messages that clients expunged.
    "gatepost_messages_expunged_total" messages_expunged: Sum,
        of Event::MessagesExpunged { messages, .. } => *messages;

    /// Octets of messages that came in by LMTP, once for each recipient.
    "gatepost_delivered_bytes_total" delivered_octets: Sum,
        of Event::DeliveryAccepted { octets, .. } => *octets;

    /// Messages that were not taken for a recipient, by why.
    "gatepost_deliveries_refused_total" deliveries_refused: Words<DeliveryFailure>, by "reason",
        of Event::DeliveryRefused { reason, .. } => *reason;

    /// Octets of the log that compactions freed.
    "gatepost_compaction_freed_bytes_total" compaction_freed: Sum,
        of Event::StoreCompacted { octets_before, octets_after, .. } => octets_before.saturating_sub(*octets_after);

    /// Messages that sweeps let go of for good.
    "gatepost_swept_messages_total" swept_messages: Sum,
        of Event::StoreSwept { messages, .. } => *messages;

    /// Octets of messages that sweeps let go of for good.
    "gatepost_swept_bytes_total" swept_octets: Sum,
        of Event::StoreSwept { octets, .. } => *octets;
}

asked! {
    /// The mail store, as it is now.
    Store {
        /// 1 while mail can be stored; 0 while something keeps the store from writing, such as a full disk.
        gauge "gatepost_store_writable" writable: Answer;

        /// Commits and other jobs that wait for the disk.
        gauge "gatepost_store_waiting_jobs" waiting: u64;

        /// How long it took to write what came together and to sync it.
        histogram "gatepost_store_sync_seconds" syncs: Histogram;

        /// 1 while a scrub is under way, which reads and tests everything.
        gauge "gatepost_scrub_running" scrub_running: Answer;

        /// Octets that scrubs have read since the start.
        counter "gatepost_scrub_read_bytes_total" scrub_read: u64;

        /// When a scrub was last through with everything, also before the start, in seconds since 1970. Of a store that no
        /// scrub has been through: since when there is one.
        gauge "gatepost_scrub_finished_timestamp_seconds" scrub_finished: Option<Instant>;

        /// Damaged places that the last scrub found, also before the start; or the one that is under way, once it has found
        /// more. By whether anything that is needed lay there.
        gauge "gatepost_scrub_damages" scrub_damages: Option<By<Need>>, by "octets";

        /// When the sweep of each day was last done, in seconds since 1970.
        gauge "gatepost_sweep_finished_timestamp_seconds" sweep_finished: Option<Instant>;

        /// Octets that are free on the disk for whoever runs the server.
        gauge "gatepost_disk_free_bytes" disk_free: Option<u64>;

        /// Octets that the disk has altogether.
        gauge "gatepost_disk_size_bytes" disk_size: Option<u64>;
    }

    /// Accounts and mailboxes in memory, as it is now.
    Memory {
        /// Octets of accounts and mailboxes that are in memory, in use or not.
        gauge "gatepost_mail_in_memory_bytes" kept: u64;

        /// What that should not be above, which is most of server.memory_limit_mib. It is, where all of it is in use.
        gauge "gatepost_mail_in_memory_limit_bytes" most: u64;

        /// Accounts that are in memory.
        gauge "gatepost_accounts_in_memory" accounts: u64;

        /// Accounts that were let go to make room, and are read again when they are asked for.
        counter "gatepost_accounts_let_go_total" accounts_let_go: u64;

        /// Mailboxes that were let go to make room while somebody was signed in to their account.
        counter "gatepost_mailboxes_let_go_total" mailboxes_let_go: u64;
    }

    /// Who is connected, as it is now.
    Clients {
        /// Connections, those that have not signed in among them, by what is spoken.
        gauge "gatepost_connections" connections: By<Protocol>, by "protocol";

        /// Connections that have to sign in and have not yet.
        gauge "gatepost_connections_before_sign_in" before_sign_in: u64;

        /// Connections that a fault of ours ended.
        counter "gatepost_connection_panics_total" panics: u64;

        /// When each of the certificates that are shown ends, or the first of its chain, in seconds since 1970. By its first
        /// name.
        gauge "gatepost_certificate_expiry_timestamp_seconds" certificate_expiry: Ends, by "certificate";
    }

    /// The process.
    Process {
        /// 1, with the version that runs.
        gauge "gatepost_build_info" version: Version, by "version";

        /// When the process started, in seconds since 1970.
        gauge "process_start_time_seconds" started: Instant;

        /// Time that the processors spent for it, in seconds.
        counter "process_cpu_seconds_total" processor_time: Option<Duration>;

        /// Octets of memory that are resident.
        gauge "process_resident_memory_bytes" resident: Option<u64>;

        /// Files and sockets that are open.
        gauge "process_open_fds" open_files: Option<u64>;

        /// Files and sockets that may be open.
        gauge "process_max_fds" most_files: Option<u64>;
    }
}

/// Everything that is measured, in Prometheus' text format ([`MIME_TYPE`](crate::MIME_TYPE)).
#[must_use]
pub fn page(tally: &Tally, store: &Store, memory: &Memory, clients: &Clients, process: &Process) -> String {
    let mut page = Page::default();
    tally.write(&mut page);
    store.write(&mut page);
    memory.write(&mut page);
    clients.write(&mut page);
    process.write(&mut page);
    page.finish()
}
