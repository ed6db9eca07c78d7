//! The part of an endpoint's settings that says who may call it, and what of it makes no sense.

use super::settings::{
    AuthScheme, AuthSettings, BasicSettings, EcdsaSettings, Ed25519Settings, HmacSettings,
    JwtSettings, MtlsSettings, StandardWebhooksSettings,
};
use crate::Problems;

/// The part of an endpoint's settings that says who may call it.
#[derive(Clone, Copy, Debug)]
pub struct AuthRules<'a> {
    pub auth: &'a AuthSettings,
    /// Where callers may come from; anywhere without.
    pub allow_from: Option<&'a [String]>,
    pub secret_in_query: bool,
    pub standard_webhooks: Option<&'a StandardWebhooksSettings>,
    pub hmac: Option<&'a HmacSettings>,
    pub ed25519: Option<&'a Ed25519Settings>,
    pub ecdsa: Option<&'a EcdsaSettings>,
    pub basic: Option<&'a BasicSettings>,
    pub jwt: Option<&'a JwtSettings>,
    pub mtls: Option<&'a MtlsSettings>,
}

impl<'a> AuthRules<'a> {
    /// The schemes alone, with nothing set beside them.
    pub const fn of(auth: &'a AuthSettings) -> Self {
        Self {
            auth,
            allow_from: None,
            secret_in_query: false,
            standard_webhooks: None,
            hmac: None,
            ed25519: None,
            ecdsa: None,
            basic: None,
            jwt: None,
            mtls: None,
        }
    }

    pub(super) fn check(&self, has_secret: bool, problems: &mut Problems) {
        let schemes = self.auth.schemes();
        self.auth.check(problems);
        if !has_secret && schemes.iter().any(|one| self.needs_secret(*one)) {
            problems.add_with_fix(
                "auth",
                "needs a secret, and the connector has none",
                "set the connector's `secret`",
            );
        }
        if self.secret_in_query && !schemes.contains(&AuthScheme::Secret) {
            problems.add_with_fix(
                "secret_in_query",
                "has no effect without the scheme `secret`",
                "add `secret` to `auth`, or remove this",
            );
        }
        self.check_beside(problems);
    }

    fn needs_secret(&self, scheme: AuthScheme) -> bool {
        match scheme {
            AuthScheme::Secret | AuthScheme::Hmac | AuthScheme::Basic | AuthScheme::Bearer => true,
            AuthScheme::StandardWebhooks => self.standard_webhooks.is_none(),
            AuthScheme::Ed25519
            | AuthScheme::Ecdsa
            | AuthScheme::Jwt
            | AuthScheme::Mtls
            | AuthScheme::None => false,
        }
    }

    /// What a scheme needs beside its name must be there, and be there for nothing.
    fn check_beside(&self, problems: &mut Problems) {
        const HEADER: &str = "with the `header` that carries the signature";
        let schemes = self.auth.schemes();
        for (scheme, field, there, with) in [
            (AuthScheme::Hmac, "hmac", self.hmac.is_some(), HEADER),
            (
                AuthScheme::Ed25519,
                "ed25519",
                self.ed25519.is_some(),
                HEADER,
            ),
            (AuthScheme::Ecdsa, "ecdsa", self.ecdsa.is_some(), HEADER),
            (
                AuthScheme::Basic,
                "basic",
                self.basic.is_some(),
                "with the `user`",
            ),
            (
                AuthScheme::Jwt,
                "jwt",
                self.jwt.is_some(),
                "with the `issuer` of tokens",
            ),
            (
                AuthScheme::Mtls,
                "mtls",
                self.mtls.is_some(),
                "with the `names` of certificates",
            ),
        ] {
            match (schemes.contains(&scheme), there) {
                (true, false) => {
                    let fix = format!("add `{field}` {with}");
                    problems.add_with_fix(field, "is missing, and `auth` names it", fix);
                }
                (false, true) => idle(field, field, problems),
                _ => {}
            }
        }
        let webhooks = AuthScheme::StandardWebhooks;
        if self.standard_webhooks.is_some() && !schemes.contains(&webhooks) {
            idle("standard_webhooks", "standard-webhooks", problems);
        }
    }
}

fn idle(field: &str, scheme: &str, problems: &mut Problems) {
    let fix = format!("write `auth: {scheme}`, or remove this");
    let message = "has no effect, because `auth` does not name it";
    problems.add_with_fix(field, message, fix);
}
