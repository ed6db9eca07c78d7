//! What a failed call means for its run, and how it is told to a person.

use std::error::Error as _;
use std::time::Duration;

use http::{StatusCode, header, uri::Scheme};
use tieline_contract::{Fault, Verdict, retry_after};
use tieline_egress::{BodyReader, EgressError, Response, Target};
use tieline_model::Timestamp;

use super::answer::BadAnswer;
use crate::limits::EXCERPT;
use crate::redact::Redactor;

/// How long the body of a refusal is waited for: its status alone decides.
const REFUSAL_TIME: Duration = Duration::from_secs(2);
/// An agent that asks for more is asked again after this.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Most characters of an address that is shown.
const MOST_LOCATION_CHARS: usize = 200;

/// No answer, or no whole one.
pub(super) fn of_error(error: &EgressError, target: &Target, max_output: usize) -> Fault {
    let place = host_and_port(target);
    match error {
        EgressError::InvalidUrl(_) => Fault::never("bad-url", error.to_string()),
        EgressError::Forbidden { .. } => Fault::never(
            "egress-forbidden",
            format!("{error}; see `egress` in the configuration"),
        ),
        EgressError::TooLarge { limit } if *limit == max_output => Fault::never(
            "output-too-large",
            format!("the agent's answer is larger than `max_output`, {max_output} bytes"),
        ),
        EgressError::TooLarge { .. } => Fault::never("output-too-large", error.to_string()),
        _ if error.never_connected() => {
            let cause = error.source().map(|source| format!(": {source}"));
            Fault::not_started(
                "agent-unreachable",
                format!(
                    "the agent at {place} cannot be reached: {error}{}; check that it runs, and \
                     that its `url` is right",
                    cause.unwrap_or_default()
                ),
            )
        }
        EgressError::Timeout { .. } => {
            Fault::later("timeout", format!("the agent at {place} {error}"))
        }
        _ => Fault::crashed(
            "connection-broken",
            format!("the connection to the agent at {place} broke before its answer was whole"),
        ),
    }
}

/// An answer of 2xx whose body could not be read to its end.
pub(super) fn of_broken_answer(
    error: &EgressError,
    status: StatusCode,
    target: &Target,
    max_output: usize,
) -> Fault {
    match error {
        EgressError::Encoded => {
            let message = format!("the agent's answer cannot be used: {error}");
            Fault::never("bad-output", message).with_answer(status.as_u16(), None)
        }
        _ => of_error(error, target, max_output),
    }
}

/// An answer with another status than 2xx.
pub(super) async fn of_refusal(
    response: Response,
    now: Timestamp,
    secrets: &Redactor<'_>,
) -> Fault {
    let Response {
        status,
        headers,
        body,
    } = response;
    let fault = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Fault::new(
            Verdict::NotStarted(retry_after(&headers, now).map(|wait| wait.min(LONGEST_WAIT))),
            "agent-busy",
            format!("the agent answered {status}: it did not start"),
        ),
        _ if status.is_server_error() => {
            Fault::later("agent-failed", format!("the agent answered {status}"))
        }
        _ if status.is_redirection() => {
            let location = headers.get(header::LOCATION);
            let to = location.map_or_else(String::new, |location| {
                let shown = secrets.start(location.as_bytes());
                let shown: String = shown.chars().take(MOST_LOCATION_CHARS).collect();
                format!("; it names `{shown}`")
            });
            let message = format!("the agent answered {status}; redirects are not followed{to}");
            Fault::never("agent-refused", message)
        }
        _ => Fault::never("agent-refused", format!("the agent answered {status}")),
    };
    fault.with_answer(status.as_u16(), excerpt(body, secrets).await)
}

/// An answer of 2xx that says nothing the hub can take.
pub(super) fn of_bad_answer(error: &BadAnswer, status: StatusCode) -> Fault {
    Fault::never(
        "bad-output",
        format!("the agent's answer cannot be used: {error}"),
    )
    .with_answer(status.as_u16(), None)
}

/// A promise that cannot be kept.
pub(super) fn no_callback() -> Fault {
    let message = "the agent answered 202 to settle its run later, but the hub has no address for \
                   that: set `public_url` in the configuration";
    Fault::never("no-callback", message).with_answer(StatusCode::ACCEPTED.as_u16(), None)
}

/// The first bytes of a body that nothing depends on.
async fn excerpt(body: BodyReader, secrets: &Redactor<'_>) -> Option<String> {
    let most = EXCERPT + secrets.margin();
    let read = tokio::time::timeout(REFUSAL_TIME, body.read_capped(most)).await;
    let (bytes, _) = read.ok()?.ok()?;
    Some(secrets.start(&bytes)).filter(|shown| !shown.is_empty())
}

fn host_and_port(target: &Target) -> String {
    let uri = target.uri();
    let secure = uri.scheme() == Some(&Scheme::HTTPS);
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    format!("{}:{port}", uri.host().unwrap_or_default())
}
