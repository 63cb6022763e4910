//! Password hashes that other systems made.

use foreign_hash::ForeignHash;
use foreign_hash::bounds::{MAX_ARGON2_MEMORY_KIB, MAX_STORED_OCTETS};
use fuzz::fuzz;

/// The most that any hash may take, in the unit of [`foreign_hash::Cost::work`], which is about a microsecond: ten seconds.
const MOST_WORK: u64 = 10_000_000;
/// So much is done for the sake of a case.
const LITTLE_WORK: u64 = 1_500;

// As crates/foreign-hash/tests/vectors.rs has them, but for those that say what they would cost.
const HASHES: &[&[u8]] = &[
    b"{BLF-CRYPT}$2y$04$glzpyRwln//eni1Yqq8Y/uewnL0vepJiNSdaTsqXFqn6IOuUxJp.e",
    b"{BLF-CRYPT.B64}JDJ5JDA1JFc2dGtLZzVRQU9IbVFVYWRjZzBiTE90cTRHMWhoU3U1TXlUdUY2LlUybDdHRlFSUWZyOUR1",
    b"$2b$16$CCCCCCCCCCCCCCCCCCCCC.o1qzvwuucaZL.WTU9eZfNRFj8dsRpcG",
    b"$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1",
    b"$5$rounds=1000000$0123456789abcdef$PXbcyKxXxTLb/O33GjhEd7CY42x6KQUpI4mJj/yqO/.",
    b"{SSHA}Rwj/GvqLcp1xuG3oHx/wkpwseLEv8t2J",
    b"{SSHA.HEX}64ecbb32994f2bc48d88272d9bfb285d2780b6a303d92c57",
    b"{SHA512.B64}MGrCWX/OaIyw5xBZ0RrM2vwe1YHoo2MD/NKt2+vkfLiudEOMnHxXTsVXCSooO5eehIdUJFylnTmr3TTyK23wMw==",
    b"{ARGON2I}$argon2i$v=19$m=8,t=1,p=1$/tqRiSFevmee+7u4Maf9ZQ$Tu0hsPQgY+TQhAnEIB0bB5dbX3i3MK7B1VQbFJ2EHFE",
    b"$argon2id$v=19$m=262144,t=8,p=16$u3DPcP3BI1Drh9doUrENsA$eifQqjyMic8MtWuTbParFyEPwtjOWist0oL5isyEUg0",
    b"{PBKDF2}$1$4qN6IiUCDmen7nmU$1000$22ec11886d4ed824b271a98b4bc01f7fea1f040e",
    b"{CRYPT}$1$salt$hash",
    b"{PLAIN}secret",
    b"!$6$salt$hash",
];

const WORDS: &[&[u8]] = &[
    b"$",
    b"{",
    b"}",
    b"{CRYPT}",
    b"{CRYPT.HEX}",
    b".B64}",
    b".HEX}",
    b"=",
    b",",
    b"$2y$31$",
    b"$2a$03$",
    b"$5$",
    b"$6$",
    b"rounds=",
    b"rounds=4294967296$",
    b"$argon2d",
    b"$argon2id",
    b"v=16$",
    b"m=4294967295",
    b",t=4294967295",
    b",p=0",
    b"18446744073709551616",
    b"-1",
    b"0",
    b"/",
    b"+",
    b".",
    b"\0",
    b"\xc3\xa9",
    b"\xff",
];

#[test]
fn foreign_hash() {
    fuzz("foreign_hash", HASHES, WORDS, |octets| {
        let Ok(text) = std::str::from_utf8(octets) else { return Err("no text".to_owned()) };
        let hash = ForeignHash::parse(text).map_err(|why| why.to_string())?;
        assert!(text.len() <= MAX_STORED_OCTETS, "it is too long to be looked at");
        let cost = hash.cost();
        assert!(cost.memory_kib() <= MAX_ARGON2_MEMORY_KIB, "{cost:?}");
        assert!(cost.work() <= MOST_WORK, "{cost:?}");
        assert_eq!(
            format!("{hash:?}"),
            format!("ForeignHash({} …)", hash.kind()),
            "nothing of it is printed"
        );
        // What was typed may be anything as well.
        let is_cheap = cost.work() <= LITTLE_WORK;
        let verdicts =
            is_cheap.then(|| [&b"password"[..], octets].map(|typed| format!("{:?}", hash.verify(typed))));
        Ok((hash.kind(), cost.work().checked_ilog2(), verdicts))
    });
}
