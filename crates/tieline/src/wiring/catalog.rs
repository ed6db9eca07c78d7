//! Makes the hub as its configuration says: at the start, and at each reload.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use tieline_api::Author;
use tieline_config::{Configuration, Current, Plan, Severity};
use tieline_engine::{EngineError, Hub, LiveRole};
use tieline_model::{ManagedBy, Name, ProjectId, Secret};
use tieline_store::{Catalog, CatalogChange};

use crate::config::{self, Loaded, Place, TYPES};
use crate::output;

/// Reads the configuration. What is wrong with it is said here, line by line.
pub(crate) fn read(place: &Place) -> anyhow::Result<Configuration> {
    match place.load()? {
        Ok(Loaded {
            configuration,
            warnings,
        }) => {
            for warning in &warnings {
                say(warning.severity, &warning.to_string());
            }
            Ok(configuration)
        }
        Err(diagnostics) => {
            for diagnostic in &diagnostics {
                say(diagnostic.severity, &diagnostic.to_string());
            }
            bail!("`{}` is not right, see above", place.name())
        }
    }
}

/// As lines of a compiler to a person, as lines of the log to everything else.
fn say(severity: Severity, text: &str) {
    if output::has_reader() {
        output::note(&output::plain_lines(text));
    } else if severity == Severity::Error {
        tracing::error!("{text}");
    } else {
        tracing::warn!("{text}");
    }
}

/// Says which connectors anybody may call. Those of files that were just read have been told of, with
/// their line.
pub(crate) fn warn_of_open(hub: &Hub, files_were_read: bool) {
    for connector in hub.catalog().connectors.values() {
        let row = &connector.row;
        let is_open = match &connector.role {
            LiveRole::Endpoint(endpoint) => endpoint.rules().auth.is_open(),
            LiveRole::Sink { .. } => false,
        };
        let told = files_were_read && row.managed_by == ManagedBy::File;
        if is_open && !row.removed && !told {
            let name = &row.name;
            tracing::warn!(
                connector = %name,
                "anybody may call connector `{name}`: its `auth` is `none`"
            );
        }
    }
}

/// What would make the hub as the configuration says.
pub(crate) async fn plan(hub: &Hub, configuration: &Configuration) -> anyhow::Result<Plan> {
    let current = current(hub).await?;
    let current = Current {
        agents: &current.agents,
        connectors: &current.connectors,
    };
    tieline_config::plan(configuration, current, &TYPES).map_err(|diagnostics| {
        anyhow!(
            "the configuration does not go with what the hub has\n{}",
            config::lines(&diagnostics)
        )
    })
}

/// What the hub has in the project that its files are of.
async fn current(hub: &Hub) -> anyhow::Result<Catalog> {
    let catalog = hub.store().catalog().await;
    let mut catalog = catalog.context("failed to read what the hub has")?;
    catalog
        .agents
        .retain(|row| row.project == ProjectId::DEFAULT);
    catalog
        .connectors
        .retain(|row| row.project == ProjectId::DEFAULT);
    Ok(catalog)
}

/// Makes the changes of a plan, whole or not at all.
pub(crate) async fn apply(hub: &Arc<Hub>, plan: Plan) -> anyhow::Result<()> {
    let summary = plan.to_string();
    let changed = !plan.is_empty();
    let mut change = CatalogChange {
        put_agents: plan.put_agents,
        remove_agents: plan.remove_agents,
        put_connectors: plan.put_connectors,
        remove_connectors: plan.remove_connectors,
        audit: Vec::new(),
    };
    let current = current(hub).await?;
    let current = Current {
        agents: &current.agents,
        connectors: &current.connectors,
    };
    change.audit = Author::file(hub.now()).changes(&change, &current, &TYPES);
    let applied = hub.apply(ProjectId::DEFAULT, change).await;
    let applied = applied.map_err(|error| match error {
        EngineError::Settings(problems) => anyhow!("the settings are not valid: {problems}"),
        other => other.into(),
    });
    let applied = applied.context("failed to apply the configuration")?;
    if changed {
        let counts = summary.lines().last().unwrap_or_default();
        tracing::info!("configuration applied: {counts}");
    }
    for (name, secret) in &applied.generated {
        announce(name, secret);
    }
    Ok(())
}

/// Shows a generated secret once, to a person only.
fn announce(name: &Name, secret: &Secret) {
    if output::has_reader() {
        let secret = secret.expose();
        output::note(&format!(
            "secret of connector `{name}`, shown this once: {secret}"
        ));
    } else {
        tracing::warn!(
            connector = %name,
            "connector `{name}` has a generated secret that nobody has seen: give it one with \
             `secret:`, or start the hub on a terminal"
        );
    }
}
