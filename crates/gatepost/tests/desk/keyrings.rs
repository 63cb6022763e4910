//! App passwords, exposed passwords and policies at the desk, while the server runs and without it.

use crate::home::{Gatepost, Home};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use testkit::imap::Client;

const ANN: &str = "ann@example.org";

fn with_ann(name: &str) -> Home {
    let home = Home::init(name);
    home.ok("account add ann@example.org --password-stdin", "secret\n");
    home
}

/// Makes an app password, and gives back what is shown.
fn app_password(home: &Home, label: &str, words: &str) -> String {
    let add = Gatepost::new("account app-password add ann@example.org --name").arg(label);
    let add = words.split_whitespace().fold(add, Gatepost::arg);
    let said = add.config(home).succeeds("");
    let (first, rest) = said.split_once('\n').unwrap();
    assert_eq!(first, format!("The app password {label} is made. It is not shown again:"));
    let shown = rest.trim_end().to_owned();
    assert!(
        shown.len() == 25 && shown.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
        "{said}"
    );
    shown
}

#[test]
fn t_37_a_revoked_app_password_is_refused_like_a_wrong_one_and_its_sessions_end_alone() {
    let home = with_ann("app-password");
    let laptop = app_password(&home, "laptop", "");
    let server = home.serve();
    let phone = app_password(&home, "Ann's phone", "--for imap,submission");
    let connect = || Client::connect(server.imaps, &home.trust()).unwrap();
    let login = |password: &str| {
        let mut client = connect();
        client.login(ANN, password).map(|_| client).map_err(|why| why.to_string())
    };
    let wrong = login("wrong").map(drop).unwrap_err();
    let mut by_phone = login(&phone.to_uppercase()).unwrap();
    let mut by_laptop = login(&laptop).unwrap();
    let mut by_password = login("secret").unwrap();
    by_phone.send("IDLE").unwrap();
    assert!(by_phone.response().unwrap().is_continuation());

    let listed = home.ok("account app-password list ann@example.org", "");
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    for (line, words) in lines.iter().zip([
        ["laptop", "imap,pop3,submission,managesieve", "from 127.0.0.1"],
        ["Ann's phone", "imap,submission", "from 127.0.0.1"],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    assert!(!listed.contains(&phone));
    let id = lines[1].split_whitespace().next().unwrap();
    let said = home.ok(&format!("account app-password revoke ann@example.org {id}"), "");
    assert_eq!(
        said,
        "The app password Ann's phone of ann@example.org is revoked, and who had signed in with it is signed out\n"
    );
    let bye = by_phone.response().unwrap().to_string();
    assert_eq!(bye, "* BYE You were signed out by whoever runs this server");
    assert_eq!(login(&phone).map(drop).unwrap_err(), wrong);
    for client in [&mut by_laptop, &mut by_password] {
        client.ask("NOOP").unwrap();
    }

    let said = home.ok("account policy ann@example.org --own-password refused", "");
    assert!(said.contains("they take its app passwords alone"), "{said}");
    assert_eq!(by_password.response().unwrap().to_string(), bye);
    assert_eq!(login("secret").map(drop).unwrap_err(), wrong);
    by_laptop.ask("NOOP").unwrap();
    login(&laptop).unwrap();
    home.ok("account policy ann@example.org --own-password allowed", "");
    login("secret").unwrap();
    let log = server.stop();
    for event in [
        "account.app-password-added",
        "account.app-password-revoked",
        "account.policy-changed",
        r#""reason":"own-password-refused""#,
    ] {
        assert!(log.contains(event), "{event} in {log}");
    }
    assert!(!log.contains(&phone) && !log.contains(&laptop), "{log}");
}

#[test]
fn an_app_password_that_is_not_for_this_is_a_wrong_password_and_the_log_says_why() {
    let home = with_ann("app-password-unusable");
    let elsewhere = app_password(&home, "elsewhere", "--network 192.0.2.0/24 --network 2001:db8::/32");
    let sends = app_password(&home, "sends", "--for submission");
    let here = app_password(&home, "here", "--network 127.0.0.0/8 --expires 90d");
    let server = home.serve();
    let login = |password: &str| {
        let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
        client.login(ANN, password).map(drop).map_err(|why| why.to_string())
    };
    let wrong = login("wrong").unwrap_err();
    assert_eq!(login(&elsewhere).unwrap_err(), wrong);
    assert_eq!(login(&sends).unwrap_err(), wrong);
    login(&here).unwrap();
    let log = server.stop();
    for why in ["app-password-network", "app-password-protocol"] {
        assert!(log.contains(&format!("\"reason\":\"{why}\"")), "{why} in {log}");
    }
    let json = home.ok("account app-password list ann@example.org --json", "");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["networks"], serde_json::json!(["192.0.2.0/24", "2001:db8::/32"]));
    assert_eq!(
        (&json[1]["services"], &json[1]["last_used"]),
        (&serde_json::json!(["submission"]), &().into())
    );
    assert_eq!((&json[2]["is_over"], &json[2]["last_used"]["address"]), (&false.into(), &"127.0.0.1".into()));
    for (words, why) in [
        ("--for smtp", "there is no protocol smtp to sign in by"),
        ("--network 10.1.2.3/8", "a network is named by its first address: was 10.0.0.0/8 meant?"),
        ("--expires 2020-01-01", "that is over already"),
    ] {
        let said = home.refused(&format!("account app-password add ann@example.org --name x {words}"), "");
        assert!(said.contains(why), "{said}");
    }
    let said = home.refused("account app-password add ann@example.org --name here", "");
    assert_eq!(said, "gatepost: There is an app password here already\n");
    let said = home.refused("account app-password revoke ann@example.org gone", "");
    assert_eq!(said, "gatepost: There is no app password gone\n");
}

#[test]
fn app_passwords_stay_good_when_the_own_password_changes_and_do_not_come_back_with_the_account() {
    let home = with_ann("app-password-stays");
    let phone = app_password(&home, "phone", "");
    home.ok("account passwd ann@example.org --password-stdin", "another\n");
    let server = home.serve();
    let login =
        |password: &str| Client::connect(server.imaps, &home.trust()).unwrap().login(ANN, password).map(drop);
    login(&phone).unwrap();
    login("another").unwrap();
    home.ok("account remove ann@example.org", "");
    home.ok("undelete account ann@example.org", "");
    login("another").unwrap();
    assert!(login(&phone).is_err(), "it may have been revoked in a past that is undone");
    assert_eq!(home.ok("account app-password list ann@example.org", ""), "");
    server.stop();
}

/// Sends a password in clear, and reads what is said to that.
pub(crate) fn expose(imap: SocketAddr, name: &str) -> Vec<String> {
    let mut stream = TcpStream::connect(imap).unwrap();
    write!(stream, "a LOGIN {name} secret\r\nb LOGOUT\r\n").unwrap();
    let lines: Vec<_> = BufReader::new(stream).lines().map(Result::unwrap).collect();
    lines.into_iter().skip(1).collect()
}

#[test]
fn a_password_that_was_sent_in_clear_is_listed_until_it_is_cleared_and_nobody_is_told_whose_name_it_was() {
    let home = with_ann("exposed");
    home.ok("account add bob@example.org --password-stdin", "secret\n");
    let server = home.serve();
    assert_eq!(home.ok("account list --exposed", ""), "");
    let told = expose(server.imap, "nobody@example.org");
    assert_eq!(expose(server.imap, ANN), told);
    expose(server.imap, "Ann@Example.org");
    // It is written in the background.
    let asked = || home.ok("account list --exposed", "");
    let listed = (0..1_000).map(|_| asked()).find(|listed| !listed.is_empty()).unwrap();
    let words: Vec<_> = listed.split_whitespace().collect();
    assert_eq!((words[0], words[1]), (ANN, "exposed"), "{listed}");
    assert!(listed.trim_end().ends_with("from 127.0.0.1 by imap") && listed.lines().count() == 1, "{listed}");
    let json = home.ok("account list --exposed --json", "");
    assert!(json.contains(r#""exposed":{"when_s":"#) && json.contains(r#""service":"imap""#), "{json}");
    // Its owner is told once.
    let alerts = || {
        let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
        let answer = client.ask(&format!("LOGIN {ANN} secret")).unwrap();
        answer
            .iter()
            .filter(|line| line.to_string().contains("[ALERT]"))
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let told = alerts();
    assert!(
        told.len() == 1 && told[0].contains("sent without encryption from 127.0.0.1. If that"),
        "{told:?}"
    );
    assert_eq!(alerts(), Vec::<String>::new());
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(ANN, "secret").unwrap();
    let said = home.ok("account clear-exposure ann@example.org", "");
    assert!(said.starts_with("ann@example.org is not listed as exposed any more"), "{said}");
    assert_eq!(home.ok("account list --exposed", ""), "");
    client.ask("NOOP").unwrap();
    let said = home.ok("account clear-exposure bob@example.org", "");
    assert_eq!(said, "No password of bob@example.org is known to have been sent in clear\n");
    assert!(server.stop().contains("account.exposure-cleared"));
}
