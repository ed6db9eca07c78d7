use super::*;

#[test]
fn counters_are_added_up_over_their_labels() {
    let text =
        "# HELP a_total x\na_total 3\nb_total{status=\"done\"} 2\nb_total{status=\"failed\"} 1\n";
    let counters = counters(text);
    assert_eq!(counters["a_total"], 3);
    assert_eq!(counters["b_total"], 3);
    assert_eq!(counters["b_total{done}"], 2);
}

#[test]
fn an_output_is_hashed_as_its_bytes_were_sent() {
    let text = r#"{"run_id":"0190a000-0000-7000-8000-000000000001","event_id":"0190a000-0000-7000-8000-000000000002","agent_name":"a","status":"completed","output":{"n":1.50},"attempt":1,"queued_at":"2026-01-01T00:00:00.001Z","ended_at":null}"#;
    let row = serde_json::from_str::<ListedRun>(text).unwrap().row();
    assert_eq!(row.output, Hash::of(br#"{"n":1.50}"#));
    assert_eq!((row.queued % 1000, row.ended), (1, 0));
}
