//! What tests of exchanges share: a world of cheap records, and a SCRAM client that is written anew from RFC 5802, 3.
#![allow(dead_code, reason = "not every test uses all of it")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sasl::{
    Abilities, Ability, BearerHint, Bindings, Channel, ClientCertificate, Cost, CredentialRecord, DecoyKey,
    Exchange, Mechanism, Mechanisms, Nonce, Offer, Policy, Salts, Secret, State, Step, Workspace,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// As cheap as it may be.
pub(crate) fn cost() -> Cost {
    Cost::new(64, 1, sasl::MIN_SCRAM_ITERATIONS).unwrap()
}

pub(crate) fn password(text: &str) -> Secret {
    Secret::password(text).unwrap()
}

pub(crate) fn record(text: &str) -> CredentialRecord {
    CredentialRecord::new(&password(text), Salts([7; 32]), &cost(), &mut Workspace::new())
}

pub(crate) fn decoy(name: &str) -> CredentialRecord {
    CredentialRecord::decoy(&DecoyKey::new([3; 32]), name, &cost())
}

pub(crate) fn bindings() -> Bindings {
    Bindings { exporter: Some([0xe5; 32]), server_end_point: Some(Box::from([0x5e; 48])) }
}

pub(crate) fn hint() -> BearerHint {
    BearerHint { scope: Some("mail".into()), openid_configuration: None }
}

/// Everything that there is.
pub(crate) fn policy() -> Policy {
    Policy {
        on: Mechanism::ALL.into_iter().collect(),
        abilities: Abilities {
            passwords: Ability::Everybody,
            scram_sha_256: Ability::Everybody,
            scram_sha_1: Ability::Everybody,
            bearer: Some(Arc::new(hint())),
        },
    }
}

pub(crate) fn offer(bindings: Bindings) -> Offer {
    let channel = Channel { bindings, certificate: ClientCertificate::Verified };
    Offer::new(State::Private(channel), &policy())
}

/// Begins, on a connection that has every binding.
pub(crate) fn begin(mechanism: Mechanism, initial: Option<&[u8]>) -> Step {
    begin_in(&offer(bindings()), mechanism, initial)
}

pub(crate) fn begin_in(offer: &Offer, mechanism: Mechanism, initial: Option<&[u8]>) -> Step {
    offer.choose(mechanism.name()).unwrap().begin(initial, Nonce([5; 18]))
}

pub(crate) fn everything() -> Mechanisms {
    Mechanism::ALL.into_iter().collect()
}

pub(crate) fn challenged(step: Step) -> (String, Exchange) {
    match step {
        Step::Challenge(challenge, exchange) => (String::from_utf8(challenge).unwrap(), exchange),
        other => panic!("no challenge but {other:?}"),
    }
}

fn hmac(mechanism: Mechanism, key: &[u8], message: &[u8]) -> Vec<u8> {
    match mechanism {
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => {
            <Hmac<Sha1>>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
        }
        _ => <Hmac<Sha256>>::new_from_slice(key)
            .unwrap()
            .chain_update(message)
            .finalize()
            .into_bytes()
            .to_vec(),
    }
}

fn digest(mechanism: Mechanism, octets: &[u8]) -> Vec<u8> {
    match mechanism {
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Sha1::digest(octets).to_vec(),
        _ => Sha256::digest(octets).to_vec(),
    }
}

/// The client of one exchange.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) mechanism: Mechanism,
    pub(crate) header: String,
    /// What the client thinks the channel is bound to.
    pub(crate) channel: Vec<u8>,
    pub(crate) bare: String,
    pub(crate) password: String,
}

impl Client {
    pub(crate) fn new(mechanism: Mechanism, header: &str, channel: &[u8], password: &str) -> Self {
        Self {
            mechanism,
            header: header.into(),
            channel: channel.into(),
            bare: "n=ann,r=abc".into(),
            password: password.into(),
        }
    }

    pub(crate) fn first(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.bare).into_bytes()
    }

    pub(crate) fn last(&self, server_first: &str) -> Vec<u8> {
        let hmac = |key: &[u8], message: &[u8]| hmac(self.mechanism, key, message);
        let attribute = |key| server_first.split(',').find_map(|part| part.strip_prefix(key)).unwrap();
        let salt = STANDARD.decode(attribute("s=")).unwrap();
        let mut u = hmac(self.password.as_bytes(), &[salt, vec![0, 0, 0, 1]].concat());
        let mut salted = u.clone();
        for _ in 1..attribute("i=").parse().unwrap() {
            u = hmac(self.password.as_bytes(), &u);
            salted.iter_mut().zip(&u).for_each(|(sum, u)| *sum ^= u);
        }
        let client_key = hmac(&salted, b"Client Key");
        let stored_key = digest(self.mechanism, &client_key);
        let channel = STANDARD.encode([self.header.as_bytes(), &self.channel].concat());
        let without_proof = format!("c={channel},r={}", attribute("r="));
        let message = format!("{},{server_first},{without_proof}", self.bare);
        let signature = hmac(&stored_key, message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, octet)| key ^ octet).collect();
        format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes()
    }
}
