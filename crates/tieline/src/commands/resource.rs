//! What the commands over one kind of resource have in common: list, show, act.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::{Format, HubArgs, OutputArgs, PageArgs};
use crate::client::{HubClient, block_on, segment};
use crate::output;

/// Heads of columns, with the JSON pointers of their values.
pub(super) type Columns = &'static [(&'static str, &'static str)];

/// The columns of an attempt, of a run as of a delivery.
pub(super) const ATTEMPTS: Columns = &[
    ("NO", "/number"),
    ("STARTED", "/started_at"),
    ("ENDED", "/ended_at"),
    ("STATUS", "/status"),
    ("ERROR", "/error/code"),
    ("MESSAGE", "/error/message"),
];

/// A list to print.
pub(super) struct Listing<'a> {
    /// `/v1/runs`.
    pub(super) path: &'a str,
    pub(super) filters: &'a [(&'a str, Option<&'a str>)],
    pub(super) columns: Columns,
}

/// Prints the newest rows of a list.
pub(super) fn list(
    hub: &HubArgs,
    listing: &Listing<'_>,
    page: &PageArgs,
    output: &OutputArgs,
) -> anyhow::Result<ExitCode> {
    let client = HubClient::new(hub)?;
    let found = block_on(client.list(listing.path, listing.filters, page.limit))?;
    if output.output == Format::Json {
        output::json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = found.get("data").and_then(Value::as_array);
    output::data(&output::items(
        rows.map_or(&[], Vec::as_slice),
        listing.columns,
    ))?;
    if found.get("next_cursor").is_some_and(Value::is_string) {
        output::note("There are more: raise --limit.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints one resource.
pub(super) fn show(
    hub: &HubArgs,
    (kind, id): (&str, &str),
    tables: &[(&str, Columns)],
    output: &OutputArgs,
) -> anyhow::Result<ExitCode> {
    let client = HubClient::new(hub)?;
    let path = format!("/v1/{kind}/{}", segment(id)?);
    print(&block_on(client.get(&path))?, tables, output)
}

/// Does something to one resource and prints what became of it.
pub(super) fn act(
    hub: &HubArgs,
    (kind, id): (&str, &str),
    verb: &str,
    output: &OutputArgs,
) -> anyhow::Result<ExitCode> {
    let client = HubClient::new(hub)?;
    let path = format!("/v1/{kind}/{}/{verb}", segment(id)?);
    print(&block_on(client.post(&path, None))?, &[], output)
}

/// Prints a value in the form that was asked for.
pub(super) fn print(
    value: &Value,
    tables: &[(&str, Columns)],
    output: &OutputArgs,
) -> anyhow::Result<ExitCode> {
    match output.output {
        Format::Json => output::json(value)?,
        Format::Text if value.is_null() => output::note("done"),
        Format::Text => output::data(&output::details(value, tables))?,
    }
    Ok(ExitCode::SUCCESS)
}
