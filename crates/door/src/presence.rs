//! Whether directories elsewhere still let in those who have come in by something else than their word of just now: an app
//! password, a certificate, a password of hours ago.
//!
//! They are asked again from time to time, one question after the other, and never while somebody waits for the answer. What
//! counts is what one says for certain: while it cannot be asked, all stays as it was.

use crate::doorkeeper::Doorkeeper;
use crate::elsewhere::Of;
use crate::judge::Judged;
use directory::{Answer, Member, Standing, Trouble};
use events::{Absence, AuthFailure, Event};
use mail::Credential;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use terms::{AccountId, Login, Subject};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a directory is asked of somebody who is signed in.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// How often it is asked of somebody whom it keeps out, when they try, at most.
const OF_ONE_WHO_IS_BARRED: Duration = Duration::from_secs(5);

/// Of whom directories are to be asked.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    wanted: Mutex<Wanted>,
    is_wanted: Notify,
}

#[derive(Debug, Default)]
struct Wanted {
    /// Who has just come.
    at_once: BTreeSet<AccountId>,
    /// Everybody who is here.
    in_turn: BTreeSet<AccountId>,
    /// Whose turn it is next: of many who come at once, others wait no longer than it takes to ask for one.
    turn: bool,
    /// Of whom they were asked in the last round.
    asked: BTreeMap<AccountId, Instant>,
}

impl Presence {
    /// They are asked at once, unless they have been so lately.
    fn want(&self, id: AccountId, lately: Duration) {
        let mut wanted = self.wanted();
        if wanted.asked.get(&id).is_none_or(|asked| asked.elapsed() >= lately) {
            wanted.at_once.insert(id);
            self.is_wanted.notify_one();
        }
    }

    fn want_all(&self, these: impl IntoIterator<Item = AccountId>) {
        let mut wanted = self.wanted();
        wanted.asked.retain(|_, asked| asked.elapsed() < EVERY);
        wanted.in_turn.extend(these);
    }

    fn next(&self) -> Option<AccountId> {
        let mut wanted = self.wanted();
        wanted.turn = !wanted.turn;
        let next = match wanted.turn {
            true => wanted.at_once.pop_first().or_else(|| wanted.in_turn.pop_first()),
            false => wanted.in_turn.pop_first().or_else(|| wanted.at_once.pop_first()),
        }?;
        wanted.at_once.remove(&next);
        wanted.in_turn.remove(&next);
        wanted.asked.insert(next, Instant::now());
        Some(next)
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doorkeeper {
    /// Asks directories again, for ever: of those who are signed in, and of those who are kept out. Whoever runs the server
    /// keeps this going.
    pub async fn ask_again(&self) {
        let mut rounds = interval(EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = rounds.tick() => self.presence.want_all(self.signed_in().into_iter().chain(self.accounts.barred())),
                () = self.presence.is_wanted.notified() => {}
            }
            while let Some(id) = self.presence.next() {
                self.ask_of(id).await;
            }
        }
    }

    /// Somebody has come in: their directory is asked of them soon, if that has not just let them in.
    pub(crate) fn ask_soon(&self, id: AccountId, with: Credential) {
        if with != Credential::Password && self.accounts.is_linked_elsewhere(id) {
            self.presence.want(id, EVERY);
        }
    }

    /// Somebody has shown what would let them in, if their account were let in.
    pub(crate) fn kept_out(&self, id: AccountId) -> Judged {
        if self.accounts.is_barred(id) {
            self.presence.want(id, OF_ONE_WHO_IS_BARRED);
        }
        Judged::Wrong(AuthFailure::Disabled)
    }

    async fn ask_of(&self, id: AccountId) {
        let Some(login) = self.accounts.login(id) else {
            self.accounts.unbar(id).await;
            return;
        };
        match self.absence(&login).await {
            Some(Ok(())) => self.is_there(id).await,
            Some(Err(reason)) if self.accounts.bar(id).await => {
                Event::AccountBarred { account: events::Account::new(login.as_str()), reason }.log();
            }
            Some(Err(_)) | None => {}
        }
    }

    /// Whether directories let somebody in, as far as they say for certain: the first that has them counts, as for their
    /// password.
    async fn absence(&self, login: &Login) -> Option<Result<(), Absence>> {
        let links = self.accounts.links(login.as_str());
        let these = match self.elsewhere.of(login, &links) {
            None => return Some(Ok(())),
            Some(Of::These(these)) => these,
            Some(Of::Anybody | Of::Missing(_)) => return None,
        };
        let mut gone = Some(Err(Absence::Gone));
        for (member, subject) in these {
            match self.still_has(member, subject.as_ref(), login).await {
                Answer::Yes(Standing::Enabled) => return Some(Ok(())),
                Answer::Yes(Standing::Disabled) | Answer::Disabled => return Some(Err(Absence::Disabled)),
                Answer::NoSuch | Answer::Wrong => {}
                Answer::Unavailable(_) => gone = None,
            }
        }
        gone
    }

    /// Whether a directory still has somebody. They are asked for by name first, for which directories have an index. That it
    /// does not know the name says nothing by itself: they may be called otherwise by now, or always have been; unless the name
    /// is who they are.
    async fn still_has(&self, member: &Member, subject: Option<&Subject>, login: &Login) -> Answer<Standing> {
        let answer = member.find(login).await;
        self.elsewhere.note(member, &answer);
        match answer {
            Answer::Yes(found) if subject.is_none_or(|subject| *subject == found.subject) => {
                return Answer::Yes(found.standing);
            }
            Answer::Unavailable(why) => return Answer::Unavailable(why),
            Answer::Disabled => return Answer::Disabled,
            Answer::Yes(_) | Answer::NoSuch | Answer::Wrong => {}
        }
        let Some(subject) = subject else { return Answer::Unavailable(not_by_name()) };
        match member.still_has(subject).await {
            Some(answer) => {
                self.elsewhere.note(member, &answer);
                answer
            }
            None if subject.as_str() == login.as_str() => Answer::NoSuch,
            None => Answer::Unavailable(not_by_name()),
        }
    }

    /// A directory lets the owner of an account in.
    pub(crate) async fn is_there(&self, id: AccountId) {
        if self.accounts.unbar(id).await
            && let Some(login) = self.accounts.login(id)
        {
            Event::AccountUnbarred { account: events::Account::new(login.as_str()) }.log();
        }
    }
}

/// Of this somebody it is not known; it is no trouble of the directory's.
fn not_by_name() -> Trouble {
    Trouble::new("it is not known by which name they are found")
}
