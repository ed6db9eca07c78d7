//! Whatever somebody writes: either it is refused, or nobody without a credential is let in, but
//! where `none` stands alone.

use serde_json::{Value, json};

use super::*;

const SCHEMES: [AuthScheme; 10] = [
    AuthScheme::Secret,
    AuthScheme::StandardWebhooks,
    AuthScheme::Hmac,
    AuthScheme::Ed25519,
    AuthScheme::Ecdsa,
    AuthScheme::Basic,
    AuthScheme::Bearer,
    AuthScheme::Jwt,
    AuthScheme::Mtls,
    AuthScheme::None,
];

/// What stands beside the names of the schemes.
#[derive(Clone, Debug)]
struct Beside {
    keys: Vec<String>,
    user: String,
    jwks: Option<String>,
    names: Vec<String>,
    there: u8,
}

fn read<T: serde::de::DeserializeOwned>(there: bool, value: Value) -> Option<T> {
    there.then(|| serde_json::from_value(value).unwrap())
}

fn build(schemes: &[AuthScheme], texts: &[String], beside: &Beside) -> Option<Authenticator> {
    let auth = AuthSettings::new(schemes.to_vec());
    let bit = |n: u8| beside.there & (1 << n) != 0;
    let keys = json!({ "public_keys": beside.keys });
    let signing = json!({ "public_keys": beside.keys, "header": "x-sig" });
    let webhooks = read(bit(0), keys);
    let hmac = read(bit(1), json!({ "header": "x-sig" }));
    let (ed25519, ecdsa) = (read(bit(2), signing.clone()), read(bit(3), signing));
    let basic = read(bit(4), json!({ "user": beside.user }));
    let jwt = json!({ "issuer": beside.user, "audience": beside.user, "jwks_url": beside.jwks });
    let jwt = read(bit(5), jwt);
    let mtls = read(bit(6), json!({ "names": beside.names }));
    let rules = AuthRules {
        allow_from: None,
        secret_in_query: bit(7),
        standard_webhooks: webhooks.as_ref(),
        hmac: hmac.as_ref(),
        ed25519: ed25519.as_ref(),
        ecdsa: ecdsa.as_ref(),
        basic: basic.as_ref(),
        jwt: jwt.as_ref(),
        mtls: mtls.as_ref(),
        ..rules(&auth)
    };
    // A blank text is no secret to begin with.
    let secrets = texts
        .iter()
        .filter_map(|text| Secret::new(text.clone()).ok());
    let secrets: Vec<DatedSecret> = secrets.map(DatedSecret::always).collect();
    Authenticator::new(rules, &secrets).ok()
}

fn beside() -> impl Strategy<Value = Beside> {
    let key = prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("whpk_".to_owned()),
        Just("00".repeat(32)),
        Just("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".to_owned()),
        ".{0,20}",
    ];
    let jwks = prop_oneof![
        Just(None),
        Just(Some(String::new())),
        Just(Some("https://id.example.com/keys".to_owned())),
    ];
    let keys = proptest::collection::vec(key, 0..3);
    let names = proptest::collection::vec(
        prop_oneof![
            Just(String::new()),
            Just("*".to_owned()),
            Just("a".to_owned())
        ],
        0..2,
    );
    let user = prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("me".to_owned())
    ];
    (keys, user, jwks, names, any::<u8>()).prop_map(|(keys, user, jwks, names, there)| Beside {
        keys,
        user,
        jwks,
        names,
        there,
    })
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(" \t".to_owned()),
        Just("whsec_".to_owned()),
        Just(WHSEC.to_owned()),
        Just(PLAIN.to_owned()),
    ]
}

/// What a caller who knows nothing may send.
fn nothing() -> Vec<HeaderMap> {
    let empty_mac = "v1,R7W3Vv0xfJgYI2Rz7yGkYqMTyRgUcV6WmMi5VhQmzJM=";
    vec![
        HeaderMap::new(),
        headers(&[("authorization", "Bearer ")]),
        headers(&[("authorization", "Bearer e30.e30.")]),
        headers(&[("authorization", &basic("", ""))]),
        headers(&[("authorization", &basic("me", ""))]),
        headers(&[("x-tieline-secret", "")]),
        headers(&[("x-sig", "")]),
        headers(&[("x-sig", &"00".repeat(32))]),
        headers(&[
            ("webhook-id", "m"),
            ("webhook-timestamp", "0"),
            ("webhook-signature", empty_mac),
        ]),
    ]
}

proptest! {
    #[test]
    fn without_a_credential_nobody_is_let_in_whatever_the_settings_are(
        schemes in proptest::collection::vec(proptest::sample::select(&SCHEMES[..]), 0..4),
        texts in proptest::collection::vec(secret(), 0..3),
        beside in beside(),
    ) {
        let Some(authenticator) = build(&schemes, &texts, &beside) else {
            return Ok(());
        };
        let open = schemes == [AuthScheme::None];
        prop_assert_eq!(authenticator.is_open(), open);
        for headers in nothing() {
            for method in [Method::GET, Method::POST] {
                let head = Head { method: &method, headers: &headers, query: "secret=", peer: None };
                let now = Timestamp::default();
                let admitted = match authenticator.begin(&head, now) {
                    Decision::Admit(_) => true,
                    Decision::Verify(verifier) => verifier.finish(b"").is_ok(),
                    Decision::NeedsKeys(_) | Decision::Refuse(_) => false,
                };
                prop_assert_eq!(admitted, open, "{:?}", headers);
                prop_assert!(!authenticator.knows_secret(&head, now));
            }
        }
    }
}
