//! What the command line looks like. The doc comments are the help that people read.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tieline_model::Secret;
use tieline_model::secret::BadSecret;

use crate::commands::{
    agents, apply, audit, backup, check, connectors, deliveries, demo, doctor, events, keys, plan,
    runs, schema, serve, trigger, types, vault,
};
use crate::output;

/// Connects AI agents to the outside world
///
/// Events come in through connectors, agents handle them, and what the agents answer goes back to
/// the caller or out through other connectors. One hub holds the queue, the retries, the secrets
/// and the history in between.
///
/// `tieline demo` shows it working, without any set-up. Data goes to standard output, everything
/// else to standard error. The exit code is 0 on success, 1 on failure and 2 on bad usage.
#[derive(Parser)]
#[command(name = "tieline", version, verbatim_doc_comment, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tieline demo                                  # see it work
  tieline connectors new webhook > tieline.yaml # begin a configuration
  tieline check                                 # is it right?
  tieline serve --config tieline.yaml           # run the hub
  tieline runs list                             # what did the agents do?

More about one command: tieline help COMMAND";

#[derive(Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Schema(schema::SchemaArgs),
    Types(types::TypesArgs),
    Agents(agents::AgentsArgs),
    Connectors(connectors::ConnectorsArgs),
    Events(events::EventsArgs),
    Runs(runs::RunsArgs),
    Deliveries(deliveries::DeliveriesArgs),
    Trigger(trigger::TriggerArgs),
    Keys(keys::KeysArgs),
    Audit(audit::AuditArgs),
    Vault(vault::VaultArgs),
    Backup(backup::BackupArgs),
    Doctor(doctor::DoctorArgs),
}

/// How to print
#[derive(Args)]
pub(crate) struct OutputArgs {
    /// How to print: `text` for people, `json` for programs
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
}

/// The form of what is printed.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables and lines
    #[default]
    Text,
    /// One JSON value
    Json,
}

/// Which hub a command talks to
#[derive(Args)]
#[command(next_help_heading = "Which hub")]
pub(crate) struct HubArgs {
    /// The address of the hub
    #[arg(
        long,
        env = "TIELINE_HUB",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) hub: String,
    /// The API key; left out, it is read from `admin.key` in the data folder
    #[arg(long, env = "TIELINE_KEY", hide_env_values = true, value_name = "KEY", value_parser = secret)]
    pub(crate) key: Option<Secret>,
    /// The data folder of a hub on this machine, for its key
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub(crate) data: PathBuf,
}

/// The data folder where nobody says otherwise.
pub(crate) const DATA: &str = "./tieline-data";

fn secret(text: &str) -> Result<Secret, BadSecret> {
    Secret::new(text)
}

/// Which page of a list
#[derive(Args)]
pub(crate) struct PageArgs {
    /// How many to list, the newest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

/// Which range of time
#[derive(Args)]
pub(crate) struct RangeArgs {
    /// Only those from then on: a time (`2026-11-22T13:00:00Z`), or how long that is ago (`2h`)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only those before
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    // Prints help and bad usage by itself, with exit code 0 and 2.
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Types(args) => types::run(&args),
        Command::Agents(args) => agents::run(&args),
        Command::Connectors(args) => connectors::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Runs(args) => runs::run(&args),
        Command::Deliveries(args) => deliveries::run(&args),
        Command::Trigger(args) => trigger::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Vault(args) => vault::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            output::failure(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_every_argument_says_what_it_is_for() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let named = format!("{} {}", command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{named}");
            }
            command.get_subcommands().for_each(visit);
        }
        visit(&Cli::command());
    }
}
