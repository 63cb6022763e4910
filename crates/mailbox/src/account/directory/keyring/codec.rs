//! Events of a keyring as octets, behind version, tag and the account's number.
//!
//! ```text
//! 10  account linked        directory · subject
//! 11  account unlinked
//! 12  account renamed       login
//! 13  app password added    id · name · secret · protocols · created · expiry · count · networks
//! 14  app password revoked  id
//! 15  second factor set     octets
//! 16  second factor removed
//! 17  credential exposed    when · address · protocol
//! 18  exposure cleared
//! 19  certificate bound     fingerprint · name
//! 20  certificate unbound   fingerprint
//! 21  password policy set   0 where the own password is taken by mail protocols, 1 where it is refused
//! ```
//! Protocols are a number, a bit for each; a protocol is an octet below 64. A time is a number, two's complement in 64
//! bits; an expiry is 0, or 1 and a time. An address is 0 for none, or 4 or 16 and as many octets; a network is an address
//! and an octet, its bits. A fingerprint is 0 for one of a certificate, 1 for one of a public key, and 32 octets.

use super::{
    AppPassword, AppPasswordId, Certificate, Cidr, DirectoryName, Exposure, Fingerprint, Fingerprinted,
    Label, Link, MAX_APP_SECRET_OCTETS, MAX_NETWORKS, MAX_SECOND_FACTOR_OCTETS, OwnPassword, Scopes, Service,
    Subject,
};
use crate::account::codec::{Damaged, Reader, put_number, put_octets, put_text};
use crate::account::directory::DirectoryEvent;
use crate::account::directory::codec::login;
use std::net::IpAddr;
use terms::AccountId;

/// Events of a keyring have tags from here on.
pub(in crate::account::directory) const FIRST_TAG: u8 = LINKED;

const LINKED: u8 = 10;
const UNLINKED: u8 = 11;
const RENAMED: u8 = 12;
const APP_PASSWORD_ADDED: u8 = 13;
const APP_PASSWORD_REVOKED: u8 = 14;
const SECOND_FACTOR_SET: u8 = 15;
const SECOND_FACTOR_REMOVED: u8 = 16;
const EXPOSED: u8 = 17;
const EXPOSURE_CLEARED: u8 = 18;
const CERTIFICATE_BOUND: u8 = 19;
const CERTIFICATE_UNBOUND: u8 = 20;
const PASSWORD_POLICY_SET: u8 = 21;

impl DirectoryEvent {
    /// Of an event that a keyring, or a name, changes by: its tag, the account's number and the rest. `false` of any other.
    pub(in crate::account::directory) fn put_keyring(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::AccountLinked { id, link } => {
                put_tag(out, LINKED, *id);
                put_text(out, link.directory.as_str());
                put_text(out, link.subject.as_str());
            }
            Self::AccountUnlinked { id, link } => {
                put_tag(out, UNLINKED, *id);
                put_text(out, link.directory.as_str());
                put_text(out, link.subject.as_str());
            }
            Self::AccountRenamed { id, login } => {
                put_tag(out, RENAMED, *id);
                put_text(out, login.as_str());
            }
            Self::AppPasswordAdded { id, app_password } => {
                put_tag(out, APP_PASSWORD_ADDED, *id);
                put_app_password(out, app_password);
            }
            Self::AppPasswordRevoked { id, app_password } => {
                put_tag(out, APP_PASSWORD_REVOKED, *id);
                put_number(out, app_password.get());
            }
            Self::SecondFactorSet { id, factor } => {
                put_tag(out, SECOND_FACTOR_SET, *id);
                put_octets(out, factor);
            }
            Self::SecondFactorRemoved { id } => put_tag(out, SECOND_FACTOR_REMOVED, *id),
            Self::CredentialExposed { id, exposure } => {
                put_tag(out, EXPOSED, *id);
                put_time(out, exposure.when_s);
                put_address(out, exposure.address);
                out.push(exposure.service.number());
            }
            Self::ExposureCleared { id } => put_tag(out, EXPOSURE_CLEARED, *id),
            Self::CertificateBound { id, certificate } => {
                put_tag(out, CERTIFICATE_BOUND, *id);
                put_fingerprint(out, &certificate.fingerprint);
                put_text(out, certificate.label.as_str());
            }
            Self::CertificateUnbound { id, fingerprint } => {
                put_tag(out, CERTIFICATE_UNBOUND, *id);
                put_fingerprint(out, fingerprint);
            }
            Self::PasswordPolicySet { id, own_password } => {
                put_tag(out, PASSWORD_POLICY_SET, *id);
                out.push(u8::from(*own_password == OwnPassword::Refused));
            }
            _ => return false,
        }
        true
    }

    /// What [`Self::put_keyring`] wrote behind the tag and the number.
    pub(in crate::account::directory) fn read_keyring(
        tag: u8,
        id: AccountId,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Damaged> {
        Ok(match tag {
            LINKED => Self::AccountLinked { id, link: link(reader)? },
            UNLINKED => Self::AccountUnlinked { id, link: link(reader)? },
            RENAMED => Self::AccountRenamed { id, login: login(reader)? },
            APP_PASSWORD_ADDED => Self::AppPasswordAdded { id, app_password: app_password(reader)? },
            APP_PASSWORD_REVOKED => Self::AppPasswordRevoked { id, app_password: app_password_id(reader)? },
            SECOND_FACTOR_SET => {
                Self::SecondFactorSet { id, factor: octets(reader, MAX_SECOND_FACTOR_OCTETS)? }
            }
            SECOND_FACTOR_REMOVED => Self::SecondFactorRemoved { id },
            EXPOSED => Self::CredentialExposed { id, exposure: exposure(reader)? },
            EXPOSURE_CLEARED => Self::ExposureCleared { id },
            CERTIFICATE_BOUND => {
                let (fingerprint, label) = (fingerprint(reader)?, label(reader)?);
                Self::CertificateBound { id, certificate: Certificate { fingerprint, label } }
            }
            CERTIFICATE_UNBOUND => Self::CertificateUnbound { id, fingerprint: fingerprint(reader)? },
            PASSWORD_POLICY_SET => Self::PasswordPolicySet { id, own_password: own_password(reader)? },
            _ => return Err(Damaged("a directory event of an unknown kind")),
        })
    }
}

fn put_tag(out: &mut Vec<u8>, tag: u8, id: AccountId) {
    out.push(tag);
    put_number(out, id.0);
}

fn put_time(out: &mut Vec<u8>, time_s: i64) {
    put_number(out, time_s.cast_unsigned());
}

fn time(reader: &mut Reader<'_>) -> Result<i64, Damaged> {
    reader.number().map(u64::cast_signed)
}

fn put_app_password(out: &mut Vec<u8>, app: &AppPassword) {
    put_number(out, app.id.get());
    put_text(out, app.label.as_str());
    put_octets(out, &app.secret);
    put_number(out, app.scopes.bits());
    put_time(out, app.created_s);
    out.push(u8::from(app.expires_s.is_some()));
    app.expires_s.into_iter().for_each(|expires_s| put_time(out, expires_s));
    put_number(out, app.networks.len() as u64);
    for network in &app.networks {
        put_address(out, Some(network.base()));
        out.push(network.bits());
    }
}

fn app_password(reader: &mut Reader<'_>) -> Result<AppPassword, Damaged> {
    Ok(AppPassword {
        id: app_password_id(reader)?,
        label: label(reader)?,
        secret: octets(reader, MAX_APP_SECRET_OCTETS)?,
        scopes: Scopes::from_bits(reader.number()?).ok_or(Damaged("an app password for nothing"))?,
        created_s: time(reader)?,
        expires_s: match reader.byte()? {
            0 => None,
            1 => Some(time(reader)?),
            _ => return Err(Damaged("an expiry of an unknown kind")),
        },
        networks: networks(reader)?,
    })
}

fn app_password_id(reader: &mut Reader<'_>) -> Result<AppPasswordId, Damaged> {
    AppPasswordId::from_number(reader.number()?).ok_or(Damaged("an app password with id 0"))
}

fn networks(reader: &mut Reader<'_>) -> Result<Box<[Cidr]>, Damaged> {
    let count = reader.number()?;
    if count > MAX_NETWORKS as u64 {
        return Err(Damaged("an app password with more networks than it may have"));
    }
    (0..count).map(|_| network(reader)).collect()
}

fn network(reader: &mut Reader<'_>) -> Result<Cidr, Damaged> {
    let base = address(reader)?.ok_or(Damaged("a network without an address"))?;
    Cidr::new(base, reader.byte()?).map_err(|_| Damaged("an address that is no network"))
}

fn put_address(out: &mut Vec<u8>, address: Option<IpAddr>) {
    match address {
        None => out.push(0),
        Some(IpAddr::V4(v4)) => put_octets(out, &v4.octets()),
        Some(IpAddr::V6(v6)) => put_octets(out, &v6.octets()),
    }
}

fn address(reader: &mut Reader<'_>) -> Result<Option<IpAddr>, Damaged> {
    let octets = reader.octets()?;
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Ok(Some(v4.into()));
    }
    match <[u8; 16]>::try_from(octets) {
        Ok(v6) => Ok(Some(v6.into())),
        Err(_) if octets.is_empty() => Ok(None),
        Err(_) => Err(Damaged("an address of a wrong length")),
    }
}

fn exposure(reader: &mut Reader<'_>) -> Result<Exposure, Damaged> {
    let (when_s, address) = (time(reader)?, address(reader)?);
    let service = Service::from_number(reader.byte()?).ok_or(Damaged("a protocol above 63"))?;
    Ok(Exposure { when_s, address, service })
}

fn put_fingerprint(out: &mut Vec<u8>, fingerprint: &Fingerprint) {
    out.push(match fingerprint.of {
        Fingerprinted::Certificate => 0,
        Fingerprinted::PublicKey => 1,
    });
    put_octets(out, &fingerprint.sha256);
}

fn fingerprint(reader: &mut Reader<'_>) -> Result<Fingerprint, Damaged> {
    let of = match reader.byte()? {
        0 => Fingerprinted::Certificate,
        1 => Fingerprinted::PublicKey,
        _ => return Err(Damaged("a fingerprint of something unknown")),
    };
    let sha256 = reader.octets()?.try_into().map_err(|_| Damaged("a fingerprint of a wrong length"))?;
    Ok(Fingerprint { of, sha256 })
}

fn link(reader: &mut Reader<'_>) -> Result<Link, Damaged> {
    let directory = text(reader, DirectoryName::new, DirectoryName::as_str)?;
    Ok(Link { directory, subject: text(reader, Subject::new, Subject::as_str)? })
}

fn label(reader: &mut Reader<'_>) -> Result<Label, Damaged> {
    text(reader, Label::new, Label::as_str)
}

fn text<T, E>(
    reader: &mut Reader<'_>,
    make: impl Fn(&str) -> Result<T, E>,
    show: impl Fn(&T) -> &str,
) -> Result<T, Damaged> {
    let text = reader.text()?;
    let made = make(text).ok().filter(|made| show(made) == text);
    made.ok_or(Damaged("a name that is none"))
}

fn octets(reader: &mut Reader<'_>, most: usize) -> Result<Box<[u8]>, Damaged> {
    let octets = reader.octets()?;
    if octets.len() > most {
        Err(Damaged("a secret that is longer than it may be"))
    } else {
        Ok(octets.into())
    }
}

fn own_password(reader: &mut Reader<'_>) -> Result<OwnPassword, Damaged> {
    match reader.byte()? {
        0 => Ok(OwnPassword::Allowed),
        1 => Ok(OwnPassword::Refused),
        _ => Err(Damaged("a password policy of an unknown kind")),
    }
}
