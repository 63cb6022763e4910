//! How a stopping server asks its residents to leave: soon, but not all in the same moment.
//!
//! Each of them comes back to the server that starts next. Ten thousand handshakes in one second keep everybody out;
//! spread over a few seconds nobody notices them. Strangers have nothing to come back to.

use crate::reception::Reception;
use std::time::Duration;
use tokio::time::sleep;

/// A few are asked at once, then as many again.
const STEP: Duration = Duration::from_millis(100);
/// How many are asked in a step, if there is time enough: 500 a second.
const AT_ONCE: usize = 50;

/// Asks everybody to leave, the last of them `within` this time; how many that is.
pub(crate) async fn ask_all(reception: &Reception, within: Duration) -> u64 {
    let mut told = reception.ask_strangers_to_leave();
    let residents = reception.residents();
    let mut groups = residents.chunks(group_size(residents.len(), within)).peekable();
    while let Some(group) = groups.next() {
        told += reception.ask_to_leave(group);
        if groups.peek().is_some() {
            sleep(STEP).await;
        }
    }
    told
}

fn group_size(residents: usize, within: Duration) -> usize {
    let steps = usize::try_from(within.as_millis() / STEP.as_millis()).unwrap_or(usize::MAX);
    residents.div_ceil(steps.max(1)).max(AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reception::{Admission, Presence};
    use policy::ConnectionLimits;
    use std::sync::Arc;

    fn residents(reception: &Arc<Reception>, count: usize) -> Vec<Admission> {
        let admit = |_| {
            let admission = reception.admit([192, 0, 2, 1].into()).unwrap();
            admission.signed_in();
            admission
        };
        (0..count).map(admit).collect()
    }

    /// How many of `count` residents have been asked after each half of a second.
    async fn asked(count: usize, within: Duration) -> Vec<usize> {
        let reception = Reception::new(ConnectionLimits::default());
        let residents = residents(&reception, count);
        let stranger = reception.admit([192, 0, 2, 2].into()).unwrap();
        let is_asked = |admission: &&Admission| *admission.presence.borrow() != Presence::Welcome;
        let watch = async {
            let mut seen = Vec::new();
            loop {
                sleep(Duration::from_millis(50)).await; // between two steps
                seen.push(residents.iter().filter(is_asked).count());
                if seen.last() == Some(&count) {
                    return seen;
                }
                assert!(is_asked(&&stranger), "a stranger is asked at once");
                sleep(Duration::from_millis(450)).await;
            }
        };
        let (told, seen) = tokio::join!(ask_all(&reception, within), watch);
        assert_eq!(told, count as u64 + 1);
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn few_are_asked_at_once_and_many_one_after_the_other() {
        let five = Duration::from_secs(5);
        assert_eq!(asked(50, five).await, [50]);
        assert_eq!(asked(1_000, five).await, [50, 300, 550, 800, 1_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_are_asked_faster_so_that_all_have_time_to_go() {
        let seen = asked(10_000, Duration::from_secs(2)).await;
        assert_eq!(seen, [500, 3_000, 5_500, 8_000, 10_000]);
    }

    #[test]
    fn who_came_together_does_not_leave_together() {
        let reception = Reception::new(ConnectionLimits::default());
        let _all = residents(&reception, 1_000);
        let order = reception.residents();
        assert_eq!(order, reception.residents(), "the same whenever it is asked");
        let neighbours = order.windows(2).filter(|pair| pair[0].0.abs_diff(pair[1].0) == 1).count();
        assert_eq!(neighbours, 0);
    }
}
