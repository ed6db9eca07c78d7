//! What was erased, what was cancelled into another run, and how both are shown.

use super::*;
use crate::rig::PROJECT;

#[tokio::test(start_paused = true)]
async fn an_erased_event_says_so_and_its_file_is_gone() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let kind = &["content-type: application/pdf"];
    let sent = rig.send("POST /c/orders", kind, "%PDF").await.json();
    let id = sent["event_id"].as_str().unwrap();
    let run = sent["run_ids"][0].as_str().unwrap();
    rig.send(&format!("GET /c/orders/runs/{run}?wait=9"), &[], "")
        .await;
    let stored = rig.hub.store().event(PROJECT, id.parse().unwrap()).await;
    let file = stored.unwrap().unwrap().files.remove(0).id;
    let file = format!(
        "GET {}",
        rig.hub
            .file_url((PROJECT, file), tieline_model::Timestamp::END)
    );
    assert_eq!(rig.call(request(&file, &[], "")).await.status, 200);
    let shown = rig
        .admin(&format!("GET /v1/events/{id}"), Value::Null)
        .await;
    assert_eq!(shown.json().get("erased"), None, "it is not");
    let line = format!("POST /v1/events/{id}/erase");
    let erased = rig.admin(&line, Value::Null).await;
    assert_eq!(erased.status, 200, "{}", erased.body);
    assert_eq!(erased.json()["erased"], true);
    assert_eq!(erased.json()["runs"][0]["erased"], true);
    assert_eq!(erased.json()["runs"][0]["output"], Value::Null);
    assert_eq!(erased.json()["runs"][0]["status"], "completed");
    let answer = rig.call(request(&file, &[], "")).await;
    assert_eq!(answer.code(), (410, "erased".to_owned()));
    let line = format!("POST /v1/events/{id}/replay");
    let again = rig.admin(&line, Value::Null).await;
    assert_eq!(again.code(), (410, "erased".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_has_not_ended_is_not_erased() {
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["hang"]), json!({}))
        .await;
    let sent = rig.post("/c/orders", &[], "1").await.json();
    let id = sent["event_id"].as_str().unwrap();
    let line = format!("POST /v1/events/{id}/erase");
    let answer = rig.admin(&line, Value::Null).await;
    assert_eq!(answer.code(), (409, "conflict".to_owned()));
    let line = "POST /v1/events/01900000-0000-7000-8000-000000000000/erase";
    assert_eq!(rig.admin(line, Value::Null).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_place_was_taken_names_the_one_that_took_it() {
    let rig = Rig::new().await;
    let link = json!([{"agent": "hang", "session": "'one'", "policy": "coalesce"}]);
    rig.connector("inbound", "orders", link, json!({})).await;
    let mut runs = Vec::new();
    for n in 0..3 {
        let sent = rig.post("/c/orders", &[], &n.to_string()).await.json();
        runs.push(sent["run_ids"][0].clone());
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let shown = |run: &Value| {
        let line = format!("GET /v1/runs/{}", run.as_str().unwrap());
        let rig = &rig;
        async move { rig.admin(&line, Value::Null).await.json() }
    };
    let [first, second, third] = &runs[..] else {
        panic!("{runs:?}")
    };
    assert_eq!(shown(first).await.get("into"), None, "it is in hand");
    let taken = shown(second).await;
    assert_eq!(
        (&taken["status"], &taken["into"]),
        (&json!("cancelled"), third)
    );
    assert_eq!(taken["error"]["code"], "coalesced");
    assert_eq!(shown(third).await.get("into"), None);
}
