use std::{
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use serde_json::{Value, json};

use crate::{Evaluator, Expression, ExpressionError, Names, Pending, Scope, condition, key};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(pending: Pending<T>) -> Result<T, ExpressionError> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut pending = std::pin::pin!(pending);
    loop {
        match pending.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

/// Evaluates on an evaluator, as the engine does.
fn on_threads<T: Send + 'static>(
    text: &str,
    input: &Value,
    evaluate: fn(&Expression, &Scope) -> Result<T, ExpressionError>,
) -> Result<T, ExpressionError> {
    let expression = Expression::compile(text)?;
    let scope = Scope::new(Names {
        input,
        event: &json!({"n": 1, "big": u64::MAX}),
        connector: &json!({"name": "orders"}),
        files: &json!([]),
    })?;
    let evaluator = Evaluator::start(1).unwrap();
    wait(evaluator.evaluate(move || evaluate(&expression, &scope)))?
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "tables of literals read better"
)]
fn met(text: &str, input: Value) -> Result<bool, ExpressionError> {
    on_threads(text, &input, condition)
}

fn error(text: &str, input: Value) -> String {
    met(text, input).unwrap_err().to_string()
}

fn refused(text: &str) -> String {
    Expression::compile(text).unwrap_err().to_string()
}

#[test]
fn numbers_compare_and_add_whatever_json_made_of_them() {
    for (text, input, want) in [
        ("input.total > 100", json!({"total": 101}), true),
        ("input.total > 100", json!({"total": 100}), false),
        ("input.total > 100", json!({"total": 100.5}), true),
        ("input.total > 100", json!({"total": 99.5}), false),
        ("input.total > 100.5", json!({"total": 101}), true),
        (
            "input.total >= 100 && input.total < 101",
            json!({"total": 100.0}),
            true,
        ),
        ("input.total == 100", json!({"total": 100.0}), true),
        ("input.total + 1 == 3", json!({"total": 2}), true),
        ("-input.total < 0", json!({"total": 2}), true),
        ("event.n + 1 == 2", json!(null), true),
        ("event.big > 1", json!(null), true),
        (
            "input.id == 9007199254740993",
            json!({"id": 9_007_199_254_740_993_i64}),
            true,
        ),
        (
            "input.id == 9007199254740993",
            json!({"id": 9_007_199_254_740_992_i64}),
            false,
        ),
    ] {
        assert_eq!(
            met(text, input.clone()).unwrap(),
            want,
            "{text} with {input}"
        );
    }
}

#[test]
fn everything_of_an_event_can_be_named() {
    let input = json!({"items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 20}], "want": "b",
        "note": null, "ok": true, "text": "urgent: disk"});
    for text in [
        "connector.name == 'orders' && size(files) == 0",
        "input.items.exists(i, i.n > 10)",
        "input.items.exists(i, i.sku == input.want)",
        "input.items.filter(i, i.n > 10).size() == 1",
        "input.items.map(i, i.n) == [1, 20]",
        "input.items.all(i, i.n > 0) && input.items.exists_one(i, i.n == 1)",
        "has(input.want) && !has(input.missing)",
        "input.note == null && input.ok",
        "input.text.startsWith('urgent') && input.text.matches('disk$')",
        "input.want in ['a', 'b']",
        "'want' in input",
        "input.items[1].sku == input['want']",
        "type(input.ok) == bool",
        "input.missing == 1 || true",
    ] {
        assert!(met(text, input.clone()).unwrap(), "{text}");
    }
}

#[test]
fn errors_name_what_is_missing_and_never_show_values() {
    let input = json!({"name": "s3cret", "n": 1});
    assert_eq!(
        error("input.total > 1", input.clone()),
        "there is no key \"total\""
    );
    assert_eq!(
        error("input.n", input.clone()),
        "the condition gives a number, not true or false"
    );
    for text in [
        "input.name > 1",
        "input.name + 1 == 2",
        "input.name.total == 1",
        "input.n / 0 == 1",
        "input.name",
        "int(input.name) == 1",
        "input.n + 9223372036854775807 > 1",
        "input.name in 1",
        "input.name[0] == 'x'",
        "!input.name",
        "size(input.n) == 1",
    ] {
        let message = error(text, input.clone());
        assert!(!message.contains("s3cret"), "{text}: {message}");
    }
    let long = json!({"name": "x".repeat(100_000)});
    assert!(error("input[input.name] == 1", long).len() < 300);
}

#[test]
fn keys_are_text_numbers_and_truth_values() {
    for (text, want) in [
        ("input.s", "a b"),
        ("input.n", "7"),
        ("input.f", "1.5"),
        ("input.b", "true"),
        ("event.big", "18446744073709551615"),
        ("input.s + '/' + string(input.n)", "a b/7"),
    ] {
        let input = json!({"s": "a b", "n": 7, "f": 1.5, "b": true});
        assert_eq!(on_threads(text, &input, key).unwrap(), want);
    }
    let of = |value: Value| on_threads("input.k", &json!({"k": value}), key);
    assert!(matches!(
        of(json!(null)),
        Err(ExpressionError::NotAKey("null"))
    ));
    assert!(matches!(
        of(json!([1])),
        Err(ExpressionError::NotAKey("list"))
    ));
    assert!(matches!(
        of(json!({})),
        Err(ExpressionError::NotAKey("map"))
    ));
    assert_eq!(of(json!("x".repeat(512))).unwrap().len(), 512);
    let too_long = of(json!("x".repeat(513)));
    assert!(matches!(
        too_long,
        Err(ExpressionError::KeyTooLong {
            bytes: 513,
            most: 512
        })
    ));
    assert!(
        matches!(on_threads("input.k", &json!({}), key), Err(ExpressionError::MissingKey(k)) if k == "k")
    );
}

#[test]
fn hostile_texts_are_refused_and_abort_nothing() {
    let deep = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
    for text in [
        deep(33),
        deep(2000),
        deep(5000),
        "(".repeat(4096),
        "[".repeat(4096),
        "1+".repeat(5000) + "1",
        "1+".repeat(2000) + "1",
        "-".repeat(4000) + "1",
        "!".repeat(4000) + "true",
        "input".to_owned() + &".a".repeat(2000),
        "true?".repeat(700) + "1",
        "1 in ".repeat(800) + "[]",
        "1\tin\n".repeat(800) + "[]",
        "a".repeat(4097),
        format!("[{}]", "1,".repeat(2000)),
    ] {
        let error = Expression::compile(&text).unwrap_err();
        assert!(
            matches!(error, ExpressionError::TooComplex { .. }),
            "{error}"
        );
    }
    for text in [
        "",
        " ",
        "1 +",
        ")",
        "'",
        "\u{0}",
        "input.",
        "input..a",
        "🦀",
        "1 2",
        "{",
        "a b c",
        "\"\\u{110000}\"",
        "99999999999999999999",
        "1e999999",
        "// only a comment",
    ] {
        assert!(Expression::compile(text).is_err(), "{text}");
    }
}

#[test]
fn the_deepest_texts_that_are_let_through_work() {
    for text in [
        format!("{}true{}", "(".repeat(32), ")".repeat(32)),
        "1+".repeat(250) + "1 > 0",
        "!".repeat(256) + "true",
        "true && ".repeat(128) + "true",
        "true ? true : ".repeat(40) + "true",
    ] {
        assert!(met(&text, json!({})).unwrap(), "{text}");
    }
    let selects = error(&("input".to_owned() + &".a".repeat(256)), json!({"a": 1}));
    assert!(!selects.contains("too"), "{selects}");
}

#[test]
fn what_the_grammar_itself_cuts_off_is_said_plainly() {
    let message = refused(&("true ? true : ".repeat(120) + "true"));
    assert_eq!(
        message,
        "the expression has too many parts inside one another, at most 96 are allowed"
    );
}

#[test]
fn what_may_not_be_used_is_named_with_its_place() {
    for (text, want) in [
        (
            "input.x == total",
            "line 1, column 12: total is not known; there are connector, event",
        ),
        ("true &&\n  foo(1)", "line 2, column 6: foo() is not known"),
        ("input.a.all(x, x.all(y, y))", "may not be nested"),
        (
            "input.a.map(x, input.b.filter(y, true))",
            "may not be nested",
        ),
        (
            "input.a.exists(x, [x].exists_one(y, y))",
            "may not be nested",
        ),
        ("input.s.matches(input.p)", "needs its pattern written out"),
        (
            "input.a.all(x, x.matches('a'))",
            "may not be used inside a macro",
        ),
        ("input == Foo{a: 1}", "messages are not supported"),
        ("input.total >", "line 1, column 14: "),
    ] {
        let message = refused(text);
        assert!(message.contains(want), "{text}: {message}");
    }
    let patterns = ["input.s.matches('a')"; 9].join("||");
    assert!(refused(&patterns).contains("8 times"));
    assert!(refused(&format!("'a'.matches('{}')", "a".repeat(257))).contains("256 bytes"));
}

#[test]
fn evil_patterns_end_soon() {
    let text = json!({"s": "a".repeat(100_000) + "!"});
    assert!(!met("input.s.matches('^(a+)+$')", text.clone()).unwrap());
    assert!(!met("input.s.matches('^(a|a)*$')", text.clone()).unwrap());
    assert!(met("input.s.matches('((a{1000}){1000}){1000}')", text.clone()).is_err());
    assert!(met("input.s.matches('(')", text).is_err());
}

#[test]
fn large_events_are_refused_where_evaluation_would_not_be_linear() {
    let list = |n: usize| json!({"l": vec![1; n], "s": "x"});
    assert!(met("input.l.all(x, x == 1)", list(4000)).unwrap());
    assert!(met("input.l.map(x, x + 1).size() == 4000", list(4000)).unwrap());
    assert!(error("input.l.all(x, x == 1)", list(4096)).contains("4,096 values"));
    assert!(error("[1].all(x, x == 1)", json!("x".repeat(262_145))).contains("256 KiB"));
    assert!(error("input.l.map(x, input.l).size() > 0", list(4000)).contains("too many times"));
    assert!(met("input.l.all(x, x == 1 && input.s == 'x')", list(400)).unwrap());
    for body in ["[x, x]", "x + x", "{'a': x, 'b': x}"] {
        let grown = format!(
            "['aaaaaaaa']{} == []",
            format!(".map(x, {body})").repeat(30)
        );
        assert!(
            error(&grown, json!(1)).contains("too many times"),
            "{grown}"
        );
    }
    assert!(
        met(
            "input.l.filter(x, x > 0).map(x, x + 1).all(x, x == 2)",
            list(4000)
        )
        .unwrap()
    );
    // Without a macro, size does not matter.
    assert!(met("size(input.l) == 1000000", list(1_000_000)).unwrap());
    let long = json!({"s": "x".repeat(10_000_000)});
    assert!(
        met(
            "input.s.contains('y') == false && input.s + 'y' != ''",
            long.clone()
        )
        .unwrap()
    );
    let doubled = "input.s + ".repeat(100) + "'' != ''";
    assert!(error(&doubled, long).contains("too many times"));
}

#[test]
fn an_event_that_is_too_deep_is_refused() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let null = Value::Null;
    let build = |input: &Value| {
        Scope::new(Names {
            input,
            event: &null,
            connector: &null,
            files: &null,
        })
        .map(drop)
    };
    assert!(build(&nested(128)).is_ok());
    assert!(matches!(
        build(&nested(129)),
        Err(ExpressionError::TooDeep { most: 128 })
    ));
}

#[test]
fn a_panic_abandons_one_job_and_a_full_queue_is_busy() {
    let evaluator = Evaluator::start(1).unwrap();
    let abandoned = wait(evaluator.evaluate(|| assert!(thread::panicking(), "on purpose")));
    assert!(matches!(abandoned, Err(ExpressionError::Abandoned)));
    assert_eq!(wait(evaluator.evaluate(|| 7)).unwrap(), 7);

    let (release, held) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel::<()>();
    let first = evaluator.evaluate(move || {
        started.send(()).unwrap();
        held.recv().unwrap();
    });
    running.recv().unwrap();
    let queued: Vec<_> = (0..4096).map(|n| evaluator.evaluate(move || n)).collect();
    assert!(matches!(
        wait(evaluator.evaluate(|| ())),
        Err(ExpressionError::Busy)
    ));
    release.send(()).unwrap();
    wait(first).unwrap();
    let results: Vec<_> = queued
        .into_iter()
        .map(|pending| wait(pending).unwrap())
        .collect();
    assert_eq!(results, (0..4096).collect::<Vec<_>>());
}
