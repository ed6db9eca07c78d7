//! A delivery, with its attempts.

use serde::Serialize;
use tieline_model::{Attempt, Delivery, DeliveryId, EventId, Name, RunId, Timestamp};
use utoipa::ToSchema;

use super::{AttemptView, ErrorView, Seen, damaged, erased};

/// A result on its way outside.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView<'a> {
    /// The `webhook-id` of every attempt.
    #[schema(value_type = uuid::Uuid)]
    delivery_id: DeliveryId,
    connector: &'a str,
    #[schema(value_type = uuid::Uuid)]
    run_id: RunId,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    /// `queued`, `running`, `waiting`, `delivered`, `failed` or `cancelled`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    waiting_since: Option<Timestamp>,
    /// Attempts begun so far.
    attempt: u32,
    /// When the next attempt may begin.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    error: Option<ErrorView<'a>>,
    /// Its body has been erased: its time of retention was over, or a person erased the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    /// Its body was changed by the disk, and not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<bool>,
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryDetail)]
pub(crate) struct DeliveryDetail<'a> {
    #[schema(value_type = uuid::Uuid)]
    delivery_id: DeliveryId,
    connector: &'a str,
    #[schema(value_type = uuid::Uuid)]
    run_id: RunId,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    waiting_since: Option<Timestamp>,
    attempt: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    error: Option<ErrorView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<bool>,
    /// Oldest first.
    attempts: Vec<AttemptView<'a>>,
}

impl<'a> Seen<'a> {
    pub(crate) fn delivery(&self, delivery: &'a Delivery) -> DeliveryView<'a> {
        let connector = self.catalog.connector_name(delivery.connector);
        DeliveryView {
            delivery_id: delivery.id,
            connector: connector.map_or("?", Name::as_str),
            run_id: delivery.run,
            event_id: delivery.event,
            status: delivery.state.as_str(),
            reason: delivery.reason.map(tieline_model::Reason::as_str),
            waiting_since: delivery.waiting_since,
            attempt: delivery.attempt,
            due_at: delivery.due_at.filter(|_| !delivery.state.is_final()),
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
            error: delivery.error.as_ref().map(|error| self.error(error)),
            erased: erased(delivery.kept),
            damaged: damaged(delivery.kept),
        }
    }

    pub(crate) fn delivery_detail(
        &self,
        delivery: &'a Delivery,
        attempts: &'a [Attempt],
    ) -> DeliveryDetail<'a> {
        let DeliveryView {
            delivery_id,
            connector,
            run_id,
            event_id,
            status,
            reason,
            waiting_since,
            attempt,
            due_at,
            created_at,
            ended_at,
            error,
            erased,
            damaged,
        } = self.delivery(delivery);
        DeliveryDetail {
            delivery_id,
            connector,
            run_id,
            event_id,
            status,
            reason,
            waiting_since,
            attempt,
            due_at,
            created_at,
            ended_at,
            error,
            erased,
            damaged,
            attempts: attempts.iter().map(|one| self.attempt(one)).collect(),
        }
    }
}
