//! Why something is not done, sorted by what the client should do with the message; and how each is told.

use crate::refusal::FaultId;
use wire::lmtp::data::BadData;
use wire::lmtp::{BadCommand, Enhanced, Reply};

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not said like this.
    Misspoken(BadCommand),
    /// It is not said now.
    OutOfOrder(&'static str),
    /// The line is too long.
    LongLine,
    /// An address is in UTF-8, and SMTPUTF8 was not asked for (RFC 6531, 3.5).
    NeedsUtf8,
    /// More recipients than one message can have; the limit.
    TooManyRecipients(usize),
    /// The message is larger than any may be; the limit, in octets.
    TooLarge(u64),
    /// The message has octets that none may have.
    BadData(BadData),
    /// Nobody has this address.
    NoSuchUser,
    /// Nobody has been named who reads the postmaster's mail.
    NoPostmaster,
    /// Who has been named to read it has no account.
    PostmasterGone,
    /// The account is disabled.
    Disabled,
    /// The account has no room for it, in words.
    Full(WhenFull, Box<str>),
    /// Part of the mailbox cannot be read, and nothing is put into it before that is mended.
    InPart,
    /// Mail cannot be stored or read just now.
    Unavailable,
    /// Our fault, and the number under which it was written down.
    OurFault(FaultId),
}

/// What becomes of mail for an account that is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// The client keeps it and tries again: the account's owner may make room.
    #[default]
    Defer,
    /// Its sender gets it back.
    Refuse,
}

impl Refusal {
    /// Whether the client's author is to blame, and not a person's address or the state of the mail.
    #[must_use]
    pub const fn is_mistake(&self) -> bool {
        matches!(self, Self::Misspoken(_) | Self::OutOfOrder(_) | Self::LongLine)
    }

    /// The one place where refusals become replies.
    #[must_use]
    pub fn reply(&self) -> Reply {
        match self {
            Self::Misspoken(bad) => misspoken(bad),
            Self::OutOfOrder(why) => Reply::new(503, Enhanced(5, 1), *why),
            Self::LongLine => Reply::new(500, Enhanced(5, 2), "This line is too long"),
            Self::NeedsUtf8 => Reply::new(553, Enhanced(6, 7), "Addresses in UTF-8 need SMTPUTF8"),
            Self::TooManyRecipients(most) => {
                // RFC 5321, 4.5.3.1.10: the client sends the message again for those who are left.
                Reply::new(452, Enhanced(5, 3), format!("One message can have {most} recipients"))
            }
            Self::TooLarge(most) => {
                Reply::new(552, Enhanced(3, 4), format!("A message can have at most {most} octets"))
            }
            Self::BadData(bad) => Reply::new(550, Enhanced(6, 0), bad_data(*bad)),
            Self::NoSuchUser => Reply::new(550, Enhanced(1, 1), "There is no such user here"),
            // RFC 5321, 4.5.1 wants one to be there; who writes to the postmaster has to know that none is.
            Self::NoPostmaster => Reply::new(
                550,
                Enhanced(1, 1),
                "Nobody reads the postmaster's mail here; the setting lmtp.postmaster names who does",
            ),
            // Not 5xx: an admin's mistake, and the mail can wait until it is found.
            Self::PostmasterGone => Reply::new(
                450,
                Enhanced(3, 5),
                "There is no account of the name that the setting lmtp.postmaster has",
            ),
            // Not 5xx: nothing is lost whether the account is enabled again within days or not at all.
            Self::Disabled => Reply::new(450, Enhanced(2, 1), "This account is disabled"),
            Self::Full(WhenFull::Defer, why) => Reply::new(452, Enhanced(2, 2), why.to_string()),
            Self::Full(WhenFull::Refuse, why) => Reply::new(552, Enhanced(2, 2), why.to_string()),
            Self::InPart => Reply::new(
                450,
                Enhanced(2, 1),
                "Part of this mailbox cannot be read; nothing is stored in it before that is mended",
            ),
            Self::Unavailable => {
                Reply::new(450, Enhanced(3, 0), "Mail cannot be stored just now; try again later")
            }
            // Not 5xx either: mail is not sent back for a mistake of ours.
            Self::OurFault(id) => Reply::new(
                451,
                Enhanced(3, 0),
                format!("Something went wrong on our side; when you ask for help, mention {id}"),
            ),
        }
    }
}

/// As RFC 5321, 4.2.4 and 4.3.2 have it.
fn misspoken(bad: &BadCommand) -> Reply {
    let why = bad.to_string();
    match bad {
        // RFC 2033, 4.1: "The 500 reply code is recommended."
        BadCommand::Unknown | BadCommand::Smtp => Reply::new(500, Enhanced(5, 1), why),
        BadCommand::NotOffered => Reply::new(502, Enhanced(5, 1), why),
        BadCommand::Syntax(_) => Reply::new(501, Enhanced(5, 2), why),
        BadCommand::Address(_) => Reply::new(501, Enhanced(1, 3), why),
        BadCommand::Parameter(_) => Reply::new(555, Enhanced(5, 4), why),
    }
}

const fn bad_data(bad: BadData) -> &'static str {
    match bad {
        BadData::BareCr => "A message with a CR that no LF follows is not taken",
        BadData::BareLf => "A message with an LF that follows no CR is not taken",
        BadData::Nul => "A message with NUL octets is not taken; encode what holds them as base64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_as_such_and_what_will_not_is_sent_back() {
        let full = |when| Refusal::Full(when, "Full".into());
        for temporary in [
            Refusal::TooManyRecipients(1),
            Refusal::Disabled,
            Refusal::PostmasterGone,
            Refusal::InPart,
            full(WhenFull::Defer),
            Refusal::Unavailable,
            Refusal::OurFault(FaultId(1)),
        ] {
            assert_eq!(temporary.reply().code() / 100, 4, "{temporary:?}");
        }
        for permanent in [
            Refusal::NoSuchUser,
            Refusal::NoPostmaster,
            full(WhenFull::Refuse),
            Refusal::TooLarge(1),
            Refusal::BadData(BadData::Nul),
            Refusal::NeedsUtf8,
            Refusal::OutOfOrder("x"),
            Refusal::Misspoken(BadCommand::Smtp),
        ] {
            assert_eq!(permanent.reply().code() / 100, 5, "{permanent:?}");
        }
    }
}
