//! Run: one attempt of one run, from its claim to its settling.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tieline_contract::{Assignment, Callback, Chunks, Fault, FileLink, Outcome, Verdict};
use tieline_failpoint::{self as failpoint, Step};
use tieline_model::{Reason, RunId, Timestamp};
use tieline_store::ClaimedRun;
use tieline_vault::CallbackClaim;

use crate::Hub;
use crate::catalog::LiveAgent;
use crate::desk::Place;
use crate::desk::breaker::Health;
use crate::limits::{FILES_AFTER, TRIAL_MAX};
use crate::live::Live;

/// How an attempt was left.
enum Left {
    /// By itself, or at its deadline.
    Ended(Result<Outcome, Fault>),
    /// Somebody else settled the run.
    Cancelled,
    /// The hub goes down: the run is given back.
    Abandoned,
}

/// What a claim hands over beside its run.
pub(crate) struct Begun {
    pub place: Place,
    /// [`Live::ends_from_outside`] before the claim.
    pub ends: u64,
}

/// Carries out one attempt. The place is free as soon as the agent is.
pub(crate) async fn carry_out(
    hub: Arc<Hub>,
    agent: Arc<LiveAgent>,
    claimed: ClaimedRun,
    begun: Begun,
) {
    let Begun { mut place, ends } = begun;
    let id = claimed.run.id;
    if crate::settle::settle_unstarted(&hub, &agent, &claimed).await {
        return;
    }
    let started = hub.clock.now();
    hub.metrics.runs_running.inc();
    let left = if claimed.run.reason == Some(Reason::Answer) {
        let message = "the agent said that it would answer, and did not until its deadline";
        Left::Ended(Err(Fault::later("no-answer", message)))
    } else {
        let attempt = attempt(&hub, &agent, &claimed, (started, ends));
        watched(&hub, &mut place, attempt).await
    };
    hub.metrics.runs_running.dec();
    match health(&claimed, &left) {
        Some(health) => place.end(&hub, health),
        None => drop(place),
    }
    match left {
        Left::Ended(result) => {
            failpoint::pass(Step::RunEnded);
            crate::settle::settle(&hub, &agent, claimed, started, result).await;
        }
        Left::Cancelled => hub.live.put_back(id),
        Left::Abandoned => {
            let (project, epoch) = (claimed.run.project, claimed.epoch);
            if let Err(error) = hub
                .store
                .release_run(project, id, epoch, hub.steady())
                .await
            {
                // The next start frees it, with its attempt counted.
                tracing::warn!(run.id = %id, %error, "run {id} could not be given back");
            }
            hub.live.put_back(id);
        }
    }
}

/// Sees that others do not wait for the end of an attempt that takes long: an agent that has not
/// refused it by now has begun.
async fn watched(hub: &Hub, place: &mut Place, attempt: impl Future<Output = Left>) -> Left {
    if !place.is_trial() {
        return attempt.await;
    }
    let mut attempt = std::pin::pin!(attempt);
    tokio::select! {
        biased;
        left = &mut attempt => return left,
        () = tokio::time::sleep(TRIAL_MAX) => {}
    }
    place.is_well(hub);
    attempt.await
}

async fn attempt(
    hub: &Arc<Hub>,
    agent: &LiveAgent,
    claimed: &ClaimedRun,
    (started, ends): (Timestamp, u64),
) -> Left {
    let id = claimed.run.id;
    let cancel = hub.live.begin(id);
    if hub.live.ends_from_outside() != ends && has_ended(hub, claimed).await {
        return Left::Cancelled;
    }
    let Some(assignment) = assignment(hub, agent, claimed, started) else {
        let message = "the connector that the event came in by is not known any more";
        return Left::Ended(Err(Fault::never("connector-unknown", message)));
    };
    let timeout = assignment.timeout;
    let mut chunks = ToLive {
        live: &hub.live,
        run: id,
    };
    let running = AssertUnwindSafe(agent.runtime.run(&assignment, &mut chunks)).catch_unwind();
    tokio::select! {
        biased;
        result = running => Left::Ended(result.unwrap_or_else(|_panic| {
            tracing::error!(run.id = %id, "the runtime of run {id} panicked");
            Err(Fault::never("internal", "the hub failed while it ran the agent"))
        })),
        () = cancel.cancelled() => Left::Cancelled,
        () = hub.abandoning.cancelled() => Left::Abandoned,
        () = tokio::time::sleep(timeout) => Left::Ended(Err(Fault::later(
            "timeout",
            format!("the agent did not finish within {}", tieline_model::quantity::Span(timeout)),
        ))),
    }
}

/// What an attempt showed of the agent, where it was called and not given up. Only one that did
/// not start says that the agent is not well: whatever else it did, it was there to do it.
fn health(claimed: &ClaimedRun, left: &Left) -> Option<Health> {
    let Left::Ended(result) = left else {
        return None;
    };
    let called = claimed.run.reason != Some(Reason::Answer);
    let health = match result {
        Err(Fault {
            verdict: Verdict::NotStarted(wait),
            ..
        }) => Health::Unwell(*wait),
        _ => Health::Well,
    };
    called.then_some(health)
}

/// Whether a run was ended before its attempt could be stopped.
async fn has_ended(hub: &Hub, claimed: &ClaimedRun) -> bool {
    let run = hub.store.run(claimed.run.project, claimed.run.id).await;
    // Where the store does not say, the settle is refused.
    matches!(run, Ok(Some(run)) if run.state.is_final())
}

/// What the agent is handed. `None` where the connector's row is gone.
fn assignment(
    hub: &Hub,
    agent: &LiveAgent,
    claimed: &ClaimedRun,
    now: Timestamp,
) -> Option<Assignment> {
    let ClaimedRun { run, epoch, event } = claimed;
    let catalog = hub.catalog.load();
    let origin = catalog.origin(event.connector)?;
    let public_url = hub.surroundings.load().public_url.clone();
    // A reader that has the file in hand at the end of the attempt shall not lose it there.
    let readable = now.plus(agent.row.timeout).plus(FILES_AFTER);
    let file_link = |file: &tieline_model::EventFile| {
        let url = hub.file_url((run.project, file.id), readable);
        FileLink::new(file.clone(), url)
    };
    let callback = public_url.map(|base| {
        let claim = CallbackClaim {
            project: run.project,
            run: run.id,
            epoch: epoch.0,
        };
        let url = format!("{base}/callback/{}", run.id);
        Callback {
            url,
            token: hub.tokens.for_callback(claim),
        }
    });
    Some(Assignment {
        run_id: run.id,
        attempt: run.attempt,
        agent: agent.row.name.clone(),
        connector: origin.name.clone(),
        connector_type: origin.kind.clone(),
        mode: origin.mode,
        event_id: event.id,
        received_at: event.received_at,
        trust: event.trust,
        event_meta: event.meta.clone(),
        session: run.session.clone(),
        input: event.input.clone(),
        files: event.files.iter().map(file_link).collect(),
        now,
        timeout: agent.row.timeout,
        callback,
        traceparent: traceparent(claimed),
    })
}

/// W3C Trace Context: the event is the trace, the run is the parent.
fn traceparent(claimed: &ClaimedRun) -> String {
    let run = claimed.run.id.as_bytes();
    let span = run.get(8..).unwrap_or(run);
    format!(
        "00-{}-{}-01",
        hex::encode(claimed.event.id.as_bytes()),
        hex::encode(span)
    )
}

impl Hub {
    /// Where a file's content is to be had until a moment, with the token that allows it.
    pub fn file_url(
        &self,
        (project, file): (tieline_model::ProjectId, tieline_model::FileId),
        until: Timestamp,
    ) -> String {
        let base = self.public_url();
        let token = self.tokens.for_file((project, file), until);
        format!("{base}/files/{}/{file}?token={token}", project.0)
    }
}

struct ToLive<'a> {
    live: &'a Live,
    run: RunId,
}

impl Chunks for ToLive<'_> {
    fn push(&mut self, chunk: Bytes) {
        self.live.chunk(self.run, chunk);
    }
}
