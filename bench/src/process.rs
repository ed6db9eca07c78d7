//! What a process costs, read from `/proc`: CPU time, memory, handles, bytes written.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// How long one tick of `/proc/PID/stat` is: `USER_HZ` is 100 on every Linux that runs here.
const TICK: Duration = Duration::from_millis(10);

/// A running process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

/// What a process has spent until now.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    /// Of the whole process, in coarse ticks; threads that ended are in it.
    coarse: Duration,
    /// Of each living thread, in nanoseconds.
    by_thread: HashMap<String, u64>,
    /// Bytes that it caused to be written to a disk.
    pub(crate) written: u64,
}

impl Spent {
    /// The CPU time since an earlier reading.
    ///
    /// The threads' own accounts are exact but go with a thread that ends; where the coarse account
    /// of the whole process tells of clearly more, it is taken.
    pub(crate) fn cpu_since(&self, earlier: &Self) -> Duration {
        let of_thread = |(thread, nanos): (&String, &u64)| {
            nanos.saturating_sub(earlier.by_thread.get(thread).copied().unwrap_or(0))
        };
        let fine = Duration::from_nanos(self.by_thread.iter().map(of_thread).sum());
        let coarse = self.coarse.saturating_sub(earlier.coarse);
        if coarse > fine + 3 * TICK {
            coarse
        } else {
            fine
        }
    }
}

/// What a process has in memory now, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All pages, those of the binary included.
    pub(crate) resident: u64,
    /// As `resident`, with shared pages divided among those who share them.
    pub(crate) proportional: u64,
    /// Heap and stacks alone.
    pub(crate) anonymous: u64,
}

/// What a process holds now beside memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handles {
    pub(crate) threads: u64,
    pub(crate) open: u64,
}

impl Process {
    pub(crate) fn spent(self) -> Result<Spent> {
        let mut by_thread = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let entry = entry?;
            // A thread may end between the listing and the reading.
            if let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) {
                let nanos = text.split(' ').next().unwrap_or_default().parse()?;
                by_thread.insert(entry.file_name().to_string_lossy().into_owned(), nanos);
            }
        }
        let ticks = ticks(&self.read("stat")?).context("`/proc/PID/stat` has another shape")?;
        let written = field(&self.read("io")?, "write_bytes").unwrap_or_default();
        Ok(Spent {
            coarse: TICK * ticks,
            by_thread,
            written,
        })
    }

    pub(crate) fn memory(self) -> Result<Memory> {
        let status = self.read("status")?;
        let rollup = self.read("smaps_rollup")?;
        let of = |text: &str, name: &str| {
            field(text, name).with_context(|| format!("/proc/{}: no `{name}`", self.0))
        };
        Ok(Memory {
            resident: of(&status, "VmRSS")?,
            proportional: of(&rollup, "Pss")?,
            anonymous: of(&status, "RssAnon")?,
        })
    }

    /// How many threads it has, and how many files and sockets are open.
    pub(crate) fn handles(self) -> Result<Handles> {
        let threads = field(&self.read("status")?, "Threads");
        let open = fs::read_dir(format!("/proc/{}/fd", self.0))?.count();
        Ok(Handles {
            threads: threads.with_context(|| format!("/proc/{}: no `Threads`", self.0))?,
            open: open as u64,
        })
    }

    fn read(self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/{name}", self.0);
        fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))
    }
}

/// What this process has spent until now.
pub(crate) fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// User and system time of `/proc/PID/stat`: the 14th and 15th field. The 2nd is the name in
/// parentheses, which may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The number after `name:`.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(':')?;
        value.split_ascii_whitespace().next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests;
