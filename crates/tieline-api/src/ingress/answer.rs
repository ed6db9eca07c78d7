//! What a sender is told once its events are stored.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use serde::Serialize;
use tieline_engine::Accepted;
use tieline_model::{EventId, RunId};

use super::Arrived;
use crate::address::{Address, Place};
use crate::api::Shared;
use crate::problem::Failure;

/// One event is stored and its runs are queued.
#[derive(Serialize)]
struct Queued<'a> {
    status: &'static str,
    run_ids: &'a [RunId],
    event_id: EventId,
    dispatched_to: usize,
    duplicate: bool,
    status_url: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    filtered: bool,
}

/// Several events are stored. What belongs to one of them stands with it.
#[derive(Serialize)]
struct QueuedBatch<'a> {
    status: &'static str,
    /// Of all events, in their order.
    run_ids: Vec<RunId>,
    dispatched_to: usize,
    /// All of them came before.
    duplicate: bool,
    events: Vec<QueuedEvent<'a>>,
    /// All of them were refused by every link's condition.
    #[serde(skip_serializing_if = "is_false")]
    filtered: bool,
}

#[derive(Serialize)]
struct QueuedEvent<'a> {
    event_id: EventId,
    run_ids: &'a [RunId],
    duplicate: bool,
    status_url: Address<'a>,
    #[serde(skip_serializing_if = "is_false")]
    filtered: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}

/// Stores what arrived and answers at once.
pub(super) async fn queued(
    shared: &Shared,
    place: &Place,
    arrived: Arrived,
) -> Result<Response, Failure> {
    let Arrived {
        incoming,
        arrival,
        held,
        warrant: _,
    } = arrived;
    let batch = incoming.batch;
    let accepted = if incoming.events.is_empty() {
        Vec::new()
    } else {
        let hub = &shared.hub;
        hub.accept(&place.connector, arrival, incoming.events)
            .await?
    };
    drop(held);
    match accepted.as_slice() {
        [one] if !batch => Ok(one_event(place, one)),
        several => Ok(batch_of(place, several)),
    }
}

fn one_event(place: &Place, accepted: &Accepted) -> Response {
    let address = place.event(accepted.event_id).to_string();
    let queued = Queued {
        status: "ok",
        run_ids: &accepted.run_ids,
        event_id: accepted.event_id,
        dispatched_to: accepted.run_ids.len(),
        duplicate: accepted.duplicate,
        status_url: &address,
        filtered: accepted.filtered,
    };
    let mut response = json(StatusCode::ACCEPTED, &queued);
    response.headers_mut().extend(location(address));
    response
}

fn batch_of(place: &Place, accepted: &[Accepted]) -> Response {
    let run_ids: Vec<_> = accepted
        .iter()
        .flat_map(|one| &one.run_ids)
        .copied()
        .collect();
    let all = |is: fn(&Accepted) -> bool| !accepted.is_empty() && accepted.iter().all(is);
    let queued = QueuedBatch {
        status: "ok",
        dispatched_to: run_ids.len(),
        run_ids,
        duplicate: all(|one| one.duplicate),
        events: accepted.iter().map(|one| event_of(place, one)).collect(),
        filtered: all(|one| one.filtered),
    };
    json(StatusCode::ACCEPTED, &queued)
}

fn event_of<'a>(place: &'a Place, accepted: &'a Accepted) -> QueuedEvent<'a> {
    QueuedEvent {
        event_id: accepted.event_id,
        run_ids: &accepted.run_ids,
        duplicate: accepted.duplicate,
        status_url: place.event(accepted.event_id),
        filtered: accepted.filtered,
    }
}

/// The header that says where an event can be read.
pub(super) fn location(address: String) -> Option<(http::HeaderName, HeaderValue)> {
    let value = HeaderValue::try_from(address).ok()?;
    Some((LOCATION, value))
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(320);
    serde_json::to_writer(&mut text, value).expect("answers have text keys and no failing parts");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
