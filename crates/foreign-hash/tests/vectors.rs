//! Hashes that other programs made, each with the command that made it.

use foreign_hash::{ForeignHash, Unusable, Verdict};

/// The password of most of them: what is not ASCII goes in as UTF-8, as it was typed.
const PASSWORD: &str = "pässwörd 1";
const HORSE: &str = "correct horse";

fn check(stored: &str, password: &str, kind: &str) {
    let hash = ForeignHash::parse(stored).unwrap_or_else(|why| panic!("{stored}: {why}"));
    assert_eq!(hash.kind(), kind, "{stored}");
    assert_eq!(hash.verify(password.as_bytes()), Verdict::Right, "{stored}");
    for wrong in [&format!("{password} "), "", "password", &password.to_uppercase()] {
        if wrong.as_bytes() != password.as_bytes() {
            assert_eq!(hash.verify(wrong.as_bytes()), Verdict::Wrong, "{stored} {wrong:?}");
        }
    }
}

#[test]
fn what_dovecot_writes_is_read() {
    // doveadm pw -s SCHEME -p 'pässwörd 1' (Dovecot 2.3.19)
    for (kind, stored) in [
        ("BLF-CRYPT", "{BLF-CRYPT}$2y$05$glzpyRwln//eni1Yqq8Y/uewnL0vepJiNSdaTsqXFqn6IOuUxJp.e"),
        ("BLF-CRYPT", "{CRYPT}$2y$05$ymQ/xu7/q2TXQEqgFG7EoeIj1qnOrqWUXvIsK43hLgFO9BIEO4bv."),
        (
            "BLF-CRYPT",
            "{BLF-CRYPT.B64}JDJ5JDA1JFc2dGtLZzVRQU9IbVFVYWRjZzBiTE90cTRHMWhoU3U1TXlUdUY2LlUybDdHRlFSUWZyOUR1",
        ),
        (
            "SHA512-CRYPT",
            "{SHA512-CRYPT}$6$Wf1oIAdCVhiu8ORt$3t8J9J0X.hzwHY9F7x/9FvuhfCP/lQlp8JgB5dOBIyQqTDc5TZqiiMbbofqVhanKC.9x64d9bms5coRWlU/7N.",
        ),
        ("SHA256-CRYPT", "{SHA256-CRYPT}$5$2BQrcFa8i4ndz0Fy$89O0MJHBnoYO4mZdC7SLS1kD9T8u4YLDb9AdzD0ZI72"),
        ("SSHA", "{SSHA}Rwj/GvqLcp1xuG3oHx/wkpwseLEv8t2J"),
        ("SSHA", "{SSHA.HEX}64ecbb32994f2bc48d88272d9bfb285d2780b6a303d92c57"),
        ("SSHA256", "{SSHA256}WeMNSOdHQCsCfp+cHDds7pQYrt/iuZNImIAFhueGJ6WLnjYu"),
        (
            "SSHA512",
            "{SSHA512}AJE6HRwuNFkpLEBXeB/RY55kJjWAz+SMcxS1AhfqgrCpl3zOqyN2Tqo+R90w8s4ZbErjkFtgWNtwvOiv8tQpy4s5qF0=",
        ),
        (
            "SSHA512",
            "{SSHA512.B64}J7OkF3d0lVeJMEi7xFAJYW31c2TV+Q2Lcpdc2UgcIWlE6VMx7Ww331SfQLe86zm0CKqh2duZcaPjMweiomAxIIcH11k=",
        ),
        ("SHA", "{SHA}/Hrn08gEogcgvDjo5YNQSGibZVE="),
        ("SHA", "{SHA1}/Hrn08gEogcgvDjo5YNQSGibZVE="),
        ("SHA256", "{SHA256}UODX5JZHe18JVwv9yvMbAoeS719Y7fwn28vMuM/OHRU="),
        ("SHA256", "{SHA256.HEX}50e0d7e496477b5f09570bfdcaf31b028792ef5f58edfc27dbcbccb8cfce1d15"),
        (
            "SHA512",
            "{SHA512}MGrCWX/OaIyw5xBZ0RrM2vwe1YHoo2MD/NKt2+vkfLiudEOMnHxXTsVXCSooO5eehIdUJFylnTmr3TTyK23wMw==",
        ),
        (
            "SHA512",
            "{SHA512.HEX}306ac2597fce688cb0e71059d11accdafc1ed581e8a36303fcd2addbebe47cb8ae74438c9c7c574ec557092a283b979e848754245ca59d39abdd34f22b6df033",
        ),
        (
            "ARGON2I",
            "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$/tqRiSFevmee+7u4Maf9ZQ$Tu0hsPQgY+TQhAnEIB0bB5dbX3i3MK7B1VQbFJ2EHFE",
        ),
        (
            "ARGON2ID",
            "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$u3DPcP3BI1Drh9doUrENsA$eifQqjyMic8MtWuTbParFyEPwtjOWist0oL5isyEUg0",
        ),
        ("PBKDF2", "{PBKDF2}$1$4qN6IiUCDmen7nmU$5000$22ec11886d4ed824b271a98b4bc01f7fea1f040e"),
    ] {
        check(stored, PASSWORD, kind);
    }
}

#[test]
fn what_apaches_htpasswd_writes_is_read() {
    // htpasswd -nbB | -nbs | -nb5 | -nb2 ann 'correct horse' (apache2-utils 2.4.71)
    check("$2y$05$kd0/brETdH16s415x9RuIO8eWTGaA5ExusrOO679md1bXUox/JdUC", HORSE, "BLF-CRYPT");
    check("{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=", HORSE, "SHA");
    let of_512 = "$6$C082tx.G5gbsowSe$0lDaUmDSnCfUobRvRqINtp2zM6O/hPurUwPnHlmp4QKnEhV771LG7E2XfFJcomyFe/h3QXEOrx8esulgh4iXe1";
    check(of_512, HORSE, "SHA512-CRYPT");
    check("$5$zNlzRygpyWcKzJ3D$i4xmZJvOoAZsxqYpDu/voiAtsyclLVYGkuPL4N4JQ4.", HORSE, "SHA256-CRYPT");
}

#[test]
fn what_crypt_writes_is_read_whatever_its_salt_and_rounds_are() {
    // passlib 1.7.4: sha512_crypt.using(rounds=1000, salt='saltsalt').hash('correct horse')
    let rounds = "$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1";
    check(rounds, HORSE, "SHA512-CRYPT");
    // passlib 1.7.4: sha512_crypt.using(rounds=5000, salt='').hash('empty salt')
    let unsalted =
        "$6$$8Lsf87AQZ1a0HU6lp/qX8euzqgc0OEibupjG89HgWva7WvuXWWbyivEFHyO8xmUeWfG5WzHeGoZq5RZR2dnIB1";
    check(unsalted, "empty salt", "SHA512-CRYPT");
    // python3 -c "import crypt; print(crypt.crypt('', '$6$saltsalt$'))", over libxcrypt 4.4.33
    let of_nothing =
        "$6$saltsalt$qkTgsCrWMTAS9gBGcf9W60sFfH.hU0oTCAOJjhbz5tSp/sU3/xXZK4OFwCtq8lIIdpJ6CatVdOTSHKp97TPkt/";
    check(of_nothing, "", "SHA512-CRYPT");
    // crypt.crypt('x' * 511, '$5$rounds=77777$0123456789abcdef$'), and passlib says the same
    let long = "$5$rounds=77777$0123456789abcdef$PXbcyKxXxTLb/O33GjhEd7CY42x6KQUpI4mJj/yqO/.";
    check(long, &"x".repeat(511), "SHA256-CRYPT");
}

#[test]
fn a_password_of_512_octets_or_with_a_nul_is_never_what_crypt_was_given() {
    // libxcrypt refuses the one ('*0'); C ends the other at its NUL: crypt.crypt('correct horse', '$2b$12$...')
    let hash =
        ForeignHash::parse("$5$rounds=77777$0123456789abcdef$PXbcyKxXxTLb/O33GjhEd7CY42x6KQUpI4mJj/yqO/.");
    assert_eq!(hash.unwrap().verify("x".repeat(512).as_bytes()), Verdict::Wrong);
    let hash = ForeignHash::parse("$2y$05$kd0/brETdH16s415x9RuIO8eWTGaA5ExusrOO679md1bXUox/JdUC").unwrap();
    assert_eq!(hash.verify(b"correct horse\0"), Verdict::Wrong);
    assert_eq!(hash.verify(b"correct horse\0and more"), Verdict::Wrong);
}

#[test]
fn bcrypt_reads_72_octets_as_openbsd_and_openwall_do() {
    // crypt.crypt('k' * 72 + 'ignored', '$2?$05$CCCCCCCCCCCCCCCCCCCCC.'), over libxcrypt 4.4.33
    for mark in ["2a", "2b", "2y"] {
        let stored = format!("${mark}$05$CCCCCCCCCCCCCCCCCCCCC.o1qzvwuucaZL.WTU9eZfNRFj8dsRpcG");
        let hash = ForeignHash::parse(&stored).unwrap();
        for (octets, verdict) in
            [(71, Verdict::Wrong), (72, Verdict::Right), (73, Verdict::Right), (300, Verdict::Right)]
        {
            let typed = "k".repeat(octets);
            assert_eq!(hash.verify(typed.as_bytes()), verdict, "{mark} {octets}");
            assert_eq!(hash.counts_all_of(typed.as_bytes()), octets < 72, "{mark} {octets}");
        }
        // crypt.crypt('', ...) and crypt.crypt('£', ...): UTF-8, so octets above 127
        check(&format!("${mark}$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"), "", "BLF-CRYPT");
        check(&format!("${mark}$05$CCCCCCCCCCCCCCCCCCCCC.CAzSxlf0FLW7g1A5q7W/ZCj1xsN6A.e"), "£", "BLF-CRYPT");
    }
    // crypt.crypt('é' * 100, '$2y$04$CCCCCCCCCCCCCCCCCCCCC.')
    let hash = ForeignHash::parse("$2y$04$CCCCCCCCCCCCCCCCCCCCC.V43mEqf.z1nQbIz7ALIelx/7nosNNBG").unwrap();
    assert_eq!(hash.verify("é".repeat(36).as_bytes()), Verdict::Right);
}

#[test]
fn argon2_of_each_variant_version_and_number_of_lanes_is_read() {
    // argon2-cffi 25.1: PasswordHasher(time_cost=2, memory_cost=64, parallelism=2, hash_len=32, type=T)
    //     .hash('correct horse', salt=b'somesaltsomesalt')
    for (kind, variant, hash) in [
        ("ARGON2I", "i", "puc453Cpq1DFRL695M7MD8xMTPSjus4jpty4H6duI0g"),
        ("ARGON2D", "d", "QZTHvrUkQpGX4mmv0/mw2kqiWXZe8rdPm8RaTCpYulM"),
        ("ARGON2ID", "id", "buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY"),
    ] {
        let stored = format!("$argon2{variant}$v=19$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA${hash}");
        check(&stored, HORSE, kind);
        check(&format!("{{ARGON2}}{stored}"), HORSE, kind);
    }
    // argon2.low_level.hash_secret(b'correct horse', b'somesaltsomesalt', 2, 64, 1, 24, Type.ID, version=16)
    let old = "$argon2id$v=16$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$TZFY7m3moZoe7qOGa2UOI7bJ1yqB1olJ";
    check(old, HORSE, "ARGON2ID");
    check(&old.replace("v=16$", ""), HORSE, "ARGON2ID");
}

#[test]
fn a_name_of_a_scheme_may_be_written_in_either_case() {
    check("{ssha}Rwj/GvqLcp1xuG3oHx/wkpwseLEv8t2J", PASSWORD, "SSHA");
    check("{sha256.hex}50E0D7E496477B5F09570BFDCAF31B028792EF5F58EDFC27DBCBCCB8CFCE1D15", PASSWORD, "SHA256");
    check("{SHA256}50e0d7e496477b5f09570bfdcaf31b028792ef5f58edfc27dbcbccb8cfce1d15", PASSWORD, "SHA256");
}

#[test]
fn a_password_counts_octet_by_octet_and_is_not_normalised() {
    let hash = ForeignHash::parse("{SHA}/Hrn08gEogcgvDjo5YNQSGibZVE=").unwrap();
    assert_eq!(hash.verify("pa\u{308}sswo\u{308}rd 1".as_bytes()), Verdict::Wrong);
}

fn refused(stored: &str) -> Unusable {
    ForeignHash::parse(stored).expect_err(stored)
}

#[test]
fn a_hash_that_would_keep_the_server_busy_is_refused_when_it_is_read() {
    let words = |stored: &str| refused(stored).to_string();
    let bcrypt = |cost: u32| format!("$2b${cost:02}$CCCCCCCCCCCCCCCCCCCCC.o1qzvwuucaZL.WTU9eZfNRFj8dsRpcG");
    let why = "Its cost of bcrypt is 17 and may be 16 at most, or each guess would keep the server busy; set a new password";
    assert_eq!(words(&bcrypt(17)), why);
    assert!(ForeignHash::parse(&bcrypt(16)).is_ok());
    let sha = |rounds: u32| format!("$5$rounds={rounds}$salt$PXbcyKxXxTLb/O33GjhEd7CY42x6KQUpI4mJj/yqO/.");
    assert!(words(&sha(1_000_001)).contains("number of rounds is 1000001 and may be 1000000"));
    assert!(ForeignHash::parse(&sha(1_000_000)).is_ok());
    let pbkdf = "{PBKDF2}$1$salt$4294967295$22ec11886d4ed824b271a98b4bc01f7fea1f040e";
    assert!(words(pbkdf).contains("number of rounds is 4294967295"));
    for (costs, what) in [
        ("m=262145,t=1,p=1", "memory in KiB is 262145"),
        ("m=4294967295,t=1,p=1", "memory in KiB is 4294967295"),
        ("m=262144,t=9,p=1", "memory in KiB times passes is 2359296"),
        ("m=8,t=4294967295,p=1", "memory in KiB times passes"),
        ("m=1024,t=1,p=17", "number of lanes is 17"),
    ] {
        let words = words(&format!("$argon2id$v=19${costs}$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnQ"));
        assert!(words.contains(what), "{words}");
    }
}

#[test]
fn what_is_too_weak_or_not_known_is_named_and_a_password_in_the_clear_is_not_read() {
    assert_eq!(refused("$1$Fni8oQxa$2bexbjvPyfXid.l4TxWLe0"), Unusable::NotSupported("MD5-CRYPT"));
    assert_eq!(refused("{MD5-CRYPT}$1$Fni8oQxa$2bexbjvPyfXid.l4TxWLe0"), Unusable::NotSupported("MD5-CRYPT"));
    assert_eq!(refused("{CRAM-MD5}9b5bd7e4d1f2"), Unusable::NotSupported("CRAM-MD5"));
    assert_eq!(refused("$y$j9T$salt$hash"), Unusable::NotSupported("yescrypt or scrypt"));
    for clear in ["{PLAIN}secret", "{CLEARTEXT}secret", "{plain.b64}c2VjcmV0"] {
        assert_eq!(refused(clear), Unusable::InTheClear);
    }
    for unknown in ["", "secret", "{ROT13}frperg", "$", "$9$x$y", "{SSHA.rot13}x", "{SSHA", "rqXexS6ZhobKA"] {
        assert_eq!(refused(unknown), Unusable::Unknown, "{unknown}");
    }
    for locked in ["!", "!$6$saltsalt$x", "*", "!!"] {
        assert_eq!(refused(locked), Unusable::Locked);
    }
}

#[test]
fn what_is_cut_off_or_altered_is_refused_and_nothing_panics() {
    let whole = [
        "{BLF-CRYPT}$2y$05$glzpyRwln//eni1Yqq8Y/uewnL0vepJiNSdaTsqXFqn6IOuUxJp.e",
        "$5$rounds=77777$0123456789abcdef$PXbcyKxXxTLb/O33GjhEd7CY42x6KQUpI4mJj/yqO/.",
        "{SHA256.HEX}50e0d7e496477b5f09570bfdcaf31b028792ef5f58edfc27dbcbccb8cfce1d15",
        "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$buIR3cR+U1IUJ8+WyIxlnaObAbutw+YzwF0bmgUKlVY",
        "{PBKDF2}$1$4qN6IiUCDmen7nmU$5000$22ec11886d4ed824b271a98b4bc01f7fea1f040e",
    ];
    for stored in whole {
        for end in 0..stored.len() {
            // An Argon2 hash may be shorter; that it was cut, it cannot say.
            if let Ok(cut) = ForeignHash::parse(&stored[..end]) {
                assert!(cut.kind().starts_with("ARGON2"), "{}", &stored[..end]);
            }
            for odd in ["\0", "é", "$", "}", ",", "\u{fdfa}"] {
                drop(ForeignHash::parse(&format!("{}{odd}{}", &stored[..end], &stored[end + 1..])));
            }
        }
    }
    assert_eq!(refused("{BLF-CRYPT}$6$saltsalt$x"), Unusable::Malformed("SHA512-CRYPT"));
    assert_eq!(refused(&whole[1].replace("77777", "999")), Unusable::Malformed("SHA256-CRYPT"));
    assert_eq!(refused(&format!("{{SSHA}}{}", "A".repeat(2_000))), Unusable::Unknown);
    let other = format!("{{SHA512-CRYPT}}{}", whole[1]);
    assert_eq!(refused(&other), Unusable::Malformed("SHA512-CRYPT"));
}

#[test]
fn what_a_comparison_costs_is_known_before_it_runs() {
    let cost = |stored: &str| {
        let cost = ForeignHash::parse(stored).unwrap().cost();
        (cost.memory_kib(), cost.work())
    };
    let argon2 =
        "$argon2id$v=19$m=65536,t=3,p=1$u3DPcP3BI1Drh9doUrENsA$eifQqjyMic8MtWuTbParFyEPwtjOWist0oL5isyEUg0";
    assert_eq!(cost(argon2), (65_536, 196_608));
    assert_eq!(cost("$2b$12$abcdefghijklmnopqrstuuFDJRuYeKkCzo3Wy7h8SxhBSHBAHiPK2"), (5, 204_800));
    assert_eq!(cost("$5$zNlzRygpyWcKzJ3D$i4xmZJvOoAZsxqYpDu/voiAtsyclLVYGkuPL4N4JQ4."), (1, 2_500));
    assert_eq!(cost("{SHA}/Hrn08gEogcgvDjo5YNQSGibZVE="), (1, 1));
}

#[test]
fn a_hash_prints_as_its_kind_alone() {
    let hash = ForeignHash::parse("{SHA}/Hrn08gEogcgvDjo5YNQSGibZVE=").unwrap();
    assert_eq!(format!("{hash:?}"), "ForeignHash(SHA …)");
}
