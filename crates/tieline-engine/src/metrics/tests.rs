use super::{Metrics, Status};

#[test]
fn counters_are_described_by_the_name_of_their_samples() {
    let metrics = Metrics::new();
    metrics.events_accepted.inc_by(3);
    let refused = Status {
        status: "unauthorized",
    };
    metrics.requests_refused.get_or_create(&refused).inc();
    let text = metrics.render();
    for part in [
        "# HELP tieline_events_accepted_total Events stored.\n\
         # TYPE tieline_events_accepted_total counter\n\
         tieline_events_accepted_total 3\n",
        "# TYPE tieline_requests_refused_total counter\n\
         tieline_requests_refused_total{status=\"unauthorized\"} 1\n",
        "# HELP tieline_runs_running Runs in hand.\n\
         # TYPE tieline_runs_running gauge\n\
         tieline_runs_running 0\n",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("EOF"), "{text}");
}
