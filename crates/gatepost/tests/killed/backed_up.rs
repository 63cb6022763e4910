//! Backups of a server that many sessions write to, and what a restore makes of them.

use crate::contents::{Contents, Found};
use crate::judge::{outcome, theirs};
use crate::letter::{LetterId, MAILBOXES};
use crate::support::{Place, Server};
use crate::writer::Told;
use crate::{ACCOUNTS, PATIENCE, Sums, World, sign_in};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a mailbox skips in a restore.
const SKIPPED_UIDS: u32 = 1 << 16;
pub(crate) const ANN: usize = 0;

#[test]
fn a_backup_taken_while_everybody_writes_is_one_moment_of_it() {
    let mut world = World::new(21);
    let (fates, _) = world.write_until_killed();
    world.server = Some(world.place.start());
    assert_eq!(world.check(&fates, &mut Sums::default()), Vec::<String>::new());
    // Two while all write, so that the second finds the first; each with what was answered before it began.
    let (fates, taken) = world.write_while(|place, fuse| {
        let take = || (fuse.answers(), back_up(place, ""));
        [take(), take()]
    });
    let [(_, first), (_, second)] = &taken;
    let number = |report: &Value, name: &str| report[name].as_u64().unwrap();
    assert_eq!(number(first, "new-files"), number(first, "files"));
    assert!(number(second, "new-files") < number(second, "files"), "{first} {second}");
    let replicas = world.replicas.clone();
    for (answers, report) in &taken {
        world.replicas.clone_from(&replicas);
        let id = report["id"].as_str().unwrap();
        let proof =
            ask_well(&world.place, &format!("backup verify {} --manifest {id} --json", shelf(&world.place)));
        assert!(proof["messages"].as_u64().unwrap() > 0, "{proof}");
        bring_back(&world.place, &format!("--manifest {id}"));
        world.server = Some(world.place.start());
        let complaints: Vec<_> =
            (0..ACCOUNTS.len()).flat_map(|a| judge(&mut world, a, &fates, answers)).collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        drop(world.server.take());
    }
}

/// Everything that is wrong with what was restored of an account: who has what nobody had at one moment, or lacks what
/// was answered before the backup began; and a number that was given once and can come again.
pub(crate) fn judge(
    world: &mut World,
    account: usize,
    fates: &[Told],
    answers: &BTreeMap<u32, usize>,
) -> Vec<String> {
    let found = world.read(account);
    let mut complaints = Vec::new();
    for (writer, told) in world.of_account(account, fates) {
        let there = theirs(writer, &found);
        let answered = answers.get(&writer.id).copied().unwrap_or_default();
        let is_one = told.shelves[answered..].iter().any(|shelf| shelf.is(&there));
        if !is_one && outcome(writer, told, &there).is_none() {
            complaints.push(format!("{} of {:?}:\nthere: {there:?}", answered, told.shelves));
        }
        complaints.extend(numbers_that_come_again(&found, told));
    }
    for (ledger, contents) in world.ledgers[account].iter().zip(&found.mailboxes) {
        ledger.check(contents, &mut |what| complaints.push(what));
    }
    // Whoever knew what is lost is told all that is otherwise.
    complaints.extend(world.resync(account, &found));
    complaints
}

fn numbers_that_come_again(found: &Found, told: &Told) -> Vec<String> {
    let given = told.given.iter().filter(|(mailbox, uid, _)| *uid >= found.mailboxes[*mailbox].uid_next);
    let given = given.map(|given| format!("the UID of {given:?} comes again"));
    let heard = told
        .mod_seqs
        .iter()
        .filter(|(mailbox, _, number)| *number > found.mailboxes[*mailbox].highest_mod_seq);
    given.chain(heard.map(|heard| format!("the MODSEQ of {heard:?} comes again"))).collect()
}

/// A server with mail, keywords, subscriptions and large bodies, and nobody who writes.
pub(crate) struct Rest {
    pub(crate) place: Place,
    pub(crate) server: Option<Server>,
}

impl Rest {
    pub(crate) fn new(large: u32) -> Self {
        let place = Place::new(&[ACCOUNTS[ANN].0], "");
        let server = place.start();
        let mut ann = sign_in(&server, ANN);
        for command in [
            "SUBSCRIBE \"gone but subscribed\"",
            "UNSUBSCRIBE Junk",
            "CREATE Work/Plans",
            "CREATE Old",
            "DELETE Old",
        ] {
            ann.ask(command).unwrap();
        }
        for serial in 0..20 {
            let text = LetterId { writer: 1, serial }.text();
            let tag = ann.send_append("INBOX (\\Seen $Forwarded project)", &text).unwrap();
            ann.answer(tag).unwrap();
        }
        for n in 0..large {
            let text = format!("Subject: large {n}\r\n\r\n{}", format!("{n}\r\n").repeat(100_000));
            let tag = ann.send_large("APPEND Archive", text.as_bytes()).unwrap();
            ann.answer(tag).unwrap();
        }
        Self { place, server: Some(server) }
    }

    /// All that an account's client sees, from the mailboxes that are written to and the names.
    pub(crate) fn see(&self) -> Seen {
        let mut ann = sign_in(self.server.as_ref().unwrap(), ANN);
        let lines = |command: &str, ann: &mut testkit::imap::Client| {
            let told = ann.ask(command).unwrap();
            let mut lines: Vec<_> =
                told.iter().filter(|line| line.is_untagged()).map(ToString::to_string).collect();
            lines.sort();
            lines
        };
        let names = lines("LIST \"\" * RETURN (SUBSCRIBED SPECIAL-USE CHILDREN)", &mut ann);
        let subscriptions = lines("LSUB \"\" *", &mut ann);
        let mailboxes = (0..MAILBOXES.len()).map(|mailbox| Contents::read(&mut ann, mailbox).unwrap());
        let mailboxes = mailboxes.map(|contents| {
            let messages = contents.messages.into_iter().map(|m| (m.uid, format!("{:?}", m.flags), m.text));
            (contents.uid_validity, contents.uid_next, messages.collect())
        });
        Seen { mailboxes: mailboxes.collect(), names: [names, subscriptions].concat() }
    }

    pub(crate) fn stop(&mut self) {
        drop(self.server.take());
    }

    pub(crate) fn start(&mut self) {
        self.server = Some(self.place.start());
    }
}

/// UID, flags, octets.
pub(crate) type SeenMessage = (u32, String, Vec<u8>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// UIDVALIDITY, UIDNEXT, and messages.
    pub(crate) mailboxes: Vec<(u64, u32, Vec<SeenMessage>)>,
    pub(crate) names: Vec<String>,
}

impl Seen {
    /// The same, but for UIDs that were passed over.
    pub(crate) fn skipped(mut self) -> Self {
        self.mailboxes.iter_mut().for_each(|mailbox| mailbox.1 += SKIPPED_UIDS);
        self
    }
}

#[test]
fn what_was_deleted_since_comes_back_with_its_uids_and_only_what_is_new_is_copied() {
    let mut rest = Rest::new(4);
    let before = rest.see();
    let first = back_up(&rest.place, "");
    assert_eq!(back_up(&rest.place, "")["new-files"], 0, "nothing has happened");
    let mut ann = sign_in(rest.server.as_ref().unwrap(), ANN);
    for command in ["SELECT Archive", "UID STORE 1:* +FLAGS (\\Deleted)", "EXPUNGE", "DELETE Work/Plans"] {
        ann.ask(command).unwrap();
    }
    let second = back_up(&rest.place, "");
    assert_eq!((&second["new-files"], &second["removed-files"]), (&1.into(), &0.into()), "{second}");
    let listed = ask_well(&rest.place, &format!("backup list {} --json", shelf(&rest.place)));
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(listed.len(), 3);
    assert_eq!((&listed[0], &listed[2]), (&first["id"], &second["id"]));
    rest.stop();
    // Without a server the command does it by itself.
    assert_eq!(back_up(&rest.place, "")["new-files"], 0);
    let id = first["id"].as_str().unwrap();
    bring_back(&rest.place, &format!("--exact --manifest {id}"));
    rest.start();
    assert_eq!(rest.see(), before);
    rest.stop();
    bring_back(&rest.place, &format!("--manifest {id}"));
    rest.start();
    assert_eq!(rest.see(), before.skipped());
    // What was restored is backed up into the same place, and the oldest make room.
    let kept = back_up(&rest.place, " --keep 1");
    assert!(kept["removed-files"].as_u64().unwrap() > 0, "{kept}");
    let listed = ask_well(&rest.place, &format!("backup list {} --json", shelf(&rest.place)));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    ask_well(&rest.place, &format!("backup verify {} --json", shelf(&rest.place)));
}

#[test]
fn a_backup_that_is_killed_is_none_and_is_taken_again() {
    let rest = Rest::new(24);
    let shelf = PathBuf::from(shelf(&rest.place));
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "no backup could be killed in the middle");
        let mut child = rest.place.command(&format!("backup {}", shelf.display())).spawn().unwrap();
        while names(&shelf.join("bodies")).len() < 2 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if names(&shelf.join("manifests")).is_empty() {
            break;
        }
        fs::remove_dir_all(&shelf).unwrap();
    }
    let refused = rest.place.ask(&format!("backup verify {}", shelf.display()));
    assert!(!refused.status.success(), "there is nothing to be proved");
    let again = back_up(&rest.place, "");
    assert_eq!(again["new-files"], again["files"], "what no manifest lists is not believed");
    assert!(names(&shelf.join("partial")).is_empty());
    let files = names(&shelf.join("bodies")).len() + names(&shelf.join("log")).len();
    assert_eq!(again["files"], files, "what the killed one left is used or gone");
    ask_well(&rest.place, &format!("backup verify {} --json", shelf.display()));
}

#[test]
fn a_damaged_file_is_found_and_named_and_is_not_restored() {
    let rest = Rest::new(2);
    back_up(&rest.place, "");
    let shelf = PathBuf::from(shelf(&rest.place));
    let new = rest.place.folder().join("restored");
    for folder in ["log", "bodies", "manifests"] {
        for damage in [flip as fn(&Path), cut_short, remove] {
            let path = shelf.join(folder).join(names(&shelf.join(folder)).remove(0));
            let octets = fs::read(&path).unwrap();
            damage(&path);
            for words in [
                format!("backup verify {}", shelf.display()),
                format!("restore {} --data {}", shelf.display(), new.display()),
            ] {
                let said = rest.place.ask(&words);
                let complaint = String::from_utf8(said.stderr).unwrap();
                assert!(!said.status.success(), "{words}: {}", path.display());
                let name = path.file_stem().unwrap().to_str().unwrap();
                let is_named = complaint.contains(name) || complaint.contains("holds no backup");
                assert!(is_named, "{words}: {complaint}");
                assert!(!new.exists(), "{words}");
            }
            fs::write(&path, octets).unwrap();
        }
    }
    // What was refused is in nobody's way.
    bring_back(&rest.place, "");
    let there = rest.place.ask(&format!(
        "restore {} --data {}",
        shelf.display(),
        rest.place.folder().join("data").display()
    ));
    let complaint = String::from_utf8(there.stderr).unwrap();
    assert!(!there.status.success() && complaint.contains("is there already"), "{complaint}");
}

#[test]
fn what_had_rotted_before_it_was_copied_is_told_by_the_proof_and_by_the_restore() {
    let mut rest = Rest::new(0);
    rest.stop();
    // Opened and closed in good order, so that nothing of this is read again when the backup opens it.
    assert!(rest.place.ask("account list").status.success());
    let log = rest.place.mail().join("log");
    let segments = names(&log).into_iter().map(|name| log.join(name));
    let largest = segments.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    flip(&largest);
    back_up(&rest.place, "");
    let name = largest.file_name().unwrap().to_str().unwrap();
    let proof = rest.place.ask(&format!("backup verify {}", shelf(&rest.place)));
    let said = String::from_utf8(proof.stdout).unwrap();
    assert!(!proof.status.success() && said.contains(&format!("in {name}")), "{said}");
    let new = rest.place.folder().join("restored");
    let restored = rest.place.ask(&format!("restore {} --data {}", shelf(&rest.place), new.display()));
    let said = String::from_utf8(restored.stdout).unwrap();
    assert!(!restored.status.success() && said.contains(name) && new.is_dir(), "{said}");
}

#[test]
fn a_backup_goes_only_where_nothing_else_is() {
    let rest = Rest::new(1);
    let (mail, other) = (rest.place.mail(), rest.place.folder().join("other"));
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter"), "mine").unwrap();
    let segments = names(&mail.join("log"));
    for folder in [&mail, &other, &rest.place.folder().join("data")] {
        let said = rest.place.ask(&format!("backup {}", folder.display()));
        let complaint = String::from_utf8(said.stderr).unwrap();
        assert!(!said.status.success() && complaint.contains("holds something else"), "{complaint}");
    }
    assert_eq!(names(&mail.join("log")), segments);
    assert_eq!(names(&other), ["letter"]);
    // Another server's backups are not mixed with ours.
    back_up(&rest.place, "");
    let stranger = Place::new(&[ACCOUNTS[ANN].0], "");
    let said = stranger.ask(&format!("backup {}", shelf(&rest.place)));
    let complaint = String::from_utf8(said.stderr).unwrap();
    assert!(!said.status.success() && complaint.contains("another server"), "{complaint}");
}

#[test]
fn a_file_that_was_damaged_and_taken_away_comes_again_with_the_next_backup() {
    let rest = Rest::new(2);
    let files = back_up(&rest.place, "")["files"].clone();
    let bodies = PathBuf::from(shelf(&rest.place)).join("bodies");
    remove(&bodies.join(names(&bodies).remove(0)));
    let again = back_up(&rest.place, "");
    assert_eq!((&again["new-files"], &again["files"]), (&1.into(), &files));
    ask_well(&rest.place, &format!("backup verify {} --json", shelf(&rest.place)));
}

fn flip(path: &Path) {
    let mut octets = fs::read(path).unwrap();
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    fs::write(path, octets).unwrap();
}

fn cut_short(path: &Path) {
    let octets = fs::read(path).unwrap();
    fs::write(path, &octets[..octets.len() - 1]).unwrap();
}

pub(crate) fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

pub(crate) fn shelf(place: &Place) -> String {
    place.folder().join("shelf").display().to_string()
}

pub(crate) fn back_up(place: &Place, options: &str) -> Value {
    ask_well(place, &format!("backup {} --json{options}", shelf(place)))
}

pub(crate) fn ask_well(place: &Place, words: &str) -> Value {
    let said = place.ask(words);
    assert!(said.status.success(), "{words}: {}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

/// Restores, and puts what was restored in place of the server's mail. No server may run.
fn bring_back(place: &Place, options: &str) {
    let new = place.folder().join("restored");
    let words = format!("restore {} --data {} --json {options}", shelf(place), new.display());
    ask_well(place, words.trim_end());
    let mail = place.mail();
    fs::remove_dir_all(&mail).unwrap();
    fs::rename(new.join("mail"), mail).unwrap();
    fs::remove_dir(new).unwrap();
}
