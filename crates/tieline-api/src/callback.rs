//! An agent that said `202` settles its run here, once, with the token that it was given.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tieline_contract::{Code, Problem};
use tieline_engine::{Answer, EngineError};
use tieline_model::{RunError, RunId};

use crate::address::{Params, id_of};
use crate::api::Shared;
use crate::auth::bearer;
use crate::body::{self, Sender};
use crate::failures::Target;
use crate::ingress::{is_plain, json};
use crate::limits::{CALLBACK_BODY, ERROR_BYTES, ERROR_CODE_BYTES};
use crate::problem::Failure;

const NO_REPORT: &str = "Send an object with `output` or `error`.";

/// What an agent says in the end. What it says beside is not read.
#[derive(Deserialize)]
struct Report<'a> {
    /// Absent and `null` are not the same: `null` is an output.
    #[serde(borrow, default, deserialize_with = "present")]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CodeAndMessage {
    #[serde(default)]
    code: Option<String>,
    message: String,
}

#[derive(Serialize)]
struct Settled {
    status: &'static str,
    run_id: RunId,
}

fn present<'de: 'a, 'a, D>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// `POST /callback/{run}`.
pub(crate) async fn settle(
    State(shared): State<Arc<Shared>>,
    params: Params,
    request: Request,
) -> Response {
    match read(&shared, &params, request).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

/// The body is read only for the holder of the run's own token. Others are counted, so that
/// guessing tokens is not worth it; a token that the hub made is never counted.
async fn read(shared: &Shared, params: &Params, request: Request) -> Result<Response, Failure> {
    let id: RunId = id_of(params, "run")?;
    let (parts, body) = request.into_parts();
    let hub = &shared.hub;
    let token = bearer(&parts.headers);
    let token = token.filter(|token| hub.tokens().read_callback(id, token).is_some());
    let token = token.ok_or_else(|| shared.stranger(Target::Callback, &parts.extensions))?;
    if !is_plain(&parts.headers) {
        let detail = "Send the body as it is, without `Content-Encoding`.";
        return Err(Failure::new(Code::UnsupportedEncoding, detail));
    }
    let closing = |problem: Problem| Failure::from(problem).closing(parts.version);
    body::check_declared(&body, CALLBACK_BODY).map_err(closing)?;
    let held = shared.budget.hold(Sender::Proven);
    let whole = body::read(body, CALLBACK_BODY, held, |_| {}).await;
    let whole = whole.map_err(closing)?;
    let (answer, usage) = report(&whole.bytes)?;
    let run = hub.settle_by_callback(id, token, answer, usage).await;
    let run = run.map_err(|error| match error {
        EngineError::NotFound => Failure::unauthorized(),
        other => other.into(),
    })?;
    let settled = Settled {
        status: "ok",
        run_id: run.id,
    };
    Ok(json(StatusCode::OK, &settled))
}

fn report(body: &[u8]) -> Result<(Answer, Option<Bytes>), Problem> {
    let text = body::json_text(body)?;
    if !text.trim_start().starts_with('{') {
        return Err(Problem::new(Code::InvalidJson, NO_REPORT));
    }
    let report: Report<'_> = serde_json::from_str(text).map_err(|error| body::bad_json(&error))?;
    let bytes = |value: &RawValue| Bytes::copy_from_slice(value.get().as_bytes());
    let usage = report.usage.map(bytes);
    let answer = match (report.error, report.output) {
        (Some(error), _) => Answer::Error(error_of(error)),
        (None, Some(output)) => Answer::Output(bytes(output)),
        (None, None) => {
            return Err(Problem::new(Code::BadRequest, NO_REPORT));
        }
    };
    Ok((answer, usage))
}

/// An error is a text, or an object with a `message`; anything else is kept as it was written.
fn error_of(error: &RawValue) -> RunError {
    const CODE: &str = "agent-failed";
    if let Ok(message) = serde_json::from_str::<String>(error.get()) {
        return RunError::new(CODE, shown(&message));
    }
    match serde_json::from_str::<CodeAndMessage>(error.get()) {
        Ok(CodeAndMessage { code, message }) => {
            let code = code.filter(|code| is_code(code));
            RunError::new(code.as_deref().unwrap_or(CODE), shown(&message))
        }
        Err(_) => RunError::new(CODE, shown(error.get())),
    }
}

/// Codes become words of tables and of conditions.
fn is_code(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=ERROR_CODE_BYTES).contains(&text.len()) && text.bytes().all(plain)
}

/// The beginning of an agent's words, without what a terminal would obey.
fn shown(words: &str) -> String {
    let mut text = String::new();
    for c in words.chars() {
        if text.len() + c.len_utf8() > ERROR_BYTES {
            break;
        }
        if !c.is_control() || matches!(c, '\n' | '\t') {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests;
