//! Waiting for whichever comes first, without a runtime.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which of two came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First<A, B> {
    One(A),
    Other(B),
}

/// Waits for one of two and drops the other, which therefore must lose nothing by being dropped. When both are
/// ready it is the first.
pub(crate) async fn race<A: Future, B: Future>(one: A, other: B) -> First<A::Output, B::Output> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        if let Poll::Ready(a) = one.as_mut().poll(cx) {
            return Poll::Ready(First::One(a));
        }
        other.as_mut().poll(cx).map(First::Other)
    })
    .await
}
