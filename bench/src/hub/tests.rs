use super::*;

#[test]
fn a_metric_is_summed_over_its_labels() {
    let text = "# TYPE tieline_runs_ended counter\n\
                tieline_runs_ended_total{status=\"completed\"} 17\n\
                tieline_runs_ended_total{status=\"failed\"} 2\n\
                tieline_sync_waiting 5000\n";
    assert_eq!(sum(text, "tieline_runs_ended_total"), Some(19));
    assert_eq!(sum(text, "tieline_sync_waiting"), Some(5000));
    assert_eq!(sum(text, "tieline_sync"), None);
}

#[test]
fn an_order_is_json_of_the_length_asked_for() {
    assert_eq!(order().len(), 512);
    for length in [200, 512, 1 << 20] {
        let order = order_of(length);
        assert_eq!(order.len(), length);
        let json: serde_json::Value = serde_json::from_slice(&order).unwrap();
        assert_eq!(json["id"], "ord_20391");
    }
}
