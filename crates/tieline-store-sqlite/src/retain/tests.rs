//! What retention promises beyond the suite: that it looks at nothing twice, and what is left.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tieline_model::{EventId, Timestamp};
use tieline_store::{NewEvent, Retain, Retained, Store as _};

use crate::SqliteStore;
use crate::tests::{HERE, new_event, open};

const HOUR: Duration = Duration::from_hours(1);

async fn retain(store: &SqliteStore, bodies: Timestamp, rows: Timestamp, limit: u32) -> Retained {
    let retain = Retain {
        bodies_before: bodies,
        rows_before: rows,
        limit,
    };
    store.retain(retain).await.unwrap()
}

/// An event that ends when it comes, at so many hours.
fn ended_at(number: u32, hours: u32) -> NewEvent {
    NewEvent {
        received_at: hour(hours),
        runs: vec![],
        ..new_event(number)
    }
}

fn hour(hours: u32) -> Timestamp {
    Timestamp::from_millis(0).plus(HOUR * hours)
}

async fn count(store: &SqliteStore, sql: &'static str) -> i64 {
    let count = move |c: &rusqlite::Connection| Ok(c.query_row(sql, [], |row| row.get(0))?);
    store.write(count).await.unwrap()
}

#[tokio::test]
async fn what_is_done_with_is_not_looked_at_again() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    for number in 0..20 {
        store
            .accept(vec![ended_at(number, number)], vec![])
            .await
            .unwrap();
    }
    let zero = hour(0);
    let mut bodies = 0;
    for _ in 0..4 {
        let some = retain(&store, hour(10), zero, 3).await;
        bodies += some.bodies;
        assert_eq!(some.more, bodies < 10);
    }
    assert_eq!(bodies, 10);
    // One more hour is one more event: a look at those before it would use up the limit.
    let next = retain(&store, hour(11), zero, 1).await;
    assert_eq!((next.bodies, next.more), (1, true));
    let next = retain(&store, hour(11), zero, 1).await;
    assert_eq!((next.bodies, next.more), (0, false));
    assert_eq!(count(&store, "SELECT count(*) FROM lingering").await, 0);
}

#[tokio::test]
async fn an_event_that_never_ends_hinders_no_other_and_is_seldom_looked_at() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    store.accept(vec![new_event(0)], vec![]).await.unwrap();
    for number in 1..10 {
        store
            .accept(vec![ended_at(number, number)], vec![])
            .await
            .unwrap();
    }
    let zero = hour(0);
    let some = retain(&store, hour(5), zero, 100).await;
    assert_eq!((some.bodies, some.more), (4, false));
    let again = hour(5).plus(Duration::from_mins(30));
    // With a limit of one, a look at the open one would say that there may be more.
    let some = retain(&store, again, zero, 1).await;
    assert_eq!(
        (some.bodies, some.more),
        (1, true),
        "the event of the fifth hour"
    );
    let some = retain(&store, again, zero, 1).await;
    assert_eq!((some.bodies, some.more), (0, false));
    assert_eq!(count(&store, "SELECT count(*) FROM lingering").await, 1);
}

#[tokio::test]
async fn a_commit_erases_only_so_many_bytes() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    for number in 0..5 {
        let large = NewEvent {
            input: vec![b'1'; 600_000].into(),
            ..ended_at(number, 1)
        };
        store.accept(vec![large], vec![]).await.unwrap();
    }
    for (bodies, more) in [(2, true), (2, true), (1, false)] {
        let some = retain(&store, hour(2), hour(0), 10).await;
        assert_eq!((some.bodies, some.more), (bodies, more));
    }
}

/// A clock that was ahead for a while leaves ids behind that are larger than those of the next
/// process.
#[tokio::test]
async fn events_behind_ids_from_the_future_are_found_within_a_day() {
    let with_id_of = |hours: u32, event: NewEvent| {
        let ms = u128::try_from(hour(hours).as_millis()).unwrap();
        let id = ((ms << 80) + 1).to_be_bytes();
        NewEvent {
            id: EventId::from_bytes(id),
            ..event
        }
    };
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    let (ahead, after) = (ended_at(0, 9000), ended_at(0, 1));
    let events = vec![with_id_of(9000, ahead), with_id_of(9001, after)];
    store.accept(events, vec![]).await.unwrap();
    assert_eq!(retain(&store, hour(2), hour(0), 10).await.bodies, 1);
    for hours in 2..40 {
        let event = with_id_of(hours, ended_at(0, hours));
        store.accept(vec![event], vec![]).await.unwrap();
    }
    assert_eq!(retain(&store, hour(20), hour(0), 100).await.bodies, 0);
    assert_eq!(retain(&store, hour(26), hour(0), 100).await.bodies, 24);
}

#[tokio::test]
async fn nothing_to_do_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    store
        .accept(vec![ended_at(0, 1), ended_at(1, 9)], vec![])
        .await
        .unwrap();
    assert_eq!(retain(&store, hour(2), hour(0), 10).await.bodies, 1);
    let log = || {
        std::fs::metadata(folder.path().join("hub.db-wal"))
            .unwrap()
            .len()
    };
    let before = log();
    for hours in 3..9 {
        retain(&store, hour(hours), hour(0), 10).await;
    }
    assert_eq!(log(), before);
}

fn contains(path: &Path, needle: &[u8]) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// In pages of their own, and in pages that others share.
#[tokio::test]
async fn erased_bodies_are_not_in_the_file_any_more() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    let store = open(&path).unwrap();
    for (number, times) in [(0, 1), (1, 5000)] {
        let large = NewEvent {
            input: b"xyzzy-a-body".repeat(times).into(),
            ..ended_at(number, 1)
        };
        store
            .accept(vec![large, ended_at(number + 10, 1)], vec![])
            .await
            .unwrap();
    }
    // What stands there is sealed: it is looked for as it stands there.
    let sealed = "SELECT sealed FROM payloads WHERE seq IN (1, 3) ORDER BY seq";
    let sealed = move |c: &rusqlite::Connection| {
        let mut sealed = c.prepare(sealed)?;
        let sealed = sealed.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        Ok(sealed.collect::<Result<Vec<_>, _>>()?)
    };
    let sealed = store.read(sealed).await.unwrap();
    let marks = [
        &sealed[0][5..25],
        &sealed[1][5..25],
        &sealed[1][30_000..30_020],
    ];
    store.close().await;
    assert!(marks.iter().all(|mark| contains(&path, mark)));

    let store = open(&path).unwrap();
    for number in 0..2 {
        store.erase_event(HERE, new_event(number).id).await.unwrap();
    }
    store.close().await;
    for mark in marks {
        assert!(!contains(&path, mark), "{mark:?}");
    }
}

#[tokio::test]
async fn what_went_whole_leaves_no_row() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("hub.db")).unwrap();
    for number in 0..5 {
        store
            .accept(vec![ended_at(number, 1)], vec![])
            .await
            .unwrap();
    }
    assert_eq!(retain(&store, hour(2), hour(0), 10).await.bodies, 5);
    assert_eq!(count(&store, "SELECT count(*) FROM payloads").await, 0);
    assert_eq!(count(&store, "SELECT count(*) FROM events").await, 5);
    assert_eq!(retain(&store, hour(2), hour(2), 10).await.rows, 5);
    for left in [
        "SELECT count(*) FROM events",
        "SELECT count(*) FROM lingering",
    ] {
        assert_eq!(count(&store, left).await, 0, "{left}");
    }
}
