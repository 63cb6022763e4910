//! A body in a file of its own, read block by block: do the blocks fit their checksums, and the whole its name?

use super::BodyInFile;
use super::damage::{Damage, Lost};
use crate::body_file::{BLOCK, BodyFiles, StoredBody, path_of};
use std::io;

/// A body's file on the way through.
#[derive(Debug)]
pub(super) struct BodyReading {
    pub(super) body: BodyInFile,
    /// Or why there is nothing to read.
    file: Result<StoredBody, String>,
    hasher: blake3::Hasher,
    at: u64,
    damages: Vec<Damage>,
}

impl BodyReading {
    pub(super) fn begin(files: &BodyFiles, body: BodyInFile) -> Self {
        let file = files.stored(body.id, body.file).map_err(|e| e.to_string());
        Self { body, file, hasher: blake3::Hasher::new(), at: 0, damages: Vec::new() }
    }

    /// Reads on and says how much that was; 0 at the end.
    pub(super) fn read_on(&mut self, most: usize) -> u64 {
        let Ok(file) = &self.file else { return 0 };
        let most = most.next_multiple_of(BLOCK).min(within(self.body.length.saturating_sub(self.at)));
        match file.read(self.at, most) {
            Ok(octets) => {
                self.hasher.update(&octets);
                self.at += octets.len() as u64;
                octets.len() as u64
            }
            Err(why) if most > BLOCK => self.read_blocks(most, &why),
            Err(why) => {
                let (from, to) = (self.at, self.at + most as u64);
                self.damages.push(self.damage(from, to, &why.to_string()));
                self.at = to;
                most as u64
            }
        }
    }

    /// One of several blocks is damaged: which?
    fn read_blocks(&mut self, most: usize, why: &io::Error) -> u64 {
        let end = self.at + most as u64;
        let before = self.at;
        while self.at < end {
            if self.read_on(BLOCK) == 0 {
                self.damages.push(self.damage(self.at, end, &why.to_string()));
                self.at = end;
            }
        }
        self.at - before
    }

    /// What is wrong with it.
    pub(super) fn finish(self) -> Vec<Damage> {
        let length = self.body.length;
        let whole = match &self.file {
            Err(why) => Some(why.clone()),
            Ok(file) if file.length() != length => Some("it is not as long as it was".to_owned()),
            Ok(_) if self.damages.is_empty() && self.hasher.finalize().as_bytes() != &self.body.id.0 => {
                Some("it is not what its name says".to_owned())
            }
            Ok(_) => None,
        };
        match whole {
            Some(why) => vec![self.damage(0, length, &why)],
            None => self.damages,
        }
    }

    fn damage(&self, from: u64, to: u64, why: &str) -> Damage {
        let BodyInFile { account, id: body, file, .. } = self.body;
        let mut damage = Damage::of(path_of(body, file).display().to_string(), from..to, why);
        damage.lost.push(Lost::Body { account, body });
        damage
    }
}

fn within(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}
