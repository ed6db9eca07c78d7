//! A connector that events come in by. The world calls the hub behind it, so it reads nothing.

use std::time::Duration;

use tieline_contract::auth::{AuthRules, AuthScheme, AuthSettings, Authenticator};
use tieline_contract::endpoint::{ErrorDetail, ReadAccess};
use tieline_contract::{
    Endpoint, EndpointContext, EndpointRules, Incoming, Problem, Problems, Verified,
};

use super::Actor;

pub(super) struct Hook(EndpointRules);

impl Endpoint for Hook {
    type Settings = Actor;

    fn open(_settings: Actor, context: &EndpointContext) -> Result<Self, Problems> {
        let auth = AuthSettings::new(vec![AuthScheme::Secret]);
        let rules = AuthRules::of(&auth);
        Ok(Self(EndpointRules {
            methods: vec![http::Method::POST],
            max_body: 1 << 20,
            auth: Authenticator::new(rules, &context.secrets)?,
            wait: Duration::from_mins(1),
            read: ReadAccess::OwnSecret,
            errors: ErrorDetail::Full,
            dedupe: None,
        }))
    }

    fn rules(&self) -> &EndpointRules {
        &self.0
    }

    fn receive(&self, _request: &Verified) -> Result<Incoming, Problem> {
        Ok(Incoming {
            events: Vec::new(),
            batch: false,
        })
    }
}
