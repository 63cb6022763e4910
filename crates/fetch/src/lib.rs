//! A small HTTPS client, for those few whom the server itself asks: authorities for certificates, providers of OpenID.
//!
//! ```no_run
//! # async fn ask() -> Result<(), fetch::FetchError> {
//! let client = fetch::Client::new(&fetch::Roots::System)?;
//! let answer = client.get(&fetch::Url::parse("https://id.example.org/.well-known/openid-configuration")?).await?;
//! println!("{}: {} octets", answer.status, answer.body.len());
//! # Ok(()) }
//! ```
//!
//! > **Promise.** Nothing goes out but by TLS, to a host whose certificate was verified. An answer is whole or there is
//! > none; it has at most [`MAX_BODY`] octets and took at most [`PATIENCE`] (or what a client was given instead), from the
//! > look-up of the name on. No redirect is followed, and no connection serves twice: what a peer says behind its answer is
//! > never heard.
//!
//! It is not meant to be general: no proxy, no cookie, no compression, HTTP/1.1 alone.

mod answer;
mod client;
mod error;
mod url;

pub use answer::{Answer, MAX_BODY, MAX_HEAD};
pub use client::{Client, PATIENCE, Roots};
pub use error::FetchError;
pub use hyper::{HeaderMap, StatusCode};
pub use url::{MAX_URL, Url};
