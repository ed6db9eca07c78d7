//! The suite that every store has to pass, over SQLite.

use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;
use tieline_model::clock::ManualClock;
use tieline_store::{Store, suite};
use tieline_store_sqlite::SqliteStore;
use tieline_vault::{MasterKey, SystemEntropy, Vault};

/// The same key each time: handles on one file have to agree on it.
fn vault() -> Vault {
    let master = MasterKey::parse(&format!("{}=", "A".repeat(43)));
    let master = master.expect("it is 32 bytes");
    let clock = Arc::new(ManualClock::default());
    Vault::new(master, vec![], Arc::new(SystemEntropy), clock)
}

#[tokio::test]
async fn the_sqlite_store_keeps_every_promise() {
    let folders = Mutex::new(Vec::new());
    suite::hold(|| async {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("hub.db"), vault()).unwrap();
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
        let open = || SqliteStore::open(folder.path().join("hub.db"), vault()).unwrap();
        let handles: (Arc<dyn Store>, Arc<dyn Store>) = (Arc::new(open()), Arc::new(open()));
        folders.lock().push(folder);
        handles
    })
    .await;
}
