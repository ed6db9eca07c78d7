//! The other sides of the demo's hub, served on a loopback port: an agent and a receiver.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tieline_model::{Clock as _, Secret};
use tieline_signature::Window;
use tieline_signature::standard_webhooks::{
    DEFAULT_TOLERANCE_S, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, Headers, SigningKey, verify,
};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::output;
use crate::wiring::SystemClock;

/// The demo's agent and receiver.
#[derive(Debug)]
pub(crate) struct Guests {
    pub(crate) address: SocketAddr,
}

impl Guests {
    /// Serves both until the process ends. `secret` verifies what is delivered.
    pub(crate) async fn serve(secret: &Secret) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("failed to listen for the demo's own agent")?;
        let address = listener.local_addr().context("failed to find the port")?;
        let key = SigningKey::parse(secret.expose()).context("failed to use the demo's secret")?;
        let router = Router::new()
            .route("/agents/triage", post(triage))
            .route("/results", post(receive))
            .with_state(Arc::new(key));
        // Nothing waits for it: it ends with the process.
        TaskTracker::new().spawn(async move {
            // Accepting goes on after every error by itself.
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { address })
    }
}

/// Words that make a message urgent.
const URGENT: [&str; 7] = [
    "broken", "urgent", "refund", "late", "wrong", "down", "asap",
];

/// An agent like any other: a run object comes in, an output goes out.
async fn triage(Json(run): Json<Value>) -> Json<Value> {
    let output = judge(run.get("input").unwrap_or(&Value::Null));
    Json(json!({ "output": output }))
}

/// How urgent an input is, by the words in it.
fn judge(input: &Value) -> String {
    let text = input.to_string().to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    match words.find(|word| URGENT.contains(word)) {
        Some(word) => format!("priority high: it says \"{word}\""),
        None => "priority normal: nothing in it sounds urgent".to_owned(),
    }
}

/// A receiver like any other: the signature first, then the content.
async fn receive(
    State(key): State<Arc<SigningKey>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let presented = Headers {
        id: header(HEADER_ID).unwrap_or_default(),
        timestamp: header(HEADER_TIMESTAMP).unwrap_or_default(),
        signature: header(HEADER_SIGNATURE).unwrap_or_default(),
    };
    let window = Window {
        now_s: SystemClock.now().as_seconds(),
        tolerance_s: DEFAULT_TOLERANCE_S,
    };
    if verify(std::slice::from_ref(key.as_ref()), presented, &body, window).is_err() {
        output::note("a delivery with a bad signature was refused");
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(result) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    // Where nobody reads any more, the delivery has still arrived.
    output::data(&describe(presented.id, &result)).ok();
    StatusCode::NO_CONTENT
}

/// A delivery in a few lines.
fn describe(id: &str, result: &Value) -> String {
    let text = |name: &str| match result.get(name) {
        Some(Value::String(text)) => output::plain(text).into_owned(),
        Some(other) => output::plain(&other.to_string()).into_owned(),
        None => "-".to_owned(),
    };
    let ended = text("ended_at");
    let time = ended.get(11..19).unwrap_or(&ended);
    let outcome = if result.get("error").is_some_and(|error| !error.is_null()) {
        text("error")
    } else {
        text("output")
    };
    format!(
        "\n{time}  {} {}  (delivery {}, signature verified)\n          {outcome}\n          run {} of connector {}\n",
        text("agent_name"),
        text("status"),
        output::plain(id),
        text("run_id"),
        text("connector"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_goes_by_whole_words() {
        assert_eq!(
            judge(&json!({ "message": "It arrived BROKEN!" })),
            "priority high: it says \"broken\""
        );
        for calm in [json!({ "message": "unbroken" }), json!(null), json!([1, 2])] {
            assert!(judge(&calm).starts_with("priority normal"), "{calm}");
        }
    }

    #[test]
    fn a_delivery_reads_in_three_lines() {
        let result = json!({
            "run_id": "r-1", "agent_name": "audit", "status": "completed",
            "output": "7 words\u{1b}[2J", "error": null, "connector": "orders",
            "ended_at": "2026-01-02T03:04:05.678Z",
        });
        insta::assert_snapshot!(describe("d-1", &result), @r"

        03:04:05  audit completed  (delivery d-1, signature verified)
                  7 words\u{1b}[2J
                  run r-1 of connector orders
        ");
    }
}
