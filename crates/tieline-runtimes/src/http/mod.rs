//! `http`: an agent that is called over HTTP.
//!
//! One request per attempt, with the run object as its body; the answer is the outcome, or
//! promises it for later. It must never follow a redirect, send a secret to a log or an error, or
//! say that an attempt did not start when the agent may have seen it and did not say so itself.

mod answer;
mod events;
mod settings;
mod stream;
mod verdict;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tieline_contract::{
    Assignment, Chunks, Fault, Outcome, Problems, Runtime, RuntimeContext, RuntimeType,
};
use tieline_egress::{Client, Request, Response, Target};
use tieline_model::Secret;
use tieline_signature::standard_webhooks::{
    self, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SigningKey,
};

use self::answer::Form;
use self::settings::{HttpSettings, Ready};
use crate::limits;
use crate::redact::Redactor;

pub(crate) static TYPE: RuntimeType =
    RuntimeType::new::<Http>("http", "Calls an agent over HTTP.", 32);

const ACCEPT: &str = "application/json, text/event-stream, text/plain";
const USER_AGENT: &str = concat!("Tieline/", env!("CARGO_PKG_VERSION"));

/// One agent.
#[derive(Debug)]
struct Http {
    target: Target,
    /// All that do not change from run to run.
    headers: HeaderMap,
    key: Option<SigningKey>,
    /// What must not be seen in an error.
    secrets: Vec<Secret>,
    max_output: usize,
    egress: Arc<Client>,
}

impl Runtime for Http {
    type Settings = HttpSettings;

    fn open(settings: HttpSettings, context: &RuntimeContext) -> Result<Self, Problems> {
        let Ready {
            target,
            headers: own,
            key,
        } = settings.ready()?;
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.extend(own);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
        let secrets = settings.headers.into_values().chain(settings.secret);
        Ok(Self {
            target,
            headers,
            key,
            secrets: secrets.collect(),
            max_output: limits::as_len(settings.max_output),
            egress: Arc::clone(&context.egress),
        })
    }

    async fn run(
        &self,
        assignment: &Assignment,
        chunks: &mut dyn Chunks,
    ) -> Result<Outcome, Fault> {
        let own = self.secrets.iter().flat_map(spoken);
        let secrets = Redactor::new(own.chain(self.target.uri().query()), assignment);
        let body = assignment.document().map_err(|error| {
            Fault::never(
                "bad-input",
                format!("the run object cannot be written: {error}"),
            )
        })?;
        let request = Request {
            method: Method::POST,
            target: self.target.clone(),
            headers: self.headers_for(assignment, &body),
            body,
            timeout: assignment.timeout,
        };
        match self.egress.send(request).await {
            Ok(response) => self.settle(response, assignment, chunks, &secrets).await,
            Err(error) => Err(verdict::of_error(&error, &self.target, self.max_output)),
        }
    }
}

impl Http {
    fn headers_for(&self, assignment: &Assignment, body: &Bytes) -> HeaderMap {
        let mut headers = self.headers.clone();
        let mut set = |name: &'static str, value: &str| {
            // All of them are written by the hub, in ASCII; what is not cannot be sent.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        let run_id = assignment.run_id.to_string();
        set("idempotency-key", &run_id);
        set("traceparent", &assignment.traceparent);
        if let Some(key) = &self.key {
            let timestamp = assignment.now.as_seconds();
            let signature = standard_webhooks::sign(key, &run_id, timestamp, body);
            set(HEADER_ID, &run_id);
            set(HEADER_TIMESTAMP, &timestamp.to_string());
            set(HEADER_SIGNATURE, &signature);
        }
        headers
    }

    /// What an answer means.
    async fn settle(
        &self,
        response: Response,
        assignment: &Assignment,
        chunks: &mut dyn Chunks,
        secrets: &Redactor<'_>,
    ) -> Result<Outcome, Fault> {
        match response.status {
            StatusCode::ACCEPTED if assignment.callback.is_some() => Ok(Outcome::Deferred),
            StatusCode::ACCEPTED => Err(verdict::no_callback()),
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT => Ok(answer::nothing()),
            status if status.is_success() => self.read(response, chunks, secrets).await,
            _ => Err(verdict::of_refusal(response, assignment.now, secrets).await),
        }
    }

    async fn read(
        &self,
        response: Response,
        chunks: &mut dyn Chunks,
        secrets: &Redactor<'_>,
    ) -> Result<Outcome, Fault> {
        let status = response.status;
        let (target, limit) = (&self.target, self.max_output);
        let bad = |error| verdict::of_bad_answer(&error, status);
        let broken = |error| verdict::of_broken_answer(&error, status, target, limit);
        let form = match Form::of(&response.headers) {
            Ok(form) => form,
            // Without content, its type does not matter.
            Err(error) => match response.body.read_capped(1).await {
                Ok((content, _)) if content.is_empty() => return Ok(answer::nothing()),
                _ => return Err(bad(error)),
            },
        };
        if form == Form::Events {
            let read = stream::read(response.body, limit, chunks, secrets).await;
            return read.map_err(|error| match error {
                stream::StreamError::Egress(error) => broken(error),
                stream::StreamError::Answer(error) => bad(error),
            });
        }
        let body = response.body.collect(limit).await.map_err(broken)?;
        answer::read(form, &body, secrets)
            .map_err(|error| bad(error).with_answer(status.as_u16(), Some(secrets.start(&body))))
    }
}

/// A header's value as it is, and without the name of its scheme: `Bearer abc`, and `abc`.
fn spoken(secret: &Secret) -> impl Iterator<Item = &str> {
    let whole = secret.expose();
    let token = whole.split_once(' ').map(|(_, token)| token);
    std::iter::once(whole).chain(token)
}

#[cfg(test)]
mod tests;
