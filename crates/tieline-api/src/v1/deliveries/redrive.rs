//! A delivery that gets more attempts.

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
use crate::view::{DeliveryView, Seen};

/// Gives a delivery that failed or waits more attempts, beginning now
#[utoipa::path(
    post,
    path = "/v1/deliveries/{id}/redrive",
    tag = "deliveries",
    params(("id" = uuid::Uuid, Path, description = "The delivery's id")),
    responses((status = 200, description = "The delivery", body = DeliveryView<'static>))
)]
pub(crate) async fn redrive_delivery(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Of(id): Of<DeliveryId>,
) -> Result<Response, Failure> {
    shared.hub.redrive_delivery(caller.project, id).await?;
    let delivery = shared.hub.store().delivery(caller.project, id).await?;
    let delivery = delivery.ok_or_else(Failure::not_found)?;
    let catalog = shared.hub.catalog();
    Ok(json(
        StatusCode::OK,
        &Seen::whole(&catalog).delivery(&delivery),
    ))
}
