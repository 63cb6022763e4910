//! People whom a directory elsewhere knows: how they come in, whose mail they get, and what guesses at them cost.

use crate::house::{House, KIB, app_password, cheap, open, provable_app_password, record, told, with};
use directory::Standing;
use directory::scripted::{Human, Pace, Scripted, State};
use door::{Claim, Elsewhere, Expected, Manners};
use mail::{Credential, JudgedBy, Lane, ScramSha1};
use mailbox::account::directory::keyring::{Link, OwnPassword, Scopes};
use sasl::{CredentialRecord, ForeignHash, Salts, Secret, Verdict, Workspace};
use std::sync::Arc;
use std::time::Duration;
use terms::{AccountId, DirectoryName, Login, Subject};
use tokio::time::Instant;

/// "pässword" in Python: "{SHA256}" + base64.b64encode(hashlib.sha256("pässword".encode()).digest()).decode()
const FOREIGN: &str = "{SHA256}NHgme1YSeRtAmIkGs6eJfrarUB4EuV7TL5nQr99mnZw=";

#[tokio::test(start_paused = true)]
async fn whoever_a_directory_lets_in_gets_an_account_and_keeps_it() {
    let staff = Scripted::new("staff", &[("ann@example.org", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    assert_eq!(house.sign_in("ann@example.org", "wrong").await, "Wrong");
    assert!(house.accounts.list().is_empty(), "nobody who stays outside makes an account");
    let ann = house.sign_in("Ann@Example.org", "right").await;
    assert!(ann.starts_with("1 "), "{ann}");
    assert_eq!(house.sign_in("ann@example.org", "right").await, ann);
    assert_eq!(house.sign_in("nobody@example.org", "right").await, "Wrong");
    // She is called otherwise from now on, and it is her mail still.
    staff.people()[0].login = "ann.b@example.org".into();
    assert!(house.sign_in("ann.b@example.org", "right").await.starts_with("1 "));
    assert_eq!(house.sign_in("ann@example.org", "right").await, "Wrong");
    assert_eq!(house.accounts.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_is_not_renamed_because_its_owner_has_another_address_too() {
    let staff = Scripted::new("staff", &[("ann@example.org", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    let ann = house.sign_in("ann@example.org", "right").await;
    let called = |login: &str, also: &[&str]| {
        let mut people = staff.people();
        people[0].login = login.into();
        people[0].also = also.iter().map(|name| (*name).to_owned()).collect();
    };
    // The first in the alphabet is another one by now.
    called("ann-new@example.org", &["ann@example.org"]);
    for name in ["ann@example.org", "ann-new@example.org"] {
        assert_eq!(house.sign_in(name, "right").await, ann);
    }
    assert_eq!(house.accounts.login(AccountId(1)).unwrap().as_str(), "ann@example.org");
    called("ann-new@example.org", &[]);
    house.sign_in("ann-new@example.org", "right").await;
    assert_eq!(house.accounts.login(AccountId(1)).unwrap().as_str(), "ann-new@example.org");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_somebody_elses_opens_nobodys_mail() {
    let staff = Scripted::new("staff", &[("ann", "right"), ("own", "theirs")]);
    let house = House::new(vec![open(&staff)]).await;
    house.add("own", "ours").await;
    assert!(house.sign_in("ann", "right").await.starts_with("2 "));
    // An account of this server's own is not asked for elsewhere.
    let asked = staff.times_asked();
    assert_eq!(house.sign_in("own", "theirs").await, "Wrong");
    assert!(house.sign_in("own", "ours").await.starts_with("1 "));
    assert_eq!(staff.times_asked(), asked);
    // Ann leaves, and another Ann comes.
    staff.people()[0] = Human { subject: "another".into(), ..Human::new("staff", "ann", "new") };
    assert_eq!(house.sign_in("ann", "new").await, "Wrong");
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
}

#[tokio::test(start_paused = true)]
async fn where_no_accounts_are_made_who_has_none_stays_outside() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house =
        House::new(vec![with(&staff, Manners { get_accounts: false, same_people_as: Vec::new() })]).await;
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
    assert!(house.accounts.list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_directories_of_the_same_people_lead_to_the_same_mail_and_others_do_not() {
    let (ldap, guests) = (Scripted::new("ldap", &[("ann", "1")]), Scripted::new("guests", &[("ann", "2")]));
    let oidc = Scripted::new("oidc", &[("ann", "3")]);
    let same = Manners { get_accounts: true, same_people_as: vec![DirectoryName::new("ldap").unwrap()] };
    let house = House::new(vec![open(&ldap), open(&guests), with(&oidc, same)]).await;
    let ann = house.sign_in("ann", "1").await;
    assert_eq!(house.bearer(Some("ann"), "oidc/ann").await, ann);
    assert_eq!(house.bearer(None, "oidc/ann").await, ann);
    assert_eq!(house.bearer(None, "guests/ann").await, "Wrong");
    assert_eq!(house.sign_in("ann", "2").await, "Wrong");
}

#[tokio::test(start_paused = true)]
async fn t_30_a_token_lets_nobody_act_as_somebody_else() {
    let staff = Scripted::new("staff", &[("ann", "1"), ("bob", "2")]);
    let house = House::new(vec![open(&staff)]).await;
    let (ann, bob) = (house.bearer(None, "staff/ann").await, house.bearer(Some("bob"), "staff/bob").await);
    assert_ne!(ann, bob);
    assert_eq!(house.bearer(Some("bob"), "staff/ann").await, "NotAuthorized");
    assert_eq!(house.bearer(Some("nobody"), "staff/ann").await, "NotAuthorized");
    assert_eq!(house.bearer(Some("ANN"), "staff/ann").await, ann);
    // Nothing came of it: nobody is somebody still.
    assert_eq!(house.accounts.list().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn both_have_to_let_somebody_in_the_directory_and_the_admin_here() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    let ann = house.sign_in("ann", "right").await;
    staff.people()[0].standing = Standing::Disabled;
    assert_eq!(house.sign_in("ann", "right").await, "Wrong", "not even by what was right a moment ago");
    staff.people()[0].standing = Standing::Enabled;
    let disabled = mailbox::account::directory::Standing::Disabled;
    house.accounts.set_standing("ann", disabled).await.unwrap();
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
    assert_eq!(house.bearer(None, "staff/ann").await, "Wrong");
    house.accounts.set_standing("ann", mailbox::account::directory::Standing::Enabled).await.unwrap();
    assert_eq!(house.sign_in("ann", "right").await, ann);
}

#[tokio::test(start_paused = true)]
async fn what_was_right_is_not_asked_for_again_while_the_directory_says_that_nothing_changed() {
    let staff = Scripted::new("staff", &[("ann", "right"), ("bob", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    staff.people()[0].version = Some("monday".into());
    for _ in 0..5 {
        assert!(house.sign_in("ann", "right").await.starts_with("1 "));
    }
    assert_eq!(staff.times_checked(), 1);
    // Of Bob nothing says when his password changes, so that he is asked for once a minute.
    for _ in 0..5 {
        assert!(house.sign_in("bob", "right").await.starts_with("2 "));
    }
    assert_eq!(staff.times_checked(), 2);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(house.sign_in("bob", "right").await.starts_with("2 "));
    assert!(house.sign_in("ann", "right").await.starts_with("1 "));
    assert_eq!(staff.times_checked(), 3);
    // It is changed.
    {
        let mut people = staff.people();
        people[0].password = "new".into();
        people[0].version = Some("tuesday".into());
    }
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
    assert!(house.sign_in("ann", "new").await.starts_with("1 "));
}

/// Everybody has everybody's password at some time, and directories call different people the same.
#[tokio::test(start_paused = true)]
async fn t_31_no_sign_in_that_is_remembered_lets_anybody_in_as_somebody_else() {
    let names = ["ann", "bob", "cid"];
    let people: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
    let (one, two) = (Scripted::new("one", &people), Scripted::new("two", &people));
    let house = House::new(vec![open(&one), open(&two)]).await;
    // The second directory's people come by its tokens first, so that their accounts are its own.
    let mut own = Vec::new();
    for (place, name) in names.iter().enumerate() {
        two.people()[place].login = format!("{name}@two");
        own.push(house.sign_in(name, name).await);
        own.push(house.sign_in(&format!("{name}@two"), name).await);
    }
    assert!(own.iter().all(|known| own.iter().filter(|other| *other == known).count() == 1), "{own:?}");
    for _ in 0..3 {
        for (place, name) in names.iter().enumerate() {
            for password in names {
                let is_right = *name == password;
                let first = house.sign_in(name, password).await;
                let second = house.sign_in(&format!("{name}@two"), password).await;
                let expected =
                    |which: usize| if is_right { own[2 * place + which].clone() } else { "Wrong".into() };
                assert_eq!((first, second), (expected(0), expected(1)), "{name} {password}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn t_38_whoever_is_turned_away_hears_it_after_the_same_time() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    house.sign_in("ann", "right").await;
    for (name, password) in [("ann", "wrong"), ("nobody", "wrong"), ("ann", ""), ("*", "x")] {
        let Ok(claim) = Claim::login(name.as_bytes(), password.as_bytes()) else { continue };
        let asked = Instant::now();
        assert_eq!(told(house.enter(claim).await), "Wrong");
        assert_eq!(asked.elapsed().as_millis() % 500, 0, "{name} {password}: {:?}", asked.elapsed());
    }
    let before = house.pool.verified_kib();
    house.sign_in("nobody", "another").await;
    assert_eq!(house.pool.verified_kib() - before, KIB, "a name that nobody has costs a hash");
    // What was wrong for it is known again, as of somebody.
    let checked = staff.times_checked();
    house.sign_in("nobody", "another").await;
    house.sign_in("ann", "wrong").await;
    assert_eq!((house.pool.verified_kib() - before, staff.times_checked()), (KIB, checked));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_came_with_somebody_elses_hash_gets_one_of_ours_by_signing_in() {
    let house = House::new(vec![]).await;
    let typed = "p\u{e4}ssword";
    let record = CredentialRecord::foreign(ForeignHash::new(FOREIGN).unwrap(), Salts([1; 32]), &cheap());
    house.accounts.add("ann", &record).await.unwrap();
    let is_foreign = || house.accounts.have_foreign_hashes();
    assert_eq!(house.sign_in("ann", "wrong").await, "Wrong");
    assert_eq!(house.sign_in("ann", FOREIGN).await, "Wrong");
    assert!(is_foreign());
    let before = house.pool.verified_kib();
    assert!(house.sign_in("ann", typed).await.starts_with("1 "));
    assert_eq!(house.pool.verified_kib(), before, "it was not one of ours that was checked");
    assert!(!is_foreign(), "nothing is left of the old one");
    assert!(house.sign_in("ann", typed).await.starts_with("1 "));
    assert_eq!(house.pool.verified_kib() - before, KIB);
    assert_eq!(house.sign_in("ann", "wrong").await, "Wrong");
}

#[tokio::test(start_paused = true)]
async fn t_38_an_account_that_only_tokens_open_is_told_from_none_by_nothing() {
    let sso = Scripted::new("sso", &[("ann", "1")]).of_tokens_alone();
    let house = House::new(vec![open(&sso)]).await;
    let ann = house.bearer(None, "sso/ann").await;
    for (name, password) in [("ann", "1"), ("ann", "wrong"), ("nobody", "1")] {
        let asked = Instant::now();
        assert_eq!(house.sign_in(name, password).await, "Wrong", "{name} {password}");
        assert_eq!(asked.elapsed().as_millis() % 500, 0, "{name} {password}");
    }
    // What an admin gives it counts all the same.
    house.accounts.set_credential("ann", &record("given")).await.unwrap();
    assert_eq!(house.sign_in("ann", "given").await, ann);
}

#[tokio::test(start_paused = true)]
async fn whoever_came_by_a_token_first_has_their_password_asked_for_where_the_same_people_are() {
    let staff = Scripted::new("staff", &[("ann", "right"), ("bob", "his")]);
    let sso = Scripted::new("sso", &[("ann", "x")]).of_tokens_alone();
    let same = Manners { get_accounts: true, same_people_as: vec![DirectoryName::new("staff").unwrap()] };
    let house = House::new(vec![open(&staff), with(&sso, same)]).await;
    let ann = house.bearer(None, "sso/ann").await;
    assert_eq!(house.sign_in("ann", "wrong").await, "Wrong");
    assert_eq!(house.sign_in("ann", "right").await, ann);
    assert_eq!(house.bearer(None, "sso/ann").await, ann);
    assert_eq!(house.accounts.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn t_38_an_own_account_is_turned_away_after_the_same_time_as_those_of_directories() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    house.add("own", "ours").await;
    for name in ["own", "ann", "nobody"] {
        let (asked, before) = (Instant::now(), house.pool.verified_kib());
        assert_eq!(house.sign_in(name, "wrong").await, "Wrong");
        assert_eq!(asked.elapsed().as_millis() % 500, 0, "{name}: {:?}", asked.elapsed());
        assert_eq!(house.pool.verified_kib() - before, KIB, "{name} costs a hash, whoever judges");
    }
}

/// What a directory takes for its answers would tell whom it knows: one says sooner that there is nobody than that a
/// password is wrong, and another the other way round.
#[tokio::test(start_paused = true)]
async fn t_38_an_unknown_name_a_wrong_password_and_a_disabled_name_with_the_right_one_are_told_at_the_same_instant()
 {
    let staff = Scripted::new("staff", &["ann", "bob", "cid", "dee"].map(|name| (name, "right")));
    let house = House::new(vec![open(&staff)]).await;
    for name in ["ann", "bob", "cid"] {
        assert!(house.sign_in(name, "right").await.contains(name), "they have accounts");
    }
    house.add("own", "right").await;
    house.add("off", "right").await;
    // Bob is disabled here, and so is an account of our own; Cid and Dee are in the directory, and Dee has never been here.
    for name in ["bob", "off"] {
        let disabled = mailbox::account::directory::Standing::Disabled;
        house.accounts.set_standing(name, disabled).await.unwrap();
    }
    staff.people()[2..].iter_mut().for_each(|human| human.standing = Standing::Disabled);
    for (find, check) in [(0, 0), (70, 0), (3, 410)] {
        let ms = Duration::from_millis;
        staff.takes(Pace { find: ms(find), check: ms(check) });
        for (name, password) in [
            ("nobody", "right"),
            ("ann", "wrong"),
            ("bob", "right"),
            ("bob", "wrong"),
            ("cid", "right"),
            ("cid", "wrong"),
            ("dee", "right"),
            ("dee", "wrong"),
            ("own", "wrong"),
            ("off", "right"),
            ("off", "wrong"),
        ] {
            let told = house.turned_away(name, password).await;
            assert_eq!(told, ("Wrong".into(), ms(500)), "{name} {password}, {find} ms and {check} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn proofs_are_not_offered_while_somebody_has_nothing_that_they_are_checked_with() {
    let channel = sasl::Channel::default;
    let sso = Scripted::new("sso", &[]).of_tokens_alone();
    let house = House::new(vec![open(&sso)]).await;
    assert!(house.keeper.offer(channel()).choose("SCRAM-SHA-256").is_none());
    let house = House::new(vec![]).await;
    let hash = ForeignHash::new("{SHA256}NHgme1YSeRtAmIkGs6eJfrarUB4EuV7TL5nQr99mnZw=").unwrap();
    let record = CredentialRecord::foreign(hash, Salts([1; 32]), &cheap());
    house.accounts.add("ann", &record).await.unwrap();
    assert!(house.keeper.offer(channel()).choose("SCRAM-SHA-256").is_none());
    house.sign_in("ann", "p\u{e4}ssword").await;
    assert!(house.keeper.offer(channel()).choose("SCRAM-SHA-256").is_some());
}

#[tokio::test(start_paused = true)]
async fn an_app_password_made_beside_somebody_elses_hash_can_be_proven_on_when_that_is_gone() {
    let house = House::new(vec![]).await;
    let typed = "p\u{e4}ssword";
    let record = CredentialRecord::foreign(ForeignHash::new(FOREIGN).unwrap(), Salts([1; 32]), &cheap());
    house.accounts.add("ann", &record).await.unwrap();
    let shown = provable_app_password(&house, "ann").await;
    assert!(house.sign_in("ann", typed).await.starts_with("1 "));
    assert!(!house.accounts.have_foreign_hashes(), "nothing is left of the old one");
    for password in [shown.as_str(), typed] {
        assert!(house.prove("SCRAM-SHA-256", "ann", password).await.starts_with("1 "), "{password}");
    }
    assert_eq!(house.prove("SCRAM-SHA-256", "ann", "wrong").await, "Wrong");
}

/// `crypt.crypt("x" * 80, "$2b$04$CCCCCCCCCCCCCCCCCCCCC.")` in Python, over libxcrypt.
const BCRYPT_OF_80: &str = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.ug0A3dTXhy5U.dFjx/qguZ8I4CB77BC";

/// A slip of the finger behind the 72nd octet would be the password from then on, and the password itself a wrong one.
#[tokio::test(start_paused = true)]
async fn no_better_hash_is_made_of_a_password_of_which_bcrypt_knows_the_beginning_alone() {
    let house = House::new(vec![]).await;
    let hash = ForeignHash::new(BCRYPT_OF_80).unwrap();
    house.accounts.add("ann", &CredentialRecord::foreign(hash, Salts([1; 32]), &cheap())).await.unwrap();
    let password = "x".repeat(80);
    let mistyped = format!("{}y", &password[..79]);
    for typed in [mistyped.as_str(), &password[..72], &password] {
        assert!(house.sign_in("ann", typed).await.starts_with("1 "), "{typed} is what bcrypt takes");
        assert!(house.accounts.have_foreign_hashes(), "{typed} may not be the password");
    }
    assert_eq!(house.sign_in("ann", &password[..71]).await, "Wrong");
}

#[tokio::test(start_paused = true)]
async fn proofs_are_offered_where_all_accounts_have_what_they_are_checked_with() {
    let channel = sasl::Channel::default;
    let alone = House::new(vec![]).await;
    assert!(alone.keeper.offer(channel()).choose("SCRAM-SHA-256").is_some());
    let staff = Scripted::new("staff", &[]);
    let house = House::new(vec![open(&staff)]).await;
    assert!(house.keeper.offer(channel()).choose("SCRAM-SHA-256").is_none());
    assert!(house.keeper.offer(channel()).choose("PLAIN").is_some());
}

/// A client that sees SCRAM uses it, and fails for ever with what it cannot prove.
#[tokio::test(start_paused = true)]
async fn proofs_are_not_offered_as_long_as_there_is_an_app_password_that_nothing_can_prove() {
    let house = House::new(vec![]).await;
    house.add_by_pool("ann", "pencil").await;
    provable_app_password(&house, "ann").await;
    assert!(house.offers("SCRAM-SHA-256"));
    let staff = DirectoryName::new("staff").unwrap();
    let link = Link { directory: staff.clone(), subject: Subject::new("1").unwrap() };
    house.accounts.add_linked("bob", &link).await.unwrap();
    assert!(house.offers("SCRAM-SHA-256"), "who cannot sign in here has nothing to prove");
    let shown = app_password(&house, "bob", Scopes::MAIL).await;
    assert!(!house.offers("SCRAM-SHA-256"), "there was nothing to make it alike");
    // The directory has been taken out of the settings, and Bob gets a password here.
    house.accounts.unlink("bob", &staff).await.unwrap();
    let record =
        house.pool.new_record(Secret::password("pen").unwrap(), house.accounts.salts()).await.unwrap();
    house.accounts.set_credential("bob", &record).await.unwrap();
    assert!(!house.offers("SCRAM-SHA-256") && !house.offers("SCRAM-SHA-1"));
    assert!(house.sign_in("bob", &shown).await.starts_with("2 "));
    house.accounts.revoke_app_password("bob", &Scopes::MAIL.to_string()).await.unwrap();
    provable_app_password(&house, "bob").await;
    assert!(house.offers("SCRAM-SHA-256"));
}

#[tokio::test(start_paused = true)]
async fn scram_sha_1_is_off_and_what_is_kept_has_nothing_for_it() {
    let house = House::new(vec![]).await;
    house.add_by_pool("ann", "pencil").await;
    provable_app_password(&house, "ann").await;
    assert!(house.accounts.lack_sha1());
    assert!(!house.offers("SCRAM-SHA-1") && house.offers("SCRAM-SHA-256"));
    assert_eq!(house.accounts.own_record("ann").unwrap().unwrap().version(), 1);
}

#[tokio::test(start_paused = true)]
async fn scram_sha_1_is_offered_once_everything_that_lets_in_has_keys_for_it() {
    let house = House::with(vec![], ScramSha1::OldClients).await;
    assert!(house.offers("SCRAM-SHA-1"), "what is made from now on has keys");
    house.add("ann", "old").await;
    assert!(!house.offers("SCRAM-SHA-1"), "a record of before has none");
    house.change_password("ann", "pencil").await;
    assert!(house.offers("SCRAM-SHA-1"));
    let shown = app_password(&house, "ann", Scopes::MAIL).await;
    assert!(!house.offers("SCRAM-SHA-1"), "and so it is with app passwords");
    assert!(house.sign_in("ann", &shown).await.starts_with("1 "));
    let label = Scopes::MAIL.to_string();
    house.accounts.revoke_app_password("ann", &label).await.unwrap();
    let shown = provable_app_password(&house, "ann").await;
    for mechanism in ["SCRAM-SHA-1", "SCRAM-SHA-256"] {
        for password in [shown.as_str(), "pencil"] {
            assert!(house.prove(mechanism, "ann", password).await.starts_with("1 "), "{mechanism}");
        }
        for (name, password) in [("ann", "old"), ("nobody", "pencil")] {
            assert_eq!(house.prove(mechanism, name, password).await, "Wrong", "{mechanism}");
        }
    }
    house.add("bob", "old").await;
    assert!(!house.offers("SCRAM-SHA-1"));
    house.accounts.remove("bob").await.unwrap();
    assert!(house.offers("SCRAM-SHA-1"));
}

#[tokio::test(start_paused = true)]
async fn scram_sha_1_is_not_offered_beside_a_directory_that_checks_passwords_itself() {
    let staff = Scripted::new("staff", &[]);
    let house = House::with(vec![open(&staff)], ScramSha1::OldClients).await;
    house.add_by_pool("ann", "pencil").await;
    assert!(!house.accounts.lack_sha1() && !house.offers("SCRAM-SHA-1"));
}

#[tokio::test(start_paused = true)]
async fn whoever_came_with_somebody_elses_hash_has_keys_of_sha_1_once_they_have_signed_in() {
    let house = House::with(vec![], ScramSha1::OldClients).await;
    let record = CredentialRecord::foreign(ForeignHash::new(FOREIGN).unwrap(), Salts([1; 32]), &cheap());
    house.accounts.add("ann", &record).await.unwrap();
    assert!(!house.offers("SCRAM-SHA-1"));
    let typed = "p\u{e4}ssword";
    assert!(house.sign_in("ann", typed).await.starts_with("1 "));
    assert!(house.prove("SCRAM-SHA-1", "ann", typed).await.starts_with("1 "));
}

#[tokio::test(start_paused = true)]
async fn t_38_a_name_that_nobody_has_shows_to_scram_sha_1_what_it_shows_to_sha_256() {
    let house = House::with(vec![], ScramSha1::OldClients).await;
    house.add_by_pool("ann", "pencil").await;
    let of = |name: &str| ["SCRAM-SHA-1", "SCRAM-SHA-1", "SCRAM-SHA-256"].map(|by| house.shows(by, name));
    let (somebody, nobody) = (of("ann"), of("nobody"));
    for [first, again, by_sha_256] in [&somebody, &nobody] {
        assert!(first == again && first == by_sha_256, "{first} {again} {by_sha_256}");
    }
    assert_ne!(somebody[0], nobody[0]);
    let count = |shown: &str| shown.split_once(",i=").unwrap().1.to_owned();
    assert_eq!((count(&somebody[0]), somebody[0].len()), (count(&nobody[0]), nobody[0].len()));
}

#[tokio::test(start_paused = true)]
async fn where_the_own_password_is_refused_so_is_the_directorys_and_a_token_is_not() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    house.add("own", "ours").await;
    let (ann, own) = (house.sign_in("ann", "right").await, house.sign_in("own", "ours").await);
    for name in ["ann", "own"] {
        house.accounts.set_own_password(name, OwnPassword::Refused).await.unwrap();
    }
    assert_eq!(house.sign_in("ann", "right").await, "Wrong");
    let hashed = house.pool.verified_kib();
    assert_eq!(house.sign_in("own", "ours").await, "Wrong");
    assert_eq!(
        house.pool.verified_kib(),
        hashed + KIB,
        "not told by the time that it was right a moment ago"
    );
    assert_eq!(house.bearer(None, "staff/ann").await, ann);
    let shown = app_password(&house, "own", Scopes::MAIL).await;
    assert_eq!(house.sign_in("own", &shown).await, own);
}

#[tokio::test(start_paused = true)]
async fn by_however_many_names_somebody_is_found_guesses_count_at_one_account() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    staff.people()[0].aliases = (0..12).map(|n| format!("ann@{n}.example")).collect();
    let house = House::new(vec![open(&staff)]).await;
    let mut heard = Vec::new();
    for n in 0..12 {
        heard.push(house.sign_in(&format!("ann@{n}.example"), &format!("guess {n}")).await);
    }
    let looked_at = heard.iter().filter(|answer| *answer == "Wrong").count();
    assert_eq!((looked_at, staff.times_checked()), (5, 5), "{heard:?}");
    // What has an account here goes by the name that it has here.
    assert!(house.sign_in("ann", "right").await.starts_with("Limited"));
    assert_eq!(house.limits.clear_account("ann"), 2);
    let ann = house.sign_in("ann@3.example", "right").await;
    assert!(ann.starts_with("1 "), "{ann}");
    // From where she is known by now, as each of her names.
    for n in 0..3 {
        assert_eq!(house.sign_in(&format!("ann@{n}.example"), &format!("new guess {n}")).await, "Wrong");
    }
    assert_eq!(house.sign_in("ann", "right").await, ann);
}

#[tokio::test(start_paused = true)]
async fn t_37_a_login_with_a_password_that_is_changed_meanwhile_comes_too_late() {
    let house = House::new(Vec::new()).await;
    house.add("own", "ours").await;
    let secret = Secret::password("changed").unwrap();
    let changed = CredentialRecord::new(&secret, Salts([8; 32]), &cheap(), &mut Workspace::new());
    // Whatever is to be hashed waits in its queue until the password is another.
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let hold = house.pool.check(Lane::Strangers, move || {
        let _ = held.recv();
        Verdict::Wrong
    });
    let change = async {
        house.accounts.set_credential("own", &changed).await.unwrap();
        let_go.send(()).unwrap();
    };
    let (_, entered, ()) = tokio::join!(hold, house.sign_in("own", "ours"), change);
    assert_eq!(entered, "Wrong");
    assert_eq!(house.sign_in("own", "ours").await, "Wrong");
    let again = house.sign_in("own", "changed").await;
    assert!(again.starts_with("1 "), "{again}");
}

#[tokio::test(start_paused = true)]
async fn who_signs_in_many_times_at_once_is_let_in_each_time_though_the_first_renews_the_hash() {
    let house = House::new(Vec::new()).await;
    // python3: "{SHA256}" + base64.b64encode(hashlib.sha256(b"first").digest()).decode()
    let text = "{SHA256}p5N7ZLjKpY8Dchu2us9ceMsjX+vg5wsbhM2ZVBRhoI4=";
    let record = CredentialRecord::foreign(ForeignHash::new(text).unwrap(), Salts([1; 32]), &cheap());
    house.accounts.add("own", &record).await.unwrap();
    let sign_in = || house.sign_in("own", "first");
    let (first, second, third) = tokio::join!(sign_in(), sign_in(), sign_in());
    assert!(first.starts_with("1 ") && first == second && second == third, "{first} {second} {third}");
}

#[tokio::test(start_paused = true)]
async fn an_old_telephone_is_not_handed_on_each_time_to_a_directory_that_would_lock_its_owner_out() {
    let staff = Scripted::new("staff", &[("ann", "right"), ("bob", "right")]);
    staff.people()[0].version = Some("monday".into());
    let house = House::new(vec![open(&staff)]).await;
    for name in ["ann", "bob"] {
        for _ in 0..20 {
            assert_eq!(house.sign_in(name, "of before").await, "Wrong");
        }
    }
    assert_eq!(staff.times_checked(), 2);
    assert!(house.sign_in("ann", "right").await.starts_with("1 "), "that is another password");
    // Of Bob nothing says when his password becomes this one.
    staff.people()[1].password = "of before".into();
    tokio::time::advance(Duration::from_secs(5 * 60)).await;
    assert!(house.sign_in("bob", "of before").await.starts_with("2 "));
    // Of Ann it is said.
    staff.people()[0].password = "of before".into();
    assert_eq!(house.sign_in("ann", "of before").await, "Wrong");
    staff.people()[0].version = Some("tuesday".into());
    assert!(house.sign_in("ann", "of before").await.starts_with("1 "));
}

#[tokio::test(start_paused = true)]
async fn who_guesses_from_the_network_of_a_known_device_does_not_lock_out_the_password_that_was_right() {
    const HOME: &str = "198.51.100.1:1";
    const NEIGHBOUR: &str = "198.51.100.2:1";
    let staff = Scripted::new("staff", &[("ann", "right")]);
    staff.people()[0].version = Some("monday".into());
    let house = House::new(vec![open(&staff)]).await;
    house.add("own", "ours").await;
    for (name, right) in [("ann", "right"), ("own", "ours")] {
        let own = house.sign_in_from(HOME, name, right).await;
        for n in 0..12 {
            let _ = house.sign_in_from(NEIGHBOUR, name, &format!("guess {n}")).await;
        }
        let (hashed, checked) = (house.pool.verified_kib(), staff.times_checked());
        assert!(house.sign_in_from(NEIGHBOUR, name, "guess").await.starts_with("Limited"));
        assert_eq!(house.sign_in_from(HOME, name, right).await, own);
        assert_eq!((house.pool.verified_kib(), staff.times_checked()), (hashed, checked));
        // What was disabled is not let in by it.
        let disabled = mailbox::account::directory::Standing::Disabled;
        house.accounts.set_standing(name, disabled).await.unwrap();
        assert_ne!(house.sign_in_from(HOME, name, right).await, own);
        let _ = house.limits.clear();
    }
}

/// By a clock that goes: one that stands still leaps while hashes are made on threads of their own.
#[tokio::test]
async fn guesses_at_one_moment_are_looked_at_as_often_as_one_after_the_other() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = Arc::new(House::new(vec![open(&staff)]).await);
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..64 {
        let house = Arc::clone(&house);
        guesses.spawn(async move { house.sign_in("ann", &format!("guess {n}")).await });
    }
    let heard = guesses.join_all().await;
    assert_eq!(heard.iter().filter(|answer| *answer == "Wrong").count(), 5);
    assert!(heard.iter().all(|answer| answer == "Wrong" || answer.starts_with("Limited")), "{heard:?}");
    assert_eq!(staff.times_checked(), 5);
    // One who comes with a right password many times at once is let in each time.
    let _ = house.limits.clear();
    let mut sessions = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let house = Arc::clone(&house);
        sessions.spawn(async move { house.sign_in("ann", "right").await });
    }
    let heard = sessions.join_all().await;
    assert!(heard.iter().all(|answer| answer.starts_with("1 ")), "{heard:?}");
}

/// An old telephone goes on sending a token that is over.
#[tokio::test(start_paused = true)]
async fn the_same_dead_token_sent_again_counts_once_and_others_count_each() {
    const OFFICE: &str = "198.51.100.1:1";
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    for user in [None, Some("ann")] {
        for n in 0..30 {
            assert_eq!(house.bearer_from(OFFICE, user, "staff/nobody").await, "Wrong", "{n}");
        }
    }
    assert!(house.sign_in_from(OFFICE, "ann", "right").await.starts_with("1 "));
    let mut heard = String::new();
    for n in 0..30 {
        heard = house.bearer_from(OFFICE, None, &format!("guess/{n}")).await;
    }
    assert!(heard.starts_with("Limited"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn no_name_that_can_be_typed_is_what_tokens_without_a_name_are_counted_by() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    for name in ["nobody at 192.0.2.1", "192.0.2.1", "nobody"] {
        for n in 0..12 {
            let _ = house.sign_in(name, &format!("guess {n}")).await;
        }
        assert!(house.sign_in(name, "guess").await.starts_with("Limited"), "{name}");
    }
    assert!(house.bearer(None, "staff/ann").await.starts_with("1 "));
}

#[tokio::test(start_paused = true)]
async fn mail_comes_before_the_person_does_where_a_directory_knows_the_name() {
    let staff = Scripted::new("staff", &[("ann@example.org", "right")]);
    let house = House::new(Vec::new()).await;
    let refusing = Manners { get_accounts: false, same_people_as: Vec::new() };
    let expect = async |elsewhere: &Elsewhere, name: &str| {
        elsewhere.expect(&house.accounts, &Login::new(name).unwrap()).await
    };
    let closed = Elsewhere::new(vec![with(&staff, refusing)]);
    assert_eq!(expect(&closed, "ann@example.org").await, Expected::Nobody, "she gets no account");
    assert_eq!(expect(&Elsewhere::default(), "ann@example.org").await, Expected::Nobody);
    let elsewhere = Elsewhere::new(vec![open(&staff)]);
    assert_eq!(expect(&elsewhere, "nobody@example.org").await, Expected::Nobody);
    assert!(house.accounts.list().is_empty());
    staff.becomes(State::Down);
    assert_eq!(expect(&elsewhere, "ann@example.org").await, Expected::Unknowable);
    staff.becomes(State::Up);
    for _ in 0..2 {
        assert_eq!(expect(&elsewhere, "ann@example.org").await, Expected::Known(AccountId(1)));
    }
    assert_eq!(house.accounts.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_somebodys_still_is_not_changed_by_another_that_is_theirs_too() {
    // As a query that finds somebody by their name and by their address, and says nothing of what they are called.
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    let ann = house.sign_in("ann", "right").await;
    staff.people()[0].aliases = vec!["ann".into()];
    staff.people()[0].login = "ann.b".into();
    assert_eq!(house.sign_in("ann.b", "right").await, ann);
    let elsewhere = Elsewhere::new(vec![open(&staff)]);
    elsewhere.expect(&house.accounts, &Login::new("ann.b").unwrap()).await;
    assert_eq!(house.accounts.login(AccountId(1)).unwrap().as_str(), "ann");
    // Once the former is hers no more, she is called otherwise.
    staff.people()[0].aliases.clear();
    assert_eq!(house.sign_in("ann.b", "right").await, "1 Account(\"ann.b\")");
}

#[tokio::test(start_paused = true)]
async fn t_37_a_login_by_the_word_of_a_directory_that_is_unlinked_meanwhile_comes_too_late() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    house.sign_in("ann", "right").await;
    let staff = DirectoryName::new("staff").unwrap();
    let (account, link) = (AccountId(1), house.accounts.links("ann").remove(0));
    let by = JudgedBy::Link(link.clone());
    for with in [Credential::Password, Credential::Token] {
        assert!(house.accounts.still_takes(account, with, &by));
    }
    house.accounts.unlink("ann", &staff).await.unwrap();
    for with in [Credential::Password, Credential::Token] {
        assert!(!house.accounts.still_takes(account, with, &by));
    }
    let another = Link { subject: Subject::new("another").unwrap(), ..link };
    house.accounts.link("ann", &another).await.unwrap();
    assert!(!house.accounts.still_takes(account, Credential::Password, &by), "it is another's mail");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_here_is_told_by_nothing_that_the_directory_takes_their_password() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    let house = House::new(vec![open(&staff)]).await;
    house.sign_in_from("198.51.100.1:1", "ann", "right").await;
    house.accounts.set_own_password("ann", OwnPassword::Refused).await.unwrap();
    // Her telephone goes on trying, and somebody guesses from the network that is known.
    let mut guesses = 0..;
    while !house
        .sign_in_from("198.51.100.1:1", "ann", &format!("{:?}", guesses.next()))
        .await
        .starts_with("Limited")
    {
        house.sign_in_from("198.51.100.1:1", "ann", "right").await;
    }
    assert!(house.sign_in_from("198.51.100.1:1", "ann", "right").await.starts_with("Limited"));
}

#[tokio::test(start_paused = true)]
async fn t_38_another_name_of_somebody_waits_as_one_that_nobody_has() {
    let staff = Scripted::new("staff", &[("ann", "right")]);
    staff.people()[0].aliases = vec!["ann@alias.example".into()];
    let house = House::new(vec![open(&staff)]).await.delaying(Duration::from_secs(3));
    let six = async |from: &str, name: &str| {
        let mut told = Vec::new();
        for n in 0..6 {
            let asked = Instant::now();
            let heard = house.sign_in_from(from, name, &format!("guess {n} {from}")).await;
            // In how many seconds they may try again goes by when they began.
            let heard = heard.split_once('(').map_or(heard.as_str(), |(heard, _)| heard).to_owned();
            told.push((heard, asked.elapsed()));
        }
        told
    };
    let somebody = six("198.51.100.1:1", "ann@alias.example").await;
    let nobody = six("203.0.113.1:1", "nobody@alias.example").await;
    let own = six("192.0.9.1:1", "ann").await;
    assert_eq!(somebody, nobody);
    assert_eq!(somebody.last().unwrap().0, "Limited");
    assert_eq!(own.last(), nobody.last(), "{own:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_partner_gives_to_somebody_else_is_freed_for_them() {
    let (staff, sso) = (Scripted::new("staff", &[]), Scripted::new("sso", &[("ann", "")]).of_tokens_alone());
    let same = Manners { get_accounts: true, same_people_as: vec![DirectoryName::new("staff").unwrap()] };
    let house = House::new(vec![open(&staff), with(&sso, same)]).await;
    let ann = house.bearer(None, "sso/ann").await;
    // She is called otherwise in both, and somebody else comes who is called as she was.
    sso.people()[0].login = "ann.b".into();
    staff.people().extend([Human::new("staff", "ann.b", "old"), Human::new("staff", "ann", "new")]);
    assert_eq!(house.bearer(None, "sso/ann.b").await, "1 Account(\"ann.b\")");
    let other = house.sign_in("ann", "new").await;
    assert!(other.starts_with("2 ") && other != ann, "{other}");
    assert_eq!(house.sign_in("ann.b", "old").await, "1 Account(\"ann.b\")");
}
