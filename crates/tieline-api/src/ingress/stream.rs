//! Runs as server-sent events: `run` when a run is there, `chunk` for what its agent says,
//! `result` when it has ended.
//!
//! An event's id says how far the stream is in each run, in link order: `0` nothing, `1` its `run`
//! event, `n` its chunks up to number `n - 2`, `x` its result. A stream that is opened with such an
//! id goes on after it. Chunks are kept for as long as the run is in hand; the result never is lost.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::select_all;
use futures_util::{FutureExt as _, stream};
use http::HeaderMap;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;
use tieline_contract::endpoint::ErrorDetail;
use tieline_engine::{Follower, Hub, Said, Waiting};
use tieline_model::{ProjectId, Run, RunId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Warrant;
use super::exchange::Counted;
use crate::address::Place;
use crate::api::Shared;
use crate::limits::{KEEP_ALIVE, LOOK_AGAIN};
use crate::problem::Failure;
use crate::view::{Seen, raw};

/// Where a stream begins and ends.
#[derive(Debug)]
pub(crate) struct Start {
    /// The id of the last event that the reader has.
    pub(crate) after: Option<String>,
    pub(crate) deadline: Instant,
    /// What the reader was let in with: the stream ends with it.
    pub(crate) warrant: Warrant,
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Whether the caller asks for server-sent events by name.
pub(crate) fn wants_stream(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_it = parts
            .next()
            .is_some_and(|t| t.eq_ignore_ascii_case("text/event-stream"));
        is_it && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(LAST_EVENT_ID)?.to_str().ok()?;
    Some(value.to_owned())
}

/// Streams the runs that are waited for.
pub(crate) async fn follow(
    shared: &Shared,
    place: &Place,
    waiting: Waiting,
    start: Start,
) -> Result<Response, Failure> {
    let ids = waiting.runs().to_vec();
    let at = positions(start.after.as_deref(), ids.len());
    let followers = at.iter().enumerate().map(|(index, at)| match at {
        At::Chunk(next) => waiting.follow(index, *next),
        At::Nothing => waiting.follow(index, 0),
        At::Result => None,
    });
    let tracks = followers.collect::<Vec<_>>().into_iter().zip(at);
    let tracks = tracks
        .map(|(follower, at)| Track { follower, at })
        .collect();
    let mut events = Events {
        hub: Arc::clone(&shared.hub),
        project: place.project(),
        errors: place.endpoint().rules().errors,
        stop: shared.waits_over.clone(),
        deadline: start.deadline,
        warrant: start.warrant,
        look_again: Instant::now() + LOOK_AGAIN,
        speak: Instant::now() + KEEP_ALIVE,
        tracks,
        ready: VecDeque::new(),
        _waiting: waiting,
        _counted: Counted::new(&shared.hub),
    };
    events.begin(&ids).await?;
    let body = stream::unfold(events, |mut events| async {
        let piece = events.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), events))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    let set = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // Buffering proxies would hold the events back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    headers.extend(set.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}

/// How far the reader is in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Nothing,
    /// The number of the next chunk.
    Chunk(usize),
    Result,
}

/// Reads an event's id; one that does not fit these runs begins anew.
fn positions(after: Option<&str>, runs: usize) -> Vec<At> {
    let position = |text: &str| match text {
        "x" => Some(At::Result),
        "0" => Some(At::Nothing),
        number => Some(At::Chunk(number.parse::<usize>().ok()?.checked_sub(1)?)),
    };
    let read: Option<Vec<_>> = after.and_then(|text| text.split('.').map(position).collect());
    read.filter(|at| at.len() == runs)
        .unwrap_or_else(|| vec![At::Nothing; runs])
}

struct Track {
    /// `None` once the result is there.
    follower: Option<Follower>,
    at: At,
}

struct Events {
    hub: Arc<Hub>,
    project: ProjectId,
    errors: ErrorDetail,
    stop: CancellationToken,
    deadline: Instant,
    warrant: Warrant,
    /// When the warrant is looked at next.
    look_again: Instant,
    /// When something is said though there is nothing to say.
    speak: Instant,
    tracks: Vec<Track>,
    ready: VecDeque<Bytes>,
    /// Keeps what is said from now on.
    _waiting: Waiting,
    _counted: Counted,
}

#[derive(Serialize)]
struct ChunkEvent<'a> {
    run_id: RunId,
    chunk: Option<&'a RawValue>,
}

impl Events {
    /// Says which runs there are, and all about those that have ended.
    async fn begin(&mut self, ids: &[RunId]) -> Result<(), Failure> {
        let runs = self
            .hub
            .store()
            .runs_by_id(self.project, ids.to_vec())
            .await?;
        for (index, id) in ids.iter().enumerate() {
            let Some(run) = runs.iter().find(|run| run.id == *id) else {
                self.set(index, At::Result);
                continue;
            };
            let known = self
                .tracks
                .get(index)
                .is_some_and(|track| track.at != At::Nothing);
            if !known {
                self.set(index, At::Chunk(0));
                let catalog = self.hub.catalog();
                let seen = self.seen(&catalog);
                let text = to_json(&seen.heading(run));
                self.say("run", &text);
            }
            if run.state.is_final() {
                self.finish(index, run);
            }
        }
        Ok(())
    }

    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.may_go_on() {
                return None;
            }
            if let Some(piece) = self.ready.pop_front() {
                self.speak = Instant::now() + KEEP_ALIVE;
                return Some(piece);
            }
            let running: Vec<_> = self
                .tracks
                .iter_mut()
                .enumerate()
                .filter_map(|(index, track)| Some((index, track.follower.as_mut()?)))
                .map(|(index, follower)| {
                    async move { (index, follower.run(), follower.next().await) }.boxed()
                })
                .collect();
            if running.is_empty() {
                return None;
            }
            let (index, run, said) = tokio::select! {
                biased;
                (heard, _, _) = select_all(running) => heard,
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.deadline) => return None,
                () = tokio::time::sleep_until(self.speak) => {
                    self.speak += KEEP_ALIVE;
                    return Some(Bytes::from_static(b": keep-alive\n\n"));
                }
                () = tokio::time::sleep_until(self.look_again) => continue,
            };
            match said {
                Said::Chunk(number, chunk) => self.chunk(index, run, (number, &chunk)),
                Said::Over => {
                    let run = self.hub.store().run(self.project, run).await;
                    // Without it the stream ends here, and the reader comes again.
                    self.finish(index, &run.ok()??);
                }
            }
        }
    }

    /// Whether the reader would still be let in; looked at now and then, however much there is to
    /// say.
    fn may_go_on(&mut self) -> bool {
        let now = Instant::now();
        if now < self.look_again {
            return true;
        }
        self.look_again = now + LOOK_AGAIN;
        self.warrant.stands(&self.hub)
    }

    fn chunk(&mut self, index: usize, run_id: RunId, (number, chunk): (usize, &Bytes)) {
        self.set(index, At::Chunk(number + 1));
        let chunk = raw(Some(chunk));
        self.say("chunk", &to_json(&ChunkEvent { run_id, chunk }));
    }

    /// Says what is left of a run that has ended.
    fn finish(&mut self, index: usize, run: &Run) {
        let follower = self
            .tracks
            .get_mut(index)
            .and_then(|track| track.follower.take());
        if let Some(mut follower) = follower {
            while let Some(Said::Chunk(number, chunk)) = follower.next().now_or_never() {
                self.chunk(index, run.id, (number, &chunk));
            }
        }
        if self
            .tracks
            .get(index)
            .is_some_and(|track| track.at == At::Result)
        {
            return;
        }
        self.set(index, At::Result);
        let catalog = self.hub.catalog();
        let text = to_json(&self.seen(&catalog).result(run));
        self.say("result", &text);
    }

    fn seen<'a>(&self, catalog: &'a tieline_engine::LiveCatalog) -> Seen<'a> {
        Seen {
            catalog,
            errors: self.errors,
        }
    }

    fn set(&mut self, index: usize, at: At) {
        if let Some(track) = self.tracks.get_mut(index) {
            track.at = at;
        }
    }

    /// Adds an event. JSON may stand on several lines; each is a `data` of its own.
    fn say(&mut self, event: &str, data: &str) {
        let mut text = String::with_capacity(data.len() + 64);
        text.push_str("id: ");
        for (index, track) in self.tracks.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            let written = match track.at {
                At::Nothing => write!(text, "{dot}0"),
                At::Chunk(next) => write!(text, "{dot}{}", next + 1),
                At::Result => write!(text, "{dot}x"),
            };
            written.expect("writing to a string does not fail");
        }
        text.push_str("\nevent: ");
        text.push_str(event);
        for line in data.split(['\n', '\r']) {
            text.push_str("\ndata: ");
            text.push_str(line);
        }
        text.push_str("\n\n");
        self.ready.push_back(text.into());
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("views have text keys and no failing parts")
}
