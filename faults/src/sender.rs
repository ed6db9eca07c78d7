//! The load: lanes that each send, repeat what was not acknowledged with the same key, and go on.
//!
//! A lane has sessions of its own and sends its next event only after the last was acknowledged, so
//! that the order of the commits within a session is known from outside.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::chance::Chance;
use crate::courier::{Content, Courier, Letter, Sending};
use crate::record::UNREACHED;

/// How many sessions a lane has.
const SESSIONS: u64 = 8;
/// How long a lane tries to get its last event acknowledged.
const PATIENCE: Duration = Duration::from_mins(2);
/// What a lane remembers, to read later.
const REMEMBERED: usize = 64;

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) connector: &'static str,
    pub(crate) lanes: u64,
    /// How many events are begun at the most.
    pub(crate) events: u64,
    /// Events per second over all lanes at the most.
    pub(crate) pace: f64,
    /// How many of a thousand go to two agents, have a file, are sent again after they were
    /// acknowledged, and are followed by the reading of an earlier run.
    pub(crate) both: u64,
    pub(crate) files: u64,
    pub(crate) again: u64,
    pub(crate) read: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            connector: "orders",
            lanes: 64,
            events: u64::MAX,
            pace: 1000.0,
            both: 200,
            files: 5,
            again: 10,
            read: 20,
        }
    }
}

/// A load that is on.
#[derive(Debug)]
pub(crate) struct Sender {
    shared: Arc<Shared>,
    lanes: JoinSet<Result<()>>,
}

#[derive(Debug)]
struct Shared {
    load: Load,
    begin: Instant,
    /// The keys of the stage.
    keys: Arc<AtomicU64>,
    begun: AtomicU64,
    acknowledged: AtomicU64,
    stopping: AtomicBool,
    /// What is sent after this, in the stage's microseconds, is sent to the present hub.
    mark: AtomicU64,
    /// When the first of these was acknowledged; 0 until then.
    first: AtomicU64,
}

impl Sender {
    /// Puts a load on; `courier` makes one for each lane.
    pub(crate) fn start(
        load: Load,
        keys: Arc<AtomicU64>,
        chance: &Chance,
        courier: impl Fn() -> Courier,
    ) -> Self {
        let shared = Arc::new(Shared {
            load,
            begin: Instant::now(),
            keys,
            begun: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            mark: AtomicU64::new(0),
            first: AtomicU64::new(0),
        });
        let mut lanes = JoinSet::new();
        for number in 0..shared.load.lanes {
            let lane = Lane {
                number,
                shared: Arc::clone(&shared),
                chance: chance.part(number),
                courier: courier(),
                recent: VecDeque::new(),
            };
            lanes.spawn(lane.run());
        }
        Self { shared, lanes }
    }

    /// How many events were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// From now on, waits for the first acknowledgement of what is sent after `at`.
    pub(crate) fn mark(&self, at: u64) {
        self.shared.mark.store(at, Ordering::Relaxed);
        self.shared.first.store(0, Ordering::Relaxed);
    }

    /// How long after `at` the first acknowledgement since the mark came.
    pub(crate) async fn first_after(&self, at: u64, most: Duration) -> Result<Duration> {
        let begin = Instant::now();
        loop {
            let first = self.shared.first.load(Ordering::Relaxed);
            if first > 0 {
                return Ok(Duration::from_micros(first.saturating_sub(at)));
            }
            let still = (begin.elapsed() < most).then_some(());
            still.with_context(|| format!("nothing was acknowledged within {most:?}"))?;
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until as many events were acknowledged.
    pub(crate) async fn reach(&self, events: u64, most: Duration) -> Result<()> {
        let begin = Instant::now();
        while self.acknowledged() < events {
            let still = (begin.elapsed() < most).then_some(());
            still.with_context(|| format!("{} were acknowledged", self.acknowledged()))?;
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Begins no further event, and waits until what was begun is acknowledged.
    pub(crate) async fn finish(mut self) -> Result<u64> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        while let Some(ended) = self.lanes.join_next().await {
            ended.context("a lane panicked")??;
        }
        Ok(self.acknowledged())
    }
}

struct Lane {
    number: u64,
    shared: Arc<Shared>,
    chance: Chance,
    courier: Courier,
    recent: VecDeque<Uuid>,
}

impl Lane {
    async fn run(mut self) -> Result<()> {
        while self.turn().await {
            let letter = self.draft();
            let Some(sending) = self.deliver(&letter).await? else {
                continue;
            };
            self.remember(sending);
            let shared = Arc::clone(&self.shared);
            if self.chance.permille(shared.load.again) {
                self.courier.send(&letter).await?;
            }
            if self.chance.permille(shared.load.read)
                && let Some(run) = self.recent.front().copied()
            {
                self.courier.read(shared.load.connector, run).await?;
            }
        }
        self.courier.write().await
    }

    /// Waits until the next event may be sent; false where there is none.
    async fn turn(&self) -> bool {
        let Shared { load, .. } = &*self.shared;
        let number = self.shared.begun.fetch_add(1, Ordering::Relaxed);
        if number >= load.events {
            return false;
        }
        let due = self.shared.begin + Duration::from_secs_f64(as_f64(number) / load.pace);
        if due > Instant::now() {
            sleep_until(due).await;
        }
        !self.shared.stopping.load(Ordering::Relaxed)
    }

    fn draft(&mut self) -> Letter {
        let load = &self.shared.load;
        let key = self.shared.keys.fetch_add(1, Ordering::Relaxed);
        let session = format!("s{}-{}", self.number, self.chance.below(SESSIONS));
        let agents: &[_] = if self.chance.permille(load.both) {
            &["alpha", "beta"]
        } else {
            &["alpha"]
        };
        let length = usize::try_from(self.chance.below(300)).unwrap_or_default();
        let text = "x".repeat(length);
        let file = self.chance.permille(load.files).then(|| {
            let bytes = (0..=self.chance.below(500)).flat_map(|_| self.chance.draw().to_be_bytes());
            bytes.collect::<Vec<_>>()
        });
        Letter::new(&Content {
            to: load.connector,
            key,
            session: &session,
            agents,
            text: &text,
            file: file.as_deref(),
        })
    }

    /// Sends until it is acknowledged; `None` where it was refused for good, or time is up.
    async fn deliver(&mut self, letter: &Letter) -> Result<Option<Sending>> {
        let begin = Instant::now();
        loop {
            let sending = self.courier.send(letter).await?;
            if sending.is_acknowledged() {
                return Ok(Some(sending));
            }
            if !sending.may_repeat() || begin.elapsed() > PATIENCE {
                return Ok(None);
            }
            let most = if sending.status <= UNREACHED { 10 } else { 100 };
            sleep(Duration::from_millis(1 + self.chance.below(most))).await;
        }
    }

    fn remember(&mut self, sending: Sending) {
        let shared = &self.shared;
        shared.acknowledged.fetch_add(1, Ordering::Relaxed);
        if sending.sent_at >= shared.mark.load(Ordering::Relaxed) {
            let now = self.courier.now();
            let (old, new) = (Ordering::Relaxed, Ordering::Relaxed);
            // Only the first one counts.
            let _later = shared.first.compare_exchange(0, now, old, new);
        }
        self.recent.extend(sending.runs);
        while self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a round stay far below 2^52"
)]
const fn as_f64(count: u64) -> f64 {
    count as f64
}
