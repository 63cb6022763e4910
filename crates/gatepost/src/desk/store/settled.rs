//! Rot of the log that costs nothing any more. The octets stay rotten until their segment goes; so that the next check is
//! well all the same, and new rot is seen, a repair notes where they are. A note that is lost costs another repair.

use crate::office::Office;
use anyhow::Result;
use store::{AccountId, MAX_SOFT, Store};
use store_local::Damage;

const KEY: &[u8] = b"settled damage";

/// Where such octets are: a line for each damage.
#[derive(Debug, Default)]
pub(super) struct Settled(String);

pub(super) async fn of(office: &Office) -> Result<Settled> {
    let kept = office.store.soft(AccountId::DIRECTORY, KEY).await?;
    Ok(Settled(kept.map(|kept| String::from_utf8_lossy(&kept).into_owned()).unwrap_or_default()))
}

/// Notes those of the damages that cost nothing, beside those that are noted; as many as there is room for.
pub(super) async fn keep(office: &Office, damages: &[Damage]) -> Result<()> {
    let mut settled = of(office).await?;
    let news: Vec<String> = damages.iter().filter(|damage| is_in_log(damage)).map(line).collect();
    if news.is_empty() {
        return Ok(());
    }
    for line in news {
        if settled.0.len() + line.len() <= MAX_SOFT {
            settled.0.push_str(&line);
        }
    }
    Ok(office.store.put_soft(AccountId::DIRECTORY, KEY, Some(settled.0.into())).await?)
}

impl Settled {
    pub(super) fn covers(&self, damage: &Damage) -> bool {
        is_in_log(damage) && self.0.contains(&line(damage))
    }
}

fn is_in_log(damage: &Damage) -> bool {
    damage.lost.is_empty() && damage.file.starts_with("log/")
}

fn line(damage: &Damage) -> String {
    format!("{} {}-{}\n", damage.file, damage.from, damage.to)
}
