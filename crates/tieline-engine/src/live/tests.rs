use std::time::Duration;

use tieline_model::{
    AgentId, ConnectorId, EventId, Kept, Priority, ProjectId, RunState, Timestamp,
};

use super::*;
use crate::limits::CHUNK_BYTES_KEPT;

fn ended(id: RunId) -> Arc<Run> {
    Arc::new(Run {
        id,
        project: ProjectId::DEFAULT,
        event: EventId::from_bytes([0; 16]),
        agent: AgentId(1),
        connector: ConnectorId(1),
        session: None,
        priority: Priority::default(),
        state: RunState::Completed,
        reason: None,
        waiting_since: None,
        attempt: 1,
        crashes: 0,
        outages: 0,
        due_at: None,
        queued_at: Timestamp::default(),
        started_at: None,
        ended_at: None,
        output: None,
        error: None,
        usage: None,
        dead_letter: false,
        into: None,
        kept: Kept::Whole,
    })
}

const ONE: RunId = RunId::from_bytes([1; 16]);
const TWO: RunId = RunId::from_bytes([2; 16]);

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

#[tokio::test(start_paused = true)]
async fn a_caller_hears_of_every_run_in_the_order_asked_for() {
    let live = Arc::new(Live::default());
    let waiting = live.wait_for(vec![ONE, TWO]);
    live.ended(&ended(TWO));
    live.ended(&ended(ONE));
    let runs = waiting.until(soon()).await;
    assert_eq!(
        runs.iter()
            .map(|run| run.as_ref().unwrap().id)
            .collect::<Vec<_>>(),
        [ONE, TWO]
    );
    assert!(live.runs.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_passes_gives_what_has_ended_and_leaves_nothing_behind() {
    let live = Arc::new(Live::default());
    let waiting = live.wait_for(vec![ONE, TWO]);
    live.ended(&ended(TWO));
    let runs = waiting.until(soon()).await;
    assert!(runs.first().unwrap().is_none() && runs.get(1).unwrap().is_some());
    assert!(live.runs.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_store_knew_counts_once() {
    let live = Arc::new(Live::default());
    let waiting = live.wait_for(vec![ONE]);
    waiting.found(&ended(ONE));
    live.ended(&ended(ONE));
    assert!(waiting.until(soon()).await.first().unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_late_follower_gets_the_chunks_before_it_and_then_the_end() {
    let live = Arc::new(Live::default());
    let _token = live.begin(ONE);
    live.chunk(ONE, Bytes::from_static(b"1"));
    live.chunk(ONE, Bytes::from_static(b"2"));
    let mut follower = live.follow(ONE, 1);
    assert_eq!(
        follower.next().await,
        Said::Chunk(1, Bytes::from_static(b"2"))
    );
    live.ended(&ended(ONE));
    assert_eq!(follower.next().await, Said::Over);
    drop(follower);
    assert!(live.runs.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn chunks_are_kept_within_the_limit_and_keep_their_numbers() {
    let live = Arc::new(Live::default());
    let _token = live.begin(ONE);
    for _ in 0..5 {
        live.chunk(ONE, Bytes::from(vec![b'x'; CHUNK_BYTES_KEPT / 2]));
    }
    let mut follower = live.follow(ONE, 0);
    assert!(matches!(follower.next().await, Said::Chunk(3, _)));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_from_outside_ends_its_attempt() {
    let live = Arc::new(Live::default());
    let token = live.begin(ONE);
    live.ended(&ended(TWO));
    assert!(!token.is_cancelled());
    live.ended(&ended(ONE));
    assert!(token.is_cancelled());
    live.put_back(ONE);
    assert!(live.runs.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_follower_hears_all_that_was_said_before_the_end() {
    let live = Arc::new(Live::default());
    let waiting = live.wait_for(vec![ONE]);
    let _token = live.begin(ONE);
    live.chunk(ONE, Bytes::from_static(b"1"));
    live.ended(&ended(ONE));
    let mut follower = waiting.follow(0, 0).unwrap();
    assert_eq!(
        follower.next().await,
        Said::Chunk(0, Bytes::from_static(b"1"))
    );
    assert_eq!(follower.next().await, Said::Over);
    assert!(waiting.ended().first().unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_follower_of_a_run_that_nobody_has_in_hand_leaves_nothing_behind() {
    let live = Arc::new(Live::default());
    let (one, two) = (live.follow(ONE, 0), live.follow(ONE, 0));
    drop(one);
    assert_eq!(live.runs.lock().len(), 1);
    drop(two);
    assert!(live.runs.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_early_when_the_hub_stops() {
    let live = Arc::new(Live::default());
    let waiting = live.wait_for(vec![ONE, TWO]);
    live.ended(&ended(TWO));
    let stop = CancellationToken::new();
    stop.cancel();
    let begun = Instant::now();
    let runs = waiting.until_or(soon(), &stop).await;
    assert_eq!(begun, Instant::now());
    assert!(runs.first().unwrap().is_none() && runs.get(1).unwrap().is_some());
}
