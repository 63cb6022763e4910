//! One message: its MIME structure, envelope and body structure, exact for the bytes as stored.
//!
//! A message is parsed once, while it streams into the store ([`Scanner`]); what FETCH and SEARCH will want is
//! written down in a [`record`], and read from there in place ([`RecordView`]). This crate promises:
//!
//! * the octets are never altered, and every span, size and line count is exact for them;
//! * whatever the octets are, nothing panics, work is linear in their number, and memory is bounded by [`limits`];
//! * what it writes in IMAP's words is strictly valid.
//!
//! It does not fetch octets (its caller does, by [`Span`]), keep records, or know accounts and flags.

mod address;
mod bodystructure;
mod charset;
mod date;
mod envelope;
mod envelope_view;
mod extended;
pub mod header;
mod ids;
mod lexer;
pub mod limits;
mod mime;
mod nstring;
mod part;
mod preview;
mod record;
mod scan;
mod section;
mod subject;
mod summary;
pub mod text;
mod transfer;
mod varint;
mod words;

pub use address::{Address, addresses};
pub use bodystructure::Standard;
pub use charset::Charset;
pub use date::parse_date;
pub use envelope_view::{EnvelopeView, Party};
pub use ids::message_ids;
pub use mime::{Description, Disposition, MediaType, Parameter};
pub use part::{Encoding, Kind, Part, PartTable, Span};
pub use record::{HeaderValue, RECORD_VERSION, RecordView, body_of, record};
pub use scan::{Details, Parsed, Scanner, parse};
pub use section::{Content, Fields, Section, SectionText};
pub use subject::{BaseSubject, SubjectKind, base_subject};
pub use summary::{KEPT_FIELDS, Kept, Summary};
pub use transfer::TransferDecoder;
pub use words::decode_header;
