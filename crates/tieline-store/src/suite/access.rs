//! Keys, projects, and the audit log.

use std::net::Ipv4Addr;

use tieline_model::audit::{Actor, AuditRecord, Outcome};
use tieline_model::key::{ApiKey, Scope};
use tieline_model::page::PageRequest;
use tieline_model::{Name, ProjectId};

use super::given::{ELSEWHERE, Given, HERE, agent, at, page};
use crate::CatalogChange;

fn key(name: &str, digest: u8, scopes: &[Scope]) -> ApiKey {
    ApiKey {
        project: HERE,
        name: name.to_owned(),
        digest: [digest; 32],
        hint: "wxyz".to_owned(),
        scopes: scopes.to_vec(),
        created_at: at(0),
        expires_at: None,
        last_used_at: None,
    }
}

fn record(action: &str) -> AuditRecord {
    AuditRecord {
        at: at(3),
        project: HERE,
        actor: Actor::Hub,
        from: None,
        action: action.to_owned(),
        target: "it".to_owned(),
        before: None,
        after: None,
        outcome: Outcome::Done,
    }
}

/// The actions of a project's log, newest first.
async fn actions(given: &Given, project: ProjectId) -> Vec<String> {
    let all = given.store.audit(project, page(250)).await.expect("reads");
    all.rows
        .into_iter()
        .map(|entry| entry.record.action)
        .collect()
}

async fn put(given: &Given, key: ApiKey) {
    let put = given.store.put_key(key, record("key.create")).await;
    put.expect("puts");
}

pub(super) async fn a_key_comes_back_as_it_was_put(given: Given) {
    let mut whole = key("ci", 2, &Scope::ALL);
    whole.expires_at = Some(at(70));
    whole.last_used_at = Some(at(7));
    put(&given, whole.clone()).await;
    let keys = given.store.keys().await.expect("reads");
    assert_eq!(format!("{keys:?}"), format!("[{whole:?}]"));
}

pub(super) async fn a_key_of_the_same_name_is_replaced(given: Given) {
    for key in [
        key("first", 1, &[Scope::Admin]),
        key("ci", 2, &[Scope::Trigger, Scope::Read]),
        key("first", 3, &[Scope::Operate, Scope::Worker]),
    ] {
        put(&given, key).await;
    }
    let keys = given.store.keys().await.expect("reads");
    let kept: Vec<_> = keys
        .iter()
        .map(|k| (k.name.as_str(), k.digest, k.scopes.as_slice()))
        .collect();
    let ci: &[Scope] = &[Scope::Trigger, Scope::Read];
    let first: &[Scope] = &[Scope::Operate, Scope::Worker];
    assert_eq!(kept, [("ci", [2; 32], ci), ("first", [3; 32], first)]);
}

pub(super) async fn a_removed_key_is_gone_and_no_other_is(given: Given) {
    put(&given, key("ci", 1, &[Scope::Read])).await;
    put(&given, key("other", 2, &[Scope::Read])).await;
    let elsewhere = ApiKey {
        project: ELSEWHERE,
        ..key("ci", 3, &[Scope::Read])
    };
    put(&given, elsewhere).await;
    let store = &given.store;
    let remove = || store.remove_key(HERE, "ci", record("key.revoke"));
    assert!(remove().await.expect("removes"));
    assert!(!remove().await.expect("removes"), "it is gone already");
    let keys = store.keys().await.expect("reads");
    let left: Vec<_> = keys.iter().map(|k| (k.project, k.digest)).collect();
    assert_eq!(left, [(HERE, [2; 32]), (ELSEWHERE, [3; 32])]);
    let written = actions(&given, HERE).await;
    let revoked = written.iter().filter(|action| *action == "key.revoke");
    assert_eq!(revoked.count(), 1, "what changes nothing is not written");
}

pub(super) async fn the_last_use_of_a_key_never_goes_back(given: Given) {
    put(&given, key("ci", 1, &[Scope::Read])).await;
    let store = &given.store;
    for (project, name, ms) in [
        (HERE, "ci", 50),
        (HERE, "ci", 20),
        (ELSEWHERE, "ci", 90),
        (HERE, "nobody", 90),
    ] {
        let touched = store.touch_key(project, name, at(ms)).await;
        touched.expect("touches");
    }
    let keys = store.keys().await.expect("reads");
    let used: Vec<_> = keys.iter().map(|key| key.last_used_at).collect();
    assert_eq!(used, [Some(at(50))]);
}

pub(super) async fn a_project_is_made_once(given: Given) {
    let name = || Name::new("acme").expect("a name");
    let make = || given.store.put_project(name(), record("project.create"));
    let made = make().await.expect("makes");
    assert_ne!(made, HERE);
    assert_eq!(make().await.expect("finds"), made);
    let first = Name::new("default").expect("a name");
    let found = given.store.put_project(first.clone(), record("none")).await;
    assert_eq!(found.expect("finds"), HERE);
    let catalog = given.store.catalog().await.expect("reads");
    assert_eq!(catalog.projects, [(HERE, first), (made, name())]);
    assert_eq!(actions(&given, HERE).await, ["project.create"]);
}

pub(super) async fn a_change_is_written_down_with_what_it_changes(given: Given) {
    let whole = AuditRecord {
        actor: Actor::Key {
            name: "ci".to_owned(),
            hint: "wxyz".to_owned(),
        },
        from: Some(Ipv4Addr::LOCALHOST.into()),
        before: Some([1; 32]),
        after: Some([2; 32]),
        outcome: Outcome::Begun,
        ..record("agent.create")
    };
    let by_file = AuditRecord {
        actor: Actor::File,
        ..record("agent.update")
    };
    let change = CatalogChange {
        put_agents: vec![agent("triage")],
        audit: vec![whole.clone(), by_file.clone()],
        ..CatalogChange::default()
    };
    let changed = given.store.change_catalog(HERE, change).await;
    assert_eq!(changed.expect("changes").agents.len(), 1);
    let log = given.store.audit(HERE, page(10)).await.expect("reads");
    let records: Vec<_> = log.rows.into_iter().map(|entry| entry.record).collect();
    assert_eq!(records, [by_file, whole]);
}

pub(super) async fn what_is_written_down_comes_newest_first_in_pages(given: Given) {
    let mut positions = Vec::new();
    for n in 0..5 {
        let append = given.store.append_audit(record(&n.to_string())).await;
        positions.insert(0, append.expect("appends"));
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = PageRequest { limit: 2, before };
        let page = given.store.audit(HERE, page).await.expect("reads");
        seen.extend(page.rows);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let actions: Vec<_> = seen.iter().map(|entry| &entry.record.action).collect();
    assert_eq!(actions, ["4", "3", "2", "1", "0"]);
    assert!(seen.is_sorted_by(|a, b| a.position > b.position));
    let places: Vec<_> = seen.iter().map(|entry| entry.position).collect();
    assert_eq!(places, positions);
}

pub(super) async fn what_was_begun_is_named_by_what_became_of_it(given: Given) {
    let mut expected = Vec::new();
    for make in [
        |begun| Outcome::Ended { begun },
        |begun| Outcome::Failed { begun },
    ] {
        let before = AuditRecord {
            outcome: Outcome::Begun,
            ..record("run.cancel")
        };
        let position = given.store.append_audit(before.clone()).await;
        let outcome = make(position.expect("appends"));
        let after = AuditRecord {
            outcome,
            ..before.clone()
        };
        let append = given.store.append_audit(after.clone()).await;
        append.expect("appends");
        expected.splice(0..0, [after, before]);
    }
    let log = given.store.audit(HERE, page(10)).await.expect("reads");
    let records: Vec<_> = log.rows.into_iter().map(|entry| entry.record).collect();
    assert_eq!(records, expected);
}

pub(super) async fn another_project_reads_nothing_of_what_was_done_here(given: Given) {
    let elsewhere = AuditRecord {
        project: ELSEWHERE,
        ..record("theirs")
    };
    let mut positions = Vec::new();
    for record in [record("ours"), elsewhere, record("ours")] {
        let append = given.store.append_audit(record).await;
        positions.push(append.expect("appends"));
    }
    assert_eq!(positions, [1, 1, 2], "each counts its own");
    assert_eq!(actions(&given, HERE).await, ["ours", "ours"]);
    assert_eq!(actions(&given, ELSEWHERE).await, ["theirs"]);
    assert!(actions(&given, ProjectId(3)).await.is_empty());
}
