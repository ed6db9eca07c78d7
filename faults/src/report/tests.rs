use super::*;

#[test]
fn a_fault_that_never_fired_makes_the_round_void() {
    let ended = |times| {
        let mut report = Report::new("R0", "nothing", 1);
        report.fired("kill -9", times);
        report.end(Duration::ZERO, None);
        report
    };
    assert!(ended(1).holds());
    assert!(!ended(0).holds());
    assert!(ended(0).line().contains("breaks L8"));
}

#[test]
fn a_round_that_was_skipped_never_reads_as_one_that_holds() {
    let mut report = Report::new("R0", "nothing", 1);
    report.skip("there is no strace");
    report.end(Duration::ZERO, None);
    assert!(report.is_skipped());
    assert!(report.line().ends_with("| **skipped** |"));
    assert!(report.to_string().contains("SKIPPED: there is no strace"));
}

#[test]
fn a_round_that_could_not_be_carried_out_does_not_hold() {
    let mut report = Report::new("R0", "nothing", 1);
    report.end(Duration::ZERO, Some("the hub did not start".to_owned()));
    assert!(!report.holds());
    assert!(report.to_string().contains("the hub did not start"));
}
