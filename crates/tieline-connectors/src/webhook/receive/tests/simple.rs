//! Queries, forms, text, and bodies that are nothing but a file.

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn fields_become_an_object_and_repeated_ones_lists() {
    let cases = [
        ("", json!({})),
        ("a=1&b=two", json!({ "a": "1", "b": "two" })),
        ("a=1&b=2&a=3&a=", json!({ "a": ["1", "3", ""], "b": "2" })),
        (
            "a&=b&&c=%C3%A9+%26",
            json!({ "a": "", "": "b", "c": "é &" }),
        ),
        ("a=x=y&%zz=1", json!({ "a": "x=y", "%zz": "1" })),
    ];
    for (text, expected) in cases {
        assert_eq!(input(&event(&typed(FORM, text))), expected, "{text}");
        let event = event(&get(text));
        assert_eq!(input(&event), expected, "{text}");
        assert_eq!(event.digest, sha256(text.as_bytes()));
    }
}

#[test]
fn fields_that_cannot_be_kept_as_they_are_are_refused() {
    assert_eq!(problem(&typed(FORM, "a=%E9")).code, Code::InvalidForm);
    assert_eq!(
        problem(&typed(FORM, &b"a=\xff"[..])).code,
        Code::InvalidForm
    );
    assert_eq!(problem(&get("a=%E9")).code, Code::BadRequest);
    assert!(
        inbound(&json!({}))
            .receive(&typed(FORM, "a&".repeat(1000)))
            .is_ok()
    );
    assert_eq!(
        problem(&typed(FORM, "a&".repeat(1001))).code,
        Code::TooManyParts
    );
}

#[test]
fn the_query_of_a_post_is_no_input() {
    let request = Verified {
        query: "b=2".to_owned(),
        ..typed(FORM, "a=1")
    };
    assert_eq!(input(&event(&request)), json!({ "a": "1" }));
}

#[test]
fn text_becomes_a_message() {
    for content_type in [
        "text/plain",
        "text/plain; charset=\"UTF-8\"",
        "Text/Plain;charset=us-ascii",
    ] {
        let event = event(&typed(content_type, "Grüße \"x\"\n"));
        assert_eq!(input(&event), json!({ "message": "Grüße \"x\"\n" }));
    }
    assert_eq!(
        input(&event(&typed("text/plain", ""))),
        json!({ "message": "" })
    );
    let latin = problem(&typed("text/plain; charset=iso-8859-1", "x"));
    assert_eq!(latin.code, Code::UnsupportedMediaType);
    let broken = problem(&typed("text/plain", &b"\xff"[..]));
    assert_eq!(broken.code, Code::UnsupportedMediaType);
}

#[test]
fn any_other_body_is_a_file_and_no_input() {
    let cases = [
        ("application/pdf", "application/pdf"),
        ("text/csv; header=present", "text/csv; header=present"),
        ("multipart/mixed; boundary=x", "multipart/mixed; boundary=x"),
    ];
    for (sent, kept) in cases {
        let event = event(&typed(sent, &b"\x00\xff"[..]));
        assert_eq!(event.input, "null");
        let [file] = &event.files[..] else {
            panic!("one file")
        };
        assert_eq!(
            (file.content_type.as_str(), &file.content[..]),
            (kept, &b"\x00\xff"[..])
        );
        assert_eq!((&file.field, &file.name), (&None, &None));
    }
    let untyped = event(&request(&[], "x"));
    assert_eq!(untyped.files[0].content_type, "application/octet-stream");
    let nothing = event(&request(&[], ""));
    assert_eq!((&nothing.input[..], nothing.files.len()), (&b"null"[..], 0));
}

#[test]
fn files_that_are_not_taken_are_refused() {
    let endpoint = inbound(&json!({
        "max_file": "3B",
        "file_types": ["image/*", "application/pdf"],
    }));
    let code = |content_type, body: &'static str| {
        endpoint
            .receive(&typed(content_type, body))
            .err()
            .map(|one| one.code)
    };
    assert_eq!(code("image/png", "123"), None);
    assert_eq!(code("application/pdf; a=b", "123"), None);
    assert_eq!(code("image/png", "1234"), Some(Code::PayloadTooLarge));
    assert_eq!(code("imagex/png", "123"), Some(Code::UnsupportedMediaType));
    assert_eq!(
        code("application/pdfx", "123"),
        Some(Code::UnsupportedMediaType)
    );
    assert_eq!(code("application/json", "{}"), None);
}

#[test]
fn content_types_that_can_be_read_two_ways_are_refused() {
    let twice = request(
        &[
            ("content-type", "text/plain"),
            ("content-type", "application/json"),
        ],
        "x",
    );
    assert_eq!(problem(&twice).code, Code::BadRequest);
    for bad in [
        "",
        "json",
        "/",
        "text/",
        "a b/c",
        "text/plain, application/json",
        "téxt/plain",
    ] {
        assert_eq!(
            problem(&typed(bad, "x")).code,
            Code::UnsupportedMediaType,
            "{bad}"
        );
    }
}

#[test]
fn bodies_are_not_decompressed() {
    for encoding in ["gzip", "br", "identity, gzip"] {
        let request = request(&[("content-encoding", encoding)], "x");
        assert_eq!(problem(&request).code, Code::UnsupportedEncoding);
    }
    event(&request(&[("content-encoding", "identity")], "x"));
}
