//! `tieline demo`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;

use super::serve::on_all_cores;
use crate::config::Place;
use crate::demo::{DemoFolder, Guests};
use crate::shutdown::{self, Signals};
use crate::wiring::{self, LISTEN, Options, Running};
use crate::{output, telemetry};

/// Run a hub with sample agents and three connectors, to see it work
///
/// Prints a ready `curl` for the inbound and the sync connector, and then every result that is
/// delivered outside. Everything is in a fresh folder, which is removed at the end: press Ctrl-C.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DemoArgs {
    /// Where to listen; left out, `127.0.0.1:8080`, or a free port where that one is in use
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(crate) fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    telemetry::start("warn");
    on_all_cores(demo(args))
}

async fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    let folder = DemoFolder::new()?;
    let guests = Guests::serve(&folder.secrets.results).await?;
    let file = folder.write_configuration(guests.address)?;
    let running = wiring::start(Options {
        place: Some(Place::new(&[file])?),
        data: folder.data(),
        listen: Some(args.listen.unwrap_or(LISTEN)),
        or_free_port: args.listen.is_none(),
        admin_listen: None,
        database: None,
        certificate: None,
        plain_http: false,
    })
    .await?;
    output::data(&welcome(&running, &folder))?;
    shutdown::run(running, signals).await
}

/// What people can try, with the secrets that they need for it.
fn welcome(running: &Running, folder: &DemoFolder) -> String {
    let hub = running.public;
    let (path, data) = (folder.path().display(), folder.data());
    let data = data.display();
    let program = program();
    let (orders, ask) = (folder.secrets.orders.expose(), folder.secrets.ask.expose());
    format!(
        r#"Tieline is listening on http://{hub}
Its configuration is {path}/tieline.yaml

Send an order. It is answered at once; the agents work on it, and their results show up below:

  curl -sS http://{hub}/c/orders -H 'Authorization: Bearer {orders}' -H 'Content-Type: application/json' -d '{{"total": 1200, "message": "The kettle arrived broken"}}'

Ask, and get the agent's answer in the same request:

  curl -sS http://{hub}/c/ask -H 'Authorization: Bearer {ask}' -H 'Content-Type: text/plain' -d 'Is this urgent?'

See what happened:

  {program} runs list --hub http://{hub} --data {data}

Deliveries show up here. Ctrl-C ends the demo and removes its folder.
"#
    )
}

/// How this program was called, so that its other commands can be called in the same way.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if called.is_empty() || !called.chars().all(plain) {
        return "tieline".to_owned();
    }
    called
}
