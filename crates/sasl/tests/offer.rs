//! What is offered: mechanism by state by policy.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{bindings, everything, policy};
use sasl::{
    Abilities, Ability, Bindings, Channel, ClientCertificate, Mechanism, Mechanisms, Offer, Policy, State,
};

fn bound() -> State {
    private(bindings(), ClientCertificate::None)
}

fn unbound() -> State {
    private(Bindings::NONE, ClientCertificate::None)
}

fn certified() -> State {
    private(Bindings::NONE, ClientCertificate::Verified)
}

fn private(bindings: Bindings, certificate: ClientCertificate) -> State {
    State::Private(Channel { bindings, certificate })
}

/// As it is unless something is set.
fn usual() -> Policy {
    Policy::default()
}

/// All that there is, for everybody.
fn all() -> Policy {
    policy()
}

/// All of it switched on, over directories that can do only what is said.
fn over(abilities: Abilities) -> Policy {
    Policy { abilities, ..policy() }
}

fn without(mechanism: Mechanism) -> Policy {
    Policy { on: everything().iter().filter(|other| *other != mechanism).collect(), ..policy() }
}

fn ldap_among_them() -> Policy {
    over(Abilities { scram_sha_256: Ability::Some, ..Abilities::default() })
}

fn tokens_alone() -> Policy {
    let nobody = Ability::Nobody;
    over(Abilities { passwords: nobody, scram_sha_256: nobody, scram_sha_1: nobody, ..policy().abilities })
}

/// What it is about, on which connection, under which policy, and what is offered then.
type Row = (&'static str, fn() -> State, fn() -> Policy, &'static str);

/// `+` offered, `-` not, in the order of `Mechanism::ALL`.
#[test]
fn mechanism_by_state_by_policy() {
    let table: &[Row] = &[
        //                                                              256+  256  1+  1  OAUTH X2 EXT PLAIN LOGIN
        ("before TLS nothing, ever", || State::Cleartext, all, "-     -    -   -  -     -  -   -     -"),
        ("before TLS, usual", || State::Cleartext, usual, "     -     -    -   -  -     -  -   -     -"),
        ("signed in", || State::SignedIn, all, "                -     -    -   -  -     -  -   -     -"),
        ("usual, bound", bound, usual, "                        +     +    -   -  -     -  -   +     +"),
        ("usual, nothing to bind to", unbound, usual, "         -     +    -   -  -     -  -   +     +"),
        ("usual, a certificate shown", certified, usual, "      -     +    -   -  -     -  +   +     +"),
        ("all, bound", bound, all, "                            +     +    +   +  +     +  -   +     +"),
        ("all, nothing to bind to", unbound, all, "             -     +    -   +  +     +  -   +     +"),
        ("all, a certificate shown", certified, all, "          -     +    -   +  +     +  +   +     +"),
        ("some cannot be proven", bound, ldap_among_them, "     -     -    -   -  -     -  -   +     +"),
        ("tokens alone", bound, tokens_alone, "                 -     -    -   -  +     +  -   -     -"),
        ("tokens alone, certificate", certified, tokens_alone, "-     -    -   -  +     +  +   -     -"),
        ("PLAIN off", bound, || without(Mechanism::Plain), "    +     +    +   +  +     +  -   -     +"),
        ("LOGIN off", bound, || without(Mechanism::Login), "    +     +    +   +  +     +  -   +     -"),
        ("256 off", bound, || without(Mechanism::ScramSha256), "-     -    +   +  +     +  -   +     +"),
        ("EXTERNAL off", certified, || without(Mechanism::External), "- + - + + + - + +"),
        ("XOAUTH2 off", bound, || without(Mechanism::XOAuth2), "+     +    +   +  +     -  -   +     +"),
        ("nothing on", certified, || Policy { on: Mechanisms::NONE, ..policy() }, "- - - - - - - - -"),
    ];
    for (what, state, policy, marks) in table {
        let marks: Vec<_> = marks.split_whitespace().collect();
        assert_eq!(marks.len(), Mechanism::ALL.len(), "{what}");
        let expected = Mechanism::ALL.into_iter().zip(marks).filter(|(_, mark)| *mark == "+");
        let expected: Mechanisms = expected.map(|(mechanism, _)| mechanism).collect();
        assert_eq!(Offer::new(state(), &policy()).mechanisms(), expected, "{what}");
    }
}

#[test]
fn t_16_what_is_not_offered_cannot_be_begun_and_a_strange_name_is_told_from_a_known_one_by_nothing() {
    for state in [State::Cleartext, State::SignedIn, unbound()] {
        let offer = Offer::new(state, &usual());
        for mechanism in Mechanism::ALL {
            let chosen = offer.choose(&mechanism.name().to_lowercase());
            assert_eq!(chosen.map(|chosen| chosen.mechanism()), {
                offer.mechanisms().has(mechanism).then_some(mechanism)
            });
        }
        for strange in
            ["", "NTLM", "RPA", "CRAM-MD5", "GSSAPI", "SCRAM-SHA-512", "PLAIN ", "PLAIN\0", "плайн"]
        {
            assert!(offer.choose(strange).is_none(), "{strange:?}");
        }
    }
}

#[test]
fn a_password_without_a_mechanism_is_taken_where_passwords_are() {
    let takes = |state: State, policy: Policy| Offer::new(state, &policy).takes_passwords();
    assert!(takes(unbound(), usual()) && takes(bound(), ldap_among_them()));
    assert!(
        !takes(State::Cleartext, all()) && !takes(State::SignedIn, all()) && !takes(bound(), tokens_alone())
    );
}
