use super::*;

fn files() -> Value {
    json!({
        "agents": [{"name": "filed", "runtime": "scripted", "does": "echo", "token": "${NOT_READ}-and-more"}],
        "connectors": [{"name": "orders", "type": "webhook", "mode": "inbound", "agents": ["filed"]}],
    })
}

#[tokio::test(start_paused = true)]
async fn files_are_planned_applied_and_applied_again() {
    let rig = Rig::new().await;
    let plan = rig.admin("POST /v1/plan", files()).await;
    assert_eq!(
        plan.body,
        r#"{"changes":[{"action":"create","resource":"agent","name":"filed","fields":[],"open_work":0},{"action":"create","resource":"connector","name":"orders","fields":[],"open_work":0}],"unchanged":0}"#
    );
    assert_eq!(
        rig.admin("GET /v1/agents/filed", Value::Null).await.status,
        404
    );
    let applied = rig.admin("POST /v1/apply", files()).await.json();
    assert_eq!(applied["changes"], plan.json()["changes"]);
    assert_eq!(applied["generated"][0]["connector"], "orders");
    let secret = applied["generated"][0]["secret"].as_str().unwrap();
    let bearer = format!("authorization: Bearer {secret}");
    assert_eq!(
        rig.call(request("POST /c/orders", &[&bearer], "1"))
            .await
            .status,
        202
    );
    // Nothing of what a client sends is looked up here.
    let rows = rig.hub.store().catalog().await.unwrap().agents;
    let row = rows
        .iter()
        .find(|row| row.name.as_str() == "filed")
        .unwrap();
    assert_eq!(row.settings["token"], "${NOT_READ}-and-more");
    let again = rig.admin("POST /v1/apply", files()).await;
    assert_eq!(again.body, r#"{"changes":[],"unchanged":2,"generated":[]}"#);
    let mut changed = files();
    changed["connectors"] = json!([]);
    changed["agents"][0]["timeout"] = json!("9s");
    let plan = rig.admin("POST /v1/plan", changed.clone()).await.json();
    assert_eq!(plan["changes"][0]["fields"][0]["path"], "timeout");
    assert_eq!(plan["changes"][1]["action"], "remove");
    assert_eq!(rig.admin("POST /v1/apply", changed).await.status, 200);
    assert_eq!(
        rig.call(request("POST /c/orders", &[&bearer], "1"))
            .await
            .status,
        404
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_file_made_is_left_to_files() {
    let rig = Rig::new().await;
    rig.admin("POST /v1/apply", files()).await;
    let lines = [
        (
            "PUT /v1/agents/filed",
            json!({"runtime": "scripted", "does": "fail"}),
        ),
        ("DELETE /v1/agents/filed", Value::Null),
        ("PUT /v1/connectors/orders", json!({})),
        ("DELETE /v1/connectors/orders", Value::Null),
    ];
    for (line, body) in lines {
        let answer = rig.admin(line, body).await;
        assert_eq!(answer.code(), (409, "managed-by-file".to_owned()), "{line}");
    }
    // Holding something is a state and no setting.
    assert_eq!(
        rig.admin("POST /v1/agents/filed/pause", Value::Null)
            .await
            .status,
        200
    );
    let again = rig.admin("POST /v1/apply", files()).await.json();
    assert_eq!(again["unchanged"], 2);
    // Files leave alone what the API made, and say so where they would need its name.
    let taken = json!({"agents": [{"name": "echo", "runtime": "scripted", "does": "fail"}]});
    let answer = rig.admin("POST /v1/apply", taken).await;
    assert_eq!(
        answer.json()["errors"][0]["path"],
        "agents[0].name",
        "{}",
        answer.body
    );
}

#[tokio::test(start_paused = true)]
async fn a_hub_with_a_file_of_its_own_refuses_and_names_it() {
    let rig = Rig::with(config_file()).await;
    let answer = rig.admin("POST /v1/apply", files()).await;
    assert_eq!(answer.code(), (409, "managed-by-file".to_owned()));
    assert!(answer.body.contains("tieline.yaml"), "{}", answer.body);
    assert_eq!(rig.admin("POST /v1/plan", files()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn mistakes_come_all_at_once_with_their_paths() {
    let rig = Rig::new().await;
    let files = json!({
        "agents": [
            {"name": "a", "runtime": "scripted", "does": "echo"},
            {"name": "a", "runtime": "scripted", "does": "echo"},
        ],
        "connectors": [{"name": "c", "type": "webhok", "mode": "inbound", "agents": ["b"]}],
    });
    let answer = rig.admin("POST /v1/plan", files).await;
    assert_eq!(answer.code(), (422, "invalid-settings".to_owned()));
    for path in [
        "agents[1].name",
        "connectors[0].type",
        "connectors[0].agents[0]",
    ] {
        assert!(
            answer.body.contains(&format!("\"path\":\"{path}\"")),
            "{path}: {}",
            answer.body
        );
    }
    let answer = rig
        .admin("POST /v1/plan", json!({"listen": "0.0.0.0:1"}))
        .await;
    assert_eq!(
        answer.json()["errors"][0]["path"],
        "listen",
        "{}",
        answer.body
    );
    // Opening is later than reading, and has the same paths.
    let files = json!({"agents": [
        {"name": "a", "runtime": "scripted", "does": "echo"},
        {"name": "b", "runtime": "scripted", "does": "echo", "token": "bad"},
    ]});
    let answer = rig.admin("POST /v1/apply", files).await;
    assert_eq!(
        answer.json()["errors"][0]["path"],
        "agents[1].token",
        "{}",
        answer.body
    );
}
