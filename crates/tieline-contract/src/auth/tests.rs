mod closed;
mod dated;
mod hmac;
mod identity;
mod jwt;
mod replay;
mod settings;
mod signing;
mod standard_webhooks;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use proptest::prelude::*;
use tieline_model::Secret;

use super::*;

/// The example secret of the Standard Webhooks libraries.
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PLAIN: &str = "a plain secret, long enough";

fn secrets(texts: &[&str]) -> Vec<DatedSecret> {
    let secret = |text: &&str| Secret::new(*text).unwrap().into();
    texts.iter().map(secret).collect()
}

fn rules(auth: &AuthSettings) -> AuthRules<'_> {
    AuthRules::of(auth)
}

fn authenticator(texts: &[&str]) -> Authenticator {
    Authenticator::new(rules(&AuthSettings::default()), &secrets(texts)).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

/// Judges a POST as the ingress does: head, body in pieces, end.
fn judge(
    authenticator: &Authenticator,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<Admitted, Refused> {
    let head = Head {
        method: &Method::POST,
        headers,
        query: "",
        peer: None,
    };
    match authenticator.begin(&head, now) {
        Decision::Admit(trust) => Ok(Admitted {
            trust,
            signed: None,
        }),
        Decision::Verify(mut verifier) => {
            body.chunks(3).for_each(|piece| verifier.update(piece));
            verifier.finish(body)
        }
        Decision::NeedsKeys(_) => panic!("no keys are to be had here"),
        Decision::Refuse(refused) => Err(refused),
    }
}

fn judge_head(
    authenticator: &Authenticator,
    pairs: &[(&'static str, &str)],
) -> Result<Admitted, Refused> {
    judge(authenticator, &headers(pairs), b"", Timestamp::default())
}

fn reads(authenticator: &Authenticator, headers: &HeaderMap) -> bool {
    let head = Head {
        method: &Method::GET,
        headers,
        query: "",
        peer: None,
    };
    authenticator.knows_secret(&head, Timestamp::default())
}

fn id_of(admitted: &Admitted) -> Option<&str> {
    match &admitted.signed.as_ref()?.identity {
        Identity::Id(id) => Some(id),
        Identity::Content(_) => None,
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[test]
fn the_secret_is_admitted_from_every_place_it_may_stand() {
    let authenticator = authenticator(&[PLAIN]);
    let places = [
        ("authorization", format!("Bearer {PLAIN}")),
        ("authorization", format!("bearer  {PLAIN}")),
        ("authorization", basic("", PLAIN)),
        ("authorization", basic("anyone", PLAIN)),
        (
            "authorization",
            basic("x", PLAIN).trim_end_matches('=').to_owned(),
        ),
        ("x-tieline-secret", PLAIN.to_owned()),
    ];
    for (name, value) in places {
        let admitted = judge_head(&authenticator, &[(name, &value)]).unwrap();
        assert_eq!(admitted.trust, Trust::Secret, "{name}: {value}");
        assert_eq!(admitted.signed, None);
    }
}

#[test]
fn anything_but_the_whole_secret_is_refused() {
    let authenticator = authenticator(&[PLAIN]);
    let cut = PLAIN.strip_suffix('h').unwrap();
    let wrong = [
        ("authorization", format!("Bearer {cut}")),
        ("authorization", format!("Bearer {PLAIN}h")),
        ("authorization", format!("Bearer {}", PLAIN.to_uppercase())),
        ("authorization", "Bearer ".to_owned()),
        ("authorization", PLAIN.to_owned()),
        ("authorization", format!("Digest {PLAIN}")),
        ("authorization", basic(PLAIN, "")),
        ("authorization", format!("Basic {PLAIN}")),
        ("authorization", format!("Bearer {}", "x".repeat(5000))),
        ("x-tieline-secret", cut.to_owned()),
        ("x-tieline-secret", String::new()),
        ("x-secret", PLAIN.to_owned()),
    ];
    for (name, value) in wrong {
        assert!(
            judge_head(&authenticator, &[(name, &value)]).is_err(),
            "{name}: {value}"
        );
    }
    assert_eq!(judge_head(&authenticator, &[]), Err(Refused::Missing));
    let wrong = judge_head(&authenticator, &[("x-tieline-secret", "wrong")]);
    assert_eq!(wrong, Err(Refused::Wrong));
}

#[test]
fn a_header_that_carries_a_credential_may_not_come_twice() {
    let authenticator = authenticator(&[WHSEC]);
    let bearer = format!("Bearer {WHSEC}");
    let twice: [&[_]; 3] = [
        &[("authorization", &*bearer), ("authorization", &*bearer)],
        &[("x-tieline-secret", WHSEC), ("x-tieline-secret", "other")],
        &[("webhook-signature", "v1,a"), ("webhook-signature", "v1,b")],
    ];
    for pairs in twice {
        assert_eq!(judge_head(&authenticator, pairs), Err(Refused::Repeated));
    }
}

#[test]
fn every_secret_of_a_rotation_is_good() {
    let authenticator = authenticator(&["the newest secret of them", "the older secret of them"]);
    for secret in ["the newest secret of them", "the older secret of them"] {
        assert!(judge_head(&authenticator, &[("x-tieline-secret", secret)]).is_ok());
    }
    let both = judge_head(
        &authenticator,
        &[("x-tieline-secret", "the oldest secret of them")],
    );
    assert_eq!(both, Err(Refused::Wrong));
}

#[test]
fn the_query_counts_only_where_it_is_allowed() {
    let auth = AuthSettings::default();
    let allowed = AuthRules {
        secret_in_query: true,
        ..rules(&auth)
    };
    let allowed = Authenticator::new(allowed, &secrets(&[PLAIN])).unwrap();
    let forbidden = authenticator(&[PLAIN]);
    let good = "a=1&secret=a+plain+secret%2C%20long%20enough&b=2";
    let admits = |authenticator: &Authenticator, query| {
        let head = Head {
            method: &Method::GET,
            headers: &HeaderMap::new(),
            query,
            peer: None,
        };
        let admitted = matches!(
            authenticator.begin(&head, Timestamp::default()),
            Decision::Admit(Trust::Secret)
        );
        assert_eq!(
            admitted,
            authenticator.knows_secret(&head, Timestamp::default())
        );
        admitted
    };
    assert!(admits(&allowed, good));
    assert!(!admits(&forbidden, good));
    for bad in [
        "",
        "secret=",
        "secret=x",
        "secret",
        &format!("{good}&{good}"),
    ] {
        assert!(!admits(&allowed, bad), "{bad}");
    }
}

#[test]
fn the_query_is_kept_without_the_secret() {
    let cases = [
        ("", ""),
        ("secret=x", ""),
        ("a=1&secret=x&b=%20&b=3", "a=1&b=%20&b=3"),
        ("%73ecret=x&a", "a"),
        ("secret&a=secret", "a=secret"),
        ("secrets=1&Secret=2", "secrets=1&Secret=2"),
    ];
    for (query, kept) in cases {
        assert_eq!(query_without_secret(query), kept, "{query}");
    }
}

#[test]
fn an_open_endpoint_admits_anyone_and_nobody_reads() {
    let auth = AuthSettings::new(vec![AuthScheme::None]);
    let open = Authenticator::new(rules(&auth), &[]).unwrap();
    assert!(open.is_open());
    assert_eq!(judge_head(&open, &[]).unwrap().trust, Trust::Open);
    assert!(!reads(&open, &headers(&[("authorization", "Bearer ")])));
    assert!(!authenticator(&[PLAIN]).is_open());
}

#[test]
fn nothing_that_is_printed_shows_a_secret() {
    let auth = AuthSettings::new(vec![AuthScheme::Secret, AuthScheme::StandardWebhooks]);
    let shown = format!(
        "{:?}",
        Authenticator::new(rules(&auth), &secrets(&[WHSEC])).unwrap()
    );
    assert!(!shown.contains("MfKQ9r8G"), "{shown}");
    assert!(shown.contains("***"), "{shown}");
}

#[test]
fn headers_with_credentials_are_known() {
    let authenticator = authenticator(&[WHSEC]);
    for name in [
        "authorization",
        "x-tieline-secret",
        "cookie",
        "proxy-authorization",
        "webhook-signature",
    ] {
        assert!(
            authenticator.is_credential(&HeaderName::from_static(name)),
            "{name}"
        );
    }
    for name in ["webhook-id", "content-type", "idempotency-key"] {
        assert!(
            !authenticator.is_credential(&HeaderName::from_static(name)),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn no_credential_makes_it_panic_or_pass(
        authorization in proptest::collection::vec(0x20_u8..=0xff, 0..80),
        signature in proptest::option::of("[ -~]{0,80}"),
        query in ".{0,60}",
    ) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&authorization) {
            headers.insert("authorization", value);
        }
        if let Some(signature) = signature {
            headers.insert("webhook-signature", HeaderValue::from_str(&signature).unwrap());
            headers.insert("webhook-id", HeaderValue::from_static("x"));
            headers.insert("webhook-timestamp", HeaderValue::from_static("0"));
        }
        let judged = judge(&authenticator(&[WHSEC]), &headers, b"x", Timestamp::default());
        prop_assert!(judged.is_err());
        let kept = query_without_secret(&query);
        prop_assert!(form_urlencoded::parse(kept.as_bytes()).all(|(name, _)| name != "secret"));
    }
}
