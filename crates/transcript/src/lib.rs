//! Conversations as files: the format, and the runner that holds a server to them.
//!
//! A transcript is a conversation that must come out word for word. It reads like the examples of the RFCs:
//!
//! ```text
//! # RFC 3501, 6.2.1: a client that pipelines behind STARTTLS is cut off; nothing of it is ever answered.
//! -- begin: imap
//! S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 ID STARTTLS LOGINDISABLED] ‹host› Gatepost ready; STARTTLS required‹any›
//! C: a STARTTLS ⏎ b CAPABILITY
//! S: * BYE Data behind STARTTLS
//! -- closed
//! ```
//!
//! | line | meaning |
//! |---|---|
//! | `# text` | a comment: what is shown, with its clause |
//! | `C: text` | the client writes the text and CRLF, in one piece; ` ⏎ ` within it is another CRLF |
//! | `C- text` | the client writes the text without CRLF: the next line continues it |
//! | `S: text` | the server's next line is exactly this |
//! | `2C: text`, `2S: text` | the same on a second connection; it is opened when first named |
//! | `-- closed` | the server has closed the connection; `-- 2 closed` for the second; the rest of the line is comment |
//! | `-- tls` | the client does the TLS handshake that STARTTLS has announced |
//! | `-- deflate` | both sides compress from here on, which COMPRESS has announced |
//! | `-- pass 29 minutes` | time goes by, which nowhere else it does |
//! | `-- disk stalls` | the disk stands still: what is to be stored waits, until `-- disk works` |
//!
//! Literals need no syntax: their lines stand as they come. A control character stands as its picture
//! (`␀` for NUL, `␊` for a bare LF). `‹name›` in a server's line stands for whatever comes there the first time
//! and for the same text from then on, in both directions; `‹any›` stands for anything, each time anew.
//!
//! Before the first line, `-- begin:` says where the conversation starts: `imap` or `imaps` (the greeting is the
//! file's first line), `lmtp` (the same where mail comes in), `signed in` (the runner has signed in) or `selected NAME`
//! (and has selected a mailbox); each connection starts so, but where `-- 2 begin:` says otherwise. The account is
//! [`NAME`]'s, with [`PASSWORD`], and as new; it may
//! hold [`MOST_OCTETS`] in [`MOST_MESSAGES`] and [`MOST_MAILBOXES`]. `-- given: NAME 3` puts three small messages into a mailbox, making it where needed.
//!
//! The runner asks for a [`World`] to connect to. The machine alone is one, a real server behind TLS another; a
//! transcript does not know in which it is read.

mod parse;
mod pattern;
mod run;

pub use parse::{Begin, Disk, Given, Malformed, Step, Transcript, Turn};
pub use run::{
    Failure, MOST_MAILBOXES, MOST_MESSAGES, MOST_OCTETS, NAME, NONCE, PASSWORD, Pipe, Port, SALTS, World, run,
};
