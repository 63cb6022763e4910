//! App passwords that admins make and revoke while the server is killed: what was answered holds. One that is revoked lets
//! nobody in ever again, one that was made does, and one that nobody was told of can be seen and revoked.
//!
//! `GATEPOST_KILLS` says how often (12), `GATEPOST_SEED` repeats a run's decisions.

use crate::lose_the_end_of_the_log;
use crate::support::{PASSWORD, Place, Server};
use std::collections::BTreeSet;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use testkit::dice::Dice;

const ANN: &str = "ann@example.org";
/// They all look after Ann's account, each after app passwords of their own.
const ADMINS: usize = 6;
/// Most that one of them has at the same time.
const MOST_OF_ONE: usize = 4;
/// Of the revoked ones of each admin so many are tried after each kill, the latest first: all of that round, and some more.
const TRIED_AGAIN: usize = 10;

#[test]
fn an_app_password_whose_revocation_was_answered_lets_in_never_again_whatever_is_killed_when() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (kills, seed) = (number("GATEPOST_KILLS").unwrap_or(12), number("GATEPOST_SEED").unwrap_or(1));
    println!("GATEPOST_SEED={seed}");
    let mut office = Office::new(seed);
    let mut unanswered = 0;
    for kill in 0..kills {
        unanswered += office.work_until_killed();
        let complaints = office.restart();
        assert!(complaints.is_empty(), "seed {seed}, kill {kill}:\n{}", complaints.join("\n"));
    }
    // In the end all of them are tried, also those of the first day.
    assert_eq!(office.check(usize::MAX), Vec::<String>::new());
    let revoked = office.known().filter(|known| known.fate == Fate::Revoked).count();
    let done = office.done_unanswered;
    println!(
        "{} made, {revoked} revoked; {unanswered} not answered, {done} of them done",
        office.known().count()
    );
    assert!(unanswered > 0, "nothing was under way at any kill");
}

#[test]
fn a_server_that_forgets_revocations_is_found_out() {
    let mut office = Office::new(7);
    office.work_until_killed();
    lose_the_end_of_the_log(&office.place.mail());
    let complaints = office.restart();
    println!("{}", complaints.join("\n"));
    assert!(complaints.iter().any(|complaint| complaint.ends_with("lets in, and was revoked")));
}

/// What was answered of an app password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Made,
    Revoked,
    /// It was to be revoked, and the server was killed.
    Either,
}

/// An app password that its admin was told.
#[derive(Clone, Debug)]
struct Known {
    label: String,
    password: String,
    fate: Fate,
}

/// Somebody at the desk.
struct Admin {
    id: usize,
    dice: Dice,
    /// How many they have asked for.
    made: u64,
    known: Vec<Known>,
    /// One that they asked for, and the server was killed: nobody knows the password.
    untold: Option<String>,
}

/// When the server is killed, and whether that has begun.
struct Fuse {
    answered: AtomicU64,
    burns: u64,
    lit: Sender<()>,
    is_over: AtomicBool,
}

impl Admin {
    /// Makes and revokes, until the server is killed. How many of their deeds were not answered: one at most.
    fn work(&mut self, place: &Place, fuse: &Fuse) -> usize {
        while !fuse.is_over.load(Ordering::SeqCst) {
            let good: Vec<_> =
                (0..self.known.len()).filter(|at| self.known[*at].fate == Fate::Made).collect();
            let is_answered = match good.len() < MOST_OF_ONE && (good.is_empty() || self.dice.chance(60)) {
                true => self.make(place, fuse),
                false => {
                    let which = self.dice.pick(&good);
                    self.revoke(place, fuse, which)
                }
            };
            if !is_answered {
                return 1;
            }
            if fuse.answered.fetch_add(1, Ordering::SeqCst) + 1 == fuse.burns {
                fuse.lit.send(()).unwrap();
            }
        }
        0
    }

    fn make(&mut self, place: &Place, fuse: &Fuse) -> bool {
        self.made += 1;
        let label = format!("{}-{}", self.id, self.made);
        let said = place.ask(&format!("account app-password add {ANN} --name {label}"));
        match answer(&said, fuse) {
            None => {
                self.untold = Some(label);
                false
            }
            Some(told) => {
                let password = told.lines().nth(1).unwrap().to_owned();
                self.known.push(Known { label, password, fate: Fate::Made });
                true
            }
        }
    }

    fn revoke(&mut self, place: &Place, fuse: &Fuse, which: usize) -> bool {
        let known = &mut self.known[which];
        let said = place.ask(&format!("account app-password revoke {ANN} {}", known.label));
        let is_answered = answer(&said, fuse).is_some();
        known.fate = if is_answered { Fate::Revoked } else { Fate::Either };
        is_answered
    }
}

/// What a command says; `None` where it does not know what became of it, or nothing could be asked, because the server is
/// being killed.
fn answer(said: &Output, fuse: &Fuse) -> Option<String> {
    if said.status.success() {
        return Some(String::from_utf8(said.stdout.clone()).unwrap());
    }
    assert!(fuse.is_over.load(Ordering::SeqCst), "{}", String::from_utf8_lossy(&said.stderr));
    None
}

struct Office {
    place: Place,
    server: Option<Server>,
    dice: Dice,
    admins: Vec<Admin>,
    /// What may never be listed: what nobody was told of, once it was looked for.
    gone: BTreeSet<String>,
    /// Deeds that were not answered, and done.
    done_unanswered: usize,
}

impl Office {
    fn new(seed: u64) -> Self {
        let place = Place::new(&[ANN], "");
        let admin = |id| {
            let dice = Dice::new(seed ^ (id as u64 + 1) << 32);
            Admin { id, dice, made: 0, known: Vec::new(), untold: None }
        };
        let admins = (0..ADMINS).map(admin).collect();
        let server = Some(place.start());
        Self { place, server, dice: Dice::new(seed), admins, gone: BTreeSet::new(), done_unanswered: 0 }
    }

    fn known(&self) -> impl Iterator<Item = &Known> {
        self.admins.iter().flat_map(|admin| &admin.known)
    }

    /// Lets all admins work until so many of their deeds are answered, and kills the server. How many were not.
    fn work_until_killed(&mut self) -> usize {
        let server = self.server.take().unwrap();
        let (light, lit) = channel();
        let burns = 20 + self.dice.below(30);
        let fuse = &Fuse { answered: AtomicU64::new(0), burns, lit: light, is_over: AtomicBool::new(false) };
        let place = &self.place;
        thread::scope(|scope| {
            let working: Vec<_> =
                self.admins.iter_mut().map(|admin| scope.spawn(|| admin.work(place, fuse))).collect();
            lit.recv_timeout(crate::PATIENCE).expect("so many answers come, or the server hangs");
            fuse.is_over.store(true, Ordering::SeqCst);
            assert_eq!(server.kill(), Vec::<String>::new(), "complaints of a server that had no reason");
            working.into_iter().map(|admin| admin.join().unwrap()).sum()
        })
    }

    /// Starts it anew, and says what is wrong.
    fn restart(&mut self) -> Vec<String> {
        self.server = Some(self.place.start());
        self.check(TRIED_AGAIN)
    }

    /// Tries all that are good, and of each admin's revoked ones so many.
    fn check(&mut self, most_revoked: usize) -> Vec<String> {
        let mut complaints = Vec::new();
        let listed = self.listed();
        complaints.extend(listed.intersection(&self.gone).map(|label| format!("{label} came back")));
        let mut admins = std::mem::take(&mut self.admins);
        for admin in &mut admins {
            let revoked = admin.known.iter().filter(|known| known.fate == Fate::Revoked).count();
            let mut passed_over = revoked.saturating_sub(most_revoked);
            for known in &mut admin.known {
                if known.fate == Fate::Revoked && passed_over > 0 {
                    passed_over -= 1;
                    continue;
                }
                let lets_in = self.lets_in(&known.password);
                complaints.extend(judge(known, lets_in, listed.contains(&known.label)));
                self.done_unanswered += usize::from(known.fate == Fate::Either && !lets_in);
                known.fate = if lets_in { Fate::Made } else { Fate::Revoked };
            }
            if let Some(untold) = admin.untold.take() {
                self.clear_away(untold, &listed);
            }
        }
        self.admins = admins;
        let labels: BTreeSet<_> = self.known().map(|known| &known.label).collect();
        let strange = listed.iter().filter(|label| !labels.contains(label) && !self.gone.contains(*label));
        complaints.extend(strange.map(|label| format!("nobody has asked for {label}")));
        complaints
    }

    /// Revokes what nobody knows, if it is there.
    fn clear_away(&mut self, untold: String, listed: &BTreeSet<String>) {
        if listed.contains(&untold) {
            let said = self.place.ask(&format!("account app-password revoke {ANN} {untold}"));
            assert!(said.status.success(), "{said:?}");
            self.done_unanswered += 1;
        }
        self.gone.insert(untold);
    }

    fn lets_in(&self, password: &str) -> bool {
        // What is tried here is no guessing.
        assert!(self.place.ask("limits clear --all").status.success());
        self.server.as_ref().unwrap().lets_in(ANN, password).unwrap()
    }

    fn listed(&self) -> BTreeSet<String> {
        let server = self.server.as_ref().unwrap();
        assert_eq!(server.lets_in(ANN, PASSWORD), Ok(true), "her own password is as ever");
        let said = self.place.ask(&format!("account app-password list {ANN} --json"));
        let lines: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let name = |line: &serde_json::Value| line["name"].as_str().unwrap().to_owned();
        lines.as_array().unwrap().iter().map(name).collect()
    }
}

/// What is wrong with one that was found so.
fn judge(known: &Known, lets_in: bool, is_listed: bool) -> Option<String> {
    let label = &known.label;
    match (known.fate, lets_in) {
        (Fate::Made, false) => Some(format!("{label} lets nobody in, and was made")),
        (Fate::Revoked, true) => Some(format!("{label} lets in, and was revoked")),
        _ if lets_in != is_listed => {
            Some(format!("{label}: it lets in: {lets_in}, it is listed: {is_listed}"))
        }
        _ => None,
    }
}

#[test]
fn nothing_that_a_server_could_forget_passes_the_judge() {
    let known = |fate| Known { label: "1-1".into(), password: String::new(), fate };
    for (fate, lets_in, is_listed, is_fine) in [
        (Fate::Made, true, true, true),
        (Fate::Made, false, false, false),
        (Fate::Revoked, false, false, true),
        (Fate::Revoked, true, true, false),
        (Fate::Either, true, true, true),
        (Fate::Either, false, false, true),
        (Fate::Either, true, false, false),
        (Fate::Either, false, true, false),
    ] {
        assert_eq!(
            judge(&known(fate), lets_in, is_listed).is_none(),
            is_fine,
            "{fate:?} {lets_in} {is_listed}"
        );
    }
}
