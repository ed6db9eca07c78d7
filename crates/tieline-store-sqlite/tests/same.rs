//! Random sequences of operations have the same answers in memory and in SQLite, and leave the
//! same behind.

#[path = "same/access.rs"]
mod access;
#[path = "same/act.rs"]
mod act;
#[path = "same/ops.rs"]
mod ops;
#[path = "same/sight.rs"]
mod sight;
#[path = "same/world.rs"]
mod world;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tempfile::TempDir;
use tieline_model::clock::ManualClock;
use tieline_store::MemoryStore;
use tieline_store_sqlite::SqliteStore;
use tieline_vault::{MasterKey, SystemEntropy, Vault};

use self::world::World;

/// The same key each time: handles on one file have to agree on it.
fn vault() -> Vault {
    let master = MasterKey::parse(&format!("{}=", "A".repeat(43)));
    let master = master.expect("it is 32 bytes");
    let clock = Arc::new(ManualClock::default());
    Vault::new(master, vec![], Arc::new(SystemEntropy), clock)
}

/// The cases of a test where nobody asks for a number of them.
const UNASKED: u32 = 256;

/// The same sequences each time, so that who breaks something sees it. `PROPTEST_CASES=5000` looks
/// further, at sequences of its own.
fn config() -> ProptestConfig {
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.cases != UNASKED {
        return config;
    }
    ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(1),
        ..config
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn sqlite_answers_as_memory_does(ops in prop::collection::vec(ops::any_op(), 20..120)) {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let memory = MemoryStore::default();
            let sqlite = SqliteStore::open(folder.path().join("hub.db"), vault()).unwrap();
            let mut world = World::default();
            for (step, op) in ops.iter().enumerate() {
                let prepared = world.prepare(op);
                let expected = act::perform(&memory, &world, prepared.clone()).await;
                let answered = act::perform(&sqlite, &world, prepared).await;
                prop_assert_eq!(answered, expected, "step {}: {:?}", step, op);
            }
            let expected = sight::all(&memory, &world).await;
            let seen = sight::all(&sqlite, &world).await;
            prop_assert_eq!(seen, expected);
            Ok(())
        })?;
    }
}
