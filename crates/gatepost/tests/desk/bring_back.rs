//! An account, or a mailbox of it, comes out of a backup into the server that runs.

use crate::home::{Home, Listening};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";
const SKIPPED_UIDS: u64 = 1 << 16;

/// An installation with ann, bob, their mail, and a place for backups.
struct Scene {
    home: Home,
    server: Option<Listening>,
}

impl Scene {
    fn new(name: &str) -> Self {
        let home = Home::init(name);
        for account in [ANN, "bob@example.org"] {
            home.ok(&format!("account add {account} --password-stdin"), "secret\n");
        }
        let server = Some(home.serve());
        let scene = Self { home, server };
        let mut ann = scene.client(ANN);
        for command in ["CREATE Old", "DELETE Old", "CREATE Work/Plans", "CREATE Empty", "UNSUBSCRIBE Junk"] {
            ann.ask(command).unwrap();
        }
        ann.ask("SUBSCRIBE \"not there\"").unwrap();
        for n in 1..=6 {
            append(&mut ann, "INBOX", &format!("Subject: {n}\r\n\r\nletter {n}\r\n"));
        }
        for _ in 0..2 {
            append(&mut ann, "Sent", "Subject: twice\r\n\r\ntwice\r\n");
        }
        append(&mut ann, "Work/Plans", &large(1));
        append(&mut ann, "Work/Plans", "Subject: a plan\r\n\r\nplan\r\n");
        for command in [
            "SELECT INBOX",
            r"UID STORE 1:2 +FLAGS (\Seen $Forwarded)",
            r"UID STORE 3 +FLAGS (project \Flagged)",
            r"UID STORE 4 +FLAGS (\Deleted)",
            "UID EXPUNGE 4",
            "UID COPY 1 Archive",
            "UID MOVE 2 Archive",
        ] {
            ann.ask(command).unwrap();
        }
        append(&mut scene.client("bob@example.org"), "INBOX", "Subject: bob\r\n\r\nbob\r\n");
        scene
    }

    fn client(&self, name: &str) -> Client {
        let server = self.server.as_ref().unwrap();
        let mut client = Client::connect(server.imaps, &self.home.trust()).unwrap();
        client.login(name, "secret").unwrap();
        client.ask("ENABLE QRESYNC").unwrap();
        client
    }

    fn shelf(&self) -> PathBuf {
        self.home.folder.join("shelf")
    }

    fn back_up(&self) -> String {
        let said = self.home.ok(&format!("backup {} --json", self.shelf().display()), "");
        let said: Value = serde_json::from_str(&said).unwrap();
        said["id"].as_str().unwrap().to_owned()
    }

    fn restore(&self, words: &str) -> Value {
        let said = self.home.ok(&format!("restore {} --json {words}", self.shelf().display()), "");
        serde_json::from_str(&said).unwrap()
    }

    fn refused(&self, words: &str) -> String {
        self.home.refused(&format!("restore {} {words}", self.shelf().display()), "")
    }

    fn stop(&mut self) -> String {
        self.server.take().unwrap().stop()
    }
}

fn large(n: usize) -> String {
    format!("Subject: large {n}\r\n\r\n{}", format!("{n} and so on\r\n").repeat(30_000))
}

fn append(client: &mut Client, mailbox: &str, text: &str) {
    let tag = match text.len() {
        ..4_000 => client.send_append(mailbox, text.as_bytes()),
        _ => client.send_large(&format!("APPEND {mailbox}"), text.as_bytes()),
    };
    client.answer(tag.unwrap()).unwrap();
}

fn told(client: &mut Client, command: &str) -> Vec<String> {
    let answer = client.ask(command).unwrap();
    answer.iter().filter(|line| line.is_untagged()).map(ToString::to_string).collect()
}

fn number(status: &str, item: &str) -> u64 {
    let behind = status.split_once(&format!("{item} ")).unwrap().1;
    behind.split([' ', ')']).next().unwrap().parse().unwrap()
}

const MAILBOXES: [&str; 9] =
    ["INBOX", "Sent", "Drafts", "Junk", "Trash", "Archive", "Work/Plans", "Empty", "\"Old\""];

/// All that a client sees of an account, but for UIDNEXT, MODSEQs, \Recent and the account's number in object ids.
fn see(client: &mut Client) -> Vec<String> {
    let mut seen = told(client, "LIST \"\" * RETURN (SUBSCRIBED SPECIAL-USE CHILDREN)");
    seen.extend(told(client, "LSUB \"\" *"));
    for name in MAILBOXES {
        let Ok(status) = client.ask(&format!("STATUS {name} (MESSAGES UNSEEN UIDVALIDITY MAILBOXID SIZE)"))
        else {
            continue;
        };
        if !status.iter().any(|line| line.to_string().contains(" OK ")) {
            continue;
        }
        seen.extend(status.iter().filter(|line| line.is_untagged()).map(ToString::to_string));
        client.ask(&format!("EXAMINE {name}")).unwrap();
        let items = "(UID FLAGS INTERNALDATE SAVEDATE EMAILID RFC822.SIZE BODY.PEEK[])";
        seen.extend(told(client, &format!("UID FETCH 1:* {items}")).into_iter().map(without_modseq));
        client.ask("UNSELECT").unwrap();
    }
    seen.into_iter().map(without_number).collect()
}

fn without_number(line: String) -> String {
    let line = line.replace(" \\Recent)", ")").replace("(\\Recent)", "()");
    ["MAILBOXID (F", "EMAILID (M"].iter().fold(line, |line, id| match line.split_once(id) {
        Some((before, behind)) => format!("{before}{id}{}", behind.split_once('-').unwrap().1),
        None => line,
    })
}

fn without_modseq(line: String) -> String {
    match line.split_once("MODSEQ (") {
        Some((before, behind)) => format!("{before}{}", behind.split_once(')').unwrap().1),
        None => line,
    }
}

fn status(client: &mut Client, name: &str) -> String {
    told(client, &format!("STATUS {name} (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)")).remove(0)
}

#[test]
fn an_account_that_is_lost_is_made_again_while_the_server_runs_and_is_what_it_was() {
    let mut scene = Scene::new("again");
    let mut ann = scene.client(ANN);
    let (seen, was) = (see(&mut ann), status(&mut ann, "INBOX"));
    assert!(seen.len() > 24, "{seen:#?}");
    // Rewritten segments have tables of contents too.
    assert!(scene.home.ok("store compact --everything", "").contains("octets are free"));
    scene.back_up();
    append(&mut ann, "INBOX", "Subject: late\r\n\r\nlate\r\n");
    ann.ask("CREATE Late").unwrap();
    let late = status(&mut ann, "Late");
    scene.home.ok("account remove ann@example.org", "");

    let said = scene.restore("--account ann@example.org");
    assert_eq!((&said["account-made"], &said["lost"]), (&true.into(), &0.into()), "{said}");
    assert_eq!(said["mailboxes"].as_array().unwrap().len(), 8, "{said}");
    let mut ann = scene.client(ANN);
    assert_eq!(see(&mut ann), seen);
    let is = status(&mut ann, "INBOX");
    assert_eq!(number(&is, "UIDNEXT"), number(&was, "UIDNEXT") + SKIPPED_UIDS);
    assert!(number(&is, "HIGHESTMODSEQ") > number(&was, "HIGHESTMODSEQ") + (1 << 20));
    // Whoever knew what came later is told that it is gone, and all flags.
    let resync = format!("SELECT INBOX (QRESYNC ({} 2))", number(&was, "UIDVALIDITY"));
    let resynced = told(&mut ann, &resync);
    assert!(
        resynced.iter().any(|line| line.contains("VANISHED (EARLIER)") && line.contains("7")),
        "{resynced:?}"
    );
    assert_eq!(resynced.iter().filter(|line| line.contains("FETCH")).count(), 4, "{resynced:?}");
    append(&mut ann, "INBOX", "Subject: new\r\n\r\nnew\r\n");
    ann.ask("CREATE Late").unwrap();
    assert!(number(&status(&mut ann, "Late"), "UIDVALIDITY") > number(&late, "UIDVALIDITY"));
    let bob = see(&mut scene.client("bob@example.org"));
    assert!(bob.iter().any(|line| line.contains("Subject: bob")), "nobody else is touched");

    let taken = scene.refused("--account ann@example.org --as bob@example.org");
    assert_eq!(taken, "gatepost: There is an account bob@example.org already\n");
    let log = scene.stop();
    assert_eq!(log.matches("account.restored").count(), 1, "{log}");
    assert!(!scene.home.files().iter().any(|path| path.ends_with("bringing-back")));
    // Everything fits together, and without a server it is the same.
    scene.home.ok("store check", "");
    let said = scene.restore("--account ann@example.org --as copy@example.org");
    assert_eq!(said["messages"], 10, "{said}");
    scene.server = Some(scene.home.serve());
    assert_eq!(see(&mut scene.client("copy@example.org")), seen);
}

#[test]
fn mail_comes_back_beside_what_there_is_and_in_its_place_and_only_once() {
    let scene = Scene::new("in-place");
    scene.back_up();
    let mut ann = scene.client(ANN);
    for command in [
        "SELECT INBOX",
        r"UID STORE 1,5 +FLAGS (\Deleted)",
        "EXPUNGE",
        r"UID STORE 3 FLAGS (other)",
        "SELECT Work/Plans",
        "UID MOVE 2 Trash",
        "DELETE Work/Plans",
        "CREATE Work/Plans",
        "UNSUBSCRIBE \"not there\"",
    ] {
        ann.ask(command).unwrap();
    }
    append(&mut ann, "INBOX", "Subject: since\r\n\r\nsince\r\n");
    ann.ask("SELECT INBOX").unwrap();

    let said = scene.home.ok(
        &format!("restore {} --account ann@example.org --mailbox INBOX --as Before", scene.shelf().display()),
        "",
    );
    assert!(said.contains("Before: 4 messages came back\n"), "{said}");
    let before = told(&mut ann, "STATUS Before (MESSAGES UNSEEN)").remove(0);
    assert!(before.contains("MESSAGES 4") && before.contains("UNSEEN 3"), "{before}");
    let said = scene.restore("--account ann@example.org");
    let names: Vec<_> =
        said["mailboxes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("Restored as of 2")), "{names:?}");
    assert!(names.iter().any(|name| name.ends_with("/Work/Plans")), "{names:?}");

    let said = scene.restore("--account ann@example.org --in-place");
    let of = |said: &Value, name: &str, what: &str| {
        let mailboxes = said["mailboxes"].as_array().unwrap().clone();
        let one =
            mailboxes.iter().find(|one| one["name"].as_str().unwrap().starts_with(name)).unwrap().clone();
        one[what].as_u64().unwrap()
    };
    assert_eq!((of(&said, "INBOX", "messages"), of(&said, "INBOX", "flags")), (2, 1), "{said}");
    // The one that was deleted is there again, under another name since its own is taken.
    assert_eq!(of(&said, "Work/Plans as of", "messages"), 1, "{said}");
    assert_eq!((&said["lost"], &said["messages"]), (&0.into(), &3.into()), "{said}");
    let news = told(&mut ann, "NOOP");
    assert!(news.iter().any(|line| line == "* 5 EXISTS"), "who has it open is told: {news:?}");
    let all = told(&mut ann, "UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").join("\n");
    for (uid, what) in
        [(3, "project"), (6, "Subject: 6"), (7, "Subject: since"), (8, "Subject: 1"), (9, "Subject: 5")]
    {
        assert!(all.contains(&format!("UID {uid} ")) && all.contains(what), "{uid} {what}: {all}");
    }
    assert!(!all.contains("other") && !all.contains("Deleted"), "{all}");
    assert!(told(&mut ann, "LSUB \"\" *").iter().any(|line| line.contains("not there")));

    let again = scene.restore("--account ann@example.org --in-place");
    assert_eq!(again["messages"], 0, "{again}");
    assert!(again["mailboxes"].as_array().unwrap().iter().all(|one| one["flags"] == 0 && one["mended"] == 0));
    scene.home.ok("store check", "");
}

#[test]
fn an_account_comes_back_as_it_was_at_a_time_of_which_the_backup_remembers() {
    let scene = Scene::new("at");
    let before = scene.back_up();
    let mut ann = scene.client(ANN);
    let seen = see(&mut ann);
    let then = jiff::Timestamp::now();
    // What happens from here on is later, by the millisecond that is told.
    while jiff::Timestamp::now().as_millisecond() <= then.as_millisecond() {}
    for command in ["SELECT INBOX", r"UID STORE 1:* +FLAGS (\Deleted later)", "EXPUNGE", "DELETE Empty"] {
        ann.ask(command).unwrap();
    }
    append(&mut ann, "INBOX", "Subject: since\r\n\r\nsince\r\n");
    let behind = scene.back_up();
    ann.ask("CREATE Later").unwrap();
    let last_backup = scene.back_up();
    let at = then.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    let said = scene.restore(&format!("--account ann@example.org --as then@example.org --at {at}"));
    assert_eq!(said["id"], behind.as_str(), "the oldest that holds it");
    let mut then = scene.client("then@example.org");
    assert_eq!(see(&mut then), seen);
    let (next, newest) = (status(&mut then, "INBOX"), status(&mut ann, "INBOX"));
    assert_eq!(number(&next, "UIDNEXT"), number(&newest, "UIDNEXT") + SKIPPED_UIDS);

    let early = scene.refused("--account ann@example.org --as early@example.org --at 2020-01-01");
    assert!(early.contains("there was no account ann@example.org in the backup"), "{early}");
    let late = scene.refused("--account ann@example.org --at 2100-01-01");
    assert!(late.contains("holds no backup from that time or behind it"), "{late}");
    let new = scene.home.folder.join("new");
    let none = scene.refused(&format!("--data {} --at 2020-01-01", new.display()));
    assert!(none.contains("holds no backup from that time or before it") && !new.exists(), "{none}");
    let said = scene.restore(&format!("--data {} --at 2100-01-01", new.display()));
    assert!(said["id"] == last_backup.as_str() && new.is_dir(), "{said}");
    let said = scene.restore(&format!("--data {}-before --at {at}", new.display()));
    assert_eq!(said["id"], before.as_str(), "a moment of the whole server");
}

#[test]
fn what_is_damaged_in_the_backup_is_named_and_the_rest_comes() {
    let scene = Scene::new("damaged");
    scene.back_up();
    let bodies = scene.shelf().join("bodies");
    let large = fs::read_dir(&bodies).unwrap().next().unwrap().unwrap().path();
    let mut octets = fs::read(&large).unwrap();
    octets[70_000] ^= 1;
    fs::write(&large, octets).unwrap();
    scene.home.ok("account remove ann@example.org", "");
    let words = format!("restore {} --account ann@example.org", scene.shelf().display());
    let output = crate::home::Gatepost::new(&words).config(&scene.home).output("");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("Not brought back: Work/Plans, UID 1: damaged body"), "{said}");
    assert!(said.contains("Work/Plans: 1 message came back"), "{said}");
    let seen = see(&mut scene.client(ANN));
    assert!(seen.iter().any(|line| line.contains("Subject: a plan")), "{seen:?}");

    let log = scene.shelf().join("log");
    let segment = fs::read_dir(&log).unwrap().next().unwrap().unwrap().path();
    fs::rename(&segment, log.join("away")).unwrap();
    let none = scene.refused("--account bob@example.org --as copy@example.org");
    assert!(none.contains("the backup cannot be read") && none.contains(segment.to_str().unwrap()), "{none}");
    fs::rename(log.join("away"), &segment).unwrap();

    let none = scene.refused("--account nobody@example.org");
    assert!(none.contains("there was no account nobody@example.org"), "{none}");
    let none = scene.refused("--account ann@example.org --mailbox Nowhere");
    assert_eq!(none, "gatepost: ann@example.org had no mailbox Nowhere then\n");
    scene.home.ok("account remove ann@example.org", "");
    let none = scene.refused("--account ann@example.org --mailbox INBOX");
    assert!(none.contains("there is no account ann@example.org to bring this into"), "{none}");
}

#[test]
fn what_was_purged_before_the_backup_does_not_keep_the_rest_from_coming_back() {
    let mut scene = Scene::new("purged");
    let seen = see(&mut scene.client(ANN));
    scene.home.ok("purge ann@example.org --yes", "");
    scene.back_up();
    scene.home.ok("account remove ann@example.org", "");
    let said = scene.restore("--account ann@example.org");
    assert_eq!((&said["account-made"], &said["lost"]), (&true.into(), &0.into()), "{said}");
    assert_eq!(see(&mut scene.client(ANN)), seen);
    scene.stop();
}
