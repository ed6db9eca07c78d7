use proptest::prelude::*;

use super::*;

/// Byte by byte, as the promise reads.
fn told_slowly(text: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[test]
fn what_stands_in_a_string_is_no_level() {
    for (text, levels) in [
        ("", 0),
        ("[]", 1),
        (r#"{"a":[1]}"#, 2),
        (r#"["[[["]"#, 1),
        (r#"["\"[[["]"#, 1),
        (r#"["\\",[["a"]]]"#, 3),
        (r#"["\\\"[[",[]]"#, 2),
        (r#"["never closed [["#, 1),
        (r#"["cut off \"#, 1),
        ("]]]][", 1),
    ] {
        assert_eq!(nesting(text), levels, "{text}");
    }
}

/// As a parser counts them.
fn counted(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    1 + match value {
        Value::Array(list) => list.iter().map(counted).sum::<usize>(),
        Value::Object(object) => object.values().map(counted).sum(),
        _ => 0,
    }
}

#[test]
fn values_are_counted_and_never_too_few() {
    for (text, most) in [
        ("1", 1),
        ("\"a,b[c{\"", 1),
        ("[]", 2),
        ("[1]", 2),
        ("[1,2,3]", 4),
        (r#"{"a":{"b,":[1,"]["]}}"#, 5),
        (r#"[{"\\\"":1},{},[]]"#, 7),
    ] {
        assert_eq!(values(text), most, "{text}");
        let parsed = serde_json::from_str(text).unwrap();
        assert!(counted(&parsed) <= most, "{text}");
    }
    let many = format!("[{}0]", "0,".repeat(1_000_000));
    assert_eq!(values(&many), 1_000_002);
}

proptest! {
    #[test]
    fn strings_are_skipped_and_nothing_else(text in r#"["\\\[\]{}aé]{0,80}"#) {
        prop_assert_eq!(nesting(&text), told_slowly(&text));
    }
}
