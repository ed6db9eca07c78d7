//! Starts the real binary and talks to it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Answer, Request};

/// The first admin key of every hub that is started here.
pub(crate) const KEY: &str = "tl_test-key-0123456789-0123456789";
/// The secret of connectors, where a test does not need its own.
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A binary without any settings of whoever runs the tests.
pub(crate) fn tieline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
    for name in [
        "TIELINE_HUB",
        "TIELINE_KEY",
        "TIELINE_ADMIN_KEY",
        "TIELINE_LOG",
        "TIELINE_VAULT_KEY",
        "TIELINE_VAULT_KEY_PREVIOUS",
    ] {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A folder with a configuration, where a hub can be started again and again.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        place.write(configuration);
        place
    }

    pub(crate) fn write(&self, configuration: &str) {
        fs::write(self.file(), configuration).unwrap();
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("tieline.yaml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `serve` with this configuration on a free port, not yet started.
    pub(crate) fn serve(&self) -> Command {
        let mut command = tieline(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("TIELINE_ADMIN_KEY", KEY);
        command.arg("--config").arg(self.file());
        command.arg("--data").arg(self.data());
        command
    }

    pub(crate) fn start(&self) -> Process {
        Process::start(&mut self.serve())
    }
}

/// A running binary; it is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        let found = wait(|| {
            let said = [stdout.text(), stderr.text()].concat();
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the hub ended at its start: {said}");
            let (_, after) = said.split_once("listening on http")?;
            let (_, after) = after.split_once("://")?;
            let end = after.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)))?;
            after[..end].parse().ok()
        });
        Self {
            address: found,
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Bytes of memory that it has now.
    pub(crate) fn resident(&self) -> u64 {
        let about = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = about.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse::<u64>().unwrap() * 1024
    }

    /// Waits for the end, and for all that was said; the exit code, where no signal ended it.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let code = wait(|| self.child.try_wait().unwrap()).code();
        wait_until(|| self.stdout.is_whole() && self.stderr.is_whole());
        code
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.send(self.address)
    }

    /// What the management API has at a path.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.send(&Request::get(path).bearer(KEY)).expect(200)
    }

    /// Posts JSON with the connector's secret.
    pub(crate) fn post(&self, connector: &str, body: &Value) -> Answer {
        let request = Request::post(&format!("/c/{connector}"));
        self.send(&request.bearer(SECRET).json(body))
    }

    /// Waits until the run has ended, and returns it.
    pub(crate) fn ended(&self, run: &Value) -> Value {
        let path = format!("/v1/runs/{}", run.as_str().unwrap());
        wait(|| {
            let run = self.get(&path);
            let status = run["status"].as_str().unwrap();
            ["completed", "failed", "cancelled"]
                .contains(&status)
                .then_some(run)
        })
    }

    /// How many rows a list of the management API has.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.get(path)["data"].as_array().unwrap().len()
    }

    /// A client command against this hub.
    pub(crate) fn command(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = tieline(args);
        command.env("TIELINE_HUB", format!("http://{}", self.address));
        command.env("TIELINE_KEY", KEY);
        run(&mut command)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            eprintln!("--- standard error of the hub ---\n{}", self.stderr());
        }
    }
}

/// What a stream has said so far.
struct Lines {
    text: Arc<Mutex<String>>,
    reader: thread::JoinHandle<()>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let filled = Arc::clone(&text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let mut text = filled.lock().unwrap();
                text.push_str(&line);
                text.push('\n');
            }
        });
        Self { text, reader }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Whether there is no more to come.
    fn is_whole(&self) -> bool {
        self.reader.is_finished()
    }
}

/// Waits until there is something.
#[track_caller]
pub(crate) fn wait<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until it is so.
#[track_caller]
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    wait(|| is_so().then_some(()));
}

/// Everything below a folder: names, modes, contents.
pub(crate) fn files_below(folder: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path.clone());
            }
            found.push((path, about));
        }
    }
    found
}
