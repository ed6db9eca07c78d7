//! Doing one operation on a store, and telling its answer as text.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use tieline_model::page::PageRequest;
use tieline_model::{
    Agent, AgentId, Connector, ConnectorId, DeliveryState, ManagedBy, Mode, Name, NodeId,
    ProjectId, Reason, Retry, RunError, RunState, Secret, Timestamp,
};
use tieline_store::{
    Between, CatalogChange, Counts, DeliveryFilter, DeliveryOutcome, Epoch, EventFilter, Fence,
    NewDelivery, Next, Retain, RunFilter, RunOutcome, SettleDelivery, SettleRun, Store, StoreError,
};

use super::access::{self, record};
use super::ops::{End, Op};
use super::world::{Prepared, World, id, newest};

/// An answer as text; of an error, its kind alone.
pub(crate) fn told<T: Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(StoreError::Refused { .. }) => "refused".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

pub(crate) async fn perform(store: &dyn Store, world: &World, prepared: Prepared) -> String {
    let Prepared {
        op,
        events,
        runs,
        deliveries,
    } = prepared;
    let (now, project) = (world.at(0), ProjectId);
    match op {
        Op::Accept { rides, .. } => {
            let claims = world.claims(&rides, AgentId);
            told(store.accept(events, claims).await)
        }
        Op::AddRuns {
            project: of, event, ..
        } => {
            let event = world.event(event);
            told(store.add_runs(project(of), event, runs, now).await)
        }
        Op::ClaimRuns {
            of,
            limit,
            node,
            lease,
        } => told(
            store
                .claim_runs(world.claim(AgentId(of), limit, (node, lease)))
                .await,
        ),
        Op::ClaimDeliveries {
            of,
            limit,
            node,
            lease,
        } => {
            let claim = world.claim(ConnectorId(of), limit, (node, lease));
            told(store.claim_deliveries(claim).await)
        }
        Op::SettleRun { ref rides, .. } => {
            let (of, settle) = settle_run(world, &op, deliveries).expect("it is a settle");
            let claims = world.claims(rides, ConnectorId);
            told(store.settle_run(of, settle, claims).await)
        }
        Op::SettleDelivery { .. } => {
            let (of, settle) = settle_delivery(world, &op).expect("it is a settle");
            told(store.settle_delivery(of, settle).await)
        }
        Op::Attempt { .. } => attempt(store, world, &op, deliveries).await,
        Op::Deliver { end } => deliver(store, world, &end).await,
        Op::OpenWork => told(store.open_work().await),
        Op::Wait { .. } => String::new(),
        Op::List { .. } => list(store, world, &op).await,
        Op::PutAgent { .. }
        | Op::RemoveAgent { .. }
        | Op::PutConnector { .. }
        | Op::RemoveConnector { .. }
        | Op::PutSetting { .. } => configure(store, now, &op).await,
        Op::PutKey { .. } | Op::RemoveKey { .. } | Op::TouchKey { .. } | Op::PutProject { .. } => {
            access::perform(store, now, &op).await
        }
        act => intervene(store, world, &act).await,
    }
}

async fn intervene(store: &dyn Store, world: &World, op: &Op) -> String {
    let (now, project) = (world.at(0), |of: &i64| ProjectId(*of));
    match op {
        Op::ReleaseLeases { keep, back } => told(
            store
                .release_leases(NodeId::from_bytes([*keep; 16]), world.at(-back))
                .await,
        ),
        Op::ReleaseDelivery {
            project: of,
            delivery,
            epoch,
        } => {
            let (id, epoch) = (world.delivery(*delivery), Epoch(*epoch));
            told(store.release_delivery(project(of), id, epoch, now).await)
        }
        Op::ExtendRun {
            project: of,
            run,
            epoch,
            lease,
        } => {
            let (id, epoch) = (world.run(*run), Epoch(*epoch));
            let until = world.at(*lease);
            told(store.extend_run(project(of), id, epoch, until).await)
        }
        Op::CancelDisplaced { limit } => cancel_displaced(store, now, *limit).await,
        Op::Stale { of, age, limit } => {
            told(store.stale_runs(AgentId(*of), world.at(-age), *limit).await)
        }
        Op::ReleaseRun {
            project: of,
            run,
            epoch,
        } => told(
            store
                .release_run(project(of), world.run(*run), Epoch(*epoch), now)
                .await,
        ),
        Op::ReleaseHeld { project: of, run } => {
            told(store.release_held(project(of), world.run(*run), now).await)
        }
        Op::Redrive {
            project: of,
            delivery,
        } => told(
            store
                .redrive_delivery(project(of), world.delivery(*delivery), now)
                .await,
        ),
        Op::Forget { limit } => told(store.forget_expired(now, *limit).await),
        Op::EraseEvent { project: of, event } => {
            told(store.erase_event(project(of), world.event(*event)).await)
        }
        Op::Retain { bodies, rows } => retain(store, world, (*bodies, *rows)).await,
        other => format!("no act: {other:?}"),
    }
}

/// How much a call does is a store's own affair; what is left when there is no more is not.
async fn retain(store: &dyn Store, world: &World, (bodies, rows): (i64, i64)) -> String {
    let retain = Retain {
        bodies_before: world.at(-bodies),
        rows_before: world.at(-bodies - rows),
        limit: 3,
    };
    for _ in 0..1000 {
        match store.retain(retain).await {
            Ok(done) if done.more => {}
            answer => return told(answer.map(|done| done.more)),
        }
    }
    "there is always more".to_owned()
}

async fn cancel_displaced(store: &dyn Store, now: Timestamp, limit: u32) -> String {
    let displaced = store.displaced_runs(limit).await;
    let mut answers = format!("{displaced:?}");
    for (project, run) in displaced.unwrap_or_default() {
        let settle = SettleRun {
            run,
            fence: Fence::Open,
            now,
            outcome: RunOutcome::Ended {
                state: RunState::Cancelled,
                output: None,
                error: Some(RunError::new("replaced", "")),
                usage: None,
                dead_letter: false,
            },
            attempt: None,
            deliveries: vec![],
        };
        answers += &told(store.settle_run(project, settle, vec![]).await);
    }
    answers
}

fn settle_run(
    world: &World,
    op: &Op,
    deliveries: Vec<NewDelivery>,
) -> Option<(ProjectId, SettleRun)> {
    let Op::SettleRun {
        project,
        run,
        fence,
        end,
        attempt,
        ..
    } = op
    else {
        return None;
    };
    let outcome = run_outcome(world, end);
    let settle = SettleRun {
        run: world.run(*run),
        fence: *fence,
        now: world.at(0),
        outcome,
        attempt: world.attempt(*attempt),
        deliveries,
    };
    Some((ProjectId(*project), settle))
}

fn settle_delivery(world: &World, op: &Op) -> Option<(ProjectId, SettleDelivery)> {
    let Op::SettleDelivery {
        project,
        delivery,
        epoch,
        end,
        attempt,
    } = op
    else {
        return None;
    };
    let outcome = delivery_outcome(world, end);
    let settle = SettleDelivery {
        delivery: world.delivery(*delivery),
        epoch: epoch.map(Epoch),
        now: world.at(0),
        outcome,
        attempt: world.attempt(*attempt),
    };
    Some((ProjectId(*project), settle))
}

fn run_outcome(world: &World, end: &End<RunState>) -> RunOutcome {
    match end {
        End::Ended {
            state,
            body,
            failed,
        } => RunOutcome::Ended {
            state: *state,
            output: body.clone().map(Bytes::from),
            error: failed.then(|| RunError::new("agent-failed", "exit 1")),
            usage: failed.then(|| Bytes::from_static(b"{}")),
            dead_letter: *failed && *state == RunState::Failed,
        },
        End::Again {
            reason,
            after,
            counts,
        } => RunOutcome::Again(Next {
            reason: *reason,
            due_at: world.at(*after),
            error: (*counts != Counts::Attempt).then(|| RunError::new("refused", "")),
            counts: *counts,
        }),
        End::Paused => RunOutcome::Paused {
            error: RunError::new("used-up", ""),
        },
    }
}

fn delivery_outcome(world: &World, end: &End<DeliveryState>) -> DeliveryOutcome {
    match end {
        End::Ended { state, failed, .. } => DeliveryOutcome::Ended {
            state: *state,
            error: failed.then(|| RunError::new("destination-failed", "500")),
        },
        End::Again {
            reason,
            after,
            counts,
        } => DeliveryOutcome::Again(Next {
            reason: *reason,
            due_at: world.at(*after),
            error: None,
            counts: *counts,
        }),
        End::Paused => DeliveryOutcome::Again(Next {
            reason: Reason::Retry,
            due_at: world.at(10),
            error: None,
            counts: Counts::Attempt,
        }),
    }
}

async fn attempt(
    store: &dyn Store,
    world: &World,
    op: &Op,
    deliveries: Vec<NewDelivery>,
) -> String {
    let Op::Attempt { of, end, rides, .. } = op else {
        return String::new();
    };
    let claim = world.claim(AgentId(*of), 1, (1, 30));
    let claims = store.claim_runs(claim).await;
    let mut answers = format!("{claims:?}");
    for claimed in claims.iter().flat_map(|claims| &claims.rows) {
        let settle = SettleRun {
            run: claimed.run.id,
            fence: Fence::Claim(claimed.epoch),
            now: world.at(0),
            outcome: run_outcome(world, end),
            attempt: world.attempt(true),
            deliveries: deliveries.clone(),
        };
        let (project, claims) = (claimed.run.project, world.claims(rides, ConnectorId));
        answers += &told(store.settle_run(project, settle, claims).await);
    }
    answers
}

async fn deliver(store: &dyn Store, world: &World, end: &End<DeliveryState>) -> String {
    let claim = world.claim(ConnectorId(3), 1, (1, 30));
    let claims = store.claim_deliveries(claim).await;
    let mut answers = format!("{claims:?}");
    for claimed in claims.iter().flat_map(|claims| &claims.rows) {
        let settle = SettleDelivery {
            delivery: claimed.delivery.id,
            epoch: Some(claimed.epoch),
            now: world.at(0),
            outcome: delivery_outcome(world, end),
            attempt: world.attempt(true),
        };
        let project = claimed.delivery.project;
        answers += &told(store.settle_delivery(project, settle).await);
    }
    answers
}

async fn list(store: &dyn Store, world: &World, op: &Op) -> String {
    let Op::List {
        project,
        limit,
        before,
        agent,
        state,
        of,
        dead_letter,
        between,
    } = op
    else {
        return String::new();
    };
    let ago = |ms: Option<i64>| ms.map(|ms| world.at(-ms));
    let between = Between {
        since: ago(between.0),
        until: ago(between.1),
    };
    let project = ProjectId(*project);
    let page = PageRequest {
        limit: *limit,
        before: before.map(id),
    };
    let events = EventFilter {
        connector: agent.map(ConnectorId),
        received: between,
    };
    let runs = RunFilter {
        agent: agent.filter(|id| *id < 3).map(AgentId),
        connector: agent.filter(|id| *id == 3).map(|_| ConnectorId(1)),
        state: state.map(|state| RunState::ALL[state]),
        event: of.and_then(|of| newest(&world.events, of)),
        dead_letter: *dead_letter,
        queued: between,
    };
    let deliveries = DeliveryFilter {
        connector: agent.map(ConnectorId),
        state: state.map(|state| DeliveryState::ALL[state]),
        run: of.and_then(|of| newest(&world.runs, of)),
        created: between,
    };
    let listed = [
        told(store.events(project, events, page.clone()).await),
        told(store.runs(project, runs, page.clone()).await),
        told(store.deliveries(project, deliveries, page).await),
    ];
    listed.join("\n")
}

async fn configure(store: &dyn Store, now: Timestamp, op: &Op) -> String {
    let mut change = CatalogChange::default();
    let project = match op {
        Op::PutAgent {
            project,
            name,
            concurrency,
        } => {
            change.put_agents.push(agent(*name, *concurrency));
            project
        }
        Op::RemoveAgent { project, id, put } => {
            change.remove_agents.push(AgentId(*id));
            change.put_agents.extend(put.then(|| agent(0, 1)));
            project
        }
        Op::PutConnector {
            project,
            name,
            secrets,
        } => {
            change.put_connectors.push(connector(*name, *secrets));
            project
        }
        Op::RemoveConnector { project, id, put } => {
            change.remove_connectors.push(ConnectorId(*id));
            change.put_connectors.extend(put.then(|| connector(0, 1)));
            project
        }
        Op::PutSetting { name, value } => {
            return told(
                store
                    .put_setting_once(&format!("s{name}"), vec![*value])
                    .await,
            );
        }
        other => return format!("no change: {other:?}"),
    };
    change.audit = vec![record(ProjectId(*project), now, "catalog")];
    told(store.change_catalog(ProjectId(*project), change).await)
}

fn agent(name: u8, concurrency: u32) -> Agent {
    Agent {
        id: AgentId(0),
        project: ProjectId(0),
        name: Name::new(&format!("a{name}")).expect("a name"),
        runtime: "echo".to_owned(),
        timeout: Duration::from_millis(5),
        concurrency,
        session_concurrency: concurrency + 1,
        rate: "5/1s".parse().ok().filter(|_| concurrency > 2),
        queue_ttl: (concurrency > 3).then_some(Duration::from_secs(9)),
        retry: Retry::default(),
        settings: serde_json::Map::new(),
        managed_by: ManagedBy::Api,
        paused: concurrency > 4,
        removed: false,
    }
}

fn connector(name: u8, secrets: u8) -> Connector {
    let secret = |number| {
        Secret::new(format!("secret-{number}"))
            .expect("a secret")
            .into()
    };
    Connector {
        id: ConnectorId(0),
        project: ProjectId(0),
        name: Name::new(&format!("c{name}")).expect("a name"),
        kind: "webhook".to_owned(),
        mode: Mode::Outbound,
        secrets: (0..secrets).map(secret).collect(),
        links: vec![],
        concurrency: (secrets > 0).then_some(7),
        rate: "90/1m".parse().ok().filter(|_| secrets > 1),
        settings: serde_json::Map::new(),
        managed_by: ManagedBy::File,
        paused: false,
        removed: false,
    }
}
