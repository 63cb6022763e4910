//! The desk, on the real binary: what an admin types, and what comes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod accounts;
mod backup;
mod bring_back;
mod certificates;
mod client_certificates;
mod directories;
mod export;
mod formats;
mod home;
mod import;
mod keyrings;
mod limits;
mod metrics;
mod newcomers;
mod people;
#[path = "../../../door/tests/door/prover.rs"]
#[allow(dead_code, reason = "it is another crate's, which uses all of it")]
mod prover;
#[path = "../../../directory-oidc/tests/provider/provider.rs"]
#[allow(dead_code, clippy::print_stdout, reason = "it is another crate's, which uses all of it")]
mod provider;
mod purge;
mod round_trip;
mod scram;
mod store;
mod threats;
mod undo;

use home::{Gatepost, Home, Listening, line_of};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use testkit::imap::Client;

const ANN: &str = "ann@example.org";

fn signs_in(server: &Listening, home: &Home, name: &str, password: &str) -> bool {
    Client::connect(server.imaps, &home.trust()).unwrap().login(name, password).is_ok()
}

#[test]
fn an_installation_is_made_checked_served_and_administered() {
    let home = Home::init("life");
    assert!(home.ok("check-config", "").ends_with("gatepost.toml: fine\n"));
    assert_eq!(
        home.ok("account add ann@example.org --password-stdin", "first\n"),
        "ann@example.org is added\n"
    );
    assert_eq!(
        home.refused("account add ann@example.org --password-stdin", "x\n"),
        "gatepost: There is an account ann@example.org already\n"
    );

    let server = home.serve();
    assert!(signs_in(&server, &home, ANN, "first"));
    assert_eq!(
        home.ok("account list --json", ""),
        "[{\"name\":\"ann@example.org\",\"standing\":\"enabled\"}]\n"
    );
    assert_eq!(home.ok("account list", ""), "ann@example.org\n");
    assert_eq!(
        home.ok("account passwd ann@example.org --password-stdin", "second"),
        "ann@example.org has a new password\n"
    );
    assert!(!signs_in(&server, &home, ANN, "first"));
    assert!(signs_in(&server, &home, ANN, "second"));
    assert!(home.ok("check-config", "").ends_with("fine\n"), "its own server's addresses are no trouble");

    assert_eq!(home.ok("account remove ann@example.org", ""), "ann@example.org is removed\n");
    assert!(!signs_in(&server, &home, ANN, "second"));
    assert_eq!(
        home.refused("account remove ann@example.org", ""),
        "gatepost: There is no account ann@example.org\n"
    );
    let log = server.stop();
    for event in ["account.password-changed", "account.removed", "server.stop"] {
        assert!(log.contains(event), "{event} in {log}");
    }
    assert!(!log.contains("second"), "a password in the log");
    assert_eq!(home.ok("account list --json", ""), "[]\n");
}

#[test]
fn a_data_directory_has_one_server() {
    let home = Home::init("one");
    let server = home.serve();
    let second = home.refused("serve", "");
    assert!(second.contains("Only one server may have a data directory open"), "{second}");
    server.stop();
}

#[test]
fn a_stopped_server_has_said_bye_and_leaves_in_good_order() {
    let home = Home::init("stop");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    client.ask("SELECT INBOX").unwrap();
    client.send("IDLE").unwrap();
    assert!(client.response().unwrap().is_continuation());
    server.terminate();
    let bye = client.response().unwrap().to_string();
    assert!(bye.starts_with("* BYE "), "{bye}");
    assert!(client.response().is_err(), "and then the end");
    let log = server.ended();
    assert_eq!(log.matches("session.end").count(), 1, "{log}");
    assert!(!home.data().join("desk.sock").exists());
}

#[test]
fn a_certificate_is_replaced_under_an_open_session() {
    let home = Home::init("renewal");
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    let server = home.serve();
    let mut old = Client::connect(server.imaps, &home.trust()).unwrap();
    old.login(ANN, "secret").unwrap();
    // Another installation's certificate takes the place of this one's.
    let other = Home::init("renewal-other");
    let (chain, key) = ("tls/server.pem", "tls/server-key.pem");
    fs::write(home.data().join(chain), "not a certificate").unwrap();
    server.hang_up();
    assert!(server.line_with("certificate.rejected").contains("server.pem"));
    assert!(Client::connect(server.imaps, &home.trust()).is_ok(), "the old pair stays");
    for file in [key, chain] {
        fs::copy(other.data().join(file), home.data().join(file)).unwrap();
    }
    server.hang_up();
    server.line_with("certificate.loaded");
    assert!(server.line_with("certificate.checked").contains("\"days_left\":"));
    assert!(Client::connect(server.imaps, &home.trust()).is_err(), "another authority's now");
    Client::connect(server.imaps, &other.trust()).unwrap();
    old.ask("NOOP").unwrap();
    server.stop();
}

#[test]
fn a_service_manager_is_told_when_we_are_ready_and_when_we_stop() {
    let home = Home::init("notify");
    let path = home.folder.join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    let told = || {
        let mut message = [0; 64];
        let octets = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..octets].to_vec()).unwrap()
    };
    let server = home.serve_with(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(told(), "READY=1");
    server.stop();
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn a_wrong_configuration_is_told_its_line_and_every_broken_certificate() {
    let home = Home::init("wrong");
    let good = fs::read_to_string(home.config()).unwrap();
    fs::write(home.config(), good.replace("# hostname =", "hostnme =")).unwrap();
    let told = home.refused("check-config", "");
    assert!(told.contains("[server] has no setting `hostnme`; did you mean `hostname`?"), "{told}");
    assert!(told.contains("line "), "{told}");
    assert_eq!(home.refused("serve", ""), told, "a start says the same");

    fs::write(home.config(), &good).unwrap();
    fs::remove_file(home.data().join("tls/server-key.pem")).unwrap();
    let told = home.refused("check-config", "");
    assert!(told.contains("server-key.pem"), "{told}");
    let other = Home::init("wrong-key");
    fs::copy(other.data().join("tls/server-key.pem"), home.data().join("tls/server-key.pem")).unwrap();
    let told = home.refused("check-config", "");
    assert!(told.contains("if the certificate was renewed, both files must be replaced"), "{told}");
}

#[test]
fn where_mail_comes_in_the_socket_is_looked_at_and_the_postmaster_asked_for() {
    let home = Home::init("comes-in");
    let folder = home.folder.join("post");
    fs::create_dir(&folder).unwrap();
    let good = fs::read_to_string(home.config()).unwrap();
    let set = |more: &str, rights| {
        fs::set_permissions(&folder, fs::Permissions::from_mode(rights)).unwrap();
        let lmtp = format!("[lmtp]\nsocket = \"{}\"\n{more}", folder.join("lmtp").display());
        fs::write(home.config(), good.replace("[lmtp]\n", &lmtp)).unwrap();
    };
    set("", 0o750);
    let told = home.ok("check-config", "");
    assert!(told.contains("`lmtp.postmaster` is not set") && told.ends_with("fine\n"), "{told}");
    set("postmaster = \"ann@example.org\"\n", 0o1777);
    let told = home.ok("check-config", "");
    assert!(!told.contains("postmaster") && told.ends_with("fine\n"), "{told}");
    set("", 0o777);
    let told = home.refused("check-config", "");
    assert!(told.contains("everybody may write to its folder"), "{told}");
    let told = home.refused("serve", "");
    assert!(told.contains("everybody may write to its folder"), "{told}");
}

#[test]
fn init_says_what_is_in_its_way_and_overwrites_nothing() {
    let home = Home::init("init");
    let again = home.refused("init --hostname localhost", "");
    assert!(again.contains("is there already; move it away first"), "{again}");
    let data = home.data();
    let command = |hostname: &str, config: &str| {
        let config = home.folder.join(config);
        let words =
            format!("init --hostname {hostname} --config {} --data {}", config.display(), data.display());
        Gatepost::new(&words)
    };
    let told = command("no_name", "new/sub/gatepost.toml").fails("");
    assert_eq!(told, "gatepost: \"no_name\" is not a host name: letters, digits and hyphens between dots\n");
    command("mail.example.org", "new/sub/gatepost.toml").succeeds("");
    assert!(home.folder.join("new/sub/gatepost.toml").is_file(), "the folder is made");
    let mode = |path: &str| fs::metadata(data.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("tls/server-key.pem"), mode("tls/ca-key.pem")), (0o700, 0o600, 0o600));
}

#[test]
fn a_data_directory_may_have_a_longer_path_than_a_socket() {
    let home = Home::init(&"deep-".repeat(24));
    let server = home.serve();
    home.ok("account add ann@example.org --password-stdin", "a password\n");
    assert!(home.ok("account list", "").contains("ann@example.org"));
    server.stop();
}

#[test]
fn a_command_without_a_configuration_says_how_to_get_one() {
    let told = Gatepost::new("account list --config /nowhere/gatepost.toml").fails("");
    assert!(told.contains("`gatepost init` writes one, and --config names another"), "{told}");
}

/// An mbox of so many messages; the words that have a demo filled from it.
fn mail_of(home: &Home, messages: usize) -> String {
    let mail = home.folder.join("mail.mbox");
    let message = |n| format!("From a Thu Jan  1 00:00:00 2026\nSubject: {n}\n\nbody\n\n");
    fs::write(&mail, (0..messages).map(message).collect::<String>()).unwrap();
    format!("--mail {}", mail.display())
}

#[test]
fn a_demo_keeps_its_mail_and_its_password() {
    let home = Home::empty("demo");
    let (first, second) = (home.demo(&mail_of(&home, 2)), home.demo(""));
    assert!(first.said.contains("2 messages in 1 mailboxes."), "{}", first.said);
    let password = |said: &str| line_of(said, "password ");
    assert_eq!(password(&first.said), password(&second.said));
    assert_eq!(first.messages, 2);
    assert_eq!(second.messages, 2, "nothing is filled in twice");
    assert!(!second.said.contains("Filling"), "{}", second.said);
}

#[test]
fn a_demo_without_mail_of_ones_own_is_full_of_it_and_tells_three_clients_how_to_look() {
    let home = Home::empty("tour");
    let demo = home.demo("");
    assert!(demo.messages > 100, "INBOX has {}", demo.messages);
    let ca = line_of(&demo.said, "CA file ");
    let who = format!("{}:{}", line_of(&demo.said, "account "), line_of(&demo.said, "password "));
    for way in [
        format!("openssl s_client -quiet -crlf -verify_return_error -CAfile '{ca}' -connect localhost:"),
        format!("-CAfile '{ca}' -starttls imap -connect localhost:"),
        format!("curl --cacert '{ca}' --user '{who}' 'imaps://localhost:"),
        "--ssl-reqd 'imap://localhost:".to_owned(),
        "Thunderbird\n".to_owned(),
        "STARTTLS, normal password".to_owned(),
    ] {
        assert!(demo.said.contains(&way), "{way} in {}", demo.said);
    }
    assert!(Path::new(&ca).is_file());
}

#[test]
fn a_demo_that_is_given_no_mail_says_so_and_can_be_given_some() {
    let home = Home::empty("no-mail");
    let (empty, letter) = (home.folder.join("Maildir"), home.folder.join("one.eml"));
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(empty.join(folder)).unwrap();
    }
    fs::write(&letter, "Subject: no mbox\n\nbody\n").unwrap();
    let refused = |mail: &Path| {
        let (data, mail) = (home.folder.join("demo"), mail.display());
        let words =
            format!("demo --imap 127.0.0.1:0 --imaps 127.0.0.1:0 --data {} --mail {mail}", data.display());
        Gatepost::new(&words).fails("")
    };
    let told = refused(&home.folder.join("nowhere"));
    assert_eq!(told.matches("nowhere").count(), 1, "{told}");
    let told = refused(&letter);
    assert!(told.contains("one.eml: no mbox is there: a file that begins with a line `From ...`"), "{told}");
    let told = refused(&empty);
    assert!(told.contains("no message is in"), "{told}");
    assert_eq!(home.demo(&mail_of(&home, 2)).messages, 2);
}

#[test]
fn a_demo_whose_filling_was_interrupted_goes_on_where_it_stopped() {
    let home = Home::empty("interrupted");
    // As a kill leaves it: two of three messages are there, and nothing says that this was all.
    let first = home.demo(&mail_of(&home, 2));
    fs::remove_file(home.folder.join("demo/filled")).unwrap();
    let second = home.demo(&mail_of(&home, 3));
    assert_eq!((first.messages, second.messages), (2, 3), "{}", second.said);
}

#[test]
fn the_help_names_every_command_and_says_what_it_is_for() {
    let help = Gatepost::new("--help").succeeds("");
    for command in [
        "demo",
        "init",
        "serve",
        "check-config",
        "account",
        "mailbox",
        "undelete",
        "purge",
        "import",
        "export",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{help}");
    }
    assert!(help.contains("never a password"), "{help}");
}
