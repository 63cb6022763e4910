//! Waiting for whichever comes first, without a runtime.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Which of two came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First<A, B> {
    One(A),
    Other(B),
}

/// Waits for one of two; whoever calls drops the other, which therefore must lose nothing by being dropped. When both are
/// ready it is the first.
///
/// They are pinned where they are made: taken by value they would be held twice, as what was given and as what is polled.
pub(crate) fn race<A: Future, B: Future>(
    mut one: Pin<&mut A>,
    mut other: Pin<&mut B>,
) -> impl Future<Output = First<A::Output, B::Output>> {
    poll_fn(move |cx| {
        if let Poll::Ready(a) = one.as_mut().poll(cx) {
            return Poll::Ready(First::One(a));
        }
        other.as_mut().poll(cx).map(First::Other)
    })
}
