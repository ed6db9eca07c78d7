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

/// The body is read only for the holder of the run's own token.
async fn read(shared: &Shared, params: &Params, request: Request) -> Result<Response, Failure> {
    let id: RunId = id_of(params, "run")?;
    let (parts, body) = request.into_parts();
    let hub = &shared.hub;
    let token = bearer(&parts.headers).ok_or_else(Failure::unauthorized)?;
    if hub.tokens().read_callback(id, token).is_none() {
        return Err(Failure::unauthorized());
    }
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
mod tests {
    use super::*;
    use crate::limits::JSON_DEPTH;

    fn said(body: &str) -> String {
        match report(body.as_bytes()) {
            Ok((Answer::Output(output), usage)) => format!("output {output:?} {usage:?}"),
            Ok((Answer::Error(error), _)) => format!("error {}: {}", error.code, error.message),
            Err(problem) => problem.code.as_str().to_owned(),
        }
    }

    #[test]
    fn agents_report_outputs_and_errors_in_several_forms() {
        let deep = "[".repeat(JSON_DEPTH + 1);
        let cases = [
            (r#"{"output":{"a": 1}}"#, r#"output b"{\"a\": 1}" None"#),
            (r#"{"output":null}"#, r#"output b"null" None"#),
            (
                r#"{"output":1,"usage":{"n":2},"x":1}"#,
                r#"output b"1" Some(b"{\"n\":2}")"#,
            ),
            (r#"{"output":1,"error":null}"#, r#"output b"1" None"#),
            (r#"{"output":1,"error":"bad"}"#, "error agent-failed: bad"),
            (
                r#"{"error":{"code":"no","message":"bad"}}"#,
                "error no: bad",
            ),
            (r#"{"error":{"message":"bad"}}"#, "error agent-failed: bad"),
            (r#"{"error":[1]}"#, "error agent-failed: [1]"),
            (
                r#"{"error":{"code":"no\u001b[2J","message":"b\u001b[2Jad"}}"#,
                "error agent-failed: b[2Jad",
            ),
            ("{}", "bad-request"),
            ("[1]", "invalid-json"),
            ("", "invalid-json"),
            ("\u{1}", "invalid-json"),
            (&deep, "too-deep"),
        ];
        for (body, expected) in cases {
            assert_eq!(said(body), expected, "{body}");
        }
    }

    #[test]
    fn an_error_is_cut_to_what_people_read() {
        for error in [
            format!(r#"{{"error":"{}"}}"#, "é".repeat(2000)),
            format!(r#"{{"error":[{}1]}}"#, "1,".repeat(2000)),
        ] {
            let Ok((Answer::Error(error), _)) = report(error.as_bytes()) else {
                panic!("it is an error");
            };
            assert_eq!(error.message.len(), 2048);
        }
    }
}
