//! Several directories, one behind the other.

use directory::conformance::{self, Person, Population};
use directory::scripted::{Scripted, State};
use directory::{
    ASKED_AGAIN_AFTER, Ability, Answer, Asked, CHECK_PATIENCE, Chain, Checks, Directory, DirectoryName,
    Domains, FAILURES_BEFORE_REST, Found, MAX_WAITING_FOR_A_TURN, Member, Password, Question, TURN_PATIENCE,
    Token, Trouble,
};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use terms::Login;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

fn login(name: &str) -> Login {
    Login::new(name).expect("a login")
}

fn of(domains: &[&str]) -> Domains {
    Domains::These(domains.iter().map(|domain| (*domain).into()).collect())
}

async fn whose(chain: &Chain, name: &str) -> String {
    match chain.find(&login(name)).await {
        Answer::Yes(hit) => hit.found.subject.to_string(),
        answer => format!("{:?}", answer.map(|_| ())),
    }
}

#[tokio::test]
async fn the_suite_holds_for_a_directory_that_does_what_it_should() {
    let directory = Scripted::new("staff", &[("ann@example.org", "right"), ("bob@example.org", "pässword")]);
    let people = Population {
        ann: Person { login: "ann@example.org", password: "right" },
        bob: Person { login: "bob@example.org", password: "pässword" },
        disabled: None,
    };
    conformance::check(&*directory, people, |_, _| false).await;
}

#[tokio::test]
async fn the_first_in_order_that_knows_a_name_is_the_one() {
    let first = Scripted::new("first", &[("ann", "1"), ("bob", "1")]);
    let second = Scripted::new("second", &[("ann", "2"), ("cid", "2")]);
    let chain = Chain::new(vec![Member::new(first, Domains::All), Member::new(second, Domains::All)]);
    assert_eq!(whose(&chain, "ann").await, "first-ann");
    assert_eq!(whose(&chain, "cid").await, "second-cid");
    assert_eq!(whose(&chain, "dee").await, "NoSuch");
}

#[tokio::test]
async fn a_directory_is_asked_for_names_of_its_domains_alone() {
    let people = [("ann@one.example", "1"), ("ann@two.example", "1"), ("ann", "1")];
    let (one, two) = (Scripted::new("one", &people), Scripted::new("two", &people));
    let members = vec![
        Member::new(Arc::clone(&one) as _, of(&["one.example"])),
        Member::new(Arc::clone(&two) as _, of(&["two.example", ""])),
    ];
    let chain = Chain::new(members);
    assert_eq!(whose(&chain, "ann@one.example").await, "one-ann@one.example");
    assert_eq!(whose(&chain, "ann@two.example").await, "two-ann@two.example");
    assert_eq!(whose(&chain, "ann").await, "two-ann");
    assert_eq!(whose(&chain, "ann@three.example").await, "NoSuch");
    assert_eq!((one.times_asked(), two.times_asked()), (1, 2));
    assert!(!chain.serves(&login("ann@three.example")));
}

/// A query that is written badly answers with whomever it likes.
#[tokio::test]
async fn t_32_two_directories_of_one_kind_stay_apart() {
    struct Astray(Arc<Scripted>);
    impl Directory for Astray {
        fn name(&self) -> &DirectoryName {
            self.0.name()
        }
        fn can(&self, ability: Ability) -> bool {
            self.0.can(ability)
        }
        fn find<'a>(&'a self, _: &'a Login) -> Asked<'a, Found> {
            Box::pin(async { self.0.find(&login("head@other.example")).await })
        }
        fn check<'a>(&'a self, found: &'a Found, password: Password<'a>) -> Asked<'a, ()> {
            self.0.check(found, password)
        }
        fn bearer<'a>(&'a self, token: Token<'a>) -> Asked<'a, Found> {
            self.0.bearer(token)
        }
    }
    let pupils = Scripted::new("pupils", &[("head@other.example", "easy")]);
    let chain = Chain::new(vec![Member::new(Arc::new(Astray(pupils)), of(&["example.org"]))]);
    assert_eq!(whose(&chain, "ann@example.org").await, "NoSuch");
    let token = chain.bearer(Token::new("pupils/head@other.example"), None, |_, _| ()).await;
    assert!(matches!(token, Answer::NoSuch), "{token:?}");

    // An account that is linked to one of two is never asked for at the other.
    let staff = Scripted::new("staff", &[("ann", "hers")]);
    let guests = Scripted::new("guests", &[("ann", "another's")]);
    let chain = Chain::new(vec![
        Member::new(Arc::clone(&guests) as _, Domains::All),
        Member::new(Arc::clone(&staff) as _, Domains::All),
    ]);
    let own = chain.named(staff.name()).unwrap();
    let Answer::Yes(found) = own.find(&login("ann")).await else { panic!("ann is staff") };
    assert_eq!(own.check(&found, Password::new("another's")).await, Answer::Wrong);
    assert_eq!(own.check(&found, Password::new("hers")).await, Answer::Yes(()));
    assert_eq!(guests.times_asked(), 0);
    assert!(chain.named(&DirectoryName::new("gone").unwrap()).is_none());
}

#[tokio::test]
async fn one_that_is_down_lets_nobody_take_its_names_from_a_later_one() {
    let first = Scripted::new("first", &[("ann", "1")]);
    let second = Scripted::new("second", &[("ann", "2"), ("bob", "2")]);
    let chain = Chain::new(vec![
        Member::new(Arc::clone(&first) as _, Domains::All),
        Member::new(Arc::clone(&second) as _, Domains::All),
    ]);
    first.becomes(State::Down);
    assert_eq!(whose(&chain, "ann").await, r#"Unavailable("connection refused")"#);
    // Whose this is cannot be known now either.
    assert_eq!(whose(&chain, "bob").await, r#"Unavailable("connection refused")"#);
    assert_eq!(second.times_asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_answer_is_left_alone_for_a_while_and_asked_again() {
    let silent = Scripted::new("silent", &[("ann", "1")]);
    let chain = Chain::new(vec![Member::new(Arc::clone(&silent) as _, Domains::All)]);
    silent.becomes(State::Silent);
    for _ in 0..100 {
        assert_eq!(whose(&chain, "ann").await, r#"Unavailable("no answer within 2 s")"#);
    }
    // The last of them took 2 s, so that it may be asked again in 3.
    assert_eq!(silent.times_asked(), FAILURES_BEFORE_REST);
    assert!(chain.members().all(|member| member.trouble().is_some()));
    tokio::time::advance(ASKED_AGAIN_AFTER).await;
    silent.becomes(State::Up);
    assert_eq!(whose(&chain, "ann").await, "silent-ann");
    assert_eq!(whose(&chain, "ann").await, "silent-ann");
    assert!(chain.members().all(|member| member.trouble().is_none()));
}

/// Part of what it is asked it knows itself, and for the rest it has pauses of its own.
#[tokio::test]
async fn one_that_spares_itself_is_asked_though_it_has_failed() {
    struct Sparing(Arc<Scripted>);
    impl Directory for Sparing {
        fn name(&self) -> &DirectoryName {
            self.0.name()
        }
        fn can(&self, ability: Ability) -> bool {
            self.0.can(ability)
        }
        fn spares_itself(&self) -> bool {
            true
        }
        fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found> {
            self.0.find(login)
        }
        fn check<'a>(&'a self, found: &'a Found, password: Password<'a>) -> Asked<'a, ()> {
            self.0.check(found, password)
        }
        fn bearer<'a>(&'a self, token: Token<'a>) -> Asked<'a, Found> {
            self.0.bearer(token)
        }
    }
    let staff = Scripted::new("staff", &[("ann", "1")]);
    let member = Member::new(Arc::new(Sparing(Arc::clone(&staff))), Domains::All);
    staff.becomes(State::Down);
    for _ in 0..=FAILURES_BEFORE_REST {
        assert!(matches!(member.find(&login("ann")).await, Answer::Unavailable(_)));
    }
    assert!(member.trouble().is_some(), "it is told all the same");
    staff.becomes(State::Up);
    assert!(matches!(member.find(&login("ann")).await, Answer::Yes(_)));
}

#[tokio::test(start_paused = true)]
async fn many_who_come_at_once_while_one_rests_are_one_question() {
    let silent = Scripted::new("silent", &[]);
    let chain = Chain::new(vec![Member::new(Arc::clone(&silent) as _, Domains::All)]);
    silent.becomes(State::Down);
    for _ in 0..FAILURES_BEFORE_REST {
        whose(&chain, "ann").await;
    }
    for _ in 0..10 {
        tokio::time::advance(ASKED_AGAIN_AFTER).await;
        for _ in 0..1_000 {
            whose(&chain, "ann").await;
        }
    }
    assert_eq!(silent.times_asked(), FAILURES_BEFORE_REST + 10);
}

/// As with a token by a key that is looked for only so often.
#[tokio::test]
async fn what_is_the_matter_with_one_question_alone_is_no_failure_and_no_sign_of_life() {
    struct Perhaps(Arc<Scripted>);
    impl Directory for Perhaps {
        fn name(&self) -> &DirectoryName {
            self.0.name()
        }
        fn can(&self, ability: Ability) -> bool {
            self.0.can(ability)
        }
        fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found> {
            self.0.find(login)
        }
        fn check<'a>(&'a self, found: &'a Found, password: Password<'a>) -> Asked<'a, ()> {
            self.0.check(found, password)
        }
        fn bearer<'a>(&'a self, token: Token<'a>) -> Asked<'a, Found> {
            if token.expose() == "new" {
                return Box::pin(ready(Answer::Unavailable(Trouble::passing("not known yet"))));
            }
            self.0.bearer(token)
        }
    }
    let staff = Scripted::new("staff", &[("ann", "1")]);
    let member = Member::new(Arc::new(Perhaps(Arc::clone(&staff))), Domains::All);
    for _ in 0..=FAILURES_BEFORE_REST {
        assert!(matches!(member.bearer(Token::new("new")).await, Answer::Unavailable(_)));
    }
    assert_eq!(member.trouble(), None);
    staff.becomes(State::Down);
    for _ in 0..FAILURES_BEFORE_REST {
        assert!(matches!(member.bearer(Token::new("new")).await, Answer::Unavailable(_)));
        assert!(matches!(member.bearer(Token::new("staff/ann")).await, Answer::Unavailable(_)));
    }
    assert!(member.trouble().is_some());
}

#[tokio::test]
async fn a_wrong_password_says_that_a_directory_is_well() {
    let staff = Scripted::new("staff", &[("ann", "1")]);
    let member = Member::new(Arc::clone(&staff) as _, Domains::All);
    let Answer::Yes(found) = member.find(&login("ann")).await else { panic!("ann is known") };
    for _ in 0..10 {
        staff.becomes(State::Down);
        for _ in 1..FAILURES_BEFORE_REST {
            assert!(matches!(member.check(&found, Password::new("x")).await, Answer::Unavailable(_)));
        }
        staff.becomes(State::Up);
        assert_eq!(member.check(&found, Password::new("x")).await, Answer::Wrong);
    }
}

#[tokio::test]
async fn an_empty_password_is_wrong_and_nobody_is_asked() {
    let staff = Scripted::new("staff", &[("ann", "")]);
    let member = Member::new(Arc::clone(&staff) as _, Domains::All);
    let Answer::Yes(found) = member.find(&login("ann")).await else { panic!("ann is known") };
    let asked = staff.times_asked();
    assert_eq!(member.check(&found, Password::new("")).await, Answer::Wrong);
    assert_eq!(staff.times_asked(), asked);
}

#[tokio::test]
async fn a_token_is_judged_by_who_made_it_even_while_another_is_down() {
    let first = Scripted::new("first", &[("ann", "1")]);
    let second = Scripted::new("second", &[("ann", "2")]);
    let chain = Chain::new(vec![
        Member::new(Arc::clone(&first) as _, Domains::All),
        Member::new(Arc::clone(&second) as _, of(&["example.org", ""])),
    ]);
    let subject = async |token, claimed: Option<&Login>| match chain
        .bearer(Token::new(token), claimed, |_, _| ())
        .await
    {
        Answer::Yes(hit) => hit.found.subject.to_string(),
        answer => format!("{:?}", answer.map(|_| ())),
    };
    assert_eq!(subject("third/ann", None).await, "NoSuch");
    first.becomes(State::Down);
    assert_eq!(subject("second/ann", None).await, "second-ann");
    assert_eq!(
        subject("second/ann", Some(&login("ann@elsewhere.example"))).await,
        r#"Unavailable("connection refused")"#
    );
    assert_eq!(subject("second/nobody", None).await, "Wrong");
    assert_eq!(subject("third/ann", None).await, r#"Unavailable("connection refused")"#);
}

/// It checks a few passwords at a time, and takes its time for each.
struct Slow {
    known: Arc<Scripted>,
    at_once: Semaphore,
    each: Duration,
}

impl Slow {
    const AT_ONCE: usize = 4;

    /// With somebody whom it has found.
    async fn that_knows_ann(each: Duration) -> (Arc<Scripted>, Arc<Member>, Found) {
        let known = Scripted::new("staff", &[("ann", "hers")]);
        let slow = Self { known: Arc::clone(&known), at_once: Semaphore::new(Self::AT_ONCE), each };
        let member = Arc::new(Member::new(Arc::new(slow), Domains::All));
        let Answer::Yes(found) = member.find(&login("ann")).await else { panic!("ann is known") };
        (known, member, found)
    }
}

impl Directory for Slow {
    fn name(&self) -> &DirectoryName {
        self.known.name()
    }
    fn can(&self, ability: Ability) -> bool {
        self.known.can(ability)
    }
    fn turns(&self, _: Question) -> usize {
        Self::AT_ONCE
    }
    fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found> {
        self.known.find(login)
    }
    fn check<'a>(&'a self, found: &'a Found, password: Password<'a>) -> Asked<'a, ()> {
        Box::pin(async move {
            let _turn = self.at_once.acquire().await.expect("it is never closed");
            sleep(self.each).await;
            self.known.check(found, password).await
        })
    }
    fn bearer<'a>(&'a self, token: Token<'a>) -> Asked<'a, Found> {
        self.known.bearer(token)
    }
}

/// What becomes of so many who bring Ann's password at once.
async fn all_at_once(many: usize, member: &Arc<Member>, found: &Found) -> Vec<Answer<()>> {
    let mut asking = JoinSet::new();
    for _ in 0..many {
        let (member, found) = (Arc::clone(member), found.clone());
        asking.spawn(async move { member.check(&found, Password::new("hers")).await });
    }
    asking.join_all().await
}

#[tokio::test(start_paused = true)]
async fn to_wait_for_others_is_not_the_silence_of_a_directory() {
    let (known, member, found) = Slow::that_knows_ann(Duration::from_millis(100)).await;
    // The last of them waits for 4.9 s.
    let answers = all_at_once(200, &member, &found).await;
    assert!(answers.iter().all(|answer| *answer == Answer::Yes(())), "{answers:?}");
    assert_eq!((known.times_checked(), member.trouble()), (200, None));
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_for_a_turn_is_told_so_and_it_is_no_failure() {
    let each = Duration::from_secs(1);
    let (known, member, found) = Slow::that_knows_ann(each).await;
    let through = Slow::AT_ONCE * usize::try_from(TURN_PATIENCE.as_secs()).unwrap();
    let answers = all_at_once(through * 2, &member, &found).await;
    let are_through = answers.iter().filter(|answer| **answer == Answer::Yes(())).count();
    assert!((through..=through + Slow::AT_ONCE).contains(&are_through), "{are_through}");
    let busy = |answer: &&Answer<()>| format!("{answer:?}").contains("busy: no turn");
    assert_eq!(answers.iter().filter(busy).count(), answers.len() - are_through);
    assert_eq!((known.times_checked() as usize, member.trouble()), (are_through, None));
    assert_eq!(member.check(&found, Password::new("hers")).await, Answer::Yes(()));
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_for_a_turn_than_the_bound() {
    let (_, member, found) = Slow::that_knows_ann(Duration::from_millis(1)).await;
    let most = Slow::AT_ONCE + MAX_WAITING_FOR_A_TURN;
    let answers = all_at_once(most + 7, &member, &found).await;
    let busy = |answer: &&Answer<()>| format!("{answer:?}").contains("busy: too many");
    assert_eq!(answers.iter().filter(busy).count(), 7);
    assert!(member.trouble().is_none());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_turn_with_one_that_falls_silent_is_told_so_when_it_is_known() {
    let (known, member, found) = Slow::that_knows_ann(Duration::ZERO).await;
    known.becomes(State::Silent);
    let began = Instant::now();
    let answers = all_at_once(100, &member, &found).await;
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Unavailable(_))), "{answers:?}");
    assert_eq!(known.times_checked() as usize, Slow::AT_ONCE);
    assert_eq!(began.elapsed(), CHECK_PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn of_one_that_finds_names_and_answers_no_password_that_is_known_whatever_it_finds() {
    let known = Scripted::new("staff", &[("ann", "right")]);
    let member = Member::new(Arc::clone(&known) as _, Domains::All);
    let (ann, nobody) = (login("ann"), login("nobody"));
    assert_eq!(member.find(&nobody).await, Answer::NoSuch);
    let Answer::Yes(found) = member.find(&ann).await else { panic!("she is known") };
    known.checks_become(State::Silent);
    for failures in 1..=3 {
        let asked = Instant::now();
        assert!(matches!(member.check(&found, Password::new("right")).await, Answer::Unavailable(_)));
        assert_eq!(asked.elapsed(), CHECK_PATIENCE);
        assert_eq!(member.find(&nobody).await, Answer::NoSuch);
        assert!(matches!(member.find(&ann).await, Answer::Yes(_)));
        let will_do = if failures == 3 { Checks::LeftAlone } else { Checks::Asked };
        assert_eq!(member.checks_ail(), Some(will_do));
        assert_eq!(member.trouble().is_some(), failures == 3, "that it finds names makes it no better");
    }
    // It is left alone with passwords, and asked again after a while.
    let checked = known.times_checked();
    assert!(matches!(member.check(&found, Password::new("right")).await, Answer::Unavailable(_)));
    assert_eq!(known.times_checked(), checked);
    known.checks_become(State::Up);
    tokio::time::advance(ASKED_AGAIN_AFTER).await;
    assert_eq!(member.check(&found, Password::new("right")).await, Answer::Yes(()));
    assert_eq!((member.checks_ail(), member.trouble()), (None, None));
    // Where nobody asks, it is not held to be in trouble for ever.
    known.checks_become(State::Down);
    assert!(matches!(member.check(&found, Password::new("right")).await, Answer::Unavailable(_)));
    tokio::time::advance(Duration::from_secs(10 * 60)).await;
    assert_eq!((member.checks_ail(), member.ailment()), (None, None));
}

#[tokio::test]
async fn of_several_names_those_of_its_domains_count() {
    let known = Scripted::new("staff", &[("ann", "right")]);
    known.people().first_mut().unwrap().also =
        vec!["ann@example.com".into(), "ann@example.org".into(), "zoe@example.org".into()];
    let ours = Domains::These(["example.org".into()].into());
    let member = Member::new(known as _, ours);
    let Answer::Yes(found) = member.find(&login("ann@example.org")).await else { panic!("she is known") };
    assert_eq!((found.login, &*found.also), (login("ann@example.org"), &[login("zoe@example.org")][..]));
}
