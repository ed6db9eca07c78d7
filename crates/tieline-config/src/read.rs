//! Reads files, one or a folder of them: everything in them, or everything that is wrong.

mod sources;

use std::collections::HashMap;

use serde_json::{Map, Value};
use tieline_contract::Problems;
use tieline_contract::settings::{join_path, one_of, secret_paths};
use tieline_model::{Agent, Connector, ManagedBy};

use self::sources::Sources;
use crate::hub::{self, HubSettings};
use crate::interpolate::Lookup;
use crate::types::Types;
use crate::{Diagnostic, Position, Severity, agent, connector};

/// A text and what diagnostics call it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file's path as the user wrote it.
    pub file: &'a str,
    pub text: &'a str,
}

/// Everything that files say.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub agents: Vec<Agent>,
    pub connectors: Vec<Connector>,
    pub hub: HubSettings,
    sources: Sources,
    /// Where each agent and each connector stands, in their order.
    agent_places: Vec<Place>,
    connector_places: Vec<Place>,
}

/// A path in one of the files.
#[derive(Clone, Debug)]
struct Place {
    document: usize,
    path: String,
}

impl Configuration {
    /// Where a field of the nth agent stands, and its path from the top of its file.
    pub(crate) fn agent_field(&self, n: usize, path: &str) -> (Option<Position>, String) {
        self.field(self.agent_places.get(n), path)
    }

    /// Where a field of the nth connector stands, and its path from the top of its file.
    pub(crate) fn connector_field(&self, n: usize, path: &str) -> (Option<Position>, String) {
        self.field(self.connector_places.get(n), path)
    }

    fn field(&self, place: Option<&Place>, path: &str) -> (Option<Position>, String) {
        let Some(place) = place else {
            return (None, path.to_owned());
        };
        let path = join_path(&place.path, path);
        (self.sources.position(place.document, &path), path)
    }
}

/// Reads files. There is a configuration if no diagnostic is an error; warnings may come with it.
pub fn read(
    sources: &[Source<'_>],
    lookup: &Lookup<'_>,
    types: &Types<'_>,
) -> (Option<Configuration>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let sources = Sources::parse(sources, lookup, &mut diagnostics);
    let mut reader = Reader {
        types,
        agent_names: HashMap::new(),
        connector_names: HashMap::new(),
        sources: &sources,
        diagnostics,
    };
    let hub = reader.hub();
    let (agents, agent_places) = reader.agents();
    let (connectors, connector_places) = reader.connectors();
    let mut diagnostics = reader.diagnostics;
    sources.sort(&mut diagnostics);
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    let configuration = (!failed).then_some(Configuration {
        agents,
        connectors,
        hub,
        sources,
        agent_places,
        connector_places,
    });
    (configuration, diagnostics)
}

struct Reader<'a> {
    types: &'a Types<'a>,
    /// Where each name stands first.
    agent_names: HashMap<&'a str, Position>,
    connector_names: HashMap<&'a str, Position>,
    sources: &'a Sources,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The hub's own settings: each may stand in one file only.
    fn hub(&mut self) -> HubSettings {
        let hub_schema = hub::schema();
        let mut known: Vec<&str> = vec!["agents", "connectors"];
        let properties = hub_schema.get("properties").and_then(Value::as_object);
        known.extend(
            properties
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str()),
        );
        let mut first: HashMap<&str, Position> = HashMap::new();
        let mut merged = Map::new();
        for (n, fields) in self.sources.fields() {
            let mut own = Map::new();
            for (name, value) in fields {
                let position = self.sources.position(n, name);
                if !known.contains(&name.as_str()) {
                    let fix = one_of(name, &known);
                    let unknown = Diagnostic::error(position, name, "unknown field");
                    self.diagnostics.push(unknown.with_fix(fix));
                } else if name == "agents" || name == "connectors" {
                    self.list(n, name, value);
                } else if let (Some(earlier), Some(position)) =
                    (first.get(name.as_str()), &position)
                {
                    let message = format!("stands in two files, first at {earlier}");
                    let twice = Diagnostic::error(Some(position.clone()), name, message);
                    self.diagnostics.push(twice.with_fix("keep one of them"));
                } else {
                    first.extend(position.map(|position| (name.as_str(), position)));
                    own.insert(name.clone(), value.clone());
                }
            }
            let mut problems = Problems::default();
            hub::read(own.clone(), &mut problems);
            self.report(n, "", problems);
            merged.extend(own);
        }
        // What is wrong has been said with its file; this puts the good ones together.
        hub::read(merged, &mut Problems::default())
    }

    fn list(&mut self, document: usize, name: &str, value: &Value) {
        if !value.is_array() && !value.is_null() {
            let position = self.sources.position(document, name);
            let wrong = Diagnostic::error(position, name, "expected a list");
            let fix = "write each one below it, after a `-`";
            self.diagnostics.push(wrong.with_fix(fix));
        }
    }

    fn agents(&mut self) -> (Vec<Agent>, Vec<Place>) {
        let (mut agents, mut places) = (Vec::new(), Vec::new());
        for (document, path, value) in self.sources.items("agents") {
            let mut problems = Problems::default();
            let read = agent::read(value, self.types, &mut problems);
            self.report(document, &path, problems);
            let earlier = name_of(value).and_then(|name| {
                let position = self.sources.position(document, &format!("{path}.name"))?;
                claim(&mut self.agent_names, name, position)
            });
            self.duplicate("agent", document, &path, earlier);
            if let Some(mut agent) = read {
                agent.managed_by = ManagedBy::File;
                self.warn_of_literals(document, &path, &agent_secrets(&agent, self.types));
                agents.push(agent);
                places.push(Place { document, path });
            }
        }
        (agents, places)
    }

    fn connectors(&mut self) -> (Vec<Connector>, Vec<Place>) {
        let mut known: Vec<&str> = self.agent_names.keys().copied().collect();
        known.sort_unstable();
        // A file that cannot be read may hold any agent.
        let known = self.sources.complete.then_some(known);
        let (mut connectors, mut places) = (Vec::new(), Vec::new());
        for (document, path, value) in self.sources.items("connectors") {
            let mut problems = Problems::default();
            let read = connector::read(value, self.types, known.as_deref(), &mut problems);
            self.report(document, &path, problems);
            let earlier = name_of(value).and_then(|name| {
                let position = self.sources.position(document, &format!("{path}.name"))?;
                claim(&mut self.connector_names, name, position)
            });
            self.duplicate("connector", document, &path, earlier);
            if let Some(mut connector) = read {
                connector.managed_by = ManagedBy::File;
                let secrets = connector_secrets(&connector, value, self.types);
                self.warn_of_literals(document, &path, &secrets);
                self.warn_of_open(document, &path, &connector);
                connectors.push(connector);
                places.push(Place { document, path });
            }
        }
        (connectors, places)
    }

    fn duplicate(&mut self, what: &str, document: usize, path: &str, earlier: Option<Position>) {
        let Some(earlier) = earlier else { return };
        let path = format!("{path}.name");
        let position = self.sources.position(document, &path);
        let message = format!("another {what} has this name, at {earlier}");
        let twice = Diagnostic::error(position, &path, message);
        self.diagnostics
            .push(twice.with_fix("give one of them another name"));
    }

    /// Problems become diagnostics, but for those of texts whose `${…}` has one already.
    fn report(&mut self, document: usize, below: &str, problems: Problems) {
        let mut here = Problems::default();
        here.extend_below(below, problems);
        for problem in here.into_vec() {
            if self.sources.is_failed(document, &problem.path) {
                continue;
            }
            let position = self.sources.position(document, &problem.path);
            let mut diagnostic = Diagnostic::error(position, &problem.path, problem.message);
            diagnostic.fix = problem.fix;
            self.diagnostics.push(diagnostic);
        }
    }

    fn warn_of_literals(&mut self, document: usize, below: &str, paths: &[String]) {
        for path in paths {
            let path = join_path(below, path);
            if self.sources.is_from_elsewhere(document, &path) {
                continue;
            }
            let position = self.sources.position(document, &path);
            let message = "a secret stands in the file itself";
            let warning = Diagnostic::warning(position, &path, message);
            let fix = "write `${NAME}` or `${file:PATH}`, and keep the secret there";
            self.diagnostics.push(warning.with_fix(fix));
        }
    }

    fn warn_of_open(&mut self, document: usize, below: &str, connector: &Connector) {
        if connector::is_open(connector) {
            let path = format!("{below}.settings.auth");
            let position = self.sources.position(document, &path);
            let message = "anybody may call this connector";
            let warning = Diagnostic::warning(position, &path, message);
            let fix = "leave `auth` out, and callers need the connector's secret";
            self.diagnostics.push(warning.with_fix(fix));
        }
    }
}

fn name_of(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}

/// Takes a name; where it is taken, says since where.
fn claim<'a>(
    names: &mut HashMap<&'a str, Position>,
    name: &'a str,
    position: Position,
) -> Option<Position> {
    if let Some(earlier) = names.get(name) {
        return Some(earlier.clone());
    }
    names.insert(name, position);
    None
}

fn agent_secrets(agent: &Agent, types: &Types<'_>) -> Vec<String> {
    let settings = Value::Object(agent.settings.clone());
    let runtime = types.runtime(&agent.runtime);
    runtime
        .map(|runtime| secret_paths(&(runtime.schema)(), &settings))
        .unwrap_or_default()
}

fn connector_secrets(connector: &Connector, written: &Value, types: &Types<'_>) -> Vec<String> {
    let mut paths = secret_paths(&connector::shared_schema(), written);
    let kind = types.connector(&connector.kind);
    if let Some(schema) = kind.and_then(|kind| kind.schema(connector.mode)) {
        let settings = Value::Object(connector.settings.clone());
        let below = secret_paths(&schema(), &settings);
        paths.extend(below.into_iter().map(|path| format!("settings.{path}")));
    }
    paths
}

#[cfg(test)]
mod tests;
