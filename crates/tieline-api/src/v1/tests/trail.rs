//! The audit log: what is done is in it, and what is not done is not.

use tieline_model::audit::AuditEntry;
use tieline_model::page::PageRequest;
use tieline_store::Store as _;

use super::*;
use crate::auth::Trail;
use crate::rig::PROJECT;

async fn entries(rig: &Rig) -> Vec<Value> {
    let log = rig.admin("GET /v1/audit?limit=250", Value::Null).await;
    log.json()["data"].as_array().unwrap().clone()
}

/// Actions and targets since a position, oldest first.
async fn since(rig: &Rig, position: i64) -> Vec<(String, String)> {
    let mut new = entries(rig).await;
    new.retain(|entry| entry["position"].as_i64().unwrap() > position);
    new.reverse();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    new.iter()
        .map(|entry| (text(&entry["action"]), text(&entry["target"])))
        .collect()
}

/// What was begun since a position, oldest first, with how it was answered; nothing else came since.
async fn acts(rig: &Rig, position: i64) -> Vec<(String, String, String)> {
    let mut new = entries(rig).await;
    new.retain(|entry| entry["position"].as_i64().unwrap() > position);
    let (begun, answered): (Vec<_>, Vec<_>) = new
        .iter()
        .rev()
        .partition(|entry| entry["outcome"] == "begun");
    assert_eq!(begun.len(), answered.len(), "{new:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let act = |(before, after): (&Value, &Value)| {
        assert_eq!(before["begun"], Value::Null);
        assert_eq!(after["begun"], before["position"]);
        for same in ["actor", "key", "key_hint", "from", "action", "target"] {
            assert_eq!(before[same], after[same], "{same}");
        }
        let [action, target, outcome] = ["action", "target", "outcome"].map(|f| text(&after[f]));
        (action, target, outcome)
    };
    begun.into_iter().zip(answered).map(act).collect()
}

async fn last(rig: &Rig) -> i64 {
    entries(rig).await[0]["position"].as_i64().unwrap()
}

#[test]
fn whatever_changes_something_leaves_a_trail() {
    for (method, route, scope, trail) in ROUTES {
        let only_looks = *method == Method::GET || *route == "/v1/plan";
        assert_eq!(*trail == Trail::None, only_looks, "{method} {route}");
        assert!(only_looks || *scope != Scope::Read, "{method} {route}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_is_written_down_with_digests_of_what_was_shown() {
    let rig = Rig::new().await;
    let begun = last(&rig).await;
    let agent = json!({"name": "new", "runtime": "scripted", "does": "echo"});
    rig.admin("POST /v1/agents", agent.clone()).await;
    rig.admin(
        "PUT /v1/agents/new",
        json!({"runtime": "scripted", "does": "fail"}),
    )
    .await;
    rig.admin("PUT /v1/agents/new", json!({"runtime": "none"}))
        .await;
    rig.admin("DELETE /v1/agents/new", Value::Null).await;
    rig.admin("DELETE /v1/agents/new", Value::Null).await;
    let connector = json!({"name": "in", "type": "webhook", "mode": "inbound", "agents": ["echo"]});
    rig.admin("POST /v1/connectors", connector.clone()).await;
    rig.admin("POST /v1/connectors", connector).await;
    rig.admin("POST /v1/connectors/in/rotate-secret", Value::Null)
        .await;
    rig.admin("DELETE /v1/connectors/in", Value::Null).await;
    rig.admin("POST /v1/apply", json!({"agents": [agent]}))
        .await;
    rig.admin(
        "POST /v1/keys",
        json!({"name": "x", "scopes": ["read"], "project": "b"}),
    )
    .await;
    rig.admin("DELETE /v1/keys/x?project=b", Value::Null).await;
    let expected = [
        ("agent.create", "new"),
        ("agent.update", "new"),
        ("agent.remove", "new"),
        ("connector.create", "in"),
        ("connector.rotate-secret", "in"),
        ("connector.remove", "in"),
        ("agent.create", "new"),
        ("project.create", "b"),
        ("key.create", "b/x"),
        ("key.revoke", "b/x"),
    ];
    let expected = expected.map(|(action, target)| (action.to_owned(), target.to_owned()));
    assert_eq!(since(&rig, begun).await, expected);
    let all = entries(&rig).await;
    let of = |action: &str| all.iter().find(|entry| entry["action"] == action).unwrap();
    let (create, update) = (
        &all[all.len() - 1 - usize::try_from(begun).unwrap()],
        of("agent.update"),
    );
    assert_eq!(create["action"], "agent.create");
    assert_eq!(
        (&create["before"], &create["outcome"]),
        (&Value::Null, &json!("done"))
    );
    assert_eq!(
        create["after"], update["before"],
        "one entry begins where another ends"
    );
    assert_ne!(update["before"], update["after"]);
    assert_eq!(update["after"], of("agent.remove")["before"]);
    assert_eq!(of("agent.remove")["after"], Value::Null);
    let rotated = of("connector.rotate-secret");
    assert_ne!(rotated["before"], rotated["after"]);
    assert_eq!(rotated["after"], of("connector.remove")["before"]);
    assert_eq!(create["after"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&create["actor"], &create["key"]),
        (&json!("key"), &json!("first"))
    );
    let hint = create["key_hint"].as_str().unwrap();
    assert!(rig.admin.expose().ends_with(hint), "{create}");
    assert_eq!(create["from"], Value::Null, "there is no socket here");
}

#[tokio::test(start_paused = true)]
async fn an_act_is_written_down_before_it_is_tried_and_so_is_how_it_was_answered() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let begun = last(&rig).await;
    let nothing = "01900000-0000-7000-8000-000000000000";
    let mut expected = Vec::new();
    for (method, route, _, trail) in ROUTES {
        let Trail::Before(action) = trail else {
            continue;
        };
        rig.admin(&format!("{method} {}", path_of(route)), Value::Null)
            .await;
        let target = match route.split_once('{') {
            Some((_, rest)) if rest.starts_with("id}") => nothing,
            Some(_) => "nobody",
            None => "",
        };
        expected.push((*action, target.to_owned(), "failed"));
    }
    assert!(expected.len() >= 11, "{expected:?}");
    let many = json!({"status": "failed"});
    rig.admin("POST /v1/runs/replay", many.clone()).await;
    rig.admin("POST /v1/deliveries/redrive", many.clone()).await;
    expected.push(("run.replay", many.to_string(), "ended"));
    expected.push(("delivery.redrive", many.to_string(), "ended"));
    rig.admin("POST /v1/agents/echo/pause", Value::Null).await;
    rig.admin("POST /v1/connectors/orders/trigger", json!(1))
        .await;
    expected.push(("agent.pause", "echo".to_owned(), "ended"));
    expected.push(("connector.trigger", "orders".to_owned(), "ended"));
    // What only counts, or is not allowed, does nothing.
    let dry = json!({"all": true, "dry_run": true});
    rig.admin("POST /v1/runs/replay", dry.clone()).await;
    rig.admin("POST /v1/deliveries/redrive", dry).await;
    let read = key_of(Scope::Read);
    let line = format!("POST /v1/runs/{nothing}/cancel");
    assert_eq!(rig.manage(&line, &read, Value::Null).await.status, 403);
    let acts = acts(&rig, begun).await;
    let acts: Vec<_> = acts
        .iter()
        .map(|(a, t, o)| (&**a, t.clone(), &**o))
        .collect();
    assert_eq!(acts, expected);
    let long = format!("POST /v1/runs/{}/cancel", "x".repeat(5000));
    rig.admin(&long, Value::Null).await;
    let target = &entries(&rig).await[0]["target"];
    assert_eq!(
        target.as_str().unwrap().len(),
        256,
        "an entry has its bound"
    );
}

#[tokio::test(start_paused = true)]
async fn an_act_whose_caller_goes_away_has_begun_and_has_no_end_that_nobody_knows() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["hang"]), json!({"timeout": "1m"}))
        .await;
    let begun = last(&rig).await;
    let trigger = rig.admin("POST /v1/connectors/ask/trigger", json!(1));
    let patience = std::time::Duration::from_secs(1);
    assert!(tokio::time::timeout(patience, trigger).await.is_err());
    let all = entries(&rig).await;
    assert_eq!(all[0]["position"], begun + 1);
    assert_eq!(
        (&all[0]["action"], &all[0]["outcome"]),
        (&json!("connector.trigger"), &json!("begun"))
    );
}

#[tokio::test(start_paused = true)]
async fn where_an_act_cannot_be_written_down_it_is_not_done() {
    let rig = Rig::new().await;
    let run = "01900000-0000-7000-8000-000000000000";
    let line = format!("POST /v1/runs/{run}/cancel");
    let before = entries(&rig).await;
    rig.store.close().await;
    let refused = rig.admin(&line, Value::Null).await;
    assert_eq!(refused.code(), (503, "store-unavailable".to_owned()));
    rig.store.reopen();
    assert_eq!(entries(&rig).await, before);
}

#[tokio::test(start_paused = true)]
async fn the_log_is_read_in_pages_and_by_admins_of_the_project_alone() {
    let rig = Rig::new().await;
    for n in 0..5 {
        let wanted = json!({"name": format!("k{n}"), "scopes": ["read"]});
        rig.admin("POST /v1/keys", wanted).await;
    }
    let mut targets = Vec::new();
    let mut line = "GET /v1/audit?limit=2".to_owned();
    loop {
        let page = rig.admin(&line, Value::Null).await.json();
        targets.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["target"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        line = format!("GET /v1/audit?limit=2&cursor={cursor}");
    }
    assert!(targets.starts_with(&["k4", "k3", "k2", "k1", "k0"].map(Value::from)));
    let stored = rig
        .hub
        .store()
        .audit(PROJECT, PageRequest::first(250))
        .await;
    let stored: Vec<AuditEntry> = stored.unwrap().rows;
    assert_eq!(stored.len(), targets.len());
    for scope in [Scope::Read, Scope::Trigger, Scope::Operate, Scope::Worker] {
        let answer = rig
            .manage("GET /v1/audit", &key_of(scope), Value::Null)
            .await;
        assert_eq!(answer.status, 403, "{scope:?}");
    }
}
