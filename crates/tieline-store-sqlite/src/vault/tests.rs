//! What is kept is sealed where it stands, for whom it is, and by keys that change.

use std::fs;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use tieline_model::clock::ManualClock;
use tieline_model::page::PageRequest;
use tieline_model::{EventId, Kept, Priority, ProjectId, RunError, RunId, Timestamp};
use tieline_store::{Dedupe, EventFilter, Line, LinePolicy, NewEvent, NewRun, Store as _};
use tieline_vault::{MasterKey, SystemEntropy, Vault};

use crate::tests::{HERE, holds, new_event, open, vault};
use crate::{OpenError, SqliteStore};

const THERE: ProjectId = ProjectId(2);
const CANARY: &str = "xyzzy-canary-0123456789";

fn place() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    (folder, path)
}

fn other_vault(others: Vec<MasterKey>) -> (Vault, MasterKey) {
    let (master, text) = MasterKey::generate(&SystemEntropy);
    let clock = Arc::new(ManualClock::default());
    let vault = Vault::new(master, others, Arc::new(SystemEntropy), clock);
    (vault, MasterKey::parse(text.expose()).unwrap())
}

/// An event that says a canary wherever it can.
fn telling(number: u32) -> NewEvent {
    let mut event = NewEvent {
        input: format!("\"{CANARY}\"").into(),
        meta: format!("{{\"a\":\"{CANARY}\"}}").into(),
        dedupe: Some(Dedupe {
            key: format!("{CANARY}-{number}"),
            digest: *b"xyzzy-canary-0123456789-01234567",
            expires_at: Timestamp::from_millis(5000),
            follows: false,
        }),
        ..new_event(number)
    };
    event.runs[0].session = Some(CANARY.to_owned());
    event.runs[0].line = Some(Line {
        key: format!("s:{CANARY}"),
        policy: LinePolicy::Queue,
        width: 1,
        debounce: None,
    });
    event
}

#[tokio::test]
async fn nothing_that_was_said_stands_in_the_file_or_its_log() {
    let (folder, path) = place();
    let store = open(&path).unwrap();
    store.accept(vec![telling(1)], vec![]).await.unwrap();
    let held = NewRun {
        id: RunId::from_bytes([9; 16]),
        agent: new_event(1).runs[0].agent,
        session: None,
        held: Some(RunError::new("condition-failed", CANARY)),
        priority: Priority::Normal,
        line: None,
    };
    let event = new_event(1).id;
    let now = Timestamp::from_millis(2000);
    store.add_runs(HERE, event, vec![held], now).await.unwrap();
    let put = store.put_setting_once("x", CANARY.as_bytes().to_vec());
    assert_eq!(put.await.unwrap(), CANARY.as_bytes());
    let looked = || {
        for name in ["hub.db", "hub.db-wal"] {
            let bytes = fs::read(folder.path().join(name)).unwrap_or_default();
            let found = bytes.windows(12).any(|some| some == b"xyzzy-canary");
            assert!(!found, "it stands in {name}");
        }
    };
    looked();
    let shown = store.event(HERE, event).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&shown.input).contains(CANARY));
    let run = store.run(HERE, shown.runs[0]).await.unwrap().unwrap();
    assert_eq!(run.session.as_deref(), Some(CANARY));
    let run = store.run(HERE, shown.runs[1]).await.unwrap().unwrap();
    assert_eq!(run.error.unwrap().message, CANARY);
    store.close().await;
    looked();
}

/// Every way to put a sealed value in another place, by who can write to the file.
#[tokio::test]
async fn a_value_that_was_moved_does_not_open() {
    let swap = |one: &str, other: &str| {
        format!(
            "UPDATE payloads SET sealed = (SELECT sealed FROM kept WHERE seq = ({other})) \
             WHERE seq = ({one})"
        )
    };
    let of = |project: i64, number: u32| {
        let id = u128::from(number) + (1 << 100);
        format!("SELECT payload FROM events WHERE project = {project} AND id = x'{id:032x}'")
    };
    let point = format!(
        "UPDATE events SET payload = ({}) WHERE project = 1 AND id = x'{:032x}'",
        of(2, 2),
        1 + (1_u128 << 100)
    );
    for moved in [
        swap(&of(1, 1), &of(1, 3)),
        swap(&of(1, 1), &of(2, 2)),
        point,
    ] {
        let (_folder, path) = place();
        let store = open(&path).unwrap();
        let there = NewEvent {
            project: THERE,
            ..new_event(2)
        };
        let events = vec![new_event(1), there, new_event(3)];
        store.accept(events, vec![]).await.unwrap();
        store.close().await;
        let connection = Connection::open(&path).unwrap();
        let kept = "CREATE TEMP TABLE kept AS SELECT * FROM payloads";
        connection.execute_batch(kept).unwrap();
        assert_eq!(connection.execute(&moved, []).unwrap(), 1, "{moved}");
        drop(connection);
        let store = open(&path).unwrap();
        let filter = EventFilter::default();
        let page = store.events(HERE, filter, PageRequest::first(9)).await;
        let kept: Vec<Kept> = page.unwrap().rows.iter().map(|event| event.kept).collect();
        assert_eq!(kept, [Kept::Whole, Kept::Damaged], "{moved}");
        let event = store.event(HERE, new_event(1).id).await.unwrap().unwrap();
        assert!(event.input.is_empty() && event.meta.is_empty());
    }
}

#[tokio::test]
async fn a_secret_that_was_moved_to_another_row_or_column_stops_the_start() {
    let row = "INSERT INTO connectors (project, name, kind, mode, secrets, links, settings, \
               managed_by, paused) SELECT project, 'b', kind, mode, secrets, links, settings, \
               managed_by, paused FROM connectors";
    for moved in [row, "UPDATE connectors SET secrets = settings"] {
        let (_folder, path) = place();
        let store = open(&path).unwrap();
        let change = tieline_store::CatalogChange {
            put_connectors: vec![connector()],
            ..tieline_store::CatalogChange::default()
        };
        let catalog = store.change_catalog(HERE, change).await.unwrap();
        assert_eq!(catalog.connectors[0].secrets[0].expose(), CANARY);
        store.close().await;
        Connection::open(&path).unwrap().execute(moved, []).unwrap();
        let refused = open(&path).unwrap().catalog().await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("does not open"), "{refused}");
        assert!(!refused.contains(CANARY));
    }
}

fn connector() -> tieline_model::Connector {
    tieline_model::Connector {
        id: tieline_model::ConnectorId(0),
        project: HERE,
        name: tieline_model::Name::new("a").unwrap(),
        kind: "webhook".to_owned(),
        mode: tieline_model::Mode::Inbound,
        secrets: vec![tieline_model::Secret::new(CANARY).unwrap().into()],
        links: vec![],
        concurrency: None,
        rate: None,
        settings: serde_json::Map::new(),
        managed_by: tieline_model::ManagedBy::File,
        paused: false,
        removed: false,
    }
}

#[tokio::test]
async fn a_store_of_another_key_is_refused_and_not_touched() {
    let (folder, path) = place();
    let store = open(&path).unwrap();
    store.accept(vec![new_event(1)], vec![]).await.unwrap();
    // As a crash leaves it: with its log.
    let copies = TempDir::new().unwrap();
    for name in ["hub.db", "hub.db-wal"] {
        fs::copy(folder.path().join(name), copies.path().join(name)).unwrap();
    }
    let files = || ["hub.db", "hub.db-wal"].map(|name| fs::read(copies.path().join(name)).unwrap());
    let before = files();
    let path = copies.path().join("hub.db");
    let refused = SqliteStore::open(&path, other_vault(vec![]).0).unwrap_err();
    let needs = vault().first().id();
    assert!(
        matches!(refused, OpenError::WrongKey { needs: id, .. } if id == needs),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains(&needs.to_string()),
        "{refused}"
    );
    assert!(files() == before, "something was written");
    assert!(holds(&open(&path).unwrap(), 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_load_loses_nothing_and_all_is_sealed_anew_after_it() {
    let (_folder, path) = place();
    let store = Arc::new(open(&path).unwrap());
    let change = tieline_store::CatalogChange {
        put_connectors: vec![connector()],
        ..tieline_store::CatalogChange::default()
    };
    store.change_catalog(HERE, change).await.unwrap();
    store.put_setting_once("x", vec![7]).await.unwrap();
    let (_, new) = other_vault(vec![]);
    let (old, to) = (vault().first().id(), new.id());
    let load = |from: u32| {
        let store = Arc::clone(&store);
        async move {
            for number in from..from + 100 {
                store.accept(vec![new_event(number)], vec![]).await.unwrap();
                assert!(holds(&store, number).await);
            }
        }
    };
    let rotate = async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        store.rotate_vault(new).await.unwrap()
    };
    let (rotation, (), ()) = tokio::join!(rotate, load(0), load(1000));
    assert_eq!((rotation.from, rotation.to), (old, to));
    assert_eq!((rotation.rewrapped, rotation.resealed), (2, 3));
    store.accept(vec![new_event(5000)], vec![]).await.unwrap();
    let keys = async |sql: &'static str| {
        let find = move |c: &Connection| Ok(c.query_row(sql, [], |row| row.get::<_, u32>(0))?);
        store.read(find).await.unwrap()
    };
    let newest = "SELECT count(*) FROM payloads JOIN data_keys k ON closed = 0 \
                  AND substr(sealed, 2, 4) = unhex(printf('%08x', k.id)) \
                  WHERE seq = (SELECT max(seq) FROM payloads)";
    assert_eq!(keys(newest).await, 1, "a new key seals");
    let status = store.vault_status().await.unwrap();
    assert_eq!((status.master, status.data_keys), (to, 4));
    assert_eq!(status.closed, 2);
    store.close().await;

    assert!(matches!(open(&path), Err(OpenError::WrongKey { .. })));
}

#[tokio::test]
async fn after_a_rotation_the_new_key_opens_the_store_and_the_old_one_its_old_backup() {
    let (folder, path) = place();
    let store = open(&path).unwrap();
    store.accept(vec![telling(1)], vec![]).await.unwrap();
    let backup = folder.path().join("copy.db");
    SqliteStore::backup(&path, &backup, |_, _| {}).unwrap();
    let (later, new) = other_vault(vec![]);
    let to = new.id();
    store.rotate_vault(new).await.unwrap();
    store.accept(vec![telling(2)], vec![]).await.unwrap();
    let copy = folder.path().join("later.db");
    let needs = SqliteStore::backup(&path, &copy, |_, _| {}).unwrap();
    assert_eq!(needs, to);
    store.close().await;

    let store = SqliteStore::open(&path, later).unwrap();
    for number in [1, 2] {
        let event = store.event(HERE, new_event(number).id).await.unwrap();
        assert_eq!(event.unwrap().kept, Kept::Whole);
        // The key of digests is the same: what came before is known.
        let again = NewEvent {
            id: EventId::from_bytes([9; 16]),
            ..telling(number)
        };
        let known = store.accept(vec![again], vec![]).await.unwrap();
        let known = matches!(known.done[0], tieline_store::Acceptance::Duplicate { .. });
        assert!(known, "{number}");
    }
    let old = open(&backup).unwrap();
    assert!(holds(&old, 1).await && !holds(&old, 2).await);
    assert!(matches!(open(&copy), Err(OpenError::WrongKey { .. })));
}

/// A hub that has both keys finds out which of them is the store's.
#[tokio::test]
async fn with_both_keys_at_hand_the_store_says_which_it_needs() {
    let (_folder, path) = place();
    open(&path).unwrap().close().await;
    let master = MasterKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
    let (both, _) = other_vault(vec![master]);
    let store = SqliteStore::open(&path, both).unwrap();
    let status = store.vault_status().await.unwrap();
    assert_eq!(status.master, vault().first().id());
}

#[tokio::test]
async fn a_key_that_is_used_up_gives_way_to_another() {
    let (_folder, path) = place();
    open(&path).unwrap().close().await;
    let spent = format!(
        "UPDATE data_keys SET reserved = {}",
        crate::limits::USES_OF_A_KEY
    );
    Connection::open(&path)
        .unwrap()
        .execute(&spent, [])
        .unwrap();
    let store = open(&path).unwrap();
    store.accept(vec![new_event(1)], vec![]).await.unwrap();
    assert!(holds(&store, 1).await);
    let status = store.vault_status().await.unwrap();
    assert_eq!((status.data_keys, status.closed), (4, 2));
    assert_eq!(status.sealed, 2 * crate::limits::USES);
}

/// What a handle does not know yet, it learns from the file.
#[tokio::test]
async fn two_handles_read_what_the_other_sealed_by_a_new_key() {
    let (_folder, path) = place();
    let (one, other) = (open(&path).unwrap(), open(&path).unwrap());
    for number in [1, 2] {
        let event = NewEvent {
            project: ProjectId(i64::from(number) + 7),
            ..new_event(number)
        };
        let project = event.project;
        let (writes, reads) = if number == 1 {
            (&one, &other)
        } else {
            (&other, &one)
        };
        writes.accept(vec![event], vec![]).await.unwrap();
        let event = reads.event(project, new_event(number).id).await.unwrap();
        assert_eq!(event.unwrap().kept, Kept::Whole);
    }
}
