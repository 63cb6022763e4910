//! Accounts in memory, in a world that stands still.

use mail::Accounts;
use sasl::{Cost, CredentialRecord, Salts, Secret, Workspace};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store_memory::Memory;

/// What everybody's password is.
pub(crate) const PASSWORD: &str = "secret";

/// A clock that stands still and chance that is none.
#[derive(Default)]
pub(crate) struct Still(AtomicU64);

impl mail::World for Still {
    fn now_ms(&self) -> i64 {
        1_790_000_000_000
    }

    fn random(&self, into: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
    }
}

/// What hashing costs where nothing depends on it.
pub(crate) fn cheap() -> Cost {
    Cost::new(8, 1, 4_096).unwrap()
}

/// Accounts of these names, whose records were made at these costs.
pub(crate) async fn accounts(people: &[(&str, Cost)]) -> Accounts {
    let accounts = Accounts::open(Arc::new(Memory::new()), Arc::new(Still::default())).await.unwrap();
    for (name, cost) in people {
        let password = Secret::password(PASSWORD).unwrap();
        let record = CredentialRecord::new(&password, Salts([7; 32]), cost, &mut Workspace::new());
        accounts.add(name, &record).await.unwrap();
    }
    accounts
}
