//! The disk below the data folder: room, speed, and whether a database can live there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::report::Report;
use crate::output::size;

/// Bytes below which a hub may stop to accept at any moment.
const LEAST_FREE: u64 = 64 << 20;
/// Bytes below which somebody should make room.
const LITTLE_FREE: u64 = 1 << 30;
/// How often something is written and synced, and how many bytes at a time: as a commit does.
const SYNCS: usize = 20;
const SYNC_BYTES: usize = 8192;
/// What one sync may take. Each commit waits for one.
const SLOW: Duration = Duration::from_millis(20);

pub(super) fn examine(folder: &Path, report: &mut Report) {
    room(folder, report);
    speed(folder, report);
    kind(folder, report);
}

fn room(folder: &Path, report: &mut Report) {
    let free = match rustix::fs::statvfs(folder) {
        Ok(about) => about.f_bavail.saturating_mul(about.f_frsize),
        Err(error) => {
            let what = format!("how much is free cannot be found out: {error}");
            report.warn("disk space", what, "look at the disk's own health");
            return;
        }
    };
    let what = format!("{} free", size(free));
    if free < LEAST_FREE {
        let fix =
            "make room: a hub whose disk is full refuses events, with 503, until there is some";
        report.fail("disk space", what, fix);
    } else if free < LITTLE_FREE {
        report.warn(
            "disk space",
            what,
            "make room, or shorten `retention` in the configuration",
        );
    } else {
        report.ok("disk space", what);
    }
}

fn speed(folder: &Path, report: &mut Report) {
    let mut times = match sample(folder) {
        Ok(times) => times,
        Err(error) => {
            let what = format!("nothing can be written and synced: {error}");
            report.fail(
                "disk speed",
                what,
                "give the hub's user a folder that it may write to",
            );
            return;
        }
    };
    times.sort();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    let what = format!("a sync takes {middle:.1?}, the slowest of {SYNCS} took {worst:.1?}");
    if middle > SLOW {
        let fix = "use a faster disk: every answer to an event waits for a sync";
        report.warn("disk speed", what, fix);
    } else {
        report.ok("disk speed", what);
    }
}

/// How long each of some syncs took.
fn sample(folder: &Path) -> io::Result<Vec<Duration>> {
    let mut probe = Probe::new(folder)?;
    let bytes = [0x5a; SYNC_BYTES];
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        probe.file.write_all(&bytes)?;
        probe.file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// A file that is gone when this is dropped.
struct Probe {
    path: PathBuf,
    file: File,
}

impl Probe {
    fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!(".doctor-{}", std::process::id()));
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // Somebody else may have removed it; it is empty of anything that matters.
        fs::remove_file(&self.path).ok();
    }
}

/// File systems by their number in `statfs(2)`, and what that means for a write-ahead log, which
/// needs memory that all processes share, and locks that hold.
#[cfg(target_os = "linux")]
fn kind(folder: &Path, report: &mut Report) {
    const NETWORK: [(u64, &str); 9] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB 2"),
        (0x5346_414f, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x0bd0_0bd0, "Lustre"),
        (0x7375_7245, "Coda"),
        (0x0102_1997, "9P"),
    ];
    const MEMORY: [(u64, &str); 2] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];
    const FUSE: u64 = 0x6573_5546;
    let Ok(about) = rustix::fs::statfs(folder) else {
        report.warn(
            "file system",
            "it does not say what it is",
            "use a local disk",
        );
        return;
    };
    let number = u64::try_from(about.f_type).unwrap_or_default();
    let among = |kinds: &[(u64, &'static str)]| {
        let found = kinds.iter().find(|(kind, _)| *kind == number);
        found.map(|(_, name)| *name)
    };
    if let Some(name) = among(&NETWORK) {
        let what = format!("{name} is of the network, and cannot hold a write-ahead log");
        report.fail("file system", what, "put the data folder on a local disk");
    } else if let Some(name) = among(&MEMORY) {
        let what = format!("{name} is in memory, and forgets everything with the machine");
        report.warn("file system", what, "put the data folder on a disk");
    } else if number == FUSE {
        let what = "FUSE: what is below it has to sync when it is told to";
        report.warn(
            "file system",
            what,
            "put the data folder on a local disk, if you can",
        );
    } else {
        report.ok("file system", "local");
    }
}

#[cfg(not(target_os = "linux"))]
fn kind(_: &Path, _: &mut Report) {}
