//! SORT and THREAD of real mail, held against what another server answered.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads files, and says when it cannot"
)]

#[path = "../../message/tests/corpus/mod.rs"]
mod corpus;
mod machine;

use machine::{Machine, Wire};
use std::path::Path;
use transcript::{NAME, PASSWORD, Pipe, Port, World};

const SETS: [&str; 4] = ["spamassassin", "linux-mips", "usrp-users", "osst-users"];

/// Where we answer otherwise, on purpose: the messages that stand elsewhere, and why. All others stand in the same
/// order, and in the same threads.
const DIFFERENCES: [(&str, &[u32], &str); 13] = [
    ("spamassassin/sort-reverse-date", YEAR_102, A_YEAR_102),
    ("spamassassin/thread-orderedsubject", YEAR_102, A_YEAR_102),
    ("spamassassin/thread-references", YEAR_102, A_YEAR_102),
    ("osst-users/sort-reverse-date", &[344], BEFORE_1970),
    ("osst-users/thread-orderedsubject", &[344], BEFORE_1970),
    ("osst-users/thread-references", &[344], BEFORE_1970),
    (
        "spamassassin/sort-displayfrom",
        &[80, 1050, 1054, 1057, 1114, 1116, 1195, 1207, 1214, 1226, 1250, 1293, 1294, 1300, 1660, 1877, 1918],
        "a name that begins with an empty quoted string has no blank in front for us; the last three: 8-bit octets",
    ),
    ("spamassassin/sort-from", &[1877], EIGHT_BIT),
    ("spamassassin/sort-subject", &[1660, 1868, 1938], EIGHT_BIT),
    ("spamassassin/sort-to", &[1714, 1758, 1855, 1993], NO_MAILBOX),
    ("linux-mips/sort-from", &[195], NO_MAILBOX),
    ("osst-users/sort-from", &[208], NO_MAILBOX),
    (
        "osst-users/sort-subject",
        &[347, 348],
        "Re and a full-width colon is no subj-refwd (RFC 5256, 2.1); they collate first, and look for it then",
    ),
];

const YEAR_102: &[u32] = &[1648, 1662, 1684, 1712, 1720, 1754, 1760, 1812, 1900, 1965, 1983, 1995];
const A_YEAR_102: &str =
    "the year 0102 is 2002 for us: RFC 5322, 4.3 adds 1900 to years of a century's count";
const BEFORE_1970: &str = "a date in 1899 is one; they take the INTERNALDATE for what is before 1970";
const EIGHT_BIT: &str = "what is not UTF-8 is read as windows-1252; they put U+FFFD in its place";
const NO_MAILBOX: &str =
    "an addr-mailbox that is missing or odd is empty or as it stands; theirs is MISSING_MAILBOX";

struct Client(Wire);

impl Client {
    fn new() -> Self {
        let mut machine = Machine::new();
        machine.lift_quota();
        let mut client = Self(machine.connect(Port::Imaps).unwrap());
        client.ask(format!("LOGIN {NAME} {PASSWORD}").as_bytes());
        client.ask(b"SELECT INBOX");
        client
    }

    /// What is said to a command, its completion included.
    fn ask(&mut self, command: &[u8]) -> String {
        self.0.send(&[b"a ", command, b"\r\n"].concat()).unwrap();
        let mut said = Vec::new();
        while let Ok(octets) = self.0.receive()
            && !octets.is_empty()
        {
            said.extend(octets);
        }
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("a OK "), "{said}");
        said
    }

    /// As `expected/README.md` says that they were appended.
    fn append(&mut self, number: usize, message: &[u8]) {
        let (day, hour, minute) = (1 + number / 1_440, number / 60 % 24, number % 60);
        let date = format!("{day:02}-Jan-2026 {hour:02}:{minute:02}:00 +0000");
        let command = format!("APPEND INBOX \"{date}\" {{{}}}\r\n", message.len());
        self.ask(&[command.as_bytes(), message].concat());
    }
}

#[test]
fn real_mail_is_sorted_and_threaded_as_another_server_does() {
    let Some(folder) = corpus::folder("expected/dovecot-2.3.19/real") else { return };
    for set in SETS {
        let mut client = Client::new();
        for (number, message) in (0..).zip(corpus::real(set)) {
            client.append(number, &message);
        }
        check_set(set, &folder.join(set), &mut client);
    }
}

fn check_set(set: &str, folder: &Path, client: &mut Client) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("sort-") || name.starts_with("thread-") {
            let recorded = String::from_utf8(corpus::read(&path).unwrap()).unwrap();
            check(&format!("{set}/{name}"), &recorded, client);
        }
    }
}

fn check(name: &str, recorded: &str, client: &mut Client) {
    let command = recorded.lines().find_map(|line| line.strip_prefix("C: ")).unwrap();
    let theirs = recorded.lines().find_map(|line| line.strip_prefix("S: ")).unwrap();
    let said = client.ask(command.as_bytes());
    let ours = said.lines().find(|line| line.starts_with("* SORT") || line.starts_with("* THREAD")).unwrap();
    let Some((_, elsewhere, why)) = DIFFERENCES.iter().find(|(question, ..)| *question == name) else {
        assert_eq!(ours, theirs, "{name}");
        return;
    };
    assert_ne!(ours, theirs, "{name}: no difference any more ({why})");
    assert_eq!(without(ours, elsewhere), without(theirs, elsewhere), "{name}: differs in more than {why}");
}

/// The answer without some messages: numbers of a SORT, or threads of one message.
fn without(answer: &str, messages: &[u32]) -> Vec<String> {
    let gone: Vec<_> =
        messages.iter().flat_map(|number| [number.to_string(), format!("({number})")]).collect();
    let pieces = answer.replace(")(", ") (");
    pieces.split(' ').filter(|piece| !gone.iter().any(|gone| gone == piece)).map(str::to_owned).collect()
}
