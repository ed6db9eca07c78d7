use std::convert::Infallible;
use std::net::IpAddr;

use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

use super::*;

/// Pieces that come one by one, each after a pause.
fn slow(pieces: usize, size: usize, pause: Duration) -> Body {
    let pieces = stream::iter(0..pieces).then(move |_| async move {
        sleep(pause).await;
        Ok::<_, Infallible>(Bytes::from(vec![b'x'; size]))
    });
    Body::from_stream(pieces)
}

async fn read_all(body: Body, most: u64) -> Result<Whole, Code> {
    let held = Budget::default().hold(Sender::Proven);
    let read = read(body, most, held, |_| {}).await;
    read.map_err(|problem| problem.code)
}

#[tokio::test(start_paused = true)]
async fn pieces_are_joined_and_seen_in_order() {
    let pieces = ["ab", "", "cd", "e"].map(|text| Ok::<_, Infallible>(Bytes::from(text)));
    let budget = Budget::default();
    let mut seen = Vec::new();
    let body = Body::from_stream(stream::iter(pieces));
    let whole = read(body, 5, budget.hold(Sender::Proven), |piece| {
        seen.extend_from_slice(piece);
    })
    .await
    .unwrap();
    assert_eq!(whole.bytes, "abcde");
    assert_eq!(seen, b"abcde");
    assert_eq!(taken(&budget), 5);
    drop(whole);
    assert_eq!(taken(&budget), 0);
}

#[tokio::test(start_paused = true)]
async fn the_bound_is_exact() {
    assert!(read_all(Body::from("x".repeat(8)), 8).await.is_ok());
    let over = read_all(Body::from("x".repeat(9)), 8).await;
    assert_eq!(over.unwrap_err(), Code::PayloadTooLarge);
    assert!(check_declared(&Body::from("xx"), 1).is_err());
    assert!(check_declared(&Body::from("xx"), 2).is_ok());
}

#[tokio::test(start_paused = true)]
async fn silence_and_dripping_both_end() {
    let begun = Instant::now();
    let silent = read_all(slow(1, 1, BODY_IDLE * 2), 1 << 20).await;
    assert_eq!(silent.unwrap_err(), Code::RequestTimeout);
    assert_eq!(begun.elapsed().as_secs(), BODY_IDLE.as_secs());
    let begun = Instant::now();
    let dripping = read_all(slow(1000, 1, Duration::from_secs(1)), 1 << 20).await;
    assert_eq!(dripping.unwrap_err(), Code::RequestTimeout);
    assert_eq!(begun.elapsed().as_secs(), BODY_IDLE.as_secs());
    // What came fast at first is no leave to drip for longer.
    let begun = Instant::now();
    let burst = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1 << 20]))]);
    let drip = slow(1000, 1, Duration::from_secs(1)).into_data_stream();
    let both = Body::from_stream(burst.map(Result::unwrap).map(Ok).chain(drip));
    let ended = read_all(both, 2 << 20).await;
    assert_eq!(ended.unwrap_err(), Code::RequestTimeout);
    assert_eq!(begun.elapsed().as_secs(), BODY_IDLE.as_secs());
    // A slow line that keeps the rate may take as long as it needs.
    let rate = usize::try_from(BODY_RATE).unwrap();
    let steady = read_all(slow(100, rate, Duration::from_secs(1)), 1 << 20).await;
    assert_eq!(steady.unwrap().bytes.len(), 100 * rate);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_said_so() {
    let pieces = [Ok(Bytes::from("ab")), Err(std::io::Error::other("gone"))];
    let broken = read_all(Body::from_stream(stream::iter(pieces)), 100).await;
    assert_eq!(broken.unwrap_err(), Code::BadRequest);
}

fn taken(budget: &Budget) -> usize {
    budget.0.taken.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn all_bodies_together_have_a_bound_and_give_back_what_they_took() {
    let budget = Budget::default();
    let mut most = budget.hold(Sender::Proven);
    most.grow(BODIES - 1).unwrap();
    let read = |text| read(Body::from(text), 100, budget.hold(Sender::Proven), |_| {});
    let refused = read("xx").await.unwrap_err();
    assert_eq!(refused.code, Code::Overloaded);
    assert!(refused.retry_after.is_some());
    let whole = read("x").await.unwrap();
    drop((whole, most));
    assert_eq!(taken(&budget), 0);
}

#[tokio::test(start_paused = true)]
async fn those_who_proved_nothing_leave_room_for_each_other_and_for_those_who_did() {
    let budget = Budget::default();
    let from = |n: usize| {
        let address = IpAddr::from([10, 0, 0, u8::try_from(n).unwrap()]);
        Sender::Unproven(Taker::of(address))
    };
    let read = |sender| read(Body::from("x"), 100, budget.hold(sender), |_| {});
    let mut one = budget.hold(from(1));
    while one.grow(1 << 20).is_ok() {}
    assert_eq!(taken(&budget), BODIES_UNPROVEN / 2);
    let refused = read(from(1)).await.unwrap_err();
    assert_eq!(refused.code, Code::Overloaded);
    // Another network, where several have taken all that they get.
    let mut others: Vec<_> = (2..10).map(|n| budget.hold(from(n))).collect();
    for other in &mut others {
        while other.grow(1 << 16).is_ok() {}
    }
    read(from(10)).await.unwrap();
    read(Sender::Proven).await.unwrap();
    drop((one, others));
    assert_eq!(taken(&budget), 0);
    read(from(1)).await.unwrap();
}

#[test]
fn depth_is_counted_outside_of_texts() {
    let cases = [("1", 0), ("[{}]", 2), (r#"["[[\"[["]"#, 1), ("]]][", 1)];
    for (text, levels) in cases {
        assert_eq!(nesting(text), levels, "{text}");
    }
    assert!(json_text(&[0xff]).is_err());
    assert!(json_text("[".repeat(JSON_DEPTH).as_bytes()).is_ok());
    assert!(json_text("[".repeat(JSON_DEPTH + 1).as_bytes()).is_err());
}
