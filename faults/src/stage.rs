//! A stage: a hub, its agents, a destination, the ledgers, and what a round does with them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::agent::Agents;
use crate::chance::Chance;
use crate::check::{self, Evidence, Terms};
use crate::conduct::Conduct;
use crate::courier::Courier;
use crate::destination::Destination;
use crate::hub::{Hub, SECRET, Setup};
use crate::ledger::{Ledger, Watch};
use crate::record::{ARRIVED, DEEDS, Deed, EXECUTED, SENT, What};
use crate::report::Report;
use crate::sender::{Load, Sender};
use crate::verdict::Verdict;
use crate::view::Client;

/// After so long, deliveries that wait for their schedule are redriven, as a person would.
const REDRIVE_AFTER: Duration = Duration::from_secs(12);
const OPEN: [&str; 3] = ["queued", "running", "waiting"];
const STOP_MAX: Duration = Duration::from_mins(1);

/// What all rounds of one invocation are given.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: PathBuf,
    /// Where stages have their folders.
    pub(crate) folder: PathBuf,
    pub(crate) seed: u64,
    pub(crate) long: bool,
    /// Kills of a round that kills.
    pub(crate) kills: u64,
    /// Events of the round that carries the bulk.
    pub(crate) events: u64,
    /// Folders stay whatever the verdict.
    pub(crate) keep: bool,
    /// A binary with failpoints; without it, one is built.
    pub(crate) failpoints: Option<PathBuf>,
    /// A round that is skipped is a failure.
    pub(crate) demanded: bool,
}

/// What is special about a stage.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) agents: Conduct,
    pub(crate) destination: Conduct,
    /// With `@agents@` and `@destination@` for where these stand.
    pub(crate) config: String,
    pub(crate) environment: Vec<(String, String)>,
    /// A program and its arguments that start the hub in its stead.
    pub(crate) wrapper: Vec<String>,
    /// The hub's data folder, where it is not in the stage's own.
    pub(crate) data: Option<PathBuf>,
    pub(crate) terms: Terms,
    /// Agents and the destination fail on purpose: the round is void where they did not.
    pub(crate) moody: bool,
}

impl Setting {
    /// Agents and a destination that fail at times, as they do everywhere.
    pub(crate) fn moody() -> Self {
        Self {
            agents: Conduct::moody_agent(),
            destination: Conduct::moody_destination(),
            moody: true,
            ..Self::default()
        }
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            agents: Conduct::good(),
            destination: Conduct::good(),
            config: standard_config(),
            environment: Vec::new(),
            wrapper: Vec::new(),
            data: None,
            terms: Terms::default(),
            moody: false,
        }
    }
}

/// Two agents with sessions behind an inbound connector, one behind a sync one, and a destination
/// for every outcome. Everything else is what a user gets.
pub(crate) fn standard_config() -> String {
    format!(
        r#"agents:
  - {{ name: alpha, runtime: http, url: "http://@agents@/alpha" }}
  - {{ name: beta, runtime: http, url: "http://@agents@/beta" }}
connectors:
  - name: orders
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents:
      - {{ agent: alpha, session: input.session }}
      - {{ agent: beta, session: input.session, when: input.both == "yes" }}
  - name: ask
    type: webhook
    mode: sync
    secret: {SECRET}
    agents: [alpha]
  - name: results
    type: webhook
    mode: outbound
    secret: {SECRET}
    agents: [alpha, beta]
    settings: {{ url: "http://@destination@/results", on: [completed, failed, cancelled] }}
egress: {{ allow: [127.0.0.0/8] }}
"#
    )
}

/// A stage that is open. Dropping it kills the hub.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) hub: Hub,
    pub(crate) watch: Watch,
    pub(crate) chance: Chance,
    folder: PathBuf,
    keep: bool,
    agents: Agents,
    destination: Destination,
    sent: Arc<Ledger>,
    deeds: Ledger,
    keys: Arc<AtomicU64>,
    terms: Terms,
    moody: bool,
}

impl Stage {
    /// Prepares everything and starts the hub. `name` is that of the folder.
    pub(crate) async fn open(plan: &Plan, name: &str, setting: Setting) -> Result<Self> {
        let folder = plan.folder.join(format!("{name}-{}", plan.seed));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let ledger = |name: &str| Ledger::open(&folder.join(name));
        let (watch, chance) = (Watch::start(), Chance::new(plan.seed));
        let mut hub = Hub::prepare(Setup {
            binary: plan.binary.clone(),
            folder: folder.clone(),
            data: setting.data.unwrap_or_else(|| folder.join("data")),
            config: String::new(),
            environment: setting.environment,
            wrapper: setting.wrapper,
        })
        .await?;
        let conduct = (setting.agents, chance.part(u64::MAX));
        let agents = Agents::start(ledger(EXECUTED)?, watch, conduct, hub.address).await?;
        let conduct = (setting.destination, chance.part(u64::MAX - 1));
        let destination = Destination::start(ledger(ARRIVED)?, watch, conduct).await?;
        let places = [
            ("@agents@", agents.address),
            ("@destination@", destination.address),
        ];
        hub.setup.config = places
            .iter()
            .fold(setting.config, |config, (mark, address)| {
                config.replace(mark, &address.to_string())
            });
        let mut stage = Self {
            hub,
            watch,
            chance: chance.part(u64::MAX - 2),
            agents,
            destination,
            sent: Arc::new(ledger(SENT)?),
            deeds: ledger(DEEDS)?,
            folder,
            keep: plan.keep,
            keys: Arc::new(AtomicU64::new(1)),
            terms: setting.terms,
            moody: setting.moody,
        };
        stage.start().await?;
        Ok(stage)
    }

    /// Starts the hub, and waits until it can commit. Gives the moment of the start, and how long
    /// it took.
    pub(crate) async fn start(&mut self) -> Result<(u64, Duration)> {
        self.note(What::Start).await?;
        let (at, begin) = (self.watch.micros(), Instant::now());
        self.hub.spawn()?;
        let ready = self.hub.ready().await;
        ready.with_context(|| format!("see {}", self.hub.log().display()))?;
        Ok((at, begin.elapsed()))
    }

    /// As [`Stage::start`], and lets a sender look out for the first acknowledgement.
    pub(crate) async fn start_marked(&mut self, sender: &Sender) -> Result<(u64, Duration)> {
        sender.mark(self.watch.micros());
        self.start().await
    }

    /// Kills the hub, and makes sure that this is what it died of.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.hub.kill().await?;
        self.note(What::Kill).await
    }

    /// Waits until the hub has ended by itself, as a fault makes it.
    pub(crate) async fn end_by_itself(&mut self, most: Duration) -> Result<ExitStatus> {
        let ended = self.hub.ended(most).await?;
        self.note(What::Kill).await?;
        Ok(ended)
    }

    /// Starts a hub that is to end by itself, perhaps before it is ready, and waits for that.
    pub(crate) async fn start_to_end(&mut self, most: Duration) -> Result<ExitStatus> {
        self.note(What::Start).await?;
        self.hub.spawn()?;
        self.end_by_itself(most).await
    }

    /// Takes the stage down without a judgement by the laws: where a round destroys what was
    /// stored, they cannot hold. The ledgers stay where the round's own verdicts do not hold.
    pub(crate) fn leave(self, verdicts: Vec<Verdict>, report: &mut Report) -> Result<()> {
        let Self {
            hub, folder, keep, ..
        } = self;
        drop(hub);
        if !keep && verdicts.iter().all(Verdict::holds) {
            remove(&folder)?;
        }
        report.judged(verdicts);
        Ok(())
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) async fn terminate(&mut self) -> Result<ExitStatus> {
        self.note(What::Terminate).await?;
        self.hub.signal(Signal::TERM)?;
        self.hub.ended(STOP_MAX).await
    }

    async fn note(&self, what: What) -> Result<()> {
        let deed = Deed {
            at: self.watch.micros(),
            wall: jiff::Timestamp::now().as_millisecond(),
            what,
        };
        self.deeds.write(&[deed]).await
    }

    /// A sender of single letters.
    pub(crate) fn courier(&self) -> Courier {
        Courier::new(self.hub.address, Arc::clone(&self.sent), self.watch)
    }

    /// A client of the hub's `/v1`.
    pub(crate) const fn client(&self) -> Client {
        Client::new(self.hub.address)
    }

    /// Where the agents stand.
    pub(crate) const fn agents(&self) -> SocketAddr {
        self.agents.address
    }

    /// A key that no other letter has.
    pub(crate) fn key(&self) -> u64 {
        self.keys.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// Where keys come from that no other letter has.
    pub(crate) fn keys(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.keys)
    }

    /// Puts a load on.
    pub(crate) fn send(&self, load: Load) -> Sender {
        let keys = Arc::clone(&self.keys);
        Sender::start(load, keys, &self.chance, || self.courier())
    }

    /// Waits until no run and no delivery is open.
    pub(crate) async fn drain(&self, most: Duration) -> Result<()> {
        let begin = Instant::now();
        let mut client = Client::new(self.hub.address);
        loop {
            let open = client.has_any("runs", &OPEN).await?;
            if !open && !client.has_any("deliveries", &OPEN).await? {
                return Ok(());
            }
            if begin.elapsed() > REDRIVE_AFTER {
                client.redrive_waiting().await?;
            }
            ensure!(begin.elapsed() < most, "work is open after {most:?}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until everything is quiet, takes the stage down and judges what the ledgers and the
    /// hub say. The round has let go of its senders.
    pub(crate) async fn judge(mut self, most: Duration, report: &mut Report) -> Result<()> {
        // What still is open when time is up is found by the checker, run by run.
        let drained = self.drain(most).await;
        let view = Client::new(self.hub.address).view().await?;
        if drained.is_ok() {
            self.hub.signal(Signal::TERM)?;
            self.hub.ended(STOP_MAX).await?;
        }
        let Self {
            hub,
            agents,
            destination,
            sent,
            deeds,
            folder,
            keep,
            terms,
            moody,
            ..
        } = self;
        drop((hub, agents, destination, sent, deeds));
        let evidence = Evidence::load(&folder, view)?;
        let verdicts = check::judge(&evidence, &terms);
        if !keep && verdicts.iter().all(Verdict::holds) {
            remove(&folder)?;
        }
        if moody {
            for (failures, count) in check::failures(&evidence) {
                report.fired(failures, count);
            }
        }
        report.judged(verdicts);
        Ok(())
    }
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))
}
