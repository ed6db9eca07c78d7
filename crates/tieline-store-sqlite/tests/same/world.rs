//! What both stores were told: the same times, the same ids.

use std::time::Duration;

use bytes::Bytes;
use tieline_model::{
    AgentId, Attempt, ConnectorId, DeliveryId, EventFile, EventId, FileId, NodeId, ProjectId,
    RunError, RunId, Timestamp, Trust,
};
use tieline_store::{Claim, Debounce, Dedupe, Lease, Line, NewDelivery, NewEvent, NewFile, NewRun};

use super::ops::{EventPlan, LinePlan, Op, RidePlan, RunPlan};

/// What both stores were told so far: the time, and the ids that were given out.
#[derive(Debug, Default)]
pub(crate) struct World {
    now: i64,
    made: u32,
    /// Where the events begin that retention has not looked at.
    recent: usize,
    pub events: Vec<EventId>,
    pub runs: Vec<RunId>,
    pub deliveries: Vec<DeliveryId>,
    pub files: Vec<FileId>,
}

/// An operation with its new ids drawn, so that both stores get the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub op: Op,
    pub events: Vec<NewEvent>,
    pub runs: Vec<NewRun>,
    pub deliveries: Vec<NewDelivery>,
}

pub(crate) fn id(number: u32) -> [u8; 16] {
    (u128::from(number) + (1 << 100)).to_be_bytes()
}

impl World {
    pub(crate) fn prepare(&mut self, op: &Op) -> Prepared {
        let mut prepared = Prepared {
            op: op.clone(),
            events: vec![],
            runs: vec![],
            deliveries: vec![],
        };
        match op {
            Op::Accept {
                project, events, ..
            } => {
                let events = events.iter().map(|plan| self.new_event(*project, plan));
                prepared.events = events.collect();
            }
            Op::AddRuns { runs, .. } => {
                prepared.runs = runs.iter().map(|plan| self.new_run(plan)).collect();
            }
            Op::SettleRun { deliveries, .. } | Op::Attempt { deliveries, .. } => {
                let new = deliveries.iter().map(|fine| self.new_delivery(*fine));
                prepared.deliveries = new.collect();
            }
            Op::Wait { ms } => self.now += ms,
            // SQLite may keep a thing for an hour longer: what it passed by it looks at again then.
            Op::Retain { .. } => {
                self.now += 2 * 60 * 60 * 1000;
                self.recent = self.events.len();
            }
            _ => {}
        }
        prepared
    }

    fn id(&mut self) -> [u8; 16] {
        self.made += 1;
        id(self.made)
    }

    fn new_event(&mut self, project: i64, plan: &EventPlan) -> NewEvent {
        // The newest one: ids stay in the order of their events, which retention goes by. A commit
        // is tried again within seconds, never after retention removed what it made.
        let known = self.events[self.recent..].iter().max();
        let known = known.filter(|_| plan.known_id).copied();
        let id = known.unwrap_or_else(|| EventId::from_bytes(self.id()));
        self.events.push(id);
        let runs = plan.runs.iter().map(|run| self.new_run(run)).collect();
        NewEvent {
            id,
            project: ProjectId(project),
            connector: ConnectorId(plan.connector),
            received_at: self.at(0),
            queued_at: self.at(0),
            trust: Trust::Open,
            input: Bytes::from(format!("{id}")),
            meta: Bytes::from_static(b"{}"),
            files: (0..plan.files)
                .map(|number| self.new_file(number))
                .collect(),
            dedupe: plan.dedupe.map(|(key, digest, kept)| Dedupe {
                key: format!("k{key}"),
                digest: [digest; 32],
                expires_at: self.at(kept),
                follows: kept % 2 == 0,
            }),
            filtered: plan.filtered,
            runs,
        }
    }

    fn new_run(&mut self, plan: &RunPlan) -> NewRun {
        let id = RunId::from_bytes(self.id());
        self.runs.push(id);
        NewRun {
            id,
            agent: AgentId(plan.agent),
            session: plan.session.clone(),
            held: plan
                .held
                .then(|| RunError::new("condition-failed", "no such key")),
            priority: plan.priority,
            line: plan.line.as_ref().map(new_line),
        }
    }

    fn new_file(&mut self, number: u8) -> NewFile {
        let id = FileId::from_bytes(self.id());
        self.files.push(id);
        NewFile {
            file: EventFile {
                id,
                field: None,
                name: Some(format!("{number}.txt")),
                content_type: "text/plain".to_owned(),
                size: 1,
                sha256: "0".repeat(64),
            },
            content: Bytes::from(vec![number]),
        }
    }

    fn new_delivery(&mut self, fine: bool) -> NewDelivery {
        let id = DeliveryId::from_bytes(self.id());
        self.deliveries.push(id);
        NewDelivery {
            id,
            connector: ConnectorId(3),
            body: Bytes::from_static(if fine { b"body" } else { b"" }),
            failed: (!fine).then(|| RunError::new("template-failed", "")),
        }
    }

    pub(crate) fn at(&self, ms: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + self.now + ms)
    }

    pub(crate) fn claim<Of>(&self, of: Of, limit: u32, (node, lease): (u8, i64)) -> Claim<Of> {
        let (now, until) = (self.at(0), self.at(lease));
        let node = NodeId::from_bytes([node; 16]);
        Claim {
            of,
            limit,
            lease: Lease { node, now, until },
        }
    }

    pub(crate) fn claims<Of>(&self, rides: &[RidePlan], of: fn(i64) -> Of) -> Vec<Claim<Of>> {
        let claim = |ride: &RidePlan| self.claim(of(ride.of), ride.limit, (1, ride.lease));
        rides.iter().map(claim).collect()
    }

    pub(crate) fn attempt(&self, wanted: bool) -> Option<Attempt> {
        wanted.then(|| Attempt {
            number: 1,
            started_at: self.at(-1),
            ended_at: self.at(0),
            status: None,
            error: Some(RunError::new("timeout", "")),
            response: Some("é".to_owned()),
        })
    }

    pub(crate) fn event(&self, index: usize) -> EventId {
        EventId::from_bytes(newest(&self.events, index).map_or_else(|| id(0), |id| *id.as_bytes()))
    }

    pub(crate) fn run(&self, index: usize) -> RunId {
        RunId::from_bytes(newest(&self.runs, index).map_or_else(|| id(0), |id| *id.as_bytes()))
    }

    pub(crate) fn delivery(&self, index: usize) -> DeliveryId {
        let known = newest(&self.deliveries, index);
        DeliveryId::from_bytes(known.map_or_else(|| id(0), |id| *id.as_bytes()))
    }
}

fn new_line(plan: &LinePlan) -> Line {
    let ms = Duration::from_millis;
    Line {
        key: format!("s:{}", plan.key),
        policy: plan.policy,
        width: plan.width,
        debounce: plan.debounce.map(|(quiet, max_wait, max_count)| Debounce {
            quiet: ms(quiet),
            max_wait: ms(max_wait),
            max_count,
        }),
    }
}

pub(crate) fn newest<T: Copy>(ids: &[T], back: usize) -> Option<T> {
    ids.iter().rev().nth(back).copied()
}
