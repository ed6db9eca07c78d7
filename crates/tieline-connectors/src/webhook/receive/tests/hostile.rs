//! Bodies that were made to be taken for something else, or to cost more than they weigh.

use super::*;

/// What n8n took for an upload (CVE-2026-21858): JSON in the shape of its parser's result.
const FILE_SHAPED: &str = r#"{"files":[{"field":"data","name":"x","path":"/etc/passwd","filepath":"/etc/passwd","content_type":"image/png","size":1,"content":"eA==","url":"file:///etc/passwd","id":"0","sha256":""}],"body":{"_parts":1}}"#;

fn form(parts: &[(&str, &str)]) -> Verified {
    let parts = parts.iter().map(|(headers, content)| {
        format!("--b\r\nContent-Disposition: form-data; {headers}\r\n\r\n{content}\r\n")
    });
    let body = format!("{}--b--\r\n", parts.collect::<String>());
    typed("multipart/form-data; boundary=b", body)
}

#[test]
fn json_in_the_shape_of_a_file_is_data() {
    for content_type in [
        "application/json",
        "application/vnd.files+json",
        "application/json; boundary=b",
        "application/json; charset=\"multipart/form-data\"",
    ] {
        let event = event(&typed(content_type, FILE_SHAPED));
        assert_eq!(event.input, FILE_SHAPED, "{content_type}");
        assert!(event.files.is_empty(), "{content_type}");
    }
    let encoded = "files=%5B%7B%22filepath%22%3A%22%2Fetc%2Fpasswd%22%7D%5D&files%5B0%5D.path=%2Fx";
    let event = event(&typed("application/x-www-form-urlencoded", encoded));
    assert_eq!(
        input(&event),
        json!({ "files": r#"[{"filepath":"/etc/passwd"}]"#, "files[0].path": "/x" })
    );
    assert!(event.files.is_empty());
}

#[test]
fn a_part_named_files_makes_no_file_but_of_its_own_bytes() {
    let event = event(&form(&[
        ("name=\"files\"", FILE_SHAPED),
        ("name=\"files[0][filepath]\"", "/etc/passwd"),
        (
            "name=\"files\"\r\nContent-Type: application/json",
            FILE_SHAPED,
        ),
        (
            "name=\"files\"; filename=\"/etc/passwd\"\r\nContent-Type: text/plain\r\nContent-Location: /etc/shadow",
            "mine",
        ),
    ]));
    assert_eq!(
        input(&event),
        json!({ "files": FILE_SHAPED, "files[0][filepath]": "/etc/passwd" })
    );
    let files: Vec<_> = event
        .files
        .iter()
        .map(|file| (file.name.as_deref(), &file.content[..]))
        .collect();
    assert_eq!(
        files,
        [(None, FILE_SHAPED.as_bytes()), (Some("passwd"), b"mine")]
    );
}

#[test]
fn the_content_type_alone_decides_and_there_is_one() {
    // Nothing is guessed from the bytes.
    let multipart = form(&[("name=f; filename=x", "1")]).body;
    for content_type in [
        "application/pdf",
        "text/html",
        "application/xml",
        "application/yaml",
    ] {
        let event = event(&typed(content_type, multipart.clone()));
        assert_eq!((&event.input[..], event.files.len()), (&b"null"[..], 1));
        assert_eq!(event.files[0].content, multipart);
    }
    assert_eq!(
        problem(&typed("application/json", multipart.clone())).code,
        Code::InvalidJson
    );
    for (first, second) in [
        ("application/json", "multipart/form-data; boundary=b"),
        ("multipart/form-data; boundary=b", "application/json"),
        ("application/json", "application/json"),
        ("text/plain", ""),
    ] {
        let twice = request(
            &[("content-type", first), ("content-type", second)],
            multipart.clone(),
        );
        assert_eq!(problem(&twice).code, Code::BadRequest, "{first}, {second}");
    }
    for odd in [
        "application/json, multipart/form-data; boundary=b",
        "application/json multipart/form-data",
        "application/json\u{a0}",
        "/json",
        "application/",
        "application/json/../form-data",
    ] {
        let code = problem(&typed(odd, multipart.clone())).code;
        assert_eq!(code, Code::UnsupportedMediaType, "{odd}");
    }
}

#[test]
fn nothing_in_a_body_or_a_head_names_what_is_the_hubs() {
    let control = r#"{"agent":"other","agents":["other"],"connector":"other","mode":"sync","trust":"verified","session":"s","url":"http://127.0.0.1/","callback":{"url":"http://127.0.0.1/"},"event_id":"0","run_id":"0","dedupe":"d","settings":{"auth":"none"},"mapping":{},"when":"true","priority":"high","__proto__":{"admin":true},"constructor":{}}"#;
    let headers = [
        ("content-type", "application/json"),
        ("x-tieline-agent", "other"),
        ("x-tieline-mode", "sync"),
        ("x-agent", "other"),
        ("agent", "other"),
        ("x-callback-url", "http://127.0.0.1/"),
        ("x-tieline-trust", "verified"),
        ("x-tieline-session", "s"),
    ];
    let mut sent = request(&headers, control);
    sent.query = "agent=other&mode=sync&url=http://127.0.0.1/&dedupe=d&trust=verified".to_owned();
    let event = event(&sent);
    assert_eq!(event.input, control);
    assert_eq!((&event.dedupe, event.files.len()), (&None, 0));
    let kept = json!({ "headers": {
        "agent": "other",
        "content-type": "application/json",
        "x-agent": "other",
        "x-callback-url": "http://127.0.0.1/",
    } });
    assert_eq!(meta_of(&event), kept);
}

#[test]
fn file_names_that_lead_elsewhere_are_display_text() {
    for (disposition, kept) in [
        ("name=f; filename=\"../../x\"", Some("x")),
        ("name=f; filename=\"..\\..\\x\"", Some("x")),
        ("name=f; filename=\"/etc/cron.d/x\"", Some("x")),
        (r#"name=f; filename="C:\x""#, Some("x")),
        (r#"name=f; filename="C:x""#, Some("C:x")),
        (r#"name=f; filename="\\\\server\\share\\x""#, Some("x")),
        (r#"name=f; filename="//server/share/x""#, Some("x")),
        ("name=f; filename=\"..\"", None),
        ("name=f; filename=\"...\"", None),
        ("name=f; filename=\"/\"", None),
        ("name=f; filename*=UTF-8''..%2F..%2Fx", Some("x")),
        ("name=f; filename*=UTF-8''..%5C..%5Cx", Some("x")),
        ("name=f; filename*=UTF-8''a%00.exe", Some("a.exe")),
        (
            "name=f; filename*=UTF-8''a%0D%0AX-Evil:%201",
            Some("aX-Evil: 1"),
        ),
        ("name=f; filename*=UTF-8''%E2%80%AEgnp.exe", Some("gnp.exe")),
        (
            "name=f; filename*=UTF-8''%FF%FEx",
            Some("\u{fffd}\u{fffd}x"),
        ),
        ("name=f; filename*=nonsense", Some("nonsense")),
        // The plain one counts where both are there.
        ("name=f; filename=a; filename*=UTF-8''..%2Fb", Some("a")),
    ] {
        let event = event(&form(&[(disposition, "content")]));
        let [file] = &event.files[..] else {
            panic!("{disposition}: {event:?}")
        };
        assert_eq!(file.name.as_deref(), kept, "{disposition}");
        assert_eq!(&file.content[..], b"content", "{disposition}");
    }
}

#[test]
fn forms_that_would_cost_much_are_cut_off_early() {
    let many = form(&vec![("name=a", ""); 100_000]);
    assert_eq!(problem(&many).code, Code::TooManyParts);
    let no_end = many.body.slice(..many.body.len() - 5);
    let no_end = typed("multipart/form-data; boundary=b", no_end);
    assert_eq!(problem(&no_end).code, Code::TooManyParts);
    let lines = "--b\r\n".repeat(100_000);
    let never = typed("multipart/form-data; boundary=b", "x".repeat(1 << 20));
    let blank = typed("multipart/form-data; boundary=b", "\r\n".repeat(1 << 19));
    let lines = typed("multipart/form-data; boundary=b", lines);
    for bad in [&never, &blank, &lines] {
        assert_eq!(problem(bad).code, Code::InvalidForm);
    }
    // A form within a form is a file, and nobody looks inside.
    let inner = "--c\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--c--\r\n";
    let nested = event(&form(&[(
        "name=f\r\nContent-Type: multipart/mixed; boundary=c",
        inner,
    )]));
    assert_eq!((&nested.input[..], nested.files.len()), (&b"{}"[..], 1));
    assert_eq!(&nested.files[0].content[..], inner.as_bytes());
    // Neither is the content of a part decoded.
    let base64 = event(&form(&[(
        "name=f; filename=x\r\nContent-Transfer-Encoding: base64\r\nContent-Encoding: gzip",
        "eA==",
    )]));
    assert_eq!(&base64.files[0].content[..], b"eA==");
}

#[test]
fn duplicate_members_are_refused_where_the_hub_reads_them() {
    for (content_type, body) in [
        (
            "application/cloudevents+json",
            r#"{"specversion":"1.0","id":"1","id":"2","source":"s","type":"t"}"#,
        ),
        (
            "application/cloudevents+json",
            r#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":1,"data":2}"#,
        ),
        (
            "application/cloudevents-batch+json",
            r#"[{"specversion":"1.0","id":"1","source":"a","source":"b","type":"t"}]"#,
        ),
    ] {
        let code = problem(&typed(content_type, body)).code;
        assert_eq!(code, Code::InvalidCloudEvent, "{body}");
    }
    let twice = request(&[("idempotency-key", "a"), ("idempotency-key", "b")], "");
    assert_eq!(problem(&twice).code, Code::BadRequest);
    // What is data stays as it was sent: agents get every byte of it.
    let data =
        r#"{"id":1,"id":2,"n":123456789012345678901234567890.10,"e":1e9999,"half":"\ud83d"}"#;
    assert_eq!(event(&typed("application/json", data)).input, data);
    let wide = format!("{{{}\"z\":1}}", "\"k\":1,".repeat(1_000_000));
    assert_eq!(event(&typed("application/json", wide.clone())).input, wide);
}
