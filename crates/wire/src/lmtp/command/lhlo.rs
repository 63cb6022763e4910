//! LHLO (RFC 2033, 4.1).

use super::BadCommand;
use crate::lmtp::address::is_domain;

const WHY: BadCommand =
    BadCommand::Syntax("LHLO is followed by the name of your host, or its address in brackets");

/// Who says it. The name ends up in a header line, so it has to be one.
pub(super) fn read(arguments: &[u8]) -> Result<Box<str>, BadCommand> {
    let name = std::str::from_utf8(arguments).map_err(|_| WHY)?;
    if is_domain(name) { Ok(name.into()) } else { Err(WHY) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_a_name_or_an_address() {
        for name in ["localhost", "mail_1.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert_eq!(read(name.as_bytes()).as_deref(), Ok(name));
        }
        for nonsense in ["", "a b", "a\r\nb", "[", "(x)", "<x>", "a..b"] {
            assert_eq!(read(nonsense.as_bytes()), Err(WHY), "{nonsense:?}");
        }
    }
}
