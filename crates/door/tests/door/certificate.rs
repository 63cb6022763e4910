//! EXTERNAL: whom a client certificate lets in, and whom it does not, whoever has signed it.

use crate::house::{House, is_over};
use door::{NotLetIn, ShownCertificate};
use mailbox::account::directory::Standing;
use mailbox::account::directory::keyring::{Certificate, Fingerprint, Fingerprinted, Label, OwnPassword};

/// Certificates of different keys.
const LAPTOP: ShownCertificate = ShownCertificate { certificate: [1; 32], public_key: [2; 32] };
const PHONE: ShownCertificate = ShownCertificate { certificate: [3; 32], public_key: [4; 32] };
/// The laptop's, renewed: its key is the same.
const RENEWED: ShownCertificate = ShownCertificate { certificate: [5; 32], ..LAPTOP };

const fn whole(shown: &ShownCertificate) -> Fingerprint {
    Fingerprint { of: Fingerprinted::Certificate, sha256: shown.certificate }
}

const fn key(shown: &ShownCertificate) -> Fingerprint {
    Fingerprint { of: Fingerprinted::PublicKey, sha256: shown.public_key }
}

/// A house with accounts of Ann's and Bob's.
async fn ours() -> House {
    let house = House::new(Vec::new()).await;
    for name in ["ann@example.org", "bob@example.org"] {
        house.add(name, "secret").await;
    }
    house
}

impl House {
    async fn bind(&self, name: &str, fingerprint: Fingerprint) {
        let label = Label::new("a device").unwrap();
        self.accounts.bind(name, &Certificate { fingerprint, label }).await.unwrap();
    }

    /// Who is in then, or what they are told.
    async fn told(&self, shown: ShownCertificate, authzid: &str) -> String {
        match self.show(Some(shown), authzid).await {
            Ok(entered) => entered.name.to_string(),
            Err(why) => format!("{why:?}"),
        }
    }
}

#[tokio::test]
async fn t_35_a_certificate_lets_in_to_the_account_that_it_is_bound_to_and_nobody_elses_does() {
    let house = ours().await;
    assert_eq!(house.told(LAPTOP, "").await, "Wrong", "it is of an authority that we take, and nobody's");
    assert_eq!(house.told(LAPTOP, "ann@example.org").await, "Wrong", "a name makes it nobody's either");
    house.bind("ann@example.org", whole(&LAPTOP)).await;
    assert_eq!(house.told(LAPTOP, "").await, "ann@example.org");
    assert_eq!(house.told(PHONE, "").await, "Wrong");
    assert_eq!(house.told(RENEWED, "").await, "Wrong", "it was bound by all of it");
    let without = house.show(None, "ann@example.org").await.map(drop);
    assert!(matches!(without, Err(NotLetIn::Wrong)), "who has shown none is nobody");
}

#[tokio::test]
async fn a_certificate_that_is_bound_by_its_key_stays_so_when_it_is_renewed() {
    let house = ours().await;
    house.bind("ann@example.org", key(&LAPTOP)).await;
    for shown in [LAPTOP, RENEWED] {
        assert_eq!(house.told(shown, "").await, "ann@example.org");
    }
    assert_eq!(house.told(PHONE, "").await, "Wrong");
    // What was said of this one is nearer to it than what was said of its key.
    house.bind("bob@example.org", whole(&RENEWED)).await;
    assert_eq!(house.told(RENEWED, "").await, "bob@example.org");
    assert_eq!(house.told(LAPTOP, "").await, "ann@example.org");
}

#[tokio::test]
async fn t_30_a_certificate_lets_nobody_act_as_somebody_else() {
    let house = ours().await;
    house.bind("ann@example.org", whole(&LAPTOP)).await;
    for own in ["", "ann@example.org", "Ann@Example.ORG"] {
        assert_eq!(house.told(LAPTOP, own).await, "ann@example.org", "{own}");
    }
    for other in ["bob@example.org", "nobody@example.org", "ann", "ann@example.org.", "@"] {
        assert_eq!(house.told(LAPTOP, other).await, "NotAuthorized", "{other}");
    }
}

#[tokio::test]
async fn whoever_signed_in_with_a_certificate_is_signed_out_when_it_is_unbound_and_nobody_else() {
    let house = ours().await;
    for shown in [LAPTOP, PHONE] {
        house.bind("ann@example.org", whole(&shown)).await;
    }
    let laptop = house.show(Some(LAPTOP), "").await.unwrap();
    let phone = house.show(Some(PHONE), "").await.unwrap();
    assert_eq!(&*laptop.origin.device, "a device", "history says which it was");
    house.accounts.unbind("ann@example.org", &whole(&LAPTOP)).await.unwrap();
    assert!(is_over(&laptop) && !is_over(&phone));
    assert_eq!(house.told(LAPTOP, "").await, "Wrong");
    assert_eq!(house.told(PHONE, "").await, "ann@example.org");
}

#[tokio::test]
async fn an_account_that_is_disabled_refuses_its_certificates_and_one_that_refuses_its_password_does_not() {
    let house = ours().await;
    house.bind("ann@example.org", whole(&LAPTOP)).await;
    house.accounts.set_own_password("ann@example.org", OwnPassword::Refused).await.unwrap();
    assert_eq!(house.told(LAPTOP, "").await, "ann@example.org");
    let session = house.show(Some(LAPTOP), "").await.unwrap();
    house.accounts.set_standing("ann@example.org", Standing::Disabled).await.unwrap();
    assert!(is_over(&session));
    assert_eq!(house.told(LAPTOP, "").await, "Wrong");
}
