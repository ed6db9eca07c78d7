//! What becomes of texts, good and bad.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn value(text: &str) -> Value {
    Document::parse("a.yaml", text)
        .expect("the text is good")
        .value
}

/// The diagnostics of a bad text, one after the other.
fn said(text: &str) -> String {
    let diagnostics = Document::parse("a.yaml", text).expect_err("the text is bad");
    let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

#[test]
fn scalars_follow_the_core_schema_of_yaml_1_2() {
    for (text, wanted) in [
        ("yes", json!("yes")),
        ("no", json!("no")),
        ("on", json!("on")),
        ("off", json!("off")),
        ("NO", json!("NO")),
        ("true", json!(true)),
        ("False", json!(false)),
        ("~", Value::Null),
        ("null", Value::Null),
        ("014", json!(14)),
        ("0o14", json!(12)),
        ("0xfF", json!(255)),
        ("-7", json!(-7)),
        ("+7", json!(7)),
        ("1_000", json!("1_000")),
        ("1e3", json!(1000.0)),
        (".5", json!(0.5)),
        ("1.", json!(1.0)),
        ("1.2.3", json!("1.2.3")),
        ("1:30", json!("1:30")),
        ("2026-01-01", json!("2026-01-01")),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("30s", json!("30s")),
        ("'5'", json!("5")),
        ("!!str 5", json!("5")),
        ("! 5", json!("5")),
        ("e5", json!("e5")),
        (".", json!(".")),
    ] {
        assert_eq!(value(text), wanted, "{text}");
    }
}

#[test]
fn json_is_yaml() {
    let text = "{\n\t\"a\": [1, null, {\"b\": \"\\u00e9\\/\"}],\n\t\"c\": 1e2, \"d\": {}\n}";
    assert_eq!(
        value(text),
        json!({"a": [1, null, {"b": "é/"}], "c": 100.0, "d": {}})
    );
}

#[test]
fn an_empty_text_is_nothing() {
    assert_eq!(value(""), Value::Null);
    assert_eq!(value("# only a comment\n"), Value::Null);
}

#[test]
fn fields_and_items_know_where_they_stand() {
    let text = "agents:\n  - name: a\n    deep: { x: 1,\n      y: [2, 3] }\n";
    let document = Document::parse("a.yaml", text).unwrap();
    for (path, place) in [
        ("agents", "1:1"),
        ("agents[0]", "2:5"),
        ("agents[0].name", "2:5"),
        ("agents[0].deep", "3:5"),
        ("agents[0].deep.x", "3:13"),
        ("agents[0].deep.y[1]", "4:14"),
        ("agents[0].missing.deeper", "2:5"),
        ("missing", "1:1"),
        ("", "1:1"),
    ] {
        assert_eq!(
            document.position(path).to_string(),
            format!("a.yaml:{place}"),
            "{path}"
        );
    }
}

#[test]
fn anchors_repeat_whole_values() {
    let text = "a: &x { k: 1 }\nb: *x\nc: [*x, *x]\n";
    assert_eq!(
        value(text),
        json!({"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}, {"k": 1}]})
    );
    let document = Document::parse("a.yaml", text).unwrap();
    assert_eq!(document.position("b").to_string(), "a.yaml:2:1");
    assert_eq!(document.position("b.k").to_string(), "a.yaml:1:9");
}

#[test]
fn what_could_surprise_is_refused() {
    for (text, wanted) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "a.yaml:3:1: this field stands here twice, first at 1:1\n  fix: keep one of them",
        ),
        (
            "base: &b { x: 1 }\nother:\n  <<: *b\n",
            "a.yaml:3:3: merge keys (`<<`) are not supported\n  fix: write the fields out, or use \
             an anchor for a whole value",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "a.yaml:2:1: a second document begins here\n  fix: put each document in a file of \
             its own",
        ),
        (
            "a: !mine 1\n",
            "a.yaml:1:10: tags of one's own are not supported\n  fix: write the value without one",
        ),
        (
            "a: 123456789012345678901\n",
            "a.yaml:1:4: the number is too large to be kept exactly\n  fix: put it in quotes",
        ),
        (
            "a: .inf\n",
            "a.yaml:1:4: the number is not finite\n  fix: put it in quotes",
        ),
        (
            "? [a, b]\n: 1\n",
            "a.yaml:1:3: a field's name is not a text\n  fix: write a plain name",
        ),
        (
            "a: &x [*x]\n",
            "a.yaml:1:8: an alias stands inside its own anchor\n  fix: write the value out",
        ),
    ] {
        assert_eq!(said(text), wanted, "{text}");
    }
}

#[test]
fn bad_syntax_has_its_place() {
    for (text, place) in [
        ("a: [1, 2\nb: 3\n", "a.yaml:2:"),
        ("a: \"open\n", "a.yaml:"),
        ("a:\n\t- tab\n", "a.yaml:2:"),
        ("a: *unknown\n", "a.yaml:1:4"),
    ] {
        let said = said(text);
        assert!(said.starts_with(place), "{said}");
        assert!(said.contains("cannot be read as YAML: "), "{said}");
    }
}

#[test]
fn a_bare_replacement_in_a_list_is_explained() {
    let said = said("secret: [${A}, ${B}]\n");
    assert!(
        said.ends_with("\n  fix: put `${…}` in quotes inside of `[…]` and `{…}`"),
        "{said}"
    );
}

#[test]
fn several_mistakes_are_said_at_once() {
    assert_eq!(
        said("a: 1\na: 2\nb: .nan\nc: !x y\n")
            .matches("  fix: ")
            .count(),
        3
    );
}

#[test]
fn documents_are_bounded() {
    assert!(said(&" ".repeat(LENGTH_MAX + 1)).contains("longer than 4 MiB"));
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(Document::parse("a.yaml", &deep(DEPTH_MAX)).is_ok());
    assert!(said(&deep(DEPTH_MAX + 1)).contains("64 levels"));
    assert!(said(&deep(100_000)).contains("cannot be read as YAML"));
    assert!(said(&"- - ".repeat(200)).contains("64 levels"));
    // A bomb: each line stands for nine of the one before.
    let line = |n: u32, before: &str| format!("a{n}: &a{n} [{}]\n", [before; 9].join(", "));
    let lines = (1..10).map(|n| line(n, &format!("*a{}", n - 1)));
    let bomb = line(0, "x") + &lines.collect::<Vec<_>>().concat();
    assert!(said(&bomb).contains("100000 values"));
    // A chain of aliases cannot nest deeper than text can.
    let links = (1..100).map(|n| format!("a{n}: &a{n} [*a{}]", n - 1));
    let chain = format!("a0: &a0 []\n{}\n", links.collect::<Vec<_>>().join("\n"));
    assert!(said(&chain).contains("64 levels"));
    let wide = format!("[{}]", "x,".repeat(NODES_MAX));
    assert!(said(&wide).contains("100000 values"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[-a-z0-9:{}\\[\\],&*!|>'\"#%@`?~<. \\n\\t\\\\é\u{feff}]{0,120}") {
        if let Ok(document) = Document::parse("a.yaml", &text) {
            document.position("a.b[0]");
        }
    }

    #[test]
    fn any_json_is_read_as_it_is(text in "\\PC{0,40}", number in any::<i64>()) {
        let wanted = json!({"a": [text, number, true, null], "b": {"c": text}});
        prop_assert_eq!(value(&wanted.to_string()), wanted);
    }
}
