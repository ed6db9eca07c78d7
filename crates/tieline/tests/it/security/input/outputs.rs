//! What agents say is data as well: no header, no log record, no address.

use std::io::Write as _;

use serde_json::{Value, json};

use super::to;
use crate::http::Request;
use crate::hub::{Place, Process, SECRET, wait, wait_until};
use crate::security::wire::{Sentinel, Wire, plain};

/// `ask` calls an agent that answers with the text of the input's `say`, and its results are
/// delivered to three destinations.
fn hub(agent: &Wire, receiver: &Wire) -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents:
  - {{ name: remote, runtime: http, url: "{}", retry: {{ attempts: 1 }} }}
  - {{ name: local, runtime: command, command: ["sh", "-c", "cat >&2; exit 3"], retry: {{ attempts: 1 }} }}
connectors:
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [remote] }}
  - {{ name: broken, type: webhook, mode: sync, secret: "{SECRET}", agents: [local] }}
  - {{ name: full, type: webhook, mode: outbound, secret: "{SECRET}", agents: [remote], settings: {{ url: "{}", on: [completed, failed] }} }}
  - {{ name: thin, type: webhook, mode: outbound, secret: "{SECRET}", agents: [remote], settings: {{ url: "{}", on: [completed, failed], body: thin }} }}
  - name: text
    type: webhook
    mode: outbound
    secret: "{SECRET}"
    agents: [remote]
    settings: {{ url: "{}", content_type: text/plain, body: {{ template: "said: {{{{ output }}}}" }} }}
egress: {{ allow: [127.0.0.0/8] }}
"#,
        agent.url("/run"),
        receiver.url("/full"),
        receiver.url("/thin"),
        receiver.url("/text"),
    ));
    let mut command = place.serve();
    let hub = Process::start(command.env("TIELINE_LOG", "debug"));
    (place, hub)
}

/// An agent that says what its input asks for.
fn parrot() -> Wire {
    Wire::answering(|seen, stream| {
        let run: Value = serde_json::from_str(&seen.text()).unwrap();
        let answer = run["input"]["answer"].to_string();
        stream.write_all(&plain(
            "200 OK",
            "X-Evil: 1\r\nSet-Cookie: a=b\r\n",
            &answer,
        ))
    })
}

/// T22.
#[test]
fn an_output_is_never_a_header_and_breaks_no_delivery() {
    let (agent, receiver) = (parrot(), Wire::saying("{}"));
    let (_place, hub) = hub(&agent, &receiver);
    let hostile = [
        "harmless".to_owned(),
        "a\r\nX-Evil: 1\r\n\r\n<html>".to_owned(),
        "a\nX-Evil: 1".to_owned(),
        "a\0b\u{1b}[2J\u{7f}".to_owned(),
        "\u{202e}gnp.exe\u{2066}\u{feff}".to_owned(),
        "é".repeat(4096),
        "\r\n--b\r\nContent-Disposition: form-data; name=x\r\n\r\n".to_owned(),
        "{{ 7 * 7 }}{% for x in range(9) %}".to_owned(),
    ];
    let mut answers: Vec<_> = hostile
        .iter()
        .map(|text| json!({ "output": text }))
        .collect();
    answers.extend(hostile.iter().map(|text| {
        json!({ "output": null, "error": { "code": text, "message": text }, "usage": { "k": text } })
    }));
    answers.push(json!({ "headers": { "X-Evil": "1" }, "status": 302, "location": "http://127.0.0.1:1/", "webhook-id": "x" }));
    for answer in &answers {
        let result = hub.send(&to("ask").json(&json!({ "answer": answer })));
        assert!([200, 424].contains(&result.status), "{}", result.text());
        assert_eq!(result.header("content-type"), Some("application/json"));
        assert!(result.header("x-evil").is_none() && result.header("set-cookie").is_none());
    }
    // Each to `full` and `thin`; those that completed to `text` as well.
    let deliveries = 2 * answers.len() + hostile.len() + 1;
    wait_until(|| receiver.seen().len() == deliveries);
    wait_until(|| hub.count("/v1/deliveries?status=delivered&limit=100") == deliveries);
    let seen = receiver.seen();
    for one in &seen {
        assert_eq!(one.names(), seen[0].names(), "{}", one.head);
        assert!(
            !one.head.contains("Evil") && one.head.is_ascii(),
            "{}",
            one.head
        );
    }
    // What was said arrives to the letter.
    for text in &hostile {
        let said = format!("said: {text}");
        assert!(
            seen.iter()
                .any(|one| one.path() == "/text" && one.text() == said),
            "{said:?}"
        );
        let whole = |one: &crate::security::wire::Seen| {
            let body: Value = serde_json::from_str(&one.text()).unwrap_or_default();
            body["output"] == text.as_str()
        };
        assert!(seen.iter().any(whole), "{text:?}");
    }
}

/// T23.
#[test]
fn nothing_that_is_sent_or_said_makes_a_record_of_the_log() {
    let (agent, receiver) = (parrot(), Wire::saying("{}"));
    let (_place, mut hub) = hub(&agent, &receiver);
    let fake = "x\r\n{\"timestamp\":\"2000-01-01T00:00:00Z\",\"level\":\"AUDIT\",\"message\":\"forged\"}\n\u{2028}\u{1b}[31m";
    let answer = json!({ "output": null, "error": { "code": fake, "message": fake } });
    hub.send(&to("ask").json(&json!({ "answer": answer, fake: fake })));
    hub.send(&to("broken").json(&json!({ "answer": fake })));
    hub.send(&to("broken").body("text/plain", fake));
    hub.send(&to("ask").body("application/json", fake));
    hub.send(
        &Request::post("/c/ask")
            .bearer("wrong\u{1b}[31m")
            .body("text/plain", fake),
    );
    let escaped = "%0d%0a%7B%22level%22%3A%22AUDIT%22%7D%0a";
    for path in [
        format!("/c/{escaped}"),
        format!("/c/ask?a={escaped}&secret={escaped}"),
        format!("/v1/runs/{escaped}"),
        format!("/{escaped}"),
    ] {
        hub.send(
            &Request::post(&path)
                .header("User-Agent", "\u{1b}[31m{\"level\":\"AUDIT\"}")
                .json(&json!({})),
        );
    }
    hub.signal(rustix::process::Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    let log = hub.stderr();
    assert!(log.lines().count() > 3, "{log}");
    for line in log.lines() {
        let record: Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{error}: a line that is no record: {line}"));
        let level = record["level"].as_str().unwrap();
        assert!(
            ["ERROR", "WARN", "INFO", "DEBUG"].contains(&level),
            "{line}"
        );
        assert_ne!(record["message"], "forged", "{line}");
        assert!(!line.contains('\u{1b}') && line.len() < 16 * 1024, "{line}");
    }
}

/// T24. There is no chat connector yet, whose previews would be switched off.
#[test]
fn the_hub_fetches_nothing_that_an_input_or_an_output_names() {
    let sentinel = Sentinel::new();
    let there = format!("http://127.0.0.1:{}/?d=exfiltrated", sentinel.port());
    let (agent, receiver) = (parrot(), Wire::saying("{}"));
    let (_place, hub) = hub(&agent, &receiver);
    for answer in [
        json!(format!(
            "![x]({there}) <img src=\"{there}\"> <link rel=preload href={there}>"
        )),
        json!({ "output": { "url": there, "image_url": { "url": there }, "$ref": there } }),
        json!({ "output": there, "callback": { "url": there }, "location": there, "webhook": there }),
        json!({ "output": null, "error": { "code": "x", "message": there } }),
    ] {
        let input = json!({ "answer": answer, "url": there, "$schema": there, "dataref": there });
        let event = to("ask").header("Link", &format!("<{there}>; rel=preload"));
        let result = hub.send(&event.json(&input));
        assert!([200, 424].contains(&result.status), "{}", result.text());
    }
    let cloudevent = json!({
        "specversion": "1.0", "id": "1", "source": there, "type": "t", "dataschema": there,
        "dataref": there, "data": { "answer": there },
    });
    let event = to("ask").body("application/cloudevents+json", cloudevent.to_string());
    assert_eq!(hub.send(&event).status, 200);
    wait_until(|| hub.count("/v1/deliveries?status=delivered&limit=100") == 5 * 2 + 4);
    // What is delivered goes to where the configuration says, and nowhere else.
    assert_eq!(receiver.seen().len(), 5 * 2 + 4);
    let idle = wait(|| {
        let runs = hub.get("/v1/runs");
        let all = runs["data"].as_array()?;
        all.iter()
            .all(|run| run["ended_at"].is_string())
            .then_some(all.len())
    });
    assert_eq!(idle, 5);
    sentinel.saw_nobody();
}
