//! Brings an expression and an event together.

use cel::Value;

use crate::{
    error::ExpressionError,
    expression::Expression,
    scope::{Scope, Size},
};

/// Most bytes of a key.
const MOST_KEY_BYTES: usize = 512;
/// Most values of an event that an expression may loop over.
const MOST_LOOP_NODES: usize = 4096;
/// Most bytes of an event that an expression may loop over.
const MOST_LOOP_BYTES: usize = 256 * 1024;
/// Most bytes that all steps of all loops may look at or copy together, and all `+`.
const MOST_WORK_BYTES: usize = 64 * 1024 * 1024;
/// What one value weighs beside its text.
const NODE_BYTES: usize = 64;

/// Whether the event meets the condition. Run it on an [`crate::Evaluator`].
pub fn condition(expression: &Expression, scope: &Scope) -> Result<bool, ExpressionError> {
    match evaluate(expression, scope)? {
        Value::Bool(met) => Ok(met),
        other => Err(ExpressionError::NotACondition(kind(&other))),
    }
}

/// The key that the event belongs to, at most 512 bytes: a string as it is, a number, true or false
/// as text. Run it on an [`crate::Evaluator`].
pub fn key(expression: &Expression, scope: &Scope) -> Result<String, ExpressionError> {
    let key = match evaluate(expression, scope)? {
        Value::String(text) => text.as_str().to_owned(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) if number.is_finite() => number.to_string(),
        Value::Bool(is) => is.to_string(),
        other => return Err(ExpressionError::NotAKey(kind(&other))),
    };
    if key.len() > MOST_KEY_BYTES {
        return Err(ExpressionError::KeyTooLong {
            bytes: key.len(),
            most: MOST_KEY_BYTES,
        });
    }
    Ok(key)
}

fn evaluate(expression: &Expression, scope: &Scope) -> Result<Value, ExpressionError> {
    afford(expression, scope.size())?;
    expression
        .program()
        .execute(scope.context())
        .map_err(|error| ExpressionError::from_execution(&error))
}

/// Refuses an evaluation whose time and memory are not linear in the event, or too much of it.
fn afford(expression: &Expression, size: Size) -> Result<(), ExpressionError> {
    let cost = expression.cost();
    if cost.loops > 0 && size.nodes > MOST_LOOP_NODES {
        return Err(ExpressionError::TooLarge(
            "a macro may look at 4,096 values at most",
        ));
    }
    if cost.loops > 0 && size.bytes > MOST_LOOP_BYTES {
        return Err(ExpressionError::TooLarge(
            "a macro may look at 256 KiB at most",
        ));
    }
    // A list that is written out can be looped over too.
    let written = expression.text().len();
    let steps = cost
        .wide_loops
        .saturating_mul(size.nodes.saturating_add(written));
    let times = cost
        .growth
        .saturating_mul(1 + cost.copies)
        .saturating_mul(steps.saturating_add(1));
    let values = size.nodes.saturating_mul(NODE_BYTES);
    let weight = size.bytes.saturating_add(values).saturating_add(written);
    if times > 1 && weight.saturating_mul(times) > MOST_WORK_BYTES {
        return Err(ExpressionError::TooLarge(
            "it would copy or search the event too many times",
        ));
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::List(_) => "list",
        Value::Map(_) | Value::Struct(_) => "map",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "number",
        Value::String(_) => "text",
        Value::Bytes(_) => "sequence of bytes",
        Value::Bool(_) => "truth value",
        Value::Null => "null",
        Value::Function(..) | Value::Opaque(_) => "type",
    }
}
