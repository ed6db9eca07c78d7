//! What the walk says about settings of every shape that schemars makes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tieline_model::quantity::{ByteSize, Span};
use tieline_model::{Name, Secret};

use super::*;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
struct Sample {
    /// Where to go.
    url: String,
    #[serde(default)]
    timeout: Option<Span>,
    #[serde(default)]
    max_body: Option<ByteSize>,
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    tries: Option<u32>,
    #[serde(default)]
    colour: Option<Colour>,
    #[serde(default)]
    scheme: Option<Scheme>,
    #[serde(default)]
    shape: Option<Shape>,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    #[serde(default)]
    from: Vec<Name>,
    #[serde(default)]
    verbose: bool,
    #[serde(default)]
    token: Option<Secret>,
    #[serde(default)]
    #[schemars(with = "Either")]
    either: Value,
}

/// What the schema of one or several looks like.
struct Either;

impl JsonSchema for Either {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Either".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<Secret>();
        schemars::json_schema!({ "anyOf": [secret, { "type": "array", "items": secret }] })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Colour {
    /// Like blood.
    Red,
    /// Like the sky.
    Blue,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
enum Scheme {
    Hmac { header: String, tolerance: Span },
    None,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "the fields are there for their schema")]
enum Shape {
    Plain,
    Ring { radius: f64 },
    Box(Sides),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
struct Sides {
    a: u32,
    b: u32,
}

impl Settings for Sample {
    fn check(&self, problems: &mut Problems) {
        if !self.url.starts_with("http") {
            problems.add("url", "is no address");
        }
    }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

/// The problems, one a line: `path: message (fix)`.
fn said(value: Value) -> String {
    match decode::<Sample>(&map(value)) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string().replace("; ", "\n"),
    }
}

#[test]
fn good_settings_of_every_shape_are_read() {
    for value in [
        json!({"url": "https://a"}),
        json!({"url": "https://a", "timeout": "30s", "max_body": "1MiB", "tries": 3}),
        json!({"url": "https://a", "timeout": null, "colour": null, "scheme": null}),
        json!({"url": "https://a", "colour": "red", "scheme": {"kind": "none"}}),
        json!({"url": "https://a", "scheme": {"kind": "hmac", "header": "x", "tolerance": "5m"}}),
        json!({"url": "https://a", "shape": "plain"}),
        json!({"url": "https://a", "shape": {"ring": {"radius": 1}}}),
        json!({"url": "https://a", "shape": {"box": {"a": 1, "b": 2}}}),
        json!({"url": "https://a", "headers": {"X-Key": "k"}, "from": ["a", "b"]}),
    ] {
        assert_eq!(said(value.clone()), "", "{value}");
    }
}

#[test]
fn all_problems_come_at_once_each_with_its_path_and_its_fix() {
    let bad = json!({
        "ulr": "https://a", "timeout": "5x", "max_body": 10, "tries": 11, "colour": "rad",
        "scheme": {"kind": "hmac", "headr": "x"}, "shape": {"box": {"a": "1", "b": -2}},
        "headers": {"A": 5}, "from": ["ok", "Not"], "verbose": "yes", "token": ""
    });
    let wanted = "\
ulr: unknown field (did you mean `url`?)
timeout: is no duration (write a duration as a number and a unit: `500ms`, `30s`, `5m`, `2h`, `3d`)
max_body: expected a size, found a whole number (write it with a unit, as in `10MiB`)
tries: is too large (write at most 10)
colour: is none of the known values (did you mean `red`?)
scheme.headr: unknown field (did you mean `header`?)
scheme.header: is missing (add `header: …`)
scheme.tolerance: is missing (add `tolerance: 30s`)
shape.box.a: expected a whole number, found a text (write it without quotes)
shape.box.b: is too small (write at least 0)
headers.A: expected a text, found a whole number (put it in quotes)
from[1]: is no name (write 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or a digit)
verbose: expected `true` or `false`, found a text (write `true` or `false`)
token: is empty (write 1 character or more)
url: is missing (add `url: …`)";
    assert_eq!(said(bad), wanted);
}

#[test]
fn alternatives_are_judged_by_what_was_meant() {
    for (bad, wanted) in [
        (
            json!({"scheme": {"kind": "hmca"}}),
            "scheme.kind: is none of the known values (did you mean `hmac`?)",
        ),
        (
            json!({"scheme": {}}),
            "scheme.kind: is missing (write one of `hmac`, `none`)",
        ),
        (
            json!({"scheme": "hmac"}),
            "scheme: expected fields, found a text (write fields)",
        ),
        (
            json!({"shape": 5}),
            "shape: expected a text or fields, found a whole number (write a text or fields)",
        ),
        (
            json!({"shape": {"ring": {"radius": "x"}}}),
            "shape.ring.radius: expected a number, found a text (write a number)",
        ),
        (
            json!({"shape": "plian"}),
            "shape: is none of the known values (did you mean `plain`?)",
        ),
        (
            json!({"colour": 5}),
            "colour: expected a text, found a whole number (write one of `red`, `blue`)",
        ),
        (
            json!({"from": "orders"}),
            "from: expected a list, found a text (write it as a list, as in `[…]`)",
        ),
    ] {
        let mut value = map(bad);
        value.insert("url".to_owned(), json!("https://a"));
        assert_eq!(said(Value::Object(value)), wanted);
    }
}

#[test]
fn what_the_schema_cannot_express_is_checked_after_it() {
    assert_eq!(said(json!({"url": "ftp://a"})), "url: is no address");
    assert_eq!(
        said(json!({"url": "ftp://a", "tries": 0})),
        "tries: is too small (write at least 1)"
    );
}

#[test]
fn problems_never_repeat_a_text() {
    let canary = "canary-4711";
    let bad = json!({
        "url": "https://a", "timeout": canary, "max_body": canary, "tries": canary,
        "colour": canary, "scheme": {"kind": canary}, "shape": canary, "headers": canary,
        "from": canary, "verbose": canary, "token": {"x": canary}
    });
    let said = said(bad);
    assert_eq!(said.lines().count(), 10, "{said}");
    assert!(!said.contains(canary), "{said}");
}

#[test]
fn fields_beside_the_schema_are_suggested_too() {
    let schema = schema_of::<Sample>();
    let value = json!({"url": "https://a", "concurency": 8});
    let mut problems = Problems::default();
    walk_beside(&schema, &value, &["concurrency"], &mut problems);
    assert_eq!(
        problems.to_string(),
        "concurency: unknown field (did you mean `concurrency`?)"
    );
}

#[test]
fn secrets_are_hidden_wherever_they_stand() {
    let schema = schema_of::<Sample>();
    let value = json!({
        "url": "https://a", "token": "t", "headers": {"A": "a", "B": "b"}, "timeout": null
    });
    let shown = json!({
        "url": "https://a", "token": "***", "headers": {"A": "***", "B": "***"}, "timeout": null
    });
    assert_eq!(redact(&schema, &value), shown);
    assert_eq!(
        secret_paths(&schema, &value),
        ["headers.A", "headers.B", "token"]
    );
}

/// With an address, as sinks and runtimes have one.
#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Addressed {
    /// Where to.
    #[schemars(extend("format" = "uri"))]
    url: String,
}

impl Settings for Addressed {
    fn check(&self, _: &mut Problems) {}
}

#[test]
fn the_query_of_an_address_is_not_shown_and_what_is_shown_is_not_taken() {
    let schema = schema_of::<Addressed>();
    for (written, shown) in [
        ("https://a/b?token=t&x=1", "https://a/b?***"),
        ("https://a/b?", "https://a/b?***"),
        ("https://a/b", "https://a/b"),
        ("a?b?c", "a?***"),
    ] {
        let value = json!({ "url": written });
        assert_eq!(redact(&schema, &value), json!({ "url": shown }));
        assert!(secret_paths(&schema, &value).is_empty());
        let problems_of = |url: &str| {
            let mut problems = Problems::default();
            walk(&schema, &json!({ "url": url }), &mut problems);
            problems.to_string()
        };
        assert_eq!(problems_of(written), "", "{written}");
        if shown.ends_with('*') {
            assert!(
                problems_of(shown).contains("url: is an address as it is shown"),
                "{shown}"
            );
        }
    }
    assert_eq!(redact(&schema, &json!({ "url": 1 })), json!({ "url": 1 }));
}

#[test]
fn secrets_among_alternatives_are_hidden_each_by_itself() {
    let schema = schema_of::<Sample>();
    for (value, shown, paths) in [
        (json!("a"), json!("***"), vec!["either"]),
        (
            json!(["a", "b"]),
            json!(["***", "***"]),
            vec!["either[0]", "either[1]"],
        ),
        (json!({"a": "b"}), json!("***"), vec!["either"]),
    ] {
        let value = json!({ "either": value });
        assert_eq!(redact(&schema, &value), json!({ "either": shown }));
        assert_eq!(secret_paths(&schema, &value), paths);
    }
}

#[test]
fn what_stands_in_for_a_secret_is_not_taken_for_one() {
    assert_eq!(
        said(json!({"url": "https://a", "token": "***"})),
        "token: is what stands in for a hidden secret (write the secret itself, or leave the \
         field out)"
    );
}

#[test]
fn only_near_names_are_suggested() {
    let known = ["inbound", "outbound", "sync"];
    for (name, wanted) in [
        ("inbond", Some("inbound")),
        ("Sync", Some("sync")),
        ("snyc", Some("sync")),
        ("webhook", None),
        ("", None),
    ] {
        assert_eq!(nearest(name, known), wanted, "{name}");
    }
    assert_eq!(nearest(&"x".repeat(1 << 20), known), None);
}
