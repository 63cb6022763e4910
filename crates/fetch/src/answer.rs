//! What came back, once it is whole.

use bytes::{Buf, Bytes};
use hyper::body::{Body, Incoming};
use hyper::{HeaderMap, Response, StatusCode};
use std::future::poll_fn;
use std::pin::Pin;

/// Octets of a body that are taken.
pub const MAX_BODY: usize = 1 << 20;
/// Octets of status line and headers that are taken.
pub const MAX_HEAD: usize = 64 << 10;
/// How many headers are taken.
pub(crate) const MAX_HEADERS: usize = 100;

/// A whole answer, whatever its status says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 200, or why not. A redirect comes as it is.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body: nothing for HEAD.
    pub body: Bytes,
}

impl Answer {
    /// The first header of that name, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why a body was not taken.
pub(crate) enum Untaken {
    Broken(hyper::Error),
    TooLarge,
}

/// Reads the body to its end. The length that a peer announces is believed only to refuse it.
pub(crate) async fn whole(response: Response<Incoming>) -> Result<Answer, Untaken> {
    let (head, mut body) = response.into_parts();
    let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    if body.size_hint().lower() > limit {
        return Err(Untaken::TooLarge);
    }
    let mut taken = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(piece) = frame.map_err(Untaken::Broken)?.into_data() else { continue };
        if taken.len() + piece.remaining() > MAX_BODY {
            return Err(Untaken::TooLarge);
        }
        taken.extend_from_slice(&piece);
    }
    Ok(Answer { status: head.status, headers: head.headers, body: taken.into() })
}
