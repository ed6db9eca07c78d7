use super::{Window, parse};
use crate::Refusal;

#[test]
fn a_time_is_digits_and_not_too_many() {
    assert_eq!(parse("0"), Ok(0));
    assert_eq!(parse("999999999999"), Ok(999_999_999_999));
    for wrong in [
        "",
        "1000000000000",
        "-1",
        "00",
        "01700000000",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e9",
        "0x1",
        "\u{661}",
    ] {
        assert_eq!(parse(wrong), Err(Refusal::Timestamp), "{wrong}");
    }
}

#[test]
fn both_ends_of_the_window_are_in_it() {
    let window = Window {
        now_s: 100,
        tolerance_s: 10,
    };
    assert_eq!(window.check(89), Err(Refusal::TooOld));
    assert_eq!(window.check(90), Ok(()));
    assert_eq!(window.check(110), Ok(()));
    assert_eq!(window.check(111), Err(Refusal::TooNew));
}
