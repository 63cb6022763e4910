//! The GS2 header, with which SCRAM (RFC 5802, 5.1) and OAUTHBEARER (RFC 7628, 3.1) begin.

use crate::failure::Failure;
use crate::plain;

/// `flag,[a=authzid],`, and what follows it.
pub(crate) struct Gs2<'a> {
    pub(crate) flag: Flag<'a>,
    /// As it was written, its escapes included.
    authzid: Option<&'a str>,
    /// All of it, both commas included.
    pub(crate) header: &'a str,
    pub(crate) rest: &'a str,
}

/// What a client says of channel binding (RFC 5802, 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag<'a> {
    /// "n": it cannot bind.
    Cannot,
    /// "y": it could, but thinks that the server cannot.
    NotOffered,
    /// "p=": it binds, to a thing of this name.
    Binds(&'a str),
}

impl<'a> Gs2<'a> {
    /// Cuts it off a message.
    pub(crate) fn split(message: &'a str) -> Option<Self> {
        let mut parts = message.splitn(3, ',');
        let (flag, authzid, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let flag = match flag {
            "n" => Flag::Cannot,
            "y" => Flag::NotOffered,
            flag => Flag::Binds(flag.strip_prefix("p=")?),
        };
        let authzid = match authzid {
            "" => None,
            authzid => Some(authzid.strip_prefix("a=")?),
        };
        Some(Self { flag, authzid, header: message.strip_suffix(rest)?, rest })
    }

    /// As whom the client would act. Of what is no name, nobody can be the owner (threat T-30).
    pub(crate) fn authzid(&self) -> Result<Option<String>, Failure> {
        self.authzid.map(saslname).transpose().map_err(|_| Failure::NotAuthorized)
    }
}

/// RFC 5802, 5.1: `=2C` is a comma, `=3D` an equals sign; "if the server receives a username that contains '='
/// not followed by either '2C' or '3D', then the server MUST fail the authentication".
pub(crate) fn saslname(value: &str) -> Result<String, Failure> {
    let mut parts = value.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(Failure::Malformed("An equals sign in a name is written =3D")),
        };
        name.push(escaped);
        name.push_str(rest);
    }
    plain::name(name.as_bytes())
}
