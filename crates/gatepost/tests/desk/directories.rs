//! Accounts that are known elsewhere, and hashes that come from there.

use crate::home::{Home, Listening};
use crate::provider::{AUDIENCE, Provider};
use crate::signs_in;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io::Write;
use testkit::imap::Client;
use testkit::slapd::{PEOPLE, READER, READER_PASSWORD, Slapd, Tls};

const ANN: &str = "ann@example.org";
// python3: "{SHA256}" + base64.b64encode(hashlib.sha256(b"first").digest()).decode(), and of b"second"
pub(crate) const FIRST: &str = "{SHA256}p5N7ZLjKpY8Dchu2us9ceMsjX+vg5wsbhM2ZVBRhoI4=";
const SECOND: &str = "{SHA256}FjZ6rLZ6SgF8jairlWgsyzkIY3gPcRTdoKDgxVZEx8Q=";

fn with_settings(name: &str, settings: &str) -> Home {
    let home = Home::init(name);
    let mut config = fs::OpenOptions::new().append(true).open(home.config()).unwrap();
    config.write_all(settings.as_bytes()).unwrap();
    home
}

fn told(server: &Listening, home: &Home, name: &str, password: &str) -> String {
    let signed_in = Client::connect(server.imaps, &home.trust()).unwrap().login(name, password);
    signed_in.map_or_else(|why| why.to_string(), |_| "OK".into())
}

#[test]
fn whoever_a_passwd_file_names_has_an_account_by_signing_in() {
    let home = with_settings(
        "passwd",
        "\n[[directory]]\nname = \"staff\"\n[directory.file]\npath = \"staff.passwd\"\n",
    );
    assert!(home.refused("check-config", "").contains("staff"));
    let file = home.folder.join("staff.passwd");
    fs::write(&file, format!("{ANN}:{FIRST}\n")).unwrap();
    assert!(home.ok("check-config", "").ends_with("gatepost.toml: fine\n"));
    let server = home.serve();
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    let capabilities = client.ask("CAPABILITY").unwrap();
    assert!(!format!("{capabilities:?}").contains("SCRAM"), "what a file knows no proof can be checked with");
    assert!(!signs_in(&server, &home, ANN, "second"));
    assert_eq!(home.ok("account list", ""), "");
    assert!(signs_in(&server, &home, ANN, "first"));
    assert_eq!(home.ok("account list", ""), "ann@example.org    ann@example.org in staff\n");
    assert!(home.ok("mailbox list ann@example.org", "").contains("INBOX"));
    // The file is replaced, as whoever writes one safely does it.
    let next = home.folder.join("next");
    fs::write(&next, format!("# the staff\n{ANN}:{SECOND}\n")).unwrap();
    fs::rename(&next, &file).unwrap();
    assert!(signs_in(&server, &home, ANN, "second") && !signs_in(&server, &home, ANN, "first"));
    // One that cannot be used changes nothing.
    fs::write(&next, "no colon\n").unwrap();
    fs::rename(&next, &file).unwrap();
    assert!(signs_in(&server, &home, ANN, "second"));
    let log = server.stop();
    assert!(log.contains("directory.read") && log.contains("directory.rejected"), "{log}");
    assert_eq!(log.matches("directory.added-account").count(), 1, "{log}");
}

#[test]
fn an_admin_says_whose_account_it_is_and_what_it_is_called() {
    let home = with_settings(
        "links",
        "\n[[directory]]\nname = \"staff\"\nnew_accounts = \"refuse\"\n[directory.file]\npath = \"staff.passwd\"\n",
    );
    fs::write(home.folder.join("staff.passwd"), format!("{ANN}:{FIRST}\nbob@example.org:{SECOND}\n"))
        .unwrap();
    home.ok("account add bob@example.org --password-stdin", "ours\n");
    let server = home.serve();
    assert!(!signs_in(&server, &home, ANN, "first"), "nobody gets an account by signing in");
    let elsewhere = home.refused(&format!("account add {ANN} --directory typo --subject {ANN}"), "");
    assert_eq!(elsewhere, "gatepost: there is no [[directory]] called typo in the settings\n");
    let said = home.ok(&format!("account add {ANN} --directory staff --subject {ANN}"), "");
    assert_eq!(said, "ann@example.org is added, and is ann@example.org in staff\n");
    assert!(signs_in(&server, &home, ANN, "first"));
    // An account of our own becomes one of the directory.
    assert!(signs_in(&server, &home, "bob@example.org", "ours"));
    let taken = home.refused(&format!("account link bob@example.org --directory staff --subject {ANN}"), "");
    assert_eq!(taken, "gatepost: That stands for ann@example.org already\n");
    home.ok("account app-password add bob@example.org --name tablet", "");
    home.ok("account app-password add bob@example.org --name phone", "");
    let mut session = Client::connect(server.imaps, &home.trust()).unwrap();
    session.login("bob@example.org", "ours").unwrap();
    let said = home.ok("account link bob@example.org --directory staff --subject bob@example.org", "");
    assert_eq!(
        said,
        "bob@example.org is bob@example.org in staff: from now on that is asked for its password\n\
         2 app passwords of it still let in whoever has them; where that is not the same person, take them back: \
         gatepost account app-password revoke bob@example.org NAME\n"
    );
    assert!(session.ask("NOOP").is_err(), "its own password counts no longer");
    let said = home.ok("account passwd bob@example.org --password-stdin", "ours\n");
    assert_eq!(
        said,
        "bob@example.org has a new password here, and is linked to staff: where that knows passwords it is asked, and not \
         this one\n"
    );
    assert!(signs_in(&server, &home, "bob@example.org", "second"));
    assert!(!signs_in(&server, &home, "bob@example.org", "ours"));
    let json = home.ok("account list --json", "");
    assert!(json.contains(r#""links":[{"directory":"staff","subject":"bob@example.org"}]"#), "{json}");
    // And back; whoever came in by the directory's word is shown out.
    let mut session = Client::connect(server.imaps, &home.trust()).unwrap();
    session.login("bob@example.org", "second").unwrap();
    let said = home.ok("account unlink bob@example.org --directory staff", "");
    assert!(said.starts_with("bob@example.org is bob@example.org in staff no more"), "{said}");
    let left = home.ok("account unlink bob@example.org --directory staff", "");
    assert_eq!(left, "bob@example.org is nobody in staff\n");
    assert!(session.ask("NOOP").is_err(), "it has ended");
    assert!(signs_in(&server, &home, "bob@example.org", "ours"));
    assert_eq!(
        home.ok("account rename bob@example.org robert@example.org", ""),
        "bob@example.org is called robert@example.org now\n"
    );
    assert!(signs_in(&server, &home, "robert@example.org", "ours"));
    let log = server.stop();
    for event in ["account.linked", "account.unlinked", "account.renamed"] {
        assert!(log.contains(event), "{event} in {log}");
    }
}

#[test]
fn an_ldap_server_that_is_down_makes_its_people_wait_and_nobody_else() {
    let people = format!(
        "dn: uid=ann,{PEOPLE}\nobjectClass: inetOrgPerson\ncn: Ann\nsn: N\nmail: {ANN}\nuserPassword: right\n\n"
    );
    let mut slapd = Slapd::start(Tls::Offered, &people);
    let home = Home::init("ldap");
    fs::write(home.folder.join("reader"), format!("{READER_PASSWORD}\n")).unwrap();
    let settings = format!(
        "\n[[directory]]\nname = \"ldap\"\n[directory.ldap]\nurl = \"ldaps://localhost:{}\"\nauthorities = \"{}\"\n\
         reader = \"{READER}\"\nreader_password_file = \"reader\"\nbase = \"{PEOPLE}\"\n",
        slapd.tls_port(),
        slapd.authority().display()
    );
    fs::OpenOptions::new().append(true).open(home.config()).unwrap().write_all(settings.as_bytes()).unwrap();
    home.ok("account add own@example.org --password-stdin", "ours\n");
    let server = home.serve();
    assert_eq!(told(&server, &home, ANN, "right"), "OK");
    let wrong = told(&server, &home, ANN, "wrong");
    assert!(wrong.contains("[AUTHENTICATIONFAILED]"), "{wrong}");
    assert_eq!(told(&server, &home, "nobody@example.org", "wrong"), wrong);
    slapd.stop();
    for name in [ANN, "nobody@example.org"] {
        let down = told(&server, &home, name, "right");
        assert!(down.contains("[UNAVAILABLE]"), "{down}");
    }
    assert_eq!(told(&server, &home, "own@example.org", "ours"), "OK");
    let log = server.stop();
    assert_eq!(log.matches("directory.down").count(), 1, "{log}");
}

/// As OAUTHBEARER sends it (RFC 7628, 3.1).
fn bearer(user: &str, token: &str) -> String {
    STANDARD.encode(format!("n,a={user},\u{1}auth=Bearer {token}\u{1}\u{1}"))
}

#[test]
fn a_token_of_an_openid_provider_lets_in_whom_it_is_about_and_nobody_else() {
    let Some(mut provider) = Provider::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let token = |client: &str| runtime.block_on(provider.token(client, "jwt/ES256"));
    let (good, evil) = (token("thunderbird"), token("evil"));
    let home = Home::init("oidc");
    fs::write(home.folder.join("provider.pem"), &provider.authority).unwrap();
    let settings = format!(
        "\n[[directory]]\nname = \"sso\"\n[directory.oidc]\nissuer = \"{}\"\naudiences = [\"{AUDIENCE}\"]\n\
         clients = [\"thunderbird\"]\nscopes = [\"mail\"]\nauthorities = \"provider.pem\"\n",
        provider.issuer
    );
    fs::OpenOptions::new().append(true).open(home.config()).unwrap().write_all(settings.as_bytes()).unwrap();
    assert!(home.ok("check-config", "").ends_with("gatepost.toml: fine\n"));
    let server = home.serve();
    let connect = || Client::connect(server.imaps, &home.trust()).unwrap();
    let by = |mechanism: &str, initial: &str| {
        connect().ask(&format!("AUTHENTICATE {mechanism} {initial}")).map(drop).map_err(|why| why.to_string())
    };
    by("OAUTHBEARER", &bearer(ANN, &good)).unwrap();
    let google = STANDARD.encode(format!("user={ANN}\u{1}auth=Bearer {good}\u{1}\u{1}"));
    by("XOAUTH2", &google).unwrap();
    let listed = home.ok("account list", "");
    assert!(listed.starts_with(&format!("{ANN}  ")) && listed.ends_with(" in sso\n"), "{listed}");
    // A token for another program, and one of hers that would act as somebody else: the client is told what it needs, and
    // acknowledges that.
    for (user, token) in [(ANN, &evil), ("bob@example.org", &good)] {
        let mut client = connect();
        let tag = client.send(&format!("AUTHENTICATE OAUTHBEARER {}", bearer(user, token))).unwrap();
        let challenge = client.response().unwrap().to_string();
        let told = STANDARD.decode(challenge.trim_start_matches("+ ")).unwrap();
        let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
        assert_eq!((&told["status"], &told["scope"]), (&"invalid_token".into(), &"mail".into()));
        assert!(told["openid-configuration"].as_str().unwrap().starts_with(&provider.issuer));
        client.say(b"AQ==\r\n").unwrap();
        let why = client.answer(tag).unwrap_err().to_string();
        assert!(why.contains(" NO [AUTH"), "{why}");
    }
    // The keys that it has are good for what they have signed, for a while, while the provider is down.
    provider.down();
    assert!(home.refused("check-config", "").contains("the directory sso: "));
    by("OAUTHBEARER", &bearer(ANN, &good)).unwrap();
    assert!(!server.stop().contains(&good), "no token is in the log");
}

#[test]
fn hashes_of_another_server_are_taken_over_and_made_anew_at_the_first_sign_in() {
    let home = Home::init("hashes");
    let file = home.folder.join("passwd");
    let import = format!("account import {}", file.display());
    fs::write(&file, format!("{ANN}:{FIRST}:1000:1000::/home/ann::\nbob:$1$salt$tooweak\n")).unwrap();
    let complaint = home.refused(&import, "");
    assert!(complaint.contains("nothing is imported") && complaint.contains("bob: "), "{complaint}");
    // As in /etc/shadow, behind `usermod -e`.
    fs::write(&file, format!("{ANN}:{FIRST}:19000:0:99999:7:::\nbob:{SECOND}:19000:0:99999:7::1:\n"))
        .unwrap();
    let complaint = home.refused(&import, "");
    assert!(complaint.contains("bob: the file lets them in until a day") && !complaint.contains(ANN));
    // What can be checked elsewhere and not be kept here: a blank in a salt, and a letter that is none of ASCII's.
    let hash = "a".repeat(43);
    for (salt, name) in [("sa lt", "bob"), ("s\u{e4}lt", "carl")] {
        fs::write(&file, format!("{ANN}:{FIRST}\n# here\n{name}:$5${salt}${hash}\n")).unwrap();
        let complaint = home.refused(&import, "");
        let told = format!("\nline 3: {name}: the hash has something in it");
        assert!(complaint.contains("nothing is imported") && complaint.contains(&told), "{complaint}");
    }
    assert_eq!(home.ok("account list", ""), "");
    home.ok("account add bob --password-stdin", "hers\n");
    fs::write(&file, format!("{ANN}:{FIRST}:1000:1000::/home/ann::\nbob:{SECOND}\n")).unwrap();
    let said = home.ok(&import, "");
    assert_eq!(said, "bob: There is an account bob already\n1 of 2 are added\n");
    let server = home.serve();
    assert!(!signs_in(&server, &home, ANN, "second") && !signs_in(&server, &home, "bob", "second"));
    for _ in 0..2 {
        assert!(signs_in(&server, &home, ANN, "first") && signs_in(&server, &home, "bob", "hers"));
    }
    assert_eq!(
        home.ok(&import, ""),
        format!(
            "{ANN}: There is an account {ANN} already\nbob: There is an account bob already\n0 of 2 are added\n"
        )
    );
    server.stop();
}

#[test]
fn t_37_whom_a_directory_has_no_more_is_out_by_an_app_password_too_until_it_has_them_again() {
    let home = with_settings(
        "presence",
        "\n[[directory]]\nname = \"staff\"\n[directory.file]\npath = \"staff.passwd\"\n",
    );
    let file = home.folder.join("staff.passwd");
    let write = |lines: String| {
        let next = home.folder.join("next");
        fs::write(&next, lines).unwrap();
        fs::rename(&next, &file).unwrap();
    };
    write(format!("{ANN}:{FIRST}\nbob@example.org:{SECOND}\n"));
    let server = home.serve();
    assert!(signs_in(&server, &home, ANN, "first") && signs_in(&server, &home, "bob@example.org", "second"));
    let shown = home.ok(&format!("account app-password add {ANN} --name phone"), "");
    let app = shown.lines().last().unwrap().to_owned();
    let mut session = Client::connect(server.imaps, &home.trust()).unwrap();
    session.login(ANN, "first").unwrap();
    write(format!("bob@example.org:{SECOND}\n"));
    // Of whoever comes in by it, and has not been asked for of late, the directory is asked at once; all of theirs is over.
    signs_in(&server, &home, ANN, &app);
    while session.ask("NOOP").is_ok() {}
    assert!(!signs_in(&server, &home, ANN, &app));
    let list = home.ok("account list", "");
    assert!(list.contains("ann@example.org  barred by its directory"), "{list}");
    assert!(signs_in(&server, &home, "bob@example.org", "second"), "others are as ever");
    write(format!("{ANN}:{FIRST}\nbob@example.org:{SECOND}\n"));
    while !signs_in(&server, &home, ANN, &app) {}
    assert!(!home.ok("account list", "").contains("barred"));
    let log = server.stop();
    assert!(log.contains("account.barred") && log.contains("account.unbarred"), "{log}");
}
