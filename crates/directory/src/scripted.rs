//! A directory of a few people, for tests of those who ask directories.

use crate::{
    Ability, Answer, Asked, Directory, DirectoryName, Found, Login, Password, Standing, Stored, Subject,
    Token, Trouble, Version,
};
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Knows passwords, and tokens of the form `directory/login`. It can be taken down, and counts how often it is asked.
#[derive(Debug)]
pub struct Scripted {
    name: DirectoryName,
    people: Mutex<Vec<Human>>,
    state: Mutex<State>,
    checks_state: Mutex<State>,
    pace: Mutex<Pace>,
    only_tokens: AtomicBool,
    only_names: AtomicBool,
    finds: AtomicU32,
    checks: AtomicU32,
}

/// Somebody in it.
#[derive(Clone, Debug)]
pub struct Human {
    /// Who they are.
    pub subject: String,
    /// What they are called.
    pub login: String,
    /// Under which other names they are found, as by a filter that looks at the local part alone.
    pub aliases: Vec<String>,
    /// What they may be called as well; they are found by that, too.
    pub also: Vec<String>,
    /// What they sign in with.
    pub password: String,
    /// Whether they may.
    pub standing: Standing,
    /// The hash by which their password is known; `None` where the directory is to be asked.
    pub hash: Option<String>,
    /// What changes with their password, if something does.
    pub version: Option<String>,
}

/// How a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Up,
    /// It says that it cannot.
    Down,
    /// It says nothing.
    Silent,
}

/// How long it takes for an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Whether somebody is there, and whose a token is.
    pub find: Duration,
    /// Whether a password is right.
    pub check: Duration,
}

impl Human {
    /// Somebody whose subject is made of these names.
    #[must_use]
    pub fn new(directory: &str, login: &str, password: &str) -> Self {
        Self {
            subject: format!("{directory}-{login}"),
            login: login.to_owned(),
            aliases: Vec::new(),
            also: Vec::new(),
            password: password.to_owned(),
            standing: Standing::Enabled,
            hash: None,
            version: None,
        }
    }
}

impl Scripted {
    /// With these logins and passwords.
    ///
    /// # Panics
    /// The name is none.
    #[must_use]
    pub fn new(name: &str, people: &[(&str, &str)]) -> Arc<Self> {
        let people = people.iter().map(|(login, password)| Human::new(name, login, password)).collect();
        Arc::new(Self {
            name: DirectoryName::new(name).expect("a test names its directories well"),
            people: Mutex::new(people),
            state: Mutex::new(State::Up),
            checks_state: Mutex::new(State::Up),
            pace: Mutex::default(),
            only_tokens: AtomicBool::new(false),
            only_names: AtomicBool::new(false),
            finds: AtomicU32::new(0),
            checks: AtomicU32::new(0),
        })
    }

    /// It knows no passwords, as an OpenID provider.
    #[must_use]
    pub fn of_tokens_alone(self: Arc<Self>) -> Arc<Self> {
        self.only_tokens.store(true, Ordering::Relaxed);
        self
    }

    /// Nobody can be asked for by their subject, as in a database.
    #[must_use]
    pub fn by_names_alone(self: Arc<Self>) -> Arc<Self> {
        self.only_names.store(true, Ordering::Relaxed);
        self
    }

    /// From now on.
    pub fn becomes(&self, state: State) {
        *lock(&self.state) = state;
    }

    /// From now on, where it is asked about a password.
    pub fn checks_become(&self, state: State) {
        *lock(&self.checks_state) = state;
    }

    /// From now on, by tokio's clock.
    pub fn takes(&self, pace: Pace) {
        *lock(&self.pace) = pace;
    }

    /// Who is in it, to be changed.
    pub fn people(&self) -> MutexGuard<'_, Vec<Human>> {
        lock(&self.people)
    }

    /// How often it was asked for anything.
    #[must_use]
    pub fn times_asked(&self) -> u32 {
        self.finds.load(Ordering::Relaxed) + self.times_checked()
    }

    /// How often it was asked for a password.
    #[must_use]
    pub fn times_checked(&self) -> u32 {
        self.checks.load(Ordering::Relaxed)
    }

    fn answer<T: Send + 'static>(&self, time: Duration, answer: Answer<T>) -> Asked<'_, T> {
        in_state(*lock(&self.state), time, answer)
    }

    fn pace(&self) -> Pace {
        *lock(&self.pace)
    }

    fn person(&self, login: &str) -> Option<Found> {
        let people = self.people();
        let is_called = |human: &&Human| {
            let mut others = human.aliases.iter().chain(&human.also);
            human.login == login || others.any(|name| name == login)
        };
        let human = people.iter().find(is_called)?;
        Some(Found {
            subject: Subject::new(&human.subject).ok()?,
            login: Login::new(&human.login).ok()?,
            also: human.also.iter().filter_map(|name| Login::new(name).ok()).collect(),
            standing: human.standing,
            stored: human.hash.as_deref().map_or(Stored::Elsewhere, |hash| Stored::Hash(hash.into())),
            version: human.version.as_ref().map(|version| Version::new(version.as_bytes())),
        })
    }
}

fn in_state<'a, T: Send + 'static>(state: State, time: Duration, answer: Answer<T>) -> Asked<'a, T> {
    let answer = match state {
        State::Up => answer,
        State::Down => Answer::Unavailable(Trouble::new("connection refused")),
        State::Silent => return Box::pin(pending()),
    };
    Box::pin(async move {
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        answer
    })
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Directory for Scripted {
    fn name(&self) -> &DirectoryName {
        &self.name
    }

    fn can(&self, ability: Ability) -> bool {
        ability == Ability::Bearer || !self.only_tokens.load(Ordering::Relaxed)
    }

    fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        self.answer(self.pace().find, self.person(login.as_str()).map_or(Answer::NoSuch, Answer::Yes))
    }

    fn still_has<'a>(&'a self, subject: &'a Subject) -> Option<Asked<'a, Standing>> {
        if self.only_names.load(Ordering::Relaxed) {
            return None;
        }
        self.finds.fetch_add(1, Ordering::Relaxed);
        let standing =
            self.people().iter().find(|human| human.subject == subject.as_str()).map(|human| human.standing);
        Some(self.answer(self.pace().find, standing.map_or(Answer::NoSuch, Answer::Yes)))
    }

    fn check<'a>(&'a self, found: &'a Found, password: Password<'a>) -> Asked<'a, ()> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let is_theirs =
            |human: &Human| human.subject == found.subject.as_str() && human.password == password.expose();
        let is_right = self.people().iter().any(is_theirs);
        let answer = if is_right { Answer::Yes(()) } else { Answer::Wrong };
        match *lock(&self.checks_state) {
            State::Up => self.answer(self.pace().check, answer),
            state => in_state(state, Duration::ZERO, answer),
        }
    }

    fn bearer<'a>(&'a self, token: Token<'a>) -> Asked<'a, Found> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        let own = token.expose().strip_prefix(self.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let found = own.map(|name| self.person(name).map_or(Answer::Wrong, Answer::Yes));
        self.answer(self.pace().find, found.unwrap_or(Answer::NoSuch))
    }
}
