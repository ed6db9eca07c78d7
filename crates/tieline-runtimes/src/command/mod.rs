//! `command`: an agent that is a program on the hub's machine.
//!
//! The run object goes to its standard input, its standard output is the output, and its exit
//! status is the verdict. It must never go through a shell, see more of the hub's environment than
//! the context offers, or leave a process of its group behind.

mod output;
mod process;
mod settings;

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use bytes::Bytes;
use rustix::io::Errno;
use tieline_contract::{
    Assignment, Chunks, Fault, Outcome, Problems, Runtime, RuntimeContext, RuntimeType,
};
use tieline_model::RunError;
use tokio::process::Command;

use self::output::{Output, Tail};
use self::process::Ended;
use self::settings::{CommandSettings, EnvValue, OutputForm, RUN_ID};
use crate::json;
use crate::limits::{self, EXCERPT};
use crate::redact::Redactor;

pub(crate) static TYPE: RuntimeType =
    RuntimeType::new::<CommandAgent>("command", "Runs a program on the hub's machine.", 8)
        .on_this_machine();

/// `EX_TEMPFAIL` of sysexits.h: the program asks to be tried again.
const EX_TEMPFAIL: i32 = 75;

/// One agent.
#[derive(Debug)]
struct CommandAgent {
    settings: CommandSettings,
    /// Never empty.
    program: String,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    max_output: usize,
}

impl Runtime for CommandAgent {
    type Settings = CommandSettings;

    fn open(settings: CommandSettings, context: &RuntimeContext) -> Result<Self, Problems> {
        let program = settings.command.first().cloned();
        let program = program.ok_or_else(|| Problems::one("command", "it is empty"))?;
        Ok(Self {
            program,
            folder: context.folder.clone(),
            environment: context.environment.clone(),
            max_output: limits::as_len(settings.max_output),
            settings,
        })
    }

    async fn run(
        &self,
        assignment: &Assignment,
        chunks: &mut dyn Chunks,
    ) -> Result<Outcome, Fault> {
        let own = self.settings.env.values().map(EnvValue::expose);
        let secrets = Redactor::new(own, assignment);
        let input = assignment.document().map_err(|error| {
            Fault::never(
                "bad-input",
                format!("the run object cannot be written: {error}"),
            )
        })?;
        let chunks = self.settings.stream.then_some(chunks);
        let mut output = Output::new(self.max_output, chunks);
        let mut tail = Tail::new(EXCERPT + secrets.margin());
        match process::run(self.command(assignment), input, &mut output, &mut tail).await {
            Ok(Ended::Exited(status)) if status.success() => self.completed(output.finish()),
            Ok(Ended::Exited(status)) => ended_badly(status, &secrets.end(tail.bytes())),
            Ok(Ended::TooLarge) => Err(Fault::never(
                "output-too-large",
                format!(
                    "the program wrote more than `max_output`, {} bytes, to standard output",
                    self.max_output
                ),
            )),
            Err(error) => Err(self.not_run(&error)),
        }
    }
}

impl CommandAgent {
    fn command(&self, assignment: &Assignment) -> Command {
        let mut command = Command::new(&self.program);
        let own = self.settings.env.iter();
        command
            .args(self.settings.command.iter().skip(1))
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(own.map(|(name, value)| (name, value.expose())))
            .env(RUN_ID, assignment.run_id.to_string());
        command
    }

    /// Reads the output of a program that succeeded.
    fn completed(&self, written: Vec<u8>) -> Result<Outcome, Fault> {
        let output = match self.settings.output {
            OutputForm::Text => text(&written),
            OutputForm::Json => value(written),
        }?;
        Ok(Outcome::Completed {
            output,
            usage: None,
        })
    }

    /// The program could not be started, or not be followed to its end.
    fn not_run(&self, error: &io::Error) -> Fault {
        let (program, folder) = (&self.program, self.folder.display());
        match Errno::from_io_error(error) {
            Some(Errno::NOENT) if !self.folder.is_dir() => Fault::never(
                "command-not-found",
                format!("the folder {folder}, where `{program}` would run, is not there"),
            ),
            Some(Errno::NOENT) => Fault::never(
                "command-not-found",
                format!(
                    "there is no program `{program}` to run in {folder}: check that it is in \
                     `PATH` or in that folder, and that the interpreter it names is there"
                ),
            ),
            Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::TXTBSY) => {
                Fault::not_started(
                    "command-not-started",
                    format!("the system could not start `{program}` now: {error}"),
                )
            }
            _ => Fault::never(
                "command-not-executable",
                format!("`{program}` cannot be run in {folder}: {error}"),
            ),
        }
    }
}

/// The text, less one final newline, as a JSON string.
fn text(written: &[u8]) -> Result<Bytes, Fault> {
    let written = written.strip_suffix(b"\n").unwrap_or(written);
    let text = std::str::from_utf8(written)
        .map_err(|_| Fault::never("bad-output", "standard output is not text in UTF-8"))?;
    Ok(json::string(text))
}

/// The JSON value, as it was written.
fn value(written: Vec<u8>) -> Result<Bytes, Fault> {
    let written = Bytes::from(written);
    let found = json::text(&written).and_then(json::value);
    let value = found.map_err(|error| {
        let hint = if written.trim_ascii().is_empty() {
            " (there is none)"
        } else {
            ""
        };
        let message = format!("standard output{hint} is not the JSON that was promised: {error}");
        Fault::never("bad-output", message)
    })?;
    Ok(written.slice_ref(value.as_bytes()))
}

/// What an exit status other than 0 means.
fn ended_badly(status: ExitStatus, words: &str) -> Result<Outcome, Fault> {
    let with = |what: String| {
        if words.is_empty() {
            what
        } else {
            format!("{what}: {words}")
        }
    };
    match status.code() {
        Some(EX_TEMPFAIL) => Err(Fault::later(
            "tempfail",
            with(format!("exit status {EX_TEMPFAIL}, to be tried again")),
        )),
        Some(code) => Ok(Outcome::Failed {
            error: RunError::new("command-failed", with(format!("exit status {code}"))),
            usage: None,
        }),
        None => {
            // The standard library writes `signal: 9 (SIGKILL)`.
            let status = status.to_string();
            let signal = status.strip_prefix("signal: ").unwrap_or(&status);
            let what = format!("killed by signal {signal}");
            // The hub's own signals come at a deadline or a cancel, when nobody asks any more.
            Err(Fault::crashed("killed", with(what)))
        }
    }
}

#[cfg(test)]
mod tests;
