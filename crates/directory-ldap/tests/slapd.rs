//! Accounts in OpenLDAP.

use directory::conformance::{self, Person, Population};
use directory::{Answer, Directory, DirectoryName, Domains, Found, Member, Password, Secret, Standing};
use directory_ldap::{
    Authorities, Cleartext, DEFAULT_LOGIN, DEFAULT_SUBJECT, DEFAULT_VERSION, Depth, LdapConfig,
    LdapDirectory, MAX_BINDS, People, Reader, Server, StandingRule,
};
use std::sync::Arc;
use terms::Login;
use testkit::slapd::{PEOPLE, READER, READER_PASSWORD, SUFFIX, Slapd, Tls};
use tokio::task::JoinSet;

const ANN: Person<'static> = Person { login: "ann@example.org", password: "right" };
/// `pässword` is in base64 in the LDIF.
const BOB: Person<'static> = Person { login: "bob@example.org", password: "pässword" };
const CID: Person<'static> = Person { login: "cid@example.org", password: "right too" };

/// Ann and Bob; Cid, who has left.
const EVERYBODY: &str = "
dn: uid=ann,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: Ann
sn: A
mail: Ann@Example.org
userPassword: right

dn: uid=bob,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: Bob
sn: B
mail: bob@example.org
userPassword:: cMOkc3N3b3Jk

dn: uid=cid,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: Cid
sn: C
mail: cid@example.org
employeeType: Left
userPassword: right too
";

fn population() -> Population<'static> {
    Population { ann: ANN, bob: BOB, disabled: Some(CID) }
}

/// By the address, or by the short name.
fn lookup() -> People {
    let filter = "(&(objectClass=inetOrgPerson)(|(mail={login})(uid={login})))".into();
    People::Lookup { base: PEOPLE.into(), depth: Depth::Subtree, filter }
}

fn template() -> People {
    People::Template { dn: format!("uid={{local}},{PEOPLE}").into() }
}

fn ldaps(slapd: &Slapd) -> Server {
    Server::at(&format!("ldaps://localhost:{}", slapd.tls_port()), Cleartext::Never).expect("a server")
}

fn start_tls(slapd: &Slapd) -> Server {
    Server::at(&format!("ldap://127.0.0.1:{}", slapd.plain_port()), Cleartext::Never).expect("a server")
}

fn config(slapd: &Slapd, server: Server, people: People) -> LdapConfig {
    LdapConfig {
        name: DirectoryName::new("staff").expect("a name"),
        server,
        authorities: Authorities::File(slapd.authority()),
        reader: Reader::Account { dn: READER.into(), password: Secret::new(READER_PASSWORD) },
        people,
        subject: DEFAULT_SUBJECT.into(),
        login: DEFAULT_LOGIN.into(),
        standing: StandingRule::Unless { attribute: "employeeType".into(), values: ["left".into()].into() },
        version: DEFAULT_VERSION.map(Into::into).into(),
    }
}

fn directory(config: LdapConfig) -> LdapDirectory {
    LdapDirectory::new(config).expect("a directory")
}

fn over_ldaps(slapd: &Slapd) -> LdapDirectory {
    directory(config(slapd, ldaps(slapd), lookup()))
}

fn login(name: &str) -> Login {
    Login::new(name).expect("a login")
}

async fn found(directory: &LdapDirectory, name: &str) -> Found {
    match directory.find(&login(name)).await {
        Answer::Yes(found) => found,
        answer => panic!("{name}: {answer:?}"),
    }
}

async fn signs_in(directory: &LdapDirectory, name: &str, password: &str) -> Answer<()> {
    let found = found(directory, name).await;
    directory.check(&found, Password::new(password)).await
}

fn why<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer {
        Answer::Unavailable(why) => why.to_string(),
        answer => panic!("the answer was {answer:?}"),
    }
}

async fn conforms(people: People, server: fn(&Slapd) -> Server) {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = directory(config(&slapd, server(&slapd), people));
    conformance::check(&directory, population(), |_, _| panic!("no hash is known here")).await;
}

#[tokio::test]
async fn t_33_the_suite_holds_for_a_search_over_ldaps() {
    conforms(lookup(), ldaps).await;
}

#[tokio::test]
async fn t_33_the_suite_holds_for_a_search_over_starttls() {
    conforms(lookup(), start_tls).await;
}

#[tokio::test]
async fn t_33_the_suite_holds_for_a_name_that_is_made_over_ldaps() {
    conforms(template(), ldaps).await;
}

#[tokio::test]
async fn t_33_the_suite_holds_for_a_name_that_is_made_over_starttls() {
    conforms(template(), start_tls).await;
}

#[tokio::test]
async fn the_suite_holds_over_a_socket_of_this_machine() {
    conforms(lookup(), |slapd| {
        Server::at(&format!("ldapi://{}", slapd.socket().display()), Cleartext::Never).expect("a server")
    })
    .await;
}

#[tokio::test]
async fn the_suite_holds_without_tls_where_the_settings_allow_it_on_this_machine() {
    conforms(lookup(), |slapd| {
        let url = format!("ldap://localhost:{}", slapd.plain_port());
        Server::at(&url, Cleartext::Loopback).expect("a server")
    })
    .await;
}

#[tokio::test]
async fn an_account_is_called_as_the_attribute_says_whatever_was_typed() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = over_ldaps(&slapd);
    let (short, long) = (found(&directory, "ann").await, found(&directory, "ann@example.org").await);
    assert_eq!(short, long);
    assert_eq!(short.login, login("ann@example.org"));
    assert_eq!(signs_in(&directory, "ann", "right").await, Answer::Yes(()));
}

#[tokio::test]
async fn who_is_renamed_stays_who_they_are() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = over_ldaps(&slapd);
    let before = found(&directory, "ann@example.org").await;
    slapd.change(&format!(
        "dn: uid=ann,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=anna\ndeleteoldrdn: 1\n\n\
         dn: uid=anna,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: anna@example.org\n"
    ));
    let after = found(&directory, "anna@example.org").await;
    assert_eq!(before.subject, after.subject);
    assert_eq!(after.login, login("anna@example.org"));
    assert_eq!(directory.find(&login("ann@example.org")).await, Answer::NoSuch);
    assert_eq!(signs_in(&directory, "anna@example.org", "right").await, Answer::Yes(()));
    slapd.change(&format!(
        "dn: uid=ann,{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Ann\nsn: N\nmail: ann@example.org\n"
    ));
    assert_ne!(found(&directory, "ann@example.org").await.subject, before.subject, "a new Ann is another");
}

#[tokio::test]
async fn who_is_still_there_is_told_whatever_they_are_called_by_now_and_who_can_be_found_no_more_is_not() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let filter = "(&(!(employeeType=guest))(|(uid={login})(mail={login})))";
    let narrow = People::Lookup { base: PEOPLE.into(), depth: Depth::Subtree, filter: filter.into() };
    let directory = directory(config(&slapd, ldaps(&slapd), narrow));
    let still = async |found: &Found| directory.still_has(&found.subject).expect("it can be asked").await;
    let [ann, bob, cid] = ["ann", "bob", "cid"].map(|name| found(&directory, name));
    let (ann, bob, cid) = (ann.await, bob.await, cid.await);
    slapd.change(&format!("dn: uid=ann,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=anna\ndeleteoldrdn: 1\n"));
    assert_eq!(still(&ann).await, Answer::Yes(Standing::Enabled));
    assert_eq!(still(&cid).await, Answer::Yes(Standing::Disabled));
    slapd.change(&format!(
        "dn: uid=bob,{PEOPLE}\nchangetype: modify\nadd: employeeType\nemployeeType: guest\n"
    ));
    assert_eq!(still(&bob).await, Answer::NoSuch, "the filter finds him no more");
    slapd.change(&format!("dn: uid=anna,{PEOPLE}\nchangetype: delete\n"));
    assert_eq!(still(&ann).await, Answer::NoSuch);
    // Where names are made of what was typed, there is nothing to ask by.
    let made = self::directory(config(&slapd, ldaps(&slapd), template()));
    assert!(made.still_has(&cid.subject).is_none());
}

#[tokio::test]
async fn who_was_found_long_ago_is_found_again_for_their_password() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    for people in [lookup(), template()] {
        let config = config(&slapd, ldaps(&slapd), people);
        let (before, now) = (directory(config.clone()), directory(config));
        let ann = found(&before, "ann").await;
        assert_eq!(now.check(&ann, Password::new("right")).await, Answer::Yes(()));
        assert_eq!(now.check(&ann, Password::new("wrong")).await, Answer::Wrong);
    }
}

#[tokio::test]
async fn a_name_that_is_made_does_not_let_in_who_got_it_from_somebody_else() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = directory(config(&slapd, ldaps(&slapd), template()));
    let before = found(&directory, "ann").await;
    slapd.change(&format!(
        "dn: uid=ann,{PEOPLE}\nchangetype: delete\n\n\
         dn: uid=ann,{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Ann\nsn: N\nmail: ann@example.org\n\
         userPassword: right\n"
    ));
    assert_eq!(directory.check(&before, Password::new("right")).await, Answer::Wrong);
    assert_eq!(signs_in(&directory, "ann", "right").await, Answer::Yes(()), "who has it now");
}

#[tokio::test]
async fn a_name_of_two_is_nobodys() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = over_ldaps(&slapd);
    slapd
        .change(&format!("dn: uid=cid,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: bob@example.org\n"));
    assert_eq!(directory.find(&login("bob@example.org")).await, Answer::NoSuch);
    slapd
        .change(&format!("dn: uid=ann,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: bob@example.org\n"));
    assert_eq!(directory.find(&login("bob@example.org")).await, Answer::NoSuch, "nor a name of three");
    assert_eq!(found(&directory, "bob").await.login, login("bob@example.org"));
}

#[tokio::test]
async fn a_new_password_makes_a_new_version() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = over_ldaps(&slapd);
    let before = found(&directory, "ann").await;
    slapd.change(&format!(
        "dn: uid=ann,{PEOPLE}\nchangetype: modify\nreplace: userPassword\nuserPassword: new\n"
    ));
    let after = found(&directory, "ann").await;
    assert!(before.version.is_some());
    assert_ne!(before.version, after.version);
    assert_eq!(signs_in(&directory, "ann", "right").await, Answer::Wrong);
    assert_eq!(signs_in(&directory, "ann", "new").await, Answer::Yes(()));
}

#[tokio::test]
async fn who_may_sign_in_is_said_by_a_filter_or_by_an_attribute() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let rules = [
        StandingRule::Filter("(!(employeeType=left))".into()),
        StandingRule::Unless {
            attribute: "EMPLOYEETYPE".into(),
            values: ["gone".into(), "LEFT".into()].into(),
        },
    ];
    for standing in rules {
        let directory = directory(LdapConfig { standing, ..config(&slapd, ldaps(&slapd), lookup()) });
        assert_eq!(found(&directory, "cid").await.standing, Standing::Disabled);
        assert_eq!(found(&directory, "ann").await.standing, Standing::Enabled);
    }
}

#[tokio::test]
async fn what_the_servers_policy_says_is_told_behind_a_right_password_alone() {
    let policy = format!(
        "dn: cn=policy,{SUFFIX}\nobjectClass: device\nobjectClass: pwdPolicy\npwdAttribute: userPassword\n\
         pwdLockout: TRUE\npwdMaxAge: 60\n"
    );
    let person = |uid, more: &str| {
        format!(
            "\ndn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\ncn: x\nsn: x\nmail: {uid}@example.org\n\
             userPassword: right\npwdPolicySubentry: cn=policy,{SUFFIX}\n{more}\n"
        )
    };
    let locked = person("locked", "pwdAccountLockedTime: 000001010000Z");
    let expired = person("expired", "pwdChangedTime: 20200101000000Z");
    let slapd = Slapd::start(Tls::Offered, &format!("{policy}{locked}{expired}"));
    let directory = over_ldaps(&slapd);
    assert_eq!(signs_in(&directory, "expired", "right").await, Answer::Disabled);
    assert_eq!(signs_in(&directory, "expired", "wrong").await, Answer::Wrong);
    assert_eq!(
        signs_in(&directory, "locked", "right").await,
        Answer::Wrong,
        "the server does not look at the password"
    );
    assert_eq!(signs_in(&directory, "locked", "wrong").await, Answer::Wrong);
}

#[tokio::test]
async fn whom_everybody_may_read_is_found_without_a_reader() {
    let open = format!(
        "dn: ou=open,{SUFFIX}\nobjectClass: organizationalUnit\n\n\
         dn: uid=olga,ou=open,{SUFFIX}\nobjectClass: inetOrgPerson\ncn: Olga\nsn: O\nmail: olga@example.org\nuserPassword: right\n"
    );
    let slapd = Slapd::start(Tls::Offered, &open);
    let people = People::Template { dn: format!("uid={{local}},ou=open,{SUFFIX}").into() };
    let directory =
        directory(LdapConfig { reader: Reader::Anonymous, ..config(&slapd, start_tls(&slapd), people) });
    assert_eq!(signs_in(&directory, "olga@example.org", "right").await, Answer::Yes(()));
    assert_eq!(signs_in(&directory, "olga@example.org", "wrong").await, Answer::Wrong);
    assert_eq!(directory.find(&login("otto@example.org")).await, Answer::NoSuch);
}

#[tokio::test]
async fn a_server_that_starts_anew_is_asked_over_a_new_connection() {
    let mut slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = over_ldaps(&slapd);
    let before = found(&directory, "ann").await;
    slapd.restart();
    assert_eq!(found(&directory, "ann").await, before);
    slapd.stop();
    why(directory.find(&login("ann")).await);
    why(directory.check(&before, Password::new("right")).await);
    why(directory.find(&login("nobody@example.org")).await);
    slapd.restart();
    assert_eq!(directory.check(&before, Password::new("right")).await, Answer::Yes(()));
}

#[tokio::test]
async fn many_who_sign_in_at_once_are_let_in() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let directory = Arc::new(over_ldaps(&slapd));
    let mut all = JoinSet::new();
    for i in 0..3 * MAX_BINDS {
        let directory = Arc::clone(&directory);
        let (person, other) = if i % 2 == 0 { (ANN, BOB) } else { (BOB, ANN) };
        all.spawn(async move {
            let right = signs_in(&directory, person.login, person.password).await;
            (right, signs_in(&directory, person.login, other.password).await)
        });
    }
    while let Some(told) = all.join_next().await {
        assert_eq!(told.expect("an answer"), (Answer::Yes(()), Answer::Wrong));
    }
}

#[tokio::test]
async fn a_reader_whom_the_server_does_not_know_finds_nobody_wrong() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let reader = Reader::Account { dn: READER.into(), password: Secret::new("old") };
    let directory = directory(LdapConfig { reader, ..config(&slapd, ldaps(&slapd), lookup()) });
    let why = why(directory.find(&login("ann")).await);
    assert!(why.contains(READER) && why.contains("49") && !why.contains("old"), "{why}");
}

#[tokio::test]
async fn a_base_that_is_not_there_makes_nobody_wrong() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let filter = "(uid={login})".into();
    let people = People::Lookup { base: "ou=nowhere,dc=example,dc=org".into(), depth: Depth::One, filter };
    let directory = directory(config(&slapd, ldaps(&slapd), people));
    assert!(why(directory.find(&login("ann")).await).contains("base"));
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_name_is_the_end() {
    let (slapd, other) = (Slapd::start(Tls::Offered, EVERYBODY), Slapd::start(Tls::Offered, ""));
    for server in [ldaps(&slapd), start_tls(&slapd)] {
        let authorities = Authorities::File(other.authority());
        let directory = directory(LdapConfig { authorities, ..config(&slapd, server.clone(), lookup()) });
        let why = why(directory.find(&login("ann")).await);
        assert!(why.contains("certificate"), "{why}");
    }
    let elsewhere = [("ldaps", slapd.tls_port()), ("ldap", slapd.plain_port())];
    for (scheme, port) in elsewhere {
        let server = Server::at(&format!("{scheme}://127.0.0.2:{port}"), Cleartext::Never).expect("a server");
        let why = why(directory(config(&slapd, server, lookup())).find(&login("ann")).await);
        assert!(why.contains("certificate"), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_refuses_starttls_is_not_asked() {
    let slapd = Slapd::start(Tls::Absent, EVERYBODY);
    let authorities = Authorities::System;
    let directory = directory(LdapConfig { authorities, ..config(&slapd, start_tls(&slapd), lookup()) });
    assert!(why(directory.find(&login("ann")).await).contains("StartTLS"));
}

#[tokio::test]
async fn t_32_a_person_of_another_domain_is_not_let_in_by_this_directory() {
    let slapd = Slapd::start(Tls::Offered, EVERYBODY);
    let member =
        Member::new(Arc::new(over_ldaps(&slapd)), Domains::These(["".into(), "example.com".into()].into()));
    assert_eq!(member.find(&login("ann")).await, Answer::NoSuch, "ann is ann@example.org");
}
