//! SEARCH of the large mailbox, whose hits the corpus knows.

use crate::bench::Bench;
use crate::corpus::{Flags, Mark};
use crate::hits::hits;
use crate::large::Large;
use crate::report::{Row, Wrongs};
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::sync::Arc;

/// A search, and what it has to find.
struct Search {
    name: &'static str,
    command: String,
    finds: fn(&Bench, u32) -> bool,
}

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let large = Large::open(bench).await?;
    for search in searches() {
        bench.tell(&measure(bench, &large, &search, "first").await?);
        let mut again = Vec::new();
        for _ in 1..bench.plan.rounds {
            again.push(measure(bench, &large, &search, "again").await?);
        }
        if let Some(best) = Row::best(again) {
            bench.tell(&best);
        }
    }
    Ok(())
}

/// The inside of a mark, as a word index does not know it.
fn part(word: &str) -> &str {
    word.get(1..word.len() - 2).unwrap_or(word)
}

fn searches() -> [Search; 6] {
    let body = Mark::Body.word();
    let search = |name, command, finds| Search { name, command, finds };
    [
        search("UNSEEN", "UNSEEN".to_owned(), |bench, index| {
            !bench.corpus.facts(index).flags.has(Flags::SEEN)
        }),
        search(
            "part of a subject",
            format!("HEADER Subject \"{}\"", part(Mark::Subject.word())),
            |_, index| Mark::Subject.is_on(index),
        ),
        search("sender", format!("FROM \"{}\"", Mark::Sender.word()), |_, index| Mark::Sender.is_on(index)),
        search("word anywhere", format!("TEXT \"{body}\""), |_, index| Mark::Body.is_on(index)),
        search("word in the text", format!("BODY \"{body}\""), |_, index| Mark::Body.is_on(index)),
        search("part of a word in the text", format!("BODY \"{}\"", part(body)), |_, index| {
            Mark::Body.is_on(index)
        }),
    ]
}

async fn measure(bench: &Bench, large: &Large, search: &Search, when: &str) -> Result<Row, Trouble> {
    let wanted: Vec<_> = (0..).zip(&large.uids).filter(|(index, _)| (search.finds)(bench, *index)).collect();
    let wanted: Vec<_> = wanted.into_iter().map(|(_, uid)| *uid).collect();
    let mut session = large.session(bench).await?;
    let measuring = bench.begin()?;
    let found = hits(&mut session, &format!("UID SEARCH {}", search.command)).await?;
    let measured = measuring.end()?;
    session.log_out().await?;
    let mut wrongs = Wrongs::default();
    wrongs.check(found == wanted, || {
        let missing = wanted.iter().filter(|uid| found.binary_search(uid).is_err()).count();
        let foreign = found.iter().filter(|uid| wanted.binary_search(uid).is_err()).count();
        format!("of {} messages {missing} were not found, and {foreign} others were", wanted.len())
    });
    let mut latencies = crate::latency::Latencies::default();
    latencies.add(measured.wall);
    let row = Row::new(Workload::Search, format!("{}, {when}", search.name)).measured(measured, 1, 0);
    Ok(row.took(&latencies).note("hits", found.len()).note("messages", large.uids.len()).wrong(wrongs))
}
