//! The shipped binary as a process that is started, killed and started again.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::message::{Line, request};

/// What every connector is opened with, and what deliveries are signed with.
pub(crate) const SECRET: &str = "whsec_dGllbGluZS1mYXVsdHMtdGllbGluZS1mYXVsdHMtMDE=";
/// What opens `/v1`.
pub(crate) const ADMIN_KEY: &str = "tl_dGllbGluZS1mYXVsdHMtdGllbGluZS1mYXVsdHMtMDE";

const START_MAX: Duration = Duration::from_mins(1);
const STOP_MAX: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How a hub is started, each time.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    /// Its config file and its log.
    pub(crate) folder: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) config: String,
    pub(crate) environment: Vec<(String, String)>,
    /// A program and its arguments that start the hub in its stead, such as `strace -f`.
    pub(crate) wrapper: Vec<String>,
}

/// A wrapper that is killed may leave its hub behind.
impl Drop for Hub {
    fn drop(&mut self) {
        if self.child.is_some() && !self.setup.wrapper.is_empty() {
            // One that has ended already needs no signal.
            self.signal(Signal::KILL).ok();
        }
    }
}

/// A hub that lives again and again, always at the same address.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) setup: Setup,
    pub(crate) address: SocketAddr,
    child: Option<Child>,
}

impl Hub {
    /// Prepares a hub and starts none.
    pub(crate) async fn prepare(setup: Setup) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Self {
            setup,
            address,
            child: None,
        })
    }

    /// Starts the process and waits for nothing.
    pub(crate) fn spawn(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "the hub runs already");
        let setup = &self.setup;
        let config = setup.folder.join("tieline.yaml");
        fs::write(&config, &setup.config)?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = match setup.wrapper.split_first() {
            Some((program, args)) => {
                let mut command = Command::new(program);
                command.args(args).arg(&setup.binary);
                command
            }
            None => Command::new(&setup.binary),
        };
        command
            .arg("serve")
            .args(["--listen", &self.address.to_string()])
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(&setup.data)
            .env("TIELINE_ADMIN_KEY", ADMIN_KEY)
            .envs(setup.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let child = command.spawn();
        let child = child.with_context(|| format!("failed to start {}", setup.binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until the hub says that it can commit.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        let begin = Instant::now();
        let probe = request("GET /readyz", &[], b"");
        loop {
            if let Ok(answer) = Line::new(self.address).call(&probe).await
                && answer.status()? == 200
            {
                return Ok(());
            }
            let child = self.child.as_mut().context("the hub was not started")?;
            if let Some(ended) = child.try_wait()? {
                bail!("the hub ended by itself ({ended}): see its log");
            }
            ensure!(begin.elapsed() < START_MAX, "the hub did not get ready");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Kills the process with SIGKILL; an error where it ended otherwise.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        let ended = self.ended(STOP_MAX).await?;
        let killed = ended.signal() == Some(9) || ended.code() == Some(128 + 9);
        ensure!(killed, "the hub ended before it was killed: {ended}");
        Ok(())
    }

    /// Sends a signal to the hub itself, not to a wrapper.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.process()?).context("no process has the number zero")?;
        kill_process(pid, signal)?;
        Ok(())
    }

    /// Puts another config in the file's place, and has the hub read it.
    pub(crate) fn reload(&mut self, config: String) -> Result<()> {
        fs::write(self.setup.folder.join("tieline.yaml"), &config)?;
        self.setup.config = config;
        self.signal(Signal::HUP)
    }

    /// The most memory that the process ever had resident, in bytes.
    pub(crate) fn memory_peak(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        let kibibytes: u64 = number.context("a process has a VmHWM")?.parse()?;
        Ok(kibibytes * 1024)
    }

    /// Waits for the end of the process.
    pub(crate) async fn ended(&mut self, most: Duration) -> Result<ExitStatus> {
        let child = self.child.as_mut().context("the hub was not started")?;
        let ended = timeout(most, child.wait()).await;
        let ended = ended.with_context(|| format!("the hub did not end within {most:?}"))??;
        self.child = None;
        Ok(ended)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.setup.folder.join("hub.log")
    }

    /// The number of the hub's own process: under a wrapper, that of its first child.
    fn process(&self) -> Result<i32> {
        let child = self.child.as_ref().context("the hub was not started")?;
        let id = child.id().context("the hub has ended")?;
        if self.setup.wrapper.is_empty() {
            return Ok(id.cast_signed());
        }
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let first = children.split_whitespace().next();
        let first = first.context("the wrapper has started no hub")?;
        Ok(first.parse()?)
    }
}
