//! One delivery, with its attempts.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use tieline_model::DeliveryId;

use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::json;
use crate::problem::Failure;
use crate::v1::extract::Of;
use crate::view::{DeliveryDetail, Seen};

/// Shows a delivery with its attempts
#[utoipa::path(
    get,
    path = "/v1/deliveries/{id}",
    tag = "deliveries",
    params(("id" = uuid::Uuid, Path, description = "The delivery's id")),
    responses((status = 200, description = "The delivery", body = DeliveryDetail<'static>))
)]
pub(crate) async fn show_delivery(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<DeliveryId>,
) -> Result<Response, Failure> {
    let store = shared.hub.store();
    let delivery = store.delivery(caller.project, id).await?;
    let delivery = delivery.ok_or_else(Failure::not_found)?;
    let attempts = store.delivery_attempts(caller.project, id).await?;
    let catalog = shared.hub.catalog();
    let seen = Seen::whole(&catalog);
    Ok(json(
        StatusCode::OK,
        &seen.delivery_detail(&delivery, &attempts),
    ))
}
