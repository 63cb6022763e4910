//! The queues behind [`Store::watch`](crate::Store::watch) for a backend that lives in one process.
//!
//! A watcher that sleeps costs one bounded queue: what does not fit becomes [`Hint::Missed`].

use crate::{Hint, News, Seq, StreamId, Watch};
use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Most hints that wait for one watcher.
pub const HINT_QUEUE: usize = 1_024;

/// Hands hints to every watcher. Dropping it tells them that the store has closed.
#[derive(Debug, Default)]
pub struct Hints {
    watchers: Mutex<Vec<Weak<Queue>>>,
}

impl Hints {
    /// Tells every watcher that these streams may have grown. Never waits for one.
    pub fn tell(&self, grown: &[(StreamId, Seq)]) {
        lock(&self.watchers).retain(|watcher| match watcher.upgrade() {
            Some(queue) => {
                queue.push(grown);
                true
            }
            None => false,
        });
    }

    /// A new watcher, which hears what is told from now on.
    #[must_use]
    pub fn watch(&self) -> Box<dyn Watch> {
        let queue = Arc::new(Queue::default());
        lock(&self.watchers).push(Arc::downgrade(&queue));
        Box::new(Watcher { queue })
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        lock(&self.watchers).iter().filter_map(Weak::upgrade).for_each(|queue| queue.close());
    }
}

struct Watcher {
    queue: Arc<Queue>,
}

impl Watch for Watcher {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Hint>> + Send + '_>> {
        Box::pin(poll_fn(|context| self.queue.poll(context)))
    }

    fn expect_only(&mut self, news: News) {
        *lock(&self.queue.news) = Some(news);
    }
}

/// What waits for one watcher, and what it waits for.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    news: Mutex<Option<News>>,
}

#[derive(Debug, Default)]
struct Waiting {
    hints: VecDeque<Hint>,
    closed: bool,
    waker: Option<Waker>,
}

impl Debug for Queue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Queue {
    fn push(&self, grown: &[(StreamId, Seq)]) {
        match lock(&self.news).as_ref() {
            None => self.push_all(grown),
            Some(news) => {
                let grown: Vec<_> =
                    grown.iter().copied().filter(|(stream, seq)| news(*stream, *seq)).collect();
                if !grown.is_empty() {
                    self.push_all(&grown);
                }
            }
        }
    }

    fn push_all(&self, grown: &[(StreamId, Seq)]) {
        let mut waiting = lock(&self.waiting);
        if waiting.hints.len() + grown.len() > HINT_QUEUE {
            waiting.hints.clear();
            waiting.hints.push_back(Hint::Missed);
        } else {
            waiting.hints.extend(grown.iter().map(|&(stream, seq)| Hint::Grown(stream, seq)));
        }
        wake(waiting);
    }

    fn close(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.closed = true;
        wake(waiting);
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Hint>> {
        let mut waiting = lock(&self.waiting);
        match waiting.hints.pop_front() {
            Some(hint) => Poll::Ready(Some(hint)),
            None if waiting.closed => Poll::Ready(None),
            None => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Wakes the watcher once the lock is gone: a waker may run anything, a poll of the same queue included.
fn wake(mut waiting: MutexGuard<'_, Waiting>) {
    let waker = waiting.waker.take();
    drop(waiting);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A panic elsewhere leaves these queues whole: each change is one push or one clear.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountId;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[test]
    fn a_sleeping_watcher_costs_a_bounded_queue() {
        let (hints, queue) = (Hints::default(), Arc::new(Queue::default()));
        lock(&hints.watchers).push(Arc::downgrade(&queue));
        let stream = StreamId { account: AccountId(1), number: 1 };
        for seq in 1..=10 * HINT_QUEUE as u64 {
            hints.tell(&[(stream, Seq(seq))]);
            assert!(lock(&queue.waiting).hints.len() <= HINT_QUEUE);
        }
        assert_eq!(lock(&queue.waiting).hints.front(), Some(&Hint::Missed));
    }

    #[test]
    fn a_watcher_is_not_woken_for_what_it_knows() {
        struct Woken(AtomicUsize);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (hints, woken) = (Hints::default(), Arc::new(Woken(AtomicUsize::new(0))));
        let mut watch = hints.watch();
        watch.expect_only(Box::new(|_, seq| seq > Seq(7)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let stream = StreamId { account: AccountId(1), number: 1 };
        for (seq, wakes) in [(6, 0), (7, 0), (8, 1)] {
            assert!(watch.next().as_mut().poll(&mut context).is_pending());
            hints.tell(&[(stream, Seq(seq))]);
            assert_eq!(woken.0.load(Ordering::Relaxed), wakes);
        }
        let next = watch.next().as_mut().poll(&mut context);
        assert_eq!(next, Poll::Ready(Some(Hint::Grown(stream, Seq(8)))));
    }

    #[test]
    fn a_watcher_that_is_gone_costs_nothing() {
        let hints = Hints::default();
        drop(hints.watch());
        hints.tell(&[]);
        assert!(lock(&hints.watchers).is_empty());
    }
}
