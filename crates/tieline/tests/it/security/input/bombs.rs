//! Small bodies that would be large, deep or slow inside.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::to;
use crate::http::Request;
use crate::hub::{Place, Process, SECRET, run, tieline};

/// How much the hub may grow by all of it.
const GROWTH: u64 = 32 << 20;

fn hub() -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [echo] }}
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
  - {{ name: choosy, type: webhook, mode: sync, secret: "{SECRET}", settings: {{ timeout: 5s }}, agents: [{{ agent: echo, when: "input.s.matches('^(a+)+$') || input.l.all(x, x in input.l)", on_error: skip }}] }}
"#
    ));
    let hub = place.start();
    (place, hub)
}

/// Deflate by hand (RFC 1951, fixed codes), in gzip (RFC 1952): a zero, then itself again and again,
/// 258 bytes by 13 bits.
fn gzip_bomb(bytes: usize) -> Vec<u8> {
    let (mut out, mut bits, mut filled) = (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], 0_u32, 0);
    let mut put = |code: u32, length: u32, out: &mut Vec<u8>| {
        // Huffman codes come most significant bit first.
        for at in (0..length).rev() {
            bits |= ((code >> at) & 1) << filled;
            filled += 1;
            if filled == 8 {
                out.push(u8::try_from(bits).unwrap());
                (bits, filled) = (0, 0);
            }
        }
    };
    put(0b1, 1, &mut out);
    put(0b10, 2, &mut out);
    put(0b0011_0000, 8, &mut out);
    while out.len() < bytes {
        put(0b1100_0101, 8, &mut out);
        put(0, 5, &mut out);
    }
    put(0, 7, &mut out);
    put(0, 7, &mut out);
    out
}

/// T32: half a gigabyte of zeros, in every coding that there is a name for.
#[test]
fn compressed_bodies_are_refused_and_never_unpacked() {
    let (_place, hub) = hub();
    let bomb = gzip_bomb(3 << 20);
    let before = hub.resident();
    for encoding in [
        "gzip",
        "GZIP",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "gzip, gzip, gzip",
        "identity, gzip",
        "nonsense",
    ] {
        for connector in ["ask", "orders"] {
            let request = to(connector).header("Content-Encoding", encoding);
            let answer = hub.send(&request.body("application/json", bomb.clone()));
            assert_eq!(
                answer.expect_problem(415),
                "unsupported-encoding",
                "{encoding}"
            );
        }
    }
    // Said in two headers, or as a transfer coding, it is the same.
    let twice = to("ask")
        .header("Content-Encoding", "identity")
        .header("Content-Encoding", "gzip");
    assert_eq!(
        hub.send(&twice.body("text/plain", bomb.clone())).status,
        415
    );
    let mut stream = TcpStream::connect(hub.address).unwrap();
    write!(
        stream,
        "POST /c/ask HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nX-Tieline-Secret: {SECRET}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    )
    .unwrap();
    write!(stream, "{:x}\r\n", bomb.len()).unwrap();
    stream.write_all(&bomb).unwrap();
    stream.write_all(b"\r\n0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(hub.count("/v1/events"), 0);
    // Not said at all, it is a file, and stays one.
    let file = hub
        .send(&to("ask").body("application/gzip", bomb.clone()))
        .expect(200);
    assert_eq!(file["result"]["status"], "completed");
    let events = hub.get("/v1/events");
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
    let grown = hub.resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes");
}

/// T33: what a form could cost.
#[test]
fn forms_without_end_or_measure_are_refused() {
    let (_place, hub) = hub();
    let part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
    let many = part.repeat(100_000);
    let headers = format!(
        "--b\r\nContent-Disposition: form-data; name=a\r\n{}\r\n1\r\n--b--\r\n",
        "X-A: b\r\n".repeat(10_000)
    );
    // What holding so many bytes costs, before anybody looks for parts in them.
    for _ in 0..4 {
        let request = to("orders").body("application/json", many.clone());
        assert_eq!(hub.send(&request).expect_problem(400), "invalid-json");
    }
    let before = hub.resident();
    let begun = Instant::now();
    for (body, status, code) in [
        (many.clone(), 413, "too-many-parts"),
        (format!("{many}--b--\r\n"), 413, "too-many-parts"),
        (part.to_owned(), 400, "invalid-form"),
        ("x".repeat(4 << 20), 400, "invalid-form"),
        ("--b\r\n".repeat(500_000), 400, "invalid-form"),
        (headers, 400, "invalid-form"),
    ] {
        let request = to("orders").body("multipart/form-data; boundary=b", body);
        let answer = hub.send(&request);
        assert_eq!(
            (answer.expect_problem(status).as_str()),
            code,
            "{}",
            answer.text()
        );
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(hub.count("/v1/events"), 0);
    let grown = hub.resident().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes");
}

/// T34.
#[test]
fn json_that_is_deep_wide_or_odd_ends_nothing() {
    let (_place, hub) = hub();
    let deep = "[".repeat(100_000);
    for (body, code) in [
        (deep.clone(), "too-deep"),
        (deep + &"]".repeat(100_000), "too-deep"),
        ("{\"a\":".repeat(100_000), "too-deep"),
        ("\u{feff}{}".to_owned(), "invalid-json"),
        ("{} {}".to_owned(), "invalid-json"),
        ("{}\0".to_owned(), "invalid-json"),
        ("[1,]".to_owned(), "invalid-json"),
        ("NaN".to_owned(), "invalid-json"),
        ("-".repeat(1 << 20), "invalid-json"),
        ("\"\\ud8\"".to_owned(), "invalid-json"),
    ] {
        for connector in ["ask", "choosy"] {
            let answer = hub.send(&to(connector).body("application/json", body.clone()));
            assert_eq!(answer.expect_problem(400), code);
        }
    }
    assert_eq!(hub.count("/v1/events"), 0);
    // What is valid stays as it was written, however odd: no number is rounded, no key dropped.
    for body in [
        "123456789012345678901234567890.123456789012345678901234567890",
        "1e9999",
        "-0.0",
        "{\"a\":1,\"a\":2,\"\":{},\"\\u0000\":\"\\ud800\"}",
        "[9007199254740993,18446744073709551616,0.1000]",
    ] {
        let answer = hub.send(&to("ask").body("application/json", body));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let said = format!("\"output\":{body}");
        assert!(answer.text().contains(&said), "{body}: {}", answer.text());
    }
    let wide = format!("{{{}\"z\":1}}", "\"k\":1,".repeat(300_000));
    assert_eq!(
        hub.send(&to("orders").body("application/json", wide))
            .status,
        202
    );
    assert_eq!(hub.send(&Request::get("/readyz")).status, 200);
}

/// T34 and T38: an expression looks at what is not too large for it, and the rest costs nothing.
#[test]
fn expressions_end_soon_whatever_they_are_given() {
    let (_place, hub) = hub();
    let before = hub.resident();
    let begun = Instant::now();
    let evil = format!("{{\"s\":\"{}!\",\"l\":[]}}", "a".repeat(200_000));
    let join = format!("{{\"s\":\"\",\"l\":[{}0]}}", "0,".repeat(4_000));
    let wide = format!("{{\"s\":\"\",\"l\":[{}0]}}", "{},".repeat(600_000));
    for (body, completed) in [
        (evil, true),
        (join, false),
        (wide.clone(), false),
        (wide, false),
        ("{\"s\":\"\\ud800\",\"l\":[]}".to_owned(), false),
        ("{\"s\":1e9999,\"l\":[]}".to_owned(), false),
        ("[]".to_owned(), false),
        ("{\"s\":\"aaaa\",\"l\":[]}".to_owned(), true),
    ] {
        let answer = hub.send(&to("choosy").body("application/json", body));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let filtered = answer.json()["filtered"] == true;
        assert_ne!(filtered, completed, "{}", answer.text());
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let grown = hub.resident().saturating_sub(before);
    assert!(grown < 2 * GROWTH, "{grown} bytes");
    assert_eq!(hub.send(&Request::get("/readyz")).status, 200);
}

/// T35 and T38: a configuration is read by a person's own command, and it ends.
#[test]
fn a_configuration_that_is_a_bomb_is_refused() {
    let laughs = |open: &str, close: &str| {
        let mut text = format!("a0: &a0 {open}x{close}\n");
        for at in 1..12 {
            let before = format!("*a{}, ", at - 1).repeat(9);
            text.extend([
                "a",
                &at.to_string(),
                ": &a",
                &at.to_string(),
                " [",
                &before,
                "]\n",
            ]);
        }
        text
    };
    let with = |when: &str| {
        format!(
            "agents: [{{ name: echo, runtime: echo }}]\nconnectors:\n  - {{ name: a, type: webhook, mode: inbound, agents: [{{ agent: echo, when: {when:?} }}] }}\n"
        )
    };
    for text in [
        laughs("\"", "\""),
        laughs("[", "]"),
        format!("a: {}", "[".repeat(100_000)),
        format!("a: {}", "{a: ".repeat(100_000)),
        "- ".repeat(100_000),
        "a: &a [*a]\n".to_owned(),
        "a: &a { b: *a }\n".to_owned(),
        "a: !!python/object/apply:os.system [id]\n".to_owned(),
        "x: 1\n".repeat(10_000),
        format!("x: {}", "y".repeat(5 << 20)),
        with(&format!("{}true{}", "(".repeat(1000), ")".repeat(1000))),
        with(&format!("{}true", "!".repeat(4000))),
        with(&"x".repeat(5000)),
        with("input.a.all(x, input.b.all(y, input.c.all(z, x + y + z > 0)))"),
        with("input.s.matches(input.p)"),
        with("input.s.matches('((a{1000}){1000}){1000}') && foo()"),
    ] {
        let place = Place::new(&text);
        let begun = Instant::now();
        let (code, stdout, stderr) = run(tieline(&["check"]).arg(place.file()));
        let start: String = text.chars().take(60).collect();
        assert_eq!(code, 1, "{start}: {stdout}{stderr}");
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{start}: {:?}",
            begun.elapsed()
        );
        assert!(!stderr.contains("panicked"), "{start}: {stderr}");
    }
}

/// T35: YAML comes from files only. What comes over the network in it is no document but a file.
#[test]
fn yaml_and_xml_from_outside_are_never_parsed() {
    let (_place, hub) = hub();
    let entity =
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    for (content_type, body) in [
        ("application/yaml", "a: &a [*a]\n"),
        ("text/yaml", "a: &a [*a]\n"),
        ("application/xml", entity),
        ("text/xml", entity),
        ("application/soap+xml", entity),
    ] {
        let answer = hub.send(&to("ask").body(content_type, body)).expect(200);
        assert_eq!(answer["result"]["output"], json!(null), "{content_type}");
    }
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    let parsers: Vec<_> = names
        .map(|name| name.trim_matches('"'))
        .filter(|name| {
            ["xml", "yaml", "granit", "expat", "soap"]
                .iter()
                .any(|word| name.contains(word))
        })
        .collect();
    assert_eq!(
        parsers,
        ["granit-parser"],
        "a parser for documents that nobody asked for"
    );
}
