//! Mail coming in to the account in memory. How addresses are read in earnest is `mail`'s business, and tested there.

use super::mail::{Draft, Office};
use bytes::Bytes;
use mailbox::Flags;
use mailbox::account::Usage;
use mailbox::account::directory::{Login, Standing};
use mailbox::delivery::{Landed, Parcel, Recipient};
use session::lmtp::port;
use session::lmtp::{Refusal, Rules, WhenFull};
use session::port::{Draft as _, Letter, Mail as _};
use session::refusal;
use std::collections::VecDeque;
use std::net::IpAddr;
use terms::MailboxName;
use transcript::NAME;
use wire::imap::reply::Code;
use wire::lmtp::Address;

pub(crate) struct Post(pub(crate) Office);

pub(crate) fn rules() -> Rules {
    Rules { host: "mail.example.org".into(), message_octets: 64 << 20 }
}

fn refused(why: refusal::Refusal) -> Refusal {
    match why {
        refusal::Refusal::Denied(told) if matches!(told.code, Some(Code::OverQuota)) => {
            Refusal::Full(WhenFull::Defer, told.why.into())
        }
        refusal::Refusal::OurFault(id) => Refusal::OurFault(id),
        _ => Refusal::Unavailable,
    }
}

async fn begin(office: &Office, octets: u64) -> Result<Draft, Refusal> {
    let mut draft = office.draft(Usage::default());
    let begun = draft.begin(Letter { octets, flags: Flags::NONE, date: None }).await;
    begun.map(|()| draft).map_err(refused)
}

impl port::Office for Post {
    type Delivery = Bag;

    fn unix_s(&self) -> i64 {
        self.0.unix_s()
    }

    fn client(&self) -> Option<IpAddr> {
        None
    }

    fn connection(&self) -> u64 {
        1
    }

    fn refused(&self, _: &Refusal) {}

    async fn find(&self, address: &Address, octets: u64) -> Result<Recipient, Refusal> {
        let (user, detail) = address.local().split_once('+').unwrap_or((address.local(), ""));
        if user != NAME || address.domain().is_some_and(|domain| domain != "mail.example.org") {
            let is_postmaster = user.eq_ignore_ascii_case("postmaster");
            return Err(if is_postmaster { Refusal::NoPostmaster } else { Refusal::NoSuchUser });
        }
        begin(&self.0, octets).await?;
        Ok(Recipient {
            account: self.0.reader(),
            login: Login::new(NAME).unwrap(),
            standing: Standing::Enabled,
            detail: (!detail.is_empty()).then(|| detail.into()),
        })
    }

    fn begin(&self, parcels: Vec<Parcel>) -> Bag {
        Bag { office: self.0.clone(), parcels: parcels.into(), octets: Vec::new() }
    }

    fn note(&self, _: Option<&Address>, _: &Address, _: &Result<Landed, Refusal>) {}
}

pub(crate) struct Bag {
    office: Office,
    parcels: VecDeque<Parcel>,
    octets: Vec<u8>,
}

impl port::Delivery for Bag {
    async fn write(&mut self, octets: Bytes) {
        self.octets.extend_from_slice(&octets);
    }

    async fn end(&mut self) {}

    async fn deliver_next(&mut self) -> Option<Vec<Result<Landed, Refusal>>> {
        let parcel = self.parcels.pop_front()?;
        let message = Bytes::from([&parcel.heading[..], &self.octets].concat());
        let mut placed: Vec<Landed> = Vec::new();
        let mut outcomes = Vec::new();
        for wanted in &parcel.wanted {
            let mailbox = self.target(wanted).await;
            let landed = match placed.iter().find(|landed| landed.mailbox == mailbox) {
                Some(landed) => Ok(landed.clone()),
                None => self.file(&message, mailbox).await,
            };
            placed.extend(landed.clone());
            outcomes.push(landed);
        }
        Some(outcomes)
    }
}

impl Bag {
    async fn target(&self, wanted: &[MailboxName]) -> MailboxName {
        let names = self.office.account().await.unwrap();
        let mut there = wanted.iter().filter(|name| names.mailbox(name).is_some());
        there.next().cloned().unwrap_or_else(MailboxName::inbox)
    }

    async fn file(&self, message: &Bytes, mailbox: MailboxName) -> Result<Landed, Refusal> {
        let octets = message.len() as u64;
        let mut draft = begin(&self.office, octets).await?;
        draft.write(message.clone()).await.map_err(refused)?;
        draft.end().await.map_err(refused)?;
        let id = self.office.account().await.unwrap().mailbox(&mailbox).unwrap().id;
        self.office.append(id, draft).await.map_err(refused)?;
        Ok(Landed { mailbox, octets })
    }
}
