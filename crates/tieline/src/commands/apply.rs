//! `tieline apply`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::plan::{FilesArgs, changes, send};
use crate::cli::{Format, HubArgs, OutputArgs};
use crate::output;

/// Make a running hub as the files say
///
/// The hub keeps what was applied, over restarts too. What files made before and do not name any
/// more is removed, once its open work has ended; what was made through the API stays. A hub that
/// was started with `--config` refuses.
///
/// A secret that a connector leaves out is generated and printed once, here.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    files: FilesArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    hub: HubArgs,
}

pub(crate) fn run(args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    let answer = send(&args.files, &args.hub, "/v1/apply")?;
    if args.output.output == Format::Json {
        output::json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::data(&changes(&answer, "created, updated, removed"))?;
    let generated = answer.get("generated").and_then(Value::as_array);
    for one in generated.into_iter().flatten() {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or("?");
        let (connector, secret) = (
            output::plain(text("connector")),
            output::plain(text("secret")),
        );
        output::data(&format!("secret of {connector}, shown this once: {secret}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
