//! Every scheme with keys of its own, told by a number: how it is set, and how a sender proves
//! itself by it.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tieline_signature::ed25519::SecretKey;
use tieline_signature::hmac::{Algorithm, Claims, Encoding, Hmac, Part, Scheme as HmacScheme};
use tieline_signature::standard_webhooks::{SigningKey, sign, sign_v1a};

/// What ECDSA signed here is fixed: OpenSSL made it.
pub(super) const BODY: &str = r#"{"amount":1}"#;

/// P-256 public keys, each with a signature over [`BODY`].
const ECDSA: [(&str, &str); 3] = [
    (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmukxkaEpg3nnvBvuTvdDoJpiIV30mGn5hP43FcDWP9/AJcrjHrCqS4eD6Cy322kl1ZoBuRvxLWBuebar9xwgVw==",
        "MEUCIBuxiuEQ+KbV9BXR9P9g25dyD1iE1Hh9VEhNe32qo2yLAiEAw8t2fyToC2UOJq5lrzFZCQdl9zD7xgIF0OV/vsaBjTk=",
    ),
    (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0rhB06ExUrdu//fZZKSmyApWNJGKeHJ9IbKlBCsx1lS1rRGOeFYi/prBVIAExtH5QCz6zTN7OIIsBX0O2IeFng==",
        "MEQCICt3PVTN1tpBUM6PIB+B1vVIPwWfiWnNl0cbwYcUaYNuAiAv/TsnakHhEfBVgyKFmsjdbvGQ04bmNX79iA8RrZDGLg==",
    ),
    (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKzc2535VopzEOUX5sL+q8u5r46ESSwweAPJt7HG72KK5YSp5pIozCH1EWdmKMG6SqkhRBmfBS8ecL3Q5xw6ZHw==",
        "MEUCIFsr8aLFMZGvKbTYte/fk/TakXKzgNXoQGtioGQtlRVjAiEA5XNtJAyf+g8t8LnKmoJFitjZZdn+f0dIkssK7yp95ow=",
    ),
];

type Headers = Vec<(String, String)>;

pub(super) struct Scheme {
    pub(super) name: &'static str,
    /// The settings of a connector that takes key `n`.
    settings: fn(u8) -> Value,
    /// The headers of a request by key `n`; the last one is the credential.
    pub(super) sign: fn(u8, &str) -> Headers,
    pub(super) trust: &'static str,
    pub(super) covers_body: bool,
}

/// Where Standard Webhooks stand in [`SCHEMES`], and HMAC.
pub(super) const WEBHOOKS: usize = 3;
pub(super) const HMAC: usize = 5;

pub(super) const SCHEMES: [Scheme; 9] = [
    Scheme {
        name: "secret",
        settings: |_| json!({ "auth": "secret" }),
        sign: |n, _| one("X-Tieline-Secret", secret(n)),
        trust: "secret",
        covers_body: false,
    },
    Scheme {
        name: "bearer",
        settings: |_| json!({ "auth": "bearer" }),
        sign: |n, _| one("Authorization", format!("Bearer {}", secret(n))),
        trust: "secret",
        covers_body: false,
    },
    Scheme {
        name: "basic",
        settings: |_| json!({ "auth": "basic", "basic": { "user": "billing" } }),
        sign: |n, _| {
            let both = STANDARD.encode(format!("billing:{}", secret(n)));
            one("Authorization", format!("Basic {both}"))
        },
        trust: "secret",
        covers_body: false,
    },
    Scheme {
        name: "webhooks",
        settings: |_| json!({ "auth": "standard-webhooks" }),
        sign: |n, body| {
            let key = SigningKey::parse(&secret(n)).unwrap();
            webhook(sign(&key, "msg_1", now_s(), body.as_bytes()))
        },
        trust: "verified",
        covers_body: true,
    },
    Scheme {
        name: "webhooks-v1a",
        settings: |n| {
            let public = private(n).public_key();
            let public = format!("whpk_{}", STANDARD.encode(public.as_bytes()));
            json!({ "auth": "standard-webhooks", "standard_webhooks": { "public_keys": [public] } })
        },
        sign: |n, body| webhook(sign_v1a(&private(n), "msg_1", now_s(), body.as_bytes())),
        trust: "verified",
        covers_body: true,
    },
    Scheme {
        name: "hmac",
        settings: |_| json!({ "auth": "hmac", "hmac": { "header": "X-Sig", "prefix": "sha256=" } }),
        sign: |n, body| one("X-Sig", mac(n, body)),
        trust: "verified",
        covers_body: true,
    },
    Scheme {
        name: "ed25519",
        settings: |n| {
            let public = STANDARD.encode(private(n).public_key().as_bytes());
            json!({ "auth": "ed25519", "ed25519": {
                "public_keys": [public], "header": "X-Sig", "encoding": "base64",
                "signed_content": "{timestamp}{body}", "timestamp_header": "X-Time",
            }})
        },
        sign: |n, body| {
            let time = now_s().to_string();
            let signature = private(n).sign(format!("{time}{body}").as_bytes());
            vec![
                ("X-Time".to_owned(), time),
                ("X-Sig".to_owned(), STANDARD.encode(signature)),
            ]
        },
        trust: "verified",
        covers_body: true,
    },
    Scheme {
        name: "ecdsa",
        settings: |n| {
            let (public, _) = ECDSA[usize::from(n)];
            json!({ "auth": "ecdsa", "ecdsa": { "public_keys": [public], "header": "X-Sig" } })
        },
        sign: |n, _| one("X-Sig", ECDSA[usize::from(n)].1.to_owned()),
        trust: "verified",
        covers_body: true,
    },
    Scheme {
        name: "jwt",
        settings: |n| {
            json!({ "auth": "jwt", "jwt": {
                "issuer": ISSUER, "audience": "hub", "jwks": key_set(n, "k"),
            }})
        },
        sign: |n, _| {
            one(
                "Authorization",
                format!("Bearer {}", token(n, "k", &claims())),
            )
        },
        trust: "verified",
        covers_body: false,
    },
];

pub(super) const ISSUER: &str = "https://id.example.com";

impl Scheme {
    pub(super) fn sibling(&self) -> String {
        format!("{}-sibling", self.name)
    }
}

/// A connector by a scheme with key `n`, as a line of a file.
pub(super) fn connector(scheme: &Scheme, name: &str, n: u8) -> String {
    let wanted = json!({
        "name": name, "type": "webhook", "mode": "inbound", "secret": secret(n),
        "agents": ["parrot"], "settings": (scheme.settings)(n),
    });
    format!("  - {wanted}\n")
}

pub(super) fn secret(n: u8) -> String {
    format!("whsec_{}", STANDARD.encode([n + 1; 32]))
}

pub(super) fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs().try_into().unwrap()
}

fn private(n: u8) -> SecretKey {
    SecretKey::from_seed(&[n + 1; 32])
}

fn one(name: &str, value: String) -> Headers {
    vec![(name.to_owned(), value)]
}

fn webhook(signature: String) -> Headers {
    vec![
        ("webhook-id".to_owned(), "msg_1".to_owned()),
        ("webhook-timestamp".to_owned(), now_s().to_string()),
        ("webhook-signature".to_owned(), signature),
    ]
}

fn mac(n: u8, body: &str) -> String {
    let scheme = HmacScheme {
        algorithm: Algorithm::Sha256,
        encoding: Encoding::Hex,
        prefix: "sha256=".to_owned(),
        content: vec![Part::Body],
        tolerance_s: None,
    };
    let hmac = Hmac::new(scheme, &[secret(n)]).unwrap();
    hmac.sign(Claims::default(), body.as_bytes()).unwrap()
}

/// What a good token says.
pub(super) fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "hub", "exp": now_s() + 300, "sub": "billing", "jti": "t-1" })
}

/// A JWK set with key `n` under a name.
pub(super) fn key_set(n: u8, kid: &str) -> Value {
    let public = URL_SAFE_NO_PAD.encode(private(n).public_key().as_bytes());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": public }] })
}

/// A token signed with key `n`.
pub(super) fn token(n: u8, kid: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(&json!({ "alg": "EdDSA", "kid": kid }));
    let signed = format!("{header}.{}", part(claims));
    let signature = URL_SAFE_NO_PAD.encode(private(n).sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}
