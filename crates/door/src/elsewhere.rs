//! Passwords and tokens that a directory elsewhere knows.

use crate::doorkeeper::Doorkeeper;
use crate::judge::{Judged, Known};
use crate::try_at::{Manner, Try};
use crate::turned_away::WRONG_FOR_UNTOLD;
use crate::visitor::Visitor;
use directory::{Ability, Answer, Chain, Hit, Member, Password, Standing, Stored, Token, Trouble};
use events::{AuthFailure, Event, Word};
use foreign_hash::ForeignHash;
use mail::{Accounts, Busy, Certainty, Credential, DirectoryError, Found};
use mailbox::account::directory::keyring::Link;
use mailbox::account::directory::{DirectoryRefusal, Newcomers};
use sasl::{BearerHint, Secret, Typed, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use terms::{AccountId, DirectoryName, Login, Subject};
use tokio::time::Instant;

/// How long a right password is known again where nothing tells that it has been changed.
const UNTOLD: Duration = Duration::from_secs(60);

/// The directories elsewhere, and what is allowed to those who come from each.
#[derive(Debug, Default)]
pub struct Elsewhere {
    chain: Chain,
    manners: BTreeMap<DirectoryName, Manners>,
    /// What a client is told whose token is refused.
    hint: Arc<BearerHint>,
    /// Of which the log has said that they cannot be asked.
    down: Mutex<BTreeSet<DirectoryName>>,
}

/// What is allowed to those who come from a directory.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Whether somebody who has no account gets one.
    pub get_accounts: bool,
    /// Directories whose names mean the same people.
    pub same_people_as: Vec<DirectoryName>,
}

/// Whose password is to be judged, and by whom.
pub(crate) struct Question<'a> {
    pub(crate) login: Login,
    pub(crate) of: Of<'a>,
}

/// Who is asked.
pub(crate) enum Of<'a> {
    /// Whoever knows the name first.
    Anybody,
    /// These in their order, each with whom it has to mean, if that is known.
    These(Vec<(&'a Member, Option<Subject>)>),
}

/// Somebody who was asked for, before their password is looked at.
struct Person<'a> {
    hit: Hit<'a>,
    link: Link,
}

/// What came of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Right,
    Wrong(AuthFailure),
    Unavailable,
}

impl Checked {
    /// What was found out of a password; `None` where something else stood in the way.
    pub(crate) fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Right => Some(Verdict::Right),
            Self::Wrong(AuthFailure::WrongPassword) => Some(Verdict::Wrong),
            Self::Wrong(_) | Self::Unavailable => None,
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

/// Whom somebody is for whom mail has come, and whose name nobody has here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Somebody whom a directory knows: they have this account now.
    Known(AccountId),
    /// Nobody, or nobody who gets an account.
    Nobody,
    /// Somebody whom their directory lets in no more.
    Disabled,
    /// The directory that knows cannot be asked now, or what it says cannot be kept.
    Unknowable,
}

impl Elsewhere {
    /// Who has a name that nobody has here. Whoever would get an account by signing in gets it now: their mail comes before
    /// they do. No password is asked for.
    pub async fn expect(&self, accounts: &Accounts, login: &Login) -> Expected {
        if !self.chain.serves(login) {
            return Expected::Nobody;
        }
        let question = Question { login: login.clone(), of: Of::Anybody };
        let hit = match self.find(&question).await {
            Answer::Yes(hit) if hit.found.standing == Standing::Enabled => hit,
            Answer::Yes(_) | Answer::Disabled => return Expected::Disabled,
            Answer::NoSuch | Answer::Wrong => return Expected::Nobody,
            Answer::Unavailable(_) => return Expected::Unknowable,
        };
        let directory = hit.member.name();
        let link = Link { directory: directory.clone(), subject: hit.found.subject };
        match accounts.take_in(&link, &hit.found.login, self.newcomers(directory)).await {
            Ok(id) => Expected::Known(id),
            Err(DirectoryError::Refused(_) | DirectoryError::BadLogin(_)) => Expected::Nobody,
            Err(DirectoryError::Mail(_)) => Expected::Unknowable,
        }
    }

    /// Directories in order, each with what it allows.
    #[must_use]
    pub fn new(members: Vec<(Member, Manners)>) -> Self {
        let manners = members.iter().map(|(member, manners)| (member.name().clone(), manners.clone()));
        let manners = both_ways(manners.collect());
        let chain = Chain::new(members.into_iter().map(|(member, _)| member).collect());
        Self { chain, manners, hint: Arc::default(), down: Mutex::default() }
    }

    /// The same, where a client whose token is refused is told this.
    #[must_use]
    pub fn hinting(self, hint: Option<BearerHint>) -> Self {
        Self { hint: Arc::new(hint.unwrap_or_default()), ..self }
    }

    pub(crate) fn hint(&self) -> Arc<BearerHint> {
        Arc::clone(&self.hint)
    }

    /// All of them.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether one of them has that ability.
    #[must_use]
    pub fn can(&self, ability: Ability) -> bool {
        self.chain.members().any(|member| member.can(ability))
    }

    /// Who knows the password of an account with these links, each with whom it has to mean.
    pub(crate) fn of_links(&self, login: &Login, links: &[Link]) -> Vec<(&Member, Option<Subject>)> {
        let knows = |member: &&Member| member.can(Ability::Passwords);
        let linked = |link: &Link| {
            let member = self.chain.named(&link.directory).filter(knows)?;
            Some((member, Some(link.subject.clone())))
        };
        let own: Vec<_> = links.iter().filter_map(linked).collect();
        if !own.is_empty() {
            return own;
        }
        let is_same = |member: &&Member| {
            let same = self.newcomers(member.name()).same_people_as;
            links.iter().any(|link| same.contains(&link.directory))
        };
        let partners =
            self.chain.members().filter(knows).filter(is_same).filter(|member| member.serves(login));
        partners.map(|member| (member, None)).collect()
    }

    fn newcomers(&self, directory: &DirectoryName) -> Newcomers<'_> {
        let manners = self.manners.get(directory);
        Newcomers {
            get_accounts: manners.is_some_and(|manners| manners.get_accounts),
            same_people_as: manners.map_or(&[], |manners| &manners.same_people_as),
        }
    }

    /// Writes it down where a directory has gone or come back.
    fn heard(&self, directory: &DirectoryName, trouble: Option<&Trouble>) {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        let name = || events::Directory::new(directory.as_str());
        match trouble {
            Some(why) if down.insert(directory.clone()) => {
                let problem = (why as &(dyn std::error::Error + 'static)).into();
                Event::DirectoryDown { directory: name(), problem }.log();
            }
            None if down.remove(directory) => Event::DirectoryUp { directory: name() }.log(),
            _ => {}
        }
    }

    fn note<T>(&self, directory: &DirectoryName, answer: &Answer<T>) {
        self.heard(
            directory,
            match answer {
                Answer::Unavailable(why) => Some(why),
                _ => None,
            },
        );
    }

    /// Who has a name, of those who are to be asked.
    pub(crate) async fn find<'a>(&'a self, question: &Question<'a>) -> Answer<Hit<'a>> {
        let Of::These(these) = &question.of else {
            let answer = self.chain.find(&question.login).await;
            self.note_chain(&question.login, &answer);
            return answer;
        };
        for (member, subject) in these {
            let answer = member.find(&question.login).await;
            self.note(member.name(), &answer);
            match answer {
                // Somebody else who has the name there by now is not whose mail this is.
                Answer::Yes(found) if subject.as_ref().is_some_and(|subject| *subject != found.subject) => {}
                Answer::NoSuch => {}
                answer => return answer.map(|found| Hit { member, found }),
            }
        }
        Answer::NoSuch
    }

    /// The chain was asked from its beginning up to the one whose answer this is.
    fn note_chain(&self, login: &Login, answer: &Answer<Hit<'_>>) {
        let serving = self.chain.members().filter(|member| member.serves(login));
        for member in serving {
            self.heard(member.name(), member.trouble().as_ref());
        }
        if let Answer::Yes(hit) = answer {
            self.heard(hit.member.name(), None);
        }
    }
}

/// That two directories have the same people is so from either side.
fn both_ways(mut manners: BTreeMap<DirectoryName, Manners>) -> BTreeMap<DirectoryName, Manners> {
    let told: Vec<_> = manners
        .iter()
        .flat_map(|(name, manners)| manners.same_people_as.iter().map(|other| (other.clone(), name.clone())))
        .collect();
    for (name, other) in told {
        if let Some(manners) = manners.get_mut(&name)
            && !manners.same_people_as.contains(&other)
        {
            manners.same_people_as.push(other);
        }
    }
    manners
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
            let is_nobodys = found.account.is_none() && self.elsewhere.chain.serves(&login);
            return is_nobodys.then_some(Question { login, of: Of::Anybody });
        }
        let of = self.elsewhere.of_links(&login, &links);
        (!of.is_empty()).then_some(Question { login, of: Of::These(of) })
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
        let hit = match self.elsewhere.find(&question).await {
            Answer::Yes(hit) => hit,
            Answer::Unavailable(_) => return Ok(Judged::Unavailable),
            Answer::NoSuch | Answer::Wrong | Answer::Disabled => {
                if let Some(when) = tried.only_recalled {
                    return Ok(Judged::NotRecalled(when));
                }
                self.pay(&question.login, typed, &manner).await?;
                return Ok(Judged::Wrong(AuthFailure::NoAccount));
            }
        };
        let link = Link { directory: hit.member.name().clone(), subject: hit.found.subject.clone() };
        let person = Person { hit, link };
        // Of all names by which somebody is found, guesses count at one account.
        let account = self.accounts.linked_login(&person.link);
        let account = account.as_ref().unwrap_or(&person.hit.found.login);
        if tried.turns_out(account, typed.prepared(), &self.limits)
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
            Checked::Right => self.take_in(&person, &question.login).await,
            Checked::Wrong(why) => Judged::Wrong(why),
            Checked::Unavailable => Judged::Unavailable,
        })
    }

    /// Whether a password is right. One that was, a short while ago, is neither hashed nor asked for again; whether its owner
    /// is still there, and may sign in, has just been asked.
    async fn check(&self, person: &Person<'_>, typed: Typed, manner: &Manner) -> Result<Checked, Busy> {
        let (version, is_told) = version(person);
        let marked = |how: &str| self.remembered.mark_elsewhere(how, &version, typed.prepared());
        let (mark, here) = (marked(manner.mechanism.as_str()), marked(&manner.device));
        let may_sign_in = person.hit.found.standing == Standing::Enabled;
        if may_sign_in && self.remembered.holds(&mark, self.now()) {
            return Ok(Checked::Right);
        }
        // Neither is one that was wrong: a directory locks out whose old telephone is passed on to it again and again.
        if let Some(verdict) = self.turned_away.recall(&here, may_sign_in, self.now()) {
            return Ok(verdict.into());
        }
        let checked = match &person.hit.found.stored {
            Stored::Hash(hash) => self.check_foreign(hash, Arc::new(typed), manner).await?,
            Stored::Elsewhere => {
                let checked = self.ask(person, &typed).await;
                if matches!(checked, Checked::Wrong(_)) {
                    self.pay(&person.hit.found.login, typed, manner).await?;
                }
                checked
            }
        };
        let (right_for, wrong_for) =
            if is_told { (Duration::MAX, Duration::MAX) } else { (UNTOLD, WRONG_FOR_UNTOLD) };
        if checked == Checked::Right {
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
        person.hit.found.standing == Standing::Enabled && self.remembered.holds(&mark, self.now())
    }

    async fn ask(&self, person: &Person<'_>, typed: &Typed) -> Checked {
        let Hit { member, found } = &person.hit;
        let answer = member.check(found, Password::new(typed.raw().expose_text())).await;
        self.elsewhere.note(member.name(), &answer);
        match answer {
            Answer::Yes(()) => Checked::Right,
            Answer::NoSuch | Answer::Wrong => Checked::Wrong(AuthFailure::WrongPassword),
            Answer::Disabled => Checked::Wrong(AuthFailure::Disabled),
            Answer::Unavailable(_) => Checked::Unavailable,
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

    /// The account of somebody whom their directory has just let in, by the name that they typed.
    async fn take_in(&self, person: &Person<'_>, typed: &Login) -> Judged {
        let taken = self.taken_in(&person.link, &person.hit.found.login).await;
        if let Ok(id) = taken {
            self.seen(id, typed).await;
        }
        self.account_of(taken, Credential::Password)
    }

    async fn taken_in(&self, link: &Link, login: &Login) -> Result<AccountId, DirectoryError> {
        self.accounts.take_in(link, login, self.elsewhere.newcomers(&link.directory)).await
    }

    fn account_of(&self, taken: Result<AccountId, DirectoryError>, with: Credential) -> Judged {
        match taken {
            Ok(id) => self.admitted(id, with),
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
    fn admitted(&self, id: AccountId, with: Credential) -> Judged {
        let is_enabled = self.accounts.standing(id) == Some(mailbox::account::directory::Standing::Enabled);
        match self.accounts.certainty(id) {
            Certainty::Doubtful => Judged::Unknowable(AuthFailure::Unavailable),
            _ if self.accounts.takes(id, with) => Judged::Known(Known { account: id, with, by: None }),
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
        let answer = self.elsewhere.chain.bearer(Token::new(token.expose_text()), claimed.as_ref()).await;
        match answer {
            Answer::Yes(hit) => self.bearer_of(&hit, claimed.as_ref()).await,
            Answer::Unavailable(_) => Judged::Unavailable,
            Answer::Disabled => Judged::Wrong(AuthFailure::Disabled),
            Answer::NoSuch | Answer::Wrong => Judged::Wrong(AuthFailure::WrongPassword),
        }
    }

    async fn bearer_of(&self, hit: &Hit<'_>, claimed: Option<&Login>) -> Judged {
        let (directory, found) = (hit.member.name(), &hit.found);
        self.elsewhere.heard(directory, None);
        if found.standing == Standing::Disabled {
            return Judged::Wrong(AuthFailure::Disabled);
        }
        // Before anything is made of it: by the name that the token has, or that its account has here.
        let link = Link { directory: directory.clone(), subject: found.subject.clone() };
        let is_own = |login: &Login| *login == found.login || self.accounts.is_linked(login, &link);
        if claimed.is_some_and(|login| !is_own(login)) {
            return Judged::Wrong(AuthFailure::NotAuthorized);
        }
        self.account_of(self.taken_in(&link, &found.login).await, Credential::Token)
    }
}
