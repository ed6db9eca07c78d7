use super::*;
use crate::control::Answer;
use crate::control::tests::serving;
use crate::hub::{order, post};

async fn load(status: u16, until: Until) -> (Load, JoinSet<()>) {
    let (target, serving) = serving(Answer {
        status: 202,
        length: 200,
    })
    .await;
    let load = Load::closed(target, post("any", &order()), status, 7, until);
    (load, serving)
}

fn pace(per_second: f64) -> Pace {
    Pace {
        per_second,
        flow: Flow::Even,
    }
}

#[test]
fn bursts_let_go_together_what_was_due_since_the_last_one() {
    let mut pace = pace(4000.0);
    assert_eq!(pace.goes(5), Duration::from_micros(1250));
    pace.flow = Flow::Bursts;
    let goes: Vec<_> = (0..10)
        .map(|number| pace.goes(number).as_millis())
        .collect();
    assert_eq!(goes, [0, 1, 1, 1, 1, 2, 2, 2, 2, 3]);
}

#[tokio::test]
async fn as_many_are_sent_as_were_asked_for() {
    let (load, _serving) = load(202, Until::Sent(100)).await;
    let tally = run(&load).await.unwrap();
    assert_eq!(tally.answered, 100);
    assert!(tally.latencies.quantile(1000) <= tally.elapsed * 65 / 64);
}

#[tokio::test]
async fn another_status_ends_the_load() {
    let (load, _serving) = load(200, Until::Sent(100)).await;
    let error = run(&load).await.unwrap_err().to_string();
    assert!(error.contains("202 instead of 200"), "{error}");
}

#[tokio::test]
async fn a_pace_is_not_exceeded() {
    let (mut load, _serving) = load(202, Until::Sent(50)).await;
    load.pace = Some(pace(1000.0));
    let tally = run(&load).await.unwrap();
    assert!(tally.elapsed >= Duration::from_millis(49));
}

#[tokio::test]
async fn all_that_fall_due_in_time_are_sent() {
    let (mut load, _serving) = load(202, Until::Elapsed(Duration::from_millis(50))).await;
    load.pace = Some(pace(2000.0));
    let tally = run(&load).await.unwrap();
    assert_eq!(tally.answered, 100);
}

#[tokio::test]
async fn a_request_that_waits_for_a_free_caller_is_late_from_when_it_was_due() {
    // One caller cannot keep this pace: the last answers are as late as the whole load was long.
    let (mut load, _serving) = load(202, Until::Sent(2_000)).await;
    load.callers = 1;
    load.pace = Some(pace(1e9));
    let tally = run(&load).await.unwrap();
    assert!(tally.latencies.quantile(1000) > tally.elapsed * 9 / 10);
    assert!(tally.latencies.quantile(500) > tally.elapsed / 10);
}

#[tokio::test]
async fn a_window_holds_back_what_nobody_lets_go() {
    let (mut load, _serving) = load(202, Until::Sent(5)).await;
    load.callers = 1;
    let window = Arc::new(Semaphore::new(4));
    load.window = Some(Arc::clone(&window));
    let mut running = JoinSet::new();
    running.spawn(async move { run(&load).await.unwrap().answered });
    // One permit more for the fifth request, and one to learn that there is no sixth.
    window.add_permits(2);
    assert_eq!(running.join_next().await.unwrap().unwrap(), 5);
    assert_eq!(window.available_permits(), 0);
}
