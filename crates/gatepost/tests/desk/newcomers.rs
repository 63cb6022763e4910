//! Mail by LMTP for people whom a directory knows, before they sign in for the first time.

use crate::directories::FIRST;
use crate::home::{Home, Listening};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::net::UnixStream;
use testkit::imap::Client;
use testkit::slapd::{PEOPLE, READER, READER_PASSWORD, Slapd, Tls};

const ANN: &str = "ann@example.org";
const NO_SUCH_USER: &str = "550 5.1.1 There is no such user here";
const DISABLED: &str = "450 4.2.1 This account is disabled";
const LATER: &str = "450 4.3.0 Mail cannot be stored just now; try again later";

/// An installation that takes mail in at a socket, with more at the end of its settings.
fn with_settings(name: &str, more: &str) -> Home {
    let home = Home::init(name);
    let made = fs::read_to_string(home.config()).unwrap();
    let socket = format!("[lmtp]\nsocket = \"{}\"\n", home.folder.join("lmtp.sock").display());
    fs::write(home.config(), made.replace("[lmtp]\n", &socket) + more).unwrap();
    home
}

/// A mail server that has something to hand in.
struct Postman {
    stream: UnixStream,
    lines: Lines<BufReader<UnixStream>>,
}

impl Postman {
    fn connect(home: &Home) -> Self {
        let stream = UnixStream::connect(home.folder.join("lmtp.sock")).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut postman = Self { stream, lines };
        postman.reply();
        assert!(postman.says("LHLO there").starts_with("250 "));
        postman
    }

    /// The next reply, by its last line.
    fn reply(&mut self) -> String {
        self.lines.by_ref().map(Result::unwrap).find(|line| line.as_bytes().get(3) == Some(&b' ')).unwrap()
    }

    fn says(&mut self, line: &str) -> String {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply()
    }

    /// What each of these is answered: in front of the message, or behind it where they are accepted.
    fn delivers(&mut self, subject: &str, to: &[&str]) -> Vec<String> {
        assert!(self.says("MAIL FROM:<out@example.net>").starts_with("250 "));
        let mut told: Vec<_> = to.iter().map(|name| self.says(&format!("RCPT TO:<{name}>"))).collect();
        let mut accepted: Vec<_> = told.iter_mut().filter(|told| told.starts_with("250 ")).collect();
        if accepted.is_empty() {
            assert!(self.says("RSET").starts_with("250 "));
            return told;
        }
        assert!(self.says("DATA").starts_with("354 "));
        self.stream.write_all(format!("Subject: {subject}\r\n\r\nhere\r\n.\r\n").as_bytes()).unwrap();
        for told in &mut accepted {
            **told = self.reply();
        }
        told
    }
}

/// The subjects in somebody's INBOX.
fn inbox(server: &Listening, home: &Home, name: &str, password: &str) -> Vec<String> {
    let mut client = Client::connect(server.imaps, &home.trust()).unwrap();
    client.login(name, password).unwrap();
    client.ask("SELECT INBOX").unwrap();
    let came = client.ask("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]").unwrap();
    let subject = |text: String| {
        text.split_once("Subject: ").map(|(_, rest)| rest.trim_end_matches([')', '\r', '\n']).to_owned())
    };
    came.iter().filter_map(|response| subject(response.to_string())).collect()
}

fn is_stored(told: &str) -> bool {
    told.starts_with("250 2.")
}

#[test]
fn who_is_in_ldap_and_never_signed_in_gets_mail_and_none_goes_back_while_ldap_is_down() {
    let person = |uid: &str, kind: &str| {
        format!(
            "dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\ncn: {uid}\nsn: N\nmail: {uid}@example.org\n\
             userPassword: right\nemployeeType: {kind}\n\n"
        )
    };
    let people = [person("ann", "here"), person("bob", "left"), person("cid", "here")].concat();
    let mut slapd = Slapd::start(Tls::Offered, &people);
    let settings = format!(
        "\n[[directory]]\nname = \"ldap\"\n[directory.ldap]\nurl = \"ldaps://localhost:{}\"\nauthorities = \"{}\"\n\
         reader = \"{READER}\"\nreader_password_file = \"reader\"\nbase = \"{PEOPLE}\"\n\
         enabled_filter = \"(!(employeeType=left))\"\n",
        slapd.tls_port(),
        slapd.authority().display()
    );
    let home = with_settings("newcomers", &settings);
    fs::write(home.folder.join("reader"), format!("{READER_PASSWORD}\n")).unwrap();
    home.ok("account add own@example.org --password-stdin", "ours\n");
    let server = home.serve();
    let mut postman = Postman::connect(&home);
    let to = [ANN, "nobody@example.org", "bob@example.org", "own@example.org"];
    let told = postman.delivers("first", &to);
    assert!(is_stored(&told[0]) && is_stored(&told[3]), "{told:?}");
    assert_eq!((told[1].as_str(), told[2].as_str()), (NO_SUCH_USER, DISABLED));
    let listed = home.ok("account list", "");
    assert!(listed.contains(&format!("{ANN}  ")) && listed.contains(" in ldap\n"), "{listed}");
    assert!(!listed.contains("bob") && !listed.contains("nobody"), "{listed}");

    slapd.stop();
    let told = postman.delivers("second", &["cid@example.org", "nobody@example.org", ANN, "own@example.org"]);
    assert_eq!((told[0].as_str(), told[1].as_str()), (LATER, LATER));
    assert!(is_stored(&told[2]) && is_stored(&told[3]), "whom we know by now needs nobody's word: {told:?}");

    slapd.restart();
    let told = postman.delivers("third", &["cid@example.org", "nobody@example.org", "bob@example.org"]);
    assert!(is_stored(&told[0]), "{told:?}");
    assert_eq!((told[1].as_str(), told[2].as_str()), (NO_SUCH_USER, DISABLED));
    assert_eq!(inbox(&server, &home, ANN, "right"), ["first", "second"]);
    assert_eq!(inbox(&server, &home, "cid@example.org", "right"), ["third"]);
    assert_eq!(inbox(&server, &home, "own@example.org", "ours"), ["first", "second"]);
    server.stop();
}

#[test]
fn who_is_in_a_passwd_file_gets_mail_before_they_sign_in_and_who_is_shut_out_there_is_waited_for() {
    let home = with_settings(
        "newcomers-passwd",
        "\n[[directory]]\nname = \"staff\"\n[directory.file]\npath = \"staff.passwd\"\n",
    );
    fs::write(
        home.folder.join("staff.passwd"),
        format!("{ANN}:{FIRST}\nbob@example.org:{FIRST}::::::nologin\n"),
    )
    .unwrap();
    let server = home.serve();
    let mut postman = Postman::connect(&home);
    let told = postman.delivers("first", &["Ann+lists@Example.org", "bob@example.org", "nobody@example.org"]);
    assert!(is_stored(&told[0]), "{told:?}");
    assert_eq!((told[1].as_str(), told[2].as_str()), (DISABLED, NO_SUCH_USER));
    // Bob comes back, and his mail with him.
    let next = home.folder.join("next");
    fs::write(&next, format!("{ANN}:{FIRST}\nbob@example.org:{FIRST}\n")).unwrap();
    fs::rename(next, home.folder.join("staff.passwd")).unwrap();
    assert!(is_stored(&postman.delivers("second", &["bob@example.org"])[0]));
    assert_eq!(inbox(&server, &home, ANN, "first"), ["first"]);
    assert_eq!(inbox(&server, &home, "bob@example.org", "first"), ["second"]);
    server.stop();
}

#[test]
fn where_no_accounts_are_made_mail_for_who_has_none_goes_back() {
    let home = with_settings(
        "newcomers-refused",
        "\n[[directory]]\nname = \"staff\"\nnew_accounts = \"refuse\"\n[directory.file]\npath = \"staff.passwd\"\n",
    );
    fs::write(home.folder.join("staff.passwd"), format!("{ANN}:{FIRST}\n")).unwrap();
    let server = home.serve();
    let mut postman = Postman::connect(&home);
    assert_eq!(postman.delivers("first", &[ANN]), [NO_SUCH_USER]);
    home.ok(&format!("account add {ANN} --directory staff --subject {ANN}"), "");
    assert!(is_stored(&postman.delivers("second", &[ANN])[0]));
    assert_eq!(inbox(&server, &home, ANN, "first"), ["second"]);
    server.stop();
}
