//! The public keys of an issuer, fetched from where it publishes them.
//!
//! This is the one part of authentication with I/O: whoever judges a request asks for keys that
//! are here, and whoever serves it fetches them. Keys that cannot be had are never done without.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::lock::Mutex;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tieline_egress::{Client, EgressError, Request, Target};
use tieline_model::Timestamp;
use tieline_signature::jwt::{Jwks, JwksError};

/// How long keys are used without asking whether there are others.
const FRESH: Duration = Duration::from_mins(10);
/// How long keys are used when nothing can be asked.
const LONGEST: Duration = Duration::from_hours(24);
/// Between two fetches, so that nobody can have the hub ask all the time.
const PAUSE: Duration = Duration::from_secs(10);
/// For one fetch: a caller waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a key set.
const MOST_BYTES: usize = 64 * 1024;

/// Where an issuer publishes its keys, and those that were found there last.
#[derive(Debug)]
pub struct KeySource {
    target: Target,
    held: ArcSwap<Held>,
    /// One fetch at a time; the others wait for what it brings.
    flight: Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    /// With the time at which they came.
    keys: Option<(Arc<Jwks>, Timestamp)>,
    /// When a fetch ended last, and whether it brought keys.
    tried: Option<(Timestamp, bool)>,
}

/// Why there are no keys. For logs; the caller learns nothing but to come again.
#[derive(Debug, thiserror::Error)]
pub enum KeysUnavailable {
    #[error("failed to fetch the keys")]
    Egress(#[from] EgressError),
    #[error("the address of the keys answered with status {0}")]
    Status(StatusCode),
    #[error("failed to read the keys")]
    Keys(#[from] JwksError),
    #[error("the keys could not be had a moment ago")]
    Lately,
}

impl KeySource {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            held: ArcSwap::default(),
            flight: Mutex::new(()),
        }
    }

    /// The keys that may be used at a moment.
    pub(super) fn keys(&self, now: Timestamp) -> Option<Arc<Jwks>> {
        let held = self.held.load();
        let (keys, since) = held.keys.as_ref()?;
        (now.since(*since) < LONGEST).then(|| Arc::clone(keys))
    }

    /// Whether the keys are due for another look, and one is allowed.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let held = self.held.load();
        let fresh = |(_, since): &(_, Timestamp)| now.since(*since) < FRESH;
        held.may_try(now) && !held.keys.as_ref().is_some_and(fresh)
    }

    /// Whether another look could bring a key that is not known: one is allowed, or the last failed.
    pub(super) fn may_know_more(&self, now: Timestamp) -> bool {
        let held = self.held.load();
        held.may_try(now) || held.tried.is_none_or(|(_, brought)| !brought)
    }

    /// Fetches the keys, unless somebody did a moment ago. One fetch at a time, and at most one in
    /// ten seconds; keys of an earlier one stay for a day.
    pub async fn refresh(&self, client: &Client, now: Timestamp) -> Result<(), KeysUnavailable> {
        let _flight = self.flight.lock().await;
        let mut held = Held::clone(&self.held.load());
        if !held.may_try(now) {
            let brought = held.tried.is_some_and(|(_, brought)| brought);
            return brought.then_some(()).ok_or(KeysUnavailable::Lately);
        }
        let fetched = self.fetch(client).await;
        held.tried = Some((now, fetched.is_ok()));
        let result = fetched.map(|keys| held.keys = Some((Arc::new(keys), now)));
        self.held.store(Arc::new(held));
        result
    }

    async fn fetch(&self, client: &Client) -> Result<Jwks, KeysUnavailable> {
        let json = HeaderValue::from_static("application/json");
        let request = Request {
            method: Method::GET,
            target: self.target.clone(),
            headers: HeaderMap::from_iter([(header::ACCEPT, json)]),
            body: Bytes::new(),
            timeout: TIMEOUT,
        };
        let response = client.send(request).await?;
        if response.status != StatusCode::OK {
            return Err(KeysUnavailable::Status(response.status));
        }
        let body = response.body.collect(MOST_BYTES).await?;
        Ok(Jwks::parse(&body)?)
    }
}

impl Held {
    /// A clock that was set back does not keep anybody waiting: `tried` then lies ahead.
    fn may_try(&self, now: Timestamp) -> bool {
        let long_ago = |tried: Timestamp| now.since(tried) >= PAUSE || tried.since(now) >= PAUSE;
        self.tried.is_none_or(|(tried, _)| long_ago(tried))
    }
}

#[cfg(test)]
mod tests;
