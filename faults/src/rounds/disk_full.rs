//! R5: the disk is full, and then it is not. What cannot be stored is refused before the commit,
//! reads go on, and so does everything else once there is room.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::{Instant, sleep};

use super::Round;
use crate::courier::{Content, Courier, Letter};
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage};
use crate::verdict::Verdict;

pub(super) const ROUND: Round = Round {
    id: "R5",
    about: "the disk is full, and freed",
    run: |plan, report| Box::pin(run(plan, report)),
};

/// More than the write-ahead log has at its longest, with the file.
const DISK: &str = "size=160m";
const LIFE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));
/// How long the hub is left without room.
const WITHOUT: Duration = Duration::from_secs(2);
const REFUSED_WITHIN: Duration = Duration::from_secs(30);
const RESUMED_WITHIN: Duration = Duration::from_secs(10);
const UNAVAILABLE: u16 = 503;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let place = plan.folder.join(format!("disk-full-{}.disk", plan.seed));
    let disk = match Disk::mount(&place) {
        Ok(disk) => disk,
        Err(why) => {
            report.skip(format!("no small disk can be had; run as root ({why:#})"));
            return Ok(());
        }
    };
    let setting = Setting {
        data: Some(disk.0.join("data")),
        ..Setting::moody()
    };
    let stage = Stage::open(plan, "disk-full", setting).await?;
    let sender = stage.send(Load {
        pace: 150.0,
        ..Load::default()
    });
    let mut chance = stage.chance.clone();
    let mut verdict = Verdict::new(
        "R5",
        "503 before the commit, reads alive, resumes by itself",
    );
    let (mut courier, mut client) = (stage.courier(), stage.client());
    let (fills, mut resumed) = (if plan.long { 20 } else { 3 }, Vec::new());
    for number in 1..=fills {
        sleep(chance.time(LIFE.0, LIFE.1)).await;
        let ballast = disk.fill()?;
        let refused = until_refused(&stage, &mut courier, &mut verdict).await?;
        let read = client.has_any("runs", &["completed"]).await;
        verdict.demand(matches!(read, Ok(true)), || {
            format!("with a full disk, runs are read as {read:?}")
        });
        sleep(WITHOUT).await;
        fs::remove_file(ballast)?;
        let at = stage.watch.micros();
        sender.mark(at);
        let first = sender.first_after(at, Duration::from_mins(1)).await?;
        verdict.demand(first < RESUMED_WITHIN, || {
            format!("after fill {number}, the first acknowledgement came after {first:?}")
        });
        resumed.push(first);
        courier.insist(&refused, RESUMED_WITHIN).await?;
    }
    courier.write().await?;
    report.fired("full disk", fills);
    report.figure("acknowledged", sender.finish().await?);
    report.spread("room to first acknowledgement", &mut resumed);
    report.judged(vec![verdict]);
    stage.judge(Duration::from_mins(3), report).await
}

/// Sends until a letter is refused, which is returned. Nothing but a 2xx and a 503 is an answer.
async fn until_refused(
    stage: &Stage,
    courier: &mut Courier,
    verdict: &mut Verdict,
) -> Result<Letter> {
    let begin = Instant::now();
    loop {
        let letter = Letter::new(&Content {
            to: "orders",
            key: stage.key(),
            session: "disk-full",
            agents: &["alpha"],
            text: &"x".repeat(50_000),
            file: None,
        });
        let sending = courier.send(&letter).await?;
        if !sending.is_acknowledged() {
            let status = sending.status;
            verdict.demand(status == UNAVAILABLE, || {
                format!("with a full disk, a letter is answered with {status}")
            });
            return Ok(letter);
        }
        let still = (begin.elapsed() < REFUSED_WITHIN).then_some(());
        still.context("a full disk takes whatever is sent")?;
    }
}

/// A small disk, for as long as this lives.
struct Disk(PathBuf);

impl Disk {
    fn mount(place: &Path) -> Result<Self> {
        fs::create_dir_all(place)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(place);
        let done = mount.output().context("there is no `mount`")?;
        let words = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{}", words.trim());
        Ok(Self(place.to_owned()))
    }

    /// Takes all the room that is left, with a file that gives it back.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.0.join("ballast");
        let mut file = File::create(&path)?;
        for piece in [1 << 20, 4096] {
            let bytes = vec![0; piece];
            while file.write_all(&bytes).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The hub is gone by then; what is still open keeps the disk until it closes.
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        if unmounted.is_ok_and(|status| status.success()) {
            fs::remove_dir(&self.0).ok();
        }
    }
}
