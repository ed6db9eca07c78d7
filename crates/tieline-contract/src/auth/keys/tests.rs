//! An issuer on loopback, and a clock that the tests set: how old keys may be, and who can have the
//! hub ask for others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tieline_egress::{Limits, Policy};
use tieline_model::Trust;
use tieline_signature::ed25519::SecretKey;

use super::super::{AuthRules, AuthScheme, AuthSettings, Authenticator, Decision, Head};
use super::*;

// As the manual says.
const TEN_MINUTES: Duration = Duration::from_mins(10);
const A_DAY: Duration = Duration::from_hours(24);
const TEN_SECONDS: Duration = Duration::from_secs(10);
const ISSUER: &str = "https://id.example.com";

/// Who publishes keys, and counts who asks. It serves until the process ends.
struct Issuer {
    address: SocketAddr,
    /// `None` while it is away: it then answers with a 503.
    published: Arc<std::sync::Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn publishing(keys: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap(),
            published: Arc::new(std::sync::Mutex::new(Some(keys))),
            asked: Arc::default(),
        };
        let (published, asked) = (Arc::clone(&issuer.published), Arc::clone(&issuer.asked));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut line = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while line != "\r\n" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let (status, body) = match &*published.lock().unwrap() {
                    Some(keys) => ("200 OK", keys.to_string()),
                    None => ("503 Service Unavailable", String::new()),
                };
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        issuer
    }

    fn publish(&self, keys: impl Into<Option<Value>>) {
        *self.published.lock().unwrap() = keys.into();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A hub's door, as far as it matters here.
struct Door {
    authenticator: Authenticator,
    client: Client,
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Welcome,
    Refused,
    /// A 503: it cannot be told.
    Later,
}

impl Door {
    fn to(issuer: &Issuer) -> Self {
        let settings = json!({
            "issuer": ISSUER, "audience": "hub",
            "jwks_url": format!("http://{}/keys", issuer.address),
        });
        let settings = serde_json::from_value(settings).unwrap();
        let auth = AuthSettings::new(vec![AuthScheme::Jwt]);
        let rules = AuthRules {
            jwt: Some(&settings),
            ..AuthRules::of(&auth)
        };
        let here = Policy::Outside {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
        };
        Self {
            authenticator: Authenticator::new(rules, &[]).unwrap(),
            client: Client::new(here, Limits::default()),
        }
    }

    /// Judges a token by what is known.
    fn begin(&self, token: &str, now: Timestamp) -> Decision {
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
        let head = Head {
            method: &Method::POST,
            headers: &headers,
            query: "",
            peer: None,
        };
        self.authenticator.begin(&head, now)
    }

    /// Judges a token as the ingress does.
    async fn tell(&self, token: &str, now: Timestamp) -> Told {
        let mut decision = self.begin(token, now);
        if let Decision::NeedsKeys(keys) = &decision {
            // What became of it shows in what can be judged now.
            keys.source.refresh(&self.client, now).await.ok();
            decision = self.begin(token, now);
        }
        match decision {
            Decision::Admit(Trust::Verified) => Told::Welcome,
            Decision::Refuse(_) => Told::Refused,
            Decision::NeedsKeys(_) => Told::Later,
            other => panic!("{other:?}"),
        }
    }
}

/// The last moment before so long has gone by.
fn until(span: Duration) -> Duration {
    span.checked_sub(Duration::from_millis(1)).unwrap()
}

fn start() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

fn private(n: u8) -> SecretKey {
    SecretKey::from_seed(&[n; 32])
}

/// A set with key `n` under a name.
fn set(n: u8, kid: &str) -> Value {
    let public = URL_SAFE_NO_PAD.encode(private(n).public_key().as_bytes());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": public }] })
}

/// A token by key `n` that is good for many days.
fn token(n: u8, kid: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "alg": "EdDSA", "kid": kid }));
    let claims = part(json!({ "iss": ISSUER, "aud": "hub", "exp": 1_900_000_000 }));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(private(n).sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn keys_are_used_for_ten_minutes_and_one_that_was_withdrawn_no_longer() {
    let issuer = Issuer::publishing(set(1, "a"));
    let door = Door::to(&issuer);
    let old = token(1, "a");
    assert_eq!(door.tell(&old, start()).await, Told::Welcome);
    // The same name for another key, so that no token asks for it by its name.
    issuer.publish(set(2, "a"));
    for after in [TEN_SECONDS, TEN_MINUTES / 2, until(TEN_MINUTES)] {
        let told = door.tell(&old, start().plus(after)).await;
        assert_eq!(told, Told::Welcome, "{after:?}");
    }
    assert_eq!(issuer.asked(), 1);
    let due = start().plus(TEN_MINUTES);
    assert_eq!(door.tell(&old, due).await, Told::Refused);
    assert_eq!(door.tell(&token(2, "a"), due).await, Told::Welcome);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn keys_that_are_due_let_in_still_and_one_that_was_withdrawn_does_not() {
    let issuer = Issuer::publishing(set(1, "a"));
    let door = Door::to(&issuer);
    let old = token(1, "a");
    let lets_in = |now| match door.begin(&old, now) {
        Decision::NeedsKeys(keys) => Some(keys.lets_in),
        _ => None,
    };
    assert_eq!(lets_in(start()), Some(false), "none are known");
    assert_eq!(door.tell(&old, start()).await, Told::Welcome);
    assert_eq!(lets_in(start()), None);
    let due = start().plus(TEN_MINUTES);
    assert_eq!(lets_in(due), Some(true));
    issuer.publish(set(2, "b"));
    assert_eq!(door.tell(&token(2, "b"), due).await, Told::Welcome);
    assert_eq!(lets_in(due.plus(TEN_SECONDS)), Some(false));
}

#[tokio::test]
async fn keys_of_an_issuer_that_is_away_are_good_for_a_day_and_no_longer() {
    let issuer = Issuer::publishing(set(1, "a"));
    let door = Door::to(&issuer);
    let token = token(1, "a");
    assert_eq!(door.tell(&token, start()).await, Told::Welcome);
    issuer.publish(None);
    for (times, after) in [TEN_MINUTES, TEN_MINUTES * 2, A_DAY / 2, until(A_DAY)]
        .into_iter()
        .enumerate()
    {
        let now = start().plus(after);
        for _ in 0..2 {
            assert_eq!(door.tell(&token, now).await, Told::Welcome, "{after:?}");
        }
        // It is asked each time, and once.
        assert_eq!(issuer.asked(), times + 2, "{after:?}");
    }
    let over = start().plus(A_DAY);
    for after in [Duration::ZERO, TEN_SECONDS] {
        assert_eq!(door.tell(&token, over.plus(after)).await, Told::Later);
    }
    issuer.publish(set(1, "a"));
    // It was asked a moment ago.
    let soon = over.plus(until(TEN_SECONDS * 2));
    assert_eq!(door.tell(&token, soon).await, Told::Later);
    let back = over.plus(TEN_SECONDS * 2);
    assert_eq!(door.tell(&token, back).await, Told::Welcome);
}

#[tokio::test]
async fn names_of_keys_that_are_not_known_have_the_hub_ask_once_in_ten_seconds() {
    let issuer = Issuer::publishing(set(1, "a"));
    let door = Door::to(&issuer);
    let known = token(1, "a");
    assert_eq!(door.tell(&known, start()).await, Told::Welcome);
    let forged: Vec<_> = (0..50).map(|n| token(9, &format!("forged-{n}"))).collect();
    let mut asked = 1;
    for (after, asks) in [
        (Duration::ZERO, false),
        (until(TEN_SECONDS), false),
        (TEN_SECONDS, true),
        (until(TEN_SECONDS * 2), false),
        (TEN_SECONDS * 2, true),
        (TEN_SECONDS * 30, true),
    ] {
        let now = start().plus(after);
        let told = join_all(forged.iter().map(|token| door.tell(token, now))).await;
        assert!(told.iter().all(|told| *told == Told::Refused), "{told:?}");
        asked += usize::from(asks);
        assert_eq!(issuer.asked(), asked, "{after:?}");
        assert_eq!(door.tell(&known, now).await, Told::Welcome);
    }
    // Who has a new key need not wait longer than that.
    issuer.publish(set(2, "b"));
    let now = start().plus(TEN_SECONDS * 31);
    assert_eq!(door.tell(&token(2, "b"), now).await, Told::Welcome);
}

#[tokio::test]
async fn an_issuer_that_is_away_is_asked_once_in_ten_seconds_whoever_calls() {
    let issuer = Issuer::publishing(set(1, "a"));
    issuer.publish(None);
    let door = Door::to(&issuer);
    let tokens: Vec<_> = (0..50).map(|n| token(n, &format!("{n}"))).collect();
    for (after, asked) in [
        (Duration::ZERO, 1),
        (until(TEN_SECONDS), 1),
        (TEN_SECONDS, 2),
        (until(TEN_SECONDS * 2), 2),
    ] {
        let now = start().plus(after);
        let told = join_all(tokens.iter().map(|token| door.tell(token, now))).await;
        assert!(told.iter().all(|told| *told == Told::Later), "{told:?}");
        assert_eq!(issuer.asked(), asked, "{after:?}");
    }
    // A clock that was set back keeps nobody waiting.
    issuer.publish(set(1, "a"));
    let before = start().minus(Duration::from_hours(1));
    assert_eq!(door.tell(&token(1, "a"), before).await, Told::Welcome);
}
