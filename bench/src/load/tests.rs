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
    let load = Load {
        target,
        request: post("any", &order()),
        status,
        callers: 7,
        until,
        pace: None,
        window: None,
    };
    (load, serving)
}

#[tokio::test]
async fn as_many_are_sent_as_were_asked_for() {
    let (load, _serving) = load(202, Until::Sent(100)).await;
    let tally = run(&load).await.unwrap();
    assert_eq!(tally.answered, 100);
    assert!(tally.latencies.percentile(100) <= tally.elapsed * 65 / 64);
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
    load.pace = Some(1000.0);
    let tally = run(&load).await.unwrap();
    assert!(tally.elapsed >= Duration::from_millis(49));
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
