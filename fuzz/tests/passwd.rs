//! Passwd-files of other servers.

#![allow(clippy::indexing_slicing, reason = "a test may panic")]

use directory_file::{MAX_LINES_TOLD, count};
use fuzz::fuzz;

const FILES: &[&[u8]] = &[
    b"ann@example.org:{SSHA256}aGFzaA==:1000:1000::/home/ann::userdb_mail=maildir:~/Maildir nologin=y\n",
    b"# people\r\nann:$2y$10$hash\r\n\r\nbob:!$6$salt$hash::::::nologin\r\n",
    b"Ann:x\nann:y\n:z\nno colon\ncid:x::::::allow_nets=192.0.2.0/24\n",
];

const WORDS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b":",
    b"::::::",
    b"#",
    b"@",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b" ",
    b"nologin",
    b"=n",
    b"user=x",
    b"{",
    b"}",
];

#[test]
fn passwd_file() {
    fuzz("passwd_file", FILES, WORDS, |octets| {
        let lines = octets.split(|octet| *octet == b'\n').count();
        match count(octets) {
            Ok(people) => assert!(people <= lines, "more people than lines"),
            Err(bad) => {
                assert!((1..=MAX_LINES_TOLD).contains(&bad.len()), "something is wrong, and told");
                assert!(bad.iter().all(|bad| (1..=lines).contains(&bad.number)), "of a line that there is");
                assert!(bad.windows(2).all(|two| two[0].number < two[1].number), "each once");
            }
        }
        count(octets).map_err(|bad| bad.into_iter().map(|bad| bad.to_string()).collect::<Vec<_>>())
    });
}
