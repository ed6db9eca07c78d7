use super::*;

/// A form of parts, each given as its headers and its content.
fn form(parts: &[(&str, &str)]) -> Verified {
    let parts = parts.iter().map(|(headers, content)| {
        format!("--b\r\nContent-Disposition: form-data; {headers}\r\n\r\n{content}\r\n")
    });
    let body = format!("{}--b--\r\n", parts.collect::<String>());
    typed("multipart/form-data; boundary=b", body)
}

#[test]
fn text_fields_make_the_object_and_other_parts_are_files() {
    let event = event(&form(&[
        ("name=\"a\"", "1"),
        (
            "name=\"doc\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf",
            "%PDF\r\n--x",
        ),
        ("name=\"a\"", "zwei ü"),
        (
            "name=\"note\"\r\nContent-Type: text/plain; charset=utf-8",
            "",
        ),
        ("name=\"raw\"\r\nContent-Type: application/json", "{}"),
        (
            "name=\"doc\"; filename=\"b.txt\"\r\nContent-Type: text/plain",
            "x",
        ),
    ]));
    assert_eq!(input(&event), json!({ "a": ["1", "zwei ü"], "note": "" }));
    let files: Vec<_> = event
        .files
        .iter()
        .map(|file| {
            let content = std::str::from_utf8(&file.content).unwrap();
            let name = file.name.as_deref();
            (
                file.field.as_deref().unwrap(),
                name,
                file.content_type.as_str(),
                content,
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("doc", Some("a.pdf"), "application/pdf", "%PDF\r\n--x"),
            ("raw", None, "application/json", "{}"),
            ("doc", Some("b.txt"), "text/plain", "x"),
        ]
    );
}

#[test]
fn a_form_of_files_alone_has_an_empty_object() {
    let event = event(&form(&[("name=f; filename=x", "1")]));
    assert_eq!(event.input, "{}");
    assert_eq!(event.files[0].content_type, "application/octet-stream");
    assert_eq!(input(&self::event(&form(&[]))), json!({}));
}

#[test]
fn a_file_name_is_reduced_to_what_is_safe_to_show() {
    let cases = [
        ("../../etc/passwd", Some("passwd")),
        ("/abs/olute.txt", Some("olute.txt")),
        (r"C:\Users\x\a.doc", Some("a.doc")),
        (r"\\server\share\b.txt", Some("b.txt")),
        ("..", None),
        ("a/", None),
        (" a.txt ", Some("a.txt")),
        ("gnp.\u{202e}exe", Some("gnp.exe")),
        ("tab\u{7f}\u{85}.txt", Some("tab.txt")),
        ("日本.pdf", Some("日本.pdf")),
    ];
    for (sent, kept) in cases {
        assert_eq!(file::display_name(sent).as_deref(), kept, "{sent}");
    }
    assert_eq!(file::display_name("\0\n").as_deref(), None);
    assert_eq!(file::display_name(&"x".repeat(999)).unwrap().len(), 255);
}

#[test]
fn the_extended_file_name_makes_a_file_too() {
    for disposition in [
        "name=f; filename*=UTF-8''%C3%A4.pdf",
        "name=f; filename*=UTF-8'de'%C3%A4.pdf; x=y",
        "name=f; filename*=UTF-8''%2Fetc%2F%C3%A4.pdf",
    ] {
        let event = event(&form(&[(disposition, "1")]));
        assert_eq!(event.input, "{}");
        assert_eq!(
            event.files[0].name.as_deref(),
            Some("ä.pdf"),
            "{disposition}"
        );
    }
}

#[test]
fn a_file_input_without_a_file_gives_nothing() {
    let nothing = "name=f; filename=\"\"\r\nContent-Type: application/octet-stream";
    let event = event(&form(&[(nothing, "")]));
    assert_eq!((&event.input[..], event.files.len()), (&b"{}"[..], 0));
    let unnamed = self::event(&form(&[(nothing, "x")]));
    assert_eq!((&unnamed.files[0].name, unnamed.files.len()), (&None, 1));
}

#[test]
fn what_is_too_much_is_named() {
    let endpoint = inbound(&json!({
        "max_parts": 2,
        "max_file": "3B",
        "file_types": ["application/pdf"],
    }));
    let refusal = |parts: &[(&str, &str)]| endpoint.receive(&form(parts)).unwrap_err();
    let text = ("name=a", "1");
    assert!(endpoint.receive(&form(&[text, text])).is_ok());
    assert_eq!(refusal(&[text, text, text]).code, Code::TooManyParts);
    let large = refusal(&[(
        "name=doc; filename=x\r\nContent-Type: application/pdf",
        "1234",
    )]);
    assert_eq!(large.code, Code::PartTooLarge);
    assert_eq!(large.detail, "The part `doc` is larger than 3B.");
    let png = refusal(&[("name=pic; filename=x\r\nContent-Type: image/png", "1")]);
    assert_eq!(png.code, Code::PartNotAllowed);
    assert!(png.detail.contains("`pic`") && png.detail.contains("application/pdf"));
    let long = refusal(&[("name=essay", &"x".repeat((1 << 20) + 1))]);
    assert_eq!(long.code, Code::PartTooLarge);
    assert!(long.detail.contains("`essay`"));
}

#[test]
fn forms_that_cannot_be_read_are_refused() {
    let whole = form(&[("name=a", "1"), ("name=b", "2")]);
    // Behind the last boundary stand `--` and a line break, which may be missing.
    for end in 0..whole.body.len() - 4 {
        let cut = typed("multipart/form-data; boundary=b", whole.body.slice(..end));
        assert_eq!(problem(&cut).code, Code::InvalidForm, "{end}");
    }
    let many = "\r\nx-y: z".repeat(33);
    for bad in [
        form(&[("x", "1")]),
        form(&[(&format!("name={}", "n".repeat(257)), "1")]),
        form(&[(&format!("name=a\r\nx: {}", "y".repeat(9000)), "1")]),
        form(&[(&format!("name=a{many}"), "1")]),
        form(&[("name=a\r\nnot a header", "1")]),
        form(&[("name=a\r\nContent-Type: text/plain; charset=latin1", "1")]),
        typed("multipart/form-data", "x"),
        typed("multipart/form-data; boundary=b", ""),
        typed(
            "multipart/form-data; boundary=b",
            &b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--b--"[..],
        ),
    ] {
        assert_eq!(problem(&bad).code, Code::InvalidForm, "{bad:?}");
    }
}
