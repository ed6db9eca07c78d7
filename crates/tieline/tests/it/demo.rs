//! `tieline demo`: what it prints works when it is pasted.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::http::Request;
use crate::hub::{Process, run, tieline, wait_until};

#[test]
fn every_printed_command_answers_and_deliveries_arrive() {
    let mut demo = Process::start(&mut tieline(&["demo", "--listen", "127.0.0.1:0"]));
    wait_until(|| demo.stdout().contains("Ctrl-C"));
    let text = demo.stdout();
    let commands: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .collect();
    let [orders, ask] = commands[..] else {
        panic!("two commands were expected in\n{text}");
    };
    let accepted = paste(&demo, orders);
    assert_eq!(accepted["status"], "ok");
    assert_eq!(accepted["dispatched_to"], 3, "{accepted}");
    let asked = paste(&demo, ask);
    assert_eq!(asked["result"]["agent_name"], "triage");
    assert_eq!(
        asked["result"]["output"],
        "priority high: it says \"urgent\""
    );
    for run in accepted["run_ids"].as_array().unwrap() {
        let run = run.as_str().unwrap();
        wait_until(|| demo.stdout().contains(run));
    }
    let text = demo.stdout();
    assert_eq!(text.matches("signature verified").count(), 3, "{text}");
    for said in [
        "triage completed",
        "audit completed",
        "echo completed",
        "says \"broken\"",
        " bytes",
    ] {
        assert!(text.contains(said), "{said} is missing in\n{text}");
    }
    let list = text
        .lines()
        .map(str::trim)
        .find(|line| line.contains("tieline runs list "));
    let args = words(list.unwrap());
    let args: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let (code, runs, stderr) = run(&mut tieline(&args));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(runs.lines().count(), 5, "{runs}");
    let file = text
        .lines()
        .find_map(|line| line.strip_prefix("Its configuration is "))
        .unwrap();
    let (code, counted, stderr) = run(&mut tieline(&["check", file]));
    assert_eq!(
        (code, counted.as_str(), stderr.as_str()),
        (0, "ok: 3 agents, 3 connectors\n", "")
    );
    demo.signal(Signal::INT);
    assert_eq!(demo.wait(), Some(0));
    assert!(!Path::new(file).exists(), "{file} is still there");
}

#[test]
fn a_taken_port_is_no_obstacle() {
    // Whoever holds 8080, this test or somebody else, it is taken for the demo.
    let _held = std::net::TcpListener::bind("127.0.0.1:8080");
    let mut demo = Process::start(&mut tieline(&["demo"]));
    assert_ne!(demo.address.port(), 8080);
    assert_eq!(demo.send(&Request::get("/readyz")).status, 200);
    demo.signal(Signal::TERM);
    assert_eq!(demo.wait(), Some(0));
}

/// Does what a printed `curl` does, by curl itself where it is there.
fn paste(demo: &Process, line: &str) -> Value {
    let words = words(line);
    let arguments = words.get(1..).unwrap();
    if let Ok(output) = Command::new("curl").args(arguments).output() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{line}: {error}"));
    }
    let base = format!("http://{}", demo.address);
    let path = arguments
        .iter()
        .find_map(|word| word.strip_prefix(&base))
        .unwrap();
    let mut request = Request::post(path);
    let mut content_type = "application/x-www-form-urlencoded";
    let mut body = "";
    for pair in arguments.windows(2) {
        match (pair[0].as_str(), pair[1].split_once(": ")) {
            ("-H", Some(("Content-Type", value))) => content_type = value,
            ("-H", Some((name, value))) => request = request.header(name, value),
            ("-d", _) => body = &pair[1],
            _ => {}
        }
    }
    demo.send(&request.body(content_type, body)).json()
}

/// The words of a line as a shell reads them: spaces part, single quotes hold together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
