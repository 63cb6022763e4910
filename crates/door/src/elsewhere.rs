//! The directories elsewhere: who is asked for whom, and what each allows.

use directory::{Ability, Answer, Chain, Checks, Hit, Member, Standing, Token, Trouble};
use events::Event;
use mail::{Accounts, DirectoryError, TakenIn};
use mailbox::account::directory::keyring::Link;
use mailbox::account::directory::{Called, Newcomers};
use sasl::BearerHint;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use terms::{AccountId, DirectoryName, Login, Subject};

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
    /// One that the settings have no more, or not by that name.
    Missing(DirectoryName),
}

/// What came of looking for a name.
pub(crate) struct Sought<'a> {
    pub(crate) answer: Answer<Hit<'a>>,
    /// The name is somebody's there, who is another than the one that it has to mean.
    pub(crate) met_another: bool,
}

impl<'a> From<Answer<Hit<'a>>> for Sought<'a> {
    fn from(answer: Answer<Hit<'a>>) -> Self {
        Self { answer, met_another: false }
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
        let hit = match self.find(&question).await.answer {
            Answer::Yes(hit) if hit.found.standing == Standing::Enabled => hit,
            Answer::Yes(_) | Answer::Disabled => return Expected::Disabled,
            Answer::NoSuch | Answer::Wrong => return Expected::Nobody,
            Answer::Unavailable(_) => return Expected::Unknowable,
        };
        let directory = hit.member.name();
        let link = Link { directory: directory.clone(), subject: hit.found.subject };
        let called = Called { login: &hit.found.login, also: &hit.found.also };
        match self.take_in(accounts, &link, called).await {
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

    /// Who knows the password of an account with these links, each with whom it has to mean; `None` where nobody elsewhere
    /// does.
    pub(crate) fn of(&self, login: &Login, links: &[Link]) -> Option<Of<'_>> {
        let knows = |member: &&Member| member.can(Ability::Passwords);
        let linked = |link: &Link| {
            let member = self.chain.named(&link.directory).filter(knows)?;
            Some((member, Some(link.subject.clone())))
        };
        let own: Vec<_> = links.iter().filter_map(linked).collect();
        if !own.is_empty() {
            return Some(Of::These(own));
        }
        let is_same = |member: &&Member| {
            let same = self.newcomers(member.name()).same_people_as;
            links.iter().any(|link| same.contains(&link.directory))
        };
        let serving = self.chain.members().filter(knows).filter(|member| member.serves(login));
        let partners: Vec<_> = serving.filter(is_same).map(|member| (member, None)).collect();
        if !partners.is_empty() {
            return Some(Of::These(partners));
        }
        // What it knew, nobody else does: a password of before is not to count again because a name in the settings is another.
        self.missing(links).map(|directory| Of::Missing(directory.clone()))
    }

    /// A directory that is among these links, and not in the settings.
    pub(crate) fn missing<'a>(&self, links: &'a [Link]) -> Option<&'a DirectoryName> {
        links.iter().map(|link| &link.directory).find(|directory| self.chain.named(directory).is_none())
    }

    /// Directories that accounts hang on, and that the settings do not have.
    #[must_use]
    pub fn missing_of(&self, accounts: &Accounts) -> BTreeSet<DirectoryName> {
        let logins = accounts.list();
        let missing = logins.iter().filter_map(|(login, _)| {
            let links = accounts.links(login.as_str());
            self.missing(&links).cloned()
        });
        missing.collect()
    }

    /// The account of somebody whom a directory lets in and calls so: see [`Accounts::take_in`]. The log is told what that has
    /// made of it.
    pub(crate) async fn take_in(
        &self,
        accounts: &Accounts,
        link: &Link,
        called: Called<'_>,
    ) -> Result<AccountId, DirectoryError> {
        let newcomers = self.newcomers(&link.directory);
        let kept = self.name_to_keep(accounts, link, called).await;
        let called = kept.as_ref().map_or(called, Called::one);
        let (id, taken_in) = accounts.take_in(link, called, newcomers).await?;
        tell(&taken_in, called.login, &link.directory);
        Ok(id)
    }

    /// The name that an account has, where its owner is not called so and is still found by it, as far as that can be known:
    /// whoever has several names, or is called otherwise by another directory, is not renamed by each sign-in and each message,
    /// for app passwords go by the name.
    async fn name_to_keep(&self, accounts: &Accounts, link: &Link, called: Called<'_>) -> Option<Login> {
        let (_, present) = accounts.linked(link)?;
        if called.is(&present) {
            return None;
        }
        let links = accounts.links(present.as_str());
        let question = Question { of: self.of(&present, &links)?, login: present.clone() };
        let is_theirs = match self.find(&question).await.answer {
            // Whoever has the name by now may be somebody else, of whom all that is known is that they have it.
            Answer::Yes(hit) => links
                .iter()
                .any(|link| link.directory == *hit.member.name() && link.subject == hit.found.subject),
            Answer::NoSuch | Answer::Wrong => false,
            Answer::Disabled | Answer::Unavailable(_) => true,
        };
        is_theirs.then_some(present)
    }

    fn newcomers(&self, directory: &DirectoryName) -> Newcomers<'_> {
        let manners = self.manners.get(directory);
        Newcomers {
            get_accounts: manners.is_some_and(|manners| manners.get_accounts),
            same_people_as: manners.map_or(&[], |manners| &manners.same_people_as),
        }
    }

    /// Whether one of those who were asked for a name has no answer to passwords at present, and what would have come of the
    /// question for somebody's: whoever has the name hears no more than that their directory cannot be asked, and so must
    /// whoever has none (threat T-38).
    pub(crate) fn checks_ail(&self, question: &Question<'_>) -> Option<Checks> {
        let members: Vec<&Member> = match &question.of {
            Of::Anybody => self.chain.members().filter(|member| member.serves(&question.login)).collect(),
            Of::These(these) => these.iter().map(|(member, _)| *member).collect(),
            Of::Missing(_) => Vec::new(),
        };
        members.into_iter().filter_map(Member::checks_ail).next()
    }

    /// Those of which the log has said that they cannot be asked.
    #[must_use]
    pub fn down(&self) -> Vec<DirectoryName> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
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

    pub(crate) fn note<T>(&self, member: &Member, answer: &Answer<T>) {
        let ailment = match answer {
            // The trouble of one question says nothing of others.
            Answer::Unavailable(why) if why.is_passing() => return,
            Answer::Unavailable(why) => Some(why.clone()),
            // One that finds names, and has no answer to passwords, is not back by finding one.
            _ => member.ailment(),
        };
        self.heard(member.name(), ailment.as_ref());
    }

    /// Who has a name, of those who are to be asked.
    pub(crate) async fn find<'a>(&'a self, question: &Question<'a>) -> Sought<'a> {
        match &question.of {
            Of::Anybody => {
                let answer = self.chain.find(&question.login).await;
                self.note_chain(&question.login, &answer);
                answer.into()
            }
            Of::These(these) => self.find_by(these, &question.login).await,
            Of::Missing(directory) => {
                let words = format_args!("the settings have no [[directory]] called {directory}");
                Answer::Unavailable(Trouble::new(words)).into()
            }
        }
    }

    async fn find_by<'a>(&'a self, these: &[(&'a Member, Option<Subject>)], login: &Login) -> Sought<'a> {
        let mut met_another = false;
        for (member, subject) in these {
            let answer = member.find(login).await;
            self.note(member, &answer);
            match answer {
                // Somebody else who has the name there by now is not whose mail this is.
                Answer::Yes(found) if subject.as_ref().is_some_and(|subject| *subject != found.subject) => {
                    met_another = true;
                }
                Answer::NoSuch => {}
                answer => return answer.map(|found| Hit { member, found }).into(),
            }
        }
        Sought { answer: Answer::NoSuch, met_another }
    }

    /// Whose a token is, where `claimed` is the name that came with it.
    pub(crate) async fn bearer(&self, token: Token<'_>, claimed: Option<&Login>) -> Answer<Hit<'_>> {
        self.chain.bearer(token, claimed, |member, answer| self.note(member, answer)).await
    }

    /// The chain was asked from its beginning up to the one whose answer this is.
    fn note_chain(&self, login: &Login, answer: &Answer<Hit<'_>>) {
        let serving = self.chain.members().filter(|member| member.serves(login));
        for member in serving {
            self.heard(member.name(), member.ailment().as_ref());
        }
        if let Answer::Yes(hit) = answer {
            self.note(hit.member, answer);
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

fn tell(taken_in: &TakenIn, login: &Login, directory: &DirectoryName) {
    let (account, directory) =
        (events::Account::new(login.as_str()), events::Directory::new(directory.as_str()));
    match taken_in {
        TakenIn::AsBefore => {}
        TakenIn::Made => Event::DirectoryAddedAccount { account, directory }.log(),
        TakenIn::Linked => Event::DirectoryLinkedAccount { account, directory }.log(),
        TakenIn::Renamed { before } => {
            let before = events::Account::new(before.as_str());
            Event::DirectoryRenamedAccount { account, before, directory }.log();
        }
    }
}
