//! Responses, written into a buffer.
//!
//! Each function appends one whole response, line end included; [`FetchLine`] writes a FETCH piece by piece, so
//! that a message's octets can be streamed between the pieces. Nothing is built as a `String` on the way.
//!
//! Strict output, whatever the caller says:
//! - An empty string is `""`, never `{0}`: iOS waits for ever behind a `{0}`.
//! - A continuation is `+ ` with its space: c-client takes a bare `+` for an invalid challenge.
//! - Human text is never empty and holds no line end, control character or octet above 127.
//! - Names and strings with octets above 127, or with line ends, are literals or modified UTF-7 (RFC 3501).

mod fetch;
mod mailbox;
mod quota;
mod search;
mod status;
pub(crate) mod text;
mod thread;

pub use fetch::{FetchLine, LiteralKind};
pub use mailbox::{Era, FlagName};
pub use mailbox::{
    ListAttribute, ListLine, Namespace, Namespaces, StatusValue, exists, expunge, flags, id, list, namespace,
    recent, status_data, vanished,
};
pub use quota::{QuotaResource, quota, quota_root};
pub use search::{EsearchLine, SearchLine};
pub use status::{Code, Condition, Progress, capability, challenge, continuation, enabled, tagged, untagged};
pub use text::{astring, nstring, string};
pub use thread::ThreadLine;
