use super::*;

#[test]
fn writes_rfc_3339_as_jiff_does() {
    for ms in [
        0,
        1,
        951_782_400_123,
        1_709_164_800_999,
        1_763_816_400_000,
        -1,
        -86_400_001,
        LAST_MS,
    ] {
        let expected = jiff::Timestamp::from_millisecond(ms).unwrap();
        let shown = Timestamp::from_millis(ms).to_string();
        assert_eq!(
            shown.parse::<jiff::Timestamp>().unwrap(),
            expected,
            "{shown}"
        );
        assert_eq!(shown.len(), 24, "{shown}");
        assert_eq!(shown.parse::<Timestamp>().unwrap().as_millis(), ms);
    }
}

#[test]
fn arithmetic_saturates() {
    let last = Timestamp::from_millis(i64::MAX);
    assert_eq!(last.plus(Duration::MAX), last);
    assert_eq!(Timestamp::from_millis(5).since(last), Duration::ZERO);
}
