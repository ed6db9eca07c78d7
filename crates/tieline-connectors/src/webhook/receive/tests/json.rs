use serde_json::value::RawValue;

use super::*;

pub(super) fn check_is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn the_body_is_the_input_as_it_is() {
    let bodies = [
        "{}",
        "null",
        "\"text\"",
        " { \"b\" : 1.0e1 , \"a\" : 12345678901234567890123 , \"a\" : 1 }\n",
        r#"{"emoji":"\ud83d\ude00","half":"\ud83d","nul":"\u0000"}"#,
        "1e9999",
        &nested(64),
        &format!("\"{}\"", "[".repeat(1000)),
        &format!("\"\\\"{}\"", "[".repeat(1000)),
        &format!("{{\"a\\\"[\":\"{}\"}}", "\\\\".repeat(9)),
    ];
    for body in bodies {
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.acme+json",
        ] {
            let event = event(&typed(content_type, body.to_owned()));
            assert_eq!(event.input, body.as_bytes());
            assert_eq!(event.files.len(), 0);
            assert_eq!(event.digest, sha256(body.as_bytes()));
        }
    }
}

#[test]
fn what_is_not_json_is_refused_with_the_place() {
    let bad: [(&[u8], &str); 13] = [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"{\"a\":\"\xff\"}", "byte 6"),
        (b"{\"a\":1,}", "line 1 column 8"),
        (b"{'a':1}", "line 1"),
        (b"{} {}", "trailing"),
        (b"{}]", "trailing"),
        (b"{\"a\"", "EOF"),
        (b"[1", "EOF"),
        (b"NaN", "line 1"),
        (b"\"\n\"", "control character"),
        (b"01", "line 1"),
    ];
    for (body, word) in bad {
        let problem = problem(&typed("application/json", body));
        assert_eq!(problem.code, Code::InvalidJson);
        assert!(problem.detail.contains(word), "{}", problem.detail);
    }
}

#[test]
fn depth_is_counted_before_anything_recurses() {
    let deep = [
        nested(65),
        nested(1_000_000),
        "[".repeat(1_000_000),
        "{\"a\":".repeat(65),
    ];
    for body in deep {
        for content_type in [
            "application/json",
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
        ] {
            assert_eq!(
                problem(&typed(content_type, body.clone())).code,
                Code::TooDeep
            );
        }
    }
}
