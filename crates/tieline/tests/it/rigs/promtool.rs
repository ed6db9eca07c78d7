//! The metrics against Prometheus' own judge.

use std::process::Command;

use serde_json::json;

use super::{feed, folder};
use crate::agent::Agent;
use crate::http::Request;
use crate::hub::{Place, Process, SECRET, wait_until};

/// Every metric that the hub has must be there to be judged.
fn judged(place: &Place) -> (Process, String) {
    let hub = place.start();
    let event = hub.post("orders", &json!({})).expect(202);
    hub.ended(&event["run_ids"][0]);
    wait_until(|| hub.count("/v1/deliveries?status=delivered") == 1);
    assert_eq!(hub.send(&Request::post("/c/orders")).status, 401);
    let answer = hub.send(&Request::get("/metrics"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = answer.text();
    for sample in [
        "\ntieline_events_accepted_total 1\n",
        "\ntieline_runs_ended_total{status=\"completed\"} 1\n",
        "\ntieline_deliveries_ended_total{status=\"delivered\"} 1\n",
        "\ntieline_requests_refused_total{status=\"unauthorized\"} 1\n",
    ] {
        assert!(text.contains(sample), "no {sample} in {text}");
    }
    (hub, text)
}

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    // It comes from `PATH`, but is brought with the others.
    folder();
    let receiver = Agent::start();
    let place = Place::new(&format!(
        r#"
agents: [{{ name: parrot, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [parrot] }}
  - {{ name: results, type: webhook, mode: outbound, agents: [parrot], settings: {{ url: "{}" }} }}
egress: {{ allow: [127.0.0.0/8] }}
"#,
        receiver.url(),
    ));
    let (_hub, metrics) = judged(&place);
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]);
    let (code, said) = feed(&mut promtool, metrics.as_bytes());
    assert_eq!((code, said.as_str()), (Some(0), ""), "{metrics}");
}
