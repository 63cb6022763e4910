//! The table of capabilities holds: each is told where it says so, and each of its conversations shows it at work.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod machine;

use machine::Machine;
use session::imap::capability::{Capability, Stage, TABLE};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use transcript::{Begin, NAME, PASSWORD, Pipe, Port, Step, Transcript, World};

/// By what each is known at work: words of the client (`C:`) or of the server (`S:`), `#` standing for a number. Every
/// conversation of the row has one of them, and every one of them is in a conversation of the row, there where the
/// capability is told.
const SHOWN: &[(&str, &[&str])] = &[
    ("IMAP4rev1", &["C: CAPABILITY", "C: SELECT", "C: FETCH", "C: STORE", "C: SEARCH", "S: BAD"]),
    ("IMAP4rev2", &["S: ENABLED IMAP4rev2", "S: LIST"]),
    ("BINARY", &["C: BINARY[", "C: BINARY.PEEK[", "C: BINARY.SIZE[", "C: ~{"]),
    ("APPENDLIMIT", &["S: TOOBIG", "S: APPENDLIMIT #"]),
    ("CHILDREN", &["S: \\HasChildren", "S: \\HasNoChildren"]),
    ("COMPRESS=DEFLATE", &["C: COMPRESS DEFLATE"]),
    ("CONDSTORE", &["C: UNCHANGEDSINCE", "C: CHANGEDSINCE", "S: MODSEQ", "S: MODIFIED"]),
    ("CREATE-SPECIAL-USE", &["C: USE ("]),
    ("ENABLE", &["S: ENABLED"]),
    ("ESEARCH", &["S: ESEARCH (TAG"]),
    ("ESORT", &["C: SORT RETURN (", "S: ESEARCH (TAG"]),
    ("ID", &["C: ID (", "S: ID ("]),
    ("IDLE", &["S: idling"]),
    ("INPROGRESS", &["S: INPROGRESS ("]),
    ("LIST-EXTENDED", &["C: RETURN (", "C: LIST (", "S: CHILDINFO"]),
    ("LIST-STATUS", &["C: RETURN (STATUS", "S: STATUS"]),
    ("LITERAL-", &["C: {#+}"]),
    ("LITERAL+", &["C: {#+}", "S: LITERAL+"]),
    ("MOVE", &["C: MOVE"]),
    ("MULTIAPPEND", &["S: APPENDUID # #:#"]),
    ("NAMESPACE", &["S: NAMESPACE (("]),
    ("OBJECTID", &["S: MAILBOXID (", "S: EMAILID (", "S: THREADID ("]),
    ("PARTIAL", &["C: PARTIAL", "S: PARTIAL ("]),
    ("PREVIEW", &["S: PREVIEW"]),
    ("QRESYNC", &["C: QRESYNC (", "S: VANISHED"]),
    ("QUOTA", &["S: QUOTA", "S: QUOTAROOT"]),
    ("QUOTA=RES-MAILBOX", &["S: MAILBOX # #"]),
    ("QUOTA=RES-MESSAGE", &["S: MESSAGE # #", "S: DELETED #"]),
    ("QUOTA=RES-STORAGE", &["S: STORAGE # #", "S: DELETED-STORAGE #"]),
    ("REPLACE", &["C: REPLACE"]),
    ("SAVEDATE", &["S: SAVEDATE", "C: SAVEDSINCE", "C: SAVEDBEFORE", "C: SAVEDON"]),
    ("SASL-IR", &["C: AUTHENTICATE PLAIN A"]),
    ("AUTH=SCRAM-SHA-256-PLUS", &["C: AUTHENTICATE SCRAM-SHA-256-PLUS"]),
    ("AUTH=SCRAM-SHA-256", &["C: AUTHENTICATE SCRAM-SHA-256"]),
    ("AUTH=SCRAM-SHA-1-PLUS", &["C: AUTHENTICATE SCRAM-SHA-1-PLUS"]),
    ("AUTH=SCRAM-SHA-1", &["C: AUTHENTICATE SCRAM-SHA-1"]),
    ("AUTH=OAUTHBEARER", &["C: AUTHENTICATE OAUTHBEARER"]),
    ("AUTH=XOAUTH2", &["C: AUTHENTICATE XOAUTH2"]),
    ("AUTH=EXTERNAL", &["C: AUTHENTICATE EXTERNAL"]),
    ("AUTH=PLAIN", &["C: AUTHENTICATE PLAIN"]),
    ("AUTH=LOGIN", &["C: AUTHENTICATE LOGIN"]),
    ("SEARCHRES", &["C: SAVE", "C: $"]),
    ("SORT", &["C: SORT (", "S: SORT"]),
    ("SORT=DISPLAY", &["C: DISPLAYFROM", "C: DISPLAYTO"]),
    ("SPECIAL-USE", &["S: \\Sent", "S: \\Drafts", "C: SPECIAL-USE"]),
    ("STARTTLS", &["C: STARTTLS"]),
    ("LOGINDISABLED", &["S: PRIVACYREQUIRED"]),
    ("STATUS=SIZE", &["S: SIZE #"]),
    ("THREAD=ORDEREDSUBJECT", &["C: THREAD ORDEREDSUBJECT", "S: THREAD"]),
    ("THREAD=REFERENCES", &["C: THREAD REFERENCES", "S: THREAD"]),
    ("UIDONLY", &["S: ENABLED UIDONLY", "S: UIDFETCH", "S: UIDREQUIRED"]),
    ("UIDPLUS", &["S: APPENDUID", "S: COPYUID", "C: UID EXPUNGE"]),
    ("UNSELECT", &["C: UNSELECT"]),
    ("UTF8=ACCEPT", &["S: ENABLED UTF8=ACCEPT", "C: UTF8 (~{#"]),
    ("WITHIN", &["C: OLDER #", "C: YOUNGER #"]),
];

/// A line that was said, who said it, and how far the connection had come before.
struct Said {
    who: char,
    text: String,
    stage: Stage,
}

/// The lines of a conversation.
fn lines(transcript: &Transcript) -> Vec<Said> {
    let begin = |connection| match transcript.others.get(&connection).unwrap_or(&transcript.begin) {
        Begin::Imap | Begin::Lmtp => Stage::Cleartext,
        Begin::Imaps => Stage::Greeted,
        Begin::SignedIn | Begin::Selected(_) => Stage::SignedIn,
    };
    let mut stages = BTreeMap::new();
    let mut lines = Vec::new();
    for turn in &transcript.turns {
        let stage = stages.entry(turn.connection).or_insert_with(|| begin(turn.connection));
        let mut say = |who, text: &str| lines.push(Said { who, text: text.into(), stage: *stage });
        match &turn.step {
            Step::Client(text) => text.split("\r\n").for_each(|line| say('C', line)),
            Step::Server(text) => {
                say('S', text);
                if text.ends_with(" Welcome") {
                    *stage = Stage::SignedIn;
                }
            }
            Step::Tls => *stage = Stage::Greeted,
            _ => {}
        }
    }
    lines
}

impl Said {
    fn shows(&self, words: &str) -> bool {
        let (who, words) = words.split_once(": ").unwrap();
        let places = self.text.char_indices().map(|(at, _)| self.text.split_at(at));
        who.starts_with(self.who)
            && places.into_iter().any(|(before, from)| {
                before.chars().next_back().is_none_or(|c| " ([\"".contains(c)) && begins(from, words)
            })
    }
}

/// Whether a text begins with these words, `#` standing for a number, and ends with the last of them or goes on behind
/// it: `SORT` is not `SORTED`.
fn begins(text: &str, words: &str) -> bool {
    let (mut text, mut last) = (text, ' ');
    for word in words.chars() {
        let rest = match word {
            '#' => behind_number(text),
            word => text.strip_prefix(|c: char| c.eq_ignore_ascii_case(&word)),
        };
        let Some(rest) = rest else { return false };
        (text, last) = (rest, word);
    }
    // An initial response goes on as it likes.
    !last.is_ascii_alphanumeric()
        || words.ends_with(" PLAIN A")
        || text.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && !"-.=".contains(c))
}

/// Or behind a `‹name›` that stands for one.
fn behind_number(text: &str) -> Option<&str> {
    let named = text.strip_prefix('‹').and_then(|name| name.split_once('›'));
    let rest = named.map_or_else(|| text.trim_start_matches(|c: char| c.is_ascii_digit()), |(_, rest)| rest);
    (rest.len() < text.len()).then_some(rest)
}

fn complaints(row: &Capability, words: &[&str]) -> Vec<String> {
    let read = |name: &&'static str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../transcripts/{name}.imap"));
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {name}: {why}", row.name));
        let mut lines = lines(&Transcript::parse(&text).unwrap());
        lines.retain(|line| row.told.contains(&line.stage));
        (*name, lines)
    };
    let conversations: Vec<_> = row.transcripts.iter().map(read).collect();
    let shows = |lines: &[Said], words: &str| lines.iter().any(|line| line.shows(words));
    let silent = conversations.iter().filter(|(_, lines)| !words.iter().any(|words| shows(lines, words)));
    let silent = silent.map(|(name, _)| format!("{}: {name} shows nothing of it", row.name));
    let unseen = words.iter().filter(|words| !conversations.iter().any(|(_, lines)| shows(lines, words)));
    silent.chain(unseen.map(|words| format!("{}: nothing shows {words:?}", row.name))).collect()
}

#[test]
fn every_conversation_of_a_capability_shows_it_where_it_is_told() {
    let names = TABLE.iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(SHOWN.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    let complaints: Vec<_> =
        TABLE.iter().zip(SHOWN).flat_map(|(row, (_, words))| complaints(row, words)).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn what_a_conversation_no_longer_shows_is_missed() {
    let line = |stage, text: &str| Said { who: 'S', text: text.into(), stage };
    assert!(line(Stage::SignedIn, "* OK [INPROGRESS (\"a\" 1 2)] so").shows("S: INPROGRESS ("));
    assert!(!line(Stage::SignedIn, "* OK [INPROGRESS (\"a\" 1 2)] so").shows("C: INPROGRESS ("));
    assert!(!line(Stage::SignedIn, "* SORTED 1").shows("S: SORT"));
    assert!(!line(Stage::SignedIn, "* QUOTA \"\" (STORAGE x 4)").shows("S: STORAGE # #"));
    let row = TABLE.iter().find(|row| row.name == "INPROGRESS").unwrap();
    let elsewhere = Capability { transcripts: &["idle"], ..*row };
    assert_eq!(complaints(&elsewhere, &["S: INPROGRESS ("]).len(), 2);
    let too_early = Capability { told: &[Stage::Greeted], ..*row };
    assert_eq!(complaints(&too_early, &["S: INPROGRESS ("]).len(), 2);
}

/// What CAPABILITY answers, up to the values.
fn told(port: Port, first: &str) -> Vec<String> {
    let mut wire = Machine::new().connect(port).unwrap();
    wire.send(format!("{first}z CAPABILITY\r\n").as_bytes()).unwrap();
    let pieces = std::iter::from_fn(|| wire.receive().ok().filter(|octets| !octets.is_empty()));
    let said = String::from_utf8(pieces.flatten().collect()).unwrap();
    let list = said.lines().find_map(|line| line.strip_prefix("* CAPABILITY ")).unwrap();
    list.split(' ').map(str::to_owned).collect()
}

#[test]
fn what_the_table_says_is_told_at_each_stage_and_nothing_else() {
    let login = format!("a LOGIN {NAME} {PASSWORD}\r\n");
    for (stage, port, first) in [
        (Stage::Cleartext, Port::Imap, ""),
        (Stage::Greeted, Port::Imaps, ""),
        (Stage::SignedIn, Port::Imaps, &login),
    ] {
        let told_anyhow = |row: &&Capability| row.told.contains(&stage) && row.setting.is_none();
        let rows: Vec<_> = TABLE.iter().filter(told_anyhow).collect();
        let told = told(port, first);
        assert_eq!(told.len(), rows.len(), "{stage:?}: {told:?}");
        for (told, row) in told.iter().zip(rows) {
            let value = told.strip_prefix(row.name).unwrap_or_else(|| panic!("{told} for {}", row.name));
            assert_eq!(value.starts_with('='), row.value.is_some(), "{told}");
        }
    }
}
