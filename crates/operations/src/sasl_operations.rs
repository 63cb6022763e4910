//! Signing in by a proof.

use crate::{Operation, Work};
use sasl::{
    Accepted, Channel, Claim, Cost, CredentialRecord, Exchange, Nonce, Offer, Policy, Salts, Secret, State,
    Step, Workspace,
};
use std::hint::black_box;
use transcript::{NONCE, PASSWORD, SALTS};

pub(crate) const ALL: &[Operation] =
    &[Operation { name: "sasl/scram-exchange", yields: 46, prepare: scram_exchange }];

/// What the client of `transcripts/scram.imap` says.
const FIRST: &[u8] = b"n,,n=alice,r=rOprNGfwEbeRWgbNEkqO";
const LAST: &[u8] =
    b"c=biws,r=rOprNGfwEbeRWgbNEkqOZHJhd24gYnkgbm8gY2hhbmNl,p=paQJPwQjvuawYeIcudDROXzLUb0uH6CCruesZQqj0l8=";

/// A whole exchange that ends well: its weight is the proof, checked and answered with ours.
fn scram_exchange() -> Work {
    let cost = Cost::new(8, 1, sasl::MIN_SCRAM_ITERATIONS).unwrap();
    let password = Secret::password(PASSWORD).unwrap();
    let record = CredentialRecord::new(&password, Salts(SALTS), &cost, &mut Workspace::new());
    let verifier = record.scram().clone();
    let offer = Offer::new(State::Private(Channel::default()), &Policy::default());
    Box::new(move || {
        let chosen = offer.choose("SCRAM-SHA-256").unwrap();
        let Step::Lookup(lookup) = chosen.begin(Some(black_box(FIRST)), Nonce(NONCE)) else {
            panic!("it names somebody")
        };
        let (_, exchange) = challenge(lookup.found(verifier.clone()));
        let Step::Judge(Claim::Proven { .. }, pending) = exchange.respond(black_box(LAST)) else {
            panic!("the proof holds")
        };
        let Accepted::Prove(signature, assent) = pending.accepted(()) else { panic!("ours is wanted") };
        assert_eq!(assent.respond(b""), Ok(()));
        signature.len() as u64
    })
}

fn challenge(step: Step) -> (Vec<u8>, Exchange) {
    match step {
        Step::Challenge(octets, exchange) => (octets, exchange),
        other => panic!("no challenge but {other:?}"),
    }
}
