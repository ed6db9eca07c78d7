//! Agents, connectors and settings.

use std::time::Duration;

use serde_json::json;
use tieline_model::quantity::Span;
use tieline_model::retry::Backoff;
use tieline_model::{
    Agent, AgentId, Connector, DatedSecret, Debounce, Exhausted, Link, ManagedBy, Mode, Name,
    OnError, Policy, Priority, Retry, Secret,
};

use super::given::{ELSEWHERE, Given, HERE, agent, at, connector};
use crate::{Catalog, CatalogChange};

pub(super) async fn the_first_project_is_there(given: Given) {
    let catalog = given.store.catalog().await.expect("reads");
    let first = Name::new("default").expect("a name");
    assert_eq!(catalog.projects, [(HERE, first)]);
    assert!(catalog.agents.is_empty() && catalog.connectors.is_empty());
}

async fn put_agent(given: &Given, agent: Agent) -> Catalog {
    let change = CatalogChange {
        put_agents: vec![agent],
        ..CatalogChange::default()
    };
    change_here(given, change).await
}

async fn put_connector(given: &Given, connector: Connector) -> Catalog {
    let change = CatalogChange {
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    change_here(given, change).await
}

async fn change_here(given: &Given, change: CatalogChange) -> Catalog {
    let changed = given.store.change_catalog(HERE, change).await;
    let changed = changed.expect("changes");
    let read = given.store.catalog().await.expect("reads");
    assert_eq!(
        format!("{read:?}"),
        format!("{changed:?}"),
        "it stands as returned"
    );
    changed
}

pub(super) async fn an_agent_comes_back_as_it_was_put(given: Given) {
    let mut put = agent("triage");
    put.concurrency = 3;
    put.paused = true;
    put.managed_by = ManagedBy::Api;
    put.session_concurrency = 2;
    put.rate = Some("5/2s".parse().expect("a rate"));
    put.queue_ttl = Some(Duration::from_millis(90_500));
    put.retry = Retry {
        attempts: 7,
        crashes: 9,
        exhausted: Exhausted::Pause,
        backoff: Backoff {
            initial: Span::from_secs(2),
            max: Span::from_secs(9),
        },
    };
    put.settings.insert("url".to_owned(), json!("http://a"));
    put.settings
        .insert("a".to_owned(), json!({"z": 1, "b": [null, 2.5]}));
    let catalog = put_agent(&given, put.clone()).await;
    put.id = catalog.agents.first().expect("it is there").id;
    assert_ne!(put.id, AgentId(0));
    assert_eq!(format!("{:?}", catalog.agents), format!("[{put:?}]"));
}

pub(super) async fn a_connector_comes_back_as_it_was_put(given: Given) {
    let mut put = connector("orders");
    let secrets = ["newest-secret-of-all-0001", "older-secret-of-all-00002"];
    put.mode = Mode::Sync;
    put.secrets = secrets
        .map(|text| Secret::new(text).expect("a secret").into())
        .to_vec();
    put.secrets[0].not_before = Some(at(5));
    put.secrets[1].not_after = Some(at(9));
    put.links = vec![Link {
        agent: Name::new("triage").expect("a name"),
        when: Some("input.total > 1".to_owned()),
        session: None,
        on_error: OnError::Skip,
        policy: Policy::Replace,
        debounce: Some(Debounce {
            quiet: Span::from_secs(2),
            max_wait: Span::from_secs(30),
            max_count: 7,
        }),
        priority: Priority::High,
    }];
    put.concurrency = Some(3);
    put.rate = Some("100/1m".parse().expect("a rate"));
    put.settings.insert("z".to_owned(), json!("first"));
    put.settings.insert("a".to_owned(), json!("second"));
    put.paused = true;
    let catalog = put_connector(&given, put.clone()).await;
    let kept = catalog.connectors.first().expect("it is there");
    put.id = kept.id;
    assert_eq!(format!("{kept:?}"), format!("{put:?}"));
    let exposed: Vec<&str> = kept.secrets.iter().map(DatedSecret::expose).collect();
    assert_eq!(exposed, secrets, "secrets keep their order");
}

pub(super) async fn a_put_of_a_known_name_keeps_its_id(given: Given) {
    let first = put_agent(&given, agent("triage")).await;
    let mut changed = agent("triage");
    changed.concurrency = 99;
    let second = put_agent(&given, changed).await;
    assert_eq!(second.agents.len(), 1);
    let ids = |catalog: &Catalog| catalog.agents.iter().map(|a| a.id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
    assert_eq!(second.agents.first().map(|a| a.concurrency), Some(99));
}

pub(super) async fn removed_agents_keep_their_id_and_a_new_one_gets_another(given: Given) {
    let first = put_agent(&given, agent("triage")).await;
    let old = first.agents.first().expect("it is there").id;
    // In one change, the removal comes first.
    let change = CatalogChange {
        remove_agents: vec![old],
        put_agents: vec![agent("triage")],
        ..CatalogChange::default()
    };
    let catalog = change_here(&given, change).await;
    let kept: Vec<_> = catalog.agents.iter().map(|a| (a.id, a.removed)).collect();
    let new = kept.iter().map(|(id, _)| *id).find(|id| *id != old);
    let new = new.expect("there is a new row");
    assert_eq!(kept, [(old, true), (new, false)]);
}

pub(super) async fn removed_connectors_keep_their_id_and_a_new_one_gets_another(given: Given) {
    let first = put_connector(&given, connector("orders")).await;
    let old = first.connectors.first().expect("it is there").id;
    let change = CatalogChange {
        remove_connectors: vec![old],
        ..CatalogChange::default()
    };
    let catalog = change_here(&given, change).await;
    assert!(catalog.connectors.iter().all(|c| c.id == old && c.removed));
    let catalog = put_connector(&given, connector("orders")).await;
    let kept: Vec<_> = catalog
        .connectors
        .iter()
        .map(|c| (c.id, c.removed))
        .collect();
    assert_eq!(kept.len(), 2);
    assert_eq!(
        kept.iter()
            .filter(|(id, removed)| *id != old && !removed)
            .count(),
        1
    );
}

pub(super) async fn another_project_changes_nothing_here(given: Given) {
    let first = put_agent(&given, agent("triage")).await;
    let id = first.agents.first().expect("it is there").id;
    let change = CatalogChange {
        put_agents: vec![agent("triage")],
        remove_agents: vec![id],
        ..CatalogChange::default()
    };
    let catalog = given.store.change_catalog(ELSEWHERE, change).await;
    let catalog = catalog.expect("changes");
    let all: Vec<_> = catalog
        .agents
        .iter()
        .map(|a| (a.project, a.removed))
        .collect();
    assert_eq!(all, [(HERE, false), (ELSEWHERE, false)]);
}

pub(super) async fn a_setting_is_put_once(given: Given) {
    let store = &given.store;
    assert_eq!(store.setting("salt").await.expect("reads"), None);
    let first = store.put_setting_once("salt", vec![0, 1]).await;
    assert_eq!(first.expect("puts"), [0, 1]);
    let second = store.put_setting_once("salt", vec![2]).await;
    assert_eq!(second.expect("puts"), [0, 1], "the first one stands");
    assert_eq!(
        store.setting("salt").await.expect("reads"),
        Some(vec![0, 1])
    );
    assert_eq!(store.setting("other").await.expect("reads"), None);
}
