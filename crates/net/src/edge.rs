//! The one place where a panic is caught: at the edge of a connection.
//!
//! Nothing that a peer sends should be able to panic us. Should it do so all the same, it ends its own connection and
//! no other (threat T-44).

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// A panic, and what it said.
#[derive(Debug, thiserror::Error)]
#[error("panic: {0}")]
pub(crate) struct Panicked(String);

/// Runs `future` to its end, or to its panic. It is never polled again after one, so nobody sees what it left
/// half done but locks, and those who take them have to bear poison.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(payload) => Poll::Ready(Err(Panicked(words(&*payload)))),
    })
    .await
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_words_and_everything_else_passes() {
        assert_eq!(caught(async { 7 }).await.unwrap(), 7);
        let panicked = caught(async { panic!("at the {}", "disco") }).await;
        assert_eq!(panicked.map(|(): ()| ()).unwrap_err().to_string(), "panic: at the disco");
    }
}
