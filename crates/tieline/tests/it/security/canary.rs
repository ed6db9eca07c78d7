//! A secret that must be found nowhere.
//!
//! Each begins with `canary-` and is given to the hub in another way. What is searched: everything
//! that the hub logs, at the finest level; everything that it answers; everything that its commands
//! print. What it stores is searched in `vault`.

use std::fs;
use std::io::Write as _;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::wire::{Wire, plain};
use crate::http::Request;
use crate::hub::{Place, Process, run, tieline, wait, wait_until};

const KEY: &str = "canary-key-0123456789-0123456789";

/// An agent and a destination that repeat everything they were told, in an error.
fn echoing(status: &'static str) -> Wire {
    Wire::answering(move |seen, stream| {
        let said = json!({ "head": seen.head, "error": seen.head, "at": seen.path() });
        stream.write_all(&plain(status, "", &said.to_string()))
    })
}

fn configuration(agent: &Wire, receiver: &Wire) -> String {
    format!(
        r#"
agents:
  - {{ name: echo, runtime: echo }}
  - {{ name: remote, runtime: http, url: "{}", headers: {{ authorization: "Bearer canary-agent-header-1", x-key: "${{AGENT_HEADER}}" }}, retry: {{ attempts: 1 }} }}
  - {{ name: local, runtime: command, command: ["sh", "-c", "env >&2; echo $TOKEN; exit 1"], env: {{ TOKEN: "${{AGENT_ENV}}" }}, retry: {{ attempts: 1 }} }}
  - {{ name: away, runtime: http, url: "http://127.0.0.1:1/run?token=canary-agent-url-1", retry: {{ attempts: 1 }} }}
connectors:
  - {{ name: literal, type: webhook, mode: sync, secret: "canary-literal-0123456789abcdef", agents: [remote, local] }}
  - {{ name: env, type: webhook, mode: sync, secret: "${{CONNECTOR}}", agents: [echo] }}
  - {{ name: query, type: webhook, mode: sync, secret: "canary-query-0123456789abcdef", agents: [echo], settings: {{ secret_in_query: true }} }}
  - {{ name: signed, type: webhook, mode: inbound, secret: "canary-hmac-0123456789abcdef", agents: [echo, away], settings: {{ auth: [hmac, secret], hmac: {{ header: x-signature }} }} }}
  - {{ name: good, type: webhook, mode: outbound, agents: [echo], settings: {{ url: "{}", headers: {{ x-token: canary-header-1 }} }} }}
  - {{ name: inside, type: webhook, mode: outbound, agents: [echo], settings: {{ url: "http://10.0.0.1/private-path-1?token=canary-dest-query-2" }} }}
egress: {{ allow: [127.0.0.0/8] }}
"#,
        agent.url("/run?token=canary-agent-query-1"),
        receiver.url("/private-path-2?token=canary-dest-query-1"),
    )
}

fn with_environment(command: &mut std::process::Command) -> &mut std::process::Command {
    command
        .env("CONNECTOR", "canary-env-0123456789abcdef")
        .env("AGENT_HEADER", "canary-agent-header-2")
        .env("AGENT_ENV", "canary-agent-env-1")
        .env("TIELINE_ADMIN_KEY", KEY)
        .env("TIELINE_KEY", KEY)
}

/// T21, while the hub runs.
#[test]
fn no_secret_is_logged_answered_or_printed() {
    let (agent, receiver) = (echoing("500 Oh"), echoing("500 Oh"));
    let place = Place::new(&configuration(&agent, &receiver));
    let mut command = place.serve();
    let mut hub = Process::start(with_environment(&mut command).env("TIELINE_LOG", "trace"));
    let mut said = trigger(&hub);
    wait_until(|| !receiver.seen().is_empty() && !agent.seen().is_empty());
    assert!(agent.seen()[0].head.contains("canary-agent-header-2"));
    let token = file_token(&hub, &agent);
    said.extend(ask(&hub));
    said.extend(commands(&place, &hub));
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    said.push(("standard output".to_owned(), hub.stdout()));
    said.push(("the log".to_owned(), hub.stderr()));
    let mut found = Vec::new();
    for (what, text) in &said {
        for line in text.lines() {
            // Where a destination is, is shown where it is set, and nowhere else.
            let set = what.contains("connectors") || what.contains("plan");
            let at = line.find("canary-");
            let at = at.or_else(|| line.find(&token));
            let at = at.or_else(|| line.find("private-path").filter(|_| !set));
            if let Some(at) = at {
                let around = line.chars().skip(at.saturating_sub(200)).take(400);
                found.push(format!("{what}: {}", around.collect::<String>()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Reads the file that was uploaded, as the agent may that was given its address, and returns the
/// token by which it did.
fn file_token(hub: &Process, agent: &Wire) -> String {
    let url = agent.seen().iter().find_map(|seen| {
        let run: Value = serde_json::from_str(&seen.text()).ok()?;
        run["files"][0]["url"].as_str().map(str::to_owned)
    });
    let url = url.expect("the agent was given a file");
    let (_, path) = url.split_once("/files/").unwrap();
    let file = hub.send(&Request::get(&format!("/files/{path}")));
    assert_eq!((file.status, &*file.text()), (200, "%PDF canary-file-1"));
    let (_, token) = path.split_once("token=").unwrap();
    token.to_owned()
}

/// Goes every way in with every secret, and with wrong ones.
fn trigger(hub: &Process) -> Vec<(String, String)> {
    let body = json!({ "n": 1 });
    let basic = "Basic eDpjYW5hcnktZW52LTAxMjM0NTY3ODlhYmNkZWY=";
    let mut said = Vec::new();
    let mut send = |what: &str, request: Request, statuses: &[u16]| {
        let answer = hub.send(&request.json(&body));
        assert!(
            statuses.contains(&answer.status),
            "{what}: {} {}",
            answer.status,
            answer.text()
        );
        said.push((what.to_owned(), answer.text()));
    };
    let post = Request::post;
    send(
        "literal",
        post("/c/literal").bearer("canary-literal-0123456789abcdef"),
        &[424],
    );
    send(
        "env",
        post("/c/env").header("X-Tieline-Secret", "canary-env-0123456789abcdef"),
        &[200],
    );
    send(
        "basic",
        post("/c/env").header("Authorization", basic),
        &[200],
    );
    send(
        "query",
        post("/c/query?secret=canary-query-0123456789abcdef&a=1"),
        &[200],
    );
    send(
        "signed",
        post("/c/signed").bearer("canary-hmac-0123456789abcdef"),
        &[202],
    );
    for (what, request) in strangers() {
        send(what, request, &[401]);
    }
    send(
        "no such place",
        post("/c/none?secret=canary-wrong-7").bearer("canary-wrong-8"),
        &[404],
    );
    send(
        "no such path",
        post("/canary?secret=x").bearer("canary-wrong-9"),
        &[404],
    );
    let form = "--b\r\nContent-Disposition: form-data; name=f; filename=report.pdf\r\n\
                Content-Type: application/pdf\r\n\r\n%PDF canary-file-1\r\n--b--\r\n";
    let upload = post("/c/literal").bearer("canary-literal-0123456789abcdef");
    let upload = hub.send(&upload.body("multipart/form-data; boundary=b", form));
    assert_eq!(upload.status, 424, "{}", upload.text());
    said.push(("a file".to_owned(), upload.text()));
    said
}

/// Requests with secrets that are wrong, or where none is taken.
fn strangers() -> Vec<(&'static str, Request)> {
    let post = Request::post;
    vec![
        ("a wrong bearer", post("/c/env").bearer("canary-wrong-1")),
        (
            "a wrong header",
            post("/c/env").header("X-Tieline-Secret", "canary-wrong-2"),
        ),
        ("a wrong query", post("/c/query?secret=canary-wrong-3")),
        (
            "a query that is not taken",
            post("/c/env?secret=canary-env-0123456789abcdef"),
        ),
        (
            "a wrong signature",
            post("/c/signed").header("X-Signature", "canary-wrong-4"),
        ),
        (
            "a wrong key",
            post("/v1/connectors/env/trigger").bearer("canary-wrong-5"),
        ),
        (
            "an odd scheme",
            post("/c/env").header("Authorization", "canary-wrong-6"),
        ),
    ]
}

/// Everything that the management API, the metrics and the probes say.
fn ask(hub: &Process) -> Vec<(String, String)> {
    let get = |path: &str| hub.send(&Request::get(path).bearer(KEY));
    wait(|| {
        let rows = get("/v1/deliveries").json();
        let rows = rows["data"].as_array()?;
        rows.iter()
            .all(|row| row["error"].is_object())
            .then_some(())
    });
    let mut said = Vec::new();
    let mut paths: Vec<String> = [
        "/v1/audit",
        "/v1/keys",
        "/v1/openapi.json",
        "/metrics",
        "/livez",
        "/readyz",
        "/v1/types",
    ]
    .map(str::to_owned)
    .to_vec();
    for (list, id) in [
        ("agents", "name"),
        ("connectors", "name"),
        ("runs", "run_id"),
        ("events", "event_id"),
        ("deliveries", "delivery_id"),
    ] {
        let rows = get(&format!("/v1/{list}?limit=100")).expect(200);
        let rows = rows["data"].as_array().unwrap().clone();
        assert!(!rows.is_empty(), "{list}");
        paths.push(format!("/v1/{list}?limit=100"));
        paths.extend(
            rows.iter()
                .map(|row| format!("/v1/{list}/{}", row[id].as_str().unwrap())),
        );
    }
    for path in paths {
        said.push((path.clone(), get(&path).text()));
    }
    said
}

/// Everything that the commands print about this hub and this configuration.
fn commands(place: &Place, hub: &Process) -> Vec<(String, String)> {
    let address = format!("http://{}", hub.address);
    let file = place.file();
    let mut said = Vec::new();
    let mut print = |args: &[&str]| {
        let mut command = tieline(args);
        with_environment(&mut command).env("TIELINE_HUB", &address);
        let (code, stdout, stderr) = run(&mut command);
        assert_ne!(code, 2, "{args:?}: {stderr}");
        said.push((args.join(" "), stdout + &stderr));
    };
    let path = file.to_str().unwrap();
    print(&["check", path]);
    print(&["plan", path]);
    print(&[
        "doctor",
        "--config",
        path,
        "--data",
        place.data().to_str().unwrap(),
    ]);
    for list in ["agents", "connectors", "runs", "events", "deliveries"] {
        print(&[list, "list"]);
        print(&[list, "list", "--output", "json"]);
    }
    // Other secrets in the same places are a difference, and so are broken ones.
    let text = fs::read_to_string(&file).unwrap();
    let changed = place.folder.path().join("changed.yaml");
    fs::write(&changed, text.replace("canary-", "canary-new-")).unwrap();
    print(&["plan", changed.to_str().unwrap()]);
    for (from, to) in [
        (
            "\"canary-literal-0123456789abcdef\"",
            "[canary-list-0123456789]",
        ),
        ("\"canary-literal-0123456789abcdef\"", "canary"),
        ("canary-header-1", "[canary-header-list]"),
        ("canary-header-1", "\"canary\\nheader\""),
        (
            "http://10.0.0.1/private-path-1",
            "http://user:canary-password@10.0.0.1/",
        ),
        ("http://10.0.0.1/private-path-1", "canary-no-url"),
        (
            "http://10.0.0.1/private-path-1",
            "http://10.0.0.1:99999/canary-path",
        ),
        ("secret: \"canary-hmac", "secrets: \"canary-hmac"),
    ] {
        let broken = text.replace(from, to);
        assert_ne!(broken, text, "{from}");
        fs::write(&changed, broken).unwrap();
        print(&["check", changed.to_str().unwrap()]);
    }
    said
}
