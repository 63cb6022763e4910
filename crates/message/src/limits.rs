//! What a message may cost us, whatever its sender wished. What lies beyond is still stored and served byte for
//! byte; only the description of it gets coarser.

/// Nesting of multiparts and enclosed messages, the message itself included. A container deeper than this is
/// described as an opaque `application/octet-stream`.
pub const MAX_DEPTH: usize = 100;
/// Entries in the part table, the message itself and enclosed messages included. The last one swallows the rest.
pub const MAX_PARTS: usize = 10_000;
/// Octets of one header block that are looked into.
pub const MAX_HEADER_OCTETS: usize = 1 << 20;
/// Octets of all header blocks together that are looked into.
pub const MAX_HEADERS_OCTETS: usize = 8 << 20;
/// Octets of a boundary that are compared. RFC 2046, 5.1.1 allows 70.
pub const MAX_BOUNDARY_OCTETS: usize = 256;
/// Parameters of one Content-Type or Content-Disposition field.
pub const MAX_PARAMETERS: usize = 100;
/// Octets of one ENVELOPE in wire form: some 2,500 recipients; a longer list ends early.
pub const MAX_ENVELOPE_OCTETS: usize = 128 << 10;
/// Octets of what all parts say about themselves (types, parameters, names, enclosed envelopes) in BODYSTRUCTURE.
/// What does not fit is left out: such a part is described by its kind and size alone.
pub const MAX_DETAILS_OCTETS: usize = 512 << 10;
/// Octets of each decoded header value that is kept for SEARCH; longer ones are looked up in the message.
pub const MAX_KEPT_VALUE_OCTETS: usize = 8 << 10;
/// Octets of the references that a record keeps for THREAD: the first, and as many of the last as fit. Some 80.
pub const MAX_REFERENCES_OCTETS: usize = 4 << 10;
/// Octets of a message's texts that are looked at for its preview: newsletters begin with long style sheets.
pub const MAX_PREVIEW_OCTETS: usize = 64 << 10;
/// Octets of a record: what a store takes.
pub const MAX_RECORD_OCTETS: usize = 1 << 20;
