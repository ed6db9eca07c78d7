use serde_json::{Value, json};
use tieline_contract::Verdict;
use uuid::Uuid;

use super::*;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn result() -> RunResult {
    RunResult {
        run_id: RunId::from_uuid(id(1)),
        agent_name: Name::new("my-agent").unwrap(),
        status: RunState::Completed,
        output: Some(Bytes::from_static(br#""Agent response""#)),
        error: None,
        event_id: EventId::from_uuid(id(2)),
        connector: Name::new("orders").unwrap(),
        started_at: Some(Timestamp::from_millis(0)),
        ended_at: Timestamp::from_millis(1500),
        attempt: 1,
        usage: None,
    }
}

fn render(settings: BodySettings, result: &RunResult) -> Result<String, Fault> {
    let mut problems = Problems::default();
    let format = BodyFormat::new(settings, &mut problems);
    assert!(problems.is_empty(), "{problems}");
    format
        .render(result)
        .map(|body| String::from_utf8(body.to_vec()).unwrap())
}

fn template(source: &str, result: &RunResult) -> Result<String, Fault> {
    render(BodySettings::Template(source.to_owned()), result)
}

#[test]
fn the_full_body_has_the_fields_of_the_contract_in_its_order() {
    let expected = concat!(
        r#"{"run_id":"00000000-0000-0000-0000-000000000001","agent_name":"my-agent","#,
        r#""status":"completed","output":"Agent response","type":"run.completed","error":null,"#,
        r#""event_id":"00000000-0000-0000-0000-000000000002","connector":"orders","#,
        r#""started_at":"1970-01-01T00:00:00.000Z","ended_at":"1970-01-01T00:00:01.500Z","#,
        r#""attempt":1,"usage":null}"#
    );
    assert_eq!(render(BodySettings::Full, &result()).unwrap(), expected);
}

#[test]
fn output_and_usage_go_out_as_the_agent_wrote_them() {
    let result = RunResult {
        output: Some(Bytes::from_static(
            b"{ \"z\":1e9999, \"a\" :[12345678901234567890123] }",
        )),
        usage: Some(Bytes::from_static(b"{\"tokens\":1.0}")),
        ..result()
    };
    let body = render(BodySettings::Full, &result).unwrap();
    assert!(
        body.contains(r#""output":{ "z":1e9999, "a" :[12345678901234567890123] },"#),
        "{body}"
    );
    assert!(body.ends_with(r#""usage":{"tokens":1.0}}"#), "{body}");
}

#[test]
fn the_type_and_the_error_say_how_it_ended() {
    for (status, kind) in [
        (RunState::Failed, "run.failed"),
        (RunState::Cancelled, "run.cancelled"),
    ] {
        let result = RunResult {
            status,
            output: None,
            error: Some(RunError::new("agent-failed", "it broke")),
            started_at: None,
            ..result()
        };
        let body: Value =
            serde_json::from_str(&render(BodySettings::Full, &result).unwrap()).unwrap();
        assert_eq!(body["type"], kind);
        assert_eq!(body["output"], Value::Null);
        assert_eq!(body["started_at"], Value::Null);
        assert_eq!(
            body["error"],
            json!({ "code": "agent-failed", "message": "it broke" })
        );
    }
}

#[test]
fn the_thin_body_carries_nothing_that_the_agent_said() {
    let body = render(BodySettings::Thin, &result()).unwrap();
    let expected = concat!(
        r#"{"run_id":"00000000-0000-0000-0000-000000000001","agent_name":"my-agent","#,
        r#""status":"completed","type":"run.completed","#,
        r#""event_id":"00000000-0000-0000-0000-000000000002","connector":"orders"}"#
    );
    assert_eq!(body, expected);
}

#[test]
fn a_template_has_the_fields_of_the_full_body() {
    let source = "{\"text\": {{ (agent_name ~ \": \" ~ output) | tojson }}, \"n\": {{ attempt }}}";
    let result = RunResult {
        output: Some(Bytes::from_static(br#""say \"<hi>\"\nline""#)),
        ..result()
    };
    let body: Value = serde_json::from_str(&template(source, &result).unwrap()).unwrap();
    assert_eq!(
        body,
        json!({ "text": "my-agent: say \"<hi>\"\nline", "n": 1 })
    );
    assert_eq!(
        template("{{ output }}", &result).unwrap(),
        "say \"<hi>\"\nline"
    );
}

#[test]
fn a_template_that_fails_ends_the_delivery() {
    let large = Bytes::from(format!("\"{}\"", "x".repeat(1 << 20)));
    let result = RunResult {
        output: Some(large),
        ..result()
    };
    for source in [
        "{{ no_such_field }}",
        "{{ output.missing.deeper }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{% for a in range(99) %}{{ output }}{% endfor %}",
    ] {
        let fault = template(source, &result).unwrap_err();
        assert_eq!(
            (fault.verdict, fault.error.code.as_str()),
            (Verdict::Never, "template-failed")
        );
        assert!(fault.error.message.len() < 500, "{}", fault.error.message);
    }
}

#[test]
fn a_result_of_too_many_values_is_not_taken_apart_for_a_template() {
    let list = |count: usize| format!("[{}0]", "0,".repeat(count));
    let of = |count| RunResult {
        output: Some(list(count).into()),
        ..result()
    };
    assert_eq!(
        template("{{ output | length }}", &of(99_999)).unwrap(),
        "100000"
    );
    let fault = template("x", &of(1_000_000)).unwrap_err();
    assert_eq!(
        (fault.verdict, fault.error.code.as_str()),
        (Verdict::Never, "template-failed")
    );
    assert!(
        fault.error.message.contains("262144 values"),
        "{}",
        fault.error.message
    );
}

#[test]
fn an_output_that_is_no_json_is_never_sent() {
    let result = RunResult {
        output: Some(Bytes::from_static(b"{")),
        ..result()
    };
    let fault = render(BodySettings::Full, &result).unwrap_err();
    assert_eq!(
        (fault.verdict, fault.error.code.as_str()),
        (Verdict::Never, "output-invalid")
    );
}
