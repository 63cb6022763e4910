//! What the grammar takes, what it refuses and where, and what it forgives.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use wire::imap::command::{
    Access, ChangedSince, EntryKind, FetchItem, ListReturn, ListSelect, ListStyle, Peek, ResultOption,
    ResultOptions, SearchKey, Silence, SortDirection, SortKey, StatusItem, StoreAction, ThreadAlgorithm,
    Vanished,
};
use wire::imap::{BadCommand, Command, MessageSet, Numbering, Reason, SectionText, parse, tag_of};

fn command(frame: &str) -> Command<'_> {
    match parse(frame.as_bytes()) {
        Ok(tagged) => tagged.command,
        Err(bad) => panic!("{frame:?}: {bad}"),
    }
}

fn bad(frame: &str) -> BadCommand {
    match parse(frame.as_bytes()) {
        Ok(tagged) => panic!("{frame:?} was taken as {:?}", tagged.command),
        Err(bad) => bad,
    }
}

fn refused_at(frame: &str, at: usize) {
    let bad = bad(frame);
    assert_eq!((bad.at, matches!(bad.reason, Reason::Grammar(_))), (at, true), "{frame:?}: {bad}");
}

#[test]
fn the_tag_is_told_whenever_there_is_one() {
    assert_eq!(parse(b"a.1/x] NOOP").unwrap().tag.as_str(), "a.1/x]");
    assert_eq!(bad("a1 FROBNICATE").tag.unwrap().as_str(), "a1");
    assert_eq!(bad("a1").tag.unwrap().as_str(), "a1");
    for frame in [" NOOP", "+ NOOP", "a+ NOOP", "* BYE", "a\u{1}b NOOP", "{3} x", "\"a\" NOOP"] {
        assert_eq!(bad(frame).tag, None, "{frame:?}");
    }
    assert_eq!(bad(&format!("{} NOOP", "t".repeat(129))).tag, None);
    assert_eq!(tag_of(b"a7 LOGIN {9999}\r\n").unwrap().as_str(), "a7");
    assert_eq!(tag_of(b"a7"), None);
}

#[test]
fn an_empty_line_is_no_command() {
    assert_eq!(bad("").reason, Reason::EmptyLine);
}

#[test]
fn commands_without_arguments_have_none() {
    for name in [
        "CAPABILITY",
        "NOOP",
        "LOGOUT",
        "STARTTLS",
        "NAMESPACE",
        "IDLE",
        "CHECK",
        "CLOSE",
        "UNSELECT",
        "EXPUNGE",
    ] {
        command(&format!("a {name}"));
        command(&format!("a {}", name.to_lowercase()));
        refused_at(&format!("a {name} now"), 2 + name.len());
    }
    refused_at(&format!("a NOOP {}", "(".repeat(4_000)), 6);
}

#[test]
fn what_we_know_and_do_not_offer_is_told_apart_from_what_nobody_knows() {
    for frame in [
        "a GETMETADATA INBOX /shared/comment",
        "a getacl INBOX",
        "a THREAD REFS UTF-8 ALL",
        "a NOTIFY NONE",
        "a FETCH 1 SNIPPET",
        "a LIST \"\" % RETURN (MYRIGHTS)",
    ] {
        let bad = bad(frame);
        assert!(matches!(bad.reason, Reason::NotOffered(_)), "{frame}: {bad:?}");
    }
    assert_eq!(bad("a FROBNICATE x").to_string(), "Unknown command FROBNICATE");
    assert!(matches!(bad("a UID FROBNICATE").reason, Reason::Unknown(_)));
    assert!(matches!(bad("a UID NOOP").reason, Reason::Grammar(_)));
    assert!(bad(&format!("a {}", "X".repeat(10_000))).to_string().len() < 80);
}

#[test]
fn a_sort_names_what_to_sort_by_and_which_messages() {
    use SortDirection::{Ascending, Descending};
    let Command::Sort(sort) = command("a uid sort (Reverse date SUBJECT) \"utf-8\" UNSEEN 2:4") else {
        panic!()
    };
    let criteria: Vec<_> =
        sort.criteria.iter().map(|criterion| (criterion.direction, criterion.key)).collect();
    assert_eq!(criteria, [(Descending, SortKey::Date), (Ascending, SortKey::Subject)]);
    assert_eq!((sort.search.numbering, sort.search.charset.as_deref()), (Numbering::Uid, Some("utf-8")));
    assert_eq!(sort.search.keys.unwrap().len(), 2);
    let Command::Sort(sort) = command("a SORT RETURN (COUNT) (DISPLAYTO) UTF-8 ALL") else { panic!() };
    assert_eq!(sort.search.results, Some(ResultOptions::from_iter([ResultOption::Count])));
    refused_at("a SORT DATE UTF-8 ALL", 7);
    refused_at("a SORT (DATE REVERSE) UTF-8 ALL", 20);
    refused_at("a SORT (DATE  SIZE) UTF-8 ALL", 13);
    refused_at("a SORT (DATE) UTF-8", 19);
}

#[test]
fn a_thread_names_an_algorithm_and_which_messages() {
    let Command::Thread(thread) = command("a THREAD references US-ASCII SINCE 5-MAR-2000") else { panic!() };
    assert_eq!(
        (thread.algorithm, thread.search.numbering),
        (ThreadAlgorithm::References, Numbering::Sequence)
    );
    let Command::Thread(thread) = command("a UID THREAD ORDEREDSUBJECT UTF-8 ALL") else { panic!() };
    assert_eq!(
        (thread.algorithm, thread.search.numbering),
        (ThreadAlgorithm::OrderedSubject, Numbering::Uid)
    );
    refused_at("a THREAD UTF-8 ALL", 9);
    refused_at("a THREAD REFERENCES UTF-8", 25);
}

#[test]
fn object_ids_and_save_dates_are_sought_as_their_standards_write_them() {
    let frame = "a SEARCH SAVEDBEFORE 1-Feb-1994 savedon \"2-Feb-1994\" SAVEDSINCE 3-Feb-1994 SAVEDATESUPPORTED \
                 EMAILID M6d99ac_3275-bb4e THREADID T64";
    let Command::Search(search) = command(frame) else { panic!() };
    let keys = search.keys.unwrap();
    assert_eq!(keys.len(), 6);
    assert_eq!(keys[4..], [SearchKey::EmailId("M6d99ac_3275-bb4e"), SearchKey::ThreadId("T64")]);
    // RFC 8474, 7: an object id is no string.
    refused_at("a SEARCH EMAILID \"M1\"", 17);
    refused_at("a SEARCH THREADID M1.2", 20);
    refused_at(&format!("a SEARCH EMAILID {}", "M".repeat(256)), 17);
    refused_at("a SEARCH SAVEDON", 16);
}

#[test]
fn a_preview_may_be_lazy() {
    let items = |frame: &str| match command(frame) {
        Command::Fetch(fetch) => format!("{:?} {}", fetch.items, fetch.changed_since.is_some()),
        other => panic!("{other:?}"),
    };
    assert_eq!(items("a FETCH 1 PREVIEW"), "[Preview(Now)] false");
    assert_eq!(items("a FETCH 1 PREVIEW (LAZY)"), "[Preview(Lazy)] false");
    assert_eq!(items("a FETCH 1 preview (lazy LAZY) (CHANGEDSINCE 1)"), "[Preview(Lazy)] true");
    assert_eq!(items("a FETCH 1 (PREVIEW (LAZY) UID PREVIEW)"), "[Preview(Lazy), Uid, Preview(Now)] false");
    assert_eq!(items("a FETCH 1 PREVIEW (CHANGEDSINCE 1)"), "[Preview(Now)] true");
    refused_at("a FETCH 1 (PREVIEW (FUZZY))", 19);
    refused_at("a FETCH 1 PREVIEW (LAZY FUZZY)", 24);
    refused_at("a FETCH 1 PREVIEW (LAZYLY)", 19);
}

#[test]
fn a_refusal_says_what_and_where() {
    let written = "Expected a space and another argument: SELECT mailbox [(options)] (at octet 8)";
    assert_eq!(bad("a SELECT").to_string(), written);
    assert_eq!(bad("a NOOP x").to_string(), "Expected the end of the command (at octet 6)");
    refused_at("a  NOOP", 2);
    refused_at("a SELECT  INBOX", 9);
    refused_at("a LOGIN \"x", 8);
    refused_at("a STORE 1 FLAG (\\Seen)", 10);
    refused_at("a STORE 1 FLAGS (\\*)", 18);
    refused_at("a FETCH 0 FLAGS", 8);
    refused_at("a FETCH 1 (FLAGS BOGUS)", 17);
    refused_at("a FETCH 1 ()", 10);
    refused_at("a FETCH 1 BODY[]<0.0>", 19);
    refused_at("a FETCH 1 FLAGS (VANISHED)", 16);
    refused_at("a FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", 16);
    refused_at("a SEARCH OR SEEN", 16);
    refused_at("a SEARCH ()", 10);
    refused_at("a STATUS INBOX ()", 15);
    refused_at("a LIST (RECURSIVEMATCH) \"\" *", 7);
    refused_at("a SELECT x (QRESYNC (0 1))", 21);
    refused_at("a SELECT x (QRESYNC (1 1 *))", 25);
    refused_at("a SELECT x (QRESYNC (1 1 (1:3 7)))", 25);
}

#[test]
fn names_that_cannot_be_are_refused_as_names() {
    for frame in
        ["a DELETE \"\"", "a CREATE a//b", "a DELETE \"R&D\"", "a RENAME x {1}\r\n\u{1}", "a CREATE \"\t\""]
    {
        assert!(matches!(bad(frame).reason, Reason::Name(_)), "{frame:?}");
    }
}

#[test]
fn passwords_are_taken_and_never_printed() {
    let Command::Login(login) = command("a LOGIN {5}\r\nfr@d/ \"tan\\\"staaf\"") else { panic!() };
    assert_eq!((&*login.user, login.password.expose()), ("fr@d/", &b"tan\"staaf"[..]));
    assert!(!format!("{login:?}").contains("staaf"));
    let Command::Authenticate(auth) = command("a AUTHENTICATE plain AGEAYg==") else { panic!() };
    assert_eq!((auth.mechanism, auth.initial.as_ref().unwrap().expose()), ("plain", &b"\0a\0b"[..]));
    assert!(!format!("{auth:?}").contains("AGEA"));
    let Command::Authenticate(auth) = command("a AUTHENTICATE EXTERNAL =") else { panic!() };
    assert_eq!(auth.initial.unwrap().expose(), b"");
    refused_at("a AUTHENTICATE PLAIN A*==", 21);
    refused_at("a AUTHENTICATE PLAIN ", 21);
    assert!(parse(b"a LOGIN \"\xff\" x").is_err());
}

#[test]
fn id_may_be_nil_or_empty() {
    for frame in ["a ID NIL", "a ID nil", "a ID ()"] {
        let Command::Id(id) = command(frame) else { panic!() };
        assert!(id.fields.is_empty());
    }
    let Command::Id(id) = command("a ID (\"name\" \"x\" \"os\" NIL)") else { panic!() };
    assert_eq!(id.fields[1], ("os".into(), None));
    let many = "\"k\" NIL ".repeat(31);
    assert!(matches!(bad(&format!("a ID ({})", many.trim_end())).reason, Reason::Limit(_)));
}

#[test]
fn select_takes_condstore_and_qresync() {
    let Command::Select(select) = command("a EXAMINE inbox (CONDSTORE)") else { panic!() };
    assert_eq!((select.access, select.condstore, select.qresync), (Access::ReadOnly, true, None));
    let frame = "a SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541 (1:3,5 1,2:4)))";
    let Command::Select(select) = command(frame) else { panic!() };
    let qresync = select.qresync.unwrap();
    assert_eq!(qresync.uid_validity.get(), 67_890_007);
    assert_eq!(qresync.mod_seq.get(), 20_050_715_194_045_000);
    assert_eq!(qresync.known_uids.unwrap().to_string(), "41,43:211,214:541");
    assert_eq!(qresync.known_messages.unwrap().uids.to_string(), "1:4");
    let Command::Select(select) = command("a SELECT x (QRESYNC (1 5 (1 9)) CONDSTORE)") else { panic!() };
    assert!(select.condstore && select.qresync.unwrap().known_uids.is_none());
}

#[test]
fn one_trailing_separator_and_plain_utf8_are_forgiven() {
    let Command::Create(create) = command("a CREATE Archive/") else { panic!() };
    assert_eq!(create.mailbox.name.as_str(), "Archive");
    let Command::Subscribe(name) = command("a SUBSCRIBE \"Entwürfe & Co\"") else { panic!() };
    assert_eq!(name.as_str(), "Entwürfe & Co");
    let Command::Rename(rename) = command("a RENAME Entw&APw-rfe {2}\r\nok") else { panic!() };
    assert_eq!((rename.from.name.as_str(), rename.to.name.as_str()), ("Entwürfe", "ok"));
}

#[test]
fn create_has_uses() {
    let Command::Create(create) = command("a create x (use (\\Sent \\drafts))") else { panic!() };
    assert_eq!((create.mailbox.name.as_str(), &*create.uses), ("x", &["Sent", "drafts"][..]));
    let Command::Create(create) = command("a CREATE \"u\u{308}\" (USE ())") else { panic!() };
    assert_eq!((create.mailbox.name.as_str(), &*create.uses), ("\u{fc}", &[][..]));
    assert_eq!(create.mailbox.spelling.as_deref(), Some("u\u{308}"));
}

#[test]
fn quota_roots_are_strings_and_limits_numbers() {
    let Command::GetQuota(root) = command("a GETQUOTA \"!partition/sda4\"") else { panic!() };
    assert_eq!(root, "!partition/sda4");
    let Command::GetQuotaRoot(mailbox) = command("a GETQUOTAROOT inbox") else { panic!() };
    assert!(mailbox.is_inbox());
    let Command::SetQuota(root) = command("a SETQUOTA \"\" (STORAGE 510 MESSAGE 0)") else { panic!() };
    assert_eq!(root, "");
    refused_at("a SETQUOTA x (STORAGE 9223372036854775808)", 22);
}

#[test]
fn list_has_options_and_patterns() {
    let Command::List(list) = command("a LIST \"\" %/&AOk-*") else { panic!() };
    assert_eq!(
        (list.style, &*list.reference, &*list.patterns),
        (ListStyle::List, "", &["%/é*".to_owned()][..])
    );
    let frame = "a list (subscribed recursivematch) \"\" (\"a\" b%) return (children status (messages size))";
    let Command::List(list) = command(frame) else { panic!() };
    assert_eq!(list.select, [ListSelect::Subscribed, ListSelect::RecursiveMatch]);
    assert_eq!(list.status_items(), [StatusItem::Messages, StatusItem::Size]);
    assert_eq!(list.patterns, ["a", "b%"]);
    let status = ListReturn::Status(vec![StatusItem::Messages, StatusItem::Size]);
    assert_eq!(list.returns, [ListReturn::Children, status]);
    let Command::List(list) = command("a LSUB \"\" \"*\"") else { panic!() };
    assert_eq!(list.style, ListStyle::Lsub);
    command("a XLIST \"\" *");
    command("a LIST () \"\" \"\" RETURN ()");
}

#[test]
fn numbers_at_the_edge_are_read_and_beyond_it_refused() {
    let Command::Fetch(fetch) = command("a UID FETCH 4294967295 BODY.PEEK[]<4294967295.4294967295>") else {
        panic!()
    };
    let FetchItem::Section { partial: Some(partial), peek: Peek::Peek, .. } = &fetch.items[0] else {
        panic!()
    };
    assert_eq!((partial.offset, partial.end(u64::MAX)), (4_294_967_295, 8_589_934_590));
    assert_eq!(partial.end(10), 10);
    command("a FETCH 1 BODY[]<9223372036854775807.9223372036854775807>");
    refused_at("a FETCH 1 BODY[]<9223372036854775808.1>", 17);
    refused_at("a FETCH 4294967296 FLAGS", 8);
    command("a SEARCH MODSEQ 9223372036854775807 LARGER 9223372036854775807");
    refused_at("a SEARCH MODSEQ 9223372036854775808", 16);
    refused_at("a SEARCH LARGER 99999999999999999999", 16);
    refused_at("a SELECT x (QRESYNC (4294967296 1))", 21);
    refused_at("a LOGIN {4294967295}\r\nx", 22);
}

#[test]
fn fetch_macros_are_spelled_out() {
    for (name, count) in [("ALL", 4), ("FAST", 3), ("FULL", 5)] {
        let frame = format!("a FETCH 1:* {name}");
        let Command::Fetch(fetch) = command(&frame) else { panic!() };
        assert_eq!(fetch.items.len(), count);
    }
    refused_at("a FETCH 1 (ALL)", 11);
    let frame = "a FETCH 1 (BODY BODY[1.2.HEADER.FIELDS (From \"To\")] RFC822 rfc822.text uid modseq)";
    let Command::Fetch(fetch) = command(frame) else { panic!() };
    assert_eq!(fetch.items.len(), 6);
    let FetchItem::Section { section, partial: None, peek: Peek::SetSeen } = &fetch.items[1] else {
        panic!()
    };
    assert!(matches!(&section.text, Some(SectionText::HeaderFields(names)) if names.len() == 2));
}

#[test]
fn changedsince_zero_is_forgiven() {
    let Command::Fetch(fetch) = command("a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 0)") else { panic!() };
    let ChangedSince { mod_seq, vanished } = fetch.changed_since.unwrap();
    assert_eq!((mod_seq.get(), vanished, fetch.numbering), (0, Vanished::Untold, Numbering::Uid));
    let Command::Fetch(fetch) = command("a UID FETCH 1 FLAGS (VANISHED CHANGEDSINCE 7)") else { panic!() };
    assert_eq!(fetch.changed_since.unwrap().vanished, Vanished::Told);
}

#[test]
fn store_has_its_flags_bare_or_in_parentheses() {
    let Command::Store(store) = command("a UID STORE 1:* (UNCHANGEDSINCE 0) +flags.silent \\Seen $Junk")
    else {
        panic!()
    };
    assert_eq!((store.action, store.silence, store.flags.len()), (StoreAction::Add, Silence::Silent, 2));
    assert_eq!(store.unchanged_since.unwrap().get(), 0);
    let Command::Store(store) = command("a STORE 2 FLAGS ()") else { panic!() };
    assert_eq!((store.action, store.silence), (StoreAction::Replace, Silence::Told));
    let Command::Store(store) = command("a STORE 2 -FLAGS (\\Recent \\DELETED \\Foo)") else { panic!() };
    assert_eq!(store.flags, [terms::Flag::Deleted]);
}

#[test]
fn search_strings_are_octets_and_neomutts_utf8_is_taken() {
    let Command::Search(search) = command("a SEARCH SUBJECT \"grün\" HEADER X-Y {0}\r\n") else { panic!() };
    assert_eq!(search.charset, None);
    assert_eq!(search.keys.as_ref().unwrap()[0], SearchKey::Subject("grün".as_bytes().into()));
    assert_eq!(search.keys.as_ref().unwrap()[1], SearchKey::Header(b"X-Y"[..].into(), b""[..].into()));
}

#[test]
fn search_options_come_first() {
    let frame = "a UID SEARCH RETURN () CHARSET utf-8 OR (NEW 1:2) SEEN NOT UID 5 MODSEQ \"/flags/\\\\draft\" all 620162338";
    let Command::Search(search) = command(frame) else { panic!() };
    assert_eq!(search.results, Some(ResultOptions::from_iter([ResultOption::All])));
    assert_eq!(search.charset.as_deref(), Some("utf-8"));
    let keys = search.keys.unwrap();
    assert_eq!(keys.len(), 3);
    let entry = Some((terms::Flag::Draft, EntryKind::All));
    assert!(matches!(&keys[1], SearchKey::Not(_)));
    assert!(matches!(&keys[2], SearchKey::ModSeq { entry: found, .. } if *found == entry));
    refused_at("a SEARCH MODSEQ \"/flags/\\\\Recent\" all 1", 16);
    refused_at("a SEARCH CHARSET utf-8", 22);
    refused_at("a SEARCH RETURN (BOGUS) ALL", 17);
}

#[test]
fn result_options_are_those_of_the_rfcs() {
    let Command::Search(search) = command("a UID SEARCH RETURN (min Partial -1:-100 SAVE MIN) ALL") else {
        panic!()
    };
    let results = search.results.unwrap();
    let asked = [ResultOption::Min, ResultOption::Partial(results.partial().unwrap()), ResultOption::Save];
    assert_eq!(results, ResultOptions::from_iter(asked));
    assert!(results.ask_to_be_told() && results.ask_for(ResultOption::Min));
    refused_at("a SEARCH RETURN (ALL PARTIAL 1:2) ALL", 16);
    refused_at("a SEARCH RETURN (PARTIAL 1:2 PARTIAL 1:2) ALL", 16);
    refused_at("a SEARCH RETURN (PARTIAL 1) ALL", 26);
    refused_at("a SEARCH RETURN (PARTIAL) ALL", 24);
    refused_at("a SEARCH RETURN (UPDATE) ALL", 17);
    refused_at("a SEARCH RETURN (COUNT)ALL", 23);
    refused_at("a SEARCH RETURN ALL", 16);
}

#[test]
fn the_last_result_stands_where_a_set_does_and_alone() {
    for frame in [
        "a FETCH $ FLAGS",
        "a UID STORE $ FLAGS ()",
        "a COPY $ x",
        "a UID MOVE $ x",
        "a UID EXPUNGE $",
        "a SEARCH OR $ UID $",
    ] {
        command(frame);
    }
    refused_at("a FETCH $,1 FLAGS", 9);
    refused_at("a FETCH 1,$ FLAGS", 10);
    refused_at("a SELECT x (QRESYNC (1 1 $))", 25);
}

#[test]
fn a_range_of_messages_is_for_uid_fetch() {
    for modifiers in ["PARTIAL -1:-30 CHANGEDSINCE 98305", "CHANGEDSINCE 98305 VANISHED PARTIAL -1:-30"] {
        let frame = format!("a UID FETCH 1:* FLAGS ({modifiers})");
        let Command::Fetch(fetch) = command(&frame) else { panic!() };
        assert_eq!(fetch.range.unwrap().to_string(), "-1:-30");
        assert_eq!(fetch.changed_since.unwrap().mod_seq.get(), 98_305);
    }
    refused_at("a FETCH 1:* FLAGS (PARTIAL 1:2)", 18);
    refused_at("a UID FETCH 1:* FLAGS (PARTIAL 1:*)", 33);
}

#[test]
fn keys_that_are_refused_with_a_no_make_a_search_still() {
    for frame in ["a SEARCH RETURN (SAVE) FUZZY x", "a SEARCH RETURN (SAVE) OR SEEN (FUZZY"] {
        let Command::Search(search) = command(frame) else { panic!() };
        assert!(search.results.unwrap().ask_for(ResultOption::Save));
        assert_eq!(search.keys, Err(Reason::NotOffered("FUZZY")));
    }
}

#[test]
fn t_12_a_search_nests_32_deep_and_has_8192_words_at_most() {
    let limited = |frame: &str| {
        let Command::Search(search) = command(frame) else { panic!() };
        assert!(matches!(search.keys, Err(Reason::Limit(_))), "{}", &frame[..20]);
    };
    limited(&format!("a SEARCH {}", "(".repeat(1_000_000)));
    limited(&format!("a SEARCH {}ALL", "NOT ".repeat(8_192)));
    limited(&format!("a SEARCH {}ALL", "OR ALL ".repeat(100_000)));
    limited(&format!("a SEARCH ALL{}", " ALL".repeat(8_192)));
    limited(&format!("a SEARCH {}ALL{}", "OR SEEN (DRAFT ".repeat(17), ")".repeat(17)));
    command(&format!("a SEARCH ALL{}", " ALL".repeat(8_191)));
    let store = format!("a STORE 1 FLAGS ({}a)", "a ".repeat(4_096));
    assert!(matches!(bad(&store).reason, Reason::Limit(_)));
}

#[test]
fn a_set_of_a_mebibyte_is_read() {
    let set = (1..=90_000).map(|n| (2 * n).to_string()).collect::<Vec<_>>().join(",");
    let frame = format!("a UID FETCH {set} FLAGS");
    let Command::Fetch(fetch) = command(&frame) else { panic!() };
    let MessageSet::Written(set) = fetch.set else { panic!() };
    assert_eq!(set.ranges().len(), 90_000);
}

#[test]
fn compress_knows_one_way() {
    assert!(matches!(command("a COMPRESS DEFLATE"), Command::Compress));
    assert!(matches!(command("a compress Deflate"), Command::Compress));
    refused_at("a COMPRESS", 10);
    refused_at("a COMPRESS LZ4", 11);
    refused_at("a COMPRESS DEFLATE LZ4", 18);
}
