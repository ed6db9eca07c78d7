//! R3, its second half: the power is cut, and what had not been written to the device is gone.
//!
//! The store lies on a file system of its own, in a file. While the hub is stopped in the middle of
//! its work, that file is copied: it holds what the file system had handed to its device, and nothing
//! of what still waited in memory. The hub is killed, the copy takes the file's place, and the hub
//! starts on what the power cut left.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use tokio::time::sleep;

use super::Round;
use crate::report::Report;
use crate::sender::Load;
use crate::stage::{Plan, Setting, Stage};

pub(super) const ROUND: Round = Round {
    id: "R3b",
    about: "the power is cut: what was not synced is gone",
    run: |plan, report| Box::pin(run(plan, report)),
};

const LIFE: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(3));
const LONGEST: Duration = Duration::from_mins(1);
/// Room for the store with its log at their longest.
const DISK_BYTES: u64 = 256 << 20;
/// How often a copy is tried again because the device was written to meanwhile.
const COPIES: u32 = 50;

async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let place = plan.folder.join(format!("unsynced-{}", plan.seed));
    let mut disk = match Disk::make(&place) {
        Ok(disk) => disk,
        Err(why) => {
            report.skip(format!(
                "no file system in a file can be had; run as root, with loop devices ({why:#})"
            ));
            return Ok(());
        }
    };
    let setting = Setting {
        data: Some(disk.mounted.join("data")),
        ..Setting::moody()
    };
    let mut stage = Stage::open(plan, "unsynced-ledgers", setting).await?;
    let sender = stage.send(Load {
        pace: 200.0,
        ..Load::default()
    });
    let mut chance = stage.chance.clone();
    let (cuts, mut again) = (if plan.long { 100 } else { 8 }, Vec::new());
    let mut lost = 0;
    for _ in 0..cuts {
        sleep(chance.time(LIFE.0, LIFE.1)).await;
        stage.hub.signal(Signal::STOP)?;
        let before = disk.copy()?;
        stage.kill().await?;
        lost += u64::from(disk.cut(before)?);
        let (at, _) = stage.start_marked(&sender).await?;
        again.push(sender.first_after(at, LONGEST).await?);
    }
    report.fired("power cut", cuts);
    report.fired("power cut that lost unsynced writes", lost);
    report.figure("acknowledged", sender.finish().await?);
    report.spread("start to first acknowledgement", &mut again);
    stage.judge(Duration::from_mins(3), report).await
}

/// A file system in a file, for as long as this lives.
struct Disk {
    image: PathBuf,
    copied: PathBuf,
    mounted: PathBuf,
}

/// That the image was copied while nothing was written to it.
struct Copied;

impl Disk {
    fn make(place: &Path) -> Result<Self> {
        if place.exists() {
            fs::remove_dir_all(place)?;
        }
        let disk = Self {
            image: place.join("disk"),
            copied: place.join("copy"),
            mounted: place.join("mounted"),
        };
        fs::create_dir_all(&disk.mounted)?;
        fs::File::create(&disk.image)?.set_len(DISK_BYTES)?;
        run_program("mkfs.ext4", &["-q", "-F"], &[&disk.image])?;
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<()> {
        run_program("mount", &["-o", "loop"], &[&self.image, &self.mounted])
    }

    /// Copies the image as it is at one moment. What writes to the file system is stopped; what it
    /// writes by itself, from time to time, is waited for.
    fn copy(&self) -> Result<Copied> {
        for _ in 0..COPIES {
            let before = self.written()?;
            run_program("cp", &["--sparse=always"], &[&self.image, &self.copied])?;
            if before == self.written()? {
                return Ok(Copied);
            }
            thread::sleep(Duration::from_millis(20));
        }
        anyhow::bail!("the device was written to during each of {COPIES} copies");
    }

    /// Puts the copy in the image's place. Says whether any file of the store is another one then:
    /// whether the cut has lost anything.
    fn cut(&mut self, _: Copied) -> Result<bool> {
        let before = self.files()?;
        run_program("umount", &[], &[&self.mounted])?;
        fs::rename(&self.copied, &self.image)?;
        self.mount()?;
        Ok(before != self.files()?)
    }

    /// A digest of everything in the data folder, which may be lost as a whole.
    fn files(&self) -> Result<u64> {
        let entries = fs::read_dir(self.mounted.join("data"))
            .into_iter()
            .flatten();
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let mut hasher = DefaultHasher::new();
        for path in paths.iter().filter(|path| path.is_file()) {
            path.hash(&mut hasher);
            fs::read(path)?.hash(&mut hasher);
        }
        Ok(hasher.finish())
    }

    /// How many writes the device has completed, and how many are under way.
    fn written(&self) -> Result<(u64, u64)> {
        let found = Command::new("losetup").arg("-j").arg(&self.image).output();
        let found = found.context("there is no `losetup`")?;
        let words = String::from_utf8_lossy(&found.stdout);
        let device = words.split(':').next().unwrap_or_default();
        let name = device.strip_prefix("/dev/");
        let name = name.with_context(|| format!("no device has {}", self.image.display()))?;
        let stat = fs::read_to_string(format!("/sys/block/{name}/stat"))?;
        let field = |at: usize| -> Result<u64> {
            let text = stat.split_whitespace().nth(at);
            Ok(text.context("a device counts its writes")?.parse()?)
        };
        Ok((field(4)?, field(8)?))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The hub is gone by then; what is still open keeps the disk until it closes.
        if run_program("umount", &["-l"], &[&self.mounted]).is_ok()
            && let Some(place) = self.image.parent()
        {
            fs::remove_dir_all(place).ok();
        }
    }
}

fn run_program(program: &str, words: &[&str], paths: &[&Path]) -> Result<()> {
    let done = Command::new(program).args(words).args(paths).output();
    let done = done.with_context(|| format!("there is no `{program}`"))?;
    let words = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{program}: {}", words.trim());
    Ok(())
}
