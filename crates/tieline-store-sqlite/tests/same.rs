//! Random sequences of operations have the same answers in memory and in SQLite, and leave the
//! same behind.

#[path = "same/act.rs"]
mod act;
#[path = "same/ops.rs"]
mod ops;
#[path = "same/sight.rs"]
mod sight;
#[path = "same/world.rs"]
mod world;

use proptest::prelude::*;
use tempfile::TempDir;
use tieline_store::MemoryStore;
use tieline_store_sqlite::SqliteStore;

use self::world::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_memory_does(ops in prop::collection::vec(ops::any_op(), 20..120)) {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let memory = MemoryStore::default();
            let sqlite = SqliteStore::open(folder.path().join("hub.db")).unwrap();
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
