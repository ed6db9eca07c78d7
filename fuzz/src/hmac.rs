//! HMAC in the forms that senders use: nothing is accepted but what the key signed, and no other
//! message has the same signature.
//!
//! Lines: the id, the timestamp, the signature; then the body.

use tieline_signature::hmac::{Algorithm, Claims, Encoding, Hmac, Part, Scheme};

use crate::message::Message;

const NOW_S: i64 = 1_700_000_000;

pub(crate) fn check(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    let claims = Claims {
        id: Some(message.line(0)),
        timestamp: Some(message.line(1)),
    };
    for scheme in schemes() {
        check_scheme(&scheme, claims, message.line(2), message.body);
    }
}

fn check_scheme(scheme: &Scheme, claims: Claims<'_>, signature: &str, body: &[u8]) {
    let with = |key: &[u8]| Hmac::new(scheme.clone(), &[key]).expect("the scheme is sound");
    let (right, wrong) = (with(b"a key of the sender"), with(b"another key"));
    if right.verify(claims, signature, body, NOW_S).is_ok() {
        let honest = right.sign(claims, body).expect("it was accepted");
        // Hexadecimal is read in either case.
        let same = match scheme.encoding {
            Encoding::Hex => honest.eq_ignore_ascii_case(signature),
            Encoding::Base64 => honest == signature,
        };
        assert!(same, "a forged signature was accepted");
    }
    let Ok(honest) = right.sign(claims, body) else {
        return;
    };
    let longer = [body, b"x"].concat();
    let cut = honest.get(..honest.len() - 2).unwrap_or_default();
    let refused = [
        (&wrong, &*honest, body),
        (&right, &*honest, &*longer),
        (&right, cut, body),
        (&right, &*scheme.prefix, body),
    ];
    for (hmac, signature, body) in refused {
        assert!(hmac.verify(claims, signature, body, NOW_S).is_err());
    }
    moved(&right, claims, &honest, body);
}

/// A boundary cannot be moved: the end of the id may not become a part of the body.
fn moved(hmac: &Hmac, claims: Claims<'_>, honest: &str, body: &[u8]) {
    let Some(id) = claims.id else { return };
    for (at, _) in id.char_indices().skip(1) {
        let (kept, taken) = id.split_at(at);
        let claims = Claims {
            id: Some(kept),
            ..claims
        };
        for body in [[taken.as_bytes(), body].concat(), body.to_vec()] {
            let Ok(()) = hmac.verify(claims, honest, &body, NOW_S) else {
                continue;
            };
            // Where the scheme signs no id, any id is as good as another.
            let without = Claims { id: None, ..claims };
            assert_eq!(hmac.sign(without, &body).as_deref(), Ok(honest));
        }
    }
}

/// GitHub's, Slack's, Standard Webhooks', and one of SHA-512.
fn schemes() -> [Scheme; 4] {
    let dot = || Part::Literal(".".to_owned());
    let scheme = |algorithm, encoding, prefix: &str, content| Scheme {
        algorithm,
        encoding,
        prefix: prefix.to_owned(),
        content,
        tolerance_s: None,
    };
    let slack = vec![
        Part::Literal("v0:".to_owned()),
        Part::Timestamp,
        Part::Literal(":".to_owned()),
        Part::Body,
    ];
    let all = vec![Part::Id, dot(), Part::Timestamp, dot(), Part::Body];
    let behind = vec![Part::Body, Part::Literal("|".to_owned()), Part::Id];
    [
        scheme(
            Algorithm::Sha256,
            Encoding::Hex,
            "sha256=",
            vec![Part::Body],
        ),
        Scheme {
            tolerance_s: Some(300),
            ..scheme(Algorithm::Sha256, Encoding::Hex, "v0=", slack)
        },
        scheme(Algorithm::Sha256, Encoding::Base64, "v1,", all),
        scheme(Algorithm::Sha512, Encoding::Base64, "", behind),
    ]
}
