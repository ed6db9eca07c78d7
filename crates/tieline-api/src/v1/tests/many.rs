//! Acts on many rows, and the words that narrow them and the lists.

use super::*;

/// Three orders, each done by `echo` and failed by `fail`, and carried to nowhere by `out`.
async fn orders(rig: &Rig) {
    rig.connector("inbound", "orders", json!(["echo", "fail"]), json!({}))
        .await;
    let nowhere = json!({"url": "http://127.0.0.1:1/hook"});
    rig.connector("outbound", "out", json!(["echo"]), nowhere)
        .await;
    for n in 0..3 {
        let answer = rig.post("/c/orders", &[], &n.to_string()).await;
        for run in answer.json()["run_ids"].as_array().unwrap() {
            let run = run.as_str().unwrap();
            let line = format!("GET /c/orders/runs/{run}?wait=9");
            rig.send(&line, &[], "").await;
        }
        tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    }
}

async fn count(rig: &Rig, path: &str) -> usize {
    let listed = rig.admin(&format!("GET {path}"), Value::Null).await;
    assert_eq!(listed.status, 200, "{path}: {}", listed.body);
    listed.json()["data"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn lists_are_narrowed_by_time_connector_and_dead_letter() {
    let rig = Rig::new().await;
    orders(&rig).await;
    // They came three, two and one hours ago.
    let an_hour_later = rig.hub.now().minus(std::time::Duration::from_mins(150));
    for (path, expected) in [
        ("/v1/events", 3),
        ("/v1/events?since=150m", 2),
        ("/v1/events?until=150m", 1),
        ("/v1/events?since=150m&until=90m", 1),
        (&*format!("/v1/events?since={an_hour_later}"), 2),
        ("/v1/runs?since=150m", 4),
        ("/v1/runs?since=150m&agent=fail", 2),
        ("/v1/runs?connector=orders", 6),
        ("/v1/runs?connector=nobody", 0),
        ("/v1/runs?dead_letter=true", 0),
        ("/v1/runs?dead_letter=false&until=150m", 2),
        ("/v1/deliveries?since=150m", 2),
        ("/v1/deliveries?until=150m", 1),
    ] {
        assert_eq!(count(&rig, path).await, expected, "{path}");
    }
    for bad in [
        "/v1/runs?since=yesterday",
        "/v1/events?until=",
        "/v1/deliveries?since=2026-11-22",
        "/v1/runs?dead_letter=maybe",
    ] {
        let answer = rig.admin(&format!("GET {bad}"), Value::Null).await;
        assert_eq!(answer.code(), (400, "bad-request".to_owned()), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_runs_are_replayed_by_what_narrows_them() {
    let rig = Rig::new().await;
    orders(&rig).await;
    let act = |body: Value| {
        let rig = &rig;
        async move { rig.admin("POST /v1/runs/replay", body).await }
    };
    for (body, part) in [
        (json!({}), r#"`\"all\": true`"#),
        (json!({"to": "echo", "dry_run": true}), r#"`\"all\": true`"#),
        (json!({"agnet": "echo"}), "`agnet`"),
        (json!({"agent": "echo", "to": "nobody"}), "No agent"),
        (json!({"status": "dead"}), "`failed`"),
        (json!({"since": "soon"}), "RFC 3339"),
    ] {
        let answer = act(body).await;
        assert_eq!(answer.code(), (400, "bad-request".to_owned()));
        assert!(answer.body.contains(part), "{}", answer.body);
    }
    assert_eq!(count(&rig, "/v1/runs").await, 6, "nothing was replayed");
    let failed = json!({"agent": "fail", "status": "failed", "since": "150m"});
    let mut dry = failed.clone();
    dry["dry_run"] = json!(true);
    assert_eq!(act(dry).await.body, r#"{"matched":2,"replayed":0}"#);
    assert_eq!(count(&rig, "/v1/runs").await, 6, "it was only counted");
    let mut to_echo = failed;
    to_echo["to"] = json!("echo");
    let answer = act(to_echo).await;
    assert_eq!(answer.body, r#"{"matched":2,"replayed":2}"#);
    assert_eq!(count(&rig, "/v1/runs?agent=echo").await, 5);
    assert_eq!(count(&rig, "/v1/runs?agent=fail").await, 3, "as before");
    let nobody = act(json!({"agent": "nobody"})).await;
    assert_eq!(nobody.body, r#"{"matched":0,"replayed":0}"#);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let all = act(json!({"all": true})).await.json();
    assert_eq!((&all["matched"], &all["replayed"]), (&json!(8), &json!(8)));
}

#[tokio::test(start_paused = true)]
async fn a_run_and_an_event_are_replayed_to_the_agent_that_is_named() {
    let rig = Rig::new().await;
    orders(&rig).await;
    let failed = rig.admin("GET /v1/runs?agent=fail", Value::Null).await;
    let failed = failed.json()["data"][0].clone();
    let (run, event) = (&failed["run_id"], &failed["event_id"]);
    let line = format!("POST /v1/runs/{}/replay", run.as_str().unwrap());
    let again = rig.admin(&line, json!({"to": "echo"})).await;
    assert_eq!(again.status, 201, "{}", again.body);
    assert_eq!(again.json()["agent_name"], "echo");
    let unknown = rig.admin(&line, json!({"to": "nobody"})).await;
    assert_eq!(unknown.code(), (400, "bad-request".to_owned()));
    let line = format!("POST /v1/events/{}/replay", event.as_str().unwrap());
    let again = rig.admin(&line, Value::Null).await;
    assert_eq!(again.status, 201, "{}", again.body);
    assert_eq!(again.json()["run_ids"].as_array().unwrap().len(), 2);
    let bearer = format!("authorization: Bearer {}", rig.admin.expose());
    let null = request(&line, &[&bearer, "content-type: application/json"], "null");
    assert_eq!(rig.call(null).await.status, 201);
    let again = rig.admin(&line, json!({"agent": "hang"})).await;
    let new = again.json()["run_ids"][0].as_str().unwrap().to_owned();
    let shown = rig.admin(&format!("GET /v1/runs/{new}"), Value::Null).await;
    assert_eq!(shown.json()["agent_name"], "hang");
    for (body, code) in [
        (json!({"agent": "nobody"}), "bad-request"),
        (json!({"agents": "echo"}), "bad-request"),
        (json!([]), "bad-request"),
    ] {
        assert_eq!(rig.admin(&line, body).await.code(), (400, code.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn many_deliveries_are_redriven_by_what_narrows_them() {
    let rig = Rig::new().await;
    orders(&rig).await;
    let act = |body: Value| {
        let rig = &rig;
        async move { rig.admin("POST /v1/deliveries/redrive", body).await }
    };
    let answer = act(json!({"dry_run": true})).await;
    assert_eq!(answer.code(), (400, "bad-request".to_owned()));
    let none = act(json!({"all": true})).await;
    assert_eq!(
        none.body, r#"{"matched":0,"redriven":0}"#,
        "none has failed"
    );
    let waiting = json!({"connector": "out", "status": "waiting", "since": "150m"});
    let mut dry = waiting.clone();
    dry["dry_run"] = json!(true);
    assert_eq!(act(dry).await.body, r#"{"matched":2,"redriven":0}"#);
    assert_eq!(act(waiting).await.body, r#"{"matched":2,"redriven":2}"#);
    let other = act(json!({"connector": "orders"})).await;
    assert_eq!(other.body, r#"{"matched":0,"redriven":0}"#);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_an_object_and_no_list_of_its_fields() {
    let rig = Rig::new().await;
    orders(&rig).await;
    let listed = rig.admin("GET /v1/runs", Value::Null).await.json();
    let of = |field: &str| listed["data"][0][field].as_str().unwrap().to_owned();
    let (run, event) = (of("run_id"), of("event_id"));
    for path in [
        "connectors/orders/rotate-secret",
        "deliveries/redrive",
        "runs/replay",
        "keys",
        &format!("runs/{run}/replay"),
        &format!("events/{event}/replay"),
    ] {
        for list in [json!([]), json!([null]), json!([null, null]), json!("24h")] {
            let line = format!("POST /v1/{path}");
            let answer = rig.admin(&line, list.clone()).await;
            assert_eq!(answer.status, 400, "{line} {list}: {}", answer.body);
        }
    }
}
