//! A backup from the first word to the server that runs on what was restored.

use crate::home::Home;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";

#[test]
fn a_server_runs_on_what_was_restored_with_the_passwords_that_there_were() {
    let home = Home::init("backup");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let (shelf, new) = (home.folder.join("shelf"), home.folder.join("new"));
    let (dir, data) = (shelf.display(), new.display());
    let complaint = home.refused(&format!("backup verify {dir}"), "");
    assert!(complaint.contains("holds no backup"), "{complaint}");
    let server = home.serve();
    // From here on the directory is of a format that earlier versions do not read, and so is what is restored.
    assert!(!home.ok("store compact --everything", "").starts_with("0 segments"));
    let said = home.ok(&format!("backup {dir}"), "");
    assert!(said.contains("The settings and the certificates are not part of it"), "{said}");
    home.ok("account add bob@example.org --password-stdin", "secret\n");
    let log = server.stop();
    assert!(log.contains("server.backed-up"), "{log}");

    let said = home.ok(&format!("backup verify {dir} --scratch {}", home.folder.display()), "");
    assert!(said.contains("1 accounts, 6 mailboxes, 0 messages"), "{said}");
    let said = home.ok(&format!("restore {dir} --data {data}"), "");
    assert!(said.contains("UIDs and MODSEQs were skipped in 6 mailboxes of 1 accounts"), "{said}");
    let format = fs::read_to_string(new.join("mail/format")).unwrap();
    assert!(format.starts_with("Gatepost store, format 2\n"), "{format}");
    let of_others =
        |path: &&std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o077 != 0;
    let files = home.files();
    let ours = files.iter().filter(|path| path.starts_with(&shelf) || path.starts_with(&new));
    assert_eq!(ours.filter(of_others).collect::<Vec<_>>(), Vec::<&std::path::PathBuf>::new());
    let left = |path: &&std::path::PathBuf| {
        let path = path.display().to_string();
        ["restoring", "under-way", "verify", "partial/"].iter().any(|word| path.contains(word))
    };
    assert_eq!(files.iter().filter(left).count(), 0, "{files:?}");

    let config = fs::read_to_string(home.config()).unwrap();
    let line = format!("data = \"{}\"", home.data().display());
    assert!(config.contains(&line), "{config}");
    fs::write(home.config(), config.replace(&line, &format!("data = \"{data}\""))).unwrap();
    let server = home.serve();
    let sign_in = |name| Client::connect(server.imaps, &home.trust()).unwrap().login(name, "secret");
    sign_in(ANN).unwrap();
    assert!(sign_in("bob@example.org").is_err(), "who came later is not in it");
    home.ok("account add bob@example.org --password-stdin", "secret\n");
    sign_in("bob@example.org").unwrap();
    server.stop();
}
