use super::*;

#[tokio::test(start_paused = true)]
async fn an_agent_is_made_shown_replaced_paused_and_removed() {
    let rig = Rig::new().await;
    let token = "a-token-that-nobody-may-see";
    let agent = json!({"name": "new", "runtime": "scripted", "does": "echo", "token": token});
    let made = rig.admin("POST /v1/agents", agent.clone()).await;
    assert_eq!(
        (made.status.as_u16(), made.header("location")),
        (201, "/v1/agents/new")
    );
    assert!(!made.body.contains(token), "{}", made.body);
    let shown = rig.admin("GET /v1/agents/new", Value::Null).await;
    assert_eq!(shown.json(), made.json());
    assert_eq!(shown.json()["managed_by"], "api");
    let twice = rig.admin("POST /v1/agents", agent).await;
    assert_eq!(twice.code(), (409, "conflict".to_owned()));
    let paused = rig.admin("POST /v1/agents/new/pause", Value::Null).await;
    assert_eq!(paused.json()["paused"], true);
    // What was shown can be sent back.
    let mut changed = paused.json();
    changed["timeout"] = json!("7s");
    let replaced = rig.admin("PUT /v1/agents/new", changed.clone()).await;
    assert_eq!(replaced.json(), changed);
    let catalog = rig.hub.store().catalog().await.unwrap();
    let row = catalog
        .agents
        .iter()
        .find(|row| row.name.as_str() == "new")
        .unwrap();
    assert_eq!(row.settings["token"], token);
    let resumed = rig.admin("POST /v1/agents/new/resume", Value::Null).await;
    assert_eq!(resumed.json()["paused"], false);
    assert_eq!(
        rig.admin("DELETE /v1/agents/new", Value::Null).await.status,
        204
    );
    assert_eq!(
        rig.admin("GET /v1/agents/new", Value::Null).await.status,
        404
    );
    assert_eq!(rig.admin("PUT /v1/agents/new", json!({})).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_settings_is_told_field_by_field() {
    let rig = Rig::new().await;
    let agent = json!({"name": "Bad!", "runtime": "scripted", "does": "nothing", "x": 1});
    let answer = rig.admin("POST /v1/agents", agent).await;
    assert_eq!(answer.code(), (422, "invalid-settings".to_owned()));
    let errors = answer.json()["errors"].clone();
    let paths: Vec<_> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["path"])
        .collect();
    for path in ["name", "does", "x"] {
        assert!(paths.contains(&&json!(path)), "{errors}");
    }
    // What only opening finds has its path from the top, too.
    let agent = json!({"name": "bad", "runtime": "scripted", "does": "echo", "token": "bad"});
    let answer = rig.admin("POST /v1/agents", agent).await;
    assert_eq!(
        answer.json()["errors"][0]["path"],
        "token",
        "{}",
        answer.body
    );
    let connector =
        json!({"name": "c", "type": "webhook", "mode": "inbound", "agents": ["nobody"]});
    let answer = rig.admin("POST /v1/connectors", connector).await;
    assert_eq!(
        answer.json()["errors"][0]["path"],
        "agents[0]",
        "{}",
        answer.body
    );
    let answer = rig
        .admin("PUT /v1/agents/echo", json!({"name": "other"}))
        .await;
    assert_eq!(
        answer.json()["errors"][0]["path"],
        "name",
        "{}",
        answer.body
    );
}

#[tokio::test(start_paused = true)]
async fn a_generated_secret_is_shown_once() {
    let rig = Rig::new().await;
    let connector =
        json!({"name": "orders", "type": "webhook", "mode": "inbound", "agents": ["echo"]});
    let made = rig.admin("POST /v1/connectors", connector.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    assert_eq!(made.json()["address"], "/c/orders");
    let shown = rig.admin("GET /v1/connectors/orders", Value::Null).await;
    assert!(!shown.body.contains(&secret) && shown.json().get("secret").is_none());
    let bearer = format!("authorization: Bearer {secret}");
    let send = || {
        request(
            "POST /c/orders",
            &[&bearer, "content-type: application/json"],
            "1",
        )
    };
    assert_eq!(rig.call(send()).await.status, 202);
    // Replaced without a secret, it keeps the one that it has.
    let replaced = rig.admin("PUT /v1/connectors/orders", shown.json()).await;
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    assert!(replaced.json().get("secret").is_none());
    assert_eq!(rig.call(send()).await.status, 202);
    // A linked agent stays.
    let linked = rig.admin("DELETE /v1/agents/echo", Value::Null).await;
    assert_eq!(linked.status, 409, "{}", linked.body);
    let paused = rig
        .admin("POST /v1/connectors/orders/pause", Value::Null)
        .await;
    assert_eq!(paused.json()["paused"], true);
    assert_eq!(rig.call(send()).await.status, 503);
    assert_eq!(
        rig.admin("DELETE /v1/connectors/orders", Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(rig.call(send()).await.status, 404);
    let open = json!({"auth": "none"});
    let mut connector = connector;
    connector["settings"] = open;
    let made = rig.admin("POST /v1/connectors", connector).await;
    assert!(made.json().get("secret").is_none() && made.json()["open"] == true);
}

#[tokio::test(start_paused = true)]
async fn links_and_types_are_shown() {
    let rig = Rig::new().await;
    let agents = json!(["echo", {"agent": "fail", "when": "input.n > 1", "on_error": "skip"}]);
    rig.connector("inbound", "orders", agents, json!({})).await;
    let links = rig.admin("GET /v1/links", Value::Null).await;
    assert_eq!(
        links.body,
        r#"{"data":[{"connector":"orders","agent":"echo","when":null,"session":null,"on_error":"hold","policy":"queue","debounce":null,"priority":"normal"},{"connector":"orders","agent":"fail","when":"input.n > 1","session":null,"on_error":"skip","policy":"queue","debounce":null,"priority":"normal"}],"next_cursor":null}"#
    );
    let page = rig.admin("GET /v1/links?limit=1", Value::Null).await.json();
    assert_eq!(page["next_cursor"], "orders/echo");
    let types = rig.admin("GET /v1/types", Value::Null).await.json();
    assert_eq!(types["data"][0]["type"], "webhook");
    assert_eq!(
        types["data"][0]["modes"],
        json!(["inbound", "sync", "outbound"])
    );
    let webhook = rig.admin("GET /v1/types/webhook", Value::Null).await.json();
    assert!(webhook["schemas"]["sync"]["properties"]["timeout"].is_object());
    assert!(webhook["manual"].as_str().unwrap().starts_with('#'));
}
