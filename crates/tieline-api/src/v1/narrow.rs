//! What narrows a list, and what is acted on by the many: one set of words for both.

use tieline_contract::Code;
use tieline_engine::LiveCatalog;
use tieline_model::quantity::Span;
use tieline_model::{AgentId, ConnectorId, DeliveryState, Name, ProjectId, RunState, Timestamp};
use tieline_store::{Between, DeliveryFilter, EventFilter, RunFilter};

use crate::api::Shared;
use crate::auth::Caller;
use crate::problem::Failure;

/// What narrows runs, as it was written.
#[derive(Debug, Default)]
pub(super) struct OfRuns {
    pub(super) agent: Option<String>,
    pub(super) connector: Option<String>,
    pub(super) status: Option<String>,
    pub(super) event: Option<String>,
    pub(super) dead_letter: Option<bool>,
    pub(super) time: Time,
}

/// What narrows events, as it was written.
#[derive(Debug, Default)]
pub(super) struct OfEvents {
    pub(super) connector: Option<String>,
    pub(super) time: Time,
}

/// What narrows deliveries, as it was written.
#[derive(Debug, Default)]
pub(super) struct OfDeliveries {
    pub(super) connector: Option<String>,
    pub(super) status: Option<String>,
    pub(super) run: Option<String>,
    pub(super) time: Time,
}

/// A range of time, as it was written.
#[derive(Debug, Default)]
pub(super) struct Time {
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
}

impl OfRuns {
    /// Whether it takes all runs.
    pub(super) fn is_all(&self) -> bool {
        let words = [&self.agent, &self.connector, &self.status, &self.event];
        words.into_iter().all(Option::is_none) && self.dead_letter.is_none() && self.time.is_all()
    }

    /// `None` where it names something that is not there, so that there are no such runs.
    pub(super) fn filter(
        &self,
        shared: &Shared,
        caller: &Caller,
    ) -> Result<Option<RunFilter>, Failure> {
        let state = status(self.status.as_deref(), &RunState::ALL, RunState::as_str)?;
        let queued = self.time.range(shared.hub.now())?;
        let catalog = shared.hub.catalog();
        let names = Names::of(&catalog, caller.project);
        let filter = || -> Result<_, NotThere> {
            Ok(RunFilter {
                agent: found(self.agent.as_deref(), |name| names.agent(name))?,
                connector: found(self.connector.as_deref(), |name| names.connector(name))?,
                state,
                event: found(self.event.as_deref(), |id| id.parse().ok())?,
                dead_letter: self.dead_letter,
                queued,
            })
        };
        Ok(filter().ok())
    }
}

impl OfEvents {
    /// `None` where it names something that is not there.
    pub(super) fn filter(
        &self,
        shared: &Shared,
        caller: &Caller,
    ) -> Result<Option<EventFilter>, Failure> {
        let received = self.time.range(shared.hub.now())?;
        let catalog = shared.hub.catalog();
        let names = Names::of(&catalog, caller.project);
        let connector = found(self.connector.as_deref(), |name| names.connector(name));
        let filter = |connector| EventFilter {
            connector,
            received,
        };
        Ok(connector.map(filter).ok())
    }
}

impl OfDeliveries {
    /// Whether it takes all deliveries.
    pub(super) fn is_all(&self) -> bool {
        let words = [&self.connector, &self.status, &self.run];
        words.into_iter().all(Option::is_none) && self.time.is_all()
    }

    /// `None` where it names something that is not there.
    pub(super) fn filter(
        &self,
        shared: &Shared,
        caller: &Caller,
    ) -> Result<Option<DeliveryFilter>, Failure> {
        let written = self.status.as_deref();
        let state = status(written, &DeliveryState::ALL, DeliveryState::as_str)?;
        let created = self.time.range(shared.hub.now())?;
        let catalog = shared.hub.catalog();
        let names = Names::of(&catalog, caller.project);
        let filter = || -> Result<_, NotThere> {
            Ok(DeliveryFilter {
                connector: found(self.connector.as_deref(), |name| names.connector(name))?,
                state,
                run: found(self.run.as_deref(), |id| id.parse().ok())?,
                created,
            })
        };
        Ok(filter().ok())
    }
}

impl Time {
    fn is_all(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    fn range(&self, now: Timestamp) -> Result<Between, Failure> {
        let since = self.since.as_deref().map(|text| moment("since", text, now));
        let until = self.until.as_deref().map(|text| moment("until", text, now));
        Ok(Between {
            since: since.transpose()?,
            until: until.transpose()?,
        })
    }
}

/// A point in time, or how long it is ago.
fn moment(word: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(Span(ago)) = text.parse() {
        return Ok(now.minus(ago));
    }
    text.parse().map_err(|_| {
        let detail = format!(
            "`{word}` is a time as in RFC 3339, such as `2026-11-22T13:00:00Z`, or how long that \
             is ago: `2h`, `3d`. In an address, `+` is written as `%2B`."
        );
        Failure::new(Code::BadRequest, detail)
    })
}

fn status<T: Copy>(
    text: Option<&str>,
    known: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Option<T>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    let state = known.iter().copied().find(|state| name(*state) == text);
    state.map(Some).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|state| name(*state)).collect();
        let detail = format!("`status` is one of `{}`.", names.join("`, `"));
        Failure::new(Code::BadRequest, detail)
    })
}

/// What was written names nothing that there is.
struct NotThere;

/// `None` where nothing was written.
fn found<T>(
    word: Option<&str>,
    find: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, NotThere> {
    word.map(|word| find(word).ok_or(NotThere)).transpose()
}

/// The names of one project.
pub(super) struct Names<'a> {
    catalog: &'a LiveCatalog,
    project: ProjectId,
}

impl<'a> Names<'a> {
    pub(super) const fn of(catalog: &'a LiveCatalog, project: ProjectId) -> Self {
        Self { catalog, project }
    }

    pub(super) fn agent(&self, name: &str) -> Option<AgentId> {
        let name = Name::new(name).ok()?;
        Some(self.catalog.agent(self.project, &name)?.row.id)
    }

    fn connector(&self, name: &str) -> Option<ConnectorId> {
        let name = Name::new(name).ok()?;
        Some(self.catalog.connector(self.project, &name)?.row.id)
    }
}

#[cfg(test)]
mod tests;
