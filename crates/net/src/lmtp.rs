//! LMTP as a [`Service`](crate::Service): a counter for each mail server that brings mail.
//!
//! Where `session::lmtp` meets `mail`. Nothing is decided here but what an error of the store means to a mail server.

use crate::hall::{note, note_for_now};
use crate::visit::{Farewell, Visit};
use bytes::Bytes;
use door::{Elsewhere, Expected};
use events::{Account, DeliveryFailure, EndReason, Event, MailAddress, Mailbox};
use events::{Refused, ResponseCode, Sentence};

use mail::{Accounts, Addressing, Error, Origin, Part, Protocol, names_of};
use mailbox::account::Usage;
use mailbox::account::directory::Standing;
use mailbox::delivery::{Landed, Parcel, Recipient};
use session::lmtp::port;
use session::lmtp::{self, Ending, Refusal, Rules, WhenFull};
use session::port::Peer;
use settings::Settings;
use std::net::IpAddr;
use std::sync::Arc;
use wire::lmtp::Address;

/// Takes mail in for accounts.
pub struct Lmtp {
    accounts: Arc<Accounts>,
    /// Asked about names that nobody has here.
    elsewhere: Arc<Elsewhere>,
    rules: Rules,
    addressing: Addressing,
    when_full: WhenFull,
}

impl Lmtp {
    /// For these accounts, as the settings have it.
    #[must_use]
    pub fn new(settings: &Settings, accounts: Arc<Accounts>) -> Self {
        let host = settings.server.hostname.as_str();
        let separator = settings.lmtp.detail_separator.0;
        let postmaster = settings.lmtp.postmaster.as_ref().map(|name| name.as_str().into());
        Self {
            accounts,
            elsewhere: Arc::default(),
            rules: Rules { host: host.into(), message_octets: settings.limits.append_limit_octets },
            addressing: Addressing { separator, host: host.into(), postmaster },
            when_full: match settings.lmtp.when_full {
                settings::WhenFull::Defer => WhenFull::Defer,
                settings::WhenFull::Refuse => WhenFull::Refuse,
            },
        }
    }

    /// The same, where people whom a directory elsewhere knows get mail before they sign in for the first time.
    #[must_use]
    pub fn asking(self, elsewhere: Arc<Elsewhere>) -> Self {
        Self { elsewhere, ..self }
    }

    /// Who has an address elsewhere that nobody has here.
    async fn expect(&self, address: &Address) -> Result<Recipient, Refusal> {
        for (login, detail) in names_of(address.local(), address.domain(), &self.addressing) {
            match self.elsewhere.expect(&self.accounts, &login).await {
                Expected::Nobody => {}
                Expected::Disabled => return Err(Refusal::Disabled),
                Expected::Unknowable => return Err(Refusal::Unavailable),
                Expected::Known(account) => {
                    let (name, standing) = (self.accounts.login(account), self.accounts.standing(account));
                    let (Some(login), Some(standing)) = (name, standing) else { break };
                    return Ok(Recipient { account, login, standing, detail: detail.map(Into::into) });
                }
            }
        }
        Err(self.nobody(address))
    }

    /// Talks to a mail server until one of the two has enough.
    pub(crate) async fn take_mail<P: Peer>(&self, peer: P, visit: Arc<Visit>) -> Farewell {
        let counter = Counter { lmtp: self, visit };
        let ended = lmtp::serve(peer, &counter, &self.rules).await;
        Farewell { reason: reason(ended.ending), commands: ended.commands }
    }

    fn recipient(&self, address: &Address) -> Result<Option<Recipient>, Error> {
        self.accounts.recipient(address.local(), address.domain(), &self.addressing)
    }

    /// What is said of an address that nobody has.
    fn nobody(&self, address: &Address) -> Refusal {
        match self.addressing.is_postmaster(address.local()) {
            false => Refusal::NoSuchUser,
            true if self.addressing.postmaster.is_some() => Refusal::PostmasterGone,
            true => Refusal::NoPostmaster,
        }
    }
}

/// As the log calls it.
const fn reason(ending: Ending) -> EndReason {
    match ending {
        Ending::Quit => EndReason::Logout,
        Ending::Gone => EndReason::Closed,
        Ending::TimedOut => EndReason::IdleTimeout,
        Ending::Stopping => EndReason::Stopping,
        Ending::TooManyMistakes | Ending::Endless | Ending::Misframed(_) => EndReason::Misuse,
    }
}

/// Where one mail server is served.
struct Counter<'l> {
    lmtp: &'l Lmtp,
    visit: Arc<Visit>,
}

impl Counter<'_> {
    fn origin(&self) -> Origin {
        Origin {
            account: None,
            protocol: Protocol::Lmtp,
            address: port::Office::client(self),
            session: self.visit.id().0,
            device: "".into(),
        }
    }

    fn clerk(&self) -> Clerk {
        Clerk { visit: Arc::clone(&self.visit), when_full: self.lmtp.when_full }
    }
}

/// Knows what an error means to a mail server.
struct Clerk {
    visit: Arc<Visit>,
    when_full: WhenFull,
}

impl Clerk {
    fn refusal(&self, why: Error) -> Refusal {
        match why {
            Error::AccountRemoved => Refusal::NoSuchUser,
            Error::OverQuota(why) => Refusal::Full(self.when_full, why.to_string().into()),
            Error::Limit(why) => Refusal::Full(self.when_full, why.to_string().into()),
            Error::InPart(Part::Mailbox | Part::Names) => Refusal::InPart,
            // The log has said so.
            Error::InPart(Part::Directory) => Refusal::Unavailable,
            Error::Unavailable(_) | Error::Uncertain(_) => {
                note_for_now(self.visit.id(), &why);
                Refusal::Unavailable
            }
            Error::NoSuchMailbox
            | Error::NoSuchMessage
            | Error::Refused(_)
            | Error::TooMuch
            | Error::Withdrawn
            | Error::NotKept(_)
            | Error::Damaged(_) => Refusal::OurFault(note(self.visit.id(), &why)),
        }
    }
}

impl port::Office for Counter<'_> {
    type Delivery = Delivery;

    fn unix_s(&self) -> i64 {
        self.lmtp.accounts.unix_s()
    }

    fn client(&self) -> Option<IpAddr> {
        match self.visit.peer() {
            events::Peer::Address(address) => Some(address.ip()),
            events::Peer::UnixSocket => None,
        }
    }

    fn connection(&self) -> u64 {
        self.visit.id().0
    }

    async fn find(&self, address: &Address, octets: u64) -> Result<Recipient, Refusal> {
        let found = self.lmtp.recipient(address).map_err(|why| self.clerk().refusal(why))?;
        let found = match found {
            Some(found) => found,
            None => self.lmtp.expect(address).await?,
        };
        if found.standing == Standing::Disabled {
            return Err(Refusal::Disabled);
        }
        let account = self.lmtp.accounts.account(found.account);
        let room = account.check_room(Usage { octets, messages: 1 }, Usage::default()).await;
        room.map_err(|why| self.clerk().refusal(why))?;
        Ok(found)
    }

    fn begin(&self, parcels: Vec<Parcel>) -> Delivery {
        let delivery = mail::Delivery::new(&self.lmtp.accounts, self.origin(), parcels);
        Delivery { delivery, clerk: self.clerk() }
    }

    fn refused(&self, refusal: &Refusal) {
        let refused = if refusal.is_mistake() { Refused::Bad } else { Refused::No };
        let reply = refusal.reply();
        self.visit.refused(
            refused,
            None,
            Some(ResponseCode::new(&reply.code().to_string())),
            Sentence::new(reply.text()),
        );
    }

    fn note(&self, sender: Option<&Address>, recipient: &Address, outcome: &Result<Landed, Refusal>) {
        let connection = self.visit.id();
        let sender = sender.map(|sender| MailAddress::new(sender.as_str()));
        let account = || {
            let found = self.lmtp.recipient(recipient).ok().flatten();
            found.map(|found| Account::new(found.login.as_str()))
        };
        let address = MailAddress::new(recipient.as_str());
        match outcome {
            Ok(Landed { mailbox, octets }) => Event::DeliveryAccepted {
                connection,
                sender,
                recipient: address,
                account: account(),
                mailbox: Mailbox::from(mailbox),
                octets: *octets,
            },
            Err(why) => {
                Event::DeliveryRefused { connection, sender, recipient: address, reason: failure(why) }
            }
        }
        .log();
    }
}

/// As the log calls it.
const fn failure(why: &Refusal) -> DeliveryFailure {
    match why {
        Refusal::NoSuchUser | Refusal::NoPostmaster | Refusal::PostmasterGone => DeliveryFailure::NoAccount,
        Refusal::TooLarge(_) => DeliveryFailure::TooLarge,
        Refusal::BadData(_) => DeliveryFailure::Malformed,
        Refusal::NeedsUtf8 => DeliveryFailure::NeedsUtf8,
        Refusal::Full(..) => DeliveryFailure::OverQuota,
        Refusal::Disabled => DeliveryFailure::Disabled,
        Refusal::Unavailable
        | Refusal::InPart
        | Refusal::OurFault(_)
        | Refusal::Misspoken(_)
        | Refusal::OutOfOrder(_)
        | Refusal::LongLine
        | Refusal::TooManyRecipients(_) => DeliveryFailure::Unavailable,
    }
}

/// A message on its way in.
struct Delivery {
    delivery: mail::Delivery,
    clerk: Clerk,
}

impl port::Delivery for Delivery {
    async fn write(&mut self, octets: Bytes) {
        self.delivery.write(octets).await;
    }

    async fn end(&mut self) {
        self.delivery.end().await;
    }

    async fn deliver_next(&mut self) -> Option<Vec<Result<Landed, Refusal>>> {
        let outcomes = self.delivery.deliver_next().await?;
        let told = outcomes.into_iter().map(|outcome| outcome.map_err(|why| self.clerk.refusal(why)));
        Some(told.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::reception::Reception;
    use mailbox::account::OverQuota;
    use policy::ConnectionLimits;
    use settings::ListenerKind;
    use std::time::Duration;

    fn clerk(when_full: WhenFull) -> Clerk {
        let admission = Reception::new(ConnectionLimits::default()).admit_known();
        let peer = events::Peer::UnixSocket;
        let visit = Visit::new(admission, peer, ListenerKind::Lmtp, Clock::start(), Duration::MAX);
        Clerk { visit: Arc::new(visit), when_full }
    }

    #[tokio::test]
    async fn mail_comes_back_for_what_its_sender_can_mend_and_waits_for_what_we_can() {
        let told = |when_full, why| clerk(when_full).refusal(why).reply().code();
        for (why, code) in [
            (Error::AccountRemoved, 550),
            (Error::OverQuota(OverQuota::Storage(1)), 452),
            (Error::InPart(Part::Mailbox), 450),
            (Error::InPart(Part::Directory), 450),
            (Error::Unavailable("the disk is full".into()), 450),
            (Error::Uncertain("the disk is gone".into()), 450),
            (Error::Damaged("it is rotten".into()), 451),
            (Error::NoSuchMailbox, 451),
        ] {
            assert_eq!(told(WhenFull::Defer, why.clone()), code, "{why}");
        }
        assert_eq!(told(WhenFull::Refuse, Error::OverQuota(OverQuota::Messages(1))), 552);
    }
}
