//! A message on its way: header fields around a part.

use crate::calendar::mail_date;
use crate::header;
use crate::mime::Part;
use crate::people::{OWNER, Person};
use terms::InternalDate;

/// What a message says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    from: String,
    to: String,
    cc: Option<String>,
    subject: String,
    date: InternalDate,
    id: String,
    references: Vec<String>,
    more: Vec<String>,
    part: Part,
    charset: String,
}

impl Letter {
    /// From somebody to the owner; or from the owner, to nobody yet.
    pub(crate) fn new(from: Person, subject: &str, date: InternalDate, id: String, part: Part) -> Self {
        Self {
            from: header::mailbox(from, "UTF-8"),
            to: header::mailbox(OWNER, "UTF-8"),
            cc: None,
            subject: subject.into(),
            date,
            id,
            references: Vec::new(),
            more: Vec::new(),
            part,
            charset: "UTF-8".into(),
        }
    }

    /// From a machine or a list rather than a person.
    pub(crate) fn signed_by(mut self, name: &str, address: &str) -> Self {
        self.from = header::named(name, address, "UTF-8");
        self
    }

    /// The charset of the encoded words in the header.
    pub(crate) fn charset(mut self, from: Person, charset: &str) -> Self {
        self.from = header::mailbox(from, charset);
        self.charset = charset.into();
        self
    }

    /// To these; the others get a copy.
    pub(crate) fn to(mut self, first: Person, others: &[Person]) -> Self {
        self.to = header::mailbox(first, "UTF-8");
        let others: Vec<_> = others.iter().map(|person| header::mailbox(*person, "UTF-8")).collect();
        self.cc = (!others.is_empty()).then(|| others.join(", "));
        self
    }

    /// To an address as it stands, `undisclosed-recipients:;` included.
    pub(crate) fn addressed(mut self, to: &str) -> Self {
        self.to = to.into();
        self
    }

    /// An answer to the last of these.
    pub(crate) fn answers(mut self, references: &[String]) -> Self {
        self.references = references.to_vec();
        self
    }

    /// One more header field.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push(header::field(name, value));
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn date(&self) -> InternalDate {
        self.date
    }

    /// Header, empty line, body.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut lines = self.more.clone();
        lines.push(header::field("From", &self.from));
        lines.push(header::field("To", &self.to));
        lines.extend(self.cc.iter().map(|cc| header::field("Cc", cc)));
        lines.push(header::field("Subject", &header::text(&self.subject, &self.charset)));
        lines.push(header::field("Date", &mail_date(self.date)));
        lines.push(header::field("Message-ID", &self.id));
        if let Some(last) = self.references.last() {
            lines.push(header::field("In-Reply-To", last));
            lines.push(header::field("References", &self.references.join(" ")));
        }
        lines.push("MIME-Version: 1.0".into());
        let mut out = lines.join("\r\n").into_bytes();
        out.extend_from_slice(b"\r\n");
        self.part.write(&mut out);
        out
    }
}
