//! One account out of a backup, into a server that runs: while others write, and where somebody is killed.

use crate::backed_up::{ANN, Rest, ask_well, back_up, judge, names, remove, shelf};
use crate::{ACCOUNTS, PATIENCE, Sums, World};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

#[test]
fn an_account_out_of_a_backup_that_was_taken_while_everybody_wrote_is_one_moment_of_it() {
    let mut world = World::new(22);
    let (fates, _) = world.write_until_killed();
    world.server = Some(world.place.start());
    assert_eq!(world.check(&fates, &mut Sums::default()), Vec::<String>::new());
    let (fates, taken) = world.write_while(|place, fuse| {
        let take = || (fuse.answers(), back_up(place, ""));
        [take(), take()]
    });
    world.server = Some(world.place.start());
    let replicas = world.replicas.clone();
    let ann = ACCOUNTS[ANN].0;
    for (answers, report) in &taken {
        assert!(world.place.ask(&format!("account remove {ann}")).status.success());
        let id = report["id"].as_str().unwrap();
        let words = format!("restore {} --account {ann} --manifest {id} --json", shelf(&world.place));
        let said = ask_well(&world.place, &words);
        assert!(said["messages"].as_u64().unwrap() > 0 && said["lost"] == 0, "{said}");
        world.replicas.clone_from(&replicas);
        let complaints = judge(&mut world, ANN, &fates, answers);
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
    let complaints = world.server.take().unwrap().kill();
    assert_eq!(complaints, Vec::<String>::new());
    assert!(world.place.ask("store check").status.success());
}

/// Who is killed in the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Server,
    Command,
}

/// Large messages in the account.
const LARGE: u32 = 12;

/// Runs it, and kills somebody once so many messages more lie in files. `false` where it had ended before.
fn is_cut(rest: &mut Rest, words: &str, victim: Victim, more: usize) -> bool {
    let bodies = rest.place.mail().join("bodies");
    let before = names(&bodies).len();
    let mut child: Child = rest.place.command(words).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while names(&bodies).len() < before + more && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "nothing comes back");
        std::thread::yield_now();
    }
    match victim {
        Victim::Server => rest.stop(),
        Victim::Command => child.kill().unwrap(),
    }
    let ended = child.wait_with_output().unwrap();
    if victim == Victim::Server {
        rest.start();
        let complaint = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success() || complaint.contains("run it again"), "{complaint}");
    }
    !ended.status.success()
}

#[test]
fn whoever_is_killed_an_account_is_not_there_or_all_of_it_and_comes_when_it_is_asked_for_again() {
    let mut rest = Rest::new(LARGE);
    let before = rest.see();
    back_up(&rest.place, "");
    let ann = ACCOUNTS[ANN].0;
    let words = format!("restore {} --account {ann} --json", shelf(&rest.place));
    let mut cuts = 0;
    for (victim, more) in
        [(Victim::Server, 1), (Victim::Command, 2), (Victim::Server, 7), (Victim::Server, 12)]
    {
        assert!(rest.place.ask(&format!("account remove {ann}")).status.success());
        if is_cut(&mut rest, &words, victim, more) {
            cuts += 1;
            let listed = ask_well(&rest.place, "account list --json");
            let is_there = listed.as_array().unwrap().iter().any(|account| account["name"] == ann);
            if !is_there {
                let said = ask_well(&rest.place, &words);
                assert_eq!(said["lost"], 0, "{said}");
                // What the killed command had asked for was done just behind our look: then this came beside it.
                if said["account-made"] == false {
                    continue;
                }
            }
        }
        assert_eq!(rest.see(), before.clone().skipped(), "{victim:?} {more}");
    }
    assert!(cuts > 1, "hardly anybody was killed in the middle");
    rest.stop();
    assert!(!Path::new(&rest.place.folder().join("data/bringing-back")).exists());
    assert!(rest.place.ask("store check").status.success());
    // What was cut off lies about no more: there are the account's messages, as often as it was removed and made again, and
    // of each that was killed the file of the one message that nothing named yet.
    let bodies = names(&rest.place.mail().join("bodies")).len() - 1;
    assert!(bodies <= 5 * LARGE as usize + cuts, "{bodies}");
}

#[test]
fn what_is_gone_and_what_cannot_be_read_comes_back_in_its_place_once_whoever_is_killed() {
    let mut rest = Rest::new(LARGE);
    let texts = |rest: &Rest| {
        let mut texts: Vec<_> = rest.see().mailboxes[1].2.iter().map(|message| message.2.clone()).collect();
        texts.sort();
        texts
    };
    let before = texts(&rest);
    back_up(&rest.place, "");
    let mut ann = crate::sign_in(rest.server.as_ref().unwrap(), ANN);
    for command in ["SELECT Archive", "UID STORE 1:4 +FLAGS (\\Deleted)", "EXPUNGE", "DELETE Work/Plans"] {
        ann.ask(command).unwrap();
    }
    drop(ann);
    rest.stop();
    let bodies = rest.place.mail().join("bodies");
    names(&bodies).iter().filter(|name| *name != "staging").for_each(|name| remove(&bodies.join(name)));
    rest.start();
    assert!(!rest.place.ask("store check").status.success());

    let words = format!("restore {} --account {} --in-place --json", shelf(&rest.place), ACCOUNTS[ANN].0);
    let victims = [(Victim::Server, 1), (Victim::Command, 2), (Victim::Server, 6)];
    let cuts = victims.into_iter().filter(|(victim, more)| is_cut(&mut rest, &words, *victim, *more)).count();
    assert!(cuts > 1, "hardly anybody was killed in the middle");
    let said = ask_well(&rest.place, &words);
    assert_eq!(said["lost"], 0, "{said}");
    assert_eq!(texts(&rest), before);
    let listed = rest.see().names;
    assert!(listed.iter().any(|line| line.contains("Work/Plans")), "{listed:?}");
    let again = ask_well(&rest.place, &words);
    assert_eq!(again["messages"], 0, "{again}");
    let mended = |one: &serde_json::Value| one["mended"] == 0 && one["flags"] == 0;
    assert!(again["mailboxes"].as_array().unwrap().iter().all(mended), "{again}");
    assert!(rest.place.ask("store check").status.success());
}
