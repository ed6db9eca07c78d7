//! The shipped binary as a subprocess, met from outside alone: a config file, its ports, its API.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::load::{call, expect};
use crate::message::request;
use crate::process::Process;

/// What every connector and the admin key of a benchmark are opened with.
pub(crate) const SECRET: &str = "whsec_dGllbGluZS1iZW5jaC10aWVsaW5lLWJlbmNoLTAxMjM=";
const ADMIN_KEY: &str = "tl_dGllbGluZS1iZW5jaC10aWVsaW5lLWJlbmNoLTAxMjM";

const START_MAX: Duration = Duration::from_mins(1);
const STOP_MAX: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Where a hub comes from and where it works.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    /// Its data folder, its config file and its log.
    pub(crate) folder: PathBuf,
    /// The text of its config file.
    pub(crate) config: String,
}

/// A hub that runs. Dropping it kills it; [`Hub::stop`] ends it in order.
#[derive(Debug)]
pub(crate) struct Hub {
    child: Child,
    pub(crate) address: SocketAddr,
    began_at: Instant,
    log: PathBuf,
}

impl Hub {
    /// Starts a hub and waits until it can commit.
    pub(crate) async fn start(setup: &Setup) -> Result<Self> {
        let mut hub = Self::spawn(setup).await?;
        hub.first_answer(&request("GET /readyz", &[], b""), 200)
            .await?;
        Ok(hub)
    }

    /// Starts a hub and waits for nothing.
    pub(crate) async fn spawn(setup: &Setup) -> Result<Self> {
        let config = setup.folder.join("tieline.yaml");
        let log = setup.folder.join("hub.log");
        fs::write(&config, &setup.config)?;
        let output = File::create(&log)?;
        let address = free_address().await?;
        let mut command = Command::new(&setup.binary);
        command
            .arg("serve")
            .args(["--listen", &address.to_string()])
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(setup.folder.join("data"))
            .env("TIELINE_ADMIN_KEY", ADMIN_KEY)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        let began_at = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("failed to start {}", setup.binary.display()))?;
        Ok(Self {
            child,
            address,
            began_at,
            log,
        })
    }

    /// Sends a request again and again until it is answered as expected, and tells the time since
    /// the process was started.
    pub(crate) async fn first_answer(&mut self, request: &[u8], status: u16) -> Result<Duration> {
        loop {
            if let Ok(answer) = call(self.address, request).await
                && answer.status()? == status
            {
                return Ok(self.began_at.elapsed());
            }
            if let Some(ended) = self.child.try_wait()? {
                bail!("the hub ended by itself ({ended}):\n{}", self.last_words());
            }
            if self.began_at.elapsed() > START_MAX {
                bail!("the hub did not get ready:\n{}", self.last_words());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn last_words(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn process(&self) -> Result<Process> {
        let id = self.child.id().context("the hub has ended")?;
        Ok(Process(id))
    }

    /// Pauses an agent: its runs stay queued.
    pub(crate) async fn pause(&self, agent: &str) -> Result<()> {
        self.ask(agent, "pause").await
    }

    /// Lets a paused agent work again.
    pub(crate) async fn resume(&self, agent: &str) -> Result<()> {
        self.ask(agent, "resume").await
    }

    async fn ask(&self, agent: &str, verb: &str) -> Result<()> {
        let key = format!("Bearer {ADMIN_KEY}");
        let line = format!("POST /v1/agents/{agent}/{verb}");
        let headers = [("authorization", key.as_str()), ("content-length", "0")];
        let answer = call(self.address, &request(&line, &headers, b"")).await?;
        expect(&answer, 200)
    }

    /// The sum of a metric over its labels.
    pub(crate) async fn metric(&self, name: &str) -> Result<u64> {
        let answer = call(self.address, &request("GET /metrics", &[], b"")).await?;
        expect(&answer, 200)?;
        sum(std::str::from_utf8(&answer.body)?, name)
            .with_context(|| format!("the hub has no metric `{name}`"))
    }

    /// Waits until a metric has reached `value`.
    pub(crate) async fn reach(&self, name: &str, value: u64, most: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            let found = self.metric(name).await.unwrap_or_default();
            if found >= value {
                return Ok(());
            }
            if begin.elapsed() > most {
                bail!("{name} is {found} after {most:?}, and not {value}");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the hub in order, or by force where it takes too long.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("the hub has ended")?;
        let pid = Pid::from_raw(id.cast_signed()).context("no process has the number zero")?;
        kill_process(pid, Signal::TERM)?;
        match timeout(STOP_MAX, self.child.wait()).await {
            Ok(ended) => {
                ended?;
            }
            Err(_too_long) => self.child.kill().await?,
        }
        Ok(())
    }
}

/// A request to a connector with this body.
pub(crate) fn post(connector: &str, body: &[u8]) -> Bytes {
    let headers = [
        ("authorization", &*format!("Bearer {SECRET}")),
        ("content-type", "application/json"),
    ];
    request(&format!("POST /c/{connector}"), &headers, body)
}

/// A JSON body of 512 bytes, such as a shop might send.
pub(crate) fn order() -> Vec<u8> {
    order_of(512)
}

/// The same with a longer note: exactly `length` bytes, which are 200 at the least.
pub(crate) fn order_of(length: usize) -> Vec<u8> {
    let start = r#"{"id":"ord_20391","customer":{"name":"A. Buyer","country":"NO"},"total":241.5,"lines":[{"sku":"A-1","quantity":2},{"sku":"B-7","quantity":1}],"note":""#;
    let end = r#""}"#;
    let note = "n".repeat(length - start.len() - end.len());
    [start, &note, end].concat().into_bytes()
}

/// An address on loopback that is free now. The hub is told it, so that its start can be watched
/// from before it listens.
pub(crate) async fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(listener.local_addr()?)
}

/// Waits until somebody listens at an address.
pub(crate) async fn reachable(address: SocketAddr, child: &mut Child) -> Result<()> {
    while TcpStream::connect(address).await.is_err() {
        if let Some(ended) = child.try_wait()? {
            bail!("it ended by itself: {ended}");
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Adds up the samples of one metric in the text format of Prometheus.
fn sum(text: &str, name: &str) -> Option<u64> {
    let samples = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once("} ")?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.split(' ').next()?.parse::<u64>().ok()
    });
    samples.fold(None, |sum, value| Some(sum.unwrap_or(0) + value))
}

#[cfg(test)]
mod tests;
