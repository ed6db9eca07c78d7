//! The description of the management API, made from what is served.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem,
    Ref, ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::api::Shared;
use crate::auth::scope_of;
use crate::problem::{FieldBody, ProblemBody};

const KEY: &str = "key";

/// The description of this API, in OpenAPI 3.1
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "about",
    responses((status = 200, description = "The description", content_type = "application/json")),
    security(())
)]
pub(super) async fn show_openapi(State(shared): State<Arc<Shared>>) -> Response {
    let text = shared.openapi.get().cloned().unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json)], text).into_response()
}

/// What the document says beside its paths.
pub(super) fn about() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    let info = InfoBuilder::new()
        .title("Tieline")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Connects agents to the outside world. Every error is a problem (RFC 9457) with a \
             stable code. Lists are newest first, in pages.",
        ))
        .license(Some(license))
        .build();
    let mut components = Components::new();
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some("An API key, `tl_…`.".to_owned());
    components.add_security_scheme(KEY, SecurityScheme::Http(scheme));
    components
        .schemas
        .insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components
        .schemas
        .insert(FieldBody::name().into_owned(), FieldBody::schema());
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}

/// Adds what holds for every operation: the key with its scope, and that errors are problems.
pub(super) fn complete(document: &mut OpenApi) {
    for (route, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let problem = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(ProblemBody::name())))
                .build();
            let problem = ResponseBuilder::new()
                .description("What is wrong")
                .content("application/problem+json", problem);
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), problem.build().into());
            if let Some(scope) = scope_of(&method, route) {
                let name = scope.as_str();
                let requirement = SecurityRequirement::new(KEY, [name]);
                operation.security = Some(vec![requirement]);
            }
        }
    }
}

/// Every operation of a path, with its method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (http::Method, &mut Operation)> {
    let all = [
        (http::Method::GET, item.get.as_mut()),
        (http::Method::POST, item.post.as_mut()),
        (http::Method::PUT, item.put.as_mut()),
        (http::Method::DELETE, item.delete.as_mut()),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation?)))
}
