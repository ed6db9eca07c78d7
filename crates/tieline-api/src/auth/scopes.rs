//! What each route of `/v1` asks of a key, and what it leaves in the audit log. A route that is
//! not here is for `admin` alone, and fails a test.

use http::Method;
use tieline_model::key::Scope;

/// What a route leaves in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trail {
    /// Nothing: it changes nothing.
    None,
    /// This action upon what stands in its path, written down before the act.
    Before(&'static str),
    /// What its handler writes: in one commit with what it changes, or before an act on many.
    Own,
}

use Trail::{Before, None as NoTrail, Own};

/// Method, route, scope and trail.
pub(crate) static ROUTES: &[(Method, &str, Scope, Trail)] = &[
    (Method::GET, "/v1/agents", Scope::Read, NoTrail),
    (Method::POST, "/v1/agents", Scope::Admin, Own),
    (Method::GET, "/v1/agents/{name}", Scope::Read, NoTrail),
    (Method::PUT, "/v1/agents/{name}", Scope::Admin, Own),
    (Method::DELETE, "/v1/agents/{name}", Scope::Admin, Own),
    (
        Method::POST,
        "/v1/agents/{name}/pause",
        Scope::Operate,
        Before("agent.pause"),
    ),
    (
        Method::POST,
        "/v1/agents/{name}/resume",
        Scope::Operate,
        Before("agent.resume"),
    ),
    (Method::GET, "/v1/connectors", Scope::Read, NoTrail),
    (Method::POST, "/v1/connectors", Scope::Admin, Own),
    (Method::GET, "/v1/connectors/{name}", Scope::Read, NoTrail),
    (Method::PUT, "/v1/connectors/{name}", Scope::Admin, Own),
    (Method::DELETE, "/v1/connectors/{name}", Scope::Admin, Own),
    (
        Method::POST,
        "/v1/connectors/{name}/pause",
        Scope::Operate,
        Before("connector.pause"),
    ),
    (
        Method::POST,
        "/v1/connectors/{name}/resume",
        Scope::Operate,
        Before("connector.resume"),
    ),
    (
        Method::POST,
        "/v1/connectors/{name}/rotate-secret",
        Scope::Admin,
        Own,
    ),
    (
        Method::POST,
        "/v1/connectors/{name}/trigger",
        Scope::Trigger,
        Before("connector.trigger"),
    ),
    (Method::GET, "/v1/links", Scope::Read, NoTrail),
    (Method::GET, "/v1/events", Scope::Read, NoTrail),
    (Method::GET, "/v1/events/{id}", Scope::Read, NoTrail),
    (
        Method::POST,
        "/v1/events/{id}/replay",
        Scope::Operate,
        Before("event.replay"),
    ),
    (
        Method::POST,
        "/v1/events/{id}/erase",
        Scope::Admin,
        Before("event.erase"),
    ),
    (Method::GET, "/v1/runs", Scope::Read, NoTrail),
    (Method::POST, "/v1/runs/replay", Scope::Operate, Own),
    (Method::GET, "/v1/runs/{id}", Scope::Read, NoTrail),
    (
        Method::POST,
        "/v1/runs/{id}/cancel",
        Scope::Operate,
        Before("run.cancel"),
    ),
    (
        Method::POST,
        "/v1/runs/{id}/replay",
        Scope::Operate,
        Before("run.replay"),
    ),
    (
        Method::POST,
        "/v1/runs/{id}/release",
        Scope::Operate,
        Before("run.release"),
    ),
    (Method::GET, "/v1/deliveries", Scope::Read, NoTrail),
    (Method::POST, "/v1/deliveries/redrive", Scope::Operate, Own),
    (Method::GET, "/v1/deliveries/{id}", Scope::Read, NoTrail),
    (
        Method::POST,
        "/v1/deliveries/{id}/redrive",
        Scope::Operate,
        Before("delivery.redrive"),
    ),
    (Method::GET, "/v1/types", Scope::Read, NoTrail),
    (Method::GET, "/v1/types/{type}", Scope::Read, NoTrail),
    (Method::GET, "/v1/keys", Scope::Admin, NoTrail),
    (Method::POST, "/v1/keys", Scope::Admin, Own),
    (Method::DELETE, "/v1/keys/{name}", Scope::Admin, Own),
    (Method::GET, "/v1/audit", Scope::Admin, NoTrail),
    (Method::GET, "/v1/vault", Scope::Admin, NoTrail),
    (
        Method::POST,
        "/v1/vault/rotate",
        Scope::Admin,
        Before("vault.rotate"),
    ),
    // It compares secrets: to a reader its answers would confirm guesses of them.
    (Method::POST, "/v1/plan", Scope::Admin, NoTrail),
    (Method::POST, "/v1/apply", Scope::Admin, Own),
];

/// Routes that act on the hub as a whole: for keys of the project `default` alone.
static OF_THE_HUB: &[&str] = &["/v1/vault", "/v1/vault/rotate"];

/// The scope that a route needs.
pub(crate) fn scope_of(method: &Method, route: &str) -> Option<Scope> {
    rule_of(method, route).map(|(scope, _)| scope)
}

/// The scope that a route needs, and what it leaves behind.
pub(crate) fn rule_of(method: &Method, route: &str) -> Option<(Scope, Trail)> {
    ROUTES
        .iter()
        .find(|(m, r, ..)| m == method && *r == route)
        .map(|(_, _, scope, trail)| (*scope, *trail))
}

/// Whether a route acts on more than one project.
pub(crate) fn is_of_the_hub(route: &str) -> bool {
    OF_THE_HUB.contains(&route)
}
