//! One directory of several: for whom it is asked, how long, and what becomes of it when it does not answer.

use crate::turns::Turns;
use crate::{
    Ability, Answer, Asked, Directory, DirectoryName, Found, Password, Question, Standing, Subject, Token,
    Trouble,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use terms::Login;
use tokio::time::{Instant, timeout};

/// How long a directory has for one answer, from when it is asked: to wait for one's turn is another matter
/// ([`TURN_PATIENCE`](crate::TURN_PATIENCE)). Mail clients wait 5 s and longer to sign in, and one question may follow
/// another.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How long it has for a password: what stands behind it (PAM, say) may take two seconds over a wrong one on purpose.
pub const CHECK_PATIENCE: Duration = Duration::from_secs(4);

/// So many questions without an answer, one behind the other, and a directory is left alone for a while: those who wait for
/// it hold sockets, and a server that is ill gets no better by being asked.
pub const FAILURES_BEFORE_REST: u32 = 3;

/// How often a directory that rests is asked all the same, by one question each time.
pub const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// So long is it held to be in trouble when nobody has asked it since.
const TROUBLE_LASTS: Duration = Duration::from_secs(10 * 60);

/// What a directory that had no answer to the last password would do with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Be handed it.
    Asked,
    /// It is left alone for a while.
    LeftAlone,
}

/// Whose names a directory is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domains {
    /// All, names without a domain among them.
    All,
    /// Those of these domains, in lower case; `""` for names without one.
    These(Box<[Box<str>]>),
}

impl Domains {
    /// Whether a name is of one of them.
    #[must_use]
    pub fn hold(&self, login: &Login) -> bool {
        let domain = login.as_str().split_once('@').map_or("", |(_, domain)| domain);
        match self {
            Self::All => true,
            Self::These(these) => these.iter().any(|these| **these == *domain),
        }
    }
}

/// A directory in its place.
pub struct Member {
    directory: Arc<dyn Directory>,
    domains: Domains,
    finds: Way,
    checks: Way,
    bearers: Way,
}

/// One kind of question. Of each it is known apart how the directory does: one may find names, and have no answer to any
/// password.
struct Way {
    turns: Turns,
    health: Mutex<Health>,
    patience: Duration,
}

#[derive(Debug, Default)]
struct Health {
    /// Without an answer, since the last one.
    failures: u32,
    /// When it was last asked.
    asked: Option<Instant>,
    trouble: Option<Trouble>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Member").field(self.name()).finish()
    }
}

impl Member {
    /// A directory that is asked for names of these domains.
    #[must_use]
    pub fn new(directory: Arc<dyn Directory>, domains: Domains) -> Self {
        let way = |question, patience| Way {
            turns: Turns::new(directory.turns(question)),
            health: Mutex::default(),
            patience,
        };
        Self {
            finds: way(Question::Find, PATIENCE),
            checks: way(Question::Check, CHECK_PATIENCE),
            bearers: way(Question::Bearer, PATIENCE),
            directory,
            domains,
        }
    }

    /// As the settings call it.
    #[must_use]
    pub fn name(&self) -> &DirectoryName {
        self.directory.name()
    }

    /// Whether it can be asked for that at all.
    #[must_use]
    pub fn can(&self, ability: Ability) -> bool {
        self.directory.can(ability)
    }

    /// Whether it is asked for this name.
    #[must_use]
    pub fn serves(&self, login: &Login) -> bool {
        self.domains.hold(login)
    }

    /// What is the matter with it, if it rests.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble_after(FAILURES_BEFORE_REST)
    }

    /// What is the matter with it, if the last question of some kind had no answer.
    #[must_use]
    pub fn ailment(&self) -> Option<Trouble> {
        self.trouble_after(1)
    }

    fn trouble_after(&self, failures: u32) -> Option<Trouble> {
        let ways = [&self.finds, &self.checks, &self.bearers];
        ways.into_iter().find_map(|way| way.trouble_after(failures))
    }

    /// Whether it can be asked as the settings say.
    pub async fn examine(&self) -> Answer<()> {
        self.asked(&self.finds, || self.directory.examine()).await
    }

    /// Who has that name. It must be one that it [serves](Self::serves): a directory that answers with somebody of another
    /// domain, by a slip of its own or of who wrote its query, opens nobody's door there.
    pub async fn find(&self, login: &Login) -> Answer<Found> {
        self.asked(&self.finds, || self.directory.find(login)).await.and_then(|found| self.within(found))
    }

    /// Whether it had no answer to the last password of late, and what it would do with another now.
    #[must_use]
    pub fn checks_ail(&self) -> Option<Checks> {
        self.checks.trouble_after(1)?;
        Some(if self.leaves_checks_alone() { Checks::LeftAlone } else { Checks::Asked })
    }

    /// Whether it is not asked about a password now.
    #[must_use]
    pub fn leaves_checks_alone(&self) -> bool {
        self.rests(&self.checks).is_some()
    }

    /// Whether somebody who was found once still is there: see [`Directory::still_has`].
    pub async fn still_has(&self, subject: &Subject) -> Option<Answer<Standing>> {
        let asked = self.directory.still_has(subject)?;
        Some(self.asked(&self.finds, || asked).await)
    }

    /// Whether a password is that of somebody who was found with it elsewhere. An empty one is wrong.
    pub async fn check(&self, found: &Found, password: Password<'_>) -> Answer<()> {
        if password.expose().is_empty() {
            return Answer::Wrong;
        }
        self.asked(&self.checks, || self.directory.check(found, password)).await
    }

    /// Whose a token is.
    pub async fn bearer(&self, token: Token<'_>) -> Answer<Found> {
        if !self.can(Ability::Bearer) {
            return Answer::NoSuch;
        }
        self.asked(&self.bearers, || self.directory.bearer(token)).await.and_then(|found| self.within(found))
    }

    /// Somebody by those of their names that it is asked for.
    fn within(&self, found: Found) -> Answer<Found> {
        let names = std::iter::once(found.login).chain(found.also);
        let mut served = names.filter(|name| self.serves(name));
        match served.next() {
            Some(login) => Answer::Yes(Found { login, also: served.collect(), ..found }),
            None => Answer::NoSuch,
        }
    }

    async fn asked<'a, T>(&'a self, way: &Way, ask: impl FnOnce() -> Asked<'a, T>) -> Answer<T> {
        // Those whom it answers no more hold all the turns for a while.
        if let Some(why) = self.rests(way) {
            return Answer::Unavailable(why);
        }
        // That it is busy with others is no failure of the directory.
        let _turn = match way.turns.take().await {
            Ok(turn) => turn,
            Err(busy) => return Answer::Unavailable(busy),
        };
        if let Some(why) = self.keeps_from_asking(way) {
            return Answer::Unavailable(why);
        }
        let answer = timeout(way.patience, ask()).await;
        let answer = answer.unwrap_or_else(|_| {
            let seconds = way.patience.as_secs();
            Answer::Unavailable(Trouble::new(format_args!("no answer within {seconds} s")))
        });
        way.note(&answer);
        answer
    }

    /// Why it is not asked now.
    fn rests(&self, way: &Way) -> Option<Trouble> {
        if self.directory.spares_itself() { None } else { way.health().rest(Instant::now()) }
    }

    /// The same. Whoever is the one to ask all the same keeps the others from it by having asked.
    fn keeps_from_asking(&self, way: &Way) -> Option<Trouble> {
        let mut health = way.health();
        let now = Instant::now();
        let why = health.rest(now).filter(|_| !self.directory.spares_itself());
        if why.is_none() {
            health.asked = Some(now);
        }
        why
    }
}

impl Way {
    fn note<T>(&self, answer: &Answer<T>) {
        let mut health = self.health();
        match answer {
            Answer::Unavailable(why) if why.is_passing() => {}
            Answer::Unavailable(why) => {
                health.failures = health.failures.saturating_add(1);
                health.trouble = Some(why.clone());
            }
            _ => *health = Health { asked: health.asked, ..Health::default() },
        }
    }

    /// Why the last questions had no answer, where they were so many, and not long ago: of what nobody has asked for since
    /// nothing is known.
    fn trouble_after(&self, failures: u32) -> Option<Trouble> {
        let health = self.health();
        let is_lately = health.asked.is_some_and(|asked| asked.elapsed() < TROUBLE_LASTS);
        health.trouble.clone().filter(|_| health.failures >= failures && is_lately)
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health {
    /// Why nothing is to be asked at that time.
    fn rest(&self, now: Instant) -> Option<Trouble> {
        let is_due = self.asked.is_none_or(|asked| now.duration_since(asked) >= ASKED_AGAIN_AFTER);
        if self.failures < FAILURES_BEFORE_REST || is_due {
            return None;
        }
        Some(self.trouble.clone().unwrap_or_else(|| Trouble::new("no answer of late")))
    }
}
