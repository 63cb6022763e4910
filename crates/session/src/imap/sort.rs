//! SORT and UID SORT (RFC 5256; the display keys: RFC 5957; MODSEQ: RFC 7162, 3.1.9), with RETURN (ESORT: RFC 5267, 3;
//! SAVE: RFC 9051, 6.4.4; PARTIAL: RFC 5267, 4.4, and RFC 9394).
//!
//! What a message is sorted by comes from its record, at the time it is sorted: docs/decisions/sort-keys.md. No
//! octet of a message is read.

use super::done::{Done, Outcome, Stop};
use super::hall::Hall;
use super::search::{self, Answer, Found, Roll};
use super::talk::Talk;
use crate::breath::breath;
use crate::port::{Gone, Mail, Mailbox, Peer};
use mailbox::Row;
use mailbox::sort::{Direction, RUN, Sorted, Sorter};
use message::{EnvelopeView, Party, RecordView};
use terms::UidSet;
use wire::imap::Tag;
use wire::imap::command::{ResultOption, Sort, SortCriterion, SortDirection, SortKey};
use wire::imap::reply::SearchLine;

pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    sort: &Sort<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let outcome = seek(tag, sort, hall, talk).await;
    search::forget_saved(&sort.search, &outcome, hall)?;
    outcome
}

async fn seek<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    sort: &Sort<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let kept = hall.selected.as_mut().and_then(|selected| selected.order.take());
    let roll = Roll::find(tag, &sort.search, hall, talk).await?;
    let criteria = Criteria::new(&sort.criteria);
    match &sort.search.results {
        None => tell(order(&criteria, &roll, talk).await?, &roll, talk).await?,
        Some(options) => {
            let found = match kept.filter(|kept| kept.criteria == criteria && kept.of == *roll.uids()) {
                Some(kept) => kept.found,
                None => gather(order(&criteria, &roll, talk).await?).await,
            };
            let about = search::told(options, &found);
            let (mod_seq, numbering) = (roll.mod_seq(&about), roll.numbering);
            let of = roll.into_uids();
            let selected = hall.selected()?;
            if options.ask_for(ResultOption::Save) {
                selected.saved.keep(about)?;
            }
            let answer = Answer { tag, numbering, found: &found, mod_seq };
            answer.tell_extended(options, &selected.view, talk).await?;
            if options.partial().is_some() {
                selected.order = Order::kept(criteria, of, found);
            }
        }
    }
    Ok(Done::ok("SORT completed"))
}

/// How many ranges of UIDs are kept of an order and of what it is of: one MiB of them, a mailbox of some 100,000.
const MAX_KEPT_RANGES: usize = 128 << 10;

/// The order that a page was told of last, for whoever turns to the next one. What a message is sorted by never changes,
/// so the same messages by the same criteria are in the same order, whatever has happened since.
#[derive(Debug)]
pub(super) struct Order {
    criteria: Criteria,
    of: UidSet,
    found: Found,
}

impl Order {
    /// `None` where that would be too much, or where a message had gone before it was read.
    fn kept(criteria: Criteria, of: UidSet, found: Found) -> Option<Box<Self>> {
        let fits = of.spans().len() + found.ranges() <= MAX_KEPT_RANGES;
        (fits && of.len() == found.len()).then(|| Box::new(Self { criteria, of, found }))
    }
}

/// The order as a whole, for its ends or its middle may be asked for before the rest of it. Its keys go as it comes.
async fn gather(sorted: Sorted) -> Found {
    let mut found = Found::default();
    for (taken, uid) in (1..).zip(sorted) {
        found.push(uid);
        if taken % RUN == 0 {
            breath().await;
        }
    }
    found
}

async fn order<B: Mailbox, P: Peer>(
    criteria: &Criteria,
    roll: &Roll<'_, B>,
    talk: &mut Talk<P>,
) -> Result<Sorted, Stop> {
    let (mut sorter, mut key) = (Sorter::new(), mailbox::sort::SortKey::new());
    if criteria.ask_rows_alone() {
        let each = |row: &Row| {
            criteria.write(row, None, &mut key);
            sorter.push(row.uid, &key);
        };
        roll.rows(talk, each).await?;
    } else {
        let each = |row: &Row, record: &RecordView<'_>| {
            criteria.write(row, Some(record), &mut key);
            sorter.push(row.uid, &key);
        };
        roll.records(talk, each).await?;
    }
    Ok(sorter.finish())
}

/// The messages of a large mailbox are one line, but never one buffer.
async fn tell<B: Mailbox, P: Peer>(
    sorted: Sorted,
    roll: &Roll<'_, B>,
    talk: &mut Talk<P>,
) -> Result<(), Gone> {
    let mut line = SearchLine::begin_sort(talk.text());
    for (told, uid) in (1..).zip(sorted) {
        if let Some(number) = roll.number(uid) {
            line.number(talk.text(), number);
        }
        talk.flow().await?;
        if told % RUN == 0 {
            breath().await;
        }
    }
    line.end(talk.text(), roll.mod_seq_of_all());
    Ok(())
}

/// What to sort by. A key that is named again decides nothing: where it could, the messages are equal in it.
#[derive(Debug, PartialEq, Eq)]
struct Criteria(Vec<SortCriterion>);

impl Criteria {
    fn new(named: &[SortCriterion]) -> Self {
        let mut criteria: Vec<SortCriterion> = Vec::new();
        for criterion in named {
            if criteria.iter().all(|known| known.key != criterion.key) {
                criteria.push(*criterion);
            }
        }
        Self(criteria)
    }

    /// Whether the mailbox knows all that is asked for.
    fn ask_rows_alone(&self) -> bool {
        self.0.iter().all(|criterion| matches!(criterion.key, SortKey::Arrival | SortKey::Size))
    }

    fn write(&self, row: &Row, record: Option<&RecordView<'_>>, key: &mut mailbox::sort::SortKey) {
        let envelope = EnvelopeView::new(record.map_or(b"", RecordView::envelope));
        key.clear();
        for criterion in &self.0 {
            let direction = match criterion.direction {
                SortDirection::Ascending => Direction::Ascending,
                SortDirection::Descending => Direction::Descending,
            };
            match value(criterion.key, row, record, &envelope) {
                Value::Number(number) => key.number(direction, number),
                Value::Text(text) => key.text(direction, &text),
            }
        }
    }
}

enum Value {
    Number(i64),
    Text(String),
}

fn value(key: SortKey, row: &Row, record: Option<&RecordView<'_>>, envelope: &EnvelopeView<'_>) -> Value {
    match key {
        SortKey::Arrival => Value::Number(row.internal_date.seconds()),
        SortKey::Date => Value::Number(sent(row, record)),
        SortKey::Size => Value::Number(i64::try_from(row.size).unwrap_or(i64::MAX)),
        SortKey::Subject => Value::Text(envelope.base_subject().text),
        SortKey::Cc => Value::Text(envelope.mailbox(Party::Cc)),
        SortKey::From => Value::Text(envelope.mailbox(Party::From)),
        SortKey::To => Value::Text(envelope.mailbox(Party::To)),
        SortKey::DisplayFrom => Value::Text(envelope.display(Party::From)),
        SortKey::DisplayTo => Value::Text(envelope.display(Party::To)),
    }
}

/// RFC 5256, 2.2: "If the sent date cannot be determined (a Date: header is missing or cannot be parsed), the
/// INTERNALDATE for that message is used as the sent date."
pub(super) fn sent(row: &Row, record: Option<&RecordView<'_>>) -> i64 {
    record.and_then(RecordView::sent).unwrap_or(row.internal_date).seconds()
}
