//! STARTTLS and a command behind it, in every rhythm (CVE-2011-0411, CVE-2022-28220; threats T-1 and T-2).

use super::{house, visit};
use settings::ListenerKind;
use std::sync::Arc;
use testkit::dice::Dice;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::task::yield_now;

/// How many attacks.
const RACES: u64 = 10_000;

const STARTTLS: [&str; 6] = [
    "a STARTTLS\r\n",
    "A starttls\r\n",
    "a.1 StartTLS\n",
    "a NOOP\r\nb STARTTLS\r\n",
    "a ID NIL\r\nb STARTTLS\n",
    "\r\na STARTTLS\r\n",
];
const INJECTED: [&str; 7] = [
    "x CAPABILITY\r\n",
    "x NOOP\n",
    "x LOGOUT\r\n",
    "x STARTTLS\r\n",
    "x LOGIN {3+}\r\neve secret\r\n",
    "x AUTHENTICATE PLAIN AGV2ZQBzZWNyZXQ=\r\n",
    "\r\n",
];

fn below(dice: &mut Dice, bound: usize) -> usize {
    usize::try_from(dice.below(bound as u64)).unwrap()
}

/// What a peer is told that sends `attack` in pieces, and lets the server have its turn so often between them.
async fn told(house: &super::House<super::Silent>, attack: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (near, far) = duplex(64 << 10);
    let attacking = async {
        let (mut hear, mut say) = split(far);
        let mut rest = attack;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + below(dice, rest.len()));
            // The server may have hung up already.
            say.write_all(piece).await.ok();
            for _ in 0..below(dice, 6) {
                yield_now().await;
            }
            rest = behind;
        }
        say.shutdown().await.ok();
        let mut told = Vec::new();
        hear.read_to_end(&mut told).await.ok();
        told
    };
    let serving = house.serve(near, visit(ListenerKind::ImapStartTls));
    tokio::join!(attacking, serving).0
}

#[tokio::test]
async fn nothing_behind_starttls_is_ever_answered_whoever_is_faster() {
    let house = Arc::new(house("races"));
    let (mut before, mut after) = (0, 0);
    for seed in 0..RACES {
        let mut dice = Dice::new(seed);
        let attack =
            [STARTTLS[below(&mut dice, STARTTLS.len())], INJECTED[below(&mut dice, INJECTED.len())]].concat();
        let told = told(&house, attack.as_bytes(), &mut dice).await;
        let text = String::from_utf8_lossy(&told);
        assert!(!text.contains("\nx "), "seed {seed}: {text}");
        let has_begun = text.contains("OK Begin TLS negotiation now\r\n");
        let is_caught = text.ends_with("* BYE Data behind STARTTLS\r\n");
        assert!(has_begun != is_caught, "seed {seed}: {text}");
        before += u32::from(is_caught);
        after += u32::from(has_begun);
    }
    println!("caught before the handshake: {before}, in it: {after}");
    assert!(before > 500 && after > 500, "both are met");
}
