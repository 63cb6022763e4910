//! Several directories in order.

use crate::{Ability, Answer, DirectoryName, Found, Member, Token};
use terms::Login;

/// The directories of a server, in the order of its settings.
///
/// It decides for names that no account here has yet; an account that is linked asks its own directory alone, by
/// [`Self::named`], so that nobody's name can be had at another's door (threat T-32).
#[derive(Debug, Default)]
pub struct Chain {
    members: Box<[Member]>,
}

/// Somebody whom one of the directories knows.
#[derive(Debug)]
pub struct Hit<'a> {
    /// Which.
    pub member: &'a Member,
    /// Whom.
    pub found: Found,
}

impl Chain {
    /// In this order.
    #[must_use]
    pub fn new(members: Vec<Member>) -> Self {
        Self { members: members.into() }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// All, in order.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// The one of that name; `None` where the settings have it no more.
    #[must_use]
    pub fn named(&self, name: &DirectoryName) -> Option<&Member> {
        self.members.iter().find(|member| member.name() == name)
    }

    /// Whether anybody is asked for the password of a name like this one.
    #[must_use]
    pub fn serves(&self, login: &Login) -> bool {
        self.for_passwords(login).next().is_some()
    }

    /// Who has the name: the first that knows it. One that cannot be asked ends the search, even where a later one would
    /// know the name: else whoever waits for an outage could get, from the later one, a name that is somebody's in the
    /// former.
    pub async fn find(&self, login: &Login) -> Answer<Hit<'_>> {
        for member in self.for_passwords(login) {
            match member.find(login).await {
                Answer::NoSuch => {}
                answer => return answer.map(|found| Hit { member, found }),
            }
        }
        Answer::NoSuch
    }

    /// Whose a token is, where `claimed` is the name that came with it. One that cannot be asked is passed over, for a token
    /// says by itself who made it; if nobody knows it, that one is the answer. `heard` is told what each says.
    pub async fn bearer(
        &self,
        token: Token<'_>,
        claimed: Option<&Login>,
        heard: impl Fn(&Member, &Answer<Found>),
    ) -> Answer<Hit<'_>> {
        let mut so_far = Answer::NoSuch;
        let serve = |member: &&Member| claimed.is_none_or(|login| member.serves(login));
        for member in self.members.iter().filter(|member| member.can(Ability::Bearer)).filter(serve) {
            let answer = member.bearer(token).await;
            heard(member, &answer);
            match answer {
                Answer::NoSuch => {}
                Answer::Unavailable(why) => so_far = Answer::Unavailable(why),
                answer => return answer.map(|found| Hit { member, found }),
            }
        }
        so_far
    }

    fn for_passwords(&self, login: &Login) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.can(Ability::Passwords) && member.serves(login))
    }
}
