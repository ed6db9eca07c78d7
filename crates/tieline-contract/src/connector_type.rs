//! Connector types: what they speak, and which modes they fill.

use tieline_model::Mode;

use crate::erased::{DynEndpoint, DynSink, erase_endpoint, erase_sink};
use crate::settings::{Opener, SchemaOf, schema_of};
use crate::{Endpoint, EndpointContext, Sink, SinkContext};

/// Everything the hub knows about one type of connector.
///
/// A mode that is not there is not offered: there is no flag that could say otherwise.
#[derive(Debug)]
pub struct ConnectorType {
    /// What users write: `webhook`.
    pub name: &'static str,
    /// What people read: "Webhook".
    pub title: &'static str,
    /// One sentence for lists.
    pub summary: &'static str,
    /// Markdown: the hand-written part of its manual.
    pub manual: &'static str,
    pub icon: &'static str,
    pub inbound: Option<Inbound>,
    pub sync: Option<Exchange>,
    pub outbound: Option<Outbound>,
}

/// How a type receives events without answering them.
#[derive(Debug)]
pub enum Inbound {
    Endpoint(EndpointRole),
}

/// How a type answers a request with its result.
#[derive(Debug)]
pub enum Exchange {
    Endpoint(EndpointRole),
}

/// How a type carries results outside.
#[derive(Debug)]
pub enum Outbound {
    Sink(SinkRole),
}

/// An endpoint whose settings type has been erased.
#[derive(Debug)]
pub struct EndpointRole {
    pub schema: SchemaOf,
    pub open: Opener<EndpointContext, dyn DynEndpoint>,
}

/// A sink whose settings type has been erased.
#[derive(Debug)]
pub struct SinkRole {
    pub schema: SchemaOf,
    pub open: Opener<SinkContext, dyn DynSink>,
}

impl Inbound {
    pub const fn endpoint<E: Endpoint>() -> Self {
        Self::Endpoint(EndpointRole {
            schema: schema_of::<E::Settings>,
            open: erase_endpoint::<E>,
        })
    }
}

impl Exchange {
    pub const fn endpoint<E: Endpoint>() -> Self {
        Self::Endpoint(EndpointRole {
            schema: schema_of::<E::Settings>,
            open: erase_endpoint::<E>,
        })
    }
}

impl Outbound {
    pub const fn sink<S: Sink>() -> Self {
        Self::Sink(SinkRole {
            schema: schema_of::<S::Settings>,
            open: erase_sink::<S>,
        })
    }
}

impl ConnectorType {
    /// The modes that it offers, in the order of the documentation.
    pub fn modes(&self) -> Vec<Mode> {
        Mode::ALL
            .into_iter()
            .filter(|mode| self.schema(*mode).is_some())
            .collect()
    }

    /// The settings' schema of a mode; `None` where the mode is not offered.
    pub fn schema(&self, mode: Mode) -> Option<SchemaOf> {
        match mode {
            Mode::Inbound => self
                .inbound
                .as_ref()
                .map(|Inbound::Endpoint(role)| role.schema),
            Mode::Sync => self
                .sync
                .as_ref()
                .map(|Exchange::Endpoint(role)| role.schema),
            Mode::Outbound => self
                .outbound
                .as_ref()
                .map(|Outbound::Sink(role)| role.schema),
        }
    }
}
