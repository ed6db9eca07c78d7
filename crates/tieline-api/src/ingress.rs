//! The one way in for events over HTTP.
//!
//! In this order, and no other: address, rules of the head, credentials in the head, body,
//! credentials over the body, reading, storing, answer. What is refused on the way has left no
//! event, no run, and no trace but a count. The body of a caller who proved nothing is not read.

mod answer;
mod exchange;
mod head;
mod stream;
mod warrant;
mod wishes;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{Method, Version};
use tieline_contract::auth::{
    Admitted, BodyVerifier, Decision, Head, KeysUnavailable, Peer, Refused, query_without_secret,
};
use tieline_contract::{Code, Incoming, Problem, Verified};
use tieline_engine::{Arrival, Status};
use tieline_model::{Mode, Timestamp, Trust};

use crate::address::{Params, Place, query_of};
use crate::api::Shared;
use crate::auth::KnownKey;
use crate::body::{self, Held, Sender, Whole};
use crate::failures::Target;
use crate::limits::{KEYS_PAUSE, READ_AT_ONCE, STRANGERS_BODY};
use crate::problem::Failure;
use crate::shares::Taker;

use self::wishes::Wishes;

pub(crate) use self::answer::json;
pub(crate) use self::head::{is_plain, once};
pub(crate) use self::stream::{Start, follow, last_event_id};
pub(crate) use self::warrant::Warrant;

/// Who vouches for the sender.
#[derive(Debug)]
pub(crate) enum Proof {
    /// The request itself, by the connector's rules.
    Request,
    /// A holder of an API key, on whose behalf the hub sends the event itself.
    Key(Arc<KnownKey>),
}

/// Takes a request to a connector's own address.
pub(crate) async fn receive(
    State(shared): State<Arc<Shared>>,
    params: Params,
    request: Request,
) -> Response {
    match Place::find(&shared.hub, &params) {
        Ok(place) => take(&shared, &place, request, Proof::Request).await,
        Err(failure) => refuse(&shared, failure),
    }
}

/// Takes a request to a connector.
pub(crate) async fn take(
    shared: &Shared,
    place: &Place,
    request: Request,
    proof: Proof,
) -> Response {
    match pass(shared, place, request, proof).await {
        Ok(response) => response,
        Err(failure) => refuse(shared, failure),
    }
}

fn refuse(shared: &Shared, failure: Failure) -> Response {
    let status = failure.problem().code.as_str();
    let refused = &shared.hub.metrics().requests_refused;
    refused.get_or_create(&Status { status }).inc();
    failure.for_sender().into_response()
}

async fn pass(
    shared: &Shared,
    place: &Place,
    request: Request,
    proof: Proof,
) -> Result<Response, Failure> {
    // Apart, so that a caller who waits for an answer does not keep what reading took.
    let (arrived, wishes) = Box::pin(arrive(shared, place, request, proof)).await?;
    match place.connector.row.mode {
        Mode::Sync => exchange::answer(shared, place, arrived, wishes).await,
        Mode::Inbound | Mode::Outbound => answer::queued(shared, place, arrived).await,
    }
}

/// Judges, reads and understands a request.
async fn arrive(
    shared: &Shared,
    place: &Place,
    request: Request,
    proof: Proof,
) -> Result<(Arrived, Wishes), Failure> {
    let (parts, body) = request.into_parts();
    let rules = place.endpoint().rules();
    head::check(&parts, &body, rules)?;
    let received_at = shared.hub.now();
    let mut judged = match &proof {
        Proof::Request => judge(shared, place, &parts, received_at).await?,
        Proof::Key(_) => Judged {
            trust: Trust::Secret,
            verifier: None,
        },
    };
    // What a GET brings is its query.
    let whole = if parts.method == Method::GET {
        drop(body);
        Whole {
            bytes: bytes::Bytes::new(),
            held: shared.budget.hold(judged.sender(parts.extensions.get())),
        }
    } else {
        read(shared, place, (&parts, body), &mut judged).await?
    };
    let signed = judged.verifier.is_some();
    let admitted = judged.finish(&whole.bytes);
    let admitted = admitted.map_err(|reason| unknown_sender(shared, place, &parts, reason))?;
    let wishes = Wishes::read(&parts.headers);
    let warrant = || match &proof {
        Proof::Key(key) => Warrant::key(place, Arc::clone(key)),
        Proof::Request => Warrant::sender(place, &parts, signed, received_at),
    };
    // A body may take hours, and what vouched for it be taken back meanwhile.
    let has_changed = !place.is_current(&shared.hub);
    if (has_changed || is_late(shared, received_at)) && !warrant().stands(&shared.hub) {
        return Err(unknown_sender(shared, place, &parts, Refused::Withdrawn));
    }
    let warrant = wishes.stream.then(warrant);
    let (verified, held) = verified(parts, whole, received_at, admitted);
    let incoming = place.endpoint().receive(&verified)?;
    let (arrival, trust) = (received_at, verified.trust);
    drop(verified);
    let arrived = Arrived {
        incoming,
        arrival: Arrival {
            received_at: arrival,
            trust,
        },
        held,
        warrant,
    };
    Ok((arrived, wishes))
}

/// Whether so long has passed since a request came that a secret may have ended in between.
fn is_late(shared: &Shared, received_at: Timestamp) -> bool {
    shared.hub.now().since(received_at) >= READ_AT_ONCE
}

/// A request that was read, on its way to the engine.
struct Arrived {
    incoming: Incoming,
    arrival: Arrival,
    /// Its bytes, until they are stored.
    held: Held,
    /// Of one that wishes for a stream.
    warrant: Option<Warrant>,
}

/// What the head of a request has shown.
struct Judged {
    trust: Trust,
    /// What is left to be shown by the body.
    verifier: Option<BodyVerifier>,
}

impl Judged {
    fn sender(&self, peer: Option<&Arc<Peer>>) -> Sender {
        if self.verifier.is_none() && self.trust != Trust::Open {
            return Sender::Proven;
        }
        let nowhere = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let address = peer.map_or(nowhere, |peer| peer.address);
        Sender::Unproven(Taker::of(address))
    }

    fn finish(self, body: &[u8]) -> Result<Admitted, Refused> {
        match self.verifier {
            Some(verifier) => verifier.finish(body),
            None => Ok(Admitted {
                trust: self.trust,
                signed: None,
            }),
        }
    }
}

async fn judge(
    shared: &Shared,
    place: &Place,
    parts: &Parts,
    now: Timestamp,
) -> Result<Judged, Failure> {
    let head = Head {
        method: &parts.method,
        headers: &parts.headers,
        query: query_of(&parts.uri),
        peer: parts.extensions.get::<Arc<Peer>>().map(Arc::as_ref),
    };
    let auth = &place.endpoint().rules().auth;
    let mut decision = auth.begin(&head, now);
    if let Decision::NeedsKeys(keys) = &decision {
        if let Err(error) = keys.source.refresh(&shared.hub.outside(), now).await {
            let name = &place.connector.row.name;
            // Who calls in between must not fill the log.
            if !matches!(error, KeysUnavailable::Lately) {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(connector = %name, error, "no keys to judge callers of `{name}` with");
            }
        }
        decision = auth.begin(&head, now);
    }
    match decision {
        Decision::Admit(trust) => Ok(Judged {
            trust,
            verifier: None,
        }),
        Decision::Verify(verifier) => Ok(Judged {
            trust: Trust::Verified,
            verifier: Some(verifier),
        }),
        Decision::NeedsKeys(_) => {
            let detail = "The keys that tell good credentials from others cannot be had for now.";
            let problem = Problem::new(Code::KeysUnavailable, detail).retry_after(KEYS_PAUSE);
            Err(unread(problem, parts.version))
        }
        Decision::Refuse(reason) => Err(unknown_sender(shared, place, parts, reason)),
    }
}

/// Reads the body, and shows it to whoever has still to judge it.
async fn read(
    shared: &Shared,
    place: &Place,
    (parts, body): (&Parts, Body),
    judged: &mut Judged,
) -> Result<Whole, Failure> {
    let held = shared.budget.hold(judged.sender(parts.extensions.get()));
    let verifier = &mut judged.verifier;
    let suspect = verifier.is_some() && shared.suspects(target(place), &parts.extensions);
    let most = if suspect { STRANGERS_BODY } else { u64::MAX };
    let most = place.endpoint().rules().max_body.min(most);
    let each = |piece: &[u8]| verifier.iter_mut().for_each(|v| v.update(piece));
    let read = body::read(body, most, held, each).await;
    read.map_err(|problem| match problem.code {
        // More is for those whose networks have no such failures.
        Code::PayloadTooLarge if suspect => shared.stranger(target(place), &parts.extensions),
        _ => unread(problem, parts.version),
    })
}

/// The log knows why; the caller learns nothing.
fn unknown_sender(shared: &Shared, place: &Place, parts: &Parts, reason: Refused) -> Failure {
    let name = &place.connector.row.name;
    tracing::debug!(connector = %name, %reason, "refused a request to `{name}`");
    shared.stranger(target(place), &parts.extensions)
}

fn target(place: &Place) -> Target<'_> {
    Target::Connector(&place.connector.row)
}

/// The rest of the body is still on its way, so that the connection cannot be used again.
fn unread(problem: Problem, version: Version) -> Failure {
    let closing = problem.code != Code::Overloaded;
    let failure = Failure::from(problem);
    if closing {
        failure.closing(version)
    } else {
        failure
    }
}

fn verified(
    parts: Parts,
    whole: Whole,
    received_at: Timestamp,
    admitted: Admitted,
) -> (Verified, Held) {
    let query = match parts.uri.query() {
        Some(query) => query_without_secret(query),
        None => String::new(),
    };
    let verified = Verified {
        method: parts.method,
        query,
        headers: parts.headers,
        body: whole.bytes,
        received_at,
        trust: admitted.trust,
        signed: admitted.signed,
    };
    (verified, whole.held)
}

#[cfg(test)]
mod tests;
