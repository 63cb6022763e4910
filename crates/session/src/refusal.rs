//! Why a command is not done, sorted by who can do something about it; and how each is told.

use crate::port::Gone;
use mailbox::{LimitReached, account};
use std::borrow::Cow;
use std::fmt;
use terms::BadName;
use wire::imap::reply::{Code, Condition, tagged, untagged};
use wire::imap::{BadCommand, Reason, Tag};

/// Why a command is not done.
#[derive(Debug)]
pub enum Refusal {
    /// The client's author can act: it was not said as the standard has it, or not when. `BAD`.
    Misspoken(Denial),
    /// The same, of what is no command. `BAD`, and its name is repeated: to the client alone, for it may be a password
    /// in the wrong place.
    Unknown(String),
    /// The user can act. `NO`, and why.
    Denied(Denial),
    /// We can act. `NO [SERVERBUG]`, and the id under which the fault was written down.
    OurFault(FaultId),
    /// Nobody can: the peer is gone.
    Hangup,
}

/// What is told.
#[derive(Debug)]
pub struct Denial {
    /// For programs.
    pub code: Option<Code<'static>>,
    /// For people: a sentence without a full stop.
    pub why: Cow<'static, str>,
}

/// The id under which a fault of ours stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(pub u64);

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Refusal {
    /// A denial with its code.
    pub fn denied(code: Code<'static>, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Denied(Denial { code: Some(code), why: why.into() })
    }

    /// A command that does not belong here, or does not belong now.
    pub fn misspoken(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Misspoken(Denial { code: None, why: why.into() })
    }

    /// The one place where refusals become replies. Without a tag (none could be read) the reply is untagged.
    pub fn tell(&self, tag: Option<&Tag<'_>>, out: &mut Vec<u8>) {
        let Some((condition, code, mut why)) = self.told() else { return };
        if let Self::Unknown(name) = self {
            why = format!("{why} {name}").into();
        }
        match tag {
            Some(tag) => tagged(out, tag, condition, code, &why),
            None => untagged(out, condition, code, &why),
        }
    }

    /// What is told, but for the name of what is no command; nothing to a peer that is gone.
    #[must_use]
    pub fn told(&self) -> Option<(Condition, Option<&Code<'static>>, Cow<'static, str>)> {
        Some(match self {
            Self::Misspoken(told) => (Condition::Bad, told.code.as_ref(), told.why.clone()),
            Self::Unknown(_) => (Condition::Bad, None, "Unknown command".into()),
            Self::Denied(told) => (Condition::No, told.code.as_ref(), told.why.clone()),
            Self::OurFault(id) => (Condition::No, Some(&Code::ServerBug), our_fault(*id)),
            Self::Hangup => return None,
        })
    }

    /// Whether the client's author is to blame.
    pub(crate) const fn is_mistake(&self) -> bool {
        matches!(self, Self::Misspoken(_) | Self::Unknown(_))
    }
}

fn our_fault(id: FaultId) -> Cow<'static, str> {
    format!("Something went wrong on our side; when you ask for help, mention {id}").into()
}

impl From<Gone> for Refusal {
    fn from(_: Gone) -> Self {
        Self::Hangup
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        let why = reason.to_string();
        match reason {
            Reason::EmptyLine | Reason::Grammar(_) => Self::misspoken(why),
            Reason::Unknown(name) => Self::Unknown(name),
            // Clients that use an extension without looking at the capabilities carry on after a NO.
            Reason::NotOffered(_) => Self::Denied(Denial { code: None, why: why.into() }),
            Reason::Name(_) => Self::denied(Code::Cannot, why),
            Reason::Limit(_) => Self::denied(Code::Limit, why),
        }
    }
}

impl From<BadCommand> for Refusal {
    fn from(bad: BadCommand) -> Self {
        match bad.reason {
            // With the place where reading stopped.
            Reason::Grammar(_) => Self::misspoken(bad.to_string()),
            reason => reason.into(),
        }
    }
}

impl From<LimitReached> for Refusal {
    fn from(limit: LimitReached) -> Self {
        Self::denied(Code::Limit, limit.to_string())
    }
}

impl From<BadName> for Refusal {
    fn from(why: BadName) -> Self {
        Self::denied(Code::Cannot, why.to_string())
    }
}

impl From<account::Refusal> for Refusal {
    fn from(refusal: account::Refusal) -> Self {
        use account::Refusal as Account;
        let code = match refusal {
            Account::Name(_) | Account::InboxStays | Account::IntoItself | Account::UidValidityTaken(_) => {
                Code::Cannot
            }
            Account::AlreadyExists(_) => Code::AlreadyExists,
            Account::NonExistent(_) => Code::NonExistent,
            Account::HasChildren(_) => Code::HasChildren,
            Account::OverQuota(_) => Code::OverQuota,
            Account::UseTaken(..) | Account::UseOnInbox => Code::UseAttr,
            Account::TooManyMailboxes(_)
            | Account::TooManySubscriptions(_)
            | Account::TooDeep(_)
            | Account::NumbersExhausted => Code::Limit,
        };
        Self::denied(code, refusal.to_string())
    }
}

impl From<sasl::Failure> for Refusal {
    fn from(failure: sasl::Failure) -> Self {
        use sasl::Failure;
        match failure {
            Failure::Malformed(_) | Failure::Aborted => Self::misspoken(failure.to_string()),
            Failure::NotAuthorized => Self::denied(Code::AuthorizationFailed, failure.to_string()),
            Failure::WrongCredentials | Failure::Downgraded => {
                Self::denied(Code::AuthenticationFailed, failure.to_string())
            }
            Failure::UnknownBinding => Self::denied(Code::Cannot, failure.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(refusal: impl Into<Refusal>) -> String {
        let mut out = Vec::new();
        refusal.into().tell(None, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_of_refusal_has_one_kind_of_reply() {
        assert_eq!(told(Refusal::misspoken("Say it again")), "* BAD Say it again\r\n");
        assert_eq!(told(Refusal::denied(Code::Cannot, "It is too late")), "* NO [CANNOT] It is too late\r\n");
        assert!(told(Refusal::OurFault(FaultId(0xbad))).starts_with("* NO [SERVERBUG] "));
        assert!(told(Refusal::OurFault(FaultId(0xbad))).ends_with(" 0000000000000bad\r\n"));
        assert_eq!(told(Refusal::Hangup), "");
    }

    #[test]
    fn what_a_client_may_try_is_no_and_what_it_must_not_say_is_bad() {
        assert_eq!(told(Reason::NotOffered("SORT")), "* NO SORT is not available on this server\r\n");
        assert_eq!(told(Reason::Limit("Too deep")), "* NO [LIMIT] Too deep\r\n");
        assert_eq!(told(Reason::Unknown("XYZZY".into())), "* BAD Unknown command XYZZY\r\n");
    }

    #[test]
    fn a_wrong_password_is_told_as_the_standard_has_it() {
        let wrong = told(sasl::Failure::WrongCredentials);
        assert_eq!(wrong, "* NO [AUTHENTICATIONFAILED] The name or the password is wrong\r\n");
        assert!(told(sasl::Failure::Aborted).starts_with("* BAD "));
    }
}
