//! `tieline plan`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use tieline_model::quantity::Span;
use tieline_model::{Agent, Connector};

use crate::cli::{Format, HubArgs, OutputArgs};
use crate::client::{HubClient, block_on};
use crate::config::{self, Place};
use crate::output;

/// Show what `apply` would change on a running hub
///
/// Nothing is changed. `+` is made, `~` is changed and `-` is removed; what a removal leaves to be
/// finished first is said with it.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(super) files: FilesArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

/// Which files
#[derive(Args)]
pub(super) struct FilesArgs {
    /// Files, or one folder of them; left out, `./tieline.yaml`
    #[arg(value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let answer = send(&args.files, &args.hub, "/v1/plan")?;
    match args.output.output {
        Format::Json => output::json(&answer)?,
        Format::Text => output::data(&changes(&answer, "to create, to update, to remove"))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the files and sends what they say.
pub(super) fn send(files: &FilesArgs, hub: &HubArgs, path: &str) -> anyhow::Result<Value> {
    let place = Place::or_default(&files.files)?;
    let loaded = match place.load()? {
        Ok(loaded) => loaded,
        Err(diagnostics) => {
            output::note(&output::plain_lines(&config::lines(&diagnostics)));
            bail!("the files are not right, and nothing was sent");
        }
    };
    let agents = loaded.configuration.agents.iter().map(agent);
    let connectors = loaded.configuration.connectors.iter().map(connector);
    let body = json!({
        "agents": agents.collect::<Vec<_>>(),
        "connectors": connectors.collect::<Vec<_>>(),
    });
    let client = HubClient::new(hub)?;
    block_on(client.post(path, Some(&body))).context("failed to hand over the files")
}

/// An agent as it stands in a file, with what `${…}` stood for.
fn agent(agent: &Agent) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("name", json!(agent.name));
    set("runtime", json!(agent.runtime));
    set("timeout", json!(Span(agent.timeout)));
    set("concurrency", json!(agent.concurrency));
    set("retry", json!(agent.retry));
    fields.extend(agent.settings.clone());
    Value::Object(fields)
}

/// A connector as it stands in a file, with what `${…}` stood for.
fn connector(connector: &Connector) -> Value {
    let mut fields = json!({
        "name": connector.name,
        "type": connector.kind,
        "mode": connector.mode,
        "agents": connector.links,
        "settings": connector.settings,
    });
    let secrets = tieline_config::write_secrets(&connector.secrets);
    if let (Some(secrets), Some(fields)) = (secrets, fields.as_object_mut()) {
        fields.insert("secret".to_owned(), secrets);
    }
    fields
}

/// The changes as lines, and their counts.
pub(super) fn changes(answer: &Value, words: &str) -> String {
    let changes = answer.get("changes").and_then(Value::as_array);
    let changes = changes.map_or(&[][..], Vec::as_slice);
    let mut text = String::new();
    let mut counts = [0_usize; 3];
    for change in changes {
        let field = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or("?");
        let (sign, count) = match field("action") {
            "create" => ('+', 0),
            "update" => ('~', 1),
            _ => ('-', 2),
        };
        counts[count] += 1;
        let open = change.get("open_work").and_then(Value::as_u64).unwrap_or(0);
        let open = match (count, open) {
            (2, 1..) => format!("  ({open} not ended yet, finished first)"),
            _ => String::new(),
        };
        let (resource, name) = (field("resource"), output::plain(field("name")));
        line(&mut text, &format!("{sign} {resource} {name}{open}"));
        for field in change
            .get("fields")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            line(&mut text, &format!("    {}", field_change(field)));
        }
    }
    let unchanged = answer.get("unchanged").and_then(Value::as_u64).unwrap_or(0);
    let summary: Vec<String> = words
        .split(", ")
        .zip(counts)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    line(
        &mut text,
        &format!("{}, {unchanged} unchanged", summary.join(", ")),
    );
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

/// One field with its values before and after. Two equal ones are a secret that changes.
fn field_change(field: &Value) -> String {
    let path = match field {
        Value::String(path) => return output::plain(path).into_owned(),
        other => other.get("path").and_then(Value::as_str).unwrap_or("?"),
    };
    let value = |name: &str| field.get(name).filter(|value| !value.is_null());
    let shown = match (value("before"), value("after")) {
        (Some(before), Some(after)) if before == after => "changed".to_owned(),
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (None, Some(after)) => format!("{after} added"),
        (Some(before), None) => format!("{before} removed"),
        (None, None) => "changed".to_owned(),
    };
    output::plain(&format!("{path}: {shown}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_as_lines_and_counts() {
        let answer = json!({ "unchanged": 2, "changes": [
            { "action": "create", "resource": "agent", "name": "triage", "fields": [] },
            { "action": "update", "resource": "connector", "name": "orders", "fields": [
                { "path": "settings.max_body", "before": "1MiB", "after": "2MiB" },
                { "path": "secret", "before": "***", "after": "***" },
                { "path": "agents[1].agent", "before": null, "after": "audit" },
            ] },
            { "action": "remove", "resource": "agent", "name": "old", "open_work": 3 },
        ] });
        insta::assert_snapshot!(changes(&answer, "to create, to update, to remove"), @r#"
        + agent triage
        ~ connector orders
            settings.max_body: "1MiB" → "2MiB"
            secret: changed
            agents[1].agent: "audit" added
        - agent old  (3 not ended yet, finished first)
        1 to create, 1 to update, 1 to remove, 2 unchanged
        "#);
    }
}
