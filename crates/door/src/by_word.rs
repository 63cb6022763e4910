//! Whether a password or a token holds by the word of a directory elsewhere.

use crate::doorkeeper::Doorkeeper;
use crate::elsewhere::{Of, Question, Sought};
use crate::judge::{Judged, Known};
use crate::try_at::{Manner, Try};
use crate::turned_away::{WRONG_FOR_ELSEWHERE, WRONG_FOR_UNTOLD};
use crate::visitor::Visitor;
use directory::{Answer, Checks, Hit, Password, Standing, Stored, Token};
use events::{AuthFailure, Word};
use foreign_hash::ForeignHash;
use mail::{Busy, Certainty, Credential, DirectoryError, Found, JudgedBy};
use mailbox::account::directory::keyring::Link;
use mailbox::account::directory::{Called, DirectoryRefusal};
use sasl::{Secret, Typed, Verdict};
use std::sync::Arc;
use std::time::Duration;
use terms::{AccountId, Login};
use tokio::time::Instant;

/// How long a right password is known again where nothing tells that it has been changed.
const UNTOLD: Duration = Duration::from_secs(60);

/// Somebody who was asked for, before their password is looked at.
struct Person<'a> {
    hit: Hit<'a>,
    link: Link,
    /// Their account, where the link is an account's.
    account: Option<AccountId>,
}

/// What came of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Right,
    Wrong(AuthFailure),
    /// It is wrong, and there is no room to let it cost what it has to.
    Unpaid,
    /// The directory was handed it, and had no answer.
    Unanswered,
    Unavailable,
}

impl Checked {
    /// What was found out of a password; `None` where something else stood in the way.
    pub(crate) fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Right => Some(Verdict::Right),
            Self::Wrong(AuthFailure::WrongPassword) | Self::Unpaid => Some(Verdict::Wrong),
            Self::Wrong(_) | Self::Unanswered | Self::Unavailable => None,
        }
    }
}

impl From<Verdict> for Checked {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Right => Self::Right,
            Verdict::Wrong => Self::Wrong(AuthFailure::WrongPassword),
        }
    }
}

/// Whose a password is there, and what becomes another with it; and whether the latter is told at all.
fn version(person: &Person<'_>) -> (Vec<u8>, bool) {
    let found = &person.hit.found;
    let told = found.version.as_ref().map_or(&[][..], |version| version.as_bytes());
    let hash = match &found.stored {
        Stored::Hash(hash) => hash.as_bytes(),
        Stored::Elsewhere => &[],
    };
    let (directory, subject) = (person.link.directory.as_str(), found.subject.as_str());
    let mut version = Vec::new();
    // Each with its length in front: nothing can be read as a part of anything else.
    for part in [directory.as_bytes(), subject.as_bytes(), told, hash] {
        version.extend_from_slice(&(part.len() as u64).to_be_bytes());
        version.extend_from_slice(part);
    }
    (version, !told.is_empty() || !hash.is_empty())
}

impl Doorkeeper {
    /// Who is asked for the password that comes with a name, if it is for a directory elsewhere to judge.
    ///
    /// Of an account that has come from directories, one of which knows passwords, or has the same people as another that
    /// does, those are asked and nobody else. Of one whose directories know none, its own password counts if an admin has
    /// given it one. Of a name that nobody has here, all that serve it are.
    pub(crate) fn who_knows(&self, name: &str, found: &Found) -> Option<Question<'_>> {
        let login = Login::new(name).ok()?;
        let links = self.accounts.links(name);
        if links.is_empty() {
            let is_nobodys = found.account.is_none() && self.elsewhere.chain().serves(&login);
            return is_nobodys.then_some(Question { login, of: Of::Anybody });
        }
        let of = self.elsewhere.of(&login, &links)?;
        Some(Question { login, of })
    }

    /// Judges a password by a directory's word.
    pub(crate) async fn judge_elsewhere(
        &self,
        question: Question<'_>,
        typed: Typed,
        visitor: &Visitor,
        tried: &mut Try,
    ) -> Result<Judged, Busy> {
        let manner = self.manner(tried, visitor);
        let Sought { answer, met_another } = self.elsewhere.find(&question).await;
        let hit = match answer {
            Answer::Yes(hit) => hit,
            Answer::Unavailable(_) => return Ok(Judged::Unavailable),
            Answer::NoSuch | Answer::Wrong | Answer::Disabled => {
                if let Some(when) = tried.only_recalled {
                    return Ok(Judged::NotRecalled(when));
                }
                return Ok(match self.elsewhere.checks_ail(&question) {
                    Some(Checks::Asked) => Judged::Unanswered,
                    Some(Checks::LeftAlone) => Judged::Unavailable,
                    None => match (self.pay(&question.login, typed, &manner).await, met_another) {
                        (Err(Busy), _) => Judged::Unpaid,
                        (Ok(()), true) => Judged::Wrong(AuthFailure::OtherOwner),
                        (Ok(()), false) => Judged::Wrong(AuthFailure::NoAccount),
                    },
                });
            }
        };
        let link = Link { directory: hit.member.name().clone(), subject: hit.found.subject.clone() };
        let account = self.accounts.linked(&link);
        let person = Person { hit, account: account.as_ref().map(|(id, _)| *id), link };
        // Of all names by which somebody is found, guesses count at one account.
        let login = account.map(|(_, login)| login);
        let whose = login.as_ref().unwrap_or(&person.hit.found.login);
        if tried.turns_out(whose, typed.prepared(), &self.limits)
            && let Err(why) = self.hold_back(tried, question.login.as_str(), visitor).await
        {
            return Ok(Judged::NotLookedAt(why));
        }
        let manner = self.manner(tried, visitor);
        if let Some(when) = tried.only_recalled
            && !self.recalls_elsewhere(&person, typed.prepared(), &manner)
        {
            return Ok(Judged::NotRecalled(when));
        }
        Ok(match self.check(&person, typed, &manner).await? {
            Checked::Right if person.hit.found.standing == Standing::Disabled => {
                Judged::Wrong(AuthFailure::Disabled)
            }
            Checked::Right => self.take_in(person).await,
            Checked::Wrong(why) => Judged::Wrong(why),
            Checked::Unpaid => Judged::Unpaid,
            Checked::Unanswered => Judged::Unanswered,
            Checked::Unavailable => Judged::Unavailable,
        })
    }

    /// Whether a password is right. One that was, a short while ago, is neither hashed nor asked for again; whether its owner
    /// is still there, and may sign in, has just been asked.
    async fn check(&self, person: &Person<'_>, typed: Typed, manner: &Manner) -> Result<Checked, Busy> {
        let (version, is_told) = version(person);
        let marked = |how: &str| self.remembered.mark_elsewhere(how, &version, typed.prepared());
        let (mark, here) = (marked(manner.mechanism.as_str()), marked(&manner.device));
        let may_sign_in = self.would_let_in(person);
        if may_sign_in && self.remembered.holds(&mark, self.now()) {
            return Ok(Checked::Right);
        }
        // Neither is one that was wrong: a directory locks out whose old telephone is passed on to it again and again.
        if let Some(verdict) = self.turned_away.recall(&here, may_sign_in, self.now()) {
            return Ok(verdict.into());
        }
        let checked = match &person.hit.found.stored {
            // What can be checked with nothing costs as much as what can be.
            Stored::Hash(hash) if ForeignHash::parse(hash).is_err() => {
                match self.pay(&person.hit.found.login, typed, manner).await {
                    Ok(()) => Checked::Wrong(AuthFailure::UnusableHash),
                    Err(Busy) => Checked::Unpaid,
                }
            }
            Stored::Hash(hash) => self.check_foreign(hash, Arc::new(typed), manner).await?,
            Stored::Elsewhere => {
                match self.ask(person, &typed).await {
                    // It counts though it cannot be paid for: who fills the queue would guess for nothing else.
                    Checked::Wrong(why) => match self.pay(&person.hit.found.login, typed, manner).await {
                        Ok(()) => Checked::Wrong(why),
                        Err(Busy) => Checked::Unpaid,
                    },
                    checked => checked,
                }
            }
        };
        let (right_for, wrong_for) = match (is_told, &person.hit.found.stored) {
            (true, Stored::Hash(_)) => (Duration::MAX, Duration::MAX),
            (true, Stored::Elsewhere) => (Duration::MAX, WRONG_FOR_ELSEWHERE),
            (false, _) => (UNTOLD, WRONG_FOR_UNTOLD),
        };
        if checked == Checked::Right && may_sign_in {
            self.remembered.remember_for(mark, self.now(), right_for);
        }
        if let Some(verdict) = checked.verdict() {
            self.turned_away.keep(here, (verdict, may_sign_in), self.now(), wrong_for);
        }
        Ok(checked)
    }

    /// Hashes for nothing, as dear as a password that is wrong here: so that a flood of names, or of passwords that others
    /// judge, is no cheaper, and a pool that has no room says so of all of them.
    async fn pay(&self, login: &Login, typed: Typed, manner: &Manner) -> Result<(), Busy> {
        let decoy = self.accounts.find(login.as_str(), self.pool.cost());
        self.verify(&decoy, typed.into_prepared(), manner).await.map(|_wrong| ())
    }

    /// Whether this was right a short while ago and lets in.
    fn recalls_elsewhere(&self, person: &Person<'_>, password: &Secret, manner: &Manner) -> bool {
        let (version, _) = version(person);
        let mark = self.remembered.mark_elsewhere(manner.mechanism.as_str(), &version, password);
        self.would_let_in(person) && self.remembered.holds(&mark, self.now())
    }

    /// Whether a right password lets in, as far as it is known before it is looked at, both there and here.
    fn would_let_in(&self, person: &Person<'_>) -> bool {
        // Whom the directory has let go is kept out by its word alone, and that it has taken back.
        let takes = |id| self.accounts.would_take(id, Credential::Password);
        person.hit.found.standing == Standing::Enabled && person.account.is_none_or(takes)
    }

    async fn ask(&self, person: &Person<'_>, typed: &Typed) -> Checked {
        let Hit { member, found } = &person.hit;
        let (begun, is_left_alone) = (Instant::now(), member.leaves_checks_alone());
        let answer = member.check(found, Password::new(typed.raw().expose_text())).await;
        self.elsewhere.note(member, &answer);
        // That it had no answer shows by the time as well.
        self.slowest.took(begun.elapsed());
        match answer {
            Answer::Yes(()) => Checked::Right,
            Answer::NoSuch | Answer::Wrong => Checked::Wrong(AuthFailure::WrongPassword),
            Answer::Disabled => Checked::Wrong(AuthFailure::Disabled),
            Answer::Unavailable(why) if is_left_alone || why.is_passing() => Checked::Unavailable,
            Answer::Unavailable(_) => Checked::Unanswered,
        }
    }

    /// Checks a hash that somebody else has made, in its turn.
    pub(crate) async fn check_foreign(
        &self,
        hash: &str,
        typed: Arc<Typed>,
        manner: &Manner,
    ) -> Result<Checked, Busy> {
        let Ok(hash) = ForeignHash::parse(hash) else {
            return Ok(Checked::Wrong(AuthFailure::UnusableHash));
        };
        let slowest = Arc::clone(&self.slowest);
        let check = move || {
            let begun = Instant::now();
            let verdict = hash.verify(typed.raw().expose());
            slowest.took(begun.elapsed());
            match verdict {
                foreign_hash::Verdict::Right => Verdict::Right,
                foreign_hash::Verdict::Wrong => Verdict::Wrong,
            }
        };
        Ok(self.pool.check(manner.lane, check).await?.into())
    }

    /// The account of somebody whom their directory has just let in.
    async fn take_in(&self, person: Person<'_>) -> Judged {
        let found = &person.hit.found;
        let called = Called { login: &found.login, also: &found.also };
        let taken = self.elsewhere.take_in(&self.accounts, &person.link, called).await;
        if let Ok(id) = taken {
            self.is_there(id).await;
        }
        self.account_of(taken, person.link, Credential::Password)
    }

    fn account_of(&self, taken: Result<AccountId, DirectoryError>, link: Link, with: Credential) -> Judged {
        match taken {
            Ok(id) => self.admitted(id, link, with),
            Err(DirectoryError::Refused(DirectoryRefusal::NonExistent(_))) => {
                Judged::Wrong(AuthFailure::NoNewAccount)
            }
            Err(DirectoryError::Refused(_) | DirectoryError::BadLogin(_)) => {
                Judged::Wrong(AuthFailure::OtherOwner)
            }
            Err(DirectoryError::Mail(_)) => Judged::Unavailable,
        }
    }

    /// What is known here of an account has the last word.
    fn admitted(&self, id: AccountId, link: Link, with: Credential) -> Judged {
        let is_enabled = self.accounts.standing(id) == Some(mailbox::account::directory::Standing::Enabled);
        match self.accounts.certainty(id) {
            Certainty::Doubtful => Judged::Unknowable(AuthFailure::Unavailable),
            _ if self.accounts.takes(id, with) => {
                Judged::Known(Known { account: id, with, by: JudgedBy::Link(link) })
            }
            _ if is_enabled && !self.accounts.is_barred(id) => Judged::Wrong(AuthFailure::OwnPasswordRefused),
            _ => self.kept_out(id),
        }
    }

    /// Judges a token. `user` is as whom the client would act, if it says so: refused where the token is somebody else's
    /// (threat T-30).
    pub(crate) async fn judge_bearer(&self, user: Option<&str>, token: &Secret) -> Judged {
        let claimed = match user.map(Login::new) {
            Some(Err(_)) => return Judged::Wrong(AuthFailure::NoAccount),
            Some(Ok(login)) => Some(login),
            None => None,
        };
        let answer = self.elsewhere.bearer(Token::new(token.expose_text()), claimed.as_ref()).await;
        match answer {
            Answer::Yes(hit) => self.bearer_of(&hit, claimed.as_ref()).await,
            // A stranger can bring that about, by a key that nobody has.
            Answer::Unavailable(why) if why.is_passing() => Judged::Unanswered,
            Answer::Unavailable(_) => Judged::Unavailable,
            Answer::Disabled => Judged::Wrong(AuthFailure::Disabled),
            Answer::NoSuch | Answer::Wrong => Judged::Wrong(AuthFailure::WrongPassword),
        }
    }

    async fn bearer_of(&self, hit: &Hit<'_>, claimed: Option<&Login>) -> Judged {
        let (directory, found) = (hit.member.name(), &hit.found);
        if found.standing == Standing::Disabled {
            return Judged::Wrong(AuthFailure::Disabled);
        }
        // Before anything is made of it: by the name that the token has, or that its account has here.
        let link = Link { directory: directory.clone(), subject: found.subject.clone() };
        let is_own = |login: &Login| *login == found.login || self.accounts.is_linked(login, &link);
        if claimed.is_some_and(|login| !is_own(login)) {
            return Judged::Wrong(AuthFailure::NotAuthorized);
        }
        let called = Called { login: &found.login, also: &found.also };
        let taken = self.elsewhere.take_in(&self.accounts, &link, called).await;
        self.account_of(taken, link, Credential::Token)
    }
}
