//! The sink: a result is posted to a URL, signed by Standard Webhooks.
//!
//! One call is one attempt; whether and when there is another is the engine's. It never follows a
//! redirect and never connects but through the egress client.

mod headers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use tieline_contract::auth::Dated;
use tieline_contract::{Fault, Outgoing, Problems, Receipt, RunResult, Sink, SinkContext, Wanted};
use tieline_egress::{Client, Request, Target};
use tieline_model::{DatedSecret, RunState, Secret};
use tieline_signature::standard_webhooks::{
    self, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SigningKey,
};
use tieline_signature::{KeyError, ed25519};

use super::answer;
use super::body::BodyFormat;
use super::settings::SendSettings;

/// Delivers results to one URL.
pub(super) struct WebhookSink {
    target: Target,
    /// Everything but what belongs to one delivery.
    headers: HeaderMap,
    /// Newest first. All that are good sign, so that a receiver may rotate when it likes.
    keys: Vec<Dated<Signer>>,
    /// What of a request its answer must not bring into the journal.
    confidential: Vec<Secret>,
    timeout: Duration,
    wanted: Wanted,
    body: BodyFormat,
    egress: Arc<Client>,
}

/// What one secret signs with.
#[derive(Debug)]
enum Signer {
    /// `whsec_`, for version `v1`.
    Shared(Box<SigningKey>),
    /// `whsk_`, for version `v1a`: the receiver needs the public key alone.
    Private(ed25519::SecretKey),
}

impl Sink for WebhookSink {
    type Settings = SendSettings;

    fn open(settings: SendSettings, context: &SinkContext) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let target = target(&settings.url, &mut problems);
        let headers = headers::build(&settings, &mut problems);
        let keys = keys(&context.secrets, &mut problems);
        let body = BodyFormat::new(settings.body, &mut problems);
        match target {
            Some(target) if problems.is_empty() => Ok(Self {
                confidential: confidential(settings.headers, &target),
                target,
                headers,
                keys,
                timeout: settings.timeout.0,
                wanted: Wanted {
                    on: settings.on.into_iter().map(RunState::from).collect(),
                    from: settings.from,
                },
                body,
                egress: Arc::clone(&context.egress),
            }),
            _ => Err(problems),
        }
    }

    fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn body(&self, result: &RunResult) -> Result<Bytes, Fault> {
        self.body.render(result)
    }

    async fn deliver(&self, outgoing: &Outgoing) -> Result<Receipt, Fault> {
        let request = Request {
            method: Method::POST,
            target: self.target.clone(),
            headers: self.signed(outgoing)?,
            body: outgoing.body.clone(),
            timeout: self.timeout.min(outgoing.timeout),
        };
        match self.egress.send(request).await {
            Ok(response) => answer::judge(response, outgoing.now, &self.confidential).await,
            Err(error) => Err(answer::failed(&error)),
        }
    }
}

impl WebhookSink {
    /// The headers of one attempt: the same id as at every other, and the time of this one.
    /// Nothing is sent that no secret has signed.
    fn signed(&self, outgoing: &Outgoing) -> Result<HeaderMap, Fault> {
        let id = outgoing.id.to_string();
        let (timestamp_s, body) = (outgoing.now.as_seconds(), &outgoing.body);
        let sign = |signer: &Signer| match signer {
            Signer::Shared(key) => standard_webhooks::sign(key, &id, timestamp_s, body),
            Signer::Private(key) => standard_webhooks::sign_v1a(key, &id, timestamp_s, body),
        };
        let good = Dated::good(&self.keys, outgoing.now);
        let signatures: Vec<_> = good.map(sign).collect();
        if signatures.is_empty() {
            let message = "none of the connector's secrets is good at this time";
            return Err(Fault::later("no-good-secret", message));
        }
        let mut headers = self.headers.clone();
        for (name, value) in [
            (HEADER_ID, id),
            (HEADER_TIMESTAMP, timestamp_s.to_string()),
            (HEADER_SIGNATURE, signatures.join(" ")),
        ] {
            let value = HeaderValue::try_from(value).expect("ids, numbers and base64 are ASCII");
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

impl fmt::Debug for WebhookSink {
    /// The path and query of a destination are often its credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSink")
            .field("target", &self.target.origin())
            .finish_non_exhaustive()
    }
}

fn target(url: &str, problems: &mut Problems) -> Option<Target> {
    const FIX: &str = "write an absolute address, such as `https://example.com/hook`";
    if url.contains('#') {
        problems.add_with_fix("url", "has a fragment, which is never sent", "remove it");
        return None;
    }
    match Target::parse(url) {
        Ok(target) => Some(target),
        Err(error) => {
            problems.add_with_fix("url", error.to_string(), FIX);
            None
        }
    }
}

/// The values of the headers, as they are and without the name of their scheme, and all of the URL
/// behind its host.
fn confidential(headers: BTreeMap<String, Secret>, target: &Target) -> Vec<Secret> {
    let uri = target.uri();
    let whole = uri.path_and_query().map(http::uri::PathAndQuery::as_str);
    let tokens = headers.values().filter_map(|value| {
        let (_, token) = value.expose().split_once(' ')?;
        Some(token)
    });
    let parts = tokens.chain(whole).chain([uri.path()]).chain(uri.query());
    let parts: Vec<_> = parts.filter_map(|text| Secret::new(text).ok()).collect();
    headers.into_values().chain(parts).collect()
}

fn keys(secrets: &[DatedSecret], problems: &mut Problems) -> Vec<Dated<Signer>> {
    const FIX: &str = "leave the connector's `secret` out to have one generated, or run \
                       `tieline connectors rotate-secret`";
    if secrets.is_empty() {
        problems.add_with_fix("", "deliveries are signed, and there is no secret", FIX);
    }
    let mut keys = Vec::new();
    for secret in secrets {
        match Signer::parse(secret.expose()) {
            Ok(key) => keys.push(Dated::of(secret, key)),
            Err(error) => {
                let message = format!("the connector's secret cannot sign deliveries: {error}");
                problems.add_with_fix("", message, FIX);
            }
        }
    }
    keys
}

impl Signer {
    fn parse(secret: &str) -> Result<Self, KeyError> {
        if secret.starts_with(ed25519::SECRET_PREFIX) {
            ed25519::SecretKey::parse(secret).map(Self::Private)
        } else {
            SigningKey::parse(secret).map(|key| Self::Shared(Box::new(key)))
        }
    }
}

#[cfg(test)]
mod tests;
