//! API keys: who may call `/v1`, and what for.
//!
//! A key is known by its SHA-256 alone, and is asked for at every request: one that is revoked, or
//! whose time is over, opens nothing from then on.

mod first;
mod ring;
mod scopes;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};
use tieline_contract::Code;
use tieline_contract::auth::Peer;
use tieline_model::key::Scope;
use tieline_model::{ProjectId, Secret};

use crate::address::Params;
use crate::api::Shared;
use crate::audit::{self, Begun};
use crate::failures::Target;
use crate::limits::TARGET_BYTES;
use crate::problem::Failure;

pub use first::{FIRST_KEY, KeyError, first_admin_key};
pub use ring::KeyRing;
pub(crate) use ring::KnownKey;
#[cfg(test)]
pub(crate) use scopes::ROUTES;
pub(crate) use scopes::{Trail, is_of_the_hub, scope_of};

use self::scopes::rule_of;

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

/// What is shown of a key, so that people know one from another: its last four characters.
pub(crate) fn hint_of(key: &Secret) -> String {
    let mut last: Vec<char> = key.expose().chars().rev().take(4).collect();
    last.reverse();
    last.into_iter().collect()
}

/// On whose behalf a request to `/v1` is carried out.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) project: ProjectId,
    pub(crate) key: Arc<KnownKey>,
    pub(crate) from: Option<IpAddr>,
}

/// Lets a request to `/v1` pass when its key allows what the route needs, and writes down what is
/// written down before the act, and then how it was answered.
pub(crate) async fn authorize(
    State(shared): State<Arc<Shared>>,
    matched: MatchedPath,
    params: Params,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(&shared, matched.as_str(), &params, &parts).await {
        Ok((caller, begun)) => {
            parts.extensions.insert(caller);
            let response = next.run(Request::from_parts(parts, body)).await;
            if let Some(begun) = begun {
                begun
                    .answered(&shared, response.status().is_success())
                    .await;
            }
            response
        }
        Err(failure) => failure.into_response(),
    }
}

async fn admit(
    shared: &Shared,
    route: &str,
    params: &Params,
    parts: &Parts,
) -> Result<(Caller, Option<Begun>), Failure> {
    let found = shared.keys.find(&parts.headers, shared.hub.latest());
    let stranger = || shared.stranger(Target::Management, &parts.extensions);
    let key = found.ok_or_else(stranger)?;
    key.tell_use(shared.hub.store()).await;
    // HEAD is GET without its body.
    let method = match &parts.method {
        &Method::HEAD => &Method::GET,
        other => other,
    };
    let (needed, trail) = rule_of(method, route).unwrap_or((Scope::Admin, Trail::Own));
    if !key.row.allows(needed) {
        let needed = needed.as_str();
        let detail = format!("This needs a key with the scope `{needed}`.");
        return Err(Failure::new(Code::ForbiddenScope, detail));
    }
    let caller = Caller {
        project: key.row.project,
        key,
        from: parts.extensions.get::<Arc<Peer>>().map(|peer| peer.address),
    };
    if is_of_the_hub(route) && caller.project != ProjectId::DEFAULT {
        let detail = "This is of the whole hub: it needs a key of the project `default`.";
        return Err(Failure::new(Code::ForbiddenScope, detail));
    }
    let begun = match trail {
        Trail::Before(action) => {
            Some(audit::begun(shared, &caller, action, target_of(params)).await?)
        }
        Trail::None | Trail::Own => None,
    };
    Ok((caller, begun))
}

/// What stands in the path, no longer than any id or name is.
fn target_of(params: &Params) -> String {
    let first = params
        .as_ref()
        .ok()
        .and_then(|params| params.iter().next().map(|(_, value)| value.to_owned()));
    first
        .unwrap_or_default()
        .chars()
        .take(TARGET_BYTES / 4)
        .collect()
}

#[cfg(test)]
mod tests;
