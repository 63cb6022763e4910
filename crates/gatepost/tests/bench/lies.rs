//! One lie at a time: each has to be found out, and to be told as WRONG with exit code 1.

use crate::Stage;

/// Runs a workload before a liar; what it has to find.
fn finds(stage: &Stage, words: &str, lie: impl Fn(&mut Vec<u8>) + Send + Sync + 'static, wanted: &str) {
    let told = stage.bench_through(Box::new(lie), words);
    let wrong: Vec<_> = told.rows.iter().flat_map(|row| row["wrong"].as_array().unwrap()).collect();
    let found = wrong.iter().any(|why| why.as_str().unwrap().contains(wanted));
    assert!(found && told.code == 1, "{words}: {wanted} is not in {wrong:?}, {}", told.errors);
}

fn has(response: &[u8], text: &str) -> bool {
    text.is_empty() || response.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Puts `to` where `from` stands first.
fn alter(response: &mut Vec<u8>, from: &str, to: &str) {
    let found = response.windows(from.len()).position(|window| window == from.as_bytes());
    if let Some(at) = found {
        response.splice(at..at + from.len(), to.bytes());
    }
}

/// Puts `to` for `from` wherever it stands.
fn put(from: &'static str, to: &'static str) -> impl Fn(&mut Vec<u8>) {
    move |response| alter(response, from, to)
}

/// The same in responses that begin with `start`.
fn put_in(start: &'static str, from: &'static str, to: &'static str) -> impl Fn(&mut Vec<u8>) {
    move |response| {
        if response.starts_with(start.as_bytes()) {
            alter(response, from, to);
        }
    }
}

/// Leaves out responses that begin with `start` and have `text` in them.
fn without(start: &'static str, text: &'static str) -> impl Fn(&mut Vec<u8>) {
    move |response| {
        if response.starts_with(start.as_bytes()) && has(response, text) {
            response.clear();
        }
    }
}

/// Alters an octet near the end of message 7.
fn rotten_seven() -> impl Fn(&mut Vec<u8>) {
    |response| {
        let at = response.len().saturating_sub(30);
        if response.starts_with(b"* 7 FETCH") && has(response, "BODY[]") {
            response[at] ^= 1;
        }
    }
}

/// Takes the last number of a search away.
fn one_hit_less(response: &mut Vec<u8>) {
    if let Some(at) = response.iter().rposition(|octet| *octet == b' ')
        && response.starts_with(b"* SEARCH ")
    {
        response.truncate(at);
        response.extend_from_slice(b"\r\n");
    }
}

#[test]
fn whoever_lets_everybody_in_is_found_out() {
    let words = "login --count 2 --connections 1";
    finds(&Stage::new(), words, put(" NO ", " OK "), "a wrong password is let in");
}

#[test]
fn lost_and_altered_messages_of_append_are_found() {
    let (stage, words) = (Stage::new(), "append --count 50 --connections 1");
    finds(&stage, words, without("* 7 FETCH", ""), "1 messages that were acknowledged are not in");
    finds(&stage, words, rotten_seven(), "message 7 of \"bench-append-0\" is not as it was sent");
    let exists = put("* 50 EXISTS", "* 51 EXISTS");
    finds(&stage, words, exists, "51 messages are in \"bench-append-0\", and 50 were acknowledged");
    let uid = |response: &mut Vec<u8>| {
        if has(response, "[APPENDUID ") {
            alter(response, " 7]", " 8]");
        }
    };
    finds(&stage, words, uid, "message 7 of");
}

#[test]
fn lies_about_a_filled_mailbox_are_found() {
    let stage = Stage::new();
    finds(&stage, "fill", without("* 7 FETCH", ""), "1 of 120 messages did not come, the first is number 7");
    finds(&stage, "fill", put("* 120 EXISTS", "* 119 EXISTS"), "119 messages are there of 120");
    finds(&stage, "fill", put_in("* 7 FETCH", "-2018 ", "-2019 "), "message 7: INTERNALDATE is");
    finds(&stage, "fill", put_in("* 7 FETCH", "RFC822.SIZE ", "RFC822.SIZE 1"), "message 7: RFC822.SIZE is");
}

#[test]
fn lies_about_metadata_are_found() {
    let (stage, words) = (Stage::new(), "sync --rounds 1 --keep");
    // Asked for by name, so that what asks for UIDs alone hears the truth.
    finds(
        &stage,
        words,
        without("* 7 FETCH", "ENVELOPE"),
        "1 of 120 messages did not come, the first is number 7",
    );
    let twice = |response: &mut Vec<u8>| {
        if response.starts_with(b"* 7 FETCH") && has(response, "ENVELOPE") {
            response.extend(response.clone());
        }
    };
    finds(&stage, words, twice, "message 7 is told twice");
    for (from, to, wanted) in [
        ("\\Seen", "\\Draft", "message 8: FLAGS is"),
        ("RFC822.SIZE ", "RFC822.SIZE 1", "message 8: RFC822.SIZE is"),
        ("INTERNALDATE \"", "INTERNALDATE \"1", "message 8: INTERNALDATE is"),
        ("@bench.", "@bensh.", "message 8: ENVELOPE is"),
        ("BODYSTRUCTURE (", "BODYSTRUCTURE (\"a\" ", "message 8: BODYSTRUCTURE is"),
        ("INTERNALDATE", "INTERNALDAY", "message 8: an item is missing"),
    ] {
        finds(&stage, words, put_in("* 8 FETCH", from, to), wanted);
    }
    let uid = |response: &mut Vec<u8>| {
        if response.starts_with(b"* 8 FETCH") && has(response, "ENVELOPE") {
            alter(response, "UID ", "UID 1");
        }
    };
    finds(&stage, words, uid, "message 8: another UID");
}

#[test]
fn lies_about_flags_are_found() {
    let (stage, words) = (Stage::new(), "flags --rounds 1 --count 2 --keep");
    finds(&stage, words, without("* 7 FETCH", "FLAGS"), "1 of 120 messages did not come");
    finds(&stage, words, put_in("* 7 FETCH", "\\Seen", ""), "message 7: FLAGS is");
    finds(&stage, words, one_hit_less, "119 messages have the keyword afterwards, not 120");
    finds(&stage, words, put_in("* 2 FETCH", "\\Flagged", ""), "toggle 0: the flags are told as");
}

#[test]
fn an_octet_that_is_altered_in_a_message_is_found() {
    let stage = Stage::new();
    finds(&stage, "bodies --rounds 1", rotten_seven(), "message 7 is not as it was stored");
    finds(&stage, "bodies --rounds 1", without("* 7 FETCH", "BODY[]"), "1 of 120 messages did not come");
}

#[test]
fn a_search_that_misses_a_message_is_found() {
    let wanted = "of 12 messages 1 were not found, and 0 others were";
    finds(&Stage::new(), "search --rounds 1", one_hit_less, wanted);
}

#[test]
fn lies_about_copies_are_found() {
    let (stage, words) = (Stage::new(), "copymove --keep");
    let copies = |response: &mut Vec<u8>| {
        if has(response, "[COPYUID ") {
            alter(response, " 1:120]", " 1:119,121]");
        }
    };
    finds(&stage, words, copies, "COPYUID tells 120 originals and 120 copies, not those that there are");
    finds(&stage, words, put_in("* 8 FETCH", "@bench.", "@bensh."), "message 8: ENVELOPE is");
    finds(&stage, words, without("* 1 EXPUNGE", ""), "of 120 messages 0 are said to be gone, and 0 are left");
    finds(&stage, words, without("* 1 EXPUNGE", ""), "0 messages are said to be gone, and 120 were moved");
}

#[test]
fn lies_to_those_who_come_back_are_found() {
    let (stage, words) = (Stage::new(), "resync --count 2 --keep");
    finds(&stage, words, put("* 120 EXISTS", "* 121 EXISTS"), "UIDs are missing, or do not ascend");
    finds(&stage, words, without("* VANISHED (EARLIER)", ""), "visit 0: 10 changed, 0 vanished, 115 exist");
    finds(&stage, words, put_in("* VANISHED (EARLIER)", ") ", ") 1000,"), "visit 0: 10 changed, 6 vanished");
    let unchanged = |response: &mut Vec<u8>| {
        if has(response, "FETCH (") && has(response, "MODSEQ") {
            response.clear();
        }
    };
    finds(&stage, words, unchanged, "visit 0: 0 changed, 5 vanished, 115 exist");
}

#[test]
fn lies_about_mailboxes_are_found() {
    let (stage, words) = (Stage::new(), "list --count 1");
    finds(
        &stage,
        words,
        without("* LIST", "bench-tree-7/sub-7"),
        "999 mailboxes are listed, not the 1000 that there are",
    );
    let status = put_in("* STATUS", "(MESSAGES 1", "(MESSAGES 2");
    finds(&stage, words, status, "MESSAGES, UNSEEN, UIDNEXT are told as [Some(2)");
}

#[test]
fn news_that_are_none_are_found() {
    let words = "push --count 4 --connections 3";
    finds(&Stage::new(), words, put("* 3 EXISTS", "* 4 EXISTS"), "message 3: 0 of 3 sessions heard of it");
}

#[test]
fn an_idle_session_that_is_not_there_any_more_is_found() {
    let words = "idle --count 1 --connections 3";
    finds(&Stage::new(), words, put("OK IDLE", "NO IDLE"), "session 0 is not there any more");
}

#[test]
fn news_that_are_none_are_found_among_many_that_idle() {
    let words = "idle --count 1 --connections 9 --wake 6";
    let lie = put("* 3 EXISTS", "* 4 EXISTS");
    finds(&Stage::new(), words, lie, "0 of 2 sessions of user 0 heard of message 3");
}

#[test]
fn lost_and_altered_deliveries_are_found() {
    let stage = Stage::new();
    let words = format!("lmtp --count 10 --connections 1 --lmtp {}", stage.lmtp());
    finds(&stage, &words, rotten_seven(), "message 7 of user0 is not as it was delivered");
    // What was altered on its way to us is there as it was delivered, and was not taken for ours.
    let mut session = stage.session("user0");
    session.ask("SELECT INBOX").unwrap();
    session.ask("UID STORE 1:* +FLAGS.SILENT (\\Deleted)").unwrap();
    session.ask("EXPUNGE").unwrap();
    finds(
        &stage,
        &words,
        without("* 7 FETCH", "BODY[]"),
        "1 messages that were acknowledged are not in the INBOX",
    );
}

#[test]
fn lies_in_a_crowd_are_found() {
    let (stage, words) = (Stage::new(), "mixed --count 60 --rate 200 --connections 12");
    finds(&stage, words, rotten_seven(), "message 7 of \"bench-mixed\" is not what it has to be");
    finds(&stage, words, without("* 7 FETCH", "BODY[]"), "1 messages that were acknowledged are not in");
    finds(&stage, words, put("RFC822.SIZE 4096", "RFC822.SIZE 4095"), "the size is told as Some(4095)");
}

#[test]
fn a_server_that_hangs_up_is_wrong() {
    let bye = |response: &mut Vec<u8>| {
        if response.starts_with(b"* 50 EXISTS") {
            *response = b"* BYE enough\r\n".to_vec();
        }
    };
    finds(&Stage::new(), "append --count 50 --connections 1", bye, "the server says BYE enough");
}
