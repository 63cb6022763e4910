//! What every backend must show: one test for each sentence of the documentation of [`Store`].
//!
//! A backend says where a store can lie ([`Place`]) and takes the tests in with one line, so that each reads by
//! its own name in the list:
//!
//! ```ignore
//! struct InMemory;
//!
//! impl store::conformance::Place for InMemory {
//!     fn new() -> Self { Self }
//!     fn open(&mut self) -> Arc<dyn Store> { Arc::new(Memory::new()) }
//! }
//!
//! store::conformance_tests!(InMemory);
//! ```
//!
//! One that has stable storage adds `store::durability_tests!(Place)`. No runtime is needed: [`block_on`] drives
//! the futures. What a power cut or a failing disk does is not tested here: a backend brings its own disk for that.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests, and a test may panic")]

use crate::Store;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

pub mod accounts;
pub mod bodies;
mod caller;
pub mod commits;
pub mod concurrency;
pub mod durability;
pub mod hints;
pub mod history;
pub mod limits;
pub mod records;
mod seed;
pub mod snapshots;
pub mod soft;
pub mod streams;

/// Where a store can lie: a folder, a database, nowhere.
pub trait Place {
    /// An empty place of its own for one test.
    fn new() -> Self;
    /// Opens the store that lies there. What it opened before has been dropped by then.
    fn open(&mut self) -> Arc<dyn Store>;
}

/// How long a test waits before it says that nothing will come. No test passes by waiting.
const PATIENCE: Duration = Duration::from_secs(60);

/// Drives a future on this thread.
///
/// # Panics
/// When a minute brings no answer: a lost wake-up reads better as a failed test than as one that hangs.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let bell = Bell::new();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(answer) = bell.poll(future.as_mut()) {
            return answer;
        }
        bell.wait();
    }
}

/// Polls a future once, as whoever will wait for it later.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Bell::new().poll(Pin::new(future)) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// What a future rings when it is worth polling again.
struct Bell {
    thread: Thread,
    rung: AtomicBool,
}

impl Bell {
    /// A bell that this thread hears.
    fn new() -> Arc<Self> {
        Arc::new(Self { thread: thread::current(), rung: AtomicBool::new(false) })
    }

    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn wait(&self) {
        let start = Instant::now();
        while !self.rung.swap(false, Ordering::Acquire) {
            assert!(start.elapsed() < PATIENCE, "the store never answered");
            thread::park_timeout(PATIENCE);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Makes a `#[test]` of each sentence that every backend must make true.
#[macro_export]
macro_rules! conformance_tests {
    ($place:ty) => {
        $crate::conformance_tests! { @opened $place;
            commits {
                a_commit_is_seen_once_it_is_answered
                events_are_numbered_from_one
                events_keep_the_time_and_origin_of_their_commit
                one_commit_writes_several_streams
                a_conflict_writes_nothing_anywhere
                a_conflict_gives_exactly_the_newer_events
                a_conflict_names_the_first_stream_that_did_not_hold
                a_conflict_gives_at_most_max_newer_events
                a_writer_ahead_of_the_store_has_diverged
                a_writer_behind_the_trim_is_told_no_half_truth
                an_empty_append_only_compares
                an_empty_append_makes_no_stream
                an_empty_append_conflicts_like_any_other
                a_second_commit_with_the_same_id_changes_nothing
                a_commit_that_builds_on_what_was_never_written_is_not_written_either
                a_commit_may_build_on_one_that_is_under_way
                after_a_conflict_the_id_is_free
                records_and_bodies_need_no_stream
                an_empty_commit_is_done
                a_commit_names_no_stream_of_another_account
                a_commit_names_a_stream_once
            }
            streams {
                events_are_read_in_order_behind_a_place
                a_read_gives_no_more_than_its_limit
                a_read_and_a_conflict_give_no_more_octets_than_their_limit
                pages_join_without_a_gap
                a_read_behind_the_end_is_empty
                a_stream_that_is_not_there_reads_empty
                heads_come_in_the_order_asked
                a_head_is_replaced_by_the_next
                streams_are_listed_ascending
                a_dropped_stream_is_gone
                a_late_writer_does_not_bring_a_dropped_stream_back
                records_and_bodies_outlive_their_stream
                dropping_what_is_not_there_is_harmless
                a_trim_needs_a_snapshot
                a_trim_keeps_what_lies_behind_it
            }
            snapshots {
                the_newest_snapshot_at_or_before_a_place_is_found
                a_stream_without_snapshots_has_none
                pieces_come_back_whole_and_in_order
                of_two_snapshots_at_one_place_the_last_counts
                a_snapshot_ahead_of_its_stream_is_refused
                a_snapshot_of_a_missing_stream_is_let_go
            }
            records {
                records_come_in_the_order_of_the_ranges
                a_range_spans_mailboxes
                records_are_replaced_and_deleted
                of_two_records_for_one_message_the_last_counts
                an_empty_record_is_a_record
                a_range_that_ends_before_it_starts_is_empty
                records_are_listed_with_the_bodies_that_they_name
            }
            bodies {
                an_inline_body_comes_back
                a_staged_body_is_named_by_its_content
                a_staged_body_may_be_larger_than_a_commit
                a_staged_body_may_be_empty
                a_body_is_not_seen_before_it_is_finished
                a_dropped_writer_leaves_nothing
                a_part_of_a_body_is_shorter_only_at_its_end
                a_body_that_is_not_there_is_none
                naming_a_body_that_is_there_is_harmless
                bodies_are_listed_ascending_in_pages
                a_deleted_body_is_gone_and_may_come_again
                a_record_whose_body_is_gone_is_refused_and_writes_nothing
                a_record_finds_its_body_in_its_commit_or_in_the_store
                a_commit_behind_that_of_its_body_finds_it_and_one_behind_its_end_does_not
                a_conflict_is_told_before_a_body_that_is_gone
            }
            soft {
                a_soft_value_is_put_replaced_and_removed
                soft_keys_are_any_octets
            }
            hints {
                a_watcher_hears_of_every_stream_that_grew
                every_watcher_hears
                a_watcher_hears_what_happens_while_it_waits
                a_sleeping_watcher_learns_that_it_missed_hints
                a_conflict_is_no_news
                a_watcher_learns_that_the_store_has_closed
            }
            limits {
                what_is_as_long_as_its_limit_is_taken
                what_is_longer_than_its_limit_is_refused
                a_commit_that_needs_a_format_that_there_is_not_is_refused
                a_commit_has_a_limit_as_a_whole
                a_refused_commit_leaves_nothing
                a_piece_of_a_snapshot_has_a_limit
                soft_keys_and_values_have_a_limit
            }
            accounts {
                streams_of_two_accounts_are_strangers
                records_of_two_accounts_are_strangers
                bodies_of_two_accounts_are_strangers
                soft_values_of_two_accounts_are_strangers
                commit_ids_of_two_accounts_are_strangers
                the_highest_numbers_are_numbers_like_others
            }
            concurrency {
                concurrent_commits_form_one_history
                of_writers_that_expect_the_same_one_is_done
                a_reader_never_sees_half_a_commit
                a_reader_never_sees_a_gap
                one_commit_sent_twice_at_once_is_written_once
            }
            history {
                a_random_history_equals_the_model
            }
        }
    };
    (@opened $place:ty; $($topic:ident { $($sentence:ident)+ })+) => {
        $($(
            #[test]
            fn $sentence() {
                let mut place = <$place as $crate::conformance::Place>::new();
                $crate::conformance::$topic::$sentence($crate::conformance::Place::open(&mut place));
            }
        )+)+
    };
}

/// Makes a `#[test]` of each sentence that a backend with stable storage must make true besides.
#[macro_export]
macro_rules! durability_tests {
    ($place:ty) => {
        $crate::durability_tests! { @placed $place;
            what_was_committed_is_there_after_reopening
            what_was_ended_stays_ended_after_reopening
            a_commit_id_is_remembered_after_reopening
            an_unfinished_body_is_not_there_after_reopening
            a_random_history_with_reopening_equals_the_model
        }
    };
    (@placed $place:ty; $($sentence:ident)+) => {
        $(
            #[test]
            fn $sentence() {
                $crate::conformance::durability::$sentence(&mut <$place as $crate::conformance::Place>::new());
            }
        )+
    };
}
