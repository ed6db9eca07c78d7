//! The addresses under which a connector is called and its events and runs are read.
//!
//! They begin with `public_url` where one is configured, and are paths where none is. What a
//! request says about its own host is never part of them.

use std::fmt;
use std::sync::Arc;

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use http::Uri;
use serde::{Serialize, Serializer};
use tieline_contract::erased::DynEndpoint;
use tieline_engine::{Hub, LiveConnector, LiveRole};
use tieline_model::{EventId, Name, ProjectId};

use crate::problem::Failure;

/// What a router made of a path.
pub(crate) type Params = Result<RawPathParams, RawPathParamsRejection>;

/// A connector that has an address.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) connector: Arc<LiveConnector>,
    /// What stands before `/c/`: where the hub is, and the project where it is not `default`.
    base: String,
}

impl Place {
    /// Finds what a path under `/c/` or `/p/{project}/c/` names. All that is not there looks alike.
    pub(crate) fn find(hub: &Hub, params: &Params) -> Result<Self, Failure> {
        let catalog = hub.catalog();
        let project = match param(params, "project") {
            Some(name) => catalog.project(name).ok_or_else(unknown)?,
            None => ProjectId::DEFAULT,
        };
        let name = param(params, "connector").and_then(|name| Name::new(name).ok());
        let connector = name.and_then(|name| catalog.connector(project, &name).cloned());
        Self::of(hub, connector.ok_or_else(unknown)?)
    }

    /// The place of a connector; one that sends has none.
    pub(crate) fn of(hub: &Hub, connector: Arc<LiveConnector>) -> Result<Self, Failure> {
        if matches!(connector.role, LiveRole::Sink { .. }) {
            return Err(unknown());
        }
        let project = connector.row.project;
        let mut base = hub.public_url();
        if project != ProjectId::DEFAULT {
            let catalog = hub.catalog();
            let mut names = catalog.projects.iter();
            let name = names.find(|(id, _)| *id == project).map(|(_, name)| name);
            base.push_str("/p/");
            base.push_str(name.map_or("?", Name::as_str));
        }
        Ok(Self { connector, base })
    }

    /// Whether the connector still is the one that was found. Any change makes others of all.
    pub(crate) fn is_current(&self, hub: &Hub) -> bool {
        let catalog = hub.catalog();
        let now = catalog.connectors.get(&self.connector.row.id);
        now.is_some_and(|now| Arc::ptr_eq(now, &self.connector))
    }

    pub(crate) fn endpoint(&self) -> &dyn DynEndpoint {
        match &self.connector.role {
            LiveRole::Endpoint(endpoint) => endpoint.as_ref(),
            LiveRole::Sink { .. } => unreachable!("a connector that sends has no place"),
        }
    }

    pub(crate) fn project(&self) -> ProjectId {
        self.connector.row.project
    }

    pub(crate) fn event(&self, id: EventId) -> Address<'_> {
        Address {
            place: self,
            below: Below::Event(id),
        }
    }

    pub(crate) fn itself(&self) -> Address<'_> {
        Address {
            place: self,
            below: Below::Nothing,
        }
    }
}

fn unknown() -> Failure {
    let detail = "No connector has this address.";
    Failure::new(tieline_contract::Code::NotFound, detail)
}

/// One part of the path, decoded.
pub(crate) fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    let mut all = params.as_ref().ok()?.iter();
    all.find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// One part of the path, read as an id; what is none is not there.
pub(crate) fn id_of<T: std::str::FromStr>(params: &Params, name: &str) -> Result<T, Failure> {
    let text = param(params, name).ok_or_else(Failure::not_found)?;
    text.parse().map_err(|_| Failure::not_found())
}

/// The query as it arrived, without the `?`.
pub(crate) fn query_of(uri: &Uri) -> &str {
    uri.query().unwrap_or_default()
}

/// Something below a connector's address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address<'a> {
    place: &'a Place,
    below: Below,
}

#[derive(Clone, Copy, Debug)]
enum Below {
    Nothing,
    Event(EventId),
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { connector, base } = self.place;
        write!(f, "{base}/c/{}", connector.row.name)?;
        match self.below {
            Below::Nothing => Ok(()),
            Below::Event(id) => write!(f, "/events/{id}"),
        }
    }
}

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
