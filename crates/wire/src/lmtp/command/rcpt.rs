//! RCPT (RFC 5321, 4.1.1.3).

use super::{BadCommand, behind, parameters};
use crate::lmtp::address::{Address, read_path};

/// For whom the message is.
pub(super) fn read(arguments: &[u8]) -> Result<Address, BadCommand> {
    const WHY: BadCommand = BadCommand::Syntax("Recipients are named by RCPT TO:<address>");
    let path = behind(arguments, b"TO:").ok_or(WHY)?;
    let (address, rest) = read_path(path)?;
    if let Some((keyword, _)) = parameters(rest)?.into_iter().next() {
        return Err(BadCommand::Parameter(keyword.into()));
    }
    address.ok_or(WHY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_somebody_without_parameters() {
        assert_eq!(read(b"to: <ann@example.org> ").unwrap().as_str(), "ann@example.org");
        assert!(matches!(read(b"TO:<>"), Err(BadCommand::Syntax(_))));
        assert!(matches!(read(b"ann@example.org"), Err(BadCommand::Syntax(_))));
        assert!(matches!(read(b"TO:<ann@example.org>x"), Err(BadCommand::Syntax(_))));
        assert_eq!(
            read(b"TO:<ann@example.org> notify=NEVER"),
            Err(BadCommand::Parameter("NOTIFY".into())),
            "DSN is not offered"
        );
    }
}
