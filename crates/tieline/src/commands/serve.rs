//! `tieline serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::cli::DATA;
use crate::config::Place;
use crate::shutdown::{self, Signals};
use crate::telemetry;
use crate::wiring::{self, Options};

/// Run the hub
///
/// With `--config`, the hub is what the files say: they are read again on SIGHUP, and a mistake in
/// them then changes nothing. Without it, the hub is what `tieline apply` and the API make of it.
///
/// SIGTERM or Ctrl-C stops it: nothing new is accepted, work in hand has `shutdown.grace` to finish,
/// and what is left is taken up at the next start. A second signal stops it at once.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Environment:
  TIELINE_ADMIN_KEY  presets the first admin key; without it, one is made at the first start and
                     kept in `admin.key` in the data folder
  TIELINE_LOG        what is logged: `debug`, or `info,tieline_engine=debug`; default `info`

Examples:
  tieline serve --config tieline.yaml
  tieline serve --config ./config/ --data /var/lib/tieline --listen 0.0.0.0:443 \\
      --tls-cert fullchain.pem --tls-key privkey.pem
  kill -HUP $(pidof tieline)   # read the files again"
)]
pub(crate) struct ServeArgs {
    /// The configuration: a file, or a folder of .yaml, .yml and .json files
    #[arg(long, value_name = "FILE|DIR")]
    config: Option<PathBuf>,
    /// The data folder; one hub at a time can use it
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// Where connectors are reached, and the management API too; default `127.0.0.1:8080`
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Moves `/v1` and `/metrics` to an address of their own
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
    /// The database: a path, or `sqlite:PATH`; default SQLite in the data folder
    #[arg(long, value_name = "URL", hide_default_value = true)]
    database: Option<String>,
    /// Speaks TLS with this certificate, in PEM, with those of its issuers; read again on SIGHUP and
    /// when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Allows plain HTTP beyond this machine, for a hub behind a proxy that speaks TLS
    #[arg(long)]
    plain_http: bool,
}

pub(crate) fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    on_all_cores(serve(args))
}

async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    let place = match args.config {
        Some(path) => Some(Place::new(&[path])?),
        None => None,
    };
    let running = wiring::start(Options {
        place,
        data: args.data,
        listen: args.listen,
        or_free_port: false,
        admin_listen: args.admin_listen,
        database: args.database,
        certificate: args.tls_cert.zip(args.tls_key),
        plain_http: args.plain_http,
    })
    .await?;
    let scheme = running.scheme;
    if let Some(admin) = running.admin {
        tracing::info!("managed on {scheme}://{admin}");
    }
    tracing::info!("listening on {scheme}://{}", running.public);
    shutdown::run(running, signals).await
}

/// Runs a hub's work on all cores until it ends.
pub(super) fn on_all_cores(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start")?;
    let done = runtime.block_on(work);
    // A thread that hangs in the system must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}
