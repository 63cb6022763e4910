//! Mail comes back while a large message with the same octets is delivered, and refused: what was staged for that goes
//! again, and what was brought back stays.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use mail::{Account, Accounts, Aim, Bygone, Delivery, Error, Onlooker, Origin, World, who_had};
use mailbox::account::{Allowance, Allowances};
use mailbox::delivery::Parcel;
use mailbox::{Doomed, MailboxState};
use std::sync::Arc;
use store::{AccountId, BodyId, EmailId, EmailRange, Store};
use support::interposed::Interposed;
use support::{Still, id};
use terms::{MailboxName, Uid, UidSet};

const ANN: &str = "ann@example.org";
/// Too large for a commit.
const LARGE: usize = 300 << 10;

struct Nobody;

impl Onlooker for Nobody {
    fn at(&self, _: u64, _: u64) {}
}

/// What the account lacks of the first of its two messages.
#[derive(Clone, Copy, Debug)]
enum Lacks {
    /// Its octets alone.
    Octets,
    /// It was expunged, and only its record is left.
    Message,
    /// It never had it, nor the other.
    Everything,
}

/// How far a delivery of the first message has come before the mail comes back.
#[derive(Clone, Copy, Debug)]
enum Delivered {
    /// Its octets are staged.
    Staged,
    Not,
}

/// Two servers that have had the same life.
struct Twins {
    from: Arc<dyn Store>,
    to: Arc<Interposed>,
    accounts: Arc<Accounts>,
    ann: Arc<Account>,
}

fn letter(n: u8) -> Bytes {
    let mut letter = format!("Subject: {n}\r\n\r\n").into_bytes();
    letter.resize(LARGE, b'a' + n);
    letter.into()
}

/// A delivery of a letter, of which all octets have come.
async fn staged(accounts: &Accounts, to: AccountId, n: u8) -> Delivery {
    let wanted = vec![vec![MailboxName::inbox()]];
    let parcel = Parcel { account: to, heading: Bytes::from_static(b"Delivered-To: ann\r\n"), wanted };
    let mut delivery = Delivery::new(accounts, Origin::desk(), vec![parcel]);
    delivery.write(letter(n)).await;
    delivery.end().await;
    delivery
}

async fn deliver(accounts: &Accounts, to: AccountId, n: u8) {
    let outcome = staged(accounts, to, n).await.deliver_next().await.unwrap();
    assert!(outcome[0].is_ok(), "{outcome:?}");
}

async fn limit(account: &Account, octets: Allowance) {
    account.allow(&Origin::desk(), |allowed| Allowances { octets, ..allowed }).await.unwrap();
}

impl Twins {
    async fn new(lacks: Lacks) -> Self {
        let from = support::store();
        let (there, ann) = support::ann(&from).await;
        let to = Arc::new(Interposed::over(support::store()));
        let plain: Arc<dyn Store> = to.clone();
        let (accounts, twin) = support::ann(&plain).await;
        assert_eq!(ann.id(), twin.id());
        for n in 1..=2 {
            deliver(&there, ann.id(), n).await;
            if !matches!(lacks, Lacks::Everything) {
                deliver(&accounts, ann.id(), n).await;
            }
        }
        let twins = Self { from, to, accounts: Arc::new(accounts), ann: twin };
        match lacks {
            Lacks::Octets => {}
            Lacks::Message => twins.expunge_first().await,
            Lacks::Everything => return twins,
        }
        let first = twins.first_body().await;
        plain.delete_body(twins.ann.id(), first).await.unwrap();
        twins
    }

    async fn inbox(&self) -> Arc<MailboxState> {
        let inbox = id(&self.ann, "INBOX").await;
        Arc::clone(self.ann.open(inbox).await.unwrap().newest().state())
    }

    async fn expunge_first(&self) {
        let (inbox, first) = (id(&self.ann, "INBOX").await, UidSet::one(Uid::MIN));
        let expunge = |proposal: &mut mail::Proposal| {
            let expunging = mailbox::expunge(proposal.mailbox(inbox)?, Doomed::These(&first))?;
            expunging.events.iter().try_for_each(|event| proposal.push(inbox, event))
        };
        self.ann.change(&Origin::desk(), expunge).await.unwrap();
    }

    async fn first_body(&self) -> BodyId {
        let first = EmailId { mailbox: 1, uid: 1 };
        let records = self.from.records(self.ann.id(), &[EmailRange { first, last: first }]).await.unwrap();
        BodyId(message::body_of(&records[0].1).unwrap())
    }

    /// The first message comes, or is all here, and nobody has room for it.
    async fn refuse(accounts: Arc<Accounts>, ann: Arc<Account>, delivery: Option<Delivery>) {
        let mut delivery = match delivery {
            Some(staged) => staged,
            None => staged(&accounts, ann.id(), 1).await,
        };
        limit(&ann, Allowance::AtMost(1)).await;
        let outcome = delivery.deliver_next().await.unwrap();
        assert!(matches!(outcome[..], [Err(Error::OverQuota(_))]), "{outcome:?}");
        limit(&ann, Allowance::Unlimited).await;
    }

    async fn past(&self) -> Bygone {
        let holder = who_had(&*self.from, ANN, i64::MAX).await.unwrap().unwrap();
        let world: Arc<dyn World> = Arc::new(Still::default());
        Bygone::open(Arc::clone(&self.from), world, holder, i64::MAX).await.unwrap()
    }

    async fn bring_back(&self) -> Result<u64, Error> {
        let past = self.past().await;
        let aim = Aim::InPlace("as of then".to_owned());
        let brought = self.ann.bring_back(&Origin::desk(), &past, None, &aim, &Nobody).await?;
        assert_eq!(brought.lost, 0, "{brought:?}");
        Ok(brought.messages())
    }

    /// Whether a delivery was refused just before this call of those that bring the mail back.
    async fn check(lacks: Lacks, delivered: Delivered, call: usize) -> bool {
        let what = format!("{lacks:?}, {delivered:?}, call {call}");
        let twins = Self::new(lacks).await;
        let delivery = match delivered {
            Delivered::Staged => Some(staged(&twins.accounts, twins.ann.id(), 1).await),
            Delivered::Not => None,
        };
        let refused = Self::refuse(Arc::clone(&twins.accounts), Arc::clone(&twins.ann), delivery);
        let (begin, begun) = tokio::sync::oneshot::channel();
        let refused = tokio::spawn(async move {
            if begun.await.is_ok() {
                refused.await;
            }
        });
        twins.to.before(call, async move {
            begin.send(()).unwrap();
            // It may have to wait for whoever calls.
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
        });
        match twins.bring_back().await {
            Ok(_) => {}
            Err(Error::OverQuota(_)) => drop(twins.bring_back().await.unwrap()),
            Err(why) => panic!("{what}: {why}"),
        }
        let happened = twins.to.has_happened();
        twins.to.go_on();
        refused.await.unwrap();
        let state = twins.inbox().await;
        assert_eq!(state.messages(), 2, "{what}");
        for (_, name) in twins.ann.body_names(&state, &state.uids(Uid::MIN)).await.unwrap() {
            let length = twins.to.body_len(twins.ann.id(), BodyId(name)).await.unwrap();
            assert!(length.is_some_and(|length| length > LARGE as u64), "{what}: its octets are gone");
        }
        happened
    }
}

async fn check_all(lacks: Lacks, least: usize) {
    for delivered in [Delivered::Staged, Delivered::Not] {
        let mut call = 0;
        while Twins::check(lacks, delivered, call).await {
            call += 1;
        }
        assert!(call >= least, "only {call} calls");
    }
}

#[tokio::test]
async fn octets_that_were_mended_stay_whenever_a_delivery_of_the_same_is_refused() {
    check_all(Lacks::Octets, 10).await;
}

#[tokio::test]
async fn octets_of_a_message_that_came_back_under_its_identity_stay_too() {
    check_all(Lacks::Message, 10).await;
}

#[tokio::test]
async fn octets_of_a_message_that_is_new_here_stay_too() {
    check_all(Lacks::Everything, 10).await;
}

#[tokio::test]
async fn who_revives_an_account_whose_octets_go_meanwhile_is_told_so() {
    let mut told = Vec::new();
    for call in 0.. {
        let twins = Twins::new(Lacks::Everything).await;
        let past = twins.past().await;
        let (to, revived) = (Arc::clone(&twins.to), AccountId(twins.ann.id().0 + 1));
        twins.to.before(call, async move {
            for body in to.list_bodies(revived, None, 9).await.unwrap() {
                to.delete_body(revived, body).await.unwrap();
            }
        });
        let done = twins.accounts.revive(&past, "again@example.org", &Nobody).await;
        told.extend(done.err().map(|why| why.to_string()));
        if !twins.to.has_happened() {
            break;
        }
    }
    assert!(!told.is_empty() && told.iter().all(|why| why.contains("swept away")), "{told:?}");
}
