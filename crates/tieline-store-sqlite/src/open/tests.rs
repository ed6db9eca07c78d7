use std::error::Error as _;

use rusqlite::Connection;
use tempfile::TempDir;

use super::OpenError;
use crate::migrate;
use crate::tests::open;

#[tokio::test]
async fn a_newer_file_is_refused_with_both_versions() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    drop(open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    let newer = migrate::known() + 3;
    let set = "UPDATE schema_version SET version = ?1";
    connection.execute(set, [newer]).unwrap();

    let refused = open(&path).unwrap_err();
    let known = migrate::known();
    let expected = format!("it has schema version {newer}, this binary knows {known} and older");
    assert!(refused.to_string().ends_with(&expected), "{refused}");
    assert!(matches!(refused, OpenError::Newer { found, .. } if found == newer));

    connection.execute(set, [known]).unwrap();
    assert!(open(&path).is_ok(), "nothing was changed by the refusal");
}

#[test]
fn the_database_of_something_else_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("other.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE mine (a)").unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
}

#[test]
fn what_is_no_database_is_refused_with_its_cause() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("text.db");
    std::fs::write(
        &path,
        "not a database, but long enough to be looked at as one ".repeat(99),
    )
    .unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Open { .. }), "{refused}");
    assert!(refused.source().is_some());
    let missing = open(folder.path().join("no-folder/hub.db")).unwrap_err();
    assert!(matches!(missing, OpenError::Create { .. }), "{missing}");
}

#[test]
fn an_empty_file_is_taken_for_a_fresh_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    std::fs::write(&path, "").unwrap();
    assert!(open(&path).is_ok());
}

#[test]
fn handles_opened_at_once_agree_on_the_schema() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    std::thread::scope(|scope| {
        let again = || open(&path).map(drop);
        let openings: Vec<_> = (0..4).map(|_| scope.spawn(again)).collect();
        for opening in openings {
            opening.join().unwrap().unwrap();
        }
    });
}
