use tempfile::TempDir;
use tieline_store::Store as _;

use super::*;
use crate::tests::vault;
use crate::{SqliteStore, open};

fn record(action: &str) -> AuditRecord {
    AuditRecord {
        at: Timestamp::from_millis(1),
        project: ProjectId::DEFAULT,
        actor: Actor::Hub,
        from: None,
        action: action.to_owned(),
        target: "it".to_owned(),
        before: None,
        after: None,
        outcome: Outcome::Done,
    }
}

fn written() -> (TempDir, Connection) {
    let folder = TempDir::new().unwrap();
    let connection = open::writer(&folder.path().join("hub.db"), &vault()).unwrap();
    for action in ["one", "two"] {
        append(&connection, &record(action)).unwrap();
    }
    (folder, connection)
}

#[test]
fn what_was_written_down_cannot_be_changed_or_taken_away() {
    let (_folder, connection) = written();
    for statement in [
        "UPDATE audit SET action = 'other'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE position = 1",
        "INSERT OR REPLACE INTO audit (position, at, project, actor, action, target, outcome) \
         VALUES (1, 0, 1, 2, 'other', '', 0)",
    ] {
        let error = connection.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains("only added to"), "{statement}: {error}");
    }
    let page = audit(&connection, ProjectId::DEFAULT, &PageRequest::first(9)).unwrap();
    let actions: Vec<_> = page.rows.iter().map(|e| &*e.record.action).collect();
    assert_eq!(actions, ["two", "one"]);
}

#[tokio::test]
async fn what_is_not_done_is_not_written_down() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hub.db");
    let store = SqliteStore::open(&path, vault()).unwrap();
    let outside = open::writer(&path, &vault()).unwrap();
    // A schema that refuses the key stands for whatever may fail in the commit.
    let refuse =
        "CREATE TRIGGER refused BEFORE INSERT ON keys BEGIN SELECT RAISE(ABORT, 'no'); END";
    outside.execute(refuse, []).unwrap();
    let key = ApiKey {
        project: ProjectId::DEFAULT,
        name: "ci".to_owned(),
        digest: [1; 32],
        hint: "wxyz".to_owned(),
        scopes: vec![Scope::Read],
        created_at: Timestamp::from_millis(1),
        expires_at: None,
        last_used_at: None,
    };
    assert!(store.put_key(key, record("key.create")).await.is_err());
    let log = store.audit(ProjectId::DEFAULT, PageRequest::first(9)).await;
    assert!(log.unwrap().rows.is_empty());
}
