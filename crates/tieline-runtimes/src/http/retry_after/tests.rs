use std::time::Duration;

use tieline_model::Timestamp;

use super::read;

#[test]
fn retry_after_is_read_in_all_its_forms() {
    let now = Timestamp::from_millis(784_111_777_000);
    let seconds = |n| Some(Duration::from_secs(n));
    for (text, wait) in [
        ("0", seconds(0)),
        (" 120 ", seconds(120)),
        ("3601", seconds(3600)),
        ("99999999999999999999999", seconds(3600)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", seconds(60)),
        ("Sunday, 06-Nov-94 08:50:37 GMT", seconds(60)),
        ("Sun Nov  6 08:50:37 1994", seconds(60)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", seconds(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", seconds(3600)),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
    ] {
        let mut headers = http::HeaderMap::new();
        headers.insert("retry-after", text.parse().unwrap());
        assert_eq!(read(&headers, now), wait, "{text}");
    }
    assert_eq!(read(&http::HeaderMap::new(), now), None);
}
