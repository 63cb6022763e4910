//! Once is enough: what a thousand clients meet for one reason is written down for the first of them.

use std::time::Duration;
use tokio::time::Instant;

/// After so long without it, it is news again.
const OVER: Duration = Duration::from_secs(60);

/// When something was met last.
#[derive(Debug, Default)]
pub(crate) struct Hush(Option<Instant>);

impl Hush {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Takes note that it was met once more, and says whether that is news.
    pub(crate) fn is_news(&mut self, now: Instant) -> bool {
        self.0.replace(now).is_none_or(|last| now.duration_since(last) > OVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_told_once_and_what_comes_again_is_told_again() {
        let (mut hush, start) = (Hush::new(), Instant::now());
        let told =
            [0, 1, 50, 100, 160, 221, 222].map(|second| hush.is_news(start + Duration::from_secs(second)));
        assert_eq!(told, [true, false, false, false, false, true, false]);
    }
}
