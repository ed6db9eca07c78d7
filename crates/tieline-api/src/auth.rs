//! API keys: who may call `/v1`, and what for.
//!
//! A key is known by its SHA-256 alone. It is compared in constant time with every key there is.

mod first;
mod scopes;

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use tieline_contract::Code;
use tieline_model::ProjectId;
use tieline_model::key::{ApiKey, Scope};
use tieline_signature::equal::SecretDigest;
use tieline_store::{Store, StoreError};

use crate::api::Shared;
use crate::problem::Failure;

pub use first::{FIRST_KEY, KeyError, first_admin_key};
#[cfg(test)]
pub(crate) use scopes::SCOPES;
pub(crate) use scopes::{name as scope_name, scope_of};

/// Every key that the hub knows.
#[derive(Clone, Debug, Default)]
pub struct KeyRing(Vec<(SecretDigest, ApiKey)>);

impl KeyRing {
    pub async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let with_digest = |key: ApiKey| (SecretDigest::from_stored(key.digest), key);
        let keys = store.keys().await?;
        Ok(Self(keys.into_iter().map(with_digest).collect()))
    }

    /// The key that a request carries as its Bearer token, where it carries one that is known.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<&ApiKey> {
        let presented = bearer(headers)?;
        let mut found = None;
        for (digest, key) in &self.0 {
            if digest.matches(presented.as_bytes()) {
                found = Some(key);
            }
        }
        found
    }
}

/// The one Bearer token of a request. Two are none: two readers could take different ones.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// On whose behalf a request to `/v1` is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) project: ProjectId,
}

/// Lets a request to `/v1` pass when its key allows what the route needs.
pub(crate) async fn authorize(
    State(shared): State<Arc<Shared>>,
    matched: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(key) = shared.keys.find(request.headers()) else {
        return Failure::unauthorized().into_response();
    };
    // HEAD is GET without its body.
    let method = match request.method() {
        &Method::HEAD => &Method::GET,
        other => other,
    };
    let needed = scope_of(method, matched.as_str()).unwrap_or(Scope::Admin);
    if !key.allows(needed) {
        let detail = format!(
            "This needs a key with the scope `{}`.",
            scopes::name(needed)
        );
        return Failure::new(Code::ForbiddenScope, detail).into_response();
    }
    let caller = Caller {
        project: key.project,
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

#[cfg(test)]
mod tests;
