//! What the store promises beyond the suite: how it survives, and how it breaks.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use rusqlite::StatementStatus;
use tempfile::TempDir;
use tieline_model::clock::ManualClock;
use tieline_model::page::PageRequest;
use tieline_model::{
    AgentId, ConnectorId, EventId, NodeId, Priority, ProjectId, RunId, Timestamp, Trust,
};
use tieline_store::{
    Acceptance, Claim, EventFilter, Lease, NewEvent, NewRun, Store as _, StoreError,
};
use tieline_vault::{MasterKey, SystemEntropy, Vault};

use crate::failure::Failure;
use crate::{OpenError, SqliteStore};

pub(crate) const HERE: ProjectId = ProjectId::DEFAULT;

const STORED: Acceptance = Acceptance::Stored {
    displaced: Vec::new(),
};

/// The same key each time, as a hub has it from start to start.
pub(crate) fn vault() -> Vault {
    let master = MasterKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1)));
    Vault::new(master, vec![], Arc::new(SystemEntropy), clock)
}

pub(crate) fn open(path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, vault())
}

pub(crate) fn new_event(number: u32) -> NewEvent {
    let id = (u128::from(number) + (1 << 100)).to_be_bytes();
    NewEvent {
        id: EventId::from_bytes(id),
        project: HERE,
        connector: ConnectorId(1),
        received_at: Timestamp::from_millis(1000),
        queued_at: Timestamp::from_millis(1000),
        trust: Trust::Open,
        input: Bytes::from(vec![b'1'; 600]),
        meta: Bytes::from_static(b"{}"),
        files: vec![],
        dedupe: None,
        filtered: false,
        runs: vec![NewRun {
            id: RunId::from_bytes(id),
            agent: AgentId(1),
            session: None,
            held: None,
            priority: Priority::Normal,
            line: None,
        }],
    }
}

pub(crate) async fn holds(store: &SqliteStore, number: u32) -> bool {
    let event = store.event(HERE, new_event(number).id).await.unwrap();
    event.is_some()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_can_read_the_file_and_its_log() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    store.probe().await.unwrap();
    for name in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_store_that_is_opened_again_holds_everything() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    for round in 0..3 {
        let store = open(&path).unwrap();
        for before in 0..round {
            assert!(holds(&store, before).await);
        }
        store.accept(vec![new_event(round)], vec![]).await.unwrap();
        if round == 1 {
            store.close().await;
            let log = folder.path().join("hub.db-wal");
            assert!(!log.exists(), "a closed store leaves no log");
        }
    }
}

/// What `kill -9` leaves is what is in the files at that moment.
#[tokio::test]
async fn files_copied_in_flight_hold_all_that_was_acknowledged() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    let copies = TempDir::new().unwrap();
    for number in 0..40 {
        store.accept(vec![new_event(number)], vec![]).await.unwrap();
        if number % 13 != 0 {
            continue;
        }
        for name in ["hub.db", "hub.db-wal"] {
            fs::copy(folder.path().join(name), copies.path().join(name)).unwrap();
        }
        let copy = open(copies.path().join("hub.db")).unwrap();
        for before in 0..=number {
            assert!(holds(&copy, before).await, "{before} of {number}");
        }
        copy.close().await;
    }
}

#[tokio::test]
async fn a_refused_job_spoils_no_other_of_its_commit() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    store.accept(vec![new_event(0)], vec![]).await.unwrap();
    // The first job holds the writer up, so that the others gather behind it.
    let (wake, held) = std::sync::mpsc::channel::<()>();
    let hold = store.write(move |_| {
        held.recv().ok();
        Ok(())
    });
    let accept = |number| store.accept(vec![new_event(number)], vec![]);
    let release = async move {
        tokio::task::yield_now().await;
        drop(wake);
    };
    let (held, one, known, two, ()) = tokio::join!(hold, accept(1), accept(0), accept(2), release);
    held.unwrap();
    assert_eq!(one.unwrap().done, [STORED]);
    assert!(matches!(known, Err(StoreError::Refused { .. })));
    assert_eq!(two.unwrap().done, [STORED]);
    assert!(holds(&store, 1).await && holds(&store, 2).await);
}

#[tokio::test]
async fn a_full_queue_is_said_at_once() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    let (wake, held) = std::sync::mpsc::channel::<()>();
    let (started, start) = tokio::sync::oneshot::channel::<()>();
    let mut started = Some(started);
    let mut waiting = vec![Box::pin(store.write(move |_| {
        drop(started.take());
        held.recv().ok();
        Ok(())
    })) as std::pin::Pin<Box<dyn Future<Output = _>>>];
    assert!(futures_util::poll!(waiting[0].as_mut()).is_pending());
    assert!(start.await.is_err(), "the writer has taken the first job");
    let mut full = None;
    for _ in 0..=crate::limits::QUEUE {
        let mut next = Box::pin(store.write(|_| Ok(())));
        if let std::task::Poll::Ready(answer) = futures_util::poll!(next.as_mut()) {
            full = Some(answer);
            break;
        }
        waiting.push(next);
    }
    assert_eq!(waiting.len(), crate::limits::QUEUE + 1);
    assert!(matches!(full, Some(Err(StoreError::Unavailable { .. }))));
    drop(wake);
    for one in waiting {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_unavailable_until_there_is_room() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    store.accept(vec![new_event(0)], vec![]).await.unwrap();
    let limit = async |pages: u32| {
        let set = move |c: &rusqlite::Connection| {
            Ok(c.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
        };
        store.write(set).await.unwrap();
    };
    limit(1).await;
    let large = || NewEvent {
        input: Bytes::from(vec![b'1'; 100_000]),
        ..new_event(1)
    };
    for _ in 0..3 {
        let full = store.accept(vec![large()], vec![]).await;
        assert!(
            matches!(full, Err(StoreError::Unavailable { .. })),
            "{full:?}"
        );
        assert!(
            holds(&store, 0).await && !holds(&store, 1).await,
            "reads go on"
        );
    }
    limit(1_000_000).await;
    assert_eq!(
        store.accept(vec![large()], vec![]).await.unwrap().done,
        [STORED]
    );
}

pub(crate) fn root_page(path: &Path, table: &str) -> u64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    let find = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: u32 = connection
        .query_row(find, [table], |row| row.get(0))
        .unwrap();
    u64::from(page)
}

#[tokio::test]
async fn a_damaged_file_breaks_the_store_for_ever() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    store.accept(vec![new_event(0)], vec![]).await.unwrap();
    store.close().await;
    let page_bytes = u64::from(crate::limits::PAGE_BYTES);
    let at = (root_page(&path, "payloads") - 1) * page_bytes;
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xff; 512], at).unwrap();

    let store = open(&path).unwrap();
    store.probe().await.unwrap();
    let accepted = store.accept(vec![new_event(1)], vec![]).await;
    assert!(
        matches!(accepted, Err(StoreError::Broken { .. })),
        "{accepted:?}"
    );
    let reason = store.broken().await;
    assert!(reason.contains("malformed"), "{reason}");
    let later = [
        store.probe().await.err(),
        store.catalog().await.err(),
        store.accept(vec![], vec![]).await.err(),
    ];
    for error in later {
        assert!(
            matches!(error, Some(StoreError::Broken { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_writer_that_panics_breaks_the_store() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    let panicked = store.write(|_| -> Result<(), Failure> { panic!("on purpose") });
    assert!(panicked.await.is_err());
    assert_eq!(store.broken().await, "the writer panicked");
    assert!(matches!(
        store.probe().await,
        Err(StoreError::Broken { .. })
    ));
}

#[tokio::test]
async fn a_claim_of_nothing_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    let log = || {
        fs::metadata(folder.path().join("hub.db-wal"))
            .unwrap()
            .len()
    };
    let before = log();
    assert!(claim(&store, 8).await.is_empty());
    assert_eq!(log(), before);
    store.accept(vec![new_event(0)], vec![]).await.unwrap();
    assert_eq!(claim(&store, 8).await, [new_event(0).id]);
    assert!(log() > before, "a claim of something does");
}

async fn claim(store: &SqliteStore, limit: u32) -> Vec<EventId> {
    let now = Timestamp::from_millis(2000);
    let lease = Lease {
        node: NodeId::from_bytes([1; 16]),
        now,
        until: now.plus(std::time::Duration::from_mins(1)),
    };
    let of = AgentId(1);
    let claimed = store.claim_runs(Claim { of, limit, lease }).await.unwrap();
    claimed.rows.iter().map(|row| row.event.id).collect()
}

/// The planner may look at bound values to see whether a partial index will do, and then has to
/// plan anew for every value.
#[tokio::test]
async fn statements_are_compiled_once() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    for number in 0..5 {
        store.accept(vec![new_event(number)], vec![]).await.unwrap();
        assert_eq!(claim(&store, 1 + number).await, [new_event(number).id]);
    }
    let compiled = |connection: &rusqlite::Connection| {
        let sql = crate::queue::statements_of_a_claim().into_iter();
        let again = sql.map(|sql| {
            let statement = connection.prepare_cached(sql)?;
            let runs = statement.get_status(StatementStatus::Run);
            Ok((runs, statement.get_status(StatementStatus::RePrepare)))
        });
        Ok(again.collect::<Result<Vec<_>, rusqlite::Error>>()?)
    };
    let compiled = store.write(compiled).await.unwrap();
    for (runs, again) in compiled {
        assert!(runs > 0, "it is kept");
        assert_eq!(again, 0);
    }
}

/// A backlog is counted and looked through without a look at its rows.
#[tokio::test]
async fn queue_indexes_know_all_that_is_asked_of_a_backlog() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    let free = "held_back = 0 GROUP BY agent, project, id, due_at, priority";
    let parts = [
        ("runs", "queued", "state = 0", free),
        ("runs", "waiting", "state = 2", free),
        ("runs", "leased", "state = 1", free),
        (
            "runs",
            "lined",
            "line IS NOT NULL AND state < 3",
            "held_back > 0",
        ),
        ("deliveries", "queued", "state = 0", "due_at > 5"),
        ("deliveries", "waiting", "state = 2", "due_at > 5"),
        ("deliveries", "leased", "state = 1", "due_at > 5"),
    ];
    for (table, part, state, asked) in parts {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT count(*) FROM {table} INDEXED BY {table}_{part} \
             WHERE {state} AND {asked}"
        );
        let plan = move |connection: &rusqlite::Connection| {
            Ok(connection.query_row(&sql, [], |row| row.get::<_, String>(3))?)
        };
        let plan = store.read(plan).await.unwrap();
        assert!(plan.contains("COVERING INDEX"), "{plan}");
    }
}

#[tokio::test]
async fn a_page_of_large_bodies_ends_early() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    for number in 0..5 {
        let large = NewEvent {
            input: Bytes::from(vec![b'1'; crate::limits::LIST_BYTES / 2]),
            ..new_event(number)
        };
        store.accept(vec![large], vec![]).await.unwrap();
    }
    let (mut pages, mut listed) = (vec![], vec![]);
    let mut request = PageRequest::first(50);
    loop {
        let filter = EventFilter::default();
        let page = store.events(HERE, filter, request.clone()).await.unwrap();
        pages.push(page.rows.len());
        listed.extend(page.rows.into_iter().map(|event| event.id));
        request.before = page.next;
        if request.before.is_none() {
            break;
        }
    }
    assert_eq!(pages, [2, 2, 1]);
    let expected: Vec<EventId> = (0..5).rev().map(|number| new_event(number).id).collect();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn a_long_log_is_copied_back_into_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    let log_bytes = u64::from(crate::limits::PAGE_BYTES) * 1000;
    for number in 0..200 {
        let large = NewEvent {
            input: Bytes::from(vec![b'1'; 200_000]),
            ..new_event(number)
        };
        store.accept(vec![large], vec![]).await.unwrap();
    }
    let log = fs::metadata(folder.path().join("hub.db-wal"))
        .unwrap()
        .len();
    assert!(
        log < 2 * log_bytes,
        "{log} bytes of log for 40 MB of events"
    );
    assert!(fs::metadata(&path).unwrap().len() > 30_000_000);
}

/// A caller that hangs up leaves its read behind, and that still holds its connection.
#[tokio::test(flavor = "multi_thread")]
async fn callers_that_hang_up_open_no_more_connections_than_there_are_places() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    let (done, mut all) = tokio::sync::mpsc::unbounded_channel();
    let (most, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // Nobody is done before everybody has hung up.
    let over = Arc::new(AtomicBool::new(false));
    for _ in 0..5 * crate::limits::READERS {
        let (done, most, now) = (done.clone(), Arc::clone(&most), Arc::clone(&now));
        let over = Arc::clone(&over);
        let read = store.read(move |_| {
            most.fetch_max(1 + now.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
            while !over.load(Ordering::SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            now.fetch_sub(1, Ordering::SeqCst);
            done.send(()).ok();
            Ok(())
        });
        let hung_up = tokio::time::timeout(std::time::Duration::from_millis(5), read).await;
        assert!(hung_up.is_err());
    }
    over.store(true, Ordering::SeqCst);
    drop(done);
    while all.recv().await.is_some() {}
    assert!(most.load(Ordering::SeqCst) <= crate::limits::READERS);
}

/// Readers that overlap never leave the log alone, and it can only begin anew when all have.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_short_under_steady_reading() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open(folder.path().join("hub.db")).unwrap());
    let mut readers = tokio::task::JoinSet::new();
    for delay in [0, 10] {
        let store = Arc::clone(&store);
        readers.spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
            loop {
                let look = |connection: &rusqlite::Connection| {
                    let count = "SELECT count(*) FROM events";
                    let count: i64 = connection.query_row(count, [], |row| row.get(0))?;
                    std::thread::sleep(std::time::Duration::from_millis(20));
                    Ok(count)
                };
                store.read(look).await.unwrap();
            }
        });
    }
    for number in 0..400 {
        let large = NewEvent {
            input: Bytes::from(vec![b'1'; 200_000]),
            ..new_event(number)
        };
        store.accept(vec![large], vec![]).await.unwrap();
    }
    let log = fs::metadata(folder.path().join("hub.db-wal"))
        .unwrap()
        .len();
    assert!(log < 72_000_000, "{log} bytes of log for 80 MB of events");
}
