//! A second project cannot see, guess or move anything of the first: at every route, with every
//! id.

use super::*;
use crate::auth::is_of_the_hub;
use crate::rig::Answer;

/// A project with a bit of everything, and the admin of another.
struct Walls {
    rig: Rig,
    /// An admin key of project `b`.
    other: String,
    event: String,
    run: String,
    delivery: String,
}

impl Walls {
    async fn new() -> Self {
        let rig = Rig::new().await;
        rig.connector("inbound", "orders", json!(["echo"]), json!({}))
            .await;
        let url = json!({"url": "https://example.com/hook"});
        rig.connector("outbound", "out", json!(["echo"]), url).await;
        let answer = rig.post("/c/orders", &[], "1").await.json();
        let run = answer["run_ids"][0].as_str().unwrap().to_owned();
        rig.send(&format!("GET /c/orders/runs/{run}?wait=9"), &[], "")
            .await;
        let deliveries = rig.admin("GET /v1/deliveries", Value::Null).await.json();
        let delivery = &deliveries["data"][0]["delivery_id"];
        let wanted = json!({"name": "theirs", "scopes": ["admin"], "project": "b"});
        let made = rig.admin("POST /v1/keys", wanted).await;
        assert_eq!(made.status, 201, "{}", made.body);
        Self {
            other: made.json()["key"].as_str().unwrap().to_owned(),
            event: answer["event_id"].as_str().unwrap().to_owned(),
            run,
            delivery: delivery.as_str().unwrap().to_owned(),
            rig,
        }
    }

    async fn by_other(&self, line: &str, body: Value) -> Answer {
        self.rig.manage(line, &self.other, body).await
    }

    /// What stands in a route's path: something of the first project, and something that is not
    /// there at all. `None` for what is everybody's.
    fn targets(&self, route: &str) -> Option<(String, String)> {
        let nothing = "01900000-0000-7000-8000-000000000000".to_owned();
        let nobody = "nobody".to_owned();
        let resource = route.split('/').nth(2).unwrap();
        Some(match resource {
            "events" => (self.event.clone(), nothing),
            "runs" => (self.run.clone(), nothing),
            "deliveries" => (self.delivery.clone(), nothing),
            "agents" => ("echo".to_owned(), nobody),
            "connectors" => ("orders".to_owned(), nobody),
            "keys" => ("first".to_owned(), nobody),
            "types" => return None,
            other => panic!("say what `{other}` has in its path, so that its wall is tried"),
        })
    }

    async fn operations(&self) -> Vec<(String, String, Value)> {
        let document = self
            .rig
            .call(request("GET /v1/openapi.json", &[], ""))
            .await;
        let mut all = Vec::new();
        for (route, item) in document.json()["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let body = &operation["requestBody"]["content"]["application/json"]["example"];
                all.push((route.clone(), method.to_uppercase(), body.clone()));
            }
        }
        all
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_of_another_project_is_as_one_that_is_not_there_at_every_route() {
    let walls = Walls::new().await;
    let mut tried = 0;
    for (route, method, body) in walls.operations().await {
        let (Some(open), Some(close)) = (route.find('{'), route.find('}')) else {
            continue;
        };
        let Some((theirs, nothing)) = walls.targets(&route) else {
            continue;
        };
        let line = |id: &str| {
            let (before, after) = (route.get(..open), route.get(close + 1..));
            format!("{method} {}{id}{}", before.unwrap(), after.unwrap())
        };
        let there = walls.by_other(&line(&theirs), body.clone()).await;
        let not_there = walls.by_other(&line(&nothing), body).await;
        let told = |answer: &Answer| (answer.status, answer.masked());
        assert_eq!(told(&there), told(&not_there), "{method} {route}");
        assert_eq!(
            there.code(),
            (404, "not-found".to_owned()),
            "{method} {route}"
        );
        tried += 1;
    }
    let with_ids = ROUTES.iter().filter(|(_, route, ..)| route.contains('{'));
    let of_all = with_ids.filter(|(_, route, ..)| !route.starts_with("/v1/types/"));
    assert_eq!(tried, of_all.count());
    // And nothing was done to what is there.
    let run = walls
        .rig
        .admin(&format!("GET /v1/runs/{}", walls.run), Value::Null)
        .await;
    assert_eq!(run.json()["status"], "completed");
    let event = format!("GET /v1/events/{}", walls.event);
    let event = walls.rig.admin(&event, Value::Null).await.json();
    assert_eq!(event["runs"].as_array().unwrap().len(), 1, "{event}");
    assert!(event["erased"].is_null(), "{event}");
    for name in ["agents/echo", "connectors/orders", "connectors/out"] {
        let shown = walls
            .rig
            .admin(&format!("GET /v1/{name}"), Value::Null)
            .await;
        assert_eq!(shown.json()["paused"], false, "{name}");
    }
    assert_eq!(
        walls.rig.admin("GET /v1/keys", Value::Null).await.status,
        200
    );
}

/// T44: what cannot be seen in an answer cannot be seen in its time, either. Times are not compared
/// here but what makes them: how often the store is asked.
#[tokio::test(start_paused = true)]
async fn an_id_of_another_project_costs_the_store_what_one_costs_that_is_not_there() {
    let walls = Walls::new().await;
    let asked = async |line: &str, key: &str, body: &Value| {
        let before = walls.rig.store.calls();
        walls.rig.manage(line, key, body.clone()).await;
        walls.rig.store.calls() - before
    };
    // That a key is used is noted once a minute.
    for key in [&walls.other, walls.rig.admin.expose()] {
        asked("GET /v1/types", key, &Value::Null).await;
    }
    let mut some = 0;
    let mut told_apart = 0;
    for (route, method, body) in walls.operations().await {
        let (Some(open), Some(close)) = (route.find('{'), route.find('}')) else {
            continue;
        };
        let Some((theirs, nothing)) = walls.targets(&route) else {
            continue;
        };
        let line = |id: &str| {
            let (before, after) = (route.get(..open), route.get(close + 1..));
            format!("{method} {}{id}{}", before.unwrap(), after.unwrap())
        };
        let (there, not_there) = (line(&theirs), line(&nothing));
        let there_costs = asked(&there, &walls.other, &body).await;
        let costs = asked(&not_there, &walls.other, &body).await;
        assert_eq!(there_costs, costs, "{method} {route}");
        some += usize::from(costs > 0);
        // Whoever may see it asks for more: the count tells what there is from what is not.
        if method == "GET" {
            let own = asked(&there, walls.rig.admin.expose(), &Value::Null).await;
            told_apart += usize::from(own > costs);
        }
    }
    assert!(some > 10 && told_apart > 0, "{some} {told_apart}");
}

#[tokio::test(start_paused = true)]
async fn no_list_filter_or_cursor_leads_into_another_project() {
    let walls = Walls::new().await;
    let (event, run, delivery) = (&walls.event, &walls.run, &walls.delivery);
    let mut lines: Vec<String> = Vec::new();
    for (route, method, _) in walls.operations().await {
        if is_of_the_hub(&route) {
            let answer = walls
                .by_other(&format!("{method} {route}"), Value::Null)
                .await;
            assert_eq!(
                answer.code(),
                (403, "forbidden-scope".to_owned()),
                "{route}"
            );
            continue;
        }
        let everybodys = ["/v1/types", "/v1/openapi.json"].contains(&route.as_str());
        let is_list = method == "GET" && !route.contains('{') && !everybodys;
        lines.extend(is_list.then(|| format!("GET {route}")));
    }
    assert!(lines.len() >= 8, "{lines:?}");
    for list in ["runs", "events", "deliveries", "audit"] {
        lines.extend([event, run, delivery].map(|id| format!("GET /v1/{list}?cursor={id}")));
        let last = "ffffffff-ffff-7fff-bfff-ffffffffffff";
        lines.push(format!("GET /v1/{list}?cursor={last}"));
    }
    lines.extend([
        format!("GET /v1/runs?event={event}"),
        "GET /v1/runs?agent=echo".to_owned(),
        "GET /v1/runs?connector=orders".to_owned(),
        "GET /v1/events?connector=orders".to_owned(),
        format!("GET /v1/deliveries?run={run}"),
        "GET /v1/deliveries?connector=out".to_owned(),
    ]);
    for line in lines {
        let answer = walls.by_other(&line, Value::Null).await;
        assert_eq!(answer.status, 200, "{line}: {}", answer.body);
        for theirs in [
            event.as_str(),
            run,
            delivery,
            "orders",
            "\"out\"",
            "echo",
            "first",
        ] {
            assert!(!answer.body.contains(theirs), "{line}: {}", answer.body);
        }
    }
    for (line, field) in [
        ("POST /v1/runs/replay", "matched"),
        ("POST /v1/deliveries/redrive", "matched"),
    ] {
        let answer = walls.by_other(line, json!({"all": true})).await;
        assert_eq!(answer.json()[field], 0, "{line}: {}", answer.body);
    }
    let empty = json!({"agents": [], "connectors": []});
    let plan = walls.by_other("POST /v1/plan", empty.clone()).await.json();
    assert_eq!(
        (&plan["changes"], &plan["unchanged"]),
        (&json!([]), &json!(0))
    );
    let applied = walls.by_other("POST /v1/apply", empty).await;
    assert_eq!(applied.status, 200, "{}", applied.body);
    let echo = walls.rig.admin("GET /v1/agents/echo", Value::Null).await;
    assert_eq!(echo.status, 200);
}

#[tokio::test(start_paused = true)]
async fn connectors_and_callbacks_of_another_project_are_not_there() {
    let walls = Walls::new().await;
    let rig = &walls.rig;
    let agent = json!({"name": "echo", "runtime": "scripted", "does": "echo"});
    let made = walls.by_other("POST /v1/agents", agent).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let own = json!({"name": "orders", "type": "webhook", "mode": "inbound", "agents": ["echo"]});
    let own = walls.by_other("POST /v1/connectors", own).await.json();
    assert_eq!(
        own["address"], "/p/b/c/orders",
        "the same name is another connector"
    );
    let secret = own["secret"].as_str().unwrap();
    let (run, event) = (&walls.run, &walls.event);
    let there = format!("GET /c/orders/runs/{run}");
    assert_eq!(rig.send(&there, &[], "").await.status, 200);
    for (line, key, status) in [
        (format!("GET /p/b/c/orders/runs/{run}"), secret, 404),
        (format!("GET /p/b/c/orders/runs/{run}/stream"), secret, 404),
        (format!("GET /p/b/c/orders/events/{event}"), secret, 404),
        (format!("GET /p/b/c/orders/runs/{run}"), &walls.other, 404),
        (there.clone(), secret, 401),
        (there, &walls.other, 401),
        ("POST /p/b/c/orders".to_owned(), SECRET, 401),
        ("POST /c/orders".to_owned(), secret, 401),
        ("POST /p/b/c/out".to_owned(), secret, 404),
        ("POST /p/none/c/orders".to_owned(), secret, 404),
    ] {
        let body = if line.starts_with("POST") {
            json!(1)
        } else {
            Value::Null
        };
        let answer = rig.manage(&line, key, body).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
    }
    let accepted = rig.manage("POST /p/b/c/orders", secret, json!(1)).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let here = rig.admin("GET /v1/runs", Value::Null).await.json();
    assert_eq!(here["data"].as_array().unwrap().len(), 1);
    let other = walls.by_other("GET /v1/runs", Value::Null).await.json();
    assert_eq!(other["data"].as_array().unwrap().len(), 1);
    // A token names its project, and cannot be turned into one of another.
    let b = rig.hub.catalog().project("b").unwrap();
    let claim = tieline_vault::CallbackClaim {
        project: b,
        run: run.parse().unwrap(),
        epoch: 1,
    };
    let token = rig.hub.tokens().for_callback(claim);
    let line = format!("POST /callback/{run}");
    let answer = rig.manage(&line, &token, json!({"output": 1})).await;
    assert_eq!(answer.code(), (401, "unauthorized".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_file_of_another_project_is_not_there() {
    let walls = Walls::new().await;
    let rig = &walls.rig;
    let form =
        "--b\r\ncontent-disposition: form-data; name=f; filename=f.txt\r\n\r\nhers\r\n--b--\r\n";
    let kind = "content-type: multipart/form-data; boundary=b";
    let bearer = format!("authorization: Bearer {SECRET}");
    let sent = rig.call(request("POST /c/orders", &[&*bearer, kind], form));
    let sent = sent.await.json();
    let mine = crate::rig::PROJECT;
    let event = sent["event_id"].as_str().unwrap().parse().unwrap();
    let event = rig.hub.store().event(mine, event).await.unwrap().unwrap();
    let file = event.files[0].id;
    let other = rig.hub.catalog().project("b").unwrap();
    let until = rig.hub.latest().plus(std::time::Duration::from_mins(1));
    let token = |project| {
        let of = (project, file);
        rig.hub.tokens().for_file(of, until)
    };
    for (at, token, status) in [
        (mine, token(mine), 200),
        (other, token(mine), 404),
        (mine, token(other), 404),
        (other, token(other), 404),
    ] {
        let line = format!("GET /files/{}/{file}?token={token}", at.0);
        let answer = rig.call(request(&line, &[], "")).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        assert_eq!(answer.body.contains("hers"), status == 200);
    }
    let event = walls.by_other("GET /v1/events", Value::Null).await;
    assert!(!event.body.contains(&file.to_string()), "{}", event.body);
}

#[tokio::test(start_paused = true)]
async fn only_keys_of_the_first_project_reach_beyond_their_own() {
    let walls = Walls::new().await;
    let wanted = |project: &str| json!({"name": "x", "scopes": ["read"], "project": project});
    for project in ["default", "b", "none"] {
        let answer = walls.by_other("POST /v1/keys", wanted(project)).await;
        assert_eq!(
            answer.code(),
            (403, "forbidden-scope".to_owned()),
            "{project}"
        );
        for line in ["GET /v1/keys", "DELETE /v1/keys/first"] {
            let line = format!("{line}?project={project}");
            let answer = walls.by_other(&line, Value::Null).await;
            assert_eq!(answer.code().0, 403, "{line}");
        }
    }
    assert!(walls.rig.hub.catalog().project("none").is_none());
    let admin = |line: &'static str| walls.rig.admin(line, Value::Null);
    let listed = admin("GET /v1/keys?project=b").await.json();
    assert_eq!(listed["data"][0]["name"], "theirs");
    assert_eq!(admin("GET /v1/keys?project=none").await.status, 404);
    assert_eq!(admin("DELETE /v1/keys/theirs").await.status, 404);
    assert_eq!(admin("DELETE /v1/keys/theirs?project=b").await.status, 204);
    assert_eq!(
        walls.by_other("GET /v1/runs", Value::Null).await.status,
        401
    );
}
