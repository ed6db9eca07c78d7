use super::*;

const NOW: Timestamp = Timestamp::from_millis(0);

fn told(attempt: u32, result: Result<Receipt, Fault>) -> String {
    match decide(attempt, result, NOW, || 0) {
        DeliveryOutcome::Ended { state, .. } => state.as_str().to_owned(),
        DeliveryOutcome::Again(next) => format!("in {:?}", next.due_at.since(NOW)),
    }
}

fn fault(verdict: Verdict) -> Result<Receipt, Fault> {
    Err(Fault::new(verdict, "x", "…"))
}

#[test]
fn only_an_acknowledgement_is_delivered() {
    assert_eq!(told(1, Ok(Receipt::default())), "delivered");
    assert_eq!(told(1, fault(Verdict::Never)), "failed");
    assert_eq!(told(1, fault(Verdict::Gone)), "failed");
    assert_eq!(told(1, fault(Verdict::Later)), "in 5s");
    assert_eq!(
        told(1, fault(Verdict::After(Duration::from_mins(1)))),
        "in 60s"
    );
    assert_eq!(
        told(1, fault(Verdict::After(Duration::from_secs(1)))),
        "in 5s"
    );
    assert_eq!(told(9, fault(Verdict::NotStarted(None))), "in 86400s");
    assert_eq!(told(10, fault(Verdict::Later)), "failed");
}

#[test]
fn the_schedule_lasts_about_three_days() {
    let total: Duration = DELIVERY_SCHEDULE.iter().sum();
    let days = total.as_secs_f64() / 86_400.0;
    assert!((2.8..4.0).contains(&days), "{days}");
    assert!(jittered(Duration::from_secs(10), u32::MAX) <= Duration::from_secs(11));
}

#[test]
fn a_destination_cannot_have_itself_awaited_for_years() {
    let wait = Duration::from_hours(24 * 365);
    assert_eq!(told(1, fault(Verdict::After(wait))), "in 86400s");
}

#[test]
fn only_a_destination_that_cannot_work_is_unwell() {
    let wait = Duration::from_mins(1);
    for (result, shown) in [
        (Ok(Receipt::default()), Some(Health::Well)),
        (fault(Verdict::Never), Some(Health::Well)),
        (fault(Verdict::Gone), None),
        (fault(Verdict::Later), Some(Health::Unwell(None))),
        (fault(Verdict::Crashed), Some(Health::Unwell(None))),
        (fault(Verdict::NotStarted(None)), Some(Health::Unwell(None))),
        (fault(Verdict::After(wait)), Some(Health::Hold(wait))),
        (
            fault(Verdict::NotStarted(Some(wait))),
            Some(Health::Hold(wait)),
        ),
    ] {
        assert_eq!(health(&result), shown, "{result:?}");
    }
}

#[test]
fn only_a_whole_body_is_delivered() {
    let code = |kept| unusable(kept).map(|error| error.code);
    assert_eq!(code(Kept::Whole), None);
    assert_eq!(code(Kept::Erased).as_deref(), Some("erased"));
    assert_eq!(code(Kept::Damaged).as_deref(), Some("damaged"));
}
