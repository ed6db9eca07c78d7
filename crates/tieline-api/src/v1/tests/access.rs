//! Keys: what they open, for how long, and what they never do.

use std::time::Duration;

use super::*;

/// Makes a key by the API.
async fn make(rig: &Rig, wanted: Value) -> String {
    let made = rig.admin("POST /v1/keys", wanted).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["key"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn every_role_opens_at_every_route_what_the_document_says_and_nothing_else() {
    let rig = Rig::new().await;
    let admin = make(&rig, json!({"name": "other", "scopes": ["admin"]})).await;
    let document = rig.call(request("GET /v1/openapi.json", &[], "")).await;
    let mut seen = 0;
    for (route, item) in document.json()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(needed) = operation["security"][0]["key"][0].as_str() else {
                assert_eq!(route, "/v1/openapi.json", "it is for nobody without a key");
                continue;
            };
            seen += 1;
            let line = format!("{} {}", method.to_uppercase(), path_of(route));
            let nobody = rig.call(request(&line, &[], "")).await;
            assert_eq!(nobody.code(), (401, "unauthorized".to_owned()), "{line}");
            assert_eq!(nobody.header("www-authenticate"), "Bearer");
            let wrong = rig.manage(&line, "tl_wrong", Value::Null).await;
            assert_eq!(wrong.body, nobody.body);
            for scope in Scope::ALL {
                let key = match scope {
                    Scope::Admin => admin.clone(),
                    one => key_of(one),
                };
                let answer = rig.manage(&line, &key, Value::Null).await;
                let opens = scope.as_str() == needed
                    || (scope == Scope::Admin && needed != Scope::Worker.as_str());
                let told = (answer.status != 403, answer.status != 401);
                assert_eq!(told, (opens, true), "{line} {scope:?}: {}", answer.body);
            }
        }
    }
    assert_eq!(seen, ROUTES.len());
    let answer = rig
        .manage("POST /v1/agents", &key_of(Scope::Read), Value::Null)
        .await;
    assert_eq!(
        answer.body,
        r#"{"type":"urn:tieline:problem:forbidden-scope","title":"The key does not allow this","status":403,"code":"forbidden-scope","detail":"This needs a key with the scope `admin`."}"#
    );
    // A connector's secret is no key.
    let answer = rig.manage("GET /v1/runs", SECRET, Value::Null).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_not_one_whole_key_opens_anything() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["echo"]), json!({"read": "key"}))
        .await;
    let key = rig.admin.expose().to_owned();
    let (most, least) = key.split_at(key.len() - 1);
    let bearer = |text: &str| vec![format!("authorization: Bearer {text}")];
    let cases = [
        vec![],
        vec!["authorization: ".to_owned()],
        vec!["authorization: Bearer".to_owned()],
        bearer(""),
        bearer("null"),
        bearer("undefined"),
        bearer("\"\""),
        bearer("tl_"),
        bearer("%00"),
        bearer(most),
        bearer(&format!("{key}{least}")),
        bearer(&key.to_uppercase()),
        vec![format!("authorization: Basic {key}")],
        vec![format!("authorization: {key}")],
        vec![format!("x-api-key: {key}")],
        vec![format!("x-tieline-internal: 1, {key}")],
        [bearer(&key), bearer(&key)].concat(),
        [bearer(&key), bearer("null")].concat(),
    ];
    let run = "01900000-0000-7000-8000-000000000000";
    let lines = [
        "GET /v1/runs".to_owned(),
        format!("GET /v1/runs?key={key}"),
        "POST /v1/keys".to_owned(),
        format!("GET /c/ask/runs/{run}"),
        format!("POST /callback/{run}"),
    ];
    for line in &lines {
        let mut bodies = BTreeSet::new();
        for headers in &cases {
            let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
            let answer = rig.call(request(line, &headers, "")).await;
            assert_eq!(answer.status, 401, "{line} {headers:?}: {}", answer.body);
            bodies.insert(answer.body);
        }
        assert_eq!(bodies.len(), 1, "they look alike: {bodies:?}");
    }
    let whole = rig.admin("GET /v1/runs", Value::Null).await;
    assert_eq!(whole.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_shown_once_and_only_its_digest_is_kept() {
    let rig = Rig::new().await;
    let wanted = json!({"name": "ci", "scopes": ["trigger", "read", "read"], "expires_in": "90d"});
    let made = rig.admin("POST /v1/keys", wanted.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("tl_") && key.len() > 40, "{key}");
    let about = &made["about"];
    assert_eq!(about["scopes"], json!(["read", "trigger"]));
    assert!(key.ends_with(about["hint"].as_str().unwrap()));
    assert_eq!(about["project"], "default");
    assert_eq!(about["last_used_at"], Value::Null);
    assert_eq!(
        rig.manage("GET /v1/runs", key, Value::Null).await.status,
        200
    );
    let listed = rig.admin("GET /v1/keys", Value::Null).await;
    assert!(!listed.body.contains(key), "{}", listed.body);
    let data = listed.json()["data"].clone();
    let ci = data
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "ci");
    let ci = ci.unwrap();
    assert!(
        ci["last_used_at"].is_string() && ci["expired"] == false,
        "{ci}"
    );
    let stored = rig.hub.store().keys().await.unwrap();
    let stored = stored.iter().find(|row| row.name == "ci").unwrap();
    assert_eq!(stored.digest, tieline_vault::sha256(key.as_bytes()));
    assert!(
        stored.last_used_at.is_some(),
        "the first use is stored at once"
    );
    let again = rig.admin("POST /v1/keys", wanted).await;
    assert_eq!(again.code(), (409, "conflict".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_refused_from_the_request_after_its_end() {
    let rig = Rig::new().await;
    let wanted = json!({"name": "brief", "scopes": ["read"], "expires_in": "1h"});
    let brief = make(&rig, wanted).await;
    let reads = || rig.manage("GET /v1/runs", &brief, Value::Null);
    tokio::time::sleep(Duration::from_secs(3599)).await;
    assert_eq!(reads().await.status, 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(reads().await.code(), (401, "unauthorized".to_owned()));
    let listed = rig.admin("GET /v1/keys", Value::Null).await.json();
    assert_eq!(listed["data"][1]["name"], "first", "{listed}");
    assert_eq!(listed["data"][0]["expired"], true, "{listed}");
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_refused_at_the_next_request() {
    let rig = Rig::new().await;
    let wanted = json!({"name": "ci", "scopes": ["admin"]});
    let ci = make(&rig, wanted.clone()).await;
    let reads = || rig.manage("GET /v1/runs", &ci, Value::Null);
    assert_eq!(reads().await.status, 200);
    // By itself, even.
    let revoked = rig.manage("DELETE /v1/keys/ci", &ci, Value::Null).await;
    assert_eq!(revoked.status, 204, "{}", revoked.body);
    assert_eq!(reads().await.status, 401);
    let gone = rig.admin("DELETE /v1/keys/ci", Value::Null).await;
    assert_eq!(gone.code(), (404, "not-found".to_owned()));
    let other = make(&rig, wanted).await;
    assert_ne!(ci, other);
    assert_eq!(reads().await.status, 401, "the name is not the key");
}

#[tokio::test(start_paused = true)]
async fn the_last_key_that_lets_anybody_in_is_not_revoked() {
    let rig = Rig::new().await;
    let brief = json!({"name": "brief", "scopes": ["admin"], "expires_in": "1m"});
    make(&rig, brief).await;
    make(
        &rig,
        json!({"name": "theirs", "scopes": ["admin"], "project": "b"}),
    )
    .await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    let last = rig.admin("DELETE /v1/keys/first", Value::Null).await;
    assert_eq!(last.code(), (409, "conflict".to_owned()), "{}", last.body);
    make(&rig, json!({"name": "second", "scopes": ["admin"]})).await;
    let first = rig.admin("DELETE /v1/keys/first", Value::Null).await;
    assert_eq!(first.status, 204, "{}", first.body);
    assert_eq!(rig.admin("GET /v1/runs", Value::Null).await.status, 401);
    // What made it at the first start leaves it revoked.
    let made = crate::first_admin_key(&rig.hub, None).await.unwrap();
    assert!(made.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_makes_no_sense_is_not_made() {
    let rig = Rig::new().await;
    let before = rig.hub.store().keys().await.unwrap().len();
    for wanted in [
        json!({}),
        json!({"name": "x"}),
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["everything"]}),
        json!({"name": "X", "scopes": ["read"]}),
        json!({"name": "", "scopes": ["read"]}),
        json!({"name": null, "scopes": ["read"]}),
        json!({"name": "x", "scopes": ["read"], "expires_in": "0s"}),
        json!({"name": "x", "scopes": ["read"], "expires_in": 5}),
        json!({"name": "x", "scopes": ["read"], "project": "../a"}),
        json!({"name": "x", "scopes": ["read"], "key": "tl_mine"}),
    ] {
        let answer = rig.admin("POST /v1/keys", wanted.clone()).await;
        assert_eq!(answer.status, 400, "{wanted}: {}", answer.body);
    }
    assert_eq!(rig.hub.store().keys().await.unwrap().len(), before);
    assert_eq!(rig.hub.catalog().projects.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_query_of_an_address_is_shown_to_nobody() {
    let rig = Rig::new().await;
    let files = |url: &str| {
        json!({
            "agents": [{"name": "filed", "runtime": "scripted", "does": "echo"}],
            "connectors": [{"name": "out", "type": "webhook", "mode": "outbound",
                "agents": ["filed"], "settings": {"url": url}}],
        })
    };
    let made = rig.admin(
        "POST /v1/apply",
        files("https://example.com/hook?key=canary"),
    );
    let made = made.await;
    assert_eq!(made.status, 200, "{}", made.body);
    let plan = files("https://example.com/other");
    for (line, body) in [
        ("GET /v1/connectors", Value::Null),
        ("GET /v1/connectors/out", Value::Null),
        ("POST /v1/plan", plan),
    ] {
        for (scope, key) in [
            (Scope::Read, &*key_of(Scope::Read)),
            (Scope::Admin, rig.admin.expose()),
        ] {
            let read = rig.manage(line, key, body.clone()).await;
            // Comparing would confirm guesses of what is not shown.
            let refused = line == "POST /v1/plan" && scope == Scope::Read;
            let expected = if refused { 403 } else { 200 };
            assert_eq!(read.status, expected, "{line}: {}", read.body);
            assert!(!read.body.contains("canary"), "{line}: {}", read.body);
        }
    }
}
