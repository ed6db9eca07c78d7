use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tieline_store::MemoryStore;

use super::{Commits, Probe};
use crate::limits::PROBE_STANDS;

#[tokio::test(start_paused = true)]
async fn however_many_ask_the_store_is_probed_once() {
    let (probe, store) = (Probe::default(), Arc::new(MemoryStore::default()));
    let all = join_all((0..100).map(|_| probe.answer(&*store))).await;
    assert!(all.iter().all(|commits| matches!(commits, Commits::Now)));
    assert_eq!(store.calls(), 1);

    let almost = PROBE_STANDS.checked_sub(Duration::from_millis(1));
    tokio::time::sleep(almost.unwrap()).await;
    probe.answer(&*store).await;
    assert_eq!(store.calls(), 1, "the answer stands");
    tokio::time::sleep(Duration::from_millis(1)).await;
    probe.answer(&*store).await;
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_commit_is_asked_again() {
    use tieline_store::Store as _;
    let (probe, store) = (Probe::default(), MemoryStore::default());
    assert!(matches!(probe.answer(&store).await, Commits::Now));
    store.close().await;
    tokio::time::sleep(PROBE_STANDS).await;
    assert!(matches!(probe.answer(&store).await, Commits::Not));
}
