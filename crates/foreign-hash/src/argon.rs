//! Argon2 (RFC 9106) as a PHC string: `$argon2id$v=19$m=65536,t=3,p=1$salt$hash`.

use crate::bounds::{MAX_ARGON2_LANES, MAX_ARGON2_MEMORY_KIB, MAX_ARGON2_WORK_KIB};
use crate::compare::compare;
use crate::encoding::{base64, number};
use crate::{Cost, Unusable, Verdict};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

/// RFC 9106, 3.1, has no such bound; nobody writes more.
const MAX_HASH_OCTETS: usize = 128;
const MAX_SALT_OCTETS: usize = 64;
const KIND: &str = "Argon2";

pub(crate) struct Argon {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    hash: Zeroizing<Vec<u8>>,
}

impl Argon {
    /// `rest` is what stands behind `$argon2`: `id$v=19$m=65536,t=3,p=1$salt$hash`.
    pub(crate) fn parse(rest: &str) -> Result<Self, Unusable> {
        let (algorithm, rest) = algorithm(rest).ok_or(Unusable::Malformed(KIND))?;
        let (version, rest) = version(rest).ok_or(Unusable::Malformed(KIND))?;
        let mut fields = rest.split('$');
        let ([Some(costs), Some(salt), Some(hash)], None) = ([(); 3].map(|()| fields.next()), fields.next())
        else {
            return Err(Unusable::Malformed(KIND));
        };
        let params = params(costs)?;
        let salt = base64(salt).filter(|salt| (argon2::MIN_SALT_LEN..=MAX_SALT_OCTETS).contains(&salt.len()));
        let hash = base64(hash).filter(|hash| (10..=MAX_HASH_OCTETS).contains(&hash.len()));
        let (Some(salt), Some(hash)) = (salt, hash) else { return Err(Unusable::Malformed(KIND)) };
        Ok(Self { algorithm, version, params, salt: salt.to_vec(), hash })
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Argon2d => "ARGON2D",
            Algorithm::Argon2i => "ARGON2I",
            Algorithm::Argon2id => "ARGON2ID",
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        let memory_kib = self.params.m_cost();
        Cost::new(memory_kib, u64::from(memory_kib) * u64::from(self.params.t_cost()))
    }

    pub(crate) fn verify(&self, typed: &[u8]) -> Verdict {
        let mut blocks = vec![Block::new(); self.params.block_count()];
        let mut computed = Zeroizing::new(vec![0; self.hash.len()]);
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        match argon2.hash_password_into_with_memory(typed, &self.salt, &mut computed, &mut blocks) {
            Ok(()) => compare(&computed, &self.hash),
            // A password of more than 4 GiB.
            Err(_) => Verdict::Wrong,
        }
    }
}

fn algorithm(rest: &str) -> Option<(Algorithm, &str)> {
    let (name, rest) = rest.split_once('$')?;
    let algorithm = match name {
        "d" => Algorithm::Argon2d,
        "i" => Algorithm::Argon2i,
        "id" => Algorithm::Argon2id,
        _ => return None,
    };
    Some((algorithm, rest))
}

/// Strings of before 1.3 do not name their version, and are of version 1.0.
fn version(rest: &str) -> Option<(Version, &str)> {
    let Some(behind) = rest.strip_prefix("v=") else { return Some((Version::V0x10, rest)) };
    let (version, rest) = behind.split_once('$')?;
    match version {
        "16" => Some((Version::V0x10, rest)),
        "19" => Some((Version::V0x13, rest)),
        _ => None,
    }
}

fn params(costs: &str) -> Result<Params, Unusable> {
    let mut fields = costs.split(',');
    let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name)).and_then(number);
    let (Some(memory), Some(passes), Some(lanes)) = (field("m="), field("t="), field("p=")) else {
        return Err(Unusable::Malformed(KIND));
    };
    // Key identifiers and associated data (`keyid=`, `data=`) have no place in a password's hash.
    if fields.next().is_some() {
        return Err(Unusable::Malformed(KIND));
    }
    at_most("memory in KiB", memory.into(), MAX_ARGON2_MEMORY_KIB.into())?;
    at_most("number of lanes", lanes.into(), MAX_ARGON2_LANES.into())?;
    at_most("memory in KiB times passes", u64::from(memory) * u64::from(passes), MAX_ARGON2_WORK_KIB)?;
    Params::new(memory, passes, lanes, None).map_err(|_| Unusable::Malformed(KIND))
}

const fn at_most(what: &'static str, is: u64, may_be: u64) -> Result<(), Unusable> {
    match is > may_be {
        true => Err(Unusable::TooCostly { what, is, may_be }),
        false => Ok(()),
    }
}
