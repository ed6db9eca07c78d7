//! The difference between what files say and what a hub has.

mod difference;

use std::fmt;

use serde::Serialize;
use tieline_model::{Agent, AgentId, Connector, ConnectorId, ManagedBy, Name};

pub use self::difference::FieldChange;
use self::difference::{agent_changes, connector_changes};
use crate::{Configuration, Diagnostic, Types};

/// What a hub has, removed rows included.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    pub agents: &'a [Agent],
    pub connectors: &'a [Connector],
}

/// What makes a hub be as files say. What the API made stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub put_agents: Vec<Agent>,
    pub put_connectors: Vec<Connector>,
    pub remove_agents: Vec<AgentId>,
    pub remove_connectors: Vec<ConnectorId>,
    /// What happens to each, agents first, in the order of the files; removals last.
    pub lines: Vec<PlanLine>,
}

/// What happens to one agent or connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    pub action: Action,
    pub resource: Resource,
    pub name: Name,
    /// For an update: what changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    Remove,
    Unchanged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    Agent,
    Connector,
}

/// Compares. A name that the API has taken, or still needs, is a diagnostic.
///
/// Puts keep whether a row is paused and, where the files give a connector no secret, the secrets
/// that it has.
pub fn plan(
    desired: &Configuration,
    current: Current<'_>,
    types: &Types<'_>,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut plan = Plan::default();
    let mut diagnostics = Vec::new();
    for (n, agent) in desired.agents.iter().enumerate() {
        let mut rows = current.agents.iter().filter(|row| !row.removed);
        let row = rows.find(|row| row.name == agent.name);
        if row.is_some_and(|row| row.managed_by == ManagedBy::Api) {
            let (position, path) = desired.agent_field(n, "name");
            diagnostics.push(taken(Diagnostic::error(position, &path, "")));
        } else {
            plan.agent(agent, row, types);
        }
    }
    for (n, connector) in desired.connectors.iter().enumerate() {
        let mut rows = current.connectors.iter().filter(|row| !row.removed);
        let row = rows.find(|row| row.name == connector.name);
        if row.is_some_and(|row| row.managed_by == ManagedBy::Api) {
            let (position, path) = desired.connector_field(n, "name");
            diagnostics.push(taken(Diagnostic::error(position, &path, "")));
        } else {
            plan.connector(connector, row, types);
        }
    }
    plan.removals(desired, current, &mut diagnostics);
    if diagnostics.is_empty() {
        Ok(plan)
    } else {
        Err(diagnostics)
    }
}

fn taken(mut diagnostic: Diagnostic) -> Diagnostic {
    "the API made one of this name".clone_into(&mut diagnostic.message);
    diagnostic.with_fix("choose another name, or remove that one through the API")
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.lines
            .iter()
            .all(|line| line.action == Action::Unchanged)
    }

    fn line(&mut self, resource: Resource, name: &Name, change: (Action, Vec<FieldChange>)) {
        let (action, fields) = change;
        self.lines.push(PlanLine {
            action,
            resource,
            name: name.clone(),
            fields,
        });
    }

    fn agent(&mut self, agent: &Agent, row: Option<&Agent>, types: &Types<'_>) {
        let change = match row.map(|row| agent_changes(row, agent, types)) {
            None => (Action::Create, Vec::new()),
            Some(fields) if fields.is_empty() => (Action::Unchanged, fields),
            Some(fields) => (Action::Update, fields),
        };
        if change.0 != Action::Unchanged {
            self.put_agents.push(Agent {
                id: row.map_or(agent.id, |row| row.id),
                project: row.map_or(agent.project, |row| row.project),
                paused: row.is_some_and(|row| row.paused),
                ..agent.clone()
            });
        }
        self.line(Resource::Agent, &agent.name, change);
    }

    fn connector(&mut self, connector: &Connector, row: Option<&Connector>, types: &Types<'_>) {
        let mut put = connector.clone();
        if let Some(row) = row {
            put.id = row.id;
            put.project = row.project;
            put.paused = row.paused;
            if put.secrets.is_empty() {
                put.secrets.clone_from(&row.secrets);
            }
        }
        let change = match row.map(|row| connector_changes(row, &put, types)) {
            None => (Action::Create, Vec::new()),
            Some(fields) if fields.is_empty() => (Action::Unchanged, fields),
            Some(fields) => (Action::Update, fields),
        };
        if change.0 != Action::Unchanged {
            self.put_connectors.push(put);
        }
        self.line(Resource::Connector, &connector.name, change);
    }

    /// What a file once made and no file names any more.
    fn removals(
        &mut self,
        desired: &Configuration,
        current: Current<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let of_file = |removed: bool, by: ManagedBy| !removed && by == ManagedBy::File;
        for row in current.connectors {
            let wanted = desired.connectors.iter().any(|c| c.name == row.name);
            if of_file(row.removed, row.managed_by) && !wanted {
                self.remove_connectors.push(row.id);
                self.line(Resource::Connector, &row.name, (Action::Remove, Vec::new()));
            }
        }
        for row in current.agents {
            let wanted = desired.agents.iter().any(|a| a.name == row.name);
            if !of_file(row.removed, row.managed_by) || wanted {
                continue;
            }
            let needs = |c: &&Connector| {
                let of_api = !c.removed && c.managed_by == ManagedBy::Api;
                of_api && c.links.iter().any(|link| link.agent == row.name)
            };
            if let Some(connector) = current.connectors.iter().find(needs) {
                let message = format!(
                    "agent `{}` cannot be removed: connector `{}`, which the API made, links it",
                    row.name, connector.name
                );
                let fix = "keep the agent, or unlink it through the API first";
                diagnostics.push(Diagnostic::error(None, "", message).with_fix(fix));
                continue;
            }
            self.remove_agents.push(row.id);
            self.line(Resource::Agent, &row.name, (Action::Remove, Vec::new()));
        }
    }
}

impl fmt::Display for PlanLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Remove => '-',
            Action::Unchanged => ' ',
        };
        let resource = match self.resource {
            Resource::Agent => "agent",
            Resource::Connector => "connector",
        };
        write!(f, "{sign} {resource} {}", self.name)?;
        self.fields
            .iter()
            .try_for_each(|field| write!(f, "\n    {field}"))
    }
}

/// One line per change, and the counts. What stays as it is is only counted.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self
            .lines
            .iter()
            .filter(|line| line.action != Action::Unchanged)
        {
            writeln!(f, "{line}")?;
        }
        let count = |action| {
            self.lines
                .iter()
                .filter(|line| line.action == action)
                .count()
        };
        write!(
            f,
            "{} to create, {} to update, {} to remove, {} unchanged",
            count(Action::Create),
            count(Action::Update),
            count(Action::Remove),
            count(Action::Unchanged)
        )
    }
}

#[cfg(test)]
mod tests;
