//! The endpoint: settings become rules, a verified request becomes events.

use std::marker::PhantomData;

use http::Method;
use tieline_contract::auth::{AuthRules, Authenticator};
use tieline_contract::{
    Endpoint, EndpointContext, EndpointRules, Incoming, Problem, Problems, Verified,
};
use tieline_model::Mode;

use super::receive::{self, Limits};
use super::settings::{ReceiveSettings, Waiting};

/// Receives events over HTTP, for inbound and for sync connectors.
#[derive(Debug)]
pub(super) struct WebhookEndpoint<W> {
    rules: EndpointRules,
    limits: Limits,
    mode: PhantomData<fn() -> W>,
}

impl<W: Waiting> Endpoint for WebhookEndpoint<W> {
    type Settings = ReceiveSettings<W>;

    fn open(settings: ReceiveSettings<W>, context: &EndpointContext) -> Result<Self, Problems> {
        let rules = AuthRules {
            auth: &settings.auth,
            allow_from: settings.allow_from.as_deref(),
            secret_in_query: settings.secret_in_query,
            standard_webhooks: settings.standard_webhooks.as_ref(),
            hmac: settings.hmac.as_ref(),
            ed25519: settings.ed25519.as_ref(),
            ecdsa: settings.ecdsa.as_ref(),
            basic: settings.basic.as_ref(),
            jwt: settings.jwt.as_ref(),
            mtls: settings.mtls.as_ref(),
        };
        let auth = Authenticator::new(rules, &context.secrets)?;
        let dedupe = settings.dedupe.is_some();
        Ok(Self {
            rules: EndpointRules {
                methods: settings.methods.into_iter().map(Method::from).collect(),
                max_body: settings.max_body.0,
                auth,
                wait: settings.timeout.duration(),
                read: settings.read,
                errors: settings.errors,
                dedupe: settings.dedupe,
            },
            limits: Limits {
                parts: usize::try_from(settings.max_parts).unwrap_or(usize::MAX),
                file: settings.max_file.unwrap_or(settings.max_body).0,
                file_types: settings.file_types,
                batches: context.mode != Mode::Sync,
                dedupe,
            },
            mode: PhantomData,
        })
    }

    fn rules(&self) -> &EndpointRules {
        &self.rules
    }

    fn receive(&self, request: &Verified) -> Result<Incoming, Problem> {
        receive::receive(&self.limits, &self.rules.auth, request)
    }
}
