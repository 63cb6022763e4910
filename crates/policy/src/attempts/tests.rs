use super::*;
use std::cell::RefCell;
use std::convert::Infallible;

/// A fake clock, somebody who tries, and what was counted.
struct World {
    attempts: Attempts,
    now: Moment,
}

const KEYS: Keys = Keys { names: [1; 32], passwords: [2; 32] };

impl World {
    fn new() -> Self {
        Self { attempts: Attempts::new(KEYS, Vec::new()), now: Moment::from_millis(5) }
    }

    fn attempt<'a>(from: &str, account: &'a str) -> Attempt<'a> {
        Attempt { from: from.parse().unwrap(), client: Some("Thunderbird"), account }
    }

    fn ask(&self, from: &str, account: &str) -> Verdict {
        self.attempts.ask(&Self::attempt(from, account), self.now)
    }

    fn refuses(&self, from: &str, account: &str) -> Option<Scope> {
        match self.ask(from, account) {
            Verdict::Refuse { scope, .. } => Some(scope),
            _ => None,
        }
    }

    fn fail(&mut self, from: &str, account: &str, typed: &str) -> Failure {
        let attempt = Self::attempt(from, account);
        let typed = self.attempts.fingerprint(&attempt, typed.as_bytes());
        self.attempts.failed(&attempt, Some(typed), self.now)
    }

    /// So many wrong passwords, none of them twice, whatever the verdict is.
    fn guess(&mut self, from: &str, account: &str, times: u32) {
        for n in 0..times {
            let _ = self.fail(from, account, &format!("{from} {} {n}", self.now.as_millis()));
        }
    }

    fn succeed(&mut self, from: &str, account: &str) {
        self.attempts.succeeded(&Self::attempt(from, account), Vec::new(), self.now);
    }

    fn knows(&self, from: &str, account: &str) -> bool {
        self.attempts.knows(&Self::attempt(from, account), self.now)
    }

    fn wait(&mut self, wait: Duration) {
        self.now = self.now.plus(wait);
    }
}

impl Attempts {
    /// All of it in one.
    fn state(&self, now: Moment, second: u64) -> Vec<u8> {
        let mut state = Vec::new();
        let written = Self::write_state(
            || self,
            now,
            second,
            |piece| {
                state.extend_from_slice(piece);
                Ok::<_, Infallible>(())
            },
        );
        let Ok(()) = written;
        state
    }
}

const HOME: &str = "192.0.2.7";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Another network for each number.
fn elsewhere(n: u32) -> String {
    std::net::Ipv4Addr::from(0x1400_0000 + (n << 16)).to_string()
}

#[test]
fn who_fails_waits_twice_as_long_each_time_and_is_refused_in_the_end_until_a_time_that_is_told() {
    let mut world = World::new();
    let mut seen = Vec::new();
    for n in 0..12_u64 {
        let verdict = world.ask(HOME, "ann");
        seen.push(match verdict {
            Verdict::Go => 0,
            Verdict::Wait(wait) => wait.as_millis(),
            Verdict::Recall { .. } | Verdict::Refuse { .. } => u128::MAX,
        });
        let _ = world.fail(HOME, "ann", &format!("guess {n}"));
        if seen.last() == Some(&u128::MAX) {
            break;
        }
    }
    assert_eq!(seen, [0, 0, 0, 250, 500, u128::MAX]);
    let Verdict::Refuse { until, scope: Scope::Account } = world.ask(HOME, "ann") else { panic!() };
    world.now = until;
    assert!(matches!(world.ask(HOME, "ann"), Verdict::Wait(_)));
}

#[test]
fn the_answer_to_a_wrong_password_waits_from_the_first_on_and_three_seconds_at_most() {
    let mut world = World::new();
    let delays = (0..6).map(|n| world.fail(HOME, "ann", &n.to_string()).delay.as_millis());
    assert_eq!(delays.collect::<Vec<_>>(), [250, 500, 1_000, 2_000, 3_000, 3_000]);
}

#[test]
fn an_address_that_tries_many_accounts_is_refused_and_its_neighbours_are_not() {
    let mut world = World::new();
    for n in 0..8 {
        assert_eq!(world.refuses(HOME, &n.to_string()), None);
        world.guess(HOME, &n.to_string(), 1);
    }
    assert_eq!(world.refuses(HOME, "bob"), Some(Scope::Address));
    assert_eq!(world.refuses("192.0.2.8", "bob"), None);
    world.wait(Duration::from_secs(20 * 60));
    assert_eq!(world.refuses(HOME, "bob"), None);
}

#[test]
fn a_network_of_many_addresses_and_a_wider_one_are_bounded_too() {
    let mut world = World::new();
    for n in 0..64 {
        world.guess(&format!("2001:db8:1:{n}::1"), &n.to_string(), 1);
    }
    assert_eq!(world.refuses("2001:db8:1:ff::1", "bob"), Some(Scope::Network));
    assert_eq!(world.refuses("2001:db8:2::1", "bob"), None);
    for n in 0..1_024 {
        world.guess(&format!("2001:db8:{n:x}::1"), &format!("w{n}"), 1);
    }
    assert_eq!(world.refuses("2001:db8:ffff::1", "bob"), Some(Scope::Wider));
    assert_eq!(world.refuses("2001:db9::1", "bob"), None);
}

#[test]
fn an_account_is_closed_to_strangers_of_ill_repute_first_and_to_clean_ones_later() {
    let mut world = World::new();
    world.guess(HOME, "other", 3);
    for n in 0..5 {
        world.guess(&elsewhere(n), "ann", 1);
    }
    assert_eq!(world.refuses(HOME, "ann"), Some(Scope::Account));
    assert_eq!(world.refuses(&elsewhere(99), "ann"), None);
    for n in 5..30 {
        world.guess(&elsewhere(n), "ann", 1);
    }
    assert_eq!(world.refuses(&elsewhere(99), "ann"), Some(Scope::Account));
    // What an address did counts for a day, also where it has leaked.
    world.wait(Duration::from_secs(7 * 60 * 60));
    assert_eq!(world.refuses(&elsewhere(99), "ann"), None);
    world.guess(&elsewhere(100), "ann", 5);
    assert_eq!(world.refuses(HOME, "ann"), Some(Scope::Account));
}

#[test]
fn a_known_device_is_not_kept_out_by_what_strangers_do() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    for n in 0..40 {
        world.guess(&elsewhere(n), "ann", 1);
        world.guess(HOME, &format!("victim {n}"), 1);
    }
    assert_eq!(world.ask(HOME, "ann"), Verdict::Go);
    assert!(matches!(world.ask(HOME, "bob"), Verdict::Refuse { .. }));
    assert!(matches!(world.ask(&elsewhere(99), "ann"), Verdict::Refuse { scope: Scope::Account, .. }));
    // Another client, from there: a stranger.
    let other = Attempt { client: Some("hydra"), ..World::attempt(HOME, "ann") };
    assert!(matches!(world.attempts.ask(&other, world.now), Verdict::Refuse { .. }));
}

#[test]
fn who_guesses_from_where_the_account_is_known_goes_by_more_than_that_from_the_third_on() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    for n in 0..40 {
        world.guess(HOME, &format!("victim {n}"), 1);
    }
    world.guess(HOME, "ann", 3);
    assert_eq!(world.refuses(HOME, "ann"), Some(Scope::Address));
}

#[test]
fn one_account_is_guessed_at_about_a_hundred_times_a_day_however_many_try() {
    let mut world = World::new();
    let mut looked_at = 0;
    for n in 0..24 * 60 * 60 {
        let from = elsewhere(n % 200);
        if world.refuses(&from, "ann").is_none() {
            world.guess(&from, "ann", 1);
            looked_at += 1;
        }
        world.wait(Duration::from_secs(1));
    }
    assert_eq!(looked_at, 125);
}

#[test]
fn the_same_wrong_password_counts_once_a_day_wherever_it_comes_from() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    // An old telephone, every five minutes.
    for _ in 0..250 {
        assert_eq!(world.ask(HOME, "ann"), Verdict::Go);
        let _ = world.fail(HOME, "ann", "of before");
        world.wait(Duration::from_secs(5 * 60));
    }
    assert_eq!(world.refuses(HOME, "bob"), None);
    assert_eq!(world.fail(HOME, "ann", "of before").delay, FIRST_DELAY);
    // It is forgotten in the end.
    world.wait(3 * DAY);
    let _ = world.fail(HOME, "ann", "something else");
    world.wait(3 * DAY);
    let _ = world.fail(HOME, "ann", "something other");
    assert_eq!(world.fail(HOME, "ann", "of before").delay, 2 * FIRST_DELAY);
}

#[test]
fn a_proof_tells_no_password_so_each_counts() {
    let mut world = World::new();
    for _ in 0..10 {
        let _ = world.attempts.failed(&World::attempt(HOME, "ann"), None, world.now);
    }
    assert!(world.refuses(HOME, "ann").is_some());
}

#[test]
fn what_failed_before_a_success_of_the_same_session_is_forgiven_and_what_was_meant_for_others_is_not() {
    let mut world = World::new();
    let first = world.fail(HOME, "ann", "one").charge;
    let of_another = world.fail(HOME, "bob", "two").charge;
    world.attempts.succeeded(&World::attempt(HOME, "ann"), vec![first, of_another], world.now);
    let listed = world.attempts.list(["ann", "bob"].into_iter(), world.now);
    let failures: Vec<_> = listed.iter().map(|entry| (entry.subject.clone(), entry.failures)).collect();
    assert!(failures.contains(&(Subject::Account("bob".to_owned()), 1)), "{failures:?}");
    assert!(!failures.iter().any(|(subject, _)| *subject == Subject::Account("ann".to_owned())));
    assert!(failures.contains(&(Subject::Network(Network::narrow(HOME.parse().unwrap())), 1)));
}

#[test]
fn an_address_that_is_trusted_stands_for_nobody() {
    let proxy = Network::of(HOME.parse().unwrap(), 32);
    let mut world = World { attempts: Attempts::new(KEYS, vec![proxy]), now: Moment::from_millis(5) };
    for n in 0..3_000 {
        world.guess(HOME, &n.to_string(), 1);
    }
    assert_eq!(world.ask(HOME, "bob"), Verdict::Go);
    assert!(world.attempts.list(std::iter::empty(), world.now).is_empty());
    // Behind it an account has its bound as it has elsewhere.
    for n in 0..30 {
        let client = n.to_string();
        let attempt = Attempt { client: Some(&client), ..World::attempt(HOME, "bob") };
        let _ = world.attempts.failed(&attempt, None, world.now);
    }
    assert_eq!(world.refuses(HOME, "bob"), Some(Scope::Account));
}

#[test]
fn who_have_signed_in_from_a_network_count_in_its_favour() {
    let mut world = World::new();
    for n in 0..20 {
        world.succeed(HOME, &format!("colleague {n}"));
    }
    for n in 0..27 {
        world.guess(HOME, &n.to_string(), 1);
    }
    assert_eq!(world.refuses(HOME, "newcomer"), None);
    world.guess(HOME, "28", 1);
    assert_eq!(world.refuses(HOME, "newcomer"), Some(Scope::Address));
}

#[test]
fn a_flood_takes_bounded_memory_and_no_debt_lasts_for_days() {
    let mut world = World::new();
    for n in 0..140_000_u32 {
        let from = std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into();
        let name = n.to_string();
        let attempt = Attempt { from, client: Some(&name), account: &name };
        let typed = world.attempts.fingerprint(&attempt, b"x");
        let _ = world.attempts.failed(&attempt, Some(typed), world.now);
    }
    let attempts = &world.attempts;
    for entries in [attempts.addresses.entries(), attempts.accounts.entries(), attempts.pairs.entries()] {
        assert!(entries <= 2 * MAX_REMEMBERED, "{entries}");
    }
    assert!(attempts.wrong.entries() <= 2 * MAX_REMEMBERED);
    world.guess(HOME, "ann", 10_000);
    world.wait(DAY);
    assert_eq!(world.refuses(HOME, "ann"), None);
}

#[test]
fn an_account_has_as_many_known_devices_as_it_may_and_the_oldest_goes() {
    let mut world = World::new();
    for n in 0..=16 {
        world.succeed(&elsewhere(n), "ann");
        world.succeed(&elsewhere(1), "ann");
    }
    let knows = |n| world.knows(&elsewhere(n), "ann");
    assert_eq!([0, 1, 2, 16].map(knows), [false, true, true, true]);
    assert!(!world.knows(&elsewhere(1), "bob"));
}

#[test]
fn what_is_remembered_outlives_a_restart_and_leaks_meanwhile() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    world.guess(HOME, "victim", 10);
    let state = world.attempts.state(world.now, 1_000_000);
    let again = |seconds: u64| {
        let now = Moment::from_millis(3);
        let attempts = Attempts::from_state(&state, [9; 32], Vec::new(), now, 1_000_000 + seconds).unwrap();
        World { attempts, now }
    };
    let at_once = again(0);
    assert!(at_once.knows(HOME, "ann"));
    assert_eq!(at_once.ask(HOME, "ann"), Verdict::Go);
    assert_eq!(
        at_once.ask(HOME, "bob").max(Verdict::Go),
        World { now: at_once.now, ..at_once }.ask(HOME, "bob")
    );
    assert_eq!(again(0).refuses(HOME, "bob"), Some(Scope::Address));
    assert!(again(0).refuses(HOME, "victim").is_some());
    assert_eq!(again(3_600).refuses(HOME, "bob"), None);
    // A clock that was set back costs nobody more.
    let earlier = Attempts::from_state(&state, [9; 32], Vec::new(), Moment::default(), 5);
    assert!(earlier.is_ok());
    // Wrong passwords are not written: one that comes again counts again.
    let mut restarted = again(0);
    let failures = |world: &World| world.attempts.list(["eve"].into_iter(), world.now);
    let _ = restarted.fail(&elsewhere(7), "eve", "x");
    assert!(failures(&restarted).iter().any(|entry| entry.subject == Subject::Account("eve".to_owned())));
}

/// The same world in a server that is started so long after the other stopped.
fn restarted(world: &World, pause: Duration) -> World {
    let state = world.attempts.state(world.now, 1_000_000);
    let now = Moment::from_millis(3);
    let second = 1_000_000 + pause.as_secs();
    World { attempts: Attempts::from_state(&state, [9; 32], Vec::new(), now, second).unwrap(), now }
}

#[test]
fn a_device_that_does_not_come_back_is_forgotten_however_often_the_server_restarts() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    for _ in 0..3 {
        assert!(world.knows(HOME, "ann"));
        world.wait(8 * DAY);
        world = restarted(&world, 2 * DAY);
    }
    world = restarted(&world, DAY);
    assert!(!world.knows(HOME, "ann"));
}

/// A state of the version before, written at second 1,000,000: ann's device at home, and that somebody has signed in there.
fn state_of_version_1() -> Vec<u8> {
    let account = World::new().attempts.account_key("ann").to_be_bytes();
    let client = World::new().attempts.hash("client", "Thunderbird").to_be_bytes();
    let network = [&[0; 10][..], &[255, 255, 192, 0, 2, 0, 120]].concat();
    let head = [&b"gatepost limits 1\n"[..], &KEYS.names, &1_000_000_u64.to_be_bytes()].concat();
    let body = [&head[..], &[6], &account, &network, &client, &[7], &network, &[0, 0, 0, 1]].concat();
    [&body[..], blake3::hash(&body).as_bytes()].concat()
}

#[test]
fn a_state_of_version_1_is_read_as_if_all_devices_had_signed_in_when_it_was_written() {
    let read = |days: u64| {
        let now = Moment::default();
        let second = 1_000_000 + days * DAY.as_secs();
        let attempts = Attempts::from_state(&state_of_version_1(), [9; 32], Vec::new(), now, second).unwrap();
        (attempts.known.friends(Network::wide(HOME.parse().unwrap()).widened(), now), World { attempts, now })
    };
    let is_known = |(friends, world): (u32, World)| (friends, world.knows(HOME, "ann"));
    assert_eq!(is_known(read(0)), (1, true));
    assert_eq!(is_known(read(29)), (1, true));
    assert_eq!(is_known(read(30)), (1, false));
    assert_eq!(is_known(read(61)), (0, false));
}

#[test]
fn a_device_that_does_not_come_back_is_forgotten_though_another_of_its_account_comes_every_day() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    for _ in 0..31 {
        world.succeed(&elsewhere(1), "ann");
        world.wait(DAY);
    }
    assert!(!world.knows(HOME, "ann"));
    assert!(world.knows(&elsewhere(1), "ann"));
}

#[test]
fn a_network_is_favoured_as_long_as_people_sign_in_there_and_a_month_or_two_longer() {
    let mut world = World::new();
    let is_favoured = |world: &World| {
        let mut world = restarted(world, Duration::ZERO);
        world.guess(HOME, "another", 8);
        world.refuses(HOME, "newcomer").is_none()
    };
    assert!(!is_favoured(&world));
    for n in 0..100 {
        world.succeed(HOME, &format!("colleague {}", n % 3));
        world.wait(DAY);
        world = restarted(&world, Duration::ZERO);
        assert!(is_favoured(&world), "{n}");
    }
    world = restarted(&world, 61 * DAY);
    assert!(!is_favoured(&world));
}

#[test]
fn a_state_that_is_damaged_or_of_another_version_is_none() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    world.guess(HOME, "ann", 2);
    let state = world.attempts.state(world.now, 1);
    let read =
        |state: &[u8]| Attempts::from_state(state, [0; 32], Vec::new(), Moment::default(), 1).map(drop);
    assert_eq!(read(&state), Ok(()));
    for at in 0..state.len() {
        let mut rotten = state.clone();
        rotten[at] ^= 1;
        assert_eq!(read(&rotten), Err(Damaged));
        assert_eq!(read(&state[..at]), Err(Damaged));
    }
    // What has a right checksum and makes no sense.
    for body in [
        &b"gatepost limits 3\n"[..],
        b"gatepost limits 2\n",
        &[b"gatepost limits 2\n", &[0; 40][..], &[99]].concat(),
    ] {
        let sum = blake3::hash(body);
        assert_eq!(read(&[body, sum.as_bytes()].concat()), Err(Damaged));
    }
}

/// A world in which all tables have a full generation and part of another.
fn crowded() -> World {
    let mut world = World::new();
    for n in 0..70_000_u32 {
        let from = std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into();
        let name = n.to_string();
        let attempt = Attempt { from, client: Some(&name), account: &name };
        let _ = world.attempts.failed(&attempt, None, world.now);
        world.attempts.succeeded(&attempt, Vec::new(), world.now);
    }
    world
}

#[test]
fn a_state_is_written_in_pieces_that_are_never_longer_than_they_may_be() {
    let world = crowded();
    let (mut longest, mut all) = (0, 0);
    let measure = |piece: &[u8]| {
        (longest, all) = (longest.max(piece.len()), all + piece.len());
        Ok::<_, Infallible>(())
    };
    let Ok(()) = Attempts::write_state(|| &world.attempts, world.now, 1, measure);
    assert!((1_000_000..=MAX_STATE_OCTETS).contains(&all), "{all}");
    assert!(longest <= MAX_PIECE_OCTETS && longest < all / 200, "{longest} of {all}");
}

#[test]
fn what_was_there_before_a_state_is_written_is_in_it_whatever_happens_between_its_pieces() {
    let mut world = World::new();
    for n in 0..2_000 {
        world.succeed(&elsewhere(n), &n.to_string());
    }
    let (world, mut state, mut n) = (RefCell::new(world), Vec::new(), 0);
    let written = Attempts::write_state(
        || std::cell::Ref::map(world.borrow(), |world| &world.attempts),
        Moment::from_millis(5),
        1,
        |piece| {
            state.extend_from_slice(piece);
            n += 1;
            world.borrow_mut().succeed(&elsewhere(n), &n.to_string());
            world.borrow_mut().guess(HOME, &n.to_string(), 1);
            Ok::<_, Infallible>(())
        },
    );
    let Ok(()) = written;
    let now = Moment::default();
    let world = World { attempts: Attempts::from_state(&state, [9; 32], Vec::new(), now, 1).unwrap(), now };
    for n in 0..2_000 {
        assert!(world.knows(&elsewhere(n), &n.to_string()), "{n}");
    }
}

#[test]
fn of_more_than_may_be_remembered_what_is_oldest_goes_also_after_a_restart() {
    let world = crowded();
    let mut world = restarted(&world, Duration::ZERO);
    for n in 0..50_000_u32 {
        let from = std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into();
        let name = format!("new {n}");
        world.attempts.succeeded(&Attempt { from, client: None, account: &name }, Vec::new(), world.now);
    }
    let from = |n: u32| std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into();
    let knows = |n: u32| {
        let name = n.to_string();
        let attempt = Attempt { from: from(n), client: Some(&name), account: &name };
        world.attempts.knows(&attempt, world.now)
    };
    assert!((69_000..70_000).all(knows));
}

#[test]
fn who_is_let_off_may_try_again_and_nobody_else() {
    let mut world = World::new();
    world.guess(HOME, "ann", 10);
    world.guess("198.51.100.1", "bob", 10);
    assert_eq!(world.attempts.clear_account("nobody"), 0);
    assert_eq!(world.attempts.clear_account("ann"), 2);
    assert_eq!(world.refuses(HOME, "ann"), Some(Scope::Address));
    assert_eq!(world.attempts.clear_address(HOME.parse().unwrap()), 3);
    assert_eq!(world.ask(HOME, "ann"), Verdict::Go);
    assert!(world.refuses("198.51.100.1", "bob").is_some());
    assert_eq!(world.attempts.clear(), 5);
    assert_eq!(world.ask("198.51.100.1", "bob"), Verdict::Go);
}

#[test]
fn the_list_has_the_worst_first_and_only_so_many() {
    let mut world = World::new();
    for n in 0..2_000 {
        world.guess(&elsewhere(n % 400), &n.to_string(), 1);
    }
    world.guess(HOME, "ann", 9);
    let listed = world.attempts.list(["ann", "bob"].into_iter(), world.now);
    assert_eq!(listed.len(), MAX_LISTED);
    assert!(listed.is_sorted_by_key(|entry| std::cmp::Reverse(entry.failures)));
    let ann = listed.iter().find(|entry| entry.subject == Subject::Account("ann".to_owned())).unwrap();
    assert_eq!((ann.failures, ann.scope), (9, Scope::Account));
    assert!(matches!(ann.verdict, Verdict::Refuse { scope: Scope::Account, .. }));
}

#[test]
fn keys_print_as_an_ellipsis() {
    assert_eq!(format!("{KEYS:?}"), "…");
    let attempts = World::new().attempts;
    let typed = attempts.fingerprint(&World::attempt(HOME, "ann"), b"secret");
    assert_eq!(format!("{typed:?}"), "…");
    let printed = format!("{attempts:?}");
    assert!(printed.contains("keys: …"), "{printed}");
}

#[test]
fn ten_guesses_beside_a_known_device_leave_it_what_was_right_until_its_addresses_have_failed_too_much() {
    let mut world = World::new();
    world.succeed(HOME, "ann");
    world.guess("192.0.2.8", "ann", 20);
    assert!(matches!(world.ask(HOME, "ann"), Verdict::Recall { .. }));
    // From whom guesses it is heard no longer, and so this is bounded.
    world.guess("192.0.2.8", "ann", 33);
    assert_eq!(world.refuses("192.0.2.8", "ann"), Some(Scope::Address));
    assert!(matches!(world.ask(HOME, "ann"), Verdict::Recall { .. }));
    // Who is not known hears nothing of it.
    world.guess(HOME, "bob", 10);
    assert!(world.refuses(HOME, "bob").is_some());
}

#[test]
fn behind_a_webmail_ten_guesses_make_its_users_wait_and_only_a_flood_shuts_out() {
    let proxy = Network::of(HOME.parse().unwrap(), 32);
    let mut world = World { attempts: Attempts::new(KEYS, vec![proxy]), now: Moment::from_millis(5) };
    world.succeed(HOME, "ann");
    world.guess(HOME, "ann", 20);
    assert_eq!(world.ask(HOME, "ann"), Verdict::Wait(LONGEST_DELAY));
    let mut looked_at = 0;
    for _ in 0..24 * 60 * 60 {
        if world.refuses(HOME, "ann").is_none() {
            world.guess(HOME, "ann", 1);
            looked_at += 1;
        }
        world.wait(Duration::from_secs(1));
    }
    assert!((2_900..3_100).contains(&looked_at), "{looked_at}");
    // Who is not known there has the bound that they have elsewhere.
    world.guess(HOME, "bob", 10);
    assert!(world.refuses(HOME, "bob").is_some());
}

/// Begins to look at so many at one moment; those that may be looked at.
fn begin(world: &mut World, from: &str, account: &str, typed: impl Fn(u32) -> String) -> Vec<Begun> {
    let mut begun = Vec::new();
    for n in 0..64 {
        let attempt = World::attempt(from, account);
        let typed = world.attempts.fingerprint(&attempt, typed(n).as_bytes());
        match world.attempts.begin(&attempt, Some(typed), world.now) {
            Asked::Begun(_, one) => begun.push(*one),
            Asked::Crowded => {}
            Asked::Refused(verdict) => panic!("nothing has failed yet: {verdict:?}"),
        }
    }
    begun
}

#[test]
fn of_many_guesses_at_one_moment_as_many_are_looked_at_as_of_one_after_the_other() {
    let mut world = World::new();
    let begun = begin(&mut world, HOME, "ann", |n| n.to_string());
    assert_eq!(begun.len(), 5);
    // They were right, or we could not look: it is as if they had not been.
    begun.iter().for_each(|one| world.attempts.ended(one));
    assert_eq!(begin(&mut world, HOME, "bob", |n| n.to_string()).len(), 5);
    assert_eq!(world.ask(HOME, "ann"), Verdict::Go);
    assert!(world.attempts.list(["ann"].into_iter(), world.now).is_empty());
}

#[test]
fn of_a_device_that_comes_with_one_password_many_times_at_one_moment_all_are_looked_at() {
    let mut world = World::new();
    assert_eq!(begin(&mut world, HOME, "ann", |_| "right".to_owned()).len(), 64);
    world.succeed(HOME, "bob");
    assert_eq!(begin(&mut world, HOME, "bob", |_| "right".to_owned()).len(), 64);
    // Of passwords of which no two are alike it is as of one after the other.
    assert_eq!(begin(&mut world, HOME, "bob", |n| n.to_string()).len(), 9);
}

#[test]
fn who_types_the_same_wrong_password_twice_has_tried_nothing_else() {
    let mut world = World::new();
    for n in 0..5 {
        world.guess(&elsewhere(n), "ann", 1);
    }
    for _ in 0..3 {
        let _ = world.fail(HOME, "ann", "typo");
    }
    assert_eq!(world.refuses(HOME, "ann"), None, "nothing is held against the address but one mistake");
    let _ = world.fail(HOME, "bob", "guess");
    assert_eq!(
        world.refuses(HOME, "ann"),
        Some(Scope::Account),
        "who goes from account to account is not clean"
    );
}

#[test]
fn whoever_calls_their_client_something_else_each_time_counts_as_one_from_each_network() {
    let mut world = World::new();
    let sign_in = |world: &mut World, from: &str, client: &str| {
        let attempt = Attempt { from: from.parse().unwrap(), client: Some(client), account: "ann" };
        world.attempts.succeeded(&attempt, Vec::new(), world.now);
    };
    for round in 0..4 {
        for n in 0..2 * MAX_KNOWN_DEVICES {
            sign_in(&mut world, HOME, &format!("client {round} {n}"));
        }
        sign_in(&mut world, &elsewhere(1), &format!("client {round}"));
    }
    for network in [HOME, &elsewhere(1)] {
        let wide = Network::wide(network.parse().unwrap()).widened();
        assert_eq!(world.attempts.known.friends(wide, world.now), 1, "{network}");
    }
}

#[test]
fn what_was_looked_at_leaves_nothing_behind_whatever_it_weighs() {
    let mut world = World::new();
    for _ in 0..20 {
        let attempt = World::attempt(HOME, "ann");
        let typed = world.attempts.fingerprint(&attempt, b"typo");
        let Asked::Begun(_, begun) = world.attempts.begin(&attempt, Some(typed), world.now) else {
            panic!("nobody else is being looked at")
        };
        let _ = world.fail(HOME, "ann", "typo");
        world.attempts.ended(&begun);
    }
}
