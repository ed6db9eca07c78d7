//! The operations, with small numbers in place of ids, so that they meet each other often.

use proptest::prelude::*;
use tieline_model::{DeliveryState, Reason, RunState};

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
        not_started: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Accept {
        project: i64,
        events: Vec<EventPlan>,
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
        epoch: Option<u32>,
        end: End<RunState>,
        deliveries: Vec<bool>,
        attempt: bool,
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
    },
    /// Claims one delivery and settles what came with its own epoch.
    Deliver {
        end: End<DeliveryState>,
    },
    ReleaseLeases {
        keep: u8,
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
    List {
        project: i64,
        limit: u32,
        before: Option<u32>,
        agent: Option<i64>,
        state: Option<usize>,
        of: Option<usize>,
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

fn run() -> impl Strategy<Value = RunPlan> {
    let session = prop::option::of("[a-c\0é]{0,3}");
    (1..3_i64, prop::bool::weighted(0.2), session).prop_map(|(agent, held, session)| RunPlan {
        agent,
        held,
        session,
    })
}

fn event() -> impl Strategy<Value = EventPlan> {
    let dedupe = prop::option::of((0..3_u8, 0..2_u8, 0..60_i64));
    let runs = prop::collection::vec(run(), 0..2);
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
    let again =
        (reason, -5..40_i64, any::<bool>()).prop_map(|(reason, after, not_started)| End::Again {
            reason,
            after,
            not_started,
        });
    prop_oneof![ended, again]
}

fn epoch() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![1 => Just(None), 3 => Just(Some(1)),
        2 => Just(Some(2)),
        1 => (0..4_u32).prop_map(Some)]
}

pub(crate) fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => moving(),
        2 => acting(),
        2 => catalog(),
        2 => reading(),
        2 => (0..40_i64).prop_map(|ms| Op::Wait { ms }),
    ]
}

fn moving() -> impl Strategy<Value = Op> {
    let events = prop::collection::vec(event(), 0..3);
    let claim = (1..4_i64, 0..4_u32, 1..3_u8, 0..40_i64);
    let delivered = prop::collection::vec(prop::bool::weighted(0.8), 0..3);
    let run = (
        project(),
        0..4_usize,
        epoch(),
        end(RunState::ALL),
        delivered,
        any::<bool>(),
    );
    let delivery = (
        project(),
        0..4_usize,
        epoch(),
        end(DeliveryState::ALL),
        any::<bool>(),
    );
    let made = prop::collection::vec(prop::bool::weighted(0.8), 0..3);
    let tried = (1..3_i64, end(RunState::ALL), made);
    let tried = tried.prop_map(|(of, end, deliveries)| Op::Attempt {
        of,
        end,
        deliveries,
    });
    prop_oneof![
        6 => tried,
        3 => end(DeliveryState::ALL).prop_map(|end| Op::Deliver { end }),
        2 => (project(), events).prop_map(|(project, events)| Op::Accept { project, events }),
        4 => claim.clone().prop_map(|(of, limit, node, lease)| Op::ClaimRuns { of, limit, node, lease }),
        2 => claim.prop_map(|(of, limit, node, lease)| Op::ClaimDeliveries { of, limit, node, lease }),
        6 => run.prop_map(|(project, run, epoch, end, deliveries, attempt)| {
            Op::SettleRun { project, run, epoch, end, deliveries, attempt }
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
        (1..4_u8).prop_map(|keep| Op::ReleaseLeases { keep }),
        (project(), 0..4_usize, 0..3_u32).prop_map(|(project, run, epoch)| Op::ReleaseRun {
            project,
            run,
            epoch
        }),
        (project(), 0..4_usize).prop_map(|(project, run)| Op::ReleaseHeld { project, run }),
        (project(), 0..4_usize).prop_map(|(project, delivery)| Op::Redrive { project, delivery }),
        (0..4_u32).prop_map(|limit| Op::Forget { limit }),
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
    ]
}

fn reading() -> impl Strategy<Value = Op> {
    let before = prop::option::of(0..60_u32);
    let agent = prop::option::of(1..4_i64);
    let state = prop::option::of(0..6_usize);
    let of = prop::option::of(0..4_usize);
    let list = (project(), 0..5_u32, before, agent, state, of);
    prop_oneof![
        3 => list.prop_map(|(project, limit, before, agent, state, of)| {
            Op::List { project, limit, before, agent, state, of }
        }),
        1 => Just(Op::OpenWork),
    ]
}
