//! What a server's codes mean to whoever waits at the door (RFC 4511, appendix A).
//!
//! Whatever a stranger can bring about with one name is an answer about that name, never [`Answer::Unavailable`]: a
//! directory that is unavailable three times is left alone, for everybody.

use crate::ber::Ber;
use crate::connection::{PASSWORD_POLICY, SearchAnswer};
use crate::entry::Entry;
use directory::{Answer, Trouble};
use ldap3::LdapResult;

const SUCCESS: u32 = 0;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const REFERRAL: u32 = 10;
const CONSTRAINT_VIOLATION: u32 = 19;
const INVALID_ATTRIBUTE_SYNTAX: u32 = 21;
const NO_SUCH_OBJECT: u32 = 32;
const ALIAS_PROBLEM: u32 = 33;
const INVALID_DN_SYNTAX: u32 = 34;
const ALIAS_DEREFERENCING_PROBLEM: u32 = 36;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;
const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
const UNWILLING_TO_PERFORM: u32 = 53;

/// Of what a search's base is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Of the settings: if there is no such entry, that says nothing of the login.
    Settings,
    /// Of the login.
    Login,
}

/// The one entry that was looked for. Two are nobody's.
pub(crate) fn of_search(answer: SearchAnswer, base: Base) -> Answer<Entry> {
    match (answer.code, base) {
        (SUCCESS, _) => only(answer.entries).map_or(Answer::NoSuch, Answer::Yes),
        // 21: a value that the attribute could never have, as of a letter that is not ASCII.
        (SIZE_LIMIT_EXCEEDED | INVALID_ATTRIBUTE_SYNTAX, _) => Answer::NoSuch,
        (
            REFERRAL
            | NO_SUCH_OBJECT
            | ALIAS_PROBLEM
            | INVALID_DN_SYNTAX
            | ALIAS_DEREFERENCING_PROBLEM
            | INSUFFICIENT_ACCESS_RIGHTS,
            Base::Login,
        ) => Answer::NoSuch,
        (NO_SUCH_OBJECT, Base::Settings) => {
            unavailable("the search", "its base is not there, or not for the reader")
        }
        (REFERRAL, Base::Settings) => {
            unavailable("the search", "its base is on another server, and nobody follows")
        }
        (code, _) => unavailable("the search", format_args!("code {code}")),
    }
}

fn only(entries: Vec<Entry>) -> Option<Entry> {
    let mut entries = entries.into_iter();
    entries.next().filter(|_| entries.next().is_none())
}

/// Whether a password was right.
pub(crate) fn of_bind(result: &LdapResult) -> Answer<()> {
    match (result.rc, policy(result)) {
        (SUCCESS, Some(Policy::ChangeAfterReset)) => Answer::Disabled,
        (SUCCESS, _) => Answer::Yes(()),
        // Told only behind a right password; that an account is locked is told behind a wrong one too.
        (INVALID_CREDENTIALS, Some(Policy::PasswordExpired)) => Answer::Disabled,
        (INVALID_CREDENTIALS, _) if is_shut_out(&result.text) => Answer::Disabled,
        // 53 and 19 are how 389 Directory Server says that an account is inactive, or locked.
        (
            INVALID_CREDENTIALS
            | NO_SUCH_OBJECT
            | INVALID_DN_SYNTAX
            | INAPPROPRIATE_AUTHENTICATION
            | INSUFFICIENT_ACCESS_RIGHTS
            | UNWILLING_TO_PERFORM
            | CONSTRAINT_VIOLATION,
            _,
        ) => Answer::Wrong,
        (code, _) => unavailable("a bind", format_args!("code {code}")),
    }
}

/// What the server said of somebody is not told: there may be a name in it.
fn unavailable<T>(what: &str, why: impl std::fmt::Display) -> Answer<T> {
    Answer::Unavailable(Trouble::new(format_args!("the LDAP server does not answer {what}: {why}")))
}

/// Why a bind failed, or may not be used (draft-behera-ldap-password-policy, 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    PasswordExpired,
    ChangeAfterReset,
    Other,
}

fn policy(result: &LdapResult) -> Option<Policy> {
    let control = result.ctrls.iter().find(|control| control.1.ctype == PASSWORD_POLICY)?;
    let mut outer = Ber::new(control.1.val.as_deref()?);
    let mut ber = Ber::new(outer.take(0x30)?);
    // A warning: grace logins, or how long the password is good.
    ber.take(0xa0);
    Some(match ber.take(0x81)? {
        [0] => Policy::PasswordExpired,
        [2] => Policy::ChangeAfterReset,
        _ => Policy::Other,
    })
}

/// What Active Directory says of a right password in words that are a number: not at this hour, not from here, expired,
/// disabled, account expired, to be changed first. It says 775, locked, behind a wrong one too.
fn is_shut_out(text: &str) -> bool {
    let number = text.split(", data ").nth(1).and_then(|rest| rest.split(',').next());
    number.is_some_and(|number| ["530", "531", "532", "533", "701", "773"].contains(&number.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldap3::controls::{Control, RawControl};

    fn bound(rc: u32, text: &str, policy: Option<&[u8]>) -> Answer<()> {
        let raw =
            |val: &[u8]| RawControl { ctype: PASSWORD_POLICY.into(), crit: false, val: Some(val.to_vec()) };
        let ctrls = policy.map(|value| Control(None, raw(value))).into_iter().collect();
        of_bind(&LdapResult { rc, matched: String::new(), text: text.into(), refs: Vec::new(), ctrls })
    }

    fn searched(code: u32, base: Base) -> Answer<()> {
        of_search(SearchAnswer { entries: Vec::new(), code }, base).map(drop)
    }

    #[test]
    fn a_password_that_is_not_accepted_is_wrong() {
        for code in [19, 32, 34, 48, 49, 50, 53] {
            assert_eq!(bound(code, "", None), Answer::Wrong, "{code}");
        }
        assert_eq!(bound(0, "", None), Answer::Yes(()));
    }

    #[test]
    fn a_server_that_cannot_say_is_unavailable() {
        for code in [1, 2, 3, 7, 8, 10, 11, 13, 51, 52, 80, 4096] {
            assert!(matches!(bound(code, "", None), Answer::Unavailable(_)), "{code}");
        }
        for code in [1, 3, 11, 12, 50, 51, 52, 80] {
            assert!(matches!(searched(code, Base::Settings), Answer::Unavailable(_)), "{code}");
        }
        assert!(matches!(searched(32, Base::Settings), Answer::Unavailable(_)));
    }

    #[test]
    fn what_a_name_alone_can_bring_about_says_nothing_of_the_server() {
        for code in [4, 10, 21, 32, 34, 50] {
            assert_eq!(searched(code, Base::Login), Answer::NoSuch, "{code}");
        }
        for code in [0, 4, 21] {
            assert_eq!(searched(code, Base::Settings), Answer::NoSuch, "{code}");
        }
    }

    #[test]
    fn that_somebody_is_shut_out_is_known_behind_a_right_password_alone() {
        assert_eq!(bound(49, "", Some(b"\x30\x03\x81\x01\x00")), Answer::Disabled, "expired");
        assert_eq!(bound(49, "", Some(b"\x30\x03\x81\x01\x01")), Answer::Wrong, "locked");
        assert_eq!(bound(0, "", Some(b"\x30\x03\x81\x01\x02")), Answer::Disabled, "to be changed first");
        assert_eq!(bound(0, "", Some(b"\x30\x05\xa0\x03\x81\x01\x02")), Answer::Yes(()), "grace logins");
        assert_eq!(bound(0, "", Some(b"\x30\x00")), Answer::Yes(()));
        assert_eq!(bound(49, "", Some(b"nonsense")), Answer::Wrong);
        let data = |number| {
            format!("80090308: LdapErr: DSID-0C090447, AcceptSecurityContext error, data {number}, v3839")
        };
        assert_eq!(bound(49, &data("533"), None), Answer::Disabled);
        for number in ["52e", "525", "775"] {
            assert_eq!(bound(49, &data(number), None), Answer::Wrong, "{number}");
        }
    }
}
