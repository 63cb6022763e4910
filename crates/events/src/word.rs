//! Words of our own in events: each a closed list, so that a filter can rely on it.

use crate::value::Field;
use std::fmt;
use tracing::Value;
use tracing::field::display;

/// A word of a closed list.
pub trait Word: Copy + 'static {
    /// The list.
    const ALL: &'static [Self];

    /// As it is written.
    fn as_str(self) -> &'static str;

    /// Its place in the list.
    fn index(self) -> usize;
}

macro_rules! words {
    ($(
        $(#[$doc:meta])+
        $name:ident { $(#[$first_doc:meta])+ $first:ident = $first_word:literal, $( $(#[$word_doc:meta])+ $word:ident = $text:literal, )* }
    )+) => { $(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[$first_doc])+ $first,
            $( $(#[$word_doc])+ $word, )*
        }

        impl Word for $name {
            const ALL: &'static [Self] = &[Self::$first, $( Self::$word, )*];

            fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $( Self::$word => $text, )*
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Field for $name {
            const KIND: &'static str = concat!("`", $first_word, "`" $(, ", `", $text, "`")*);

            fn value(&self) -> impl Value + '_ {
                display(self)
            }
        }
    )+ };
}

words! {
    /// What a session speaks.
    Protocol {
        /// RFC 9051, RFC 3501.
        Imap = "imap",
        /// RFC 2033.
        Lmtp = "lmtp",
    }

    /// Why a message was not taken for a recipient. Behind the last three of them the mail server tries again.
    DeliveryFailure {
        /// Nobody has this address.
        NoAccount = "no-account",
        /// It is larger than any message may be.
        TooLarge = "too-large",
        /// It has a CR or an LF alone, or NUL octets.
        Malformed = "malformed",
        /// Its address is in UTF-8, and SMTPUTF8 was not asked for.
        NeedsUtf8 = "needs-utf8",
        /// The account has no room for it.
        OverQuota = "over-quota",
        /// The account is disabled.
        Disabled = "disabled",
        /// Mail cannot be stored or read just now, or our fault.
        Unavailable = "unavailable",
    }

    /// How an import ended.
    ImportOutcome {
        /// All of it is here.
        Complete = "complete",
        /// All but what was refused.
        SomeSkipped = "some-skipped",
        /// A part of it is missing.
        Incomplete = "incomplete",
        /// The source could not be read at all.
        Failed = "failed",
        /// It was ended before its end.
        CutOff = "cut-off",
    }

    /// Why the server stopped.
    StopReason {
        /// It was told to.
        Signal = "signal",
        /// It could not go on.
        Failure = "failure",
    }

    /// Why a connection was refused.
    Refusal {
        /// Too many connections that have not signed in, from this address or its near neighbours.
        AddressLimit = "address-limit",
        /// Too many, from this part of the network.
        NetworkLimit = "network-limit",
        /// Too many altogether.
        ServerLimit = "server-limit",
        /// The network policy denies this address.
        Policy = "policy",
        /// The server is stopping.
        Stopping = "stopping",
    }

    /// The version of TLS.
    TlsVersion {
        /// RFC 5246.
        Tls12 = "1.2",
        /// RFC 8446.
        Tls13 = "1.3",
    }

    /// The key exchange of TLS.
    TlsGroup {
        /// Safe from quantum computers, and from the failure of either half.
        X25519MlKem768 = "x25519mlkem768",
        /// RFC 7748.
        X25519 = "x25519",
        /// NIST P-256.
        Secp256r1 = "secp256r1",
        /// NIST P-384.
        Secp384r1 = "secp384r1",
        /// Another one.
        Other = "other",
    }

    /// How somebody signs in.
    Mechanism {
        /// The LOGIN command.
        LoginCommand = "login",
        /// AUTHENTICATE PLAIN (RFC 4616).
        Plain = "plain",
        /// AUTHENTICATE SCRAM-SHA-256 (RFC 7677).
        ScramSha256 = "scram-sha-256",
        /// The same, bound to the TLS connection.
        ScramSha256Plus = "scram-sha-256-plus",
        /// AUTHENTICATE SCRAM-SHA-1 (RFC 5802).
        ScramSha1 = "scram-sha-1",
        /// The same, bound to the TLS connection.
        ScramSha1Plus = "scram-sha-1-plus",
        /// AUTHENTICATE LOGIN: the mechanism, not the command.
        Login = "auth-login",
        /// AUTHENTICATE OAUTHBEARER (RFC 7628).
        OAuthBearer = "oauthbearer",
        /// AUTHENTICATE XOAUTH2.
        XOAuth2 = "xoauth2",
        /// AUTHENTICATE EXTERNAL (RFC 4422): by a certificate.
        External = "external",
    }

    /// How a command was refused.
    Refused {
        /// It was not done.
        No = "no",
        /// It was not understood, or had no place there.
        Bad = "bad",
    }

    /// What was tried without TLS.
    PlaintextCommand {
        /// LOGIN.
        Login = "login",
        /// AUTHENTICATE.
        Authenticate = "authenticate",
        /// Any other that needs TLS.
        Other = "other",
    }

    /// Why somebody could not sign in.
    AuthFailure {
        /// The password does not match.
        WrongPassword = "wrong-password",
        /// There is no such account.
        NoAccount = "no-account",
        /// The account is disabled; the password was right.
        Disabled = "disabled",
        /// It is an app password, and its time is over.
        AppPasswordExpired = "app-password-expired",
        /// It is an app password for other protocols.
        AppPasswordProtocol = "app-password-protocol",
        /// It is an app password that is not taken from this address.
        AppPasswordNetwork = "app-password-network",
        /// It is the account's own password, which mail protocols refuse by its policy.
        OwnPasswordRefused = "own-password-refused",
        /// The mechanism is not one of ours.
        NoMechanism = "no-mechanism",
        /// What was sent does not follow the mechanism.
        Malformed = "malformed",
        /// The client changed its mind.
        Cancelled = "cancelled",
        /// We could not check: too busy, or our fault; or the directory that knows could not be asked.
        Unavailable = "unavailable",
        /// A directory elsewhere lets them in, and the account of that name is not theirs: it is of this server's own, or of
        /// somebody else who had the name before. An admin has to say whose it is.
        OtherOwner = "other-owner",
        /// A directory elsewhere lets them in, and they have no account here and get none.
        NoNewAccount = "no-new-account",
        /// The hash of the password cannot be used: it is of a kind that is not known here, or asks for too much.
        UnusableHash = "unusable-hash",
        /// Their client certificate is one that we take, and stands for no account.
        UnboundCertificate = "unbound-certificate",
        /// They are somebody, and asked to act as somebody else.
        NotAuthorized = "not-authorized",
    }

    /// Why a directory elsewhere lets somebody in no more.
    Absence {
        /// They are in it, and may not sign in.
        Disabled = "disabled",
        /// They are in it no more.
        Gone = "gone",
    }

    /// Which limit held a sign-in back.
    AuthLimit {
        /// Too many failures from this address: /32 of IPv4, /64 of IPv6.
        Address = "address",
        /// Too many failures from this network: /24 of IPv4, /48 of IPv6.
        Network = "network",
        /// Too many failures from around this network: /16 of IPv4, /32 of IPv6.
        Wider = "wider-network",
        /// Too many failures for this account, of those who have not signed in to it from there before.
        Account = "account",
        /// Too many failures for this account from this network, by this kind of client.
        Pair = "pair",
        /// The account has as many connections as it may have.
        Connections = "connections",
    }

    /// Why a session ended.
    EndReason {
        /// The client said LOGOUT, or QUIT.
        Logout = "logout",
        /// The client hung up.
        Closed = "closed",
        /// The client was gone in the middle of a command.
        HalfCommand = "half-command",
        /// The connection broke.
        Broken = "broken",
        /// Too long without signing in.
        LoginTimeout = "login-timeout",
        /// Others waited outside, and it had not signed in.
        Crowded = "crowded",
        /// Too long without a word.
        IdleTimeout = "idle-timeout",
        /// The client did not read what it was sent.
        SlowReader = "slow-reader",
        /// Data behind STARTTLS.
        Injection = "injection",
        /// Too many errors, or lines too long.
        Misuse = "misuse",
        /// Too many failures to sign in.
        AuthFailures = "auth-failures",
        /// The view of the mailbox grew over its bound.
        ViewLimit = "view-limit",
        /// The server stops.
        Stopping = "stopping",
        /// The account was disabled or removed.
        SignedOut = "signed-out",
        /// Our fault.
        Fault = "fault",
    }
}
