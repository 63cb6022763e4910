//! Mail taken out, and what comes of it when it is brought in again.

use crate::home::Home;
use std::fs;
use std::path::{Path, PathBuf};
use testkit::imap::Client;

/// Octets that tempt: quoting, a lone LF, a part of a line at the end, eight bits.
const MESSAGES: [&str; 3] = [
    "Subject: one\r\n\r\nFrom here on\r\n>From there on\r\n",
    "Subject: =?utf-8?q?zw=C3=B6lf?=\r\nX-Keywords: forged\r\nStatus: RO\r\n\r\nä\r\n.\r\nFrom",
    "Subject: header alone\r\n\r\n",
];

struct Scene {
    home: Home,
    target: PathBuf,
}

/// A server with three messages in a mailbox with an odd name, one of them with flags, one expunged before.
fn filled(name: &str) -> Scene {
    let home = Home::init(name);
    for account in ["ann", "bob"] {
        home.ok(&format!("account add {account}@example.org --password-stdin"), "secret\n");
    }
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login("ann@example.org", "secret").unwrap();
    client.ask("CREATE \"Entw&APw-rfe/v1.2\"").unwrap();
    client.ask("SUBSCRIBE \"Entw&APw-rfe/v1.2\"").unwrap();
    let append = |client: &mut Client, text: &str| {
        let arguments = "\"Entw&APw-rfe/v1.2\" (\\Seen red $Forwarded) \"05-Jan-2020 10:11:12 +0200\"";
        let tag = client.send_append(arguments, text.as_bytes()).unwrap();
        client.answer(tag).unwrap();
    };
    append(&mut client, "Subject: gone\r\n\r\n");
    MESSAGES.iter().for_each(|text| append(&mut client, text));
    client.ask("SELECT \"Entw&APw-rfe/v1.2\"").unwrap();
    client.ask("UID STORE 1 +FLAGS (\\Deleted)").unwrap();
    client.ask("EXPUNGE").unwrap();
    client.ask("UID STORE 3 FLAGS (\\Answered)").unwrap();
    server.stop();
    let target = home.folder.join("taken");
    Scene { home, target }
}

impl Scene {
    fn export(&self, form: &str) -> String {
        self.home.ok(&format!("export {form} ann@example.org {}", self.target.display()), "")
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// What is in a mailbox: flags, date and octets of each message, in order.
fn content(home: &Home, account: &str, mailbox: &str) -> Vec<(String, String, Vec<u8>)> {
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(account, "secret").unwrap();
    client.ask(&format!("EXAMINE {mailbox}")).unwrap();
    let answer = client.ask("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])").unwrap();
    let fetched = answer.iter().filter_map(|line| line.fetched());
    let content = fetched.map(|fetched| {
        let mut flags: Vec<_> = fetched.flags().unwrap().filter(|flag| *flag != "\\Recent").collect();
        flags.sort_unstable();
        let date = String::from_utf8(fetched.octets("INTERNALDATE").unwrap().to_vec()).unwrap();
        (flags.join(" "), date, fetched.octets("BODY[]").unwrap().to_vec())
    });
    let content = content.collect();
    server.stop();
    content
}

#[test]
fn a_maildir_has_uids_flags_dates_and_octets_as_they_were_and_is_brought_up_to_date_by_the_next_run() {
    let scene = filled("export-maildir");
    let said = scene.export("maildir");
    assert!(said.contains("a dot parts levels in a Maildir"), "{said}");
    let folder = scene.target.join(".Entw&APw-rfe.v1_2");
    let list = fs::read_to_string(folder.join("dovecot-uidlist")).unwrap();
    let uids: Vec<_> = list.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    assert!(list.starts_with("3 V") && list.lines().next().unwrap().contains(" N5 "), "{list}");
    assert_eq!(uids, ["2", "3", "4"]);
    assert_eq!(fs::read_to_string(folder.join("dovecot-keywords")).unwrap(), "0 red\n");
    let files = names_in(&folder.join("cur"));
    let ends: Vec<_> = files.iter().map(|name| name.rsplit(":2,").next().unwrap()).collect();
    assert_eq!(ends, ["PSa", "R", "PSa"], "{files:?}");
    for (file, octets) in files.iter().zip(MESSAGES) {
        assert_eq!(fs::read(folder.join("cur").join(file)).unwrap(), octets.as_bytes());
    }
    let subscribed = fs::read_to_string(scene.target.join("subscriptions")).unwrap();
    assert!(
        subscribed.starts_with("V\t2\n\n") && subscribed.contains("\nEntw&APw-rfe\tv1_2\n"),
        "{subscribed}"
    );

    let again = scene.export("maildir");
    let row = again.lines().find(|line| line.starts_with("Entw")).unwrap();
    assert_eq!(row.split_whitespace().skip(1).collect::<Vec<_>>(), ["3", "0", "3", "0"]);
    assert_eq!(names_in(&folder.join("cur")), files);

    scene.home.ok(&format!("import maildir bob@example.org {}", scene.target.display()), "");
    let theirs = content(&scene.home, "bob@example.org", "\"Entw&APw-rfe/v1_2\"");
    let ours = content(&scene.home, "ann@example.org", "\"Entw&APw-rfe/v1.2\"");
    let instant = |date: &str| date.replace("10:11:12 +0200", "08:11:12 +0000");
    let ours: Vec<_> =
        ours.into_iter().map(|(flags, date, octets)| (flags, instant(&date), octets)).collect();
    assert_eq!(theirs, ours);
}

#[test]
fn mbox_files_bring_back_the_same_messages_and_forged_notes_stay_the_senders() {
    let scene = filled("export-mbox");
    scene.export("mbox");
    let file = fs::read_to_string(scene.target.join("Entwürfe.sbd/v1.2")).unwrap();
    assert!(
        file.starts_with("From MAILER-DAEMON Sun Jan  5 08:11:12 2020\nSubject: one\nX-IMAPbase: "),
        "{file}"
    );
    assert!(file.contains("\n>From here on\n>>From there on\n"), "{file}");
    assert!(!scene.target.join("Entwürfe.sbd/v1.2.part").exists());
    scene.home.ok(&format!("import mbox bob@example.org {}", scene.target.display()), "");
    let theirs = content(&scene.home, "bob@example.org", "\"Entw&APw-rfe/v1.2\"");
    let ours = content(&scene.home, "ann@example.org", "\"Entw&APw-rfe/v1.2\"");
    let flags = |content: &[(String, String, Vec<u8>)]| -> Vec<String> {
        content.iter().map(|(flags, _, _)| flags.clone()).collect()
    };
    assert_eq!(flags(&theirs), flags(&ours));
    assert_eq!(theirs[0].2, ours[0].2);
    assert_eq!(theirs[2].2, ours[2].2);
}

#[test]
fn a_running_server_gives_the_mail_and_logs_each_run_once() {
    let scene = filled("export-running");
    let server = scene.home.serve();
    let said = scene.export("maildir");
    let backup = scene.home.folder.join("backup");
    scene.home.ok(&format!("backup {}", backup.display()), "");
    let log = server.stop();
    assert!(said.lines().any(|line| line.starts_with("Entw")), "{said}");
    assert_eq!(log.matches("account.exported").count(), 1, "{log}");
    assert_eq!(log.matches("server.backed-up").count(), 1, "{log}");
}

#[test]
fn what_is_somebody_elses_is_not_written_into() {
    let scene = filled("export-foreign");
    fs::create_dir(&scene.target).unwrap();
    fs::write(scene.target.join("file"), "").unwrap();
    let refusal =
        scene.home.refused(&format!("export maildir ann@example.org {}", scene.target.display()), "");
    assert!(
        refusal.contains("it is not empty, and not an earlier export; take another directory"),
        "{refusal}"
    );
    fs::remove_file(scene.target.join("file")).unwrap();
    scene.export("maildir");
    let refusal =
        scene.home.refused(&format!("export maildir bob@example.org {}", scene.target.display()), "");
    assert!(refusal.contains("it holds an export of ann@example.org"), "{refusal}");
}
