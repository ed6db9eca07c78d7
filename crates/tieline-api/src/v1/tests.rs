use std::collections::BTreeSet;
use std::path::PathBuf;

use http::Method;
use serde_json::{Value, json};
use tieline_model::key::Scope;

use crate::auth::{ROUTES, scope_of};
use crate::rig::{Rig, SECRET, Setup, key_of, request};

mod access;
mod breakers;
mod catalog;
mod lost;
mod many;
mod plans;
mod rotate;
mod trail;
mod walls;

/// A path that fits a route.
fn path_of(route: &str) -> String {
    let id = "01900000-0000-7000-8000-000000000000";
    route
        .replace("{name}", "nobody")
        .replace("{id}", id)
        .replace("{type}", "nothing")
}

/// Every reference in a document.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_served_is_what_openapi_says_and_each_route_has_its_scope() {
    let rig = Rig::new().await;
    let document = rig
        .call(request("GET /v1/openapi.json", &[], ""))
        .await
        .json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Tieline");
    let mut described = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let paths = document["paths"].as_object().unwrap();
    for (route, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap()),
                "{route}"
            );
            assert!(operation["summary"].is_string(), "{route}");
            let problem = &operation["responses"]["default"]["content"];
            assert!(problem["application/problem+json"].is_object(), "{route}");
            let method = method.to_uppercase();
            let scope = operation["security"][0]["key"][0].as_str();
            let needed = scope_of(&method.parse().unwrap(), route).map(Scope::as_str);
            assert_eq!(scope, needed, "{route}");
            described.insert((route.clone(), method));
        }
    }
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
    ];
    for route in paths.keys() {
        for method in &methods {
            let line = format!("{method} {}", path_of(route));
            let answer = rig.admin(&line, Value::Null).await;
            let known = described.contains(&(route.clone(), method.to_string()));
            assert_eq!(answer.status != 405, known, "{line}: {}", answer.body);
        }
    }
    described.remove(&("/v1/openapi.json".to_owned(), "GET".to_owned()));
    let scoped = ROUTES
        .iter()
        .map(|(m, route, ..)| ((*route).to_owned(), m.to_string()));
    assert_eq!(described, scoped.collect());
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.contains(&"#/components/schemas/Problem"));
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_error_is_a_problem_and_every_answer_says_what_it_is() {
    let rig = Rig::new().await;
    let cases = [
        ("GET /nothing", 404, "not-found"),
        ("GET /v1/nothing", 404, "not-found"),
        ("GET /v1/runs/x", 404, "not-found"),
        ("GET /v1/agents/Not_A_Name", 404, "not-found"),
        ("GET /v1/types/nothing", 404, "not-found"),
        ("PATCH /v1/agents", 405, "method-not-allowed"),
        ("GET /v1/runs?limit=0", 400, "bad-request"),
        ("GET /v1/runs?limit=251", 400, "bad-request"),
        ("GET /v1/runs?limit=x", 400, "bad-request"),
        ("GET /v1/runs?nothing=1", 400, "bad-request"),
        ("GET /v1/runs?status=nothing", 400, "bad-request"),
        ("GET /v1/deliveries?status=nothing", 400, "bad-request"),
        ("GET /v1/runs?cursor=x", 400, "invalid-cursor"),
        ("GET /v1/agents?cursor=!", 400, "invalid-cursor"),
        ("POST /v1/agents", 415, "unsupported-media-type"),
    ];
    for (line, status, code) in cases {
        let answer = rig.admin(line, Value::Null).await;
        assert_eq!(
            answer.code(),
            (status, code.to_owned()),
            "{line}: {}",
            answer.body
        );
    }
    let answer = rig.admin("GET /v1/agents", Value::Null).await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    let bearer = format!("authorization: Bearer {}", rig.admin.expose());
    let json = "content-type: application/json";
    let bad = [
        ("{", "invalid-json"),
        (&*"[".repeat(65), "too-deep"),
        ("[]", "invalid-settings"),
    ];
    for (body, code) in bad {
        let answer = rig
            .call(request(
                "POST /v1/agents",
                &[&bearer, json],
                body.to_owned(),
            ))
            .await;
        assert_eq!(answer.code().1, code, "{body}");
    }
    let long = " ".repeat(5 << 20);
    let answer = rig
        .call(request("POST /v1/agents", &[&bearer, json], long))
        .await;
    assert_eq!(answer.code(), (413, "payload-too-large".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn events_runs_and_deliveries_are_listed_newest_first_in_pages() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo", "fail"]), json!({}))
        .await;
    let url = json!({"url": "https://example.com/hook"});
    rig.connector("outbound", "out", json!(["echo"]), url).await;
    for n in 0..3 {
        let answer = rig.post("/c/orders", &[], &n.to_string()).await;
        let run = answer.json()["run_ids"][1].as_str().unwrap().to_owned();
        rig.send(&format!("GET /c/orders/runs/{run}?wait=9"), &[], "")
            .await;
    }
    let read = |line: &'static str| {
        let rig = &rig;
        async move {
            rig.manage(line, &key_of(Scope::Read), Value::Null)
                .await
                .json()
        }
    };
    let first = read("GET /v1/runs?limit=4").await;
    assert_eq!(first["data"].as_array().unwrap().len(), 4);
    let cursor = first["next_cursor"].as_str().unwrap();
    let line = format!("GET /v1/runs?limit=4&cursor={cursor}");
    let rest = rig.admin(&line, Value::Null).await.json();
    assert_eq!(rest["data"].as_array().unwrap().len(), 2);
    assert_eq!(rest["next_cursor"], Value::Null);
    let failed = read("GET /v1/runs?agent=fail&status=failed").await;
    assert_eq!(failed["data"].as_array().unwrap().len(), 3);
    assert_eq!(failed["data"][0]["error"]["message"], "it went wrong");
    assert_eq!(read("GET /v1/runs?agent=nobody").await["data"], json!([]));
    let events = read("GET /v1/events?connector=orders").await;
    assert_eq!(events["data"].as_array().unwrap().len(), 3);
    assert_eq!(events["data"][0]["runs"][0]["output"], 2);
    assert_eq!(events["data"][0]["status"], "done");
    let run = failed["data"][0]["run_id"].as_str().unwrap();
    let detail = rig.admin(&format!("GET /v1/runs/{run}"), Value::Null).await;
    assert_eq!(detail.json()["attempts"][0]["number"], 1);
    let again = rig
        .admin(&format!("POST /v1/runs/{run}/replay"), Value::Null)
        .await;
    assert_eq!(again.status, 201);
    assert!(
        again.json()["run_id"] != run && again.json()["event_id"] == failed["data"][0]["event_id"]
    );
    let over = rig
        .admin(&format!("POST /v1/runs/{run}/cancel"), Value::Null)
        .await;
    assert_eq!(over.code(), (409, "conflict".to_owned()));
    let held = rig
        .admin(&format!("POST /v1/runs/{run}/release"), Value::Null)
        .await;
    assert_eq!(held.code(), (409, "conflict".to_owned()));
    let deliveries = read("GET /v1/deliveries?connector=out").await;
    assert_eq!(deliveries["data"].as_array().unwrap().len(), 3);
    let id = deliveries["data"][0]["delivery_id"].as_str().unwrap();
    let detail = rig
        .admin(&format!("GET /v1/deliveries/{id}"), Value::Null)
        .await;
    assert!(detail.json()["attempts"].is_array());
}

#[tokio::test(start_paused = true)]
async fn a_trigger_is_answered_as_the_connector_itself_answers() {
    let rig = Rig::new().await;
    let settings = json!({"auth": "standard-webhooks"});
    rig.connector("sync", "ask", json!(["echo"]), settings)
        .await;
    let bearer = format!("authorization: Bearer {}", key_of(Scope::Trigger));
    let json = "content-type: application/json";
    let line = "POST /v1/connectors/ask/trigger";
    let answer = rig
        .call(request(line, &[&bearer, json, "x-secret: 1"], "[1, 2]"))
        .await;
    assert_eq!(
        answer.masked(),
        r#"{"status":"ok","result":{"run_id":"<1>","agent_name":"echo","status":"completed","output":[1, 2],"error":null}}"#
    );
    let events = rig.admin("GET /v1/events", Value::Null).await.json();
    assert_eq!(events["data"][0]["trust"], "secret");
    let answer = rig.call(request(line, &[&bearer, json], "{")).await;
    assert_eq!(answer.code(), (400, "invalid-json".to_owned()));
    let nobody = "POST /v1/connectors/nobody/trigger";
    assert_eq!(
        rig.call(request(nobody, &[&bearer], "1")).await.code().0,
        404
    );
}

#[tokio::test(start_paused = true)]
async fn probes_and_metrics_need_no_key_and_stand_where_they_belong() {
    use tower::ServiceExt as _;
    let rig = Rig::new().await;
    let status = |router: axum::Router, line: &'static str| async move {
        router
            .oneshot(request(line, &[], ""))
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let (public, admin) = (rig.api.public_router(), rig.api.admin_router());
    for (line, on_public, on_admin) in [
        ("GET /livez", 200, 200),
        ("GET /readyz", 200, 200),
        ("GET /metrics", 404, 200),
        ("GET /v1/openapi.json", 404, 200),
        ("POST /c/nobody", 404, 404),
        ("GET /callback/x", 405, 404),
    ] {
        assert_eq!(status(public.clone(), line).await, on_public, "{line}");
        assert_eq!(status(admin.clone(), line).await, on_admin, "{line}");
    }
    rig.call(request("POST /c/nobody", &[], "")).await;
    let metrics = rig.call(request("GET /metrics", &[], "")).await;
    let count = r#"tieline_requests_refused_total{status="not-found"} "#;
    assert!(metrics.body.contains(count), "{}", metrics.body);
    rig.hub.stop_claiming();
    let ready = rig.call(request("GET /readyz", &[], "")).await;
    assert_eq!(ready.code(), (503, "store-unavailable".to_owned()));
    assert_eq!(rig.call(request("GET /livez", &[], "")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_agent_settles_its_run_once_with_its_token() {
    let setup = Setup {
        public_url: Some("https://hub.example.com".to_owned()),
        ..Setup::default()
    };
    let rig = Rig::with(setup).await;
    rig.connector("inbound", "later", json!(["defer"]), json!({}))
        .await;
    let answer = rig.post("/c/later", &[], "1").await.json();
    let run = answer["run_ids"][0].as_str().unwrap();
    rig.send(&format!("GET /c/later/runs/{run}?wait=1"), &[], "")
        .await;
    let claim = tieline_vault::CallbackClaim {
        project: crate::rig::PROJECT,
        run: run.parse().unwrap(),
        epoch: 1,
    };
    let token = rig.hub.tokens().for_callback(claim);
    let line = format!("POST /callback/{run}");
    for bad in ["", "1.1.AAAA", &token.replace("1.1.", "1.2.")] {
        let answer = rig.manage(&line, bad, json!({"output": 1})).await;
        assert_eq!(answer.code(), (401, "unauthorized".to_owned()), "{bad}");
    }
    let empty = rig.manage(&line, &token, json!({})).await;
    assert_eq!(empty.code(), (400, "bad-request".to_owned()));
    let settled = rig
        .manage(
            &line,
            &token,
            json!({"output": {"n": 2}, "usage": {"t": 1}}),
        )
        .await;
    assert_eq!(
        settled.body,
        format!(r#"{{"status":"ok","run_id":"{run}"}}"#)
    );
    let again = rig.manage(&line, &token, json!({"output": 3})).await;
    assert_eq!(again.code(), (409, "conflict".to_owned()));
    let shown = rig
        .admin(&format!("GET /v1/runs/{run}"), Value::Null)
        .await
        .json();
    assert_eq!(shown["output"], json!({"n": 2}));
    assert_eq!(shown["usage"], json!({"t": 1}));
}

#[tokio::test(start_paused = true)]
async fn a_file_is_for_holders_of_its_token_and_is_never_shown() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let kind = &["content-type: text/html; charset=utf-8"];
    let answer = rig.send("POST /c/orders", kind, "<script>1</script>").await;
    let event = answer.json()["event_id"].as_str().unwrap().parse().unwrap();
    let event = rig
        .hub
        .store()
        .event(crate::rig::PROJECT, event)
        .await
        .unwrap()
        .unwrap();
    let file = event.files.first().unwrap().id;
    let hour = std::time::Duration::from_hours(1);
    let until = rig.hub.now().plus(hour);
    let url = rig.hub.file_url((crate::rig::PROJECT, file), until);
    let file = rig.call(request(&format!("GET {url}"), &[], "")).await;
    assert_eq!(
        (file.status.as_u16(), &*file.body),
        (200, "<script>1</script>")
    );
    assert!(file.header("content-type").starts_with("text/html"));
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert_eq!(
        file.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    let (path, token) = url.split_once('?').unwrap();
    for bad in [
        path.to_owned(),
        format!("{url}x"),
        url.replace("/1/", "/2/"),
        format!("/files/1/x?{token}"),
    ] {
        let answer = rig.call(request(&format!("GET {bad}"), &[], "")).await;
        assert_eq!(answer.code(), (404, "not-found".to_owned()), "{bad}");
    }
    tokio::time::sleep(hour).await;
    let over = rig.call(request(&format!("GET {url}"), &[], "")).await;
    assert_eq!(over.code(), (404, "not-found".to_owned()));
}

fn config_file() -> Setup {
    Setup {
        config_file: Some(PathBuf::from("tieline.yaml")),
        ..Setup::default()
    }
}
