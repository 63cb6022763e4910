//! What the command line tells its user, on standard output.

/// Writes a line to standard output. A reader that has gone away (`gatepost ... | head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _reader_gone = writeln!(std::io::stdout(), $($text)*);
    }};
}

pub(crate) use say;
