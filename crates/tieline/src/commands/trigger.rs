//! `tieline trigger`.

use std::fs;
use std::io::{self, Read as _};
use std::process::ExitCode;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use serde_json::Value;

use crate::cli::HubArgs;
use crate::client::{HubClient, block_on};
use crate::output;

/// Send one event to a connector, as if it had come from outside
///
/// The hub signs in with the connector's own secret, and what is printed is what the connector's
/// own address answers. The exit code is 0 where the event was taken, and in sync mode only where
/// every run completed.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  tieline trigger orders --body '{\"total\":120}'
  tieline trigger orders --body @order.json
  cat photo.jpg | tieline trigger photos --body @- --content-type image/jpeg"
)]
pub(crate) struct TriggerArgs {
    /// The connector's name
    connector: String,
    /// The body: a text, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "TEXT|@FILE", default_value = "{}")]
    body: String,
    /// What the body is
    #[arg(long, value_name = "TYPE", default_value = "application/json")]
    content_type: String,
    #[command(flatten)]
    hub: HubArgs,
}

pub(crate) fn run(args: &TriggerArgs) -> anyhow::Result<ExitCode> {
    let body = match args.body.strip_prefix('@') {
        Some("-") => {
            let mut body = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut body);
            read.context("failed to read standard input")?;
            body
        }
        Some(file) => fs::read(file).with_context(|| format!("failed to read `{file}`"))?,
        None => args.body.clone().into_bytes(),
    };
    let client = HubClient::new(&args.hub)?;
    let sent = client.trigger(&args.connector, &args.content_type, Bytes::from(body));
    let answer = block_on(sent)?;
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) => output::json(&value)?,
        Err(_) => output::data(&output::plain_lines(&String::from_utf8_lossy(&answer.body)))?,
    }
    Ok(if answer.status.is_success() {
        ExitCode::SUCCESS
    } else {
        output::note(&format!("the connector answers {}", answer.status));
        ExitCode::FAILURE
    })
}
