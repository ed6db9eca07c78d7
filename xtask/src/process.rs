//! Starting other programs, and reading what test runners print while people still see it.
//!
//! A child never gets a standard input: what works here must work in the CI, which has none.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::counts::Counts;

/// The Cargo that started this program, in the project's root.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root);
    // `cargo run` describes xtask in these; another package's build must not see them.
    for (name, _) in env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a program to its end with its output on ours.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    succeeded(command, status)
}

/// Runs a program to its end and shows only what it complains about.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    run(command.stdout(Stdio::null()))
}

/// Runs a test runner to its end, copies its output to ours, and adds up what it counted.
///
/// A failing runner still leaves its counts in `total`: the closing line is for failures too.
pub(crate) fn run_counted(command: &mut Command, total: &mut Counts) -> Result<()> {
    let mut child = command
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    let from_stdout = child
        .stdout
        .take()
        .context("failed to read standard output")?;
    let from_stderr = child
        .stderr
        .take()
        .context("failed to read standard error")?;
    let (one, two) = thread::scope(|scope| {
        let copier = scope.spawn(|| copy(from_stderr, &mut io::stderr()));
        let one = copy(from_stdout, &mut io::stdout());
        (one, copier.join().expect("copying lines does not panic"))
    });
    let status = child
        .wait()
        .with_context(|| format!("failed to wait for {}", shown(command)))?;
    total.add(one.context("failed to copy standard output")?);
    total.add(two.context("failed to copy standard error")?);
    succeeded(command, status)
}

/// Runs a program silently; true when it could be started and ended well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a program and gives its standard output, which must be UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout)
        .with_context(|| format!("failed to read the output of {}", shown(command)))
}

/// Finds a program in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn copy(from: impl Read, to: &mut dyn io::Write) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        counts.read_line(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(counts)
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let args = command
        .get_args()
        .map(|arg| format!(" {}", arg.to_string_lossy()));
    format!("`{name}{}`", args.collect::<String>())
}
