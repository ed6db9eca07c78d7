//! R10: the wall clock jumps by an hour and by a year, back and forth, while the hub runs and
//! across a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Round;
use crate::check::Terms;
use crate::conduct::{Act, Conduct, Reply};
use crate::courier::{Content, Letter};
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage, standard_config};
use crate::tools;
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R10",
    about: "the clock jumps by an hour and by a year",
    run: |plan, report| Box::pin(run(plan, report)),
};

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;
/// How far the hub's clock is off, in seconds, one after the other.
const OFFSETS: [i64; 5] = [HOUR, -HOUR, YEAR, -YEAR, 0];
/// Across a restart, the farthest comes last: it may end what was kept for repeated keys.
const RESTARTS: [i64; 5] = [HOUR, -HOUR, -YEAR, 0, YEAR];
const LIFE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));
/// A first retry is due after about a second.
const RETRIED_WITHIN: Duration = Duration::from_secs(20);
/// The session whose runs fail at first.
const FAILS_FIRST: &str = "fails-first";

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let library = match tools::faketime() {
        Ok(library) => library,
        Err(why) => {
            report.skip(why);
            return Ok(());
        }
    };
    let clock = Clock(plan.folder.join(format!("clock-{}.offset", plan.seed)));
    clock.set(0)?;
    let mut round = Jumps {
        stage: Stage::open(plan, "clock", setting(&library, &clock)).await?,
        clock,
        verdict: Verdict::new("R10", "keys hold, and retries come within seconds"),
        seen: 0,
    };
    let sender = round.stage.send(Load {
        pace: 100.0,
        ..Load::default()
    });
    let mut chance = round.stage.chance.clone();
    let turns = if plan.long { 10 } else { 1 };
    for offset in OFFSETS.repeat(turns) {
        sleep(chance.time(LIFE.0, LIFE.1)).await;
        round.jump(offset).await?;
    }
    report.figure("acknowledged", sender.finish().await?);
    for offset in RESTARTS.repeat(turns) {
        round.restart(offset).await?;
    }
    let Jumps {
        stage,
        clock,
        verdict,
        seen,
    } = round;
    report.fired("jumps seen by the hub", seen);
    report.judged(vec![verdict]);
    stage.judge(Duration::from_mins(2), report).await?;
    Ok(fs::remove_file(&clock.0)?)
}

fn setting(library: &Path, clock: &Clock) -> Setting {
    let moody = Conduct::moody_agent();
    let agents = Conduct::new(move |call| {
        if call.session == FAILS_FIRST && call.before == 0 {
            return Reply::now(Act::Refuse(500));
        }
        moody.decide(call)
    });
    let environment = [
        ("LD_PRELOAD", &*library.to_string_lossy()),
        ("FAKETIME_TIMESTAMP_FILE", &*clock.0.to_string_lossy()),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Setting {
        agents,
        environment: environment.map(owned).to_vec(),
        // A year is longer than rows are kept, and what is retained is not what is asked here.
        config: standard_config() + "retention: { bodies: 3650d, rows: 3650d }\n",
        terms: Terms {
            clock_is_true: false,
            ..Terms::default()
        },
        ..Setting::moody()
    }
}

/// The file that says how far the hub's clock is off.
struct Clock(PathBuf);

impl Clock {
    /// Renamed into place: no reader sees half of it.
    fn set(&self, seconds: i64) -> Result<()> {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        Ok(fs::rename(new, &self.0)?)
    }
}

struct Jumps {
    stage: Stage,
    clock: Clock,
    verdict: Verdict,
    /// How often the hub is known to have seen the other time.
    seen: u64,
}

#[derive(Deserialize)]
struct Run {
    event_id: Uuid,
    status: String,
}

#[derive(Deserialize)]
struct Event {
    received_at: Timestamp,
}

impl Jumps {
    fn letter(&self, session: &str) -> Letter {
        Letter::new(&Content {
            to: "orders",
            key: self.stage.key(),
            session,
            agents: &["alpha"],
            text: "what time is it",
            file: None,
        })
    }

    /// While the hub runs.
    async fn jump(&mut self, offset: i64) -> Result<()> {
        let mut courier = self.stage.courier();
        let old = self.letter("clock");
        let first = courier.insist(&old, RETRIED_WITHIN).await?;
        self.clock.set(offset)?;
        let again = courier.insist(&old, RETRIED_WITHIN).await?;
        self.verdict.demand(again.runs == first.runs, || {
            format!("at {offset:+} s, a key of a moment ago made new runs")
        });
        let letter = self.letter(FAILS_FIRST);
        let sent = courier.insist(&letter, RETRIED_WITHIN).await?;
        courier.write().await?;
        let run = *sent.runs.first().context("a letter has a run")?;
        self.see(run, offset).await?;
        self.retried(run, offset).await
    }

    /// A run waits for its retry, and the hub's next life has another time.
    async fn restart(&mut self, offset: i64) -> Result<()> {
        let mut courier = self.stage.courier();
        let letter = self.letter(FAILS_FIRST);
        let first = courier.insist(&letter, RETRIED_WITHIN).await?;
        let run = *first.runs.first().context("a letter has a run")?;
        self.until(run, &["waiting", "completed"]).await?;
        self.stage.kill().await?;
        self.clock.set(offset)?;
        self.stage.start().await?;
        if offset < YEAR {
            let again = courier.insist(&letter, RETRIED_WITHIN).await?;
            self.verdict.demand(again.runs == first.runs, || {
                format!("started again at {offset:+} s, a key of a moment ago made new runs")
            });
        }
        let sent = courier
            .insist(&self.letter("clock"), RETRIED_WITHIN)
            .await?;
        courier.write().await?;
        let new = *sent.runs.first().context("a letter has a run")?;
        self.see(new, offset).await?;
        self.retried(run, offset).await
    }

    /// Makes sure that the hub had the other time when it received the event of a new run.
    async fn see(&mut self, run: Uuid, offset: i64) -> Result<()> {
        let mut client = self.stage.client();
        let run: Run = client.get(&format!("/v1/runs/{run}")).await?;
        let path = format!("/v1/events/{}", run.event_id);
        let event: Event = client.get(&path).await?;
        let off = event.received_at.as_second() - Timestamp::now().as_second();
        ensure!(
            (off - offset).abs() < 60,
            "the hub's clock is off by {off} s"
        );
        self.seen += 1;
        Ok(())
    }

    async fn retried(&mut self, run: Uuid, offset: i64) -> Result<()> {
        let ended = self.until(run, &["completed"]).await;
        self.verdict.demand(ended.is_ok(), || {
            format!("at {offset:+} s, a run was not retried within {RETRIED_WITHIN:?}")
        });
        Ok(())
    }

    async fn until(&self, run: Uuid, states: &[&str]) -> Result<()> {
        let (begin, mut client) = (Instant::now(), self.stage.client());
        let path = format!("/v1/runs/{run}");
        loop {
            let run: Run = client.get(&path).await?;
            if states.contains(&&*run.status) {
                return Ok(());
            }
            ensure!(begin.elapsed() < RETRIED_WITHIN, "it is {}", run.status);
            sleep(Duration::from_millis(20)).await;
        }
    }
}
