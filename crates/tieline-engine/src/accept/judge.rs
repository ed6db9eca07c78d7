//! Which links take an event, and under which session key.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tieline_contract::{VALUES_MAX, values};
use tieline_expression::{Expression, ExpressionError, Names, Scope, condition, key};
use tieline_model::{Event, EventFile, EventId, OnError, RunError, Timestamp, Trust};
use tieline_store::{NewEvent, StoreError};

use crate::catalog::{LiveConnector, LiveLink};
use crate::{EngineError, Hub};

/// What becomes of one link's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Run(Option<String>),
    Skip,
    Hold(RunError),
}

/// What the expressions of a connector made of an event.
pub(super) struct Judged {
    /// In link order.
    pub verdicts: Vec<Verdict>,
    pub dedupe: Option<String>,
}

/// What expressions see of an event.
pub(super) struct Seen<'a> {
    id: EventId,
    received_at: Timestamp,
    trust: Trust,
    input: &'a Bytes,
    meta: &'a Bytes,
    files: Vec<&'a EventFile>,
}

impl<'a> Seen<'a> {
    pub(super) fn of_draft(draft: &'a NewEvent) -> Self {
        Self {
            id: draft.id,
            received_at: draft.received_at,
            trust: draft.trust,
            input: &draft.input,
            meta: &draft.meta,
            files: draft.files.iter().map(|file| &file.file).collect(),
        }
    }

    pub(super) fn of_stored(event: &'a Event) -> Self {
        Self {
            id: event.id,
            received_at: event.received_at,
            trust: event.trust,
            input: &event.input,
            meta: &event.meta,
            files: event.files.iter().collect(),
        }
    }
}

/// The expressions of one link.
struct Rule {
    when: Option<Arc<Expression>>,
    session: Option<Arc<Expression>>,
    on_error: OnError,
}

impl Hub {
    /// Evaluates conditions and keys, where there are any.
    pub(super) async fn judge(
        &self,
        connector: &LiveConnector,
        seen: Seen<'_>,
    ) -> Result<Judged, EngineError> {
        let plain = |link: &LiveLink| link.when.is_none() && link.session.is_none();
        if connector.dedupe.is_none() && connector.links.iter().all(plain) {
            let verdicts = vec![Verdict::Run(None); connector.links.len()];
            return Ok(Judged {
                verdicts,
                dedupe: None,
            });
        }
        let rules = connector.links.iter().map(|link| Rule {
            when: link.when.clone(),
            session: link.session.clone(),
            on_error: link.on_error,
        });
        self.evaluate(connector, rules.collect(), seen).await
    }

    /// The session of an event that goes to a link whatever its condition says; `None` where it
    /// has none, or where it cannot be found.
    pub(super) async fn session_of(
        &self,
        connector: &LiveConnector,
        link: &LiveLink,
        seen: Seen<'_>,
    ) -> Result<Option<String>, EngineError> {
        if link.session.is_none() {
            return Ok(None);
        }
        let rule = Rule {
            when: None,
            session: link.session.clone(),
            on_error: OnError::Run,
        };
        let judged = self.evaluate(connector, vec![rule], seen).await?;
        Ok(match judged.verdicts.into_iter().next() {
            Some(Verdict::Run(session)) => session,
            Some(Verdict::Skip | Verdict::Hold(_)) | None => None,
        })
    }

    async fn evaluate(
        &self,
        connector: &LiveConnector,
        rules: Vec<Rule>,
        seen: Seen<'_>,
    ) -> Result<Judged, EngineError> {
        let dedupe = connector.dedupe.clone();
        let facts = facts(connector, &seen);
        let input = seen.input.clone();
        let job = move || judge_all(&rules, dedupe.as_deref(), &input, &facts);
        self.evaluator.evaluate(job).await.map_err(|error| {
            // Nothing is known of the event then: the sender is asked to come again.
            StoreError::unavailable(format!("expressions could not be evaluated: {error}")).into()
        })
    }
}

/// What expressions see beside the input: `event`, `connector` and `files`.
fn facts(connector: &LiveConnector, seen: &Seen<'_>) -> [Value; 3] {
    let mut event = serde_json::from_slice(seen.meta).unwrap_or_else(|_| json!({}));
    if let Some(event) = event.as_object_mut() {
        event.insert("id".to_owned(), json!(seen.id));
        event.insert("received_at".to_owned(), json!(seen.received_at));
        event.insert("trust".to_owned(), json!(seen.trust));
    }
    let row = &connector.row;
    let files: Vec<_> = seen.files.iter().map(|file| json!(file)).collect();
    [
        event,
        json!({"name": row.name, "type": row.kind, "mode": row.mode}),
        Value::Array(files),
    ]
}

fn judge_all(
    rules: &[Rule],
    dedupe: Option<&Expression>,
    input: &[u8],
    [event, connector, files]: &[Value; 3],
) -> Judged {
    let scope = read(input).and_then(|input| {
        Scope::new(Names {
            input: &input,
            event,
            connector,
            files,
        })
    });
    match scope {
        Ok(scope) => Judged {
            verdicts: rules.iter().map(|rule| rule.judge(&scope)).collect(),
            dedupe: dedupe.and_then(|expression| computed_key(expression, &scope)),
        },
        Err(error) => {
            let verdicts = rules
                .iter()
                .map(|rule| rule.failed("input", &error))
                .collect();
            Judged {
                verdicts,
                dedupe: None,
            }
        }
    }
}

/// The input as a tree of values, which costs many times its bytes: one of too many is not built.
fn read(input: &[u8]) -> Result<Value, ExpressionError> {
    let many = std::str::from_utf8(input).is_ok_and(|text| values(text) > VALUES_MAX);
    if many {
        let what = "an expression may look at 262,144 values at most";
        return Err(ExpressionError::TooLarge(what));
    }
    serde_json::from_slice(input)
        .map_err(|error| ExpressionError::Failed(format!("the input cannot be read: {error}")))
}

/// Marked as computed, so that it never meets a key that a sender chose.
fn computed_key(expression: &Expression, scope: &Scope) -> Option<String> {
    key(expression, scope).ok().map(|key| format!("expr:{key}"))
}

impl Rule {
    fn judge(&self, scope: &Scope) -> Verdict {
        match self.when.as_ref().map(|when| condition(when, scope)) {
            Some(Ok(false)) => return Verdict::Skip,
            Some(Err(error)) => return self.failed("when", &error),
            Some(Ok(true)) | None => {}
        }
        match self.session.as_ref().map(|session| key(session, scope)) {
            Some(Ok(session)) => Verdict::Run(Some(session)),
            Some(Err(error)) => self.failed("session", &error),
            None => Verdict::Run(None),
        }
    }

    fn failed(&self, field: &str, error: &ExpressionError) -> Verdict {
        if self.when.is_none() && self.session.is_none() {
            return Verdict::Run(None);
        }
        match self.on_error {
            OnError::Skip => Verdict::Skip,
            OnError::Run => Verdict::Run(None),
            OnError::Hold => Verdict::Hold(RunError::new(
                "expression-failed",
                format!("{field}: {error}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
