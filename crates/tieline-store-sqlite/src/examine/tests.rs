//! Every kind of damage is found, by the examination and by the read that meets it.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use tempfile::TempDir;
use tieline_model::clock::ManualClock;
use tieline_model::{AgentId, DeliveryId, EventFile, FileId, Kept, NodeId};
use tieline_store::{
    Claim, ClaimedRun, Fence, Lease, NewDelivery, NewEvent, NewFile, RunOutcome, SettleRun,
    Store as _, StoreError,
};
use tieline_vault::{MasterKey, SystemEntropy};

use super::*;
use crate::tests::{HERE, new_event, open, root_page, vault};

/// The sealed bodies of [`Damaged::store`].
const INPUT_OF: &str = "SELECT sealed FROM payloads WHERE seq = (SELECT min(payload) FROM events)";
const OUTPUT_OF: &str = "SELECT sealed FROM payloads, runs WHERE seq = result";
const BODY_OF: &str = "SELECT sealed FROM payloads p, deliveries d WHERE seq = d.payload";
const CONTENT_OF: &str = "SELECT sealed FROM payloads p, files f WHERE seq = f.payload";

const SMALL: &[u8] = b"xyzzy-input";
const META: &[u8] = b"{\"xyzzy\":\"meta\"}";
const OUTPUT: &[u8] = b"xyzzy-output";
const BODY: &[u8] = b"xyzzy-body";
const FILE: &[u8] = b"xyzzy-file";

struct Damaged {
    folder: TempDir,
}

impl Damaged {
    fn path(&self) -> PathBuf {
        self.folder.path().join("hub.db")
    }

    fn open(&self) -> SqliteStore {
        open(self.path()).unwrap()
    }

    fn examine(&self, depth: Depth) -> Examination {
        SqliteStore::examine(self.path(), depth, Some(&vault())).unwrap()
    }

    /// Two events: one is whole for ever, the other has a run with an output, a delivery, and a
    /// file.
    async fn store() -> Self {
        let this = Self {
            folder: TempDir::new().unwrap(),
        };
        let store = this.open();
        let file = EventFile {
            id: FileId::from_bytes([7; 16]),
            field: None,
            name: None,
            content_type: "text/plain".to_owned(),
            size: FILE.len() as u64,
            sha256: "0".repeat(64),
        };
        let event = NewEvent {
            input: SMALL.into(),
            meta: META.into(),
            files: vec![NewFile {
                file,
                content: FILE.into(),
            }],
            ..new_event(1)
        };
        store.accept(vec![event], vec![]).await.unwrap();
        let claimed = claim(&store).await.remove(0);
        settle(&store, &claimed).await;
        store.accept(vec![new_event(2)], vec![]).await.unwrap();
        store.close().await;
        this
    }

    /// Changes one bit of a value: the one that a query gives.
    fn flip(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        let value: Vec<u8> = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        drop(connection);
        let bytes = fs::read(self.path()).unwrap();
        let mut found = bytes.windows(value.len()).enumerate();
        let (at, _) = found.find(|(_, window)| *window == value).unwrap();
        let last = value.len() - 1;
        self.write((at + last) as u64, &[value[last] ^ 0x10]);
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        let file = OpenOptions::new().write(true).open(self.path()).unwrap();
        file.write_all_at(bytes, at).unwrap();
    }

    fn sql(&self, sql: &str) {
        Connection::open(self.path())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }
}

async fn claim(store: &SqliteStore) -> Vec<ClaimedRun> {
    let now = Timestamp::from_millis(5000);
    let lease = Lease {
        node: NodeId::from_bytes([1; 16]),
        now,
        until: now.plus(std::time::Duration::from_mins(1)),
    };
    let claim = Claim {
        of: AgentId(1),
        limit: 10,
        lease,
    };
    store.claim_runs(claim).await.unwrap().rows
}

async fn settle(store: &SqliteStore, claimed: &ClaimedRun) {
    let outcome = RunOutcome::Ended {
        state: RunState::Completed,
        output: Some(OUTPUT.into()),
        error: None,
        usage: None,
        dead_letter: false,
    };
    let delivery = NewDelivery {
        id: DeliveryId::from_bytes([8; 16]),
        connector: tieline_model::ConnectorId(2),
        body: BODY.into(),
        failed: None,
    };
    let settle = SettleRun {
        run: claimed.run.id,
        fence: Fence::Claim(claimed.epoch),
        now: Timestamp::from_millis(6000),
        outcome,
        attempt: None,
        deliveries: vec![delivery],
    };
    store.settle_run(HERE, settle, vec![]).await.unwrap();
}

fn errors(seen: &Examination) -> Vec<&str> {
    let errors = seen.findings.iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.what.as_str()).collect()
}

#[tokio::test]
async fn a_file_in_use_is_well_and_says_what_is_open() {
    let made = Damaged::store().await;
    let _store = made.open();
    for depth in [Depth::Quick, Depth::Full] {
        let seen = made.examine(depth);
        assert_eq!(seen.findings, []);
        assert_eq!(seen.schema, migrate::known());
        assert_eq!(seen.bodies, if depth == Depth::Full { 5 } else { 0 });
        assert!(seen.pages > 10 && seen.file_bytes == seen.pages * 8192);
        let queued = Open {
            state: RunState::Queued,
            reason: None,
            count: 1,
            since: Timestamp::from_millis(1000),
        };
        assert_eq!(seen.runs, [queued]);
        let queued = Open {
            state: DeliveryState::Queued,
            reason: None,
            count: 1,
            since: Timestamp::from_millis(6000),
        };
        assert_eq!(seen.deliveries, [queued]);
        assert_eq!(seen.newest, Some(Timestamp::from_millis(1000)));
    }
}

#[tokio::test]
async fn a_flipped_bit_of_a_body_is_found_and_its_owner_named() {
    let event = new_event(1).id;
    for (sealed, owner, id) in [
        (INPUT_OF, "input of event", event.to_string()),
        (OUTPUT_OF, "output of run", event.to_string()),
        (
            BODY_OF,
            "body of delivery",
            DeliveryId::from_bytes([8; 16]).to_string(),
        ),
        (
            CONTENT_OF,
            "content of file",
            FileId::from_bytes([7; 16]).to_string(),
        ),
    ] {
        let made = Damaged::store().await;
        made.flip(sealed);
        assert_eq!(made.examine(Depth::Quick).findings, []);
        let seen = made.examine(Depth::Full);
        let what = format!("the {owner} `{id}` does not open: it is damaged");
        assert_eq!(errors(&seen), [what]);
        assert!(seen.findings[0].fix.contains(&event.to_string()));
        assert_eq!(seen.bodies, 5);
    }
}

#[tokio::test]
async fn a_damaged_body_is_never_handed_out() {
    let made = Damaged::store().await;
    for sealed in [INPUT_OF, OUTPUT_OF, BODY_OF, CONTENT_OF] {
        made.flip(sealed);
    }
    let store = made.open();
    let event = store.event(HERE, new_event(1).id).await.unwrap().unwrap();
    assert_eq!((event.input.len(), event.meta.len()), (0, 0));
    assert_eq!(event.kept, Kept::Damaged);
    let run = store
        .run(HERE, new_event(1).runs[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((run.output, run.kept), (None, Kept::Damaged));
    assert_eq!(run.error.unwrap().code, "damaged");
    assert_eq!(run.state, RunState::Completed);
    let delivery = store.delivery(HERE, DeliveryId::from_bytes([8; 16]));
    let delivery = delivery.await.unwrap().unwrap();
    assert_eq!((delivery.body.len(), delivery.kept), (0, Kept::Damaged));
    let file = store.file(HERE, FileId::from_bytes([7; 16]));
    let file = file.await.unwrap().unwrap();
    assert_eq!((file.content.len(), file.kept), (0, Kept::Damaged));
}

#[tokio::test]
async fn a_damaged_event_stops_no_claim_of_others() {
    let made = Damaged::store().await;
    let store = made.open();
    let two = vec![new_event(3), new_event(4)];
    store.accept(two, vec![]).await.unwrap();
    store.close().await;
    made.flip("SELECT sealed FROM payloads ORDER BY seq DESC LIMIT 1 OFFSET 1");
    let store = made.open();
    let claimed = claim(&store).await;
    let kept: Vec<Kept> = claimed.iter().map(|claimed| claimed.event.kept).collect();
    assert_eq!(kept, [Kept::Whole, Kept::Damaged, Kept::Whole]);
    store.probe().await.unwrap();
    let erased = store.erase_event(HERE, new_event(1).id).await.unwrap();
    assert_eq!(
        erased,
        tieline_store::Change::NotAllowed,
        "its delivery is open"
    );
}

#[tokio::test]
async fn a_body_that_is_lost_is_damaged_and_one_that_was_erased_is_not() {
    let made = Damaged::store().await;
    made.sql("DELETE FROM payloads WHERE seq = (SELECT max(result) FROM runs)");
    made.sql("UPDATE files SET payload = 0");
    let seen = made.examine(Depth::Full);
    let run = new_event(1).runs[0].id;
    assert_eq!(
        errors(&seen),
        [format!("the output of run `{run}` is lost")]
    );
    let run = made.open().run(HERE, run).await.unwrap().unwrap();
    assert_eq!(run.kept, Kept::Damaged);
}

#[tokio::test]
async fn without_the_key_it_says_so_and_with_a_wrong_one_too() {
    let made = Damaged::store().await;
    made.flip(INPUT_OF);
    made.sql("DELETE FROM payloads WHERE seq = (SELECT max(result) FROM runs)");
    let needs = vault().first().id();
    let lost = format!("the output of run `{}` is lost", new_event(1).runs[0].id);
    let seen = SqliteStore::examine(made.path(), Depth::Full, None).unwrap();
    assert_eq!((seen.bodies, seen.master), (0, Some(needs)));
    assert_eq!(errors(&seen), [lost.as_str()]);
    let said = &seen.findings[1];
    assert_eq!(said.severity, Severity::Warning);
    assert!(said.what.contains(&needs.to_string()), "{said:?}");

    let (wrong, _) = MasterKey::generate(&SystemEntropy);
    let clock = std::sync::Arc::new(ManualClock::default());
    let wrong = Vault::new(wrong, vec![], std::sync::Arc::new(SystemEntropy), clock);
    let seen = SqliteStore::examine(made.path(), Depth::Quick, Some(&wrong)).unwrap();
    assert!(errors(&seen)[0].contains("is not the store's"), "{seen:?}");
}

#[tokio::test]
async fn a_catalogue_that_does_not_open_is_found() {
    let made = Damaged::store().await;
    made.sql(
        "INSERT INTO agents (project, name, runtime, timeout_ms, concurrency, \
         session_concurrency, retry, settings, managed_by, paused) \
         VALUES (1, 'a', 'echo', 1, 1, 1, '{}', x'0102', 0, 0)",
    );
    let seen = made.examine(Depth::Quick);
    assert!(
        errors(&seen)[0].contains("agents and connectors"),
        "{seen:?}"
    );
}

/// Where a tree's page is overwritten.
#[tokio::test]
async fn a_damaged_page_is_found_by_the_examination_and_by_the_read() {
    let page_bytes = u64::from(limits::PAGE_BYTES);
    for table in ["events", "payloads", "runs"] {
        let made = Damaged::store().await;
        let at = (root_page(&made.path(), table) - 1) * page_bytes;
        made.write(at, &[0xff; 64]);
        for depth in [Depth::Quick, Depth::Full] {
            let seen = made.examine(depth);
            assert!(!errors(&seen).is_empty(), "{table}, {depth:?}");
            assert!(seen.findings[0].fix.contains("backup"));
        }
        let store = made.open();
        let read = match table {
            "runs" => store.run(HERE, new_event(1).runs[0].id).await.err(),
            _ => store.event(HERE, new_event(1).id).await.err(),
        };
        assert!(
            matches!(read, Some(StoreError::Broken { .. })),
            "{table}: {read:?}"
        );
    }
}

#[tokio::test]
async fn a_truncated_file_is_found_whatever_is_left() {
    let made = Damaged::store().await;
    let whole = fs::read(made.path()).unwrap();
    let page = limits::PAGE_BYTES as usize;
    for left in [whole.len() - page, whole.len() / 2, page, page / 2, 100] {
        fs::write(made.path(), &whole[..left]).unwrap();
        for depth in [Depth::Quick, Depth::Full] {
            let seen = made.examine(depth);
            assert!(!errors(&seen).is_empty(), "{left} bytes, {depth:?}");
        }
        let opened = open(made.path());
        assert!(opened.is_err(), "{left} bytes are opened");
    }
}

#[tokio::test]
async fn what_names_nothing_is_found() {
    for (sql, what) in [
        ("DELETE FROM events", "a run has lost its event"),
        ("DELETE FROM runs", "a delivery has lost its run"),
        ("DELETE FROM runs", "a run of an event is lost"),
        ("DELETE FROM files", "a file of an event is lost"),
    ] {
        let made = Damaged::store().await;
        made.sql(sql);
        let seen = made.examine(Depth::Full);
        let found = errors(&seen);
        assert!(
            found.iter().any(|found| found.starts_with(what)),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_key_without_its_event_is_worth_a_note() {
    let made = Damaged::store().await;
    made.sql(
        "INSERT INTO dedupe VALUES (1, x'00', 1, x'00112233445566778899aabbccddeeff', x'00', 9)",
    );
    let seen = made.examine(Depth::Full);
    assert_eq!(seen.findings.len(), 1);
    assert_eq!(seen.findings[0].severity, Severity::Note);
    assert_eq!(
        seen.findings[0].what,
        "1 dedupe keys have outlived their events"
    );
}

#[tokio::test]
async fn a_file_that_others_can_read_is_a_warning() {
    let made = Damaged::store().await;
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(made.path(), open).unwrap();
    let seen = made.examine(Depth::Quick);
    assert_eq!(seen.findings.len(), 1);
    assert_eq!(seen.findings[0].severity, Severity::Warning);
    assert!(seen.findings[0].fix.starts_with("`chmod 600 "));
}

#[tokio::test]
async fn what_is_not_the_hubs_is_refused_with_words() {
    let made = Damaged::store().await;
    made.sql("UPDATE schema_version SET version = 99");
    let newer = SqliteStore::examine(made.path(), Depth::Quick, None).unwrap_err();
    assert!(newer.to_string().contains("schema version 99"), "{newer}");
    let foreign = made.folder.path().join("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    let foreign = SqliteStore::examine(foreign, Depth::Quick, None).unwrap_err();
    assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign:?}");
    let nothing = made.folder.path().join("nothing.db");
    let nothing = SqliteStore::examine(nothing, Depth::Quick, None).unwrap_err();
    assert!(matches!(nothing, OpenError::Open { .. }), "{nothing:?}");
}

#[tokio::test]
async fn a_log_that_was_left_behind_is_examined_with_the_file() {
    let made = Damaged::store().await;
    let store = made.open();
    store.accept(vec![new_event(5)], vec![]).await.unwrap();
    let copy = Damaged {
        folder: TempDir::new().unwrap(),
    };
    for name in ["hub.db", "hub.db-wal"] {
        fs::copy(made.folder.path().join(name), copy.folder.path().join(name)).unwrap();
    }
    let seen = copy.examine(Depth::Full);
    assert_eq!(seen.findings, []);
    assert_eq!(seen.bodies, 6);
    assert!(seen.log_bytes > 0);
}
