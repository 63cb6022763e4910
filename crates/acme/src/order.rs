//! One order: from the names to a certificate whose key we have.

use crate::hook::{Deed, Hook, HookError, Text};
use crate::steward::{Proof, Wanted};
use certificates::Validations;
use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, CertificateIdentifier, ChallengeHandle, ChallengeType,
    Error, Identifier, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// Longest that one order may take, with all its proofs, beside what a hook takes to show them.
const ORDER_PATIENCE: Duration = Duration::from_mins(20);
/// How long an authority may take to look at our proofs, and how long to issue.
const PATIENCE: Duration = Duration::from_mins(3);
/// Between two questions how far it is; twice as long each time.
const FIRST_ASK: Duration = Duration::from_millis(250);
/// Certificates of a chain that are taken.
const MAX_CHAIN: usize = 16;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The authority refuses, or cannot be asked.
    #[error("{0}")]
    Acme(#[from] Error),
    /// The authority did not find our proof, or found it wrong.
    #[error("{name} was not validated: {why}")]
    NotValidated {
        /// Which name.
        name: String,
        /// What the authority said.
        why: String,
    },
    /// It does not take the kind of proof that the settings name.
    #[error("the authority does not take {challenge} for {name}")]
    NoSuchChallenge {
        /// Which kind.
        challenge: &'static str,
        /// For which name.
        name: String,
    },
    /// DNS did not get the proof.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// No certificate, key or request could be made.
    #[error("{0}")]
    Making(#[from] rcgen::Error),
    /// A proof could not be shown.
    #[error("the proof for {0} cannot be shown")]
    NotShown(String),
    /// What was issued is not what was ordered.
    #[error("the authority issued what was not ordered: {0}")]
    Unfit(String),
    /// The order took too long.
    #[error("the order took longer than {} minutes", .0.as_secs() / 60)]
    TooSlow(Duration),
}

/// A key and a chain, as one PEM text.
pub(crate) struct Issued {
    pub(crate) pem: String,
}

/// Whoever can show the proofs of one order.
pub(crate) struct Prover<'s> {
    validations: &'s Validations,
    hook: Option<&'s Hook>,
    /// What is to be taken away in the end.
    shown: Mutex<Vec<Shown>>,
}

/// Something that is to be found by the authority, and taken away afterwards.
enum Shown {
    File(String),
    Certificate(String),
    Text(Text),
}

/// Orders a certificate; whatever comes of it, also where it takes too long, no proof stays.
pub(crate) async fn obtain(
    account: &Account,
    wanted: &Wanted,
    profile: Option<&str>,
    replaces: Option<CertificateIdentifier<'static>>,
    prover: &Prover<'_>,
) -> Result<Issued, OrderError> {
    let ordering = prove_and_take(account, wanted, profile, replaces, prover);
    prover.hiding_behind(prover.patience(wanted), ordering).await
}

async fn prove_and_take(
    account: &Account,
    wanted: &Wanted,
    profile: Option<&str>,
    replaces: Option<CertificateIdentifier<'static>>,
    prover: &Prover<'_>,
) -> Result<Issued, OrderError> {
    let mut order = begin(account, wanted, profile, replaces).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        prove(authorization?, wanted.proof, prover).await?;
    }
    let retries = RetryPolicy::new().initial_delay(FIRST_ASK).timeout(PATIENCE);
    match order.poll_ready(&retries).await {
        Ok(OrderStatus::Ready) => take(&mut order, wanted, &retries).await,
        Ok(_) => Err(blame(&mut order, wanted).await),
        Err(Error::Api(problem)) => Err(match blame(&mut order, wanted).await {
            told @ OrderError::NotValidated { .. } => told,
            _ => Error::Api(problem).into(),
        }),
        Err(why) => Err(why.into()),
    }
}

/// RFC 9773, 5: an order says which certificate it replaces; where the authority will not have it so, it is ordered as any
/// other.
async fn begin(
    account: &Account,
    wanted: &Wanted,
    profile: Option<&str>,
    replaces: Option<CertificateIdentifier<'static>>,
) -> Result<Order, Error> {
    let names: Vec<_> = wanted.names.iter().map(|name| Identifier::Dns(name.clone())).collect();
    let plain = || match profile {
        Some(profile) => NewOrder::new(&names).profile(profile),
        None => NewOrder::new(&names),
    };
    if let Some(replaces) = replaces {
        match account.new_order(&plain().replaces(replaces)).await {
            Err(Error::Api(problem)) if !is_about_replacing(&problem) => return Err(Error::Api(problem)),
            Ok(order) => return Ok(order),
            Err(_) => {}
        }
    }
    account.new_order(&plain()).await
}

/// RFC 9773, 7.4: `alreadyReplaced`; an authority may also not know the certificate.
fn is_about_replacing(problem: &Problem) -> bool {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    kind.ends_with(":alreadyReplaced") || kind.ends_with(":malformed") || kind.ends_with(":conflict")
}

async fn prove(
    mut authorization: AuthorizationHandle<'_>,
    proof: Proof,
    prover: &Prover<'_>,
) -> Result<(), OrderError> {
    // RFC 8555, 7.1.4: one that is valid has been proved before, and need not be again.
    if authorization.status == AuthorizationStatus::Valid {
        return Ok(());
    }
    let name = authorization.identifier().to_string();
    let absent = OrderError::NoSuchChallenge { challenge: proof.as_str(), name };
    let mut challenge = authorization.challenge(proof.kind()).ok_or(absent)?;
    prover.show(&challenge, proof).await?;
    challenge.set_ready().await?;
    Ok(())
}

impl<'s> Prover<'s> {
    pub(crate) fn new(validations: &'s Validations, hook: Option<&'s Hook>) -> Self {
        Self { validations, hook, shown: Mutex::default() }
    }

    /// How long an order may take. A hook is called for each name, one behind the other, and each time it may take as long as
    /// the settings say.
    fn patience(&self, wanted: &Wanted) -> Duration {
        let hook = self.hook.filter(|_| wanted.proof == Proof::Dns01);
        let each = hook.map_or(Duration::ZERO, |hook| hook.patience);
        let names = u32::try_from(wanted.names.len()).unwrap_or(u32::MAX);
        ORDER_PATIENCE.saturating_add(each.saturating_mul(names))
    }

    /// Waits for an order that long, and then takes away what was shown for it.
    async fn hiding_behind<T>(
        &self,
        patience: Duration,
        ordering: impl Future<Output = Result<T, OrderError>>,
    ) -> Result<T, OrderError> {
        let outcome = timeout(patience, ordering).await.unwrap_or(Err(OrderError::TooSlow(patience)));
        let shown = std::mem::take(&mut *self.shown());
        for proof in &shown {
            self.hide(proof).await;
        }
        outcome
    }

    fn shown(&self) -> MutexGuard<'_, Vec<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn show(&self, challenge: &ChallengeHandle<'_>, proof: Proof) -> Result<(), OrderError> {
        let domain = match challenge.identifier().identifier {
            Identifier::Dns(domain) => domain.clone(),
            _ => return Err(OrderError::NotShown(challenge.identifier().to_string())),
        };
        let answer = challenge.key_authorization();
        let could = match proof {
            Proof::Http01 => {
                self.shown().push(Shown::File(challenge.token.clone()));
                self.validations.show_file(&challenge.token, answer.as_str())
            }
            Proof::TlsAlpn01 => {
                let (certificate, key) = proving_certificate(&domain, answer.digest().as_ref())?;
                self.shown().push(Shown::Certificate(domain.clone()));
                self.validations.show_certificate(&domain, certificate, key).unwrap_or(false)
            }
            Proof::Dns01 => {
                let text = Text { domain: domain.clone(), value: answer.dns_value() };
                // Also where it fails: half of it may have been done.
                self.shown().push(Shown::Text(text.clone()));
                self.hook.ok_or(HookError::None)?.run(Deed::Add, &text).await?;
                true
            }
        };
        could.then_some(()).ok_or(OrderError::NotShown(domain))
    }

    async fn hide(&self, proof: &Shown) {
        match proof {
            Shown::File(token) => self.validations.hide_file(token),
            Shown::Certificate(name) => self.validations.hide_certificate(name),
            Shown::Text(text) => {
                if let Some(hook) = self.hook {
                    // A record that stays does no harm: its value proves nothing to anybody else.
                    hook.run(Deed::Remove, text).await.ok();
                }
            }
        }
    }
}

/// RFC 8737, 3: self-signed, for the name alone, with the digest in a critical extension.
fn proving_certificate(
    domain: &str,
    digest: &[u8],
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), OrderError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![domain.to_owned()])?;
    params.custom_extensions =
        vec![CustomExtension::new_acme_identifier(digest.get(..32).unwrap_or_default())];
    let made = params.self_signed(&key)?;
    let key =
        PrivateKeyDer::try_from(key.serialize_der()).map_err(|why| OrderError::Unfit(why.to_owned()))?;
    Ok((made.der().clone(), key))
}

/// Which name it was, and what the authority found there.
async fn blame(order: &mut Order, wanted: &Wanted) -> OrderError {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        if state.status != AuthorizationStatus::Invalid {
            continue;
        }
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        let why = problem.map_or("the authority does not say why".to_owned(), words);
        return OrderError::NotValidated { name: state.identifier().to_string(), why };
    }
    let name = wanted.names.join(", ");
    OrderError::NotValidated { name, why: "the authority does not say why".into() }
}

fn words(problem: &Problem) -> String {
    problem.detail.clone().or_else(|| problem.r#type.clone()).unwrap_or_default()
}

/// A key of its own for each certificate: one that leaks is worth nothing after the next renewal.
async fn take(order: &mut Order, wanted: &Wanted, retries: &RetryPolicy) -> Result<Issued, OrderError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(wanted.names.clone())?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(retries).await?;
    judge(&chain, &key, wanted)?;
    Ok(Issued { pem: format!("{}{chain}", key.serialize_pem()) })
}

/// Whether it is what was ordered: what a server shows is never taken on trust.
fn judge(chain: &str, key: &KeyPair, wanted: &Wanted) -> Result<(), OrderError> {
    let unfit = |why: String| OrderError::Unfit(why);
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|why| unfit(why.to_string()))?;
    if chain.is_empty() || chain.len() > MAX_CHAIN {
        return Err(unfit(format!("a chain of {} certificates", chain.len())));
    }
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|why| unfit(why.to_owned()))?;
    let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|why| unfit(why.to_string()))?;
    let leaf = certified
        .end_entity_cert()
        .and_then(ParsedCertificate::try_from)
        .map_err(|why| unfit(why.to_string()))?;
    let absent = wanted.names.iter().find(|name| !covers(&leaf, name));
    absent.map_or(Ok(()), |name| Err(unfit(format!("{name} is not in it"))))
}

/// A wildcard is in it where any name below is.
pub(crate) fn covers(leaf: &ParsedCertificate<'_>, name: &str) -> bool {
    let name = name.replacen('*', "any-name", 1);
    ServerName::try_from(name).is_ok_and(|name| verify_server_name(leaf, &name).is_ok())
}

impl Proof {
    fn kind(self) -> ChallengeType {
        match self {
            Self::Http01 => ChallengeType::Http01,
            Self::TlsAlpn01 => ChallengeType::TlsAlpn01,
            Self::Dns01 => ChallengeType::Dns01,
        }
    }

    /// As the standard calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Dns01 => "dns-01",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn wanted(names: usize, proof: Proof) -> Wanted {
        Wanted { names: (0..names).map(|name| format!("{name}.example.org")).collect(), proof }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_shown_is_taken_away_also_where_an_order_takes_too_long() {
        let validations = Validations::default();
        let prover = Prover::new(&validations, None);
        let ordering = async {
            prover.shown().push(Shown::File("token".into()));
            assert!(validations.show_file("token", "answer"));
            pending::<Result<(), _>>().await
        };
        let patience = prover.patience(&wanted(1, Proof::Http01));
        let outcome = prover.hiding_behind(patience, ordering).await;
        assert!(matches!(outcome, Err(OrderError::TooSlow(ORDER_PATIENCE))), "{outcome:?}");
        assert_eq!(validations.file("token"), None);
    }

    #[test]
    fn what_a_hook_may_take_for_each_name_is_not_of_the_time_for_the_authority() {
        let validations = Validations::default();
        let hook = Hook { command: vec!["/bin/hook".into()], patience: Duration::from_hours(1) };
        let prover = Prover::new(&validations, Some(&hook));
        assert_eq!(prover.patience(&wanted(100, Proof::Dns01)), Duration::from_hours(100) + ORDER_PATIENCE);
        assert_eq!(prover.patience(&wanted(100, Proof::Http01)), ORDER_PATIENCE);
    }
}
