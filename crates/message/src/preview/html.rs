//! HTML, read for its words: no tree is built, and nothing in it can make the reading fail.

use super::Voice;
use crate::charset::Charset;

/// Where in HTML we are.
#[derive(Debug, Default)]
pub(super) struct Html {
    state: State,
    /// The name of the tag at hand, in lower case.
    name: String,
    /// The element whose content is not shown.
    hidden: Option<&'static str>,
    /// How many quotations we are in.
    quotations: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    /// Behind `&`.
    Entity(String),
    /// Behind `<`.
    TagOpen,
    /// Behind `<!` and perhaps a dash.
    Declaration,
    /// In a tag's name.
    Name(Tag),
    /// Behind a tag's name. A value in quotes may begin only behind `=`.
    Attributes(Tag, char),
    /// In a value in quotes.
    Value(Tag, char),
    /// In a comment, with the dashes just read.
    Comment(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Start,
    End,
}

/// Elements that say nothing to a reader.
const HIDDEN: [&str; 5] = ["head", "script", "style", "template", "title"];
/// Elements within a word; all others part what is before from what is behind.
const INLINE: [&str; 17] = [
    "a", "abbr", "b", "bdi", "code", "em", "font", "i", "ins", "mark", "o:p", "s", "small", "span", "strong",
    "u", "wbr",
];
/// More of a name is not kept, in octets: no element or entity that matters is longer.
const MAX_NAME: usize = 12;

impl Html {
    pub(super) fn push(&mut self, c: char, say: &mut impl FnMut(char, Voice)) {
        self.state = match (std::mem::take(&mut self.state), c) {
            (State::Text, c) => self.text(c, say),
            (State::Entity(name), c) => self.entity(name, c, say),
            (State::TagOpen, c) if c != '/' && self.is_raw() => State::Text,
            (State::TagOpen, '!') => State::Declaration,
            (State::TagOpen, '/') => self.begin(Tag::End),
            (State::TagOpen, '?') => {
                self.begin(Tag::Start);
                State::Attributes(Tag::Start, c)
            }
            (State::TagOpen, c) if c.is_ascii_alphabetic() => {
                self.begin(Tag::Start);
                self.name_goes_on(Tag::Start, c)
            }
            (State::TagOpen, c) => {
                self.say('<', say);
                self.text(c, say)
            }
            (State::Declaration, '-') => State::Comment(0),
            (State::Declaration, '>') => State::Text,
            (State::Declaration, _) => {
                self.begin(Tag::Start);
                State::Attributes(Tag::Start, c)
            }
            (State::Name(tag) | State::Attributes(tag, _), '>') => self.end(tag, say),
            (State::Name(tag), c) if c.is_whitespace() || c == '/' => State::Attributes(tag, c),
            (State::Name(tag), c) => self.name_goes_on(tag, c),
            (State::Attributes(tag, '='), '"' | '\'') => State::Value(tag, c),
            (State::Attributes(tag, '='), ' ') => State::Attributes(tag, '='),
            (State::Attributes(tag, _), c) => State::Attributes(tag, c),
            (State::Value(tag, quote), c) if c == quote => State::Attributes(tag, c),
            (value @ State::Value(..), _) => value,
            (State::Comment(dashes), '-') => State::Comment(dashes.saturating_add(1)),
            (State::Comment(2..), '>') => State::Text,
            (State::Comment(_), _) => State::Comment(0),
        };
    }

    /// There is no more.
    pub(super) fn finish(&mut self, say: &mut impl FnMut(char, Voice)) {
        match std::mem::take(&mut self.state) {
            State::Entity(name) => self.say_entity(&name, say),
            State::TagOpen => self.say('<', say),
            _ => {}
        }
    }

    fn text(&self, c: char, say: &mut impl FnMut(char, Voice)) -> State {
        match c {
            '<' => State::TagOpen,
            '&' => State::Entity(String::new()),
            c => {
                self.say(c, say);
                State::Text
            }
        }
    }

    fn say(&self, c: char, say: &mut impl FnMut(char, Voice)) {
        if self.hidden.is_none() {
            say(c, if self.quotations == 0 { Voice::Own } else { Voice::Quoted });
        }
    }

    /// Whether nothing but an end tag is markup here.
    fn is_raw(&self) -> bool {
        matches!(self.hidden, Some("script" | "style"))
    }

    fn begin(&mut self, tag: Tag) -> State {
        self.name.clear();
        State::Name(tag)
    }

    fn name_goes_on(&mut self, tag: Tag, c: char) -> State {
        if self.name.len() < MAX_NAME {
            self.name.push(c.to_ascii_lowercase());
        }
        State::Name(tag)
    }

    /// A tag is complete.
    fn end(&mut self, tag: Tag, say: &mut impl FnMut(char, Voice)) -> State {
        let name = self.name.as_str();
        match self.hidden {
            // Not every head is closed.
            Some(hidden) => {
                let ends = (tag == Tag::End && name == hidden) || (hidden == "head" && name == "body");
                self.hidden = if ends { None } else { Some(hidden) };
                return State::Text;
            }
            None if tag == Tag::Start => self.hidden = HIDDEN.into_iter().find(|hidden| *hidden == name),
            None => {}
        }
        match tag {
            Tag::Start if name == "blockquote" => self.quotations += 1,
            Tag::End if name == "blockquote" => self.quotations = self.quotations.saturating_sub(1),
            _ => {}
        }
        if !INLINE.contains(&name) {
            say(' ', Voice::Own);
            say(' ', Voice::Quoted);
        }
        State::Text
    }

    fn entity(&mut self, mut name: String, c: char, say: &mut impl FnMut(char, Voice)) -> State {
        if name.len() < MAX_NAME && (c.is_ascii_alphanumeric() || (c == '#' && name.is_empty())) {
            name.push(c);
            return State::Entity(name);
        }
        self.say_entity(&name, say);
        if c == ';' && character(&name).is_some() { State::Text } else { self.text(c, say) }
    }

    /// What an entity means; what means nothing is text.
    fn say_entity(&self, name: &str, say: &mut impl FnMut(char, Voice)) {
        match character(name) {
            Some(meant) => self.say(meant, say),
            None => std::iter::once('&').chain(name.chars()).for_each(|c| self.say(c, say)),
        }
    }
}

/// The names of U+00A0 to U+00FF, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 \
    acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig \
    Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash \
    Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc \
    euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute \
    thorn yuml";
/// Others that mail has.
const NAMED: [(&str, char); 24] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("bull", '•'),
    ("hellip", '…'),
    ("euro", '€'),
    ("trade", '™'),
    ("rarr", '→'),
    ("larr", '←'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("emsp", '\u{2003}'),
];

/// The character that an entity means, `&` and `;` aside.
fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hexadecimal = number.strip_prefix(['x', 'X']);
        let code =
            hexadecimal.map_or_else(|| number.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok());
        return numbered(code?);
    }
    let named = NAMED.iter().find(|(one, _)| *one == name).map(|(_, c)| *c);
    let latin = || LATIN.split_ascii_whitespace().position(|one| one == name);
    named.or_else(|| char::from_u32(0xa0 + u32::try_from(latin()?).ok()?))
}

/// Numbers from 128 to 159 are written for windows-1252, whatever the standard of old said.
fn numbered(code: u32) -> Option<char> {
    match u8::try_from(code) {
        Ok(octet @ 0x80..=0x9f) => Charset::named(b"windows-1252").decode(&[octet]).chars().next(),
        _ => char::from_u32(code),
    }
}
