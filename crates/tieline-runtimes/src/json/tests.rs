use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{BadJson, DEPTH, nesting, string, text, value};

#[test]
fn values_are_kept_as_they_were_written() {
    for kept in [
        "{\"b\" : 1.50, \"a\":[ ]}",
        "1e9999",
        "123456789012345678901234567890",
        "\"\\u00e9\"",
        "null",
    ] {
        assert_eq!(value(kept).unwrap(), kept);
    }
    for bad in ["", "{", "{}}", "nul", "'a'", "[1,]", "1 2", "\u{feff}1"] {
        assert!(matches!(value(bad), Err(BadJson::Syntax(_))), "{bad:?}");
    }
}

#[test]
fn depth_is_bounded_before_anything_parses() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(value(&nested(DEPTH)).is_ok());
    assert!(matches!(value(&nested(DEPTH + 1)), Err(BadJson::TooDeep)));
    let endless = "{\"a\":".repeat(1_000_000);
    assert!(matches!(value(&endless), Err(BadJson::TooDeep)));
    assert_eq!(nesting(r#"{"a":"[[[[\"[[","b":[{}],"c":"\\"}"#), 3);
}

#[test]
fn marks_and_space_around_a_document_fall_away() {
    assert_eq!(text(b"\xef\xbb\xbf\r\n {} \t").unwrap(), "{}");
    assert!(matches!(text(b"\xff"), Err(BadJson::Encoding(_))));
}

proptest! {
    #[test]
    fn any_text_becomes_a_string_and_comes_back(words in any::<String>()) {
        let written = string(&words);
        prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), words);
    }

    #[test]
    fn what_is_taken_as_a_value_can_be_read(words in "[\\[\\]{}\",:0-9a-f\\\\ ]{0,40}") {
        if let Ok(kept) = value(&words) {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(kept).is_ok());
        }
    }
}
