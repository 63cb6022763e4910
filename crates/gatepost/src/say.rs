//! What the command line tells its user.

/// Writes a line to standard output. A reader that has gone away (`gatepost ... | head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _reader_gone = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// An error and what caused it, each said once: many errors name their cause in their own words.
pub(crate) fn complaint(why: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in why.chain().map(ToString::to_string) {
        if !said.ends_with(&cause) {
            said = if said.is_empty() { cause } else { format!("{said}: {cause}") };
        }
    }
    said
}

pub(crate) use say;
