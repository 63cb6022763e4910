use crate::scan::{Scanner, parse};

/// The preview of a message, however it is cut.
fn preview(message: &str) -> String {
    let whole = parse(message.as_bytes()).preview;
    for size in [1, 7, 64] {
        let mut scanner = Scanner::new();
        message.as_bytes().chunks(size).for_each(|piece| scanner.push(piece));
        assert_eq!(scanner.finish().preview, whole, "in pieces of {size}");
    }
    whole
}

fn check_plain(text: &str, expected: &str) {
    assert_eq!(preview(&format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}")), expected);
}

fn check_html(html: &str, expected: &str) {
    assert_eq!(preview(&format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}")), expected);
}

#[test]
fn white_space_is_folded() {
    check_plain("\r\n  Hello,\r\n\r\n\tworld!\u{a0} \r\n", "Hello, world!");
    check_plain("", "");
    check_plain(" \r\n\t\r\n", "");
}

#[test]
fn what_a_reply_quotes_comes_in_only_where_there_is_nothing_else() {
    check_plain("> Shall we?\r\n>> When?\r\nYes > no.\r\n", "Yes > no.");
    check_plain("> Shall we?\r\n>> When?\r\n\r\n", "Shall we? When?");
    check_html("<blockquote>Shall <blockquote>we?</blockquote></blockquote><p>Yes.", "Yes.");
    check_html("<blockquote>Shall we?</blockquote>", "Shall we?");
}

#[test]
fn two_hundred_characters_are_told_and_none_is_torn() {
    check_plain(&"ä".repeat(300), &"ä".repeat(200));
    check_plain(&format!("{} b", "a".repeat(199)), &"a".repeat(199));
    // The accents belong to the last letter, and so does what is joined to it.
    check_plain(&format!("{}e\u{301}x", "a".repeat(199)), &format!("{}e\u{301}", "a".repeat(199)));
    let family = "👩\u{200d}👩\u{200d}👧";
    check_plain(&format!("{}{family}x", "a".repeat(199)), &format!("{}{family}", "a".repeat(199)));
    // But 256 is the end, whatever belongs to what.
    let zalgo = format!("a{}", "\u{301}".repeat(1_000));
    check_plain(&zalgo, &zalgo.chars().take(256).collect::<String>());
}

#[test]
fn what_cannot_be_seen_is_left_out() {
    check_plain("a\u{202e}b\u{200b}c\u{ad}\u{feff}\x07d", "abcd");
    check_html("Sale!&nbsp;&zwnj;&nbsp;&zwnj;&#8203;&#847; <p>Now", "Sale! Now");
    check_plain("می\u{200c}خواهم", "می\u{200c}خواهم");
}

#[test]
fn html_is_read_without_its_markup() {
    check_html(
        "<html><head><title>No</title><style>p{}</style></head><body><p>One<br>two</p><td>th<b>r</b>ee",
        "One two three",
    );
    check_html("<HEAD><meta x=\"a>b\"><BODY onload='x>y'>Text<!-- no > <b> -- > no --> on", "Text on");
    check_html("<!DOCTYPE html><?xml version='1'?><script>if (a<b) { x = \"</p>\" }</script >Seen", "Seen");
    check_html("1 < 2 && 3 > 2 <3 a<b>c</b>", "1 < 2 && 3 > 2 <3 ac");
    check_html("it<x it=isn't>is", "it is");
}

#[test]
fn entities_are_characters() {
    check_html(
        "&lt;&AMP;&amp;&eacute;&szlig;&#8364;&#x1F600;&#150;&euro &unknown; &#xd800; &;",
        "<&AMP;&éß€😀–€ &unknown; &#xd800; &;",
    );
    check_html("AT&T &ampx", "AT&T &ampx");
}

#[test]
fn the_first_part_that_says_something_is_told() {
    let message = |parts: &[(&str, &str)]| {
        let parts: String =
            parts.iter().map(|(header, body)| format!("--b\r\n{header}\r\n\r\n{body}\r\n")).collect();
        preview(&format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nA preamble.\r\n{parts}--b--\r\nAn epilogue."
        ))
    };
    let (plain, html) = ("Content-Type: text/plain", "Content-Type: text/html");
    assert_eq!(message(&[(plain, "plain"), (html, "<b>html</b>")]), "plain");
    assert_eq!(message(&[(plain, " \r\n"), (html, "<b>html</b>"), (plain, "footer")]), "html");
    let attached = "Content-Type: text/plain\r\nContent-Disposition: Attachment; filename=x";
    assert_eq!(
        message(&[(attached, "attached"), ("Content-Type: text/calendar", "BEGIN:"), (html, "html")]),
        "html"
    );
    assert_eq!(message(&[("Content-Type: application/octet-stream", "secret")]), "");
    assert_eq!(
        message(&[("Content-Type: message/rfc822", "Subject: inner\r\n\r\ninner text")]),
        "inner text"
    );
}

#[test]
fn a_part_is_decoded_first() {
    let header =
        "Content-Type: text/html; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    assert_eq!(preview(&format!("{header}<b>Gr=FC=DFe</b>: 5 =A4")), "Grüße: 5 €");
    let header = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    assert_eq!(preview(&format!("{header}8J+YgCBI\r\naQ==")), "😀 Hi");
    assert_eq!(preview("Content-Transfer-Encoding: x-unknown\r\n\r\nbegin 644"), "");
}

#[test]
fn only_the_beginning_of_a_message_is_looked_at() {
    let style = format!(
        "<style>{}</style>",
        "p { color: red }\r\n".repeat(crate::limits::MAX_PREVIEW_OCTETS / 18 + 1)
    );
    check_html(&format!("{style}late"), "");
    check_html(&format!("early{style}late"), "early");
}

#[test]
fn whatever_html_is_the_preview_is_short_and_shown() {
    let words = [
        "<", ">", "&", "!", "--", "/", "\"", "'", "=", "a", "head", "#", "x", ";", " ", "é", "\u{301}", "p",
        "\r\n",
    ];
    for seed in 0..5_000_u64 {
        let mut dice = testkit::dice::Dice::new(seed);
        let html: String = (0..dice.below(60)).map(|_| dice.pick(&words)).collect();
        let message = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}");
        let told = preview(&message);
        assert!(
            told.chars().count() <= 256 && told.trim() == told && !told.contains(['\r', '\n']),
            "seed {seed}: {told}"
        );
    }
}
