//! The session: one command after the other, each answered before the next is read.

use super::announce::{Manner, announce};
use super::capability::{self, LoginCommand, Stage, Standing};
use super::done::{Done, Note, Outcome, Stop};
use super::ending::Ending;
use super::gate::{Greeted, Greeting};
use super::hall::Hall;
use super::id::Reassurance;
use super::talk::{Talk, too_big};
use super::{
    append, authenticate, close, compress, create, delete, enable, expunge, fetch, id, idle, list, login,
    namespace, quota, rename, replace, search, select, sort, status, store, subscribe, thread, transfer,
    uid_only,
};
use crate::port::{Door, Mail, Peer};
use crate::refusal::Refusal;
use crate::{Rules, Signpost};
use bytes::Bytes;
use mailbox::Dialect;
use sasl::Mechanisms;
use std::sync::Arc;
use std::time::Duration;
use terms::{ModSeq, Moment};
use wire::imap::command::tag_of;
use wire::imap::command::{AtLiteral, Authenticate, Login, Upload, upload_at_literal};
use wire::imap::framer::{Announced, Event, Misframed};
use wire::imap::reply::{Code, Condition, tagged, untagged};
use wire::imap::{BadCommand, Command, CommandName, NameForm, Reason, Tag, Tagged, parse_with};

/// How long a signed-in client may say nothing. RFC 3501, 5.4: at least 30 minutes. IDLE is no silence.
pub const SILENCE_TIME: Duration = Duration::from_secs(31 * 60);
/// How many commands in a row may be BAD.
pub const MAX_MISTAKES: u32 = 20;

/// Speaks with a peer whose line is private, until one of them has had enough.
pub async fn serve<P: Peer, D: Door>(greeted: Greeted, peer: P, door: &D) -> Ended {
    let mut session = Session::begin(greeted, peer, door);
    let ending = session.converse().await;
    session.part(ending).await;
    Ended { ending, commands: session.commands }
}

/// What is left of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why it ended.
    pub ending: Ending,
    /// How many commands were given: all that came whole, and every APPEND.
    pub commands: u64,
}

struct Session<'d, P, D: Door> {
    talk: Talk<P>,
    door: &'d D,
    signpost: Arc<Signpost>,
    rules: Arc<Rules>,
    /// `None` until somebody has signed in.
    hall: Option<Hall<D::Mail>>,
    reassurance: Reassurance,
    mistakes: u32,
    commands: u64,
    sign_in_by: Moment,
}

impl<'d, P: Peer, D: Door> Session<'d, P, D> {
    /// Not where it is awaited: what is moved from there into a session would be held a second time.
    fn begin(greeted: Greeted, peer: P, door: &'d D) -> Self {
        let (signpost, rules, greeting) = greeted.into_parts();
        let talk = Talk::new(peer, &rules);
        let sign_in_by = talk.now().plus(rules.sign_in_time);
        let mut session = Self {
            talk,
            door,
            signpost,
            rules,
            hall: None,
            reassurance: Reassurance::Wanted,
            mistakes: 0,
            commands: 0,
            sign_in_by,
        };
        if greeting == Greeting::Due {
            session.greet();
        }
        session
    }

    fn greet(&mut self) {
        let line = capability::line(&self.standing());
        let text = format!("{} Gatepost ready", self.signpost.host);
        untagged(self.talk.text(), Condition::Ok, Some(&Code::Capability(&line)), &text);
    }

    async fn converse(&mut self) -> Ending {
        loop {
            if let Err(ending) = self.turn().await {
                return ending;
            }
        }
    }

    async fn part(&mut self, ending: Ending) {
        if let Some(words) = ending.words() {
            untagged(self.talk.text(), Condition::Bye, None, words);
        }
        // Whether the peer still hears it makes no difference any more.
        let _ = self.talk.flush().await;
    }

    /// When a silent peer has been silent for too long.
    fn patience(&self) -> Moment {
        match self.hall {
            None => self.sign_in_by,
            Some(_) => self.talk.now().plus(SILENCE_TIME),
        }
    }

    async fn next_event(&mut self) -> Result<Event, Ending> {
        let event = self.talk.next_event(self.patience()).await;
        event.map_err(|silence| match self.hall {
            None => Ending::of_stranger(silence),
            Some(_) => silence.into(),
        })
    }

    /// One command, or one step towards one.
    async fn turn(&mut self) -> Result<(), Ending> {
        // Before what it has said already, which may be a thousand commands.
        if self.talk.is_signed_out() {
            return Err(Ending::SignedOut);
        }
        let event = match self.next_event().await {
            Err(Ending::Unended) => return Err(self.last_line()),
            event => event?,
        };
        match event {
            Event::Command(frame) => self.command(&frame).await,
            Event::Literal(announced) => self.literal(announced).await,
            Event::Bad { why, start } => self.misframed(why, &start),
            // Nobody streams here; APPEND takes its octets itself.
            Event::Octets { .. } | Event::Rest(_) | Event::Lost | Event::More => Err(Ending::Unsynchronised),
        }
    }

    /// Some clients close the line behind a last LOGOUT that has no CRLF. TLS proves that nothing of it was cut off on
    /// the way; a line that breaks (RFC 8446, 6.1: no close_notify) proves nothing and is not answered.
    ///
    /// But a client that fails in the middle of a line may close it as properly, so only those are done that are whole
    /// whatever else was meant to follow, and that change nothing: the commands without arguments of RFC 9051, 6.1. What
    /// reads `UID STORE 1` may have been `UID STORE 12`.
    fn last_line(&mut self) -> Ending {
        let Some(line) = self.talk.last_line() else { return Ending::Unended };
        self.commands += 1;
        match parse_with(&line, self.names()) {
            Ok(Tagged { tag, command: Command::Logout }) => return self.log_out(&tag),
            Ok(Tagged { tag, command: Command::Noop }) => {
                Done::ok("NOOP completed").tell(&tag, self.talk.text())
            }
            Ok(Tagged { tag, command: Command::Capability }) => {
                capability::run(&self.standing(), self.talk.text()).tell(&tag, self.talk.text());
            }
            _ => {
                let refusal =
                    Refusal::misspoken("This line has no CRLF at its end, so nothing of it was done");
                // The end is here already, however many were bad before.
                let _ = self.refuse(CommandName::of(&line), tag_of(&line).as_ref(), &refusal);
                return Ending::Unended;
            }
        }
        Ending::Gone
    }

    async fn command(&mut self, frame: &Bytes) -> Result<(), Ending> {
        self.commands += 1;
        let name = CommandName::of(frame);
        let Tagged { tag, command } = match parse_with(frame, self.names()) {
            Ok(tagged) => tagged,
            Err(bad) => return self.bad(name, bad),
        };
        let manner = Manner::behind(&command);
        if matches!(command, Command::Logout) {
            return Err(self.log_out(&tag));
        }
        if matches!(command, Command::Compress) {
            return Box::pin(self.compress(name, &tag)).await;
        }
        // Boxed, so that a session that waits is no larger than its waiting: docs/decisions/session-shape.md.
        let outcome = match command {
            // In a box of its own: most sessions are in it most of the time, and another command's is ten times as large.
            Command::Idle => Box::pin(self.idle()).await,
            command => Box::pin(self.execute(&tag, command)).await,
        };
        self.conclude(name, &tag, manner, outcome).await
    }

    async fn idle(&mut self) -> Outcome {
        let still_here = self.still_here();
        let hall = self.hall.as_mut().ok_or_else(|| Refusal::misspoken("Sign in first"))?;
        idle::run(still_here, hall, &mut self.talk).await
    }

    /// The commands that strangers may give too; the others ask for a [`Hall`].
    async fn execute(&mut self, tag: &Tag<'_>, command: Command<'_>) -> Outcome {
        match command {
            Command::Capability => Ok(capability::run(&self.standing(), self.talk.text())),
            Command::Noop => Ok(Done::ok("NOOP completed")),
            Command::Id(id) => {
                self.reassurance = id::reassurance(&id);
                Ok(id::run(&id, self.stage(), self.door, self.talk.text()))
            }
            Command::StartTls => Err(Refusal::misspoken("This line is encrypted already").into()),
            Command::Login(login) => self.login(&login).await,
            Command::Authenticate(authenticate) => self.authenticate(&authenticate).await,
            command => {
                let hall = self.hall.as_mut().ok_or_else(|| Refusal::misspoken("Sign in first"))?;
                execute_signed_in(tag, command, hall, &mut self.talk).await
            }
        }
    }

    /// RFC 4978, 3: "the server MUST compress starting immediately after the CRLF which ends the tagged OK response".
    async fn compress(&mut self, name: Option<CommandName>, tag: &Tag<'_>) -> Result<(), Ending> {
        let outcome = self.somebody_here().map_err(Stop::from).and_then(|()| compress::run(&self.talk));
        let begins = outcome.is_ok();
        self.conclude(name, tag, Manner::FREE, outcome).await?;
        if begins { self.talk.compress().await.map_err(|_| Ending::Gone) } else { Ok(()) }
    }

    /// How the client writes mailbox names.
    fn names(&self) -> NameForm {
        self.hall.as_ref().map_or(NameForm::Utf7, Hall::names)
    }

    fn still_here(&self) -> Option<Duration> {
        match self.reassurance {
            Reassurance::Wanted => self.rules.still_here,
            Reassurance::Unwanted => None,
        }
    }

    const fn stage(&self) -> Stage {
        if self.hall.is_some() { Stage::SignedIn } else { Stage::Greeted }
    }

    fn standing(&self) -> Standing {
        let Some(hall) = &self.hall else { return Standing::of_stranger(&self.door.offer()) };
        Standing {
            stage: Stage::SignedIn,
            mechanisms: Mechanisms::NONE,
            login: LoginCommand::Disabled,
            largest_message: hall.mail.largest_message(),
            compression: self.talk.compression(),
            unasked: self.rules.unasked,
        }
    }

    async fn authenticate(&mut self, command: &Authenticate<'_>) -> Outcome {
        self.nobody_here()?;
        let until = self.sign_in_by;
        let mail = authenticate::run(command, until, self.door, &mut self.talk).await?;
        Ok(self.welcome(mail))
    }

    async fn login(&mut self, login: &Login<'_>) -> Outcome {
        self.nobody_here()?;
        let mail = login::run(login, self.door).await?;
        Ok(self.welcome(mail))
    }

    fn somebody_here(&self) -> Result<(), Refusal> {
        if self.hall.is_some() { Ok(()) } else { Err(Refusal::misspoken("Sign in first")) }
    }

    /// RFC 3501, 6.2: signing in is for those who have not.
    fn nobody_here(&self) -> Result<(), Refusal> {
        if self.hall.is_some() { Err(Refusal::misspoken("You have signed in already")) } else { Ok(()) }
    }

    /// The one way into the hall: having its mail is the proof that somebody signed in.
    fn welcome(&mut self, mail: D::Mail) -> Done {
        self.talk.set_limits(self.rules.after_login(mail.largest_message()));
        if let Some(notice) = mail.notice() {
            untagged(self.talk.text(), Condition::Ok, Some(&Code::Alert), notice);
        }
        self.hall = Some(Hall::new(mail));
        Done::noting(Note::Capability(capability::line(&self.standing())), "Welcome")
    }

    fn log_out(&mut self, tag: &Tag<'_>) -> Ending {
        let out = self.talk.text();
        untagged(out, Condition::Bye, None, "Logging out");
        tagged(out, tag, Condition::Ok, None, "LOGOUT completed");
        Ending::LoggedOut
    }

    /// A literal is announced: an argument, or a message on its way in.
    async fn literal(&mut self, announced: Announced) -> Result<(), Ending> {
        match upload_at_literal(self.talk.start(), self.names()) {
            // Boxed, as other commands are; what is known of the message is in the box too.
            AtLiteral::Message(upload) => Box::pin(self.upload(upload, announced.octets)).await,
            AtLiteral::OtherCommand | AtLiteral::MailboxName => self.keep_literal(),
            AtLiteral::Bad(bad) => {
                let name = CommandName::of(self.talk.start());
                self.talk.refuse_literal();
                self.bad(name, bad)
            }
        }
    }

    fn keep_literal(&mut self) -> Result<(), Ending> {
        let (name, tag) = (CommandName::of(self.talk.start()), tag_of(self.talk.start()));
        match self.talk.keep_literal() {
            Ok(()) => Ok(()),
            Err(why) => {
                let refusal = too_big(why);
                self.refuse(name, tag.as_ref(), &refusal)?;
                // Of an argument too large the client's author is to blame, whichever way it is told.
                if refusal.is_mistake() { Ok(()) } else { self.mistake() }
            }
        }
    }

    async fn upload(&mut self, upload: Tagged<Upload>, octets: u64) -> Result<(), Ending> {
        self.commands += 1;
        let name = CommandName::of(self.talk.start());
        let Tagged { tag, command } = upload;
        let Some(hall) = self.hall.as_mut() else {
            self.talk.refuse_literal();
            return self.refuse(name, Some(&tag), &Refusal::misspoken("Sign in first"));
        };
        let talk = &mut self.talk;
        let outcome = match command {
            Upload::Append(append) => append::run(&tag, append, octets, hall, talk).await,
            Upload::Replace(replace) => replace::run(&tag, replace, octets, hall, talk).await,
        };
        self.conclude(name, &tag, Manner::FREE, outcome).await
    }

    fn misframed(&mut self, why: Misframed, start: &[u8]) -> Result<(), Ending> {
        let why = match why {
            Misframed::TooLong(limit) => format!("A command here can have at most {limit} octets"),
            Misframed::BareLf => "A line ends in CRLF".into(),
        };
        self.refuse(CommandName::of(start), tag_of(start).as_ref(), &Refusal::misspoken(why))
    }

    fn bad(&mut self, name: Option<CommandName>, bad: BadCommand) -> Result<(), Ending> {
        if bad.reason == Reason::EmptyLine {
            return Ok(()); // Some clients end lines twice, and mean nothing by it.
        }
        let tag = bad.tag.clone();
        self.refuse(name, tag.as_ref(), &bad.into())
    }

    /// The one place where a command is answered with NO or BAD.
    fn refuse(
        &mut self,
        name: Option<CommandName>,
        tag: Option<&Tag<'_>>,
        refusal: &Refusal,
    ) -> Result<(), Ending> {
        refusal.tell(tag, self.talk.text());
        self.door.refused(name, refusal);
        if refusal.is_mistake() { self.mistake() } else { Ok(()) }
    }

    fn mistake(&mut self) -> Result<(), Ending> {
        self.mistakes += 1;
        if self.mistakes > MAX_MISTAKES { Err(Ending::TooManyMistakes) } else { Ok(()) }
    }

    /// Tells what changed, and then how the command came out.
    async fn conclude(
        &mut self,
        name: Option<CommandName>,
        tag: &Tag<'_>,
        manner: Manner,
        outcome: Outcome,
    ) -> Result<(), Ending> {
        if let Err(Stop::Over(ending)) = outcome {
            return Err(ending);
        }
        let highest = self.tell_changes(manner).await?;
        match outcome {
            Ok(done) => {
                self.mistakes = 0;
                let dialect = self.hall.as_ref().map_or(Dialect::Plain, |hall| hall.dialect);
                tell_done(done, highest, dialect, tag, self.talk.text());
                Ok(())
            }
            Err(Stop::Refused(refusal)) => {
                tell_highest(highest, self.talk.text());
                self.refuse(name, Some(tag), &refusal)
            }
            Err(Stop::Over(ending)) => Err(ending),
        }
    }

    /// What else is new in the open mailbox; and the HIGHESTMODSEQ that goes with the reply, if one does.
    async fn tell_changes(&mut self, manner: Manner) -> Result<Option<ModSeq>, Ending> {
        let Some(hall) = &mut self.hall else { return Ok(None) };
        let Some(selected) = &mut hall.selected else { return Ok(None) };
        // Boxed, as the command was.
        match Box::pin(announce(selected, manner, &mut self.talk)).await {
            Ok(Some(state)) => Ok(selected.view.highest_modseq(&state)),
            Ok(None) => {
                hall.selected = None;
                Ok(None)
            }
            Err(Stop::Over(ending)) => Err(ending),
            // It was written down where it happened, and is told another time.
            Err(Stop::Refused(_)) => Ok(None),
        }
    }
}

/// HIGHESTMODSEQ goes into a QRESYNC client's tagged OK (RFC 7162, 3.2.7); where that says something else, and for one
/// that knows CONDSTORE alone (3.1.2.1), in front of it.
fn tell_done(done: Done, highest: Option<ModSeq>, dialect: Dialect, tag: &Tag<'_>, out: &mut Vec<u8>) {
    match (done, highest) {
        (Done { note: None, text }, Some(highest)) if dialect == Dialect::Qresync => {
            Done::noting(Note::HighestModSeq(highest), text).tell(tag, out);
        }
        (done, highest) => {
            tell_highest(highest, out);
            done.tell(tag, out);
        }
    }
}

fn tell_highest(highest: Option<ModSeq>, out: &mut Vec<u8>) {
    if let Some(highest) = highest {
        untagged(
            out,
            Condition::Ok,
            Some(&Code::HighestModSeq(highest)),
            "The latest change that you know of",
        );
    }
}

/// The commands that need somebody who has signed in. Each is given what it needs and no more.
async fn execute_signed_in<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    command: Command<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    uid_only::check(hall.naming, &command)?;
    match command {
        Command::Check => hall.selected().map(|_| Done::ok("CHECK completed")).map_err(Stop::from),
        Command::Close => close::run(tag, hall, talk).await,
        Command::Copy(transfer) => transfer::copy(tag, &transfer, hall, talk).await,
        Command::Create(create) => create::run(&create, hall, talk.text()).await,
        Command::Delete(name) => delete::run(&name, hall, talk.text()).await,
        Command::Enable(names) => Ok(enable::run(&names, hall, talk.text())),
        Command::Expunge(set) => expunge::run(tag, set.as_ref(), hall, talk).await,
        Command::Fetch(fetch) => fetch::run(tag, &fetch, hall, talk).await,
        Command::GetQuota(root) => quota::get(&root, &hall.mail, talk.text()).await,
        Command::GetQuotaRoot(name) => quota::get_root(&name, hall, talk.text()).await,
        Command::List(list) => list::run(&list, hall, talk).await,
        Command::Move(transfer) => transfer::move_messages(tag, &transfer, hall, talk).await,
        Command::Namespace => Ok(namespace::run(hall.names(), talk.text())),
        Command::Rename(rename) => rename::run(&rename, hall, talk.text()).await,
        Command::Search(search) => search::run(tag, &search, hall, talk).await,
        Command::Select(select) => select::run(&select, hall, talk).await,
        Command::SetQuota(root) => quota::set(&root),
        Command::Sort(sort) => sort::run(tag, &sort, hall, talk).await,
        Command::Status(status) => status::run(&status, hall, talk.text()).await,
        Command::Store(store) => store::run(tag, &store, hall, talk).await,
        Command::Subscribe(name) => subscribe::subscribe(&hall.mail, &name).await,
        Command::Thread(thread) => thread::run(tag, &thread, hall, talk).await,
        Command::Unselect => close::unselect(hall),
        Command::Unsubscribe(name) => subscribe::unsubscribe(&hall.mail, &name).await,
        // Those of strangers were answered before this one was asked, and those that have a way of their own.
        Command::Authenticate(_)
        | Command::Capability
        | Command::Compress
        | Command::Id(_)
        | Command::Idle
        | Command::Login(_)
        | Command::Logout
        | Command::Noop
        | Command::StartTls => Err(Refusal::misspoken("This command has no place here").into()),
    }
}
