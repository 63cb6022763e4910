//! The header lines that a delivery puts in front of a message: Return-Path, Delivered-To, Received (RFC 5321, 4.4).

use super::address::{Address, Alphabet};
use crate::imap::date::{Day, MONTHS};
use std::io::Write as _;
use std::net::IpAddr;
use terms::InternalDate;

/// What is known of the way that a message came.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// Who is told when something goes wrong with it; nobody for a bounce.
    pub sender: Option<&'a Address>,
    /// For whom it is, as it was said.
    pub recipients: &'a [&'a Address],
    /// What the client calls itself.
    pub client: &'a str,
    /// Where the client is; `None` for a program on this host.
    pub address: Option<IpAddr>,
    /// What we are called.
    pub host: &'a str,
    /// Whether SMTPUTF8 was asked for.
    pub alphabet: Alphabet,
    /// What the message is called in our log.
    pub id: &'a str,
    /// When it came.
    pub date: InternalDate,
}

/// Writes the lines.
#[must_use]
pub fn heading(trace: &Trace<'_>) -> Vec<u8> {
    let Trace { client, host, id, .. } = trace;
    let mut out = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = write!(out, "Return-Path: <{}>\r\n", trace.sender.map_or("", Address::as_str));
    for recipient in trace.recipients {
        let _ = write!(out, "Delivered-To: {recipient}\r\n");
    }
    let from = match trace.address.map(|address| address.to_canonical()) {
        None => "(local socket)".to_owned(),
        Some(IpAddr::V4(v4)) => format!("([{v4}])"),
        Some(IpAddr::V6(v6)) => format!("([IPv6:{v6}])"),
    };
    // RFC 3848; RFC 6531, 4.3.
    let with = match trace.alphabet {
        Alphabet::Ascii => "LMTP",
        Alphabet::Utf8 => "UTF8LMTP",
    };
    let _ = write!(out, "Received: from {client} {from}\r\n\tby {host} with {with} id {id};\r\n\t");
    write_date(&mut out, trace.date);
    out.extend_from_slice(b"\r\n");
    out
}

/// `date-time` (RFC 5322, 3.3).
fn write_date(out: &mut Vec<u8>, date: InternalDate) {
    let name = |names: &[&'static str], n: i64| {
        usize::try_from(n).ok().and_then(|n| names.get(n).copied()).unwrap_or_default()
    };
    let (year, month, day) = Day(date.local_day()).calendar();
    let weekday = name(&WEEKDAYS, date.local_day().rem_euclid(7));
    let month = name(&MONTHS, month - 1);
    let seconds = date.local_seconds().rem_euclid(86_400);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let sign = if date.zone_minutes() < 0 { '-' } else { '+' };
    let zone = date.zone_minutes().unsigned_abs();
    let _ = write!(
        out,
        "{weekday}, {day} {month} {year:04} {hours:02}:{minutes:02}:{seconds:02} {sign}{:02}{:02}",
        zone / 60,
        zone % 60
    );
}

/// From 1970-01-01 on.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lmtp::address::read_path;

    fn address(text: &str) -> Address {
        read_path(format!("<{text}>").as_bytes()).unwrap().0.unwrap()
    }

    fn trace<'a>(recipients: &'a [&'a Address]) -> Trace<'a> {
        Trace {
            sender: None,
            recipients,
            client: "client.example",
            address: None,
            host: "mail.example.org",
            alphabet: Alphabet::Ascii,
            id: "7-1",
            date: InternalDate::new(837_596_665, -420).unwrap(),
        }
    }

    #[test]
    fn a_message_says_how_it_came() {
        let (sender, one, other) =
            (address("\"s p\"@example.net"), address("ann@example.org"), address("jörg"));
        let recipients = [&one, &other];
        let trace = Trace {
            sender: Some(&sender),
            address: Some("::ffff:192.0.2.1".parse().unwrap()),
            alphabet: Alphabet::Utf8,
            ..trace(&recipients)
        };
        let expected = "Return-Path: <\"s p\"@example.net>\r\n\
                        Delivered-To: ann@example.org\r\n\
                        Delivered-To: jörg\r\n\
                        Received: from client.example ([192.0.2.1])\r\n\
                        \tby mail.example.org with UTF8LMTP id 7-1;\r\n\
                        \tWed, 17 Jul 1996 02:44:25 -0700\r\n";
        assert_eq!(String::from_utf8(heading(&trace)).unwrap(), expected);
    }

    #[test]
    fn a_bounce_has_a_null_return_path_and_a_local_client_no_address() {
        let text = String::from_utf8(heading(&trace(&[]))).unwrap();
        assert!(
            text.starts_with("Return-Path: <>\r\nReceived: from client.example (local socket)\r\n\tby "),
            "{text}"
        );
        let six = Trace { address: Some("2001:db8::1".parse().unwrap()), ..trace(&[]) };
        assert!(String::from_utf8(heading(&six)).unwrap().contains("([IPv6:2001:db8::1])"));
    }

    #[test]
    fn weeks_go_on_from_1970() {
        let written = |seconds| {
            let mut out = Vec::new();
            write_date(&mut out, InternalDate::new(seconds, 0).unwrap());
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(0), "Thu, 1 Jan 1970 00:00:00 +0000");
        assert_eq!(written(-1), "Wed, 31 Dec 1969 23:59:59 +0000");
        assert_eq!(written(951_782_400), "Tue, 29 Feb 2000 00:00:00 +0000");
    }
}
