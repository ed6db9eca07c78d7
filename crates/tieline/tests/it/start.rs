//! Starting and stopping: what is refused, what is kept, and how long it takes.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::agent::Agent;
use crate::http::Request;
use crate::hub::{KEY, Place, Process, SECRET, run, tieline, wait_until};

#[test]
fn a_data_folder_serves_one_hub_at_a_time() {
    let place = Place::new("agents: []");
    let _first = place.start();
    let (code, stdout, stderr) = run(&mut place.serve());
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("another hub (process "), "{stderr}");
    assert!(stderr.contains(place.data().to_str().unwrap()), "{stderr}");
}

#[test]
fn what_cannot_be_used_is_said_before_anything_begins() {
    let place = Place::new("agents: []");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let data = place.data();
    let data = data.to_str().unwrap();
    let fails = |args: &[&str], said: &str| {
        let args = [&["serve", "--data", data][..], args].concat();
        let (code, _, stderr) = run(&mut tieline(&args));
        assert_eq!(code, 1, "{args:?}");
        assert!(
            stderr.contains(said) && !stderr.contains("canary"),
            "{args:?}: {stderr}"
        );
    };
    fails(&["--listen", &taken], "it is in use");
    fails(
        &["--database", "postgres://me:canary@db/hub"],
        "not in this build yet",
    );
    fails(&["--config", "/nowhere.yaml"], "/nowhere.yaml");
    place.write("agents: [{ name: x, runtime: nothing }]");
    fails(
        &["--config", place.file().to_str().unwrap()],
        "tieline.yaml:1:",
    );
}

#[test]
fn the_management_api_can_have_its_own_address() {
    let place = Place::new("agents: []");
    let mut command = place.serve();
    let hub = Process::start(command.args(["--admin-listen", "127.0.0.1:0"]));
    let log = hub.stderr();
    let (_, after) = log.split_once("managed on http://").unwrap();
    let end = after
        .find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)))
        .unwrap();
    let admin = after[..end].parse().unwrap();
    let request = Request::get("/v1/agents").bearer(KEY);
    assert_eq!(request.send(admin).status, 200);
    assert_eq!(hub.send(&request).status, 404);
    assert_eq!(hub.send(&Request::get("/metrics")).status, 404);
    assert_eq!(Request::get("/metrics").send(admin).status, 200);
    assert_eq!(hub.send(&Request::get("/livez")).status, 200);
}

#[test]
fn a_signal_stops_it_cleanly_and_the_next_start_takes_up_the_work() {
    let agent = Agent::start();
    let place = Place::new(&format!(
        r#"
agents: [{{ name: remote, runtime: http, url: "{}" }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [remote] }}
"#,
        agent.url()
    ));
    let mut hub = place.start();
    assert_eq!(hub.command(&["agents", "pause", "remote"]).0, 0);
    let queued: Vec<_> = (0..10)
        .map(|n| hub.post("orders", &json!({ "n": n })).expect(202)["run_ids"][0].clone())
        .collect();
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    assert_eq!(agent.seen().len(), 0);
    let hub = place.start();
    assert_eq!(hub.command(&["agents", "resume", "remote"]).0, 0);
    for run in &queued {
        assert_eq!(hub.ended(run)["status"], "completed");
    }
    assert_eq!(agent.seen().len(), 10);
}

#[test]
fn an_agent_that_works_while_the_hub_stops_still_has_its_files() {
    let agent = Agent::answering(|run| {
        // The signal comes meanwhile.
        thread::sleep(Duration::from_secs(1));
        let hub = run["input"]["hub"].as_str().unwrap().parse().unwrap();
        let file = Request::get(run["files"][0]["url"].as_str().unwrap());
        (200, json!({ "output": file.send(hub).status }))
    });
    let place = Place::new(&format!(
        r#"
agents: [{{ name: remote, runtime: http, url: "{}" }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [remote] }}
"#,
        agent.url()
    ));
    let mut hub = place.start();
    let part = |head: &str, text: &str| {
        format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n")
    };
    let form = [
        part("name=hub", &hub.address.to_string()),
        part("name=doc; filename=doc.txt", "hers"),
        "--b--\r\n".to_owned(),
    ];
    let sent = Request::post("/c/orders").bearer(SECRET);
    let sent = hub.send(&sent.body("multipart/form-data; boundary=b", form.concat()));
    let run = sent.expect(202)["run_ids"][0].clone();
    let path = format!("/v1/runs/{}", run.as_str().unwrap());
    wait_until(|| hub.get(&path)["status"] == "running");
    hub.signal(Signal::TERM);
    wait_until(|| hub.stderr().contains("stopping"));
    hub.post("orders", &json!({})).expect_problem(503);
    assert_eq!(hub.wait(), Some(0));
    let hub = place.start();
    let run = hub.get(&path);
    assert_eq!(
        (&run["output"], &run["attempt"]),
        (&json!(200), &json!(1)),
        "{run}"
    );
}

#[test]
fn a_second_signal_stops_it_at_once_and_loses_nothing() {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: slow, runtime: command, command: ["sleep", "60"] }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [slow] }}
shutdown: {{ grace: 60s }}
"#
    ));
    let mut hub = place.start();
    let answer = hub.post("orders", &json!({})).expect(202);
    let path = format!("/v1/runs/{}", answer["run_ids"][0].as_str().unwrap());
    wait_until(|| hub.get(&path)["status"] == "running");
    let begun = Instant::now();
    hub.signal(Signal::INT);
    wait_until(|| hub.stderr().contains("stopping"));
    hub.signal(Signal::INT);
    assert_eq!(hub.wait(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10));
    let hub = place.start();
    let run = hub.get(&path);
    assert!(
        ["queued", "running"].contains(&run["status"].as_str().unwrap()),
        "{run}"
    );
    assert_eq!(
        hub.command(&["runs", "cancel", answer["run_ids"][0].as_str().unwrap()])
            .0,
        0
    );
}

#[test]
fn a_caller_who_waits_while_the_hub_stops_gets_an_address_and_the_result_later() {
    let place = Place::new(&format!(
        r#"
agents:
  - name: slow
    runtime: command
    command: ["sh", "-c", "test -e go && echo done && exit; sleep 60"]
connectors:
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [slow] }}
shutdown: {{ grace: 300ms }}
"#
    ));
    let mut hub = place.start();
    let pending = thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let request = Request::post("/c/ask").bearer(SECRET).json(&json!({}));
            request.send(hub.address).expect(202)
        });
        wait_until(|| hub.count("/v1/runs?status=running") == 1);
        hub.signal(Signal::TERM);
        asked.join().unwrap()
    });
    assert_eq!(hub.wait(), Some(0));
    assert_eq!(pending["status"], "pending");
    fs::write(place.folder.path().join("go"), "").unwrap();
    let hub = place.start();
    let run = hub.ended(&pending["run_ids"][0]);
    assert_eq!(run["output"], "done");
    // The attempt that the shutdown cut short is not held against the run.
    assert_eq!(run["attempt"], 1, "{run}");
}

#[test]
fn a_disk_that_fails_ends_the_process_and_what_was_answered_is_there_again() {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
"#
    ));
    // A limit on the size of files makes writing fail as a broken disk does.
    let limited = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    let serve = place.serve();
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(serve.get_program());
    command.args(serve.get_args()).env("TIELINE_ADMIN_KEY", KEY);
    let mut hub = Process::start(&mut command);
    let request = Request::post("/c/orders").bearer(SECRET);
    let request = request.json(&json!({ "text": "x".repeat(50_000) }));
    let mut answered = Vec::new();
    while let Ok(answer) = request.try_send(hub.address) {
        match answer.status {
            202 => answered.push(answer.json()["run_ids"][0].clone()),
            other => assert_eq!(
                (other, answer.expect_problem(503).as_str()),
                (503, "store-unavailable")
            ),
        }
    }
    assert!(!answered.is_empty());
    assert_eq!(hub.wait(), Some(1));
    let log = hub.stderr();
    assert!(
        log.contains("error: the store is broken") && log.contains("fix: "),
        "{log}"
    );
    let hub = place.start();
    for run in &answered {
        assert_eq!(hub.ended(run)["status"], "completed");
    }
}
