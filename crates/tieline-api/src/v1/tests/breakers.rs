//! The breakers of agents and of outbound connectors.

use super::*;

#[tokio::test(start_paused = true)]
async fn agents_and_outbound_connectors_show_their_breaker_and_others_have_none() {
    let rig = Rig::new().await;
    let nowhere = json!({"url": "http://127.0.0.1:1/hook"});
    rig.connector("outbound", "out", json!(["echo"]), nowhere)
        .await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let closed = json!({"state": "closed", "since": null, "next_probe_at": null});
    for path in ["/v1/agents/echo", "/v1/connectors/out"] {
        let shown = rig.admin(&format!("GET {path}"), Value::Null).await.json();
        assert_eq!(shown["breaker"], closed, "{path}");
        let line = format!("POST {path}/pause");
        let paused = rig.admin(&line, Value::Null).await.json();
        assert_eq!(paused["breaker"], closed, "{path}");
        rig.admin(&format!("POST {path}/resume"), Value::Null).await;
        // What was shown can be sent back.
        let sent = rig.admin(&format!("PUT {path}"), shown.clone()).await;
        assert_eq!(sent.json(), shown, "{path}");
    }
    let shown = rig.admin("GET /v1/connectors/orders", Value::Null).await;
    assert_eq!(shown.json().get("breaker"), None);
    for n in 0..5 {
        rig.post("/c/orders", &[], &n.to_string()).await;
    }
    let open = async {
        loop {
            let shown = rig.admin("GET /v1/connectors", Value::Null).await.json();
            let out = &shown["data"][1]["breaker"];
            if out["state"] == "open" {
                return out.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let limit = std::time::Duration::from_mins(10);
    let open = tokio::time::timeout(limit, open).await.unwrap();
    assert!(
        open["since"].is_string() && open["next_probe_at"].is_string(),
        "{open}"
    );
}
