//! The client commands against a running hub, and what the command line says by itself.

use serde_json::{Value, json};

use crate::hub::{KEY, Place, Process, SECRET, run, tieline};

fn hub() -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [echo] }}
"#
    ));
    let hub = place.start();
    (place, hub)
}

fn json_of(output: &(i32, String, String)) -> Value {
    let (code, stdout, stderr) = output;
    assert_eq!(*code, 0, "{stderr}");
    serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

#[test]
fn bad_usage_is_2_and_says_what_would_be_right() {
    for args in [
        &["nonsense"][..],
        &["runs"],
        &["serve", "--listen", "here"],
        &["runs", "list", "--limit", "0"],
    ] {
        let (code, stdout, stderr) = run(&mut tieline(args));
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}");
        assert!(!stderr.is_empty());
    }
}

#[test]
fn help_is_complete_for_every_command() {
    let commands = "demo serve check plan apply schema types agents connectors events runs \
                    deliveries trigger backup doctor";
    let (_, overview, _) = run(&mut tieline(&["help"]));
    for command in commands.split_whitespace() {
        assert!(
            overview.contains(&format!("  {command} ")),
            "{command}: {overview}"
        );
        let (code, help, _) = run(&mut tieline(&["help", command]));
        assert_eq!(code, 0);
        assert!(help.contains("Usage: tieline"), "{help}");
    }
}

#[test]
fn trigger_answers_what_the_connector_answers() {
    let (_place, hub) = hub();
    let sent = hub.command(&["trigger", "ask", "--body", r#"{"n":7}"#]);
    assert_eq!(json_of(&sent)["result"]["output"], json!({ "n": 7 }));
    let sent = hub.command(&[
        "trigger",
        "ask",
        "--body",
        "hi",
        "--content-type",
        "text/plain",
    ]);
    assert_eq!(
        json_of(&sent)["result"]["output"],
        json!({ "message": "hi" })
    );
    let (code, stdout, stderr) = hub.command(&["trigger", "nothing"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.starts_with("error: There is no such thing"),
        "{stderr}"
    );
}

#[test]
fn lists_and_shows_come_as_text_and_as_json() {
    let (_place, hub) = hub();
    let hostile = "\u{1b}]0;owned\u{7}";
    let answer = hub.post("orders", &json!({ "text": hostile })).expect(202);
    let (run, event) = (
        answer["run_ids"][0].as_str().unwrap(),
        answer["event_id"].as_str().unwrap(),
    );
    hub.ended(&answer["run_ids"][0]);
    let (code, text, _) =
        hub.command(&["runs", "list", "--agent", "echo", "--status", "completed"]);
    assert_eq!(code, 0);
    let (head, row) = text.trim_end().split_once('\n').unwrap();
    assert!(head.starts_with("RUN  "), "{text}");
    assert!(row.starts_with(run) && row.contains("completed"), "{text}");
    let listed = json_of(&hub.command(&["runs", "list", "--output", "json"]));
    assert_eq!(listed["data"][0]["run_id"], run);
    for args in [
        ["runs", "show", run],
        ["events", "show", event],
        ["agents", "show", "echo"],
        ["connectors", "show", "orders"],
    ] {
        let (code, text, stderr) = hub.command(&args);
        assert_eq!(code, 0, "{stderr}");
        assert!(!text.contains('\u{1b}') && !text.contains(SECRET), "{text}");
        json_of(&hub.command(&[&args[..], &["--output", "json"]].concat()));
    }
    for kind in ["agents", "connectors", "events", "deliveries"] {
        json_of(&hub.command(&[kind, "list", "--output", "json"]));
        assert_eq!(hub.command(&[kind, "list"]).0, 0);
    }
}

#[test]
fn a_list_goes_over_as_many_pages_as_it_takes() {
    let (_place, hub) = hub();
    for n in 0..5 {
        hub.post("orders", &json!({ "n": n })).expect(202);
    }
    let listed = json_of(&hub.command(&["runs", "list", "--limit", "3", "--output", "json"]));
    assert_eq!(listed["data"].as_array().unwrap().len(), 3);
    assert!(listed["next_cursor"].is_string());
    let (_, text, stderr) = hub.command(&["runs", "list", "--limit", "2"]);
    assert_eq!(text.lines().count(), 3);
    assert!(stderr.contains("--limit"), "{stderr}");
}

#[test]
fn what_is_paused_waits_and_what_is_replayed_runs_again() {
    let (_place, hub) = hub();
    assert_eq!(hub.command(&["agents", "pause", "echo"]).0, 0);
    let answer = hub.post("orders", &json!({})).expect(202);
    let waiting = answer["run_ids"][0].as_str().unwrap().to_owned();
    assert_eq!(
        hub.get(&format!("/v1/runs/{waiting}"))["ended_at"],
        Value::Null
    );
    assert_eq!(hub.command(&["runs", "cancel", &waiting]).0, 0);
    assert_eq!(hub.ended(&answer["run_ids"][0])["status"], "cancelled");
    assert_eq!(hub.command(&["agents", "resume", "echo"]).0, 0);
    assert_eq!(hub.command(&["runs", "replay", &waiting]).0, 0);
    let newest = hub.get("/v1/runs")["data"][0]["run_id"].clone();
    assert_ne!(newest, answer["run_ids"][0]);
    assert_eq!(hub.ended(&newest)["status"], "completed");
    assert_eq!(hub.command(&["connectors", "pause", "orders"]).0, 0);
    assert_eq!(
        hub.post("orders", &json!({})).expect_problem(503),
        "connector-paused"
    );
    assert_eq!(hub.command(&["connectors", "resume", "orders"]).0, 0);
    hub.post("orders", &json!({})).expect(202);
}

#[test]
fn files_are_planned_and_applied_to_a_hub_that_has_none() {
    let place = Place::new(
        r"
agents: [{ name: echo, runtime: echo }]
connectors:
  - { name: orders, type: webhook, mode: sync, agents: [echo] }
",
    );
    let mut command = tieline(&["serve", "--listen", "127.0.0.1:0"]);
    let hub = Process::start(
        command
            .env("TIELINE_ADMIN_KEY", KEY)
            .arg("--data")
            .arg(place.data()),
    );
    let file = place.file();
    let file = file.to_str().unwrap();
    let (code, plan, stderr) = hub.command(&["plan", file]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        plan.contains("+ agent echo") && plan.contains("+ connector orders"),
        "{plan}"
    );
    assert_eq!(hub.count("/v1/agents"), 0);
    let applied = json_of(&hub.command(&["apply", file, "--output", "json"]));
    let secret = applied["generated"][0]["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let request = crate::http::Request::post("/c/orders")
        .bearer(&secret)
        .json(&json!(1));
    assert_eq!(hub.send(&request).expect(200)["result"]["output"], 1);
    let (_, again, _) = hub.command(&["plan", file]);
    assert_eq!(
        again,
        "0 to create, 0 to update, 0 to remove, 2 unchanged\n"
    );
    place.write("agents: [{ name: echo, runtime: echo }]");
    let (code, applied, stderr) = hub.command(&["apply", file]);
    assert_eq!(code, 0, "{stderr}");
    assert!(applied.contains("- connector orders"), "{applied}");
    assert_eq!(hub.send(&request).expect_problem(404), "not-found");
}

#[test]
fn a_hub_of_files_refuses_apply_and_names_the_file() {
    let (place, hub) = hub();
    let file = place.file();
    let (code, _, stderr) = hub.command(&["apply", file.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(stderr.contains(file.to_str().unwrap()), "{stderr}");
}

#[test]
fn without_a_hub_it_says_how_to_start_one() {
    let args = ["runs", "list", "--hub", "http://127.0.0.1:1", "--key", KEY];
    let (code, stdout, stderr) = run(&mut tieline(&args));
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("no hub answers") && stderr.contains("tieline serve"),
        "{stderr}"
    );
}

#[test]
fn the_key_is_found_in_the_data_folder() {
    let place = Place::new("agents: []");
    let mut command = place.serve();
    let hub = Process::start(command.env_remove("TIELINE_ADMIN_KEY"));
    let address = format!("http://{}", hub.address);
    let data = place.data();
    let listed = run(&mut tieline(&[
        "agents",
        "list",
        "--hub",
        &address,
        "--data",
        data.to_str().unwrap(),
    ]));
    assert_eq!(listed.0, 0, "{}", listed.2);
    let (code, _, stderr) = run(&mut tieline(&[
        "agents", "list", "--hub", &address, "--data", "/nowhere",
    ]));
    assert_eq!(code, 1);
    assert!(
        stderr.contains("/nowhere/admin.key") && stderr.contains("--key"),
        "{stderr}"
    );
}

#[test]
fn the_catalogue_and_the_schema_need_no_hub() {
    let (code, types, _) = run(&mut tieline(&["types"]));
    assert_eq!(code, 0);
    assert!(
        types.contains("webhook") && types.contains("inbound, sync, outbound"),
        "{types}"
    );
    let (_, manual, _) = run(&mut tieline(&["types", "webhook"]));
    assert!(manual.starts_with("# "), "{manual}");
    let schema = json_of(&run(&mut tieline(&["schema"])));
    assert!(schema["properties"]["connectors"].is_object(), "{schema}");
    let (code, _, stderr) = run(&mut tieline(&["types", "webhok"]));
    assert_eq!(code, 1);
    assert!(stderr.contains("`webhook`"), "{stderr}");
}
