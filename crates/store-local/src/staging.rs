//! A body on its way in: in memory as long as it may yet be small, then, gathered into pieces, in a file that the body
//! desk's thread writes.

use crate::body_file::{BLOCK, FinishedBody, StagedBody};
use crate::engine::Engine;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use store::{AccountId, Answer, BodyId, BodyWriter, MAX_INLINE_BODY, StoreError};

/// Octets that are handed to the thread together. The buffer comes back, so that a large body costs one of them.
const PIECE: usize = MAX_INLINE_BODY;
const _: () = assert!(PIECE.is_multiple_of(BLOCK), "only the last piece may end within a block");

/// The body, and whose it is.
pub(crate) struct Staging {
    engine: Arc<Engine>,
    account: AccountId,
    /// `None`: a piece was not written, or nobody waited to see whether it was.
    so_far: Option<SoFar>,
}

#[derive(Default)]
struct SoFar {
    /// Made when what was gathered is more than a small body may be.
    file: Option<Box<StagedBody>>,
    /// What is not in the file yet, at most [`PIECE`].
    gathered: Vec<u8>,
}

impl Staging {
    pub(crate) fn new(engine: Arc<Engine>, account: AccountId) -> Self {
        Self { engine, account, so_far: Some(SoFar::default()) }
    }

    async fn take_in(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        let mut so_far = self.so_far.take().ok_or_else(broken)?;
        // At once: a body that is staged is mostly a large one, and growing step by step leaves gaps in memory.
        so_far.gathered.reserve_exact(PIECE - so_far.gathered.len());
        while !bytes.is_empty() {
            if so_far.gathered.len() == PIECE {
                so_far = self.write_down(so_far).await?;
            }
            let room = PIECE - so_far.gathered.len();
            so_far.gathered.extend_from_slice(&bytes.split_to(bytes.len().min(room)));
        }
        self.so_far = Some(so_far);
        Ok(())
    }

    async fn write_down(&self, so_far: SoFar) -> Result<SoFar, StoreError> {
        let bodies = self.engine.bodies.clone();
        let write = move || {
            let file = so_far.file.map_or_else(|| bodies.stage().map(Box::new), Ok);
            match file.and_then(|file| append(file, so_far.gathered)) {
                Ok((so_far, synced)) => (Ok(so_far), synced),
                Err(e) => (Err(e), 0),
            }
        };
        self.engine.desk.ask(write).await?.map_err(|e| unwritten(&e))
    }
}

/// What is left to gather, and how many octets were synced.
fn append(mut file: Box<StagedBody>, mut gathered: Vec<u8>) -> io::Result<(SoFar, u64)> {
    let synced = file.write(&gathered)?;
    gathered.clear();
    Ok((SoFar { file: Some(file), gathered }, synced))
}

/// The last piece, and the name. Until then nobody can see the file.
fn finish(mut file: Box<StagedBody>, last: &[u8]) -> io::Result<(FinishedBody, u64)> {
    let synced = file.write(last)?;
    let left = file.unsynced();
    Ok((file.finish()?, synced + left))
}

impl BodyWriter for Staging {
    fn write(&mut self, bytes: Bytes) -> Answer<'_, ()> {
        Box::pin(async move {
            self.engine.trouble.check()?;
            self.take_in(bytes).await
        })
    }

    fn finish(self: Box<Self>) -> Answer<'static, (BodyId, u64)> {
        Box::pin(async move {
            let Self { engine, account, so_far } = *self;
            let SoFar { file, gathered } = so_far.ok_or_else(broken)?;
            let Some(file) = file else { return engine.keep_small_body(account, gathered.into()).await };
            let work = move || match finish(file, &gathered) {
                Ok((finished, synced)) => (Ok(finished), synced),
                Err(e) => (Err(e), 0),
            };
            let finished = engine.desk.ask(work).await?.map_err(|e| unwritten(&e))?;
            engine.keep_body_file(account, finished).await
        })
    }
}

/// A body's own file failed, not the log: the next one may fare better.
fn unwritten(e: &io::Error) -> StoreError {
    StoreError::Unavailable { reason: format!("a body's file could not be written ({e})"), uncertain: false }
}

fn broken() -> StoreError {
    StoreError::Unavailable { reason: "a piece of the body was not written".to_owned(), uncertain: false }
}
