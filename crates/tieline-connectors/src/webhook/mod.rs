//! Webhook: events by HTTP in, results by HTTP out, or both in one request.
//!
//! The model for other types. One folder holds everything: the settings are what people write, the
//! endpoint receives (inbound and sync alike, and purely), the sink sends, the README is the manual.
//! How a run is queued, retried or awaited is the engine's; who may call is the authenticator's.

mod answer;
mod body;
mod endpoint;
mod receive;
mod settings;
mod sink;

use tieline_contract::{ConnectorType, Exchange, Inbound, Outbound};

use self::endpoint::WebhookEndpoint;
use self::settings::{NoWait, Wait};
use self::sink::WebhookSink;

pub(crate) static TYPE: ConnectorType = ConnectorType {
    name: "webhook",
    title: "Webhook",
    summary: "Receives events over HTTP, answers with results, or delivers them to a URL.",
    manual: include_str!("README.md"),
    icon: include_str!("icon.svg"),
    inbound: Some(Inbound::endpoint::<WebhookEndpoint<NoWait>>()),
    sync: Some(Exchange::endpoint::<WebhookEndpoint<Wait>>()),
    outbound: Some(Outbound::sink::<WebhookSink>()),
};

#[cfg(test)]
mod tests;
