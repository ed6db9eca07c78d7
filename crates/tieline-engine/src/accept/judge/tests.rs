use super::*;

fn rule(when: &str, session: &str, on_error: OnError) -> Rule {
    let compile =
        |text: &str| (!text.is_empty()).then(|| Arc::new(Expression::compile(text).unwrap()));
    Rule {
        when: compile(when),
        session: compile(session),
        on_error,
    }
}

fn verdict(rule: Rule, input: &str) -> Verdict {
    let facts = [json!({}), json!({"name": "orders"}), json!([])];
    judge_all(&[rule], None, input.as_bytes(), &facts)
        .verdicts
        .remove(0)
}

fn held(verdict: Verdict) -> String {
    match verdict {
        Verdict::Hold(error) => format!("{}: {}", error.code, error.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_condition_decides() {
    let hold = OnError::Hold;
    assert_eq!(
        verdict(rule("input.total > 100", "", hold), r#"{"total":150}"#),
        Verdict::Run(None)
    );
    assert_eq!(
        verdict(rule("input.total > 100", "", hold), r#"{"total":99.5}"#),
        Verdict::Skip
    );
    assert_eq!(
        verdict(rule("connector.name == 'orders'", "", hold), "null"),
        Verdict::Run(None)
    );
}

#[test]
fn a_session_is_the_value_of_its_expression() {
    let session = Verdict::Run(Some("c-1".to_owned()));
    assert_eq!(
        verdict(
            rule("", "input.customer", OnError::Hold),
            r#"{"customer":"c-1"}"#
        ),
        session
    );
}

#[test]
fn an_error_holds_skips_or_runs_as_the_link_says() {
    let missing = "input.total > 100";
    let text = held(verdict(rule(missing, "", OnError::Hold), "{}"));
    assert_eq!(text, r#"expression-failed: when: there is no key "total""#);
    assert_eq!(
        verdict(rule(missing, "", OnError::Skip), "{}"),
        Verdict::Skip
    );
    assert_eq!(
        verdict(rule(missing, "", OnError::Run), "{}"),
        Verdict::Run(None)
    );
}

#[test]
fn an_input_that_cannot_be_read_concerns_only_links_with_expressions() {
    let huge = "1e9999";
    assert!(held(verdict(rule("true", "", OnError::Hold), huge)).contains("input"));
    assert_eq!(
        verdict(rule("", "", OnError::Hold), huge),
        Verdict::Run(None)
    );
}

#[test]
fn the_dedupe_key_is_left_out_where_its_expression_fails() {
    let facts = [json!({}), json!({}), json!([])];
    let expression = Expression::compile("input.id").unwrap();
    let key = |input: &str| judge_all(&[], Some(&expression), input.as_bytes(), &facts).dedupe;
    assert_eq!(key(r#"{"id":7}"#), Some("expr:7".to_owned()));
    assert_eq!(key("{}"), None);
}

#[test]
fn an_input_of_too_many_values_is_not_taken_apart() {
    let many = format!("[{}0]", "{},".repeat(200_000));
    let error = held(verdict(rule("true", "", OnError::Hold), &many));
    assert!(error.contains("262,144 values"), "{error}");
    let few = format!("[{}0]", "{},".repeat(100_000));
    assert_eq!(
        verdict(rule("true", "", OnError::Hold), &few),
        Verdict::Run(None)
    );
}
