//! Who sends requests without valid credentials, and how many: guessing must not be worth it.
//!
//! Failures are counted by what they were sent to and by the network that they came from. Whoever
//! has too many is told to wait, at each further failure; a valid request is never counted, and is
//! answered whatever came before it. What is remembered is bounded, and forgotten with its window.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Extensions;
use parking_lot::Mutex;
use tieline_contract::auth::Peer;
use tieline_contract::{Code, Problem};
use tieline_model::{Connector, ConnectorId};
use tokio::time::Instant;

use crate::api::Shared;
use crate::limits::{FAILURES, FAILURES_NAMED, FAILURES_NETWORKS, FAILURES_WINDOW};
use crate::peer::network;
use crate::problem::Failure;

/// What a request without valid credentials was sent to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    Connector(&'a Connector),
    /// `/v1`.
    Management,
    /// `/callback`, whichever run it is of.
    Callback,
}

/// The failures of this window.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    window: Mutex<Option<Window>>,
    /// Whether any network has too many. Nearly always none has, and then nothing is locked.
    any: AtomicBool,
}

#[derive(Debug)]
struct Window {
    begun: Instant,
    counts: HashMap<Key, u32>,
    /// Of the networks that are not told apart any more.
    others: u32,
    named: usize,
}

type Key = (Door, IpAddr);

/// What has a count of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Door {
    Connector(ConnectorId),
    Management,
    Callback,
}

/// Too many, this one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TooMany {
    /// Until the window is over.
    rest: Duration,
    /// The log has not named this network in this window, and still names networks.
    new: bool,
}

impl Shared {
    /// The answer to a request without valid credentials, which is counted.
    pub(crate) fn stranger(&self, target: Target<'_>, extensions: &Extensions) -> Failure {
        let Some(peer) = extensions.get::<Arc<Peer>>() else {
            return Failure::unauthorized();
        };
        let Some(too_many) = self.failures.count(target.key(peer)) else {
            return Failure::unauthorized();
        };
        self.hub.metrics().failures_throttled.inc();
        if too_many.new {
            let network = network(peer.address);
            let target = target.name();
            tracing::warn!(
                %network,
                target,
                "{network} sends requests without valid credentials to {target}"
            );
        }
        let detail = "Too many requests from this network had no valid credentials. Send valid \
                      ones, later.";
        let problem = Problem::new(Code::TooManyFailures, detail).retry_after(too_many.rest);
        Failure::from(problem).hanging_up()
    }

    /// Whether a sender's network has too many failures, so that little is read before its proof.
    pub(crate) fn suspects(&self, target: Target<'_>, extensions: &Extensions) -> bool {
        let peer = extensions.get::<Arc<Peer>>();
        peer.is_some_and(|peer| self.failures.exceeded(target.key(peer)))
    }
}

impl Target<'_> {
    fn key(self, peer: &Peer) -> Key {
        let door = match self {
            Self::Connector(connector) => Door::Connector(connector.id),
            Self::Management => Door::Management,
            Self::Callback => Door::Callback,
        };
        (door, network(peer.address))
    }

    fn name(&self) -> &str {
        match self {
            Self::Connector(connector) => connector.name.as_str(),
            Self::Management => "/v1",
            Self::Callback => "/callback",
        }
    }
}

impl Failures {
    fn count(&self, key: Key) -> Option<TooMany> {
        let now = Instant::now();
        let mut window = self.window.lock();
        if window.as_ref().is_none_or(|window| window.is_over(now)) {
            self.any.store(false, Ordering::Relaxed);
            *window = Some(Window::new(now));
        }
        let window = window.as_mut()?;
        let known = window.counts.len() < FAILURES_NETWORKS || window.counts.contains_key(&key);
        let count = if known {
            window.counts.entry(key).or_default()
        } else {
            &mut window.others
        };
        *count = count.saturating_add(1);
        let count = *count;
        if count <= FAILURES {
            return None;
        }
        self.any.store(true, Ordering::Relaxed);
        let new = count == FAILURES + 1 && window.named < FAILURES_NAMED;
        window.named += usize::from(new);
        Some(TooMany {
            rest: (window.begun + FAILURES_WINDOW).saturating_duration_since(now),
            new,
        })
    }

    /// Networks that are not told apart are innocent here: one sender must not make all suspect.
    fn exceeded(&self, key: Key) -> bool {
        if !self.any.load(Ordering::Relaxed) {
            return false;
        }
        let window = self.window.lock();
        let current = window.as_ref().filter(|w| !w.is_over(Instant::now()));
        current.is_some_and(|window| window.counts.get(&key).is_some_and(|n| *n > FAILURES))
    }
}

impl Window {
    fn new(now: Instant) -> Self {
        Self {
            begun: now,
            counts: HashMap::new(),
            others: 0,
            named: 0,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.begun) >= FAILURES_WINDOW
    }
}

#[cfg(test)]
mod tests;
