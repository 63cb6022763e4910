//! The door of one connection: where `session::port` meets [`door`].

use crate::chronicle::Chronicle;
use crate::gate::refused_as;
use crate::hall::{Hall, HallLimits, refusal};
use crate::visit::Visit;
use door::{Doorkeeper, Entered, Failures, NotLetIn, Visitor};
use events::{ClientId, Command, Event, Mechanism};
use events::{ConnectionId, ResponseCode, Sentence};
use mail::Protocol;
use mailbox::account::directory::keyring::Exposure;
use sasl::{Claim, Nonce, Offer, Verifiers};
use session::port::{self, Means};
use session::refusal::Refusal;
use std::sync::Arc;
use wire::imap::CommandName;
use wire::imap::reply::Code;

/// The door of one connection.
pub(crate) struct ConnectionDoor {
    pub(crate) lodge: Arc<Lodge>,
    pub(crate) visit: Arc<Visit>,
    pub(crate) failures: Failures,
}

/// What all of them share.
pub(crate) struct Lodge {
    pub(crate) keeper: Doorkeeper,
    pub(crate) limits: HallLimits,
}

impl ConnectionDoor {
    fn visitor(&self, mechanism: Mechanism) -> Visitor {
        Visitor {
            connection: self.visit.id(),
            peer: self.visit.peer(),
            protocol: Protocol::Imap,
            mechanism,
            client: self.visit.client(),
            certificate: self.visit.certificate(),
            failures: self.failures.clone(),
        }
    }
}

/// Somebody who was let in and has not come in yet: to the connection they are a stranger still.
pub(crate) struct Guest {
    entered: Entered,
    mechanism: Mechanism,
    unless_in: Unless,
}

/// What is logged where somebody who was let in goes away instead.
struct Unless(Option<Event>);

impl Drop for Unless {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|event| event.log());
    }
}

impl port::Door for ConnectionDoor {
    type Mail = Hall;
    type Guest = Guest;

    async fn sign_in(&self, claim: Claim, means: Means) -> Result<Guest, Refusal> {
        let (mechanism, connection, peer) = (mechanism(means), self.visit.id(), self.visit.peer());
        let entered = self.lodge.keeper.enter(claim, &self.visitor(mechanism)).await;
        let entered = entered.map_err(|why| told(why, connection))?;
        let account = entered.name.clone();
        let left = Event::AuthLeft { connection, peer, account, mechanism: Some(mechanism) };
        Ok(Guest { entered, mechanism, unless_in: Unless(Some(left)) })
    }

    fn come_in(&self, guest: Guest) -> Result<Hall, Refusal> {
        let Guest { entered, mechanism, mut unless_in } = guest;
        let (connection, peer) = (self.visit.id(), self.visit.peer());
        unless_in.0 = None;
        let confirmed = self.lodge.keeper.confirm(&entered, &self.visitor(mechanism));
        confirmed.map_err(|why| told(why, connection))?;
        self.lodge.keeper.has_come_in(&entered);
        self.visit.stays_until(entered.signed_out);
        let account = entered.name.clone();
        self.visit.signed_in(account.clone(), mechanism);
        Event::AuthSucceeded { connection, peer, account, mechanism: Some(mechanism) }.log();
        let chronicle = Chronicle::new(Arc::clone(&entered.account), entered.name, connection);
        let hall = Hall::new(entered.account, entered.origin, chronicle, self.lodge.limits, entered.place);
        Ok(hall.with_notice(entered.exposure.as_ref().map(exposed)))
    }

    fn nonce(&self) -> Nonce {
        self.lodge.keeper.nonce()
    }

    fn offer(&self) -> Offer {
        self.lodge.keeper.offer(self.visit.channel())
    }

    async fn verifiers(&self, name: &str) -> Result<Verifiers, Refusal> {
        Ok(self.lodge.keeper.verifiers(name))
    }

    fn refused(&self, command: Option<CommandName>, refusal: &Refusal) {
        let Some((condition, code, told)) = refusal.told() else { return };
        let Some(refused) = refused_as(condition) else { return };
        let command = command.map(|name| Command::new(&name.to_string()));
        self.visit.refused(
            refused,
            command,
            code.map(|code| ResponseCode::new(code.name())),
            Sentence::new(&told),
        );
    }

    fn introduced(&self, fields: &[(&str, Option<&str>)]) {
        let field = |wanted: &str| {
            fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).and_then(|(_, value)| *value)
        };
        if let Some(name) = field("name") {
            self.visit.introduced(ClientId::new(name.as_bytes(), field("version").map(str::as_bytes)));
        }
    }
}

/// What the owner of an account is told, who may know whether the address was one of theirs. A stranger may have caused it.
fn exposed(exposure: &Exposure) -> Box<str> {
    let from = exposure.address.map(|address| format!(" from {address}")).unwrap_or_default();
    format!(
        "A password of this account may have been sent without encryption{from}. If that was a mail program of yours, let \
         it use SSL/TLS, change the password, and tell your administrator; anybody who knows your address can cause this notice"
    )
    .into()
}

/// In the words of IMAP (RFC 5530).
fn told(why: NotLetIn, connection: ConnectionId) -> Refusal {
    match why {
        NotLetIn::Wrong => sasl::Failure::WrongCredentials.into(), // the words for it stand there
        NotLetIn::Mail(why) => refusal(why, connection),
        NotLetIn::TooManySessions(_) | NotLetIn::Limited(_) => Refusal::denied(Code::Limit, why.to_string()),
        NotLetIn::NotAuthorized => sasl::Failure::NotAuthorized.into(),
        NotLetIn::Unknowable | NotLetIn::Busy | NotLetIn::DirectoryDown => {
            Refusal::denied(Code::Unavailable, why.to_string())
        }
    }
}

/// As the log calls it.
const fn mechanism(means: Means) -> Mechanism {
    match means {
        Means::LoginCommand => Mechanism::LoginCommand,
        Means::Sasl(sasl::Mechanism::Plain) => Mechanism::Plain,
        Means::Sasl(sasl::Mechanism::Login) => Mechanism::Login,
        Means::Sasl(sasl::Mechanism::ScramSha256) => Mechanism::ScramSha256,
        Means::Sasl(sasl::Mechanism::ScramSha256Plus) => Mechanism::ScramSha256Plus,
        Means::Sasl(sasl::Mechanism::ScramSha1) => Mechanism::ScramSha1,
        Means::Sasl(sasl::Mechanism::ScramSha1Plus) => Mechanism::ScramSha1Plus,
        Means::Sasl(sasl::Mechanism::OAuthBearer) => Mechanism::OAuthBearer,
        Means::Sasl(sasl::Mechanism::XOAuth2) => Mechanism::XOAuth2,
        Means::Sasl(sasl::Mechanism::External) => Mechanism::External,
    }
}
