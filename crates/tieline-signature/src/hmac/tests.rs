use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{Algorithm, Claims, Encoding, Hmac, Part, Scheme, SchemeError};
use crate::{KeyError, Refusal};

fn github() -> Scheme {
    Scheme {
        algorithm: Algorithm::Sha256,
        encoding: Encoding::Hex,
        prefix: "sha256=".to_owned(),
        content: vec![Part::Body],
        tolerance_s: None,
    }
}

fn literal(text: &str) -> Part {
    Part::Literal(text.to_owned())
}

/// The shape of Slack's: `v0:{timestamp}:{body}`.
fn slack() -> Scheme {
    Scheme {
        prefix: "v0=".to_owned(),
        content: vec![literal("v0:"), Part::Timestamp, literal(":"), Part::Body],
        tolerance_s: Some(300),
        ..github()
    }
}

fn with_tail() -> Scheme {
    Scheme {
        algorithm: Algorithm::Sha512,
        encoding: Encoding::Base64,
        prefix: String::new(),
        content: vec![
            Part::Id,
            literal("|"),
            Part::Body,
            literal("|"),
            Part::Timestamp,
        ],
        tolerance_s: Some(10),
    }
}

const CLAIMS: Claims<'static> = Claims {
    id: Some("m1"),
    timestamp: Some("1531420618"),
};
const NOW_S: i64 = 1_531_420_618;

#[test]
fn the_example_of_github_holds() {
    // docs.github.com, "Validating webhook deliveries", the values to test with.
    let hmac = Hmac::new(github(), &["It's a Secret to Everybody"]).unwrap();
    let want = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert_eq!(
        hmac.sign(Claims::default(), b"Hello, World!").unwrap(),
        want
    );
    assert_eq!(
        hmac.verify(Claims::default(), want, b"Hello, World!", 0),
        Ok(())
    );
}

#[test]
fn the_example_of_slack_holds() {
    // api.slack.com, "Verifying requests from Slack".
    let hmac = Hmac::new(slack(), &["8f742231b10e8888abcd99yyyzzz85a5"]).unwrap();
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&\
command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F\
T1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.\
803a0bc887a14d10d2c447fce8b6703c";
    let want = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert_eq!(hmac.verify(CLAIMS, want, body, NOW_S), Ok(()));
    assert_eq!(
        hmac.verify(CLAIMS, want, body, NOW_S + 301),
        Err(Refusal::TooOld)
    );
    assert_eq!(
        hmac.verify(CLAIMS, want, body, NOW_S - 301),
        Err(Refusal::TooNew)
    );
}

#[test]
fn sha1_holds_too() {
    // RFC 2202, test case 2.
    let scheme = Scheme {
        algorithm: Algorithm::Sha1,
        prefix: String::new(),
        ..github()
    };
    let hmac = Hmac::new(scheme, &["Jefe"]).unwrap();
    let mac = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    let body = b"what do ya want for nothing?";
    assert_eq!(hmac.verify(Claims::default(), mac, body, 0), Ok(()));
    assert_eq!(
        hmac.verify(Claims::default(), &mac.to_uppercase(), body, 0),
        Ok(())
    );
}

#[test]
fn any_of_several_keys_verifies_and_the_first_signs() {
    let old = Hmac::new(github(), &["the old key"]).unwrap();
    let both = Hmac::new(github(), &["the new key", "the old key"]).unwrap();
    let signed = old.sign(Claims::default(), b"x").unwrap();
    assert_eq!(both.verify(Claims::default(), &signed, b"x", 0), Ok(()));
    let twice = Hmac::new(github(), &["the old key", "the old key"]).unwrap();
    assert_eq!(twice.verify(Claims::default(), &signed, b"x", 0), Ok(()));
    let signed = both.sign(Claims::default(), b"x").unwrap();
    assert_eq!(
        old.verify(Claims::default(), &signed, b"x", 0),
        Err(Refusal::Mismatch)
    );
}

#[test]
fn only_the_keys_that_are_good_verify() {
    let hmac = Hmac::new(github(), &["new", "old"]).unwrap();
    let old = Hmac::new(github(), &["old"]).unwrap();
    let signed = old.sign(Claims::default(), b"x").unwrap();
    let judge = |is_good: fn(usize) -> bool| {
        let mut verifier = hmac.verifier_where(is_good, Claims::default(), &signed, 0)?;
        verifier.update(b"x");
        verifier.finish()
    };
    assert_eq!(judge(|_| true), Ok(()));
    assert_eq!(judge(|at| at == 1), Ok(()));
    assert_eq!(judge(|at| at == 0), Err(Refusal::Mismatch));
    assert_eq!(judge(|_| false), Err(Refusal::NoKey));
}

#[test]
fn a_verifier_shows_no_secret() {
    let hmac = Hmac::new(github(), &["hunter2"]).unwrap();
    let signed = hmac.sign(Claims::default(), b"x").unwrap();
    let verifier = hmac.verifier(Claims::default(), &signed, 0).unwrap();
    assert_eq!(format!("{verifier:?}"), "Verifier { keys: 1, .. }");
}

#[test]
fn malformed_signatures_are_refused() {
    let hmac = Hmac::new(github(), &["a key"]).unwrap();
    let whole = hmac.sign(Claims::default(), b"x").unwrap();
    let mac = whole.strip_prefix("sha256=").unwrap();
    let cut = whole.get(..whole.len() - 2).unwrap();
    for wrong in [
        "",
        "sha256=",
        "sha256",
        mac,
        cut,
        &format!("SHA256={mac}"),
        &format!("{whole}00"),
        &format!("{whole} "),
        &format!(" {whole}"),
        &format!("sha256={}", "zz".repeat(32)),
        &"f".repeat(100_000),
    ] {
        let judged = hmac.verify(Claims::default(), wrong, b"x", 0);
        assert_eq!(judged, Err(Refusal::Signature), "{wrong}");
    }
}

#[test]
fn missing_and_ambiguous_claims_are_refused() {
    let hmac = Hmac::new(with_tail(), &["a key"]).unwrap();
    let signed = hmac.sign(CLAIMS, b"x").unwrap();
    assert_eq!(hmac.verify(CLAIMS, &signed, b"x", NOW_S), Ok(()));
    let judge = |claims| hmac.verify(claims, &signed, b"x", NOW_S);
    assert_eq!(judge(Claims { id: None, ..CLAIMS }), Err(Refusal::Id));
    assert_eq!(
        judge(Claims {
            id: Some("m|1"),
            ..CLAIMS
        }),
        Err(Refusal::Id)
    );
    assert_eq!(
        judge(Claims {
            timestamp: None,
            ..CLAIMS
        }),
        Err(Refusal::Timestamp)
    );
    assert_eq!(
        judge(Claims {
            timestamp: Some("soon"),
            ..CLAIMS
        }),
        Err(Refusal::Timestamp)
    );
    assert_eq!(
        judge(Claims {
            id: Some("m2"),
            ..CLAIMS
        }),
        Err(Refusal::Mismatch)
    );
    assert_eq!(
        judge(Claims {
            timestamp: Some("1531420619"),
            ..CLAIMS
        }),
        Err(Refusal::Mismatch)
    );
}

#[test]
fn the_boundary_beside_an_id_cannot_be_moved() {
    let id_last = vec![Part::Body, literal("."), Part::Id];
    let id_first = vec![Part::Id, literal("||"), Part::Body];
    // Content, what was signed, and another message with the same signed bytes.
    let cases = [
        (id_last, ("m1", "a.b"), ("b.m1", "a")),
        (id_first, ("a", "|b"), ("a|", "b")),
    ];
    for (content, (id, body), (other_id, other_body)) in cases {
        let hmac = Hmac::new(
            Scheme {
                content,
                ..github()
            },
            &["key"],
        )
        .unwrap();
        let claims = |id| Claims {
            id: Some(id),
            timestamp: None,
        };
        let signed = hmac.sign(claims(id), body.as_bytes()).unwrap();
        assert_eq!(hmac.verify(claims(id), &signed, body.as_bytes(), 0), Ok(()));
        let moved = hmac.verify(claims(other_id), &signed, other_body.as_bytes(), 0);
        assert_eq!(moved, Err(Refusal::Id), "{other_id} {other_body}");
    }
}

#[test]
fn schemes_that_make_no_sense_are_refused() {
    let of = |content: Vec<Part>| {
        Hmac::new(
            Scheme {
                content,
                ..github()
            },
            &["key"],
        )
        .unwrap_err()
    };
    assert_eq!(of(vec![]), SchemeError::Body);
    assert_eq!(of(vec![Part::Timestamp]), SchemeError::Body);
    assert_eq!(
        of(vec![Part::Body, literal("."), Part::Body]),
        SchemeError::Body
    );
    assert_eq!(of(vec![Part::Body, literal("")]), SchemeError::Parts);
    assert_eq!(
        of([vec![literal("."); 16], vec![Part::Body]].concat()),
        SchemeError::Parts
    );
    for touching in [
        vec![Part::Id, Part::Body],
        vec![Part::Body, Part::Id],
        vec![Part::Timestamp, Part::Id, literal("."), Part::Body],
    ] {
        assert_eq!(of(touching), SchemeError::Separator);
    }
    let timed = Scheme {
        tolerance_s: Some(300),
        ..github()
    };
    assert_eq!(
        Hmac::new(timed, &["key"]).unwrap_err(),
        SchemeError::Tolerance
    );
    let negative = Scheme {
        tolerance_s: Some(-1),
        ..slack()
    };
    assert_eq!(
        Hmac::new(negative, &["key"]).unwrap_err(),
        SchemeError::Tolerance
    );
    for keys in [&[][..], &[""], &["good", " \t"]] {
        assert_eq!(
            Hmac::new(github(), keys).unwrap_err(),
            SchemeError::Key(KeyError::Blank)
        );
    }
    let shown = format!("{:?}", Hmac::new(github(), &["hunter2"]).unwrap());
    assert!(shown.contains("***") && !shown.contains("hunter2"));
}

proptest! {
    #[test]
    fn what_was_signed_verifies_in_any_pieces(body in any::<Vec<u8>>(), piece in 1usize..64) {
        for scheme in [github(), slack(), with_tail()] {
            let hmac = Hmac::new(scheme, &["other", "key"]).unwrap();
            let signed = hmac.sign(CLAIMS, &body).unwrap();
            let mut verifier = hmac.verifier(CLAIMS, &signed, NOW_S).unwrap();
            body.chunks(piece).for_each(|piece| verifier.update(piece));
            prop_assert_eq!(verifier.finish(), Ok(()));
        }
    }

    #[test]
    fn any_flipped_byte_is_refused(body in any::<Vec<u8>>(), at in 0usize..1000, bit in 0u8..5) {
        for scheme in [github(), slack(), with_tail()] {
            let hmac = Hmac::new(scheme, &["key"]).unwrap();
            let signed = hmac.sign(CLAIMS, &body).unwrap();
            let mut bytes = signed.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            prop_assert!(hmac.verify(CLAIMS, &flipped, &body, NOW_S).is_err());
            let mut longer = body.clone();
            longer.push(0);
            prop_assert_eq!(hmac.verify(CLAIMS, &signed, &longer, NOW_S), Err(Refusal::Mismatch));
        }
    }

    #[test]
    fn hostile_values_never_verify(id in ".*", timestamp in ".*", signature in ".*") {
        let hmac = Hmac::new(with_tail(), &["key"]).unwrap();
        let claims = Claims { id: Some(&id), timestamp: Some(&timestamp) };
        prop_assert!(hmac.verify(claims, &signature, b"", NOW_S).is_err());
        prop_assert!(hmac.verify(CLAIMS, &signature, b"", NOW_S).is_err());
    }
}
