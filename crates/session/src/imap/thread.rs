//! THREAD and UID THREAD (RFC 5256).
//!
//! What belongs together is `mailbox::thread`'s business; here messages are brought to it, and threads are told.
//! Subjects, dates and references come from records; no octet of a message is read.

use super::done::{Done, Outcome, Stop};
use super::hall::Hall;
use super::search::Roll;
use super::sort::sent;
use super::talk::Talk;
use crate::breath::breath;
use crate::port::{Gone, Mail, Mailbox, Peer};
use mailbox::Row;
use mailbox::thread::{Letter, OrderedSubject, References, Standing, Threads, Token};
use message::{BaseSubject, EnvelopeView, RecordView, SubjectKind};
use wire::imap::Tag;
use wire::imap::command::{Thread, ThreadAlgorithm};
use wire::imap::reply::ThreadLine;

pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    thread: &Thread<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let roll = Roll::find(tag, &thread.search, hall, talk).await?;
    let threads = match thread.algorithm {
        ThreadAlgorithm::OrderedSubject => by_subject(&roll, talk).await?,
        ThreadAlgorithm::References => by_references(&roll, talk).await?,
    };
    tell(&threads, &roll, talk).await?;
    Ok(Done::ok("THREAD completed"))
}

async fn by_subject<B: Mailbox, P: Peer>(roll: &Roll<'_, B>, talk: &mut Talk<P>) -> Result<Threads, Stop> {
    let mut threading = OrderedSubject::new();
    let each = |row: &Row, record: &RecordView<'_>| {
        let subject = EnvelopeView::new(record.envelope()).base_subject();
        threading.push(&letter(row, record, &subject));
    };
    roll.records(talk, each).await?;
    breath().await;
    Ok(threading.finish())
}

async fn by_references<B: Mailbox, P: Peer>(roll: &Roll<'_, B>, talk: &mut Talk<P>) -> Result<Threads, Stop> {
    let mut threading = References::new(roll.len());
    let each = |row: &Row, record: &RecordView<'_>| {
        let subject = EnvelopeView::new(record.envelope()).base_subject();
        let id = record.message_id();
        threading.push(&letter(row, record, &subject), id.as_deref(), record.references());
    };
    roll.records(talk, each).await?;
    breath().await;
    let unpruned = threading.gather();
    breath().await;
    Ok(unpruned.finish())
}

fn letter<'s>(row: &Row, record: &RecordView<'_>, subject: &'s BaseSubject) -> Letter<'s> {
    let standing = match subject.kind {
        SubjectKind::Original => Standing::Original,
        SubjectKind::ReplyOrForward => Standing::Answer,
    };
    Letter { uid: row.uid, sent: sent(row, Some(record)), subject: &subject.text, standing }
}

/// How many pieces of the reply are written before others have their turn.
const PIECES: usize = 4_096;

/// However many threads there are, and however deep, they are one line and never one buffer.
async fn tell<B: Mailbox, P: Peer>(
    threads: &Threads,
    roll: &Roll<'_, B>,
    talk: &mut Talk<P>,
) -> Result<(), Gone> {
    let mut line = ThreadLine::begin(talk.text());
    for (told, token) in (1..).zip(threads.walk()) {
        match token {
            Token::Open => line.open(talk.text()),
            // Whatever was found has a number.
            Token::Member(uid) => line.member(talk.text(), roll.number(uid).unwrap_or(uid.get())),
            Token::Close => line.close(talk.text()),
        }
        talk.flow().await?;
        if told % PIECES == 0 {
            breath().await;
        }
    }
    line.end(talk.text());
    Ok(())
}
