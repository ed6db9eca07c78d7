//! Basic, Bearer, certificates, and where callers may come from.

use serde_json::json;

use super::*;

fn at_peer(
    authenticator: &Authenticator,
    headers: &HeaderMap,
    peer: Option<&Peer>,
) -> Result<Trust, Refused> {
    let head = Head {
        method: &Method::POST,
        headers,
        query: "",
        peer,
    };
    match authenticator.begin(&head, Timestamp::default()) {
        Decision::Admit(trust) => Ok(trust),
        Decision::Refuse(refused) => Err(refused),
        Decision::Verify(_) | Decision::NeedsKeys(_) => panic!("the head says it all"),
    }
}

#[test]
fn basic_needs_the_user_and_the_secret_and_takes_them_nowhere_else() {
    let settings: BasicSettings = serde_json::from_value(json!({ "user": "billing" })).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::Basic]);
    let rules = AuthRules {
        basic: Some(&settings),
        ..rules(&auth)
    };
    let authenticator = Authenticator::new(rules, &secrets(&[PLAIN])).unwrap();
    let good = judge_head(
        &authenticator,
        &[("authorization", &basic("billing", PLAIN))],
    );
    assert_eq!(good.unwrap().trust, Trust::Secret);
    for (name, value) in [
        ("authorization", basic("Billing", PLAIN)),
        ("authorization", basic("", PLAIN)),
        ("authorization", basic("billing", "")),
        ("authorization", basic("billing", &PLAIN.to_uppercase())),
        (
            "authorization",
            basic("billing", PLAIN.strip_suffix('h').unwrap()),
        ),
        ("authorization", format!("Bearer {PLAIN}")),
        ("x-tieline-secret", PLAIN.to_owned()),
    ] {
        let judged = judge_head(&authenticator, &[(name, &value)]);
        assert!(judged.is_err(), "{name}: {value}");
    }
    for user in ["", "a:b", "a\nb"] {
        let settings = BasicSettings {
            user: user.to_owned(),
        };
        let rules = AuthRules {
            basic: Some(&settings),
            ..super::rules(&auth)
        };
        let problems = Authenticator::new(rules, &secrets(&[PLAIN])).unwrap_err();
        let path = &problems.iter().next().unwrap().path;
        assert_eq!(path, "basic.user", "{user:?}");
    }
}

#[test]
fn bearer_takes_the_secret_there_alone() {
    let auth = AuthSettings::new(vec![AuthScheme::Bearer]);
    let authenticator = Authenticator::new(rules(&auth), &secrets(&[PLAIN])).unwrap();
    let good = judge_head(
        &authenticator,
        &[("authorization", &format!("Bearer {PLAIN}"))],
    );
    assert_eq!(good.unwrap().trust, Trust::Secret);
    for (name, value) in [
        ("authorization", basic("", PLAIN)),
        ("authorization", format!("Bearer {PLAIN}x")),
        ("authorization", "Bearer".to_owned()),
        ("x-tieline-secret", PLAIN.to_owned()),
    ] {
        assert!(
            judge_head(&authenticator, &[(name, &value)]).is_err(),
            "{value}"
        );
    }
}

fn mtls(settings: serde_json::Value) -> Result<Authenticator, Problems> {
    let settings: MtlsSettings = serde_json::from_value(settings).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::Mtls]);
    let rules = AuthRules {
        mtls: Some(&settings),
        ..rules(&auth)
    };
    Authenticator::new(rules, &[])
}

fn holder(fingerprint: u8, names: &[&str]) -> Peer {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let mut peer = Peer::new([192, 0, 2, 1].into());
    peer.certificate = Some(ClientCertificate {
        fingerprint: [fingerprint; 32],
        names,
    });
    peer
}

#[test]
fn a_certificate_is_good_by_a_whole_name_or_by_its_fingerprint() {
    let fingerprint = ["AB"; 32].join(":");
    let authenticator = mtls(json!({
        "names": ["billing.example.com", "spiffe://example.com/Billing"],
        "fingerprints": [fingerprint],
    }))
    .unwrap();
    let none = HeaderMap::new();
    for good in [
        holder(0xab, &[]),
        holder(1, &["other", "billing.example.com"]),
        holder(1, &["BILLING.example.com"]),
        holder(1, &["spiffe://example.com/Billing"]),
    ] {
        let judged = at_peer(&authenticator, &none, Some(&good));
        assert_eq!(judged, Ok(Trust::Verified), "{good:?}");
    }
    for bad in [
        holder(0xaa, &[]),
        holder(
            1,
            &[
                "abilling.example.com",
                "billing.example.com.evil.example",
                "*.example.com",
            ],
        ),
        holder(1, &["spiffe://example.com/billing"]),
    ] {
        let judged = at_peer(&authenticator, &none, Some(&bad));
        assert_eq!(judged, Err(Refused::Certificate), "{bad:?}");
    }
    let bare = Peer::new([192, 0, 2, 1].into());
    assert_eq!(
        at_peer(&authenticator, &none, Some(&bare)),
        Err(Refused::Missing)
    );
    assert_eq!(at_peer(&authenticator, &none, None), Err(Refused::Missing));
}

#[test]
fn without_a_name_or_a_fingerprint_that_is_one_no_certificate_is_taken() {
    for (settings, path) in [
        (json!({}), "mtls"),
        (json!({ "names": [""] }), "mtls.names[0]"),
        (json!({ "names": ["*.example.com"] }), "mtls.names[0]"),
        (json!({ "fingerprints": [""] }), "mtls.fingerprints[0]"),
        (
            json!({ "fingerprints": ["ab".repeat(31)] }),
            "mtls.fingerprints[0]",
        ),
    ] {
        let problems = mtls(settings.clone()).unwrap_err();
        assert!(
            problems.iter().any(|one| one.path == path),
            "{settings}: {problems}"
        );
    }
}

#[test]
fn a_network_narrows_every_scheme_and_replaces_none() {
    let allowed = ["10.0.0.1".to_owned()];
    let near = Peer::new([10, 0, 0, 1].into());
    let far = Peer::new([110, 0, 0, 1].into());
    let none = HeaderMap::new();
    let known = headers(&[("x-tieline-secret", PLAIN)]);
    let build = |auth: &AuthSettings| {
        let rules = AuthRules {
            allow_from: Some(&allowed),
            ..rules(auth)
        };
        Authenticator::new(rules, &secrets(&[PLAIN])).unwrap()
    };
    let closed = build(&AuthSettings::default());
    assert_eq!(at_peer(&closed, &known, Some(&near)), Ok(Trust::Secret));
    assert_eq!(at_peer(&closed, &none, Some(&near)), Err(Refused::Missing));
    assert_eq!(at_peer(&closed, &known, Some(&far)), Err(Refused::Network));
    assert_eq!(at_peer(&closed, &known, None), Err(Refused::Network));
    let open = build(&AuthSettings::new(vec![AuthScheme::None]));
    assert_eq!(at_peer(&open, &none, Some(&near)), Ok(Trust::Open));
    assert_eq!(at_peer(&open, &none, Some(&far)), Err(Refused::Network));
    assert_eq!(at_peer(&open, &none, None), Err(Refused::Network));
    // Reading is calling, too.
    let may_read = |authenticator: &Authenticator, peer| {
        let head = Head {
            method: &Method::GET,
            headers: &known,
            query: "",
            peer: Some(peer),
        };
        authenticator.may_read(&head, Timestamp::default())
    };
    for authenticator in [&closed, &open] {
        assert!(may_read(authenticator, &near));
        assert!(!may_read(authenticator, &far));
    }
}

#[test]
fn of_several_schemes_one_suffices() {
    let settings: MtlsSettings = serde_json::from_value(json!({ "names": ["a"] })).unwrap();
    let auth = AuthSettings::new(vec![AuthScheme::Bearer, AuthScheme::Mtls]);
    let rules = AuthRules {
        mtls: Some(&settings),
        ..rules(&auth)
    };
    let authenticator = Authenticator::new(rules, &secrets(&[PLAIN])).unwrap();
    let known = headers(&[("authorization", &format!("Bearer {PLAIN}"))]);
    let wrong = headers(&[("authorization", "Bearer wrong")]);
    let (good, bad) = (holder(1, &["a"]), holder(1, &["b"]));
    assert_eq!(
        at_peer(&authenticator, &known, Some(&bad)),
        Ok(Trust::Secret)
    );
    assert_eq!(
        at_peer(&authenticator, &wrong, Some(&good)),
        Ok(Trust::Verified)
    );
    assert_eq!(
        at_peer(&authenticator, &wrong, Some(&bad)),
        Err(Refused::Certificate)
    );
}
