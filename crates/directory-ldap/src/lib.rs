//! Accounts that an LDAP server knows.
//!
//! Somebody's entry is looked up by what they type, and their password is right if the server lets them bind with it, on a
//! connection of its own. [`LdapConfig`] says where the server is and what is whose there.
//!
//! > **Promises.** What a stranger types gets into a filter or a name as an escaped value, and nowhere else (threat T-33). No
//! > password and no question goes to another machine but inside TLS, whose certificate is checked; StartTLS that is refused
//! > is the end. An empty password is never sent (RFC 4513, 5.1.2). Referrals and aliases are not followed. A server's answer
//! > has a bounded size and a known shape before anything takes it to pieces.
//!
//! Left to others: how long an answer may take ([`directory::Member`]), and how often a password is asked for at all.

mod ber;
mod config;
mod connection;
mod entry;
mod guard;
mod lately;
mod outcome;
mod people;
mod pool;
mod server;
mod shape;
mod template;

pub use config::{
    Authorities, BadConfig, DEFAULT_LOGIN, DEFAULT_SUBJECT, DEFAULT_VERSION, Depth, LdapConfig, People,
    Reader, StandingRule,
};
pub use pool::MAX_READERS;
pub use server::{BadServer, Cleartext, Server};

use connection::{Connection, Route, Search};
use directory::{
    Ability, Answer, Asked, Directory, DirectoryName, Found, Password, Question, Standing, Stored, Subject,
    Token, Trouble,
};
use entry::Entry;
use lately::Lately;
use outcome::{of_bind, of_search};
use people::Finder;
use pool::Readers;
use terms::Login;
use tokio::sync::Semaphore;

/// Most passwords that are asked for at once, each over a connection of its own; further ones wait.
pub const MAX_BINDS: usize = 32;

/// Asks for no attribute: that there is an entry is all (RFC 4511, 4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";

/// A directory over an LDAP server.
pub struct LdapDirectory {
    name: DirectoryName,
    route: Route,
    finder: Finder,
    readers: Readers,
    binds: Semaphore,
    lately: Lately,
    subject: Box<str>,
    login: Box<str>,
    standing: StandingRule,
    version: Box<[Box<str>]>,
    /// All that are asked for.
    attributes: Box<[Box<str>]>,
}

impl LdapDirectory {
    /// Takes a configuration. Nobody is asked yet.
    ///
    /// # Errors
    /// It cannot be used, in words for the admin.
    pub fn new(config: LdapConfig) -> Result<Self, BadConfig> {
        let attributes = attributes(&config)?;
        if let StandingRule::Filter(filter) = &config.standing {
            people::check_filter(filter)?;
        }
        if let Reader::Account { dn, password } = &config.reader
            && (dn.is_empty() || password.expose().is_empty())
        {
            return Err(BadConfig::NoPassword);
        }
        Ok(Self {
            finder: Finder::new(config.people)?,
            route: Route::new(config.server, &config.authorities)?,
            readers: Readers::new(config.reader),
            binds: Semaphore::new(MAX_BINDS),
            lately: Lately::default(),
            name: config.name,
            subject: config.subject,
            login: config.login,
            standing: config.standing,
            version: config.version,
            attributes,
        })
    }

    async fn find_entry(&self, login: &Login) -> Answer<Found> {
        let Some(search) = self.finder.search(login) else { return Answer::NoSuch };
        let entry = match self.one(&search).await {
            Answer::Yes(entry) => entry,
            answer => return answer.and_then(|_| Answer::NoSuch),
        };
        // Who has no subject or no login there is nobody to us.
        let (subject, mut logins) = (entry.subject(&self.subject), entry.logins(&self.login));
        let Some((subject, login)) = subject.zip(logins.next()) else { return Answer::NoSuch };
        let also = logins.collect::<Box<[_]>>();
        let version = entry.version(&self.version);
        self.lately.note(&subject, entry.name());
        let standing = self.standing(&entry).await;
        standing.map(|standing| Found { subject, login, also, standing, stored: Stored::Elsewhere, version })
    }

    /// Whether an entry is still there, and matches for some name.
    async fn still_there(&self, search: Search) -> Answer<Standing> {
        match self.one(&search).await {
            Answer::Yes(entry) => self.standing(&entry).await,
            answer => answer.and_then(|_| Answer::NoSuch),
        }
    }

    async fn one(&self, search: &Search) -> Answer<Entry> {
        match self.readers.search(&self.route, search, &self.attributes).await {
            Ok(answer) => of_search(answer, self.finder.base()),
            Err(why) => Answer::Unavailable(why),
        }
    }

    async fn standing(&self, entry: &Entry) -> Answer<Standing> {
        let is_enabled = match &self.standing {
            StandingRule::All => true,
            StandingRule::Unless { attribute, values } => !entry.has(attribute, values),
            StandingRule::Filter(filter) => match self.matches(entry, filter).await {
                Ok(matches) => matches,
                Err(why) => return Answer::Unavailable(why),
            },
        };
        Answer::Yes(if is_enabled { Standing::Enabled } else { Standing::Disabled })
    }

    /// Whether an entry matches. One that has gone in between does not.
    async fn matches(&self, entry: &Entry, filter: &str) -> Result<bool, Trouble> {
        let search = people::itself(entry.name(), filter);
        let answer = self.readers.search(&self.route, &search, &[NO_ATTRIBUTES.into()]).await?;
        match of_search(answer, outcome::Base::Login) {
            Answer::Yes(_) => Ok(true),
            Answer::Unavailable(why) => Err(why),
            _ => Ok(false),
        }
    }

    async fn bind(&self, found: &Found, password: Password<'_>) -> Answer<()> {
        if password.expose().is_empty() {
            return Answer::Wrong;
        }
        let name = match self.name_of(found).await {
            Answer::Yes(name) => name,
            // Somebody who was there a moment ago.
            Answer::NoSuch => return Answer::Wrong,
            answer => return answer.map(drop),
        };
        self.bind_as(&name, found, password).await.unwrap_or_else(Answer::Unavailable)
    }

    async fn bind_as(
        &self,
        name: &str,
        found: &Found,
        password: Password<'_>,
    ) -> Result<Answer<()>, Trouble> {
        let _turn = self.binds.acquire().await.map_err(Trouble::new)?;
        let connection = Connection::open(&self.route).await?;
        let (connection, result) = connection.bind(name, password.expose()).await?;
        let answer = of_bind(&result);
        if answer != Answer::Yes(()) || self.finder.base() == outcome::Base::Settings {
            return Ok(answer);
        }
        self.own_entry(connection, name, &found.subject).await
    }

    /// Reads the entry as its owner: a name that was made, not found, has to lead to the same person with a password as
    /// without.
    async fn own_entry(&self, own: Connection, name: &str, subject: &Subject) -> Result<Answer<()>, Trouble> {
        let (_, answer) = own.search(&people::itself(name, people::ANY), &self.attributes).await?;
        match of_search(answer, outcome::Base::Login) {
            Answer::Yes(entry) if entry.subject(&self.subject).as_ref() == Some(subject) => {
                Ok(Answer::Yes(()))
            }
            Answer::Unavailable(why) => Err(why),
            _ => Ok(Answer::Wrong),
        }
    }

    /// Under what name somebody binds who was found.
    async fn name_of(&self, found: &Found) -> Answer<Box<str>> {
        if let Some(name) = self.lately.name(&found.subject) {
            return Answer::Yes(name);
        }
        match self.finder.again(&self.subject, found) {
            Some(search) => self.one(&search).await.map(|entry| entry.name().into()),
            None => Answer::NoSuch,
        }
    }
}

impl Directory for LdapDirectory {
    fn name(&self) -> &DirectoryName {
        &self.name
    }

    fn can(&self, ability: Ability) -> bool {
        ability == Ability::Passwords
    }

    /// As many as connections; what looks entries up for a check as well does so for those whom it has forgotten.
    fn turns(&self, question: Question) -> usize {
        match question {
            Question::Find => MAX_READERS,
            Question::Check => MAX_BINDS,
            Question::Bearer => usize::MAX,
        }
    }

    fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found> {
        Box::pin(self.find_entry(login))
    }

    fn still_has<'a>(&'a self, subject: &'a Subject) -> Option<Asked<'a, Standing>> {
        let search = self.finder.still(&self.subject, subject)?;
        Some(Box::pin(self.still_there(search)))
    }

    fn check<'a>(&'a self, found: &'a Found, password: Password<'a>) -> Asked<'a, ()> {
        Box::pin(self.bind(found, password))
    }

    fn bearer<'a>(&'a self, _: Token<'a>) -> Asked<'a, Found> {
        Box::pin(std::future::ready(Answer::NoSuch))
    }
}

impl std::fmt::Debug for LdapDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LdapDirectory").field(&self.name).finish()
    }
}

/// All attributes that are asked for.
fn attributes(config: &LdapConfig) -> Result<Box<[Box<str>]>, BadConfig> {
    let mut all = vec![config.subject.clone(), config.login.clone()];
    if let StandingRule::Unless { attribute, .. } = &config.standing {
        all.push(attribute.clone());
    }
    all.extend(config.version.iter().cloned());
    let is_fine = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.;".contains(c))
    };
    match all.iter().find(|name| !is_fine(name)) {
        Some(bad) => Err(BadConfig::Attribute(bad.clone())),
        None => Ok(all.into()),
    }
}
