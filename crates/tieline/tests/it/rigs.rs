//! The hub against programs that others wrote: `cargo xtask test --rigs` brings them.

mod cloudevents;
mod promtool;
mod proxy;
mod schemathesis;
mod standard_webhooks;

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Where the rigs are. Without them a test fails: it would prove nothing.
fn folder() -> PathBuf {
    let folder = env::var_os("TIELINE_RIGS")
        .expect("TIELINE_RIGS is not set: `cargo xtask test --rigs` brings what this test needs");
    PathBuf::from(folder)
}

/// A program of the Python environment.
fn program(name: &str) -> Command {
    let path = folder().join("venv/bin").join(name);
    assert!(
        path.exists(),
        "{} is missing: `cargo xtask test --rigs` brings it",
        path.display()
    );
    Command::new(path)
}

/// A script beside this file.
fn script(name: &str) -> Command {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/rigs");
    let mut command = program("python");
    // Nothing but the environment's own packages, and no `.pyc` files in the work tree.
    command.args(["-I", "-B"]);
    command.arg(PathBuf::from(folder).join(name));
    command
}

/// Gives a program its input; its exit code, and what it wrote to either stream.
fn feed(command: &mut Command, input: &[u8]) -> (Option<i32>, String) {
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = streams
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{command:?}: {error}: `cargo xtask test --rigs` brings what is missing")
        });
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// What a script printed, which is one JSON value.
#[track_caller]
fn ask(command: &mut Command, input: &[u8]) -> Value {
    let (code, said) = feed(command, input);
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap()
}

/// A script that prints JSON lines until it is dropped.
struct Speaker {
    child: Child,
    lines: Receiver<Value>,
}

impl Speaker {
    fn start(command: &mut Command) -> Self {
        let streams = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (say, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                say.send(serde_json::from_str(&line).unwrap()).ok();
            }
        });
        Self { child, lines }
    }

    /// The next line, which must come soon.
    #[track_caller]
    fn next(&self) -> Value {
        let patience = Duration::from_secs(30);
        self.lines
            .recv_timeout(patience)
            .expect("the script said nothing")
    }

    /// Lines that came and were not read.
    fn rest(&self) -> Vec<Value> {
        self.lines.try_iter().collect()
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
