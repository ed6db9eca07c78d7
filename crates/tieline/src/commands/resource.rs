//! What the commands over one kind of resource have in common: list, show, act.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::cli::{Format, HubArgs, OutputArgs, PageArgs};
use crate::client::{HubClient, Refused, block_on, segment};
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
    let act = Act {
        kind,
        verb,
        body: None,
    };
    act.on_one(hub, id, &[], output)
}

/// Something that is done to resources.
pub(super) struct Act<'a> {
    /// `runs`.
    pub(super) kind: &'a str,
    /// `cancel`.
    pub(super) verb: &'a str,
    pub(super) body: Option<Value>,
}

impl Act<'_> {
    async fn on(&self, client: &HubClient, id: &str) -> anyhow::Result<Value> {
        let path = format!("/v1/{}/{}/{}", self.kind, segment(id)?, self.verb);
        client.post(&path, self.body.as_ref()).await
    }

    /// Does it to one, and prints what became of it.
    pub(super) fn on_one(
        &self,
        hub: &HubArgs,
        id: &str,
        tables: &[(&str, Columns)],
        output: &OutputArgs,
    ) -> anyhow::Result<ExitCode> {
        let client = HubClient::new(hub)?;
        print(&block_on(self.on(&client, id))?, tables, output)
    }

    /// Does it to each of some, one after the other, and prints what became of them. One that the
    /// hub refuses stops none of the others, and the command has failed then.
    pub(super) fn on_each(
        &self,
        hub: &HubArgs,
        ids: &[String],
        columns: Columns,
        output: &OutputArgs,
    ) -> anyhow::Result<ExitCode> {
        if let [id] = ids {
            return self.on_one(hub, id, &[], output);
        }
        let client = HubClient::new(hub)?;
        let done: Vec<Value> = block_on(async {
            let mut done = Vec::new();
            for id in ids {
                match self.on(&client, id).await {
                    Ok(row) => done.push(row),
                    Err(error) if error.is::<Refused>() => {
                        output::failure(&error.context(format!("`{id}`")));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(done)
        })?;
        match output.output {
            Format::Json => output::json(&json!({ "data": done, "next_cursor": null }))?,
            Format::Text => output::data(&output::items(&done, columns))?,
        }
        Ok(if done.len() == ids.len() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Does it to all that the body takes, and prints how many.
    pub(super) fn on_many(&self, hub: &HubArgs, output: &OutputArgs) -> anyhow::Result<ExitCode> {
        let client = HubClient::new(hub)?;
        let path = format!("/v1/{}/{}", self.kind, self.verb);
        let body = self.body.as_ref();
        print(&block_on(client.post_late(&path, body))?, &[], output)
    }
}

/// The filters that were given, as fields of a body.
pub(super) fn fields(filters: &[(&str, Option<&str>)]) -> Map<String, Value> {
    let given = filters.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(((*name).to_owned(), (*value).into()))
    });
    given.collect()
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
