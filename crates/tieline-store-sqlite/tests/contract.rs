//! The suite that every store has to pass, over SQLite.

use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;
use tieline_store::{Store, suite};
use tieline_store_sqlite::SqliteStore;

#[tokio::test]
async fn the_sqlite_store_keeps_every_promise() {
    let folders = Mutex::new(Vec::new());
    suite::hold(|| async {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("hub.db")).unwrap();
        folders.lock().push(folder);
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn two_handles_on_one_file_keep_every_shared_promise() {
    let folders = Mutex::new(Vec::new());
    suite::hold_shared(|| async {
        let folder = TempDir::new().unwrap();
        let open = || SqliteStore::open(folder.path().join("hub.db")).unwrap();
        let handles: (Arc<dyn Store>, Arc<dyn Store>) = (Arc::new(open()), Arc::new(open()));
        folders.lock().push(folder);
        handles
    })
    .await;
}
