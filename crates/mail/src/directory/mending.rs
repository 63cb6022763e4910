//! The directory, of which events are lost: what a running server does by itself, and what a repair does.

use super::{Accounts, read};
use crate::Error;
use crate::repair::{Extent, Mending, look_at_directory, repair_known_directory};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use store::{AccountId, Salvage};

impl Accounts {
    /// Mends the directory where events of it are lost; says in words what was done. Its own store is `store`. Whoever
    /// runs knows what they had come to.
    ///
    /// # Errors
    /// The store cannot read or write now.
    pub async fn repair(&self, store: &dyn Salvage) -> Result<Vec<String>, Error> {
        let _one_at_a_time = self.changing.lock().await;
        self.mend(store, Extent::All).await
    }

    /// Mends the directory where nobody can notice it: what is lost was said twice, or is known. To be asked at the start of
    /// a server, and where a scrub has found something damaged in it.
    ///
    /// # Errors
    /// The store cannot read or write now.
    pub async fn mend_if_hurt(&self) -> Result<(), Error> {
        let _one_at_a_time = self.changing.lock().await;
        self.mend_without_loss().await.map(drop)
    }

    /// Whether something was mended. Whoever calls holds `changing`.
    pub(super) async fn mend_without_loss(&self) -> Result<bool, Error> {
        let Some(mender) = &self.mender else { return Ok(false) };
        let told = self.mend(mender.store(), Extent::WithoutLoss).await?;
        for what in &told {
            let mending = Mending { mailbox: None, uid: None, what: what.clone() };
            mender.mended(AccountId::DIRECTORY, &mending);
        }
        Ok(!told.is_empty())
    }

    async fn mend(&self, store: &dyn Salvage, extent: Extent) -> Result<Vec<String>, Error> {
        let in_part = self.is_in_part();
        if !in_part && let Err(why) = self.read_on().await {
            tracing::debug!(%why, "the directory cannot be followed before it is mended");
        }
        let at = self.roll.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = Some((at.seq, at.state.directory())).filter(|_| !at.state.is_in_part());
        let told = repair_known_directory(store, &*self.world, known, extent).await?;
        // It may have been mended before, and not been seen since.
        if !told.is_empty() || in_part && look_at_directory(store).await?.is_none() {
            self.show(read(&*self.store).await?);
        }
        if !told.is_empty() || known.is_some() {
            self.is_hurt.store(false, Ordering::Release);
        }
        Ok(told)
    }
}
