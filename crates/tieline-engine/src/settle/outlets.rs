//! Which outbound connectors take a result, and what each is to deliver.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tieline_contract::{Fault, RunResult};
use tieline_model::Run;
use tieline_store::NewDelivery;

use crate::Hub;
use crate::catalog::LiveRole;

impl Hub {
    /// The deliveries of a run that ended, their bodies fixed from now on.
    pub(super) fn results_of(&self, run: &Run) -> Vec<NewDelivery> {
        let catalog = self.catalog.load();
        // As they are linked when the run ends: the attempt may have begun long before.
        let outlets = catalog.outlets_of(run.agent);
        if outlets.is_empty() {
            return Vec::new();
        }
        let names = catalog.agent_name(run.agent);
        let Some((agent, origin)) = names.zip(catalog.connector_name(run.connector)) else {
            return Vec::new();
        };
        let result = RunResult {
            run_id: run.id,
            agent_name: agent.clone(),
            status: run.state,
            output: run.output.clone(),
            error: run.error.clone(),
            event_id: run.event,
            connector: origin.clone(),
            started_at: run.started_at,
            ended_at: run.ended_at.unwrap_or_default(),
            attempt: run.attempt,
            usage: run.usage.clone(),
        };
        let mut deliveries = Vec::with_capacity(outlets.len());
        for outlet in outlets {
            let Some(connector) = catalog.connectors.get(outlet) else {
                continue;
            };
            let LiveRole::Sink { sink, .. } = &connector.role else {
                continue;
            };
            let wanted = sink.wanted();
            let from = wanted.from.is_empty() || wanted.from.contains(origin);
            if !from || !wanted.on.contains(&run.state) {
                continue;
            }
            let id = self.ids.delivery();
            let written = catch_unwind(AssertUnwindSafe(|| sink.body(&result)));
            let written = written.unwrap_or_else(|_panic| {
                tracing::error!(run.id = %run.id, "a sink panicked over the result of {}", run.id);
                Err(Fault::never(
                    "internal",
                    "the hub failed while it wrote the result",
                ))
            });
            let (body, failed) = match written {
                Ok(body) => (body, None),
                Err(fault) => (bytes::Bytes::new(), Some(fault.error)),
            };
            deliveries.push(NewDelivery {
                id,
                connector: *outlet,
                body,
                failed,
            });
        }
        deliveries
    }
}
