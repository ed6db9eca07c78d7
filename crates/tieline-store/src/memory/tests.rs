use std::sync::Arc;

use crate::{MemoryStore, Store, suite};

#[tokio::test]
async fn the_memory_store_keeps_every_promise() {
    suite::hold(|| async { Arc::new(MemoryStore::default()) as Arc<dyn Store> }).await;
}

#[tokio::test]
async fn two_handles_of_the_memory_store_keep_every_shared_promise() {
    suite::hold_shared(|| async {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        (Arc::clone(&store), store)
    })
    .await;
}
