//! The one way in for events over HTTP.
//!
//! In this order, and no other: address, rules of the head, credentials in the head, body,
//! credentials over the body, reading, storing, answer. What is refused on the way has left no
//! event, no run, and no trace but a count. The body of a caller who proved nothing is not read.

mod answer;
mod exchange;
mod head;
mod stream;
mod wishes;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{Method, Version};
use tieline_contract::auth::{Admitted, BodyVerifier, Decision, Head, Peer, query_without_secret};
use tieline_contract::{Code, Incoming, Problem, Verified};
use tieline_engine::{Arrival, Status};
use tieline_model::{Mode, Timestamp, Trust};

use crate::address::{Params, Place, query_of};
use crate::api::Shared;
use crate::body::{self, Held, Sender, Whole};
use crate::problem::Failure;

use self::wishes::Wishes;

pub(crate) use self::answer::json;
pub(crate) use self::head::{is_plain, once};
pub(crate) use self::stream::{Start, follow, last_event_id};

/// Who vouches for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The request itself, by the connector's rules.
    Request,
    /// A holder of an API key, on whose behalf the hub sends the event itself.
    Key,
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
    let (parts, body) = request.into_parts();
    let rules = place.endpoint().rules();
    head::check(&parts, &body, rules)?;
    let received_at = shared.hub.now();
    let decision = match proof {
        Proof::Request => judge(&parts, place, received_at),
        Proof::Key => Decision::Admit(Trust::Secret),
    };
    let (trust, mut verifier) = match decision {
        Decision::Admit(trust) => (trust, None),
        Decision::Verify(verifier) => (Trust::Verified, Some(verifier)),
        Decision::Refuse(reason) => return Err(unknown_sender(place, reason)),
    };
    let sender = match (&verifier, trust) {
        (None, Trust::Secret | Trust::Verified) => Sender::Proven,
        (Some(_), _) | (None, Trust::Open) => Sender::Unproven,
    };
    let held = shared.budget.hold(sender);
    // What a GET brings is its query.
    let whole = if parts.method == Method::GET {
        drop(body);
        let bytes = bytes::Bytes::new();
        Whole { bytes, held }
    } else {
        let each = |piece: &[u8]| verifier.iter_mut().for_each(|v| v.update(piece));
        let read = body::read(body, rules.max_body, held, each).await;
        read.map_err(|problem| unread(problem, parts.version))?
    };
    let admitted = finish(place, trust, verifier)?;
    let wishes = Wishes::read(&parts.headers);
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
    };
    match place.connector.row.mode {
        Mode::Sync => exchange::answer(shared, place, arrived, wishes).await,
        Mode::Inbound | Mode::Outbound => answer::queued(shared, place, arrived).await,
    }
}

/// A request that was read, on its way to the engine.
struct Arrived {
    incoming: Incoming,
    arrival: Arrival,
    /// Its bytes, until they are stored.
    held: Held,
}

fn judge(parts: &Parts, place: &Place, now: Timestamp) -> Decision {
    let head = Head {
        method: &parts.method,
        headers: &parts.headers,
        query: query_of(&parts.uri),
        peer: parts.extensions.get::<Arc<Peer>>().map(Arc::as_ref),
    };
    place.endpoint().rules().auth.begin(&head, now)
}

fn finish(
    place: &Place,
    trust: Trust,
    verifier: Option<BodyVerifier>,
) -> Result<Admitted, Failure> {
    match verifier.map(BodyVerifier::finish) {
        Some(Err(reason)) => Err(unknown_sender(place, reason)),
        Some(Ok(admitted)) => Ok(admitted),
        None => Ok(Admitted {
            trust,
            signed_id: None,
        }),
    }
}

/// The log knows why; the caller learns nothing.
fn unknown_sender(place: &Place, reason: tieline_contract::auth::Refused) -> Failure {
    let name = &place.connector.row.name;
    tracing::debug!(connector = %name, %reason, "refused a request to `{name}`");
    Failure::unauthorized()
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
        signed_id: admitted.signed_id,
    };
    (verified, whole.held)
}

#[cfg(test)]
mod tests;
