//! The responses of RFC 9051, 9 and of the extensions that this server has, read by the letter: what is not in here is
//! not said. Words are compared in the case in which the standards write them.

/// What stands in the way: where, and what was wanted there.
#[derive(Debug)]
pub(crate) struct Bad {
    pub at: usize,
    pub wanted: &'static str,
}

type Read<T = ()> = Result<T, Bad>;

/// Which octets a string may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Charset {
    /// RFC 3501: seven bits, but in literals.
    #[default]
    Ascii,
    /// UTF-8 in what is quoted too, and in text for people: RFC 9051, 9, and RFC 9755, 3.
    Utf8,
}

/// Reads one response, line end included.
pub(crate) fn read_response(text: &[u8], charset: Charset) -> Read {
    let mut reader = Reader { text: text.to_vec(), at: 0, charset };
    reader.response()?;
    reader.word("\r\n")?;
    reader.end()
}

struct Reader {
    text: Vec<u8>,
    at: usize,
    charset: Charset,
}

/// What follows a word that begins a response, an item or a code.
type Rest = fn(&mut Reader) -> Read;

/// Untagged responses, by their first word.
const RESPONSES: &[(&str, Rest)] = &[
    ("OK", Reader::spaced_text),
    ("NO", Reader::spaced_text),
    ("BAD", Reader::spaced_text),
    ("BYE", Reader::spaced_text),
    ("CAPABILITY", |r| r.some(Reader::capability)),
    ("ENABLED", |r| r.any(Reader::capability)),
    ("FLAGS", |r| r.then(|r| r.list(Reader::flag))),
    ("LIST", |r| r.listed(LIST_ATTRIBUTES)),
    ("LSUB", |r| r.listed(LIST_ATTRIBUTES)),
    ("XLIST", |r| r.listed(LIST_ATTRIBUTES)),
    ("NAMESPACE", |r| (0..3).try_for_each(|_| r.then(Reader::namespace))),
    ("STATUS", |r| r.then(Reader::mailbox).and_then(|()| r.then(|r| r.list(Reader::status)))),
    ("SEARCH", |r| r.any(Reader::nz_number).and_then(|()| r.perhaps_mod_seq())),
    ("SORT", |r| r.any(Reader::nz_number).and_then(|()| r.perhaps_mod_seq())),
    ("ESEARCH", Reader::esearch),
    ("THREAD", |r| if r.sees(" ") { r.then(|r| r.repeat(1, Reader::thread_list)) } else { Ok(()) }),
    ("QUOTA", |r| r.then(Reader::astring).and_then(|()| r.then(|r| r.list(Reader::resource)))),
    ("QUOTAROOT", |r| r.then(Reader::mailbox).and_then(|()| r.any(Reader::astring))),
    ("ID", |r| r.then(|r| r.or_nil(Reader::id))),
    ("VANISHED", Reader::vanished),
];

/// RFC 9051, 7.3.1, and RFC 6154, 2.
const LIST_ATTRIBUTES: &[&str] = &[
    "\\NonExistent",
    "\\Noinferiors",
    "\\Noselect",
    "\\HasChildren",
    "\\HasNoChildren",
    "\\Marked",
    "\\Unmarked",
    "\\Subscribed",
    "\\Remote",
    "\\All",
    "\\Archive",
    "\\Drafts",
    "\\Flagged",
    "\\Inbox",
    "\\Junk",
    "\\Sent",
    "\\Trash",
];

/// Response codes: RFC 9051, 7.1, and where else it says.
const CODES: &[(&str, Rest)] = &[
    ("ALERT", nothing),
    ("ALREADYEXISTS", nothing),
    ("APPENDUID", |r| r.then(Reader::nz_number).and_then(|()| r.then(Reader::set))),
    ("AUTHENTICATIONFAILED", nothing),
    ("AUTHORIZATIONFAILED", nothing),
    ("BADCHARSET", |r| if r.sees(" ") { r.then(|r| r.list(Reader::astring)) } else { Ok(()) }),
    ("CANNOT", nothing),
    ("CAPABILITY", |r| r.some(Reader::capability)),
    ("CLIENTBUG", nothing),
    ("CLOSED", nothing),
    ("COMPRESSIONACTIVE", nothing), // RFC 4978, 3
    ("CONTACTADMIN", nothing),
    ("COPYUID", |r| r.then(Reader::nz_number).and_then(|()| (0..2).try_for_each(|_| r.then(Reader::set)))),
    ("CORRUPTION", nothing),
    ("EXPIRED", nothing),
    ("EXPUNGEISSUED", nothing),
    ("HASCHILDREN", nothing),
    ("HIGHESTMODSEQ", |r| r.then(Reader::mod_seq)), // RFC 7162, 7
    ("INPROGRESS", |r| if r.sees(" ") { r.then(Reader::progress) } else { Ok(()) }), // RFC 9585, 6
    ("INUSE", nothing),
    ("LIMIT", nothing),
    ("MAILBOXID", |r| r.then(Reader::object_id)), // RFC 8474, 7
    ("MODIFIED", |r| r.then(Reader::set)),        // RFC 7162, 7
    ("NONEXISTENT", nothing),
    ("NOPERM", nothing),
    ("NOTSAVED", nothing),
    ("OVERQUOTA", nothing),
    ("PARSE", nothing),
    ("PERMANENTFLAGS", |r| r.then(|r| r.list(Reader::permanent_flag))),
    ("PRIVACYREQUIRED", nothing),
    ("READ-ONLY", nothing),
    ("READ-WRITE", nothing),
    ("SERVERBUG", nothing),
    ("TOOBIG", nothing), // RFC 4469, 4.2
    ("TRYCREATE", nothing),
    ("UIDNEXT", |r| r.then(Reader::nz_number)),
    ("UIDREQUIRED", nothing), // RFC 9586, 4
    ("UIDVALIDITY", |r| r.then(Reader::nz_number)),
    ("UNAVAILABLE", nothing),
    ("UNKNOWN-CTE", nothing),
    ("UNSEEN", |r| r.then(Reader::nz_number)), // RFC 3501, 7.1
    ("USEATTR", nothing),
];

/// What STATUS tells.
const STATUS: &[(&str, Rest)] = &[
    ("MESSAGES", |r| r.then(Reader::number)),
    ("RECENT", |r| r.then(Reader::number)), // RFC 3501, 6.3.10
    ("UIDNEXT", |r| r.then(Reader::nz_number)),
    ("UIDVALIDITY", |r| r.then(Reader::nz_number)),
    ("UNSEEN", |r| r.then(Reader::number)),
    ("DELETED", |r| r.then(Reader::number)),
    ("DELETED-STORAGE", |r| r.then(Reader::number64)), // RFC 9208, 7
    ("SIZE", |r| r.then(Reader::number64)),
    ("HIGHESTMODSEQ", |r| r.then(Reader::number64)), // RFC 7162, 7
    ("MAILBOXID", |r| r.then(Reader::object_id)),    // RFC 8474, 7
    ("APPENDLIMIT", |r| r.then(|r| r.or_nil(Reader::number))), // RFC 7889, 5
];

/// What FETCH tells, but for sections.
const ITEMS: &[(&str, Rest)] = &[
    ("FLAGS", |r| r.then(|r| r.list(Reader::fetched_flag))),
    ("UID", |r| r.then(Reader::nz_number)),
    ("MODSEQ", |r| r.then(|r| r.in_brackets(Reader::mod_seq))), // RFC 7162, 7
    ("INTERNALDATE", |r| r.then(Reader::date_time)),
    ("SAVEDATE", |r| r.then(|r| r.or_nil(Reader::date_time))), // RFC 8514, 6
    ("RFC822.SIZE", |r| r.then(Reader::number64)),
    ("EMAILID", |r| r.then(Reader::object_id)), // RFC 8474, 7
    ("THREADID", |r| r.then(|r| r.or_nil(Reader::object_id))),
    ("PREVIEW", |r| r.then(Reader::nstring)), // RFC 8970, 6
    ("ENVELOPE", |r| r.then(Reader::envelope)),
    ("BODYSTRUCTURE", |r| r.then(|r| r.body(Extension::Perhaps))),
    ("RFC822", |r| r.then(Reader::nstring)), // RFC 3501, 7.4.2
    ("RFC822.HEADER", |r| r.then(Reader::nstring)),
    ("RFC822.TEXT", |r| r.then(Reader::nstring)),
];

/// What ESEARCH returns: RFC 4731, 4, RFC 7162, 7 and RFC 9394, 4.
const RETURNS: &[(&str, Rest)] = &[
    ("MIN", |r| r.then(Reader::nz_number)),
    ("MAX", |r| r.then(Reader::nz_number)),
    ("ALL", |r| r.then(Reader::set)),
    ("COUNT", |r| r.then(Reader::number)),
    ("MODSEQ", |r| r.then(Reader::mod_seq)),
    ("PARTIAL", |r| r.then(|r| r.in_brackets(Reader::partial))),
];

/// Whether a body may have what BODYSTRUCTURE has and BODY has not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extension {
    Perhaps,
    Never,
}

const fn nothing(_: &mut Reader) -> Read {
    Ok(())
}

impl Reader {
    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn bad<T>(&self, wanted: &'static str) -> Read<T> {
        Err(Bad { at: self.at, wanted })
    }

    fn sees(&self, word: &str) -> bool {
        self.rest().starts_with(word.as_bytes())
    }

    fn end(&self) -> Read {
        if self.rest().is_empty() { Ok(()) } else { self.bad("the end") }
    }

    fn word(&mut self, word: &'static str) -> Read {
        if !self.sees(word) {
            return self.bad(word);
        }
        self.at += word.len();
        Ok(())
    }

    /// As many octets as fit, and one at least.
    fn run(&mut self, fits: impl Fn(u8) -> bool, wanted: &'static str) -> Read<String> {
        let start = self.at;
        self.at += self.rest().iter().take_while(|octet| fits(**octet)).count();
        match std::str::from_utf8(&self.text[start..self.at]) {
            Ok(run) if !run.is_empty() => Ok(run.to_owned()),
            _ => Err(Bad { at: start, wanted }),
        }
    }

    /// SP, and something.
    fn then(&mut self, read: impl FnOnce(&mut Self) -> Read) -> Read {
        self.word(" ")?;
        read(self)
    }

    /// *(SP something), up to an end or to a parenthesis.
    fn any(&mut self, read: Rest) -> Read {
        while self.sees(" ") && !self.sees(" (") {
            self.then(read)?;
        }
        Ok(())
    }

    fn some(&mut self, read: Rest) -> Read {
        self.then(read)?;
        self.any(read)
    }

    /// Several without a space, in parentheses each.
    fn repeat(&mut self, least: usize, read: Rest) -> Read {
        let mut count = 0;
        while self.sees("(") {
            read(self)?;
            count += 1;
        }
        if count < least { self.bad("more of these") } else { Ok(()) }
    }

    fn in_brackets(&mut self, read: Rest) -> Read {
        self.word("(")?;
        read(self)?;
        self.word(")")
    }

    /// "(" [something *(SP something)] ")"
    fn list(&mut self, read: Rest) -> Read {
        self.word("(")?;
        if !self.sees(")") {
            read(self)?;
            while !self.sees(")") {
                self.then(read)?;
            }
        }
        self.word(")")
    }

    fn some_list(&mut self, read: Rest) -> Read {
        if self.sees("()") { self.bad("a list of one at least") } else { self.list(read) }
    }

    fn or_nil(&mut self, read: Rest) -> Read {
        if self.sees("NIL") { self.word("NIL") } else { read(self) }
    }

    /// A word of a table, and what follows it.
    fn of(&mut self, table: &[(&'static str, Rest)], wanted: &'static str) -> Read {
        let start = self.at;
        let word = self.run(|octet| octet.is_ascii_alphanumeric() || b".-".contains(&octet), wanted)?;
        match table.iter().find(|(name, _)| *name == word) {
            Some((_, rest)) => rest(self),
            None => Err(Bad { at: start, wanted }),
        }
    }

    fn response(&mut self) -> Read {
        if self.sees("+") {
            return self.continuation();
        }
        if self.sees("* ") {
            self.word("* ")?;
            return if self.rest()[0].is_ascii_digit() {
                self.numbered()
            } else {
                self.of(RESPONSES, "a response that there is")
            };
        }
        self.tag()?;
        self.word(" ")?;
        self.of(&RESPONSES[..3], "OK, NO or BAD")
    }

    /// RFC 9051, 9: "+" SP (resp-text / base64); of base64 there may be nothing.
    fn continuation(&mut self) -> Read {
        self.word("+ ")?;
        if self.sees("\r\n") { Ok(()) } else { self.text() }
    }

    fn numbered(&mut self) -> Read {
        if self.word_behind_number("EXISTS") || self.word_behind_number("RECENT") {
            self.number()?;
            self.word(" ")?;
            return self.run(|octet| octet.is_ascii_uppercase(), "a word").map(drop);
        }
        self.nz_number()?;
        match () {
            () if self.sees(" EXPUNGE") => self.word(" EXPUNGE"),
            () if self.sees(" FETCH ") => {
                self.word(" FETCH ")?;
                self.some_list(Self::item)
            }
            // RFC 9586, 4
            () => {
                self.word(" UIDFETCH ")?;
                self.some_list(Self::item)
            }
        }
    }

    fn word_behind_number(&self, word: &str) -> bool {
        let digits = self.rest().iter().take_while(|octet| octet.is_ascii_digit()).count();
        self.rest()[digits..].strip_prefix(b" ").is_some_and(|rest| rest.starts_with(word.as_bytes()))
    }

    fn spaced_text(&mut self) -> Read {
        self.then(Self::text)
    }

    /// resp-text. Without a code it does not begin as if it had one.
    fn text(&mut self) -> Read {
        if self.sees("[") {
            self.word("[")?;
            self.of(CODES, "a response code that there is")?;
            self.word("] ")?;
        }
        let charset = self.charset;
        let fits = |octet| octet != b'\r' && octet != b'\n' && octet != 0;
        let is_plain = self.run(fits, "text")?.is_ascii();
        if is_plain || charset == Charset::Utf8 { Ok(()) } else { self.bad("text in ASCII before this") }
    }

    fn tag(&mut self) -> Read {
        self.run(|octet| is_astring_char(octet) && octet != b'+', "a tag").map(drop)
    }

    fn capability(&mut self) -> Read {
        self.run(is_atom_char, "a capability").map(drop)
    }

    fn atom(&mut self) -> Read {
        self.run(is_atom_char, "an atom").map(drop)
    }

    fn flag(&mut self) -> Read {
        if self.sees("\\") {
            let start = self.at;
            self.at += 1;
            let word = self.run(is_atom_char, "a flag")?;
            return match word.as_str() {
                "Answered" | "Flagged" | "Deleted" | "Seen" | "Draft" => Ok(()),
                _ => Err(Bad { at: start, wanted: "a system flag" }),
            };
        }
        self.atom()
    }

    fn fetched_flag(&mut self) -> Read {
        if self.sees("\\Recent") { self.word("\\Recent") } else { self.flag() }
    }

    fn permanent_flag(&mut self) -> Read {
        if self.sees("\\*") { self.word("\\*") } else { self.flag() }
    }

    fn digits(&mut self) -> Read<u64> {
        let start = self.at;
        let digits = self.run(|octet| octet.is_ascii_digit(), "a number")?;
        match digits.parse() {
            Ok(number) if digits == "0" || !digits.starts_with('0') => Ok(number),
            _ => Err(Bad { at: start, wanted: "a number as it is written" }),
        }
    }

    fn within(&mut self, least: u64, most: u64) -> Read {
        let start = self.at;
        let number = self.digits()?;
        if (least..=most).contains(&number) {
            Ok(())
        } else {
            Err(Bad { at: start, wanted: "a number in its bounds" })
        }
    }

    fn number(&mut self) -> Read {
        self.within(0, u32::MAX.into())
    }

    fn nz_number(&mut self) -> Read {
        self.within(1, u32::MAX.into())
    }

    fn number64(&mut self) -> Read {
        self.within(0, i64::MAX.cast_unsigned())
    }

    fn mod_seq(&mut self) -> Read {
        self.within(1, i64::MAX.cast_unsigned())
    }

    fn perhaps_mod_seq(&mut self) -> Read {
        if !self.sees(" ") {
            return Ok(());
        }
        self.word(" (MODSEQ ")?;
        self.mod_seq()?;
        self.word(")")
    }

    /// A set as a server says it: in numbers.
    fn set(&mut self) -> Read {
        loop {
            self.nz_number()?;
            if self.sees(":") {
                self.at += 1;
                self.nz_number()?;
            }
            if !self.sees(",") {
                return Ok(());
            }
            self.at += 1;
        }
    }

    fn partial(&mut self) -> Read {
        let sign = if self.sees("-") { "-" } else { "" };
        self.word(sign)?;
        self.nz_number()?;
        self.word(":")?;
        self.word(sign)?;
        self.nz_number()?;
        self.then(|r| r.or_nil(Self::set))
    }

    fn vanished(&mut self) -> Read {
        if self.sees(" (") {
            self.word(" (EARLIER)")?;
        }
        self.then(Self::set)
    }

    fn object_id(&mut self) -> Read {
        self.in_brackets(|r| {
            let is_id = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
            let start = r.at;
            let length = r.run(is_id, "an object id")?.len();
            if length <= 255 { Ok(()) } else { Err(Bad { at: start, wanted: "an object id of 255 octets" }) }
        })
    }

    fn progress(&mut self) -> Read {
        self.in_brackets(|r| {
            r.or_nil(Self::quoted)?;
            r.then(|r| r.or_nil(Self::number))?;
            r.then(|r| r.or_nil(Self::nz_number))
        })
    }

    fn quoted(&mut self) -> Read {
        self.word("\"")?;
        loop {
            let start = self.at;
            match self.rest() {
                [b'"', ..] => return self.word("\""),
                [b'\\', b'"' | b'\\', ..] => self.at += 2,
                [0 | b'\r' | b'\n' | b'\\', ..] | [] => return self.bad("the end of a quoted string"),
                [octet, ..] if octet.is_ascii() => self.at += 1,
                _ => {
                    let is_utf8 = |octet: u8| !octet.is_ascii();
                    self.run(is_utf8, "UTF-8")?;
                    if self.charset == Charset::Ascii {
                        return Err(Bad { at: start, wanted: "ASCII" });
                    }
                }
            }
        }
    }

    fn literal(&mut self) -> Read {
        let length = self.literal_length()?;
        let octets = &self.text[self.at - length..self.at];
        if octets.contains(&0) { self.bad("a literal8 for NULs, before this") } else { Ok(()) }
    }

    fn literal_length(&mut self) -> Read<usize> {
        self.word("{")?;
        let length = self.digits()?;
        self.word("}\r\n")?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        // An iPhone waits for ever behind one (clients.md R1).
        if length == 0 {
            return self.bad("an empty string as \"\"");
        }
        if self.rest().len() < length {
            return self.bad("a literal as long as it says");
        }
        self.at += length;
        Ok(length)
    }

    fn string(&mut self) -> Read {
        if self.sees("{") { self.literal() } else { self.quoted() }
    }

    fn nstring(&mut self) -> Read {
        self.or_nil(Self::string)
    }

    fn astring(&mut self) -> Read {
        if self.sees("{") || self.sees("\"") {
            return self.string();
        }
        self.run(is_astring_char, "an astring").map(drop)
    }

    fn mailbox(&mut self) -> Read {
        self.astring()
    }

    fn nil_or_quoted_char(&mut self) -> Read {
        if self.sees("NIL") {
            return self.word("NIL");
        }
        self.word("\"")?;
        self.at += if self.sees("\\") { 2 } else { 1 };
        self.word("\"")
    }

    fn listed(&mut self, attributes: &[&'static str]) -> Read {
        self.word(" (")?;
        while !self.sees(")") {
            let start = self.at;
            self.word("\\")?;
            self.atom()?;
            let attribute = &self.text[start..self.at];
            if !attributes.iter().any(|known| known.as_bytes() == attribute) {
                return Err(Bad { at: start, wanted: "an attribute that there is" });
            }
            if !self.sees(")") {
                self.word(" ")?;
            }
        }
        self.word(") ")?;
        self.nil_or_quoted_char()?;
        self.then(Self::mailbox)?;
        if self.sees(" ") { self.then(|r| r.some_list(Self::extended_item)) } else { Ok(()) }
    }

    /// RFC 5258, 6 and RFC 9051, 6.3.9.7 and 7.3.1.
    fn extended_item(&mut self) -> Read {
        if self.sees("\"OLDNAME\"") {
            self.word("\"OLDNAME\"")?;
            return self.then(|r| r.in_brackets(Self::mailbox));
        }
        self.word("\"CHILDINFO\"")?;
        self.then(|r| r.some_list(|r| r.word("\"SUBSCRIBED\"")))
    }

    fn namespace(&mut self) -> Read {
        self.or_nil(|r| {
            r.in_brackets(|r| {
                r.repeat(1, |r| {
                    r.in_brackets(|r| {
                        r.string()?;
                        r.then(Self::nil_or_quoted_char)
                    })
                })
            })
        })
    }

    fn status(&mut self) -> Read {
        self.of(STATUS, "an attribute of STATUS")
    }

    fn item(&mut self) -> Read {
        match () {
            () if self.sees("BODY[") => {
                self.word("BODY")?;
                self.section(|r| r.section_text())?;
                self.origin()?;
                self.then(Self::nstring)
            }
            () if self.sees("BODY ") => {
                self.word("BODY ")?;
                self.body(Extension::Never)
            }
            // RFC 3516, 7; erratum 8217 has an origin too.
            () if self.sees("BINARY[") => {
                self.word("BINARY")?;
                self.section(|r| r.part_numbers())?;
                self.origin()?;
                self.then(|r| if r.sees("~") { r.literal8() } else { r.nstring() })
            }
            () if self.sees("BINARY.SIZE[") => {
                self.word("BINARY.SIZE")?;
                self.section(|r| r.part_numbers())?;
                self.then(Self::number)
            }
            () => self.of(ITEMS, "an item of FETCH"),
        }
    }

    fn literal8(&mut self) -> Read {
        self.word("~")?;
        self.literal_length().map(drop)
    }

    fn section(&mut self, read: Rest) -> Read {
        self.word("[")?;
        if !self.sees("]") {
            read(self)?;
        }
        self.word("]")
    }

    fn part_numbers(&mut self) -> Read {
        self.nz_number()?;
        while self.sees(".") && self.rest().get(1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            self.nz_number()?;
        }
        Ok(())
    }

    fn section_text(&mut self) -> Read {
        let of_part = self.rest()[0].is_ascii_digit();
        if of_part {
            self.part_numbers()?;
            if !self.sees(".") {
                return Ok(());
            }
            self.word(".")?;
        }
        match () {
            () if self.sees("HEADER.FIELDS") => {
                self.word("HEADER.FIELDS")?;
                if self.sees(".NOT") {
                    self.word(".NOT")?;
                }
                self.then(|r| r.some_list(Self::astring))
            }
            () if self.sees("HEADER") => self.word("HEADER"),
            () if of_part && self.sees("MIME") => self.word("MIME"),
            () => self.word("TEXT"),
        }
    }

    fn origin(&mut self) -> Read {
        if !self.sees("<") {
            return Ok(());
        }
        self.word("<")?;
        self.number()?;
        self.word(">")
    }

    fn date_time(&mut self) -> Read {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        const SHAPE: &str = "\"dd-mmm-dddd dd:dd:dd sdddd\"";
        let Some(date) = self.rest().get(..SHAPE.len()) else { return self.bad("a date-time") };
        let fits = |(at, (octet, shape)): (usize, (&u8, u8))| match shape {
            b'd' => octet.is_ascii_digit() || (at == 1 && *octet == b' '),
            b's' => b"+-".contains(octet),
            b'm' => octet.is_ascii_alphabetic(),
            shape => *octet == shape,
        };
        let is_month = MONTHS.iter().any(|month| month.as_bytes() == &date[4..7]);
        if !is_month || !date.iter().zip(SHAPE.bytes()).enumerate().all(fits) {
            return self.bad("a date-time");
        }
        self.at += SHAPE.len();
        Ok(())
    }

    fn envelope(&mut self) -> Read {
        self.in_brackets(|r| {
            r.nstring()?;
            r.then(Self::nstring)?;
            for _ in 0..6 {
                r.then(|r| r.or_nil(|r| r.in_brackets(|r| r.repeat(1, Self::address))))?;
            }
            r.then(Self::nstring)?;
            r.then(Self::nstring)
        })
    }

    fn address(&mut self) -> Read {
        self.in_brackets(|r| {
            r.nstring()?;
            (0..3).try_for_each(|_| r.then(Self::nstring))
        })
    }

    fn body(&mut self, extension: Extension) -> Read {
        self.word("(")?;
        if self.sees("(") {
            while self.sees("(") {
                self.body(extension)?;
            }
            self.then(Self::string)?;
            if extension == Extension::Perhaps && self.sees(" ") {
                self.then(Self::parameters)?;
                self.behind_parameters()?;
            }
        } else {
            self.one_part(extension)?;
        }
        self.word(")")
    }

    fn one_part(&mut self, extension: Extension) -> Read {
        let start = self.at;
        self.string()?;
        self.then(Self::string)?;
        let media = self.text[start..self.at].to_ascii_lowercase();
        self.then(Self::parameters)?;
        self.then(Self::nstring)?;
        self.then(Self::nstring)?;
        self.then(Self::string)?;
        self.then(Self::number)?;
        // RFC 9051, 9: message/global has a message within, RFC 3501 does not know it.
        if media == b"\"message\" \"rfc822\"" || (media == b"\"message\" \"global\"" && self.sees(" (")) {
            self.then(Self::envelope)?;
            self.word(" ")?;
            self.body(extension)?;
            self.then(Self::number64)?;
        } else if media.starts_with(b"\"text\" ") {
            self.then(Self::number64)?;
        }
        if extension == Extension::Perhaps && self.sees(" ") {
            self.then(Self::nstring)?;
            self.behind_parameters()?;
        }
        Ok(())
    }

    fn parameters(&mut self) -> Read {
        self.or_nil(|r| {
            r.some_list(|r| {
                r.string()?;
                r.then(Self::string)
            })
        })
    }

    /// Disposition, language, location, and nothing that nobody knows.
    fn behind_parameters(&mut self) -> Read {
        let disposition: Rest = |r| {
            r.or_nil(|r| {
                r.in_brackets(|r| {
                    r.string()?;
                    r.then(Self::parameters)
                })
            })
        };
        let language: Rest = |r| if r.sees("(") { r.some_list(Self::string) } else { r.nstring() };
        for read in [disposition, language, Self::nstring] {
            if self.sees(" ") {
                self.then(read)?;
            }
        }
        Ok(())
    }

    fn esearch(&mut self) -> Read {
        if self.sees(" (") {
            self.word(" (TAG ")?;
            self.string()?;
            self.word(")")?;
        }
        if self.sees(" UID") {
            self.word(" UID")?;
        }
        while self.sees(" ") {
            self.then(|r| r.of(RETURNS, "what a search returns"))?;
        }
        Ok(())
    }

    /// RFC 5256, 5: thread-list
    fn thread_list(&mut self) -> Read {
        self.word("(")?;
        if self.sees("(") {
            self.repeat(2, Self::thread_list)?;
        } else {
            self.nz_number()?;
            while self.sees(" ") && !self.sees(" (") {
                self.then(Self::nz_number)?;
            }
            if self.sees(" (") {
                self.then(|r| r.repeat(2, Self::thread_list))?;
            }
        }
        self.word(")")
    }

    fn resource(&mut self) -> Read {
        self.of(RESOURCES, "a resource")
    }

    fn id(&mut self) -> Read {
        self.list(|r| {
            r.string()?;
            r.then(Self::nstring)
        })
    }
}

/// RFC 9208, 5 and 7.
const RESOURCES: &[(&str, Rest)] = &[("STORAGE", usage), ("MESSAGE", usage), ("MAILBOX", usage)];

fn usage(reader: &mut Reader) -> Read {
    reader.then(Reader::number64)?;
    reader.then(Reader::number64)
}

const fn is_atom_char(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

const fn is_astring_char(octet: u8) -> bool {
    is_atom_char(octet) || octet == b']'
}
