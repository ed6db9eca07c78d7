//! CEL: any text compiles or does not, any event is judged or refused, and both are over soon.
//!
//! The expression, an empty line, and the input as JSON; without one, the text is all.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use tieline_expression::{Evaluator, Expression, ExpressionError, Names, Scope, condition, key};

use crate::soon::{soon, soon_on};

/// The most bytes of an expression and of a key.
const MOST_TEXT: usize = 4096;
const MOST_KEY: usize = 512;

static EVALUATOR: LazyLock<Evaluator> =
    LazyLock::new(|| Evaluator::start(1).expect("there is a thread to have"));

type Verdict = (Result<bool, String>, Result<String, String>);

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (text, input) = text.split_once("\n\n").unwrap_or((text, ""));
    let Ok(expression) = soon(|| Expression::compile(text)) else {
        return;
    };
    assert!(text.len() <= MOST_TEXT, "too long a text was compiled");
    let input = serde_json::from_str(input)
        .unwrap_or_else(|_| json!({ "kind": "a", "list": [1, 2.5, "x", null], "big": u64::MAX }));
    let Ok(scope) = scope(&input) else { return };
    let scope = Arc::new(scope);
    let [first, second] = [(); 2].map(|()| {
        let (expression, scope) = (expression.clone(), Arc::clone(&scope));
        soon_on(&EVALUATOR, move || judge(&expression, &scope))
    });
    assert_eq!(first, second, "the same event is judged in two ways");
    if let (_, Ok(key)) = first {
        assert!(key.len() <= MOST_KEY, "a key of {} bytes", key.len());
    }
}

fn judge(expression: &Expression, scope: &Scope) -> Verdict {
    let said = |error: ExpressionError| error.to_string();
    let met = condition(expression, scope).map_err(said);
    (met, key(expression, scope).map_err(said))
}

fn scope(input: &Value) -> Result<Scope, ExpressionError> {
    Scope::new(Names {
        input,
        event: &json!({ "id": "0198", "type": "order", "time": "2026-01-01T00:00:00Z" }),
        connector: &json!({ "name": "orders" }),
        files: &json!([{ "name": "a.pdf", "size": 3 }]),
    })
}
