//! Results under a connector's own address, for whoever knows its secret.
//!
//! Nothing is looked up before the reader is known, and what belongs to another connector is as if
//! it were not there.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::request::Parts;
use tieline_contract::Code;
use tieline_contract::endpoint::ReadAccess;
use tieline_model::key::Scope;
use tieline_model::quantity::Span;
use tieline_model::{EventId, Run, RunId};

use crate::address::{Params, Place, id_of, query_of};
use crate::api::Shared;
use crate::failures::Target;
use crate::ingress::{Start, Warrant, follow, json, last_event_id};
use crate::limits::{STREAM, WAIT};
use crate::problem::Failure;
use crate::view::Seen;

/// `GET /c/{connector}/events/{event}`.
pub(crate) async fn event(
    State(shared): State<Arc<Shared>>,
    params: Params,
    parts: Parts,
) -> Response {
    answer(read_event(&shared, &params, &parts).await)
}

/// `GET /c/{connector}/runs/{run}`, at once or with `?wait=30s` at its end.
pub(crate) async fn run(
    State(shared): State<Arc<Shared>>,
    params: Params,
    parts: Parts,
) -> Response {
    answer(read_run(&shared, &params, &parts).await)
}

/// `GET /c/{connector}/runs/{run}/stream`.
pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
    params: Params,
    parts: Parts,
) -> Response {
    answer(stream_run(&shared, &params, &parts).await)
}

fn answer(result: Result<Response, Failure>) -> Response {
    let mut response = result.unwrap_or_else(|failure| failure.for_sender().into_response());
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

async fn read_event(shared: &Shared, params: &Params, parts: &Parts) -> Result<Response, Failure> {
    let (place, _) = admitted(shared, params, parts)?;
    let id: EventId = id_of(params, "event")?;
    let store = shared.hub.store();
    let event = store.event(place.project(), id).await?;
    let event = event.filter(|event| event.connector == place.connector.row.id);
    let event = event.ok_or_else(Failure::not_found)?;
    let runs = store
        .runs_by_id(place.project(), event.runs.clone())
        .await?;
    let catalog = shared.hub.catalog();
    let seen = seen(&place, &catalog);
    Ok(json(StatusCode::OK, &seen.event(&event, &runs)))
}

async fn read_run(shared: &Shared, params: &Params, parts: &Parts) -> Result<Response, Failure> {
    let (place, warrant) = admitted(shared, params, parts)?;
    let wait = wait_of(query_of(&parts.uri))?;
    let mut run = own_run(shared, &place, params).await?;
    if let Some(wait) = wait
        && !run.state.is_final()
    {
        let hub = &shared.hub;
        let waiting = hub.wait_for_runs(place.project(), vec![run.id]).await?;
        let deadline = hub.wait_until(wait);
        let ended = waiting.until_or(deadline, &shared.waits_over).await;
        if !warrant.stands(hub) {
            return Err(Failure::unauthorized());
        }
        run = match ended.into_iter().flatten().next() {
            Some(ended) => Arc::unwrap_or_clone(ended),
            None => own_run(shared, &place, params).await?,
        };
    }
    let catalog = shared.hub.catalog();
    Ok(json(StatusCode::OK, &seen(&place, &catalog).run(&run)))
}

async fn stream_run(shared: &Shared, params: &Params, parts: &Parts) -> Result<Response, Failure> {
    let (place, warrant) = admitted(shared, params, parts)?;
    let run = own_run(shared, &place, params).await?;
    let waiting = shared
        .hub
        .wait_for_runs(place.project(), vec![run.id])
        .await?;
    let start = Start {
        after: last_event_id(&parts.headers),
        deadline: shared.hub.wait_until(STREAM),
        warrant,
    };
    follow(shared, &place, waiting, start).await
}

/// The connector, if the reader may read its results.
///
/// An open connector answered an unknown caller to begin with: whoever has the id of a run there,
/// which cannot be guessed, is taken for that caller.
fn admitted(shared: &Shared, params: &Params, parts: &Parts) -> Result<(Place, Warrant), Failure> {
    let place = Place::find(&shared.hub, params)?;
    let by_secret = || {
        let warrant = Warrant::reader(&place, parts);
        warrant.stands(&shared.hub).then_some(warrant)
    };
    let by_key = || {
        let key = shared.keys.find(&parts.headers, shared.hub.latest())?;
        let may = key.row.project == place.project() && key.row.allows(Scope::Read);
        may.then(|| Warrant::key(&place, key))
    };
    let warrant = match place.endpoint().rules().read {
        ReadAccess::OwnSecret => by_secret().or_else(by_key),
        ReadAccess::Key => by_key(),
        ReadAccess::Off => return Err(Failure::not_found()),
    };
    let Some(warrant) = warrant else {
        let target = Target::Connector(&place.connector.row);
        return Err(shared.stranger(target, &parts.extensions));
    };
    Ok((place, warrant))
}

async fn own_run(shared: &Shared, place: &Place, params: &Params) -> Result<Run, Failure> {
    let id: RunId = id_of(params, "run")?;
    let store = shared.hub.store();
    let run = store.run(place.project(), id).await?;
    let run = run.ok_or_else(Failure::not_found)?;
    let event = store.event(place.project(), run.event).await?;
    let own = event.is_some_and(|event| event.connector == place.connector.row.id);
    own.then_some(run).ok_or_else(Failure::not_found)
}

fn seen<'a>(place: &Place, catalog: &'a tieline_engine::LiveCatalog) -> Seen<'a> {
    Seen {
        catalog,
        errors: place.endpoint().rules().errors,
    }
}

/// `wait` of a query: `30s`, or a number of seconds; no more than the limit.
fn wait_of(query: &str) -> Result<Option<Duration>, Failure> {
    let mut values = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("wait="));
    let Some(text) = values.next() else {
        return Ok(None);
    };
    let seconds = text.parse().map(Duration::from_secs).ok();
    let span = || text.parse::<Span>().map(|span| span.0).ok();
    let Some(wait) = seconds.or_else(span) else {
        let detail = "Write `wait` as a duration, such as `30s`.";
        return Err(Failure::new(Code::BadRequest, detail));
    };
    Ok(Some(wait.min(WAIT)))
}

#[cfg(test)]
mod tests;
