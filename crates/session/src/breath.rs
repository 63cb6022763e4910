//! A pause in which others have their turn.

use std::future::poll_fn;
use std::task::Poll;

/// Lets whoever drives this future do something else first. Long work that waits for nothing takes one now and
/// then, so that other sessions go on and a peer that has gone away is noticed.
pub(crate) async fn breath() {
    let mut taken = Poll::Pending;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        std::mem::replace(&mut taken, Poll::Ready(()))
    })
    .await;
}
