//! What each route of `/v1` asks of a key. A route that is not here is for `admin` alone, and fails
//! a test.

use http::Method;
use tieline_model::key::Scope;

/// Method, route and scope.
pub(crate) static SCOPES: &[(Method, &str, Scope)] = &[
    (Method::GET, "/v1/agents", Scope::Read),
    (Method::POST, "/v1/agents", Scope::Admin),
    (Method::GET, "/v1/agents/{name}", Scope::Read),
    (Method::PUT, "/v1/agents/{name}", Scope::Admin),
    (Method::DELETE, "/v1/agents/{name}", Scope::Admin),
    (Method::POST, "/v1/agents/{name}/pause", Scope::Operate),
    (Method::POST, "/v1/agents/{name}/resume", Scope::Operate),
    (Method::GET, "/v1/connectors", Scope::Read),
    (Method::POST, "/v1/connectors", Scope::Admin),
    (Method::GET, "/v1/connectors/{name}", Scope::Read),
    (Method::PUT, "/v1/connectors/{name}", Scope::Admin),
    (Method::DELETE, "/v1/connectors/{name}", Scope::Admin),
    (Method::POST, "/v1/connectors/{name}/pause", Scope::Operate),
    (Method::POST, "/v1/connectors/{name}/resume", Scope::Operate),
    (
        Method::POST,
        "/v1/connectors/{name}/trigger",
        Scope::Trigger,
    ),
    (Method::GET, "/v1/links", Scope::Read),
    (Method::GET, "/v1/events", Scope::Read),
    (Method::GET, "/v1/events/{id}", Scope::Read),
    (Method::POST, "/v1/events/{id}/replay", Scope::Operate),
    (Method::POST, "/v1/events/{id}/erase", Scope::Admin),
    (Method::GET, "/v1/runs", Scope::Read),
    (Method::POST, "/v1/runs/replay", Scope::Operate),
    (Method::GET, "/v1/runs/{id}", Scope::Read),
    (Method::POST, "/v1/runs/{id}/cancel", Scope::Operate),
    (Method::POST, "/v1/runs/{id}/replay", Scope::Operate),
    (Method::POST, "/v1/runs/{id}/release", Scope::Operate),
    (Method::GET, "/v1/deliveries", Scope::Read),
    (Method::POST, "/v1/deliveries/redrive", Scope::Operate),
    (Method::GET, "/v1/deliveries/{id}", Scope::Read),
    (Method::POST, "/v1/deliveries/{id}/redrive", Scope::Operate),
    (Method::GET, "/v1/types", Scope::Read),
    (Method::GET, "/v1/types/{type}", Scope::Read),
    (Method::POST, "/v1/plan", Scope::Read),
    (Method::POST, "/v1/apply", Scope::Admin),
];

/// The scope that a route needs.
pub(crate) fn scope_of(method: &Method, route: &str) -> Option<Scope> {
    SCOPES
        .iter()
        .find(|(m, r, _)| m == method && *r == route)
        .map(|(_, _, scope)| *scope)
}

/// As it is written in problems and in the documentation.
pub(crate) const fn name(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Trigger => "trigger",
        Scope::Operate => "operate",
        Scope::Admin => "admin",
        Scope::Worker => "worker",
    }
}
