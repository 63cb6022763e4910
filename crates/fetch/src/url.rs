//! Whom to ask, checked before anybody is.

use crate::FetchError;
use hyper::Uri;
use std::fmt;
use std::net::IpAddr;

/// The longest URL that is taken, in octets.
pub const MAX_URL: usize = 2_048;

/// Where something is fetched from: `https://host[:port]/path?query`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(Uri);

/// What goes between us and a host.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    Tls,
    Clear,
}

impl Url {
    /// Reads an https URL.
    ///
    /// # Errors
    /// [`FetchError::Url`] for another scheme, a name or password in the URL, a fragment, no host, or more than
    /// [`MAX_URL`] octets.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let url = Self::any(text)?;
        match url.line() {
            Line::Tls => Ok(url),
            Line::Clear => Err(wrong(text, "it must begin with https://")),
        }
    }

    /// Reads an https URL, or an http one to an address of this very host (127.0.0.0/8 or ::1, not a name): for tests,
    /// and for a helper on the same machine.
    ///
    /// # Errors
    /// Those of [`Url::parse`], and http to anywhere else.
    pub fn parse_with_loopback(text: &str) -> Result<Self, FetchError> {
        let url = Self::any(text)?;
        let is_here = url.host().parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        match url.line() {
            Line::Clear if !is_here => Err(wrong(text, "http is for addresses of this host alone")),
            _ => Ok(url),
        }
    }

    fn any(text: &str) -> Result<Self, FetchError> {
        if text.len() > MAX_URL {
            let start: String = text.chars().take(60).collect();
            return Err(wrong(&start, "it is too long"));
        }
        let uri: Uri = text.parse().map_err(|why| wrong(text, &format!("{why}")))?;
        let authority =
            uri.authority().ok_or_else(|| wrong(text, "it must begin with https:// and name a host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("(not shown)", "it must not hold a name or a password"));
        }
        if text.contains('#') {
            return Err(wrong(text, "a fragment (#) has no meaning here"));
        }
        match uri.scheme_str() {
            Some("https" | "http") if !authority.host().is_empty() => Ok(Self(uri)),
            _ => Err(wrong(text, "it must begin with https:// and name a host")),
        }
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The port that it names, or that of its scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        let usual = if self.line() == Line::Tls { 443 } else { 80 };
        self.0.port_u16().unwrap_or(usual)
    }

    pub(crate) fn line(&self) -> Line {
        if self.0.scheme_str() == Some("https") { Line::Tls } else { Line::Clear }
    }

    /// What the `Host` field says (RFC 9110, 7.2).
    pub(crate) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    /// What the first line of a request says (RFC 9112, 3.2.1).
    pub(crate) fn path_and_query(&self) -> &str {
        self.0.path_and_query().map_or("/", |path| path.as_str())
    }
}

fn wrong(url: &str, why: &str) -> FetchError {
    FetchError::Url { url: url.into(), why: why.into() }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_taken_and_the_port_is_its_own() {
        let url = Url::parse("https://id.example.org/a?b=c").unwrap();
        assert_eq!((url.host(), url.port(), url.path_and_query()), ("id.example.org", 443, "/a?b=c"));
        let url = Url::parse("https://[2001:db8::1]:8443").unwrap();
        assert_eq!((url.host(), url.port(), url.authority()), ("2001:db8::1", 8443, "[2001:db8::1]:8443"));
        assert_eq!(url.path_and_query(), "/");
        for wrong in [
            "http://id.example.org/",
            "ftp://id.example.org/",
            "id.example.org",
            "/path",
            "https://",
            "https://ann:secret@id.example.org/",
            "https://id.example.org/#part",
            "https://id.example.org/\r\nX: y",
            "",
        ] {
            let why = Url::parse(wrong).unwrap_err().to_string();
            assert!(!why.contains("secret"), "{why}");
        }
        assert!(Url::parse(&format!("https://a.example/{}", "x".repeat(MAX_URL))).is_err());
    }

    #[test]
    fn http_is_taken_for_an_address_of_this_host_where_that_is_asked_for() {
        for right in ["http://127.0.0.1:8080/a", "http://[::1]/", "https://id.example.org/"] {
            Url::parse_with_loopback(right).unwrap();
        }
        for wrong in
            ["http://localhost/", "http://10.0.0.1/", "http://127.0.0.1.example.org/", "http://0.0.0.0/"]
        {
            Url::parse_with_loopback(wrong).unwrap_err();
        }
    }
}
