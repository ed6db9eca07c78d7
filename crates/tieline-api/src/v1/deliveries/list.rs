//! Deliveries, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use crate::api::Shared;
use crate::auth::Caller;
use crate::ingress::json;
use crate::problem::Failure;
use crate::v1::extract::Asked;
use crate::v1::narrow::{OfDeliveries, Time};
use crate::v1::page::{List, by_id, fitting};
use crate::view::{DeliveryView, Seen};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asking {
    /// How many at the most: 1 to 250, and 50 where it is left out.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only those through this connector.
    connector: Option<String>,
    /// Only those that stand so.
    status: Option<String>,
    /// Only those of this run.
    run: Option<String>,
    /// Only those made from then on: a time (RFC 3339), or how long that is ago (`2h`).
    since: Option<String>,
    /// Only those made before.
    until: Option<String>,
}

/// Lists deliveries, newest first
#[utoipa::path(
    get,
    path = "/v1/deliveries",
    tag = "deliveries",
    params(Asking),
    responses((status = 200, description = "One page", body = List<DeliveryView<'static>>))
)]
pub(crate) async fn list_deliveries(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Asked(asking): Asked<Asking>,
) -> Result<Response, Failure> {
    let page = by_id(asking.limit, asking.cursor.as_deref())?;
    let catalog = shared.hub.catalog();
    let words = OfDeliveries {
        connector: asking.connector,
        status: asking.status,
        run: asking.run,
        time: Time {
            since: asking.since,
            until: asking.until,
        },
    };
    let Some(filter) = words.filter(&shared, &caller)? else {
        return Ok(json(StatusCode::OK, &List::<()>::EMPTY));
    };
    let page = shared
        .hub
        .store()
        .deliveries(caller.project, filter, page)
        .await?;
    let (rows, next_cursor) = fitting(page, |row| *row.id.as_bytes(), |_| 0);
    let seen = Seen::whole(&catalog);
    let list = List {
        data: rows.iter().map(|row| seen.delivery(row)).collect(),
        next_cursor,
    };
    Ok(json(StatusCode::OK, &list))
}
