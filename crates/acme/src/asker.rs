//! How the ACME library asks: by our own client, with its bounds.

use bytes::Bytes;
use fetch::{Client, Url};
use hyper::body::Body;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{HeaderMap, Method, Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

/// How long an authority may take for one answer: some sign while one waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Longest that we let an authority put us off.
const MAX_RETRY_AFTER: u64 = 24 * 60 * 60;

/// Asks for the library.
pub(crate) struct Asker(pub(crate) Client);

impl HttpClient for Asker {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move { ask(&client, request).await })
    }
}

async fn ask(client: &Client, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
    let (head, mut body) = request.into_parts();
    let url = Url::parse(&head.uri.to_string()).map_err(other)?;
    let answer = match head.method {
        Method::HEAD => client.head(&url, &[]).await,
        Method::POST => {
            let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let body = String::from_utf8(octets(&mut body).await).map_err(other)?;
            client.post(&url, kind, body, &[]).await
        }
        _ => client.get(&url).await,
    };
    let mut answer = answer.map_err(other)?;
    bound_retry_after(&mut answer.headers);
    let mut response = Response::new(());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(BytesResponse { parts: response.into_parts().0, body: Box::new(answer.body) })
}

/// All of what the library sends: it has it in memory.
async fn octets(body: &mut BodyWrapper<Bytes>) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        octets.extend(frame.into_data().unwrap_or_default());
    }
    octets
}

/// The library adds what stands there to a time, which overflows where the number is large enough.
fn bound_retry_after(headers: &mut HeaderMap) {
    let Some(text) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) else { return };
    let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    if is_number && text.parse().map_or(true, |seconds: u64| seconds > MAX_RETRY_AFTER) {
        headers.insert(RETRY_AFTER, MAX_RETRY_AFTER.into());
    }
}

fn other(why: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_authority_puts_us_off_for_more_than_a_day() {
        let bounded = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            bound_retry_after(&mut headers);
            headers.get(RETRY_AFTER).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(bounded("3"), "3");
        assert_eq!(bounded("18446744073709551615"), "86400");
        assert_eq!(bounded("99999999999999999999999999"), "86400");
        assert_eq!(bounded("Sun, 06 Nov 1994 08:49:37 GMT"), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
