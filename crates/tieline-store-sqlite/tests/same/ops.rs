//! The operations, with small numbers in place of ids, so that they meet each other often.

use proptest::prelude::*;
use tieline_model::{DeliveryState, Priority, Reason, RunState};
use tieline_store::{Counts, Epoch, Fence, LinePolicy};

#[derive(Clone, Debug)]
pub(crate) struct EventPlan {
    pub connector: i64,
    /// A key, its body's digest, and how long it is kept.
    pub dedupe: Option<(u8, u8, i64)>,
    pub runs: Vec<RunPlan>,
    pub files: u8,
    pub filtered: bool,
    /// Takes an id that is there already.
    pub known_id: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct RunPlan {
    pub agent: i64,
    pub held: bool,
    pub session: Option<String>,
    pub priority: Priority,
    pub line: Option<LinePlan>,
}

#[derive(Clone, Debug)]
pub(crate) struct LinePlan {
    pub key: u8,
    pub policy: LinePolicy,
    pub width: u32,
    /// Quiet and the longest wait in milliseconds, and the most events.
    pub debounce: Option<(u64, u64, u32)>,
}

/// A claim that is made in the commit of something else.
#[derive(Clone, Debug)]
pub(crate) struct RidePlan {
    pub of: i64,
    pub limit: u32,
    pub lease: i64,
}

#[derive(Clone, Debug)]
pub(crate) enum End<State> {
    Ended {
        state: State,
        body: Option<Vec<u8>>,
        failed: bool,
    },
    Again {
        reason: Reason,
        after: i64,
        counts: Counts,
    },
    /// Of a run alone; a delivery waits for the next try.
    Paused,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Accept {
        project: i64,
        events: Vec<EventPlan>,
        rides: Vec<RidePlan>,
    },
    AddRuns {
        project: i64,
        event: usize,
        runs: Vec<RunPlan>,
    },
    ClaimRuns {
        of: i64,
        limit: u32,
        node: u8,
        lease: i64,
    },
    ClaimDeliveries {
        of: i64,
        limit: u32,
        node: u8,
        lease: i64,
    },
    SettleRun {
        project: i64,
        run: usize,
        fence: Fence,
        end: End<RunState>,
        deliveries: Vec<bool>,
        attempt: bool,
        rides: Vec<RidePlan>,
    },
    SettleDelivery {
        project: i64,
        delivery: usize,
        epoch: Option<u32>,
        end: End<DeliveryState>,
        attempt: bool,
    },
    /// Claims one run and settles what came with its own epoch.
    Attempt {
        of: i64,
        end: End<RunState>,
        deliveries: Vec<bool>,
        rides: Vec<RidePlan>,
    },
    /// Claims one delivery and settles what came with its own epoch.
    Deliver {
        end: End<DeliveryState>,
    },
    ReleaseLeases {
        keep: u8,
        /// How far the clock was set back before.
        back: i64,
    },
    ReleaseDelivery {
        project: i64,
        delivery: usize,
        epoch: u32,
    },
    ExtendRun {
        project: i64,
        run: usize,
        epoch: u32,
        lease: i64,
    },
    /// Cancels those whose place was taken, as the hub does.
    CancelDisplaced {
        limit: u32,
    },
    Stale {
        of: i64,
        age: i64,
        limit: u32,
    },
    ReleaseRun {
        project: i64,
        run: usize,
        epoch: u32,
    },
    ReleaseHeld {
        project: i64,
        run: usize,
    },
    Redrive {
        project: i64,
        delivery: usize,
    },
    Forget {
        limit: u32,
    },
    EraseEvent {
        project: i64,
        event: usize,
    },
    /// Erases bodies older than the one, and rows older than both.
    Retain {
        bodies: i64,
        rows: i64,
    },
    PutAgent {
        project: i64,
        name: u8,
        concurrency: u32,
    },
    RemoveAgent {
        project: i64,
        id: i64,
        put: bool,
    },
    PutConnector {
        project: i64,
        name: u8,
        secrets: u8,
    },
    RemoveConnector {
        project: i64,
        id: i64,
        put: bool,
    },
    PutSetting {
        name: u8,
        value: u8,
    },
    PutKey {
        project: i64,
        name: u8,
        digest: u8,
    },
    RemoveKey {
        project: i64,
        name: u8,
    },
    TouchKey {
        project: i64,
        name: u8,
    },
    PutProject {
        name: u8,
    },
    List {
        project: i64,
        limit: u32,
        before: Option<u32>,
        agent: Option<i64>,
        state: Option<usize>,
        of: Option<usize>,
        dead_letter: Option<bool>,
        /// From and until how long ago.
        between: (Option<i64>, Option<i64>),
    },
    OpenWork,
    Wait {
        ms: i64,
    },
}

/// Mostly the first project, so that rows meet; sometimes another, so that walls are tried.
fn project() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(1), 1 => Just(2)]
}

fn line() -> impl Strategy<Value = LinePlan> {
    let policy = prop_oneof![
        5 => Just(LinePolicy::Queue),
        2 => Just(LinePolicy::Coalesce),
        2 => Just(LinePolicy::Replace),
        1 => Just(LinePolicy::Reject),
    ];
    let width = prop_oneof![3 => Just(1), 1 => 1..4_u32];
    let debounce = (0..30_u64, 0..60_u64, 1..5_u32);
    let debounce = prop::option::weighted(0.3, debounce);
    (0..2_u8, policy, width, debounce).prop_map(|(key, policy, width, debounce)| LinePlan {
        key,
        policy,
        width,
        debounce,
    })
}

fn run() -> impl Strategy<Value = RunPlan> {
    let session = prop::option::of("[a-c\0é]{0,3}");
    let priority = prop_oneof![
        1 => Just(Priority::Low),
        3 => Just(Priority::Normal),
        1 => Just(Priority::High),
    ];
    let line = prop::option::weighted(0.7, line());
    let held = prop::bool::weighted(0.15);
    (1..3_i64, held, session, priority, line).prop_map(|(agent, held, session, priority, line)| {
        RunPlan {
            agent,
            held,
            session,
            priority,
            line,
        }
    })
}

fn event() -> impl Strategy<Value = EventPlan> {
    let dedupe = prop::option::of((0..3_u8, 0..2_u8, 0..60_i64));
    let runs = prop::collection::vec(run(), 0..3);
    (
        1..3_i64,
        dedupe,
        runs,
        0..2_u8,
        any::<bool>(),
        prop::bool::weighted(0.05),
    )
        .prop_map(
            |(connector, dedupe, runs, files, filtered, known_id)| EventPlan {
                connector,
                dedupe,
                runs,
                files,
                filtered,
                known_id,
            },
        )
}

fn end<State: Clone + std::fmt::Debug + 'static>(
    states: [State; 6],
) -> impl Strategy<Value = End<State>> {
    let body = prop::option::of(prop::collection::vec(any::<u8>(), 0..4));
    let state = prop_oneof![1 => 0..6_usize, 4 => 3..6_usize];
    let ended = (state, body, any::<bool>()).prop_map(move |(state, body, failed)| End::Ended {
        state: states[state].clone(),
        body,
        failed,
    });
    let reason = prop_oneof![
        Just(Reason::Retry),
        Just(Reason::Outage),
        Just(Reason::Answer)
    ];
    let counts = prop_oneof![
        Just(Counts::Attempt),
        Just(Counts::Crash),
        Just(Counts::Outage),
    ];
    let again = (reason, -5..40_i64, counts).prop_map(|(reason, after, counts)| End::Again {
        reason,
        after,
        counts,
    });
    prop_oneof![4 => ended, 4 => again, 1 => Just(End::Paused)]
}

fn epoch() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![1 => Just(None), 3 => Just(Some(1)),
        2 => Just(Some(2)),
        1 => (0..4_u32).prop_map(Some)]
}

fn fence() -> impl Strategy<Value = Fence> {
    let claim = epoch().prop_map(|epoch| epoch.map_or(Fence::Open, |e| Fence::Claim(Epoch(e))));
    prop_oneof![5 => claim, 1 => Just(Fence::NeverBegun)]
}

pub(crate) fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => moving(),
        4 => acting(),
        2 => catalog(),
        2 => reading(),
        2 => (0..40_i64).prop_map(|ms| Op::Wait { ms }),
    ]
}

/// Claims of these agents or connectors.
fn rides(of: std::ops::Range<i64>) -> impl Strategy<Value = Vec<RidePlan>> {
    let ride = (of, 0..3_u32, 0..40_i64);
    let ride = ride.prop_map(|(of, limit, lease)| RidePlan { of, limit, lease });
    prop_oneof![1 => Just(vec![]), 2 => prop::collection::vec(ride, 1..3)]
}

fn moving() -> impl Strategy<Value = Op> {
    let events = prop::collection::vec(event(), 0..3);
    let claim = (1..4_i64, 0..4_u32, 1..3_u8, 0..40_i64);
    let delivered = prop::collection::vec(prop::bool::weighted(0.8), 0..3);
    let run = (
        project(),
        0..4_usize,
        fence(),
        end(RunState::ALL),
        delivered,
        any::<bool>(),
        rides(3..4),
    );
    let delivery = (
        project(),
        0..4_usize,
        epoch(),
        end(DeliveryState::ALL),
        any::<bool>(),
    );
    let made = prop::collection::vec(prop::bool::weighted(0.8), 0..3);
    let tried = (1..3_i64, end(RunState::ALL), made, rides(3..4));
    let tried = tried.prop_map(|(of, end, deliveries, rides)| Op::Attempt {
        of,
        end,
        deliveries,
        rides,
    });
    prop_oneof![
        6 => tried,
        3 => end(DeliveryState::ALL).prop_map(|end| Op::Deliver { end }),
        4 => (project(), events, rides(1..3)).prop_map(|(project, events, rides)| {
            Op::Accept { project, events, rides }
        }),
        4 => claim.clone().prop_map(|(of, limit, node, lease)| Op::ClaimRuns { of, limit, node, lease }),
        2 => claim.prop_map(|(of, limit, node, lease)| Op::ClaimDeliveries { of, limit, node, lease }),
        6 => run.prop_map(|(project, run, fence, end, deliveries, attempt, rides)| {
            Op::SettleRun { project, run, fence, end, deliveries, attempt, rides }
        }),
        3 => delivery.prop_map(|(project, delivery, epoch, end, attempt)| {
            Op::SettleDelivery { project, delivery, epoch, end, attempt }
        }),
    ]
}

fn acting() -> impl Strategy<Value = Op> {
    let runs = prop::collection::vec(run(), 0..3);
    prop_oneof![
        (project(), 0..4_usize, runs).prop_map(|(project, event, runs)| Op::AddRuns {
            project,
            event,
            runs
        }),
        (1..4_u8, prop_oneof![3 => Just(0), 1 => 0..60_i64])
            .prop_map(|(keep, back)| Op::ReleaseLeases { keep, back }),
        (project(), 0..4_usize, 0..3_u32).prop_map(|(project, delivery, epoch)| {
            Op::ReleaseDelivery {
                project,
                delivery,
                epoch,
            }
        }),
        (project(), 0..4_usize, 0..3_u32, 0..40_i64).prop_map(|(project, run, epoch, lease)| {
            Op::ExtendRun {
                project,
                run,
                epoch,
                lease,
            }
        }),
        (0..4_u32).prop_map(|limit| Op::CancelDisplaced { limit }),
        (1..3_i64, -5..60_i64, 0..4_u32).prop_map(|(of, age, limit)| Op::Stale { of, age, limit }),
        (project(), 0..4_usize, 0..3_u32).prop_map(|(project, run, epoch)| Op::ReleaseRun {
            project,
            run,
            epoch
        }),
        (project(), 0..4_usize).prop_map(|(project, run)| Op::ReleaseHeld { project, run }),
        (project(), 0..4_usize).prop_map(|(project, delivery)| Op::Redrive { project, delivery }),
        // None or all: of keys that expire in the same moment, each store has its own order.
        prop::sample::select(vec![0, u32::MAX]).prop_map(|limit| Op::Forget { limit }),
        (project(), 0..4_usize).prop_map(|(project, event)| Op::EraseEvent { project, event }),
        (0..60_i64, 0..60_i64).prop_map(|(bodies, rows)| Op::Retain { bodies, rows }),
    ]
}

fn catalog() -> impl Strategy<Value = Op> {
    prop_oneof![
        (project(), 0..2_u8, 1..9_u32).prop_map(|(project, name, concurrency)| Op::PutAgent {
            project,
            name,
            concurrency
        }),
        (project(), 0..5_i64, any::<bool>()).prop_map(|(project, id, put)| Op::RemoveAgent {
            project,
            id,
            put
        }),
        (project(), 0..2_u8, 0..3_u8).prop_map(|(project, name, secrets)| Op::PutConnector {
            project,
            name,
            secrets
        }),
        (project(), 0..5_i64, any::<bool>()).prop_map(|(project, id, put)| Op::RemoveConnector {
            project,
            id,
            put
        }),
        (0..2_u8, any::<u8>()).prop_map(|(name, value)| Op::PutSetting { name, value }),
        (project(), 0..2_u8, any::<u8>()).prop_map(|(project, name, digest)| Op::PutKey {
            project,
            name,
            digest
        }),
        (project(), 0..2_u8).prop_map(|(project, name)| Op::RemoveKey { project, name }),
        (project(), 0..2_u8).prop_map(|(project, name)| Op::TouchKey { project, name }),
        (0..2_u8).prop_map(|name| Op::PutProject { name }),
    ]
}

fn reading() -> impl Strategy<Value = Op> {
    let before = prop::option::of(0..60_u32);
    let agent = prop::option::of(1..4_i64);
    let state = prop::option::of(0..6_usize);
    let of = prop::option::of(0..4_usize);
    let dead_letter = prop::option::weighted(0.3, any::<bool>());
    let ago = || prop::option::weighted(0.3, -5..80_i64);
    let between = (ago(), ago());
    let list = (
        project(),
        0..5_u32,
        before,
        agent,
        state,
        of,
        dead_letter,
        between,
    );
    prop_oneof![
        3 => list.prop_map(|(project, limit, before, agent, state, of, dead_letter, between)| {
            Op::List { project, limit, before, agent, state, of, dead_letter, between }
        }),
        1 => Just(Op::OpenWork),
    ]
}
