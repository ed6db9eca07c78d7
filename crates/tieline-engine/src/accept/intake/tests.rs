use super::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

#[test]
fn what_is_above_the_rate_is_told_when_to_come_again() {
    let now = Instant::now();
    let intake = Intake::new(rate("2/1s"), now);
    assert_eq!(intake.take(1, now), Ok(()));
    assert_eq!(intake.take(1, now), Ok(()));
    assert_eq!(intake.take(1, now), Err(Duration::from_millis(500)));
    let later = now + Duration::from_millis(500);
    assert_eq!(intake.take(1, later), Ok(()));
    assert!(intake.take(1, later).is_err());
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let now = Instant::now();
    let intake = Intake::new(rate("4/1s"), now);
    assert_eq!(intake.take(3, now), Ok(()));
    assert_eq!(intake.take(2, now), Err(Duration::from_millis(250)));
    assert_eq!(intake.take(1, now), Ok(()));
}

#[test]
fn a_batch_larger_than_the_bucket_is_taken_and_paid_for() {
    let mut now = Instant::now();
    let intake = Intake::new(rate("10/1s"), now);
    let mut taken = 0;
    for _ in 0..1000 {
        if intake.take(25, now).is_ok() {
            taken += 25;
        }
        now += Duration::from_millis(100);
    }
    // A hundred seconds, and what may come at once.
    assert!((950..=1025).contains(&taken), "{taken}");
}

#[test]
fn a_change_of_the_catalogue_gives_no_new_room_unless_the_rate_changes() {
    let intakes = Intakes::default();
    let of = |rate| intakes.of(ConnectorId(1), rate);
    let slow = Some(rate("1/1h"));
    assert_eq!(of(slow).unwrap().take(1, Instant::now()), Ok(()));
    assert!(of(slow).unwrap().take(1, Instant::now()).is_err());
    assert!(of(None).is_none());
    assert_eq!(
        of(Some(rate("2/1h"))).unwrap().take(2, Instant::now()),
        Ok(())
    );
}
