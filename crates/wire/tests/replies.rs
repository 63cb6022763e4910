//! Every reply, word for word, and `imap-codec`'s strict reading of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use imap_codec::decode::Decoder as _;
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::response::{Data, Response};
use imap_codec::{GreetingCodec, ResponseCodec};
use std::num::NonZeroU32;
use support::for_all;
use terms::{Flag, InternalDate, Keyword, MailboxName, ModSeq, SeqNum, Uid, UidSet, UidValidity};
use wire::imap::command::{FetchItem, ListStyle};
use wire::imap::reply::{
    self, Code, Condition, Era, EsearchLine, FetchLine, FlagName, ListAttribute, ListLine, LiteralKind,
    Namespace, Namespaces, Progress, SearchLine, StatusValue,
};
use wire::imap::{Command, NameForm, Numbering, Section, SequenceSet, Tag, parse, tag_of};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

/// What is written is `want`, and a strict reader takes all of it as one response.
fn check(want: &str, write: impl FnOnce(&mut Vec<u8>)) {
    let out = written(write);
    assert_eq!(String::from_utf8_lossy(&out), want);
    match ResponseCodec::default().decode(&out) {
        Ok((rest, _)) => assert!(rest.is_empty(), "{want:?} leaves {:?}", rest.escape_ascii().to_string()),
        Err(error) => panic!("imap-codec refuses {want:?}: {error:?}"),
    }
}

/// What is written is `want`, which `imap-codec` does not know, for the reason given.
fn check_unknown(_why: &str, want: &str, write: impl FnOnce(&mut Vec<u8>)) {
    assert_eq!(String::from_utf8_lossy(&written(write)), want);
}

fn tag() -> Tag<'static> {
    tag_of(b"a7 ").unwrap()
}

fn name(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

fn uids(ranges: &[(u32, u32)]) -> UidSet {
    UidSet::from_ranges(ranges.iter().map(|&(a, b)| (Uid::new(a).unwrap(), Uid::new(b).unwrap())))
}

fn ok(code: &Code<'_>) -> impl FnOnce(&mut Vec<u8>) {
    |out| reply::untagged(out, Condition::Ok, Some(code), "Yes")
}

/// Replies with names, as they are told to a client of RFC 3501.
mod in_utf7 {
    use super::{ListLine, NameForm, Namespaces, StatusValue, reply};
    use terms::MailboxName;

    pub(super) fn list(out: &mut Vec<u8>, line: &ListLine<'_>) {
        reply::list(out, line, NameForm::Utf7);
    }

    pub(super) fn status_data(out: &mut Vec<u8>, name: &MailboxName, values: &[StatusValue]) {
        reply::status_data(out, name, values, NameForm::Utf7);
    }

    pub(super) fn namespace(out: &mut Vec<u8>, spaces: &Namespaces<'_>) {
        reply::namespace(out, spaces, NameForm::Utf7);
    }
}

#[test]
fn statuses_are_tagged_or_not() {
    check("a7 OK Done\r\n", |out| reply::tagged(out, &tag(), Condition::Ok, None, "Done"));
    check("a7 NO [TRYCREATE] No such mailbox\r\n", |out| {
        reply::tagged(out, &tag(), Condition::No, Some(&Code::TryCreate), "No such mailbox");
    });
    check("* BAD What?\r\n", |out| reply::untagged(out, Condition::Bad, None, "What?"));
    check("* BYE Later\r\n", |out| reply::untagged(out, Condition::Bye, None, "Later"));
    let greeting =
        written(|out| reply::untagged(out, Condition::Ok, Some(&Code::Capability("IMAP4rev1")), "Hi"));
    assert!(GreetingCodec::default().decode(&greeting).unwrap().0.is_empty());
}

#[test]
fn human_text_cannot_break_a_line_or_pass_for_a_code() {
    check("* NO a  * OK b\r\n", |out| reply::untagged(out, Condition::No, None, "a\r\n* OK b"));
    check("* OK Done\r\n", |out| reply::untagged(out, Condition::Ok, None, ""));
    check("* OK -[ALERT] x\r\n", |out| reply::untagged(out, Condition::Ok, None, "[ALERT] x"));
    check("* OK gr?n\r\n", |out| reply::untagged(out, Condition::Ok, None, "grün"));
}

#[test]
fn codes_without_arguments_are_their_name() {
    for (code, name) in [
        (Code::Alert, "ALERT"),
        (Code::AlreadyExists, "ALREADYEXISTS"),
        (Code::AuthenticationFailed, "AUTHENTICATIONFAILED"),
        (Code::AuthorizationFailed, "AUTHORIZATIONFAILED"),
        (Code::Cannot, "CANNOT"),
        (Code::ClientBug, "CLIENTBUG"),
        (Code::Closed, "CLOSED"),
        (Code::ContactAdmin, "CONTACTADMIN"),
        (Code::Corruption, "CORRUPTION"),
        (Code::Expired, "EXPIRED"),
        (Code::ExpungeIssued, "EXPUNGEISSUED"),
        (Code::HasChildren, "HASCHILDREN"),
        (Code::InUse, "INUSE"),
        (Code::Limit, "LIMIT"),
        (Code::NoModSeq, "NOMODSEQ"),
        (Code::NonExistent, "NONEXISTENT"),
        (Code::NoPerm, "NOPERM"),
        (Code::OverQuota, "OVERQUOTA"),
        (Code::Parse, "PARSE"),
        (Code::PrivacyRequired, "PRIVACYREQUIRED"),
        (Code::ReadOnly, "READ-ONLY"),
        (Code::ReadWrite, "READ-WRITE"),
        (Code::ServerBug, "SERVERBUG"),
        (Code::TooBig, "TOOBIG"),
        (Code::TryCreate, "TRYCREATE"),
        (Code::UidNotSticky, "UIDNOTSTICKY"),
        (Code::UidRequired, "UIDREQUIRED"),
        (Code::Unavailable, "UNAVAILABLE"),
        (Code::UnknownCte, "UNKNOWN-CTE"),
    ] {
        check(&format!("* OK [{name}] Yes\r\n"), ok(&code));
    }
}

#[test]
fn codes_have_their_arguments() {
    let validity = UidValidity::new(38_505).unwrap();
    let (one, from, to) = (uids(&[(3_955, 3_955)]), uids(&[(304, 304), (319, 320)]), uids(&[(3_956, 3_958)]));
    let modified = SequenceSet::of_uids(&uids(&[(7, 7), (9, 9)])).unwrap();
    let junk = Keyword::new("$Junk").unwrap();
    let flags = [FlagName::Seen, FlagName::Keyword(&junk), FlagName::AnyKeyword];
    check("* OK [APPENDUID 38505 3955] Yes\r\n", ok(&Code::AppendUid(validity, &one)));
    check("* OK [COPYUID 38505 304,319:320 3956:3958] Yes\r\n", ok(&Code::CopyUid(validity, &from, &to)));
    check("* OK [BADCHARSET (US-ASCII UTF-8)] Yes\r\n", ok(&Code::BadCharset(&["US-ASCII", "UTF-8"])));
    check("* OK [CAPABILITY IMAP4rev1 IDLE] Yes\r\n", ok(&Code::Capability("IMAP4rev1 IDLE")));
    check("* OK [HIGHESTMODSEQ 9223372036854775807] Yes\r\n", ok(&Code::HighestModSeq(ModSeq::MAX)));
    check("* OK [MODIFIED 7,9] Yes\r\n", ok(&Code::Modified(&modified)));
    check("* OK [PERMANENTFLAGS (\\Seen $Junk \\*)] Yes\r\n", ok(&Code::PermanentFlags(&flags)));
    check("* OK [PERMANENTFLAGS ()] Yes\r\n", ok(&Code::PermanentFlags(&[])));
    check("* OK [UIDNEXT 4294967295] Yes\r\n", ok(&Code::UidNext(Uid::MAX)));
    check("* OK [UIDVALIDITY 38505] Yes\r\n", ok(&Code::UidValidity(validity)));
    check("* OK [UNSEEN 12] Yes\r\n", ok(&Code::Unseen(SeqNum::new(12).unwrap())));
}

#[test]
fn a_continuation_always_has_its_space() {
    check("+ idling\r\n", |out| reply::continuation(out, "idling"));
    check("+ Done\r\n", |out| reply::continuation(out, ""));
    check("+ AGEAYg==\r\n", |out| reply::challenge(out, b"\0a\0b"));
    check_unknown("an empty challenge: a quirk to imap-codec, base64 to RFC 9051", "+ \r\n", |out| {
        reply::challenge(out, b"");
    });
}

#[test]
fn capabilities_and_what_is_enabled() {
    check("* CAPABILITY IMAP4rev1 AUTH=PLAIN LITERAL-\r\n", |out| {
        reply::capability(out, "IMAP4rev1 AUTH=PLAIN LITERAL-");
    });
    check("* ENABLED CONDSTORE\r\n", |out| reply::enabled(out, &["CONDSTORE"]));
    check("* ENABLED\r\n", |out| reply::enabled(out, &[]));
}

#[test]
fn a_mailboxs_state_is_told() {
    check("* 172 EXISTS\r\n", |out| reply::exists(out, 172));
    check("* 0 RECENT\r\n", |out| reply::recent(out, 0));
    check("* 44 EXPUNGE\r\n", |out| reply::expunge(out, SeqNum::new(44).unwrap()));
    let flags = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];
    check("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n", |out| {
        reply::flags(out, flags.iter().map(FlagName::from));
    });
    check("* VANISHED (EARLIER) 41,43:116\r\n", |out| {
        reply::vanished(out, Era::Earlier, &uids(&[(41, 41), (43, 116)]));
    });
    check("* VANISHED 405\r\n", |out| reply::vanished(out, Era::Now, &uids(&[(405, 405)])));
    assert!(written(|out| reply::vanished(out, Era::Now, &UidSet::new())).is_empty());
}

fn line<'a>(name: Option<&'a MailboxName>, attributes: &'a [ListAttribute]) -> ListLine<'a> {
    ListLine { style: ListStyle::List, attributes, name, subscribed_child: false, old_name: None }
}

#[test]
fn names_are_listed() {
    let sent = name("Sent Items");
    let attributes = [ListAttribute::HasNoChildren, ListAttribute::Sent];
    check("* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent Items\"\r\n", |out| {
        in_utf7::list(out, &line(Some(&sent), &attributes));
    });
    check("* LSUB () \"/\" INBOX\r\n", |out| {
        let inbox = MailboxName::inbox();
        in_utf7::list(out, &ListLine { style: ListStyle::Lsub, ..line(Some(&inbox), &[]) });
    });
    check("* LIST (\\Noselect) \"/\" \"\"\r\n", |out| {
        in_utf7::list(out, &line(None, &[ListAttribute::NoSelect]));
    });
    check("* LIST () \"/\" Entw&APw-rfe/R&-D\r\n", |out| {
        in_utf7::list(out, &line(Some(&name("Entwürfe/R&D")), &[]));
    });
    check("* LIST () \"/\" \"NIL\"\r\n", |out| in_utf7::list(out, &line(Some(&name("NIL")), &[])));
    check_unknown("not an RFC's", "* XLIST () \"/\" \"Sent Items\"\r\n", |out| {
        in_utf7::list(out, &ListLine { style: ListStyle::Xlist, ..line(Some(&sent), &[]) });
    });
    let extended =
        "* LIST (\\NonExistent) \"/\" \"Sent Items\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (x))\r\n";
    check_unknown("RFC 5258's extended data", extended, |out| {
        let attributes = [ListAttribute::NonExistent];
        let line = line(Some(&sent), &attributes);
        in_utf7::list(out, &ListLine { subscribed_child: true, old_name: Some("x"), ..line });
    });
}

#[test]
fn status_namespace_and_id_are_told() {
    let values = [
        StatusValue::Messages(231),
        StatusValue::Recent(1),
        StatusValue::UidNext(Uid::MAX),
        StatusValue::UidValidity(UidValidity::MIN),
        StatusValue::Unseen(0),
        StatusValue::Deleted(3),
        StatusValue::HighestModSeq(ModSeq::MAX),
    ];
    let want = "* STATUS \"a b\" (MESSAGES 231 RECENT 1 UIDNEXT 4294967295 UIDVALIDITY 1 UNSEEN 0 DELETED 3 \
                HIGHESTMODSEQ 9223372036854775807)\r\n";
    check(want, |out| in_utf7::status_data(out, &name("a b"), &values));
    check("* STATUS x (SIZE 4294967296)\r\n", |out| {
        in_utf7::status_data(out, &name("x"), &[StatusValue::Size(1 << 32)]);
    });
    check_unknown("RFC 8474", "* STATUS x (MAILBOXID (F1))\r\n", |out| {
        in_utf7::status_data(out, &name("x"), &[StatusValue::MailboxId("F1".into())]);
    });
    check("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n", |out| {
        let personal = &[Namespace { prefix: "" }];
        in_utf7::namespace(out, &Namespaces { personal, ..Namespaces::default() });
    });
    check("* NAMESPACE ((\"\" \"/\")) ((\"Users/\" \"/\")) ((\"A/\" \"/\")(\"B/\" \"/\"))\r\n", |out| {
        let [none, users, a, b] = ["", "Users/", "A/", "B/"].map(|prefix| Namespace { prefix });
        in_utf7::namespace(out, &Namespaces { personal: &[none], other_users: &[users], shared: &[a, b] });
    });
    check("* ID (\"name\" \"Gatepost\" \"version\" NIL)\r\n", |out| {
        reply::id(out, &[("name", Some("Gatepost")), ("version", None)]);
    });
    check("* ID NIL\r\n", |out| reply::id(out, &[]));
}

fn search(out: &mut Vec<u8>, found: &[u32], mod_seq: Option<ModSeq>) {
    let mut line = SearchLine::begin(out);
    found.iter().for_each(|number| line.number(out, *number));
    line.end(out, mod_seq);
}

#[test]
fn what_was_found_is_told() {
    check("* SEARCH 2 84 882\r\n", |out| search(out, &[2, 84, 882], None));
    check("* SEARCH\r\n", |out| search(out, &[], ModSeq::new(5)));
    check("* SEARCH 2 (MODSEQ 917162500)\r\n", |out| search(out, &[2], ModSeq::new(917_162_500)));
}

#[test]
fn what_an_extended_search_found_is_told() {
    let range = |text: &str| {
        let frame = format!("a SEARCH RETURN (PARTIAL {text}) ALL");
        let Command::Search(search) = parse(frame.as_bytes()).unwrap().command else { panic!() };
        search.results.unwrap().partial().unwrap()
    };
    let want = "* ESEARCH (TAG \"a7\") UID MIN 4 MAX 21 COUNT 16 ALL 4:18,21,20 MODSEQ 9\r\n";
    check_unknown("RFC 4731", want, |out| {
        let mut line = EsearchLine::begin(out, &tag(), Numbering::Uid);
        line.min(out, 4);
        line.max(out, 21);
        line.count(out, 16);
        line.all(out);
        (4..=18).chain([21, 20]).for_each(|number| line.number(out, number));
        line.mod_seq(out, ModSeq::new(9).unwrap());
        line.end(out);
    });
    check_unknown("RFC 4731", "* ESEARCH (TAG \"a7\")\r\n", |out| {
        let mut line = EsearchLine::begin(out, &tag(), Numbering::Sequence);
        line.all(out);
        line.end(out);
    });
    let want = "* ESEARCH (TAG \"a7\") PARTIAL (-1:-100 4294967294:4294967295)\r\n";
    check_unknown("RFC 9394", want, |out| {
        let mut line = EsearchLine::begin(out, &tag(), Numbering::Sequence);
        line.partial(out, range("-1:-100"));
        line.number(out, u32::MAX - 1);
        line.number(out, u32::MAX);
        line.end(out);
    });
    check_unknown("RFC 9394", "* ESEARCH (TAG \"a7\") PARTIAL (24000:24500 NIL) MODSEQ 1\r\n", |out| {
        let mut line = EsearchLine::begin(out, &tag(), Numbering::Sequence);
        line.partial(out, range("24000:24500"));
        line.mod_seq(out, ModSeq::new(1).unwrap());
        line.end(out);
    });
}

#[test]
fn progress_names_its_command_and_never_a_goal_that_is_reached() {
    let told = |tag: &str, done, goal| {
        let frame = format!("{tag} NOOP");
        let tag = parse(frame.as_bytes()).unwrap().tag;
        let mut out = Vec::new();
        let code = Code::InProgress(Progress { tag: &tag, done, goal });
        reply::untagged(&mut out, Condition::Ok, Some(&code), "Still at it");
        String::from_utf8(out).unwrap()
    };
    assert_eq!(told("A001", 454, 1_000), "* OK [INPROGRESS (\"A001\" 454 1000)] Still at it\r\n");
    assert_eq!(told("A001", 0, 0), "* OK [INPROGRESS (\"A001\" 0 NIL)] Still at it\r\n");
    assert_eq!(told("a]b", 7, 7), "* OK [INPROGRESS (NIL 7 NIL)] Still at it\r\n");
}

#[test]
fn a_fetch_is_written_piece_by_piece() {
    let junk = Keyword::new("$Junk").unwrap();
    let want = "* 12 FETCH (UID 4294967295 FLAGS (\\Seen \\Recent $Junk) MODSEQ (65402) RFC822.SIZE 44827 \
                INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\r\n";
    check(want, |out| {
        let mut line = FetchLine::begin(out, SeqNum::new(12).unwrap());
        line.uid(out, Uid::MAX);
        line.flags(out, [FlagName::Seen, FlagName::Recent, FlagName::Keyword(&junk)]);
        line.mod_seq(out, ModSeq::new(65_402).unwrap());
        line.rfc822_size(out, 44_827);
        line.internal_date(out, InternalDate::new(837_596_665, -420).unwrap());
        line.end(out);
    });
    let text = "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0)";
    let envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";
    check(&format!("* 1 FETCH (ENVELOPE {envelope} BODY {text} BODYSTRUCTURE {text})\r\n"), |out| {
        let mut line = FetchLine::begin(out, SeqNum::MIN);
        line.envelope(out, envelope.as_bytes());
        line.body(out, text.as_bytes());
        line.body_structure(out, text.as_bytes());
        line.end(out);
    });
}

#[test]
fn what_a_message_is_and_since_when_it_is_here_is_told() {
    let want = "* 1 FETCH (EMAILID (M1-7-2a) THREADID (Tff_) SAVEDATE \"17-Jul-1996 09:44:25 +0000\" PREVIEW \"\" PREVIEW {3}\r\n…)\r\n";
    check_unknown("RFC 8474, RFC 8514, RFC 8970", want, |out| {
        let mut line = FetchLine::begin(out, SeqNum::MIN);
        line.email_id(out, "M1-7-2a");
        line.thread_id(out, "Tff_");
        line.save_date(out, InternalDate::new(837_596_665, 0).unwrap());
        line.preview(out, "");
        line.preview(out, "…");
        line.end(out);
    });
}

fn section(text: &str) -> Section<'static> {
    let frame = format!("a FETCH 1 BODY[{text}]");
    let Command::Fetch(mut fetch) = parse(frame.as_bytes()).unwrap().command else { panic!() };
    let Some(FetchItem::Section { section, .. }) = fetch.items.pop() else { panic!() };
    section.into_owned()
}

#[test]
fn a_section_is_a_literal_unless_it_is_empty_or_absent() {
    let want = "* 1 FETCH (BODY[] {3}\r\na\r\n BODY[1.2.HEADER.FIELDS (Subject)]<9> \"\" BODY[7] NIL RFC822 {1}\r\nx \
                RFC822.HEADER \"\" RFC822.TEXT {2}\r\n\r\n)\r\n";
    check(want, |out| {
        let mut line = FetchLine::begin(out, SeqNum::MIN);
        line.section(out, &section(""), None, 3);
        out.extend_from_slice(b"a\r\n");
        line.section(out, &section("1.2.HEADER.FIELDS (Subject)"), Some(9), 0);
        line.section_absent(out, &section("7"), None);
        line.rfc822(out, 1);
        out.extend_from_slice(b"x");
        line.rfc822_header(out, 0);
        line.rfc822_text(out, 2);
        out.extend_from_slice(b"\r\n");
        line.end(out);
    });
}

#[test]
fn what_was_decoded_is_a_literal8_where_it_has_to_be() {
    let part: Vec<_> = [1, 2].map(|n| NonZeroU32::new(n).unwrap()).into();
    let want = "* 1 FETCH (BINARY[1.2] {1}\r\na BINARY[1.2] ~{1}\r\n\0 BINARY[] \"\" BINARY[1.2] NIL BINARY.SIZE[1.2] 7)\r\n";
    check(want, |out| {
        let mut line = FetchLine::begin(out, SeqNum::MIN);
        line.binary(out, &part, None, 1, LiteralKind::Plain);
        out.push(b'a');
        line.binary(out, &part, None, 1, LiteralKind::Binary);
        out.push(0);
        line.binary(out, &[], None, 0, LiteralKind::Binary);
        line.binary_absent(out, &part, None);
        line.binary_size(out, &part, 7);
        line.end(out);
    });
    check_unknown("erratum 8217", "* 1 FETCH (BINARY[1.2]<9> {1}\r\na)\r\n", |out| {
        let mut line = FetchLine::begin(out, SeqNum::MIN);
        line.binary(out, &part, Some(9), 1, LiteralKind::Plain);
        out.push(b'a');
        line.end(out);
    });
}

#[test]
fn any_string_is_read_back_as_it_was() {
    for_all(3, 4_000, proptest::collection::vec(1u8.., 0..40), |octets| {
        let reply =
            [&b"* 1 FETCH (RFC822 "[..], &written(|out| reply::string(out, &octets)), b")\r\n"].concat();
        let (rest, response) = ResponseCodec::default().decode(&reply).unwrap();
        let Response::Data(Data::Fetch { items, .. }) = response else { panic!() };
        let MessageDataItem::Rfc822(read) = &items.as_ref()[0] else { panic!() };
        assert!(rest.is_empty());
        assert_eq!(read.clone().into_option().as_deref(), Some(&octets[..]));
        assert!(!reply.windows(3).any(|three| three == b"{0}"));
    });
}

#[test]
fn who_reads_utf8_is_told_names_as_they_are() {
    let status = |text: &str| {
        let mut out = Vec::new();
        reply::status_data(&mut out, &name(text), &[StatusValue::Messages(1)], NameForm::Utf8);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(status("Entwürfe"), "* STATUS \"Entwürfe\" (MESSAGES 1)\r\n");
    assert_eq!(status("R&D"), "* STATUS R&D (MESSAGES 1)\r\n");
    assert_eq!(status("台 \"北\""), "* STATUS \"台 \\\"北\\\"\" (MESSAGES 1)\r\n");
}
