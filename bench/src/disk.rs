//! The disk's own rate: how often a second it makes a small write durable. No hub can commit more
//! often than that, it can only put more into one commit.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::load::as_f64;
use crate::process::own_cpu;
use crate::report::micros_each;

/// Where overwriting goes round: small enough to be allocated at once.
const PAGES: u64 = 1024;
const PAGE: usize = 4096;

/// Durable writes, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// 512 bytes at the end of a file that grows.
    pub(crate) append: Rate,
    /// 4 KiB within a file that was allocated before.
    pub(crate) overwrite: Rate,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    /// What the process that writes spends on each: no commit is cheaper.
    pub(crate) cpu_micros: f64,
}

/// Measures in `folder`, each rate for `time`.
pub(crate) fn measure(folder: &Path, time: Duration) -> Result<Rates> {
    let mut growing = File::create(folder.join("append"))?;
    let append = rate(time, |_| {
        growing.write_all(&[7; 512])?;
        growing.sync_data()
    })?;
    let path = folder.join("overwrite");
    let allocated = OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(&path)?;
    for page in 0..PAGES {
        allocated.write_all_at(&[0; PAGE], page * PAGE as u64)?;
    }
    allocated.sync_all()?;
    let overwrite = rate(time, |number| {
        allocated.write_all_at(&[7; PAGE], number % PAGES * PAGE as u64)?;
        allocated.sync_data()
    })?;
    std::fs::remove_file(folder.join("append"))?;
    std::fs::remove_file(path)?;
    Ok(Rates { append, overwrite })
}

fn rate(time: Duration, mut write: impl FnMut(u64) -> std::io::Result<()>) -> Result<Rate> {
    let cpu_before = own_cpu();
    let begin = Instant::now();
    let mut number = 0;
    while begin.elapsed() < time {
        write(number)?;
        number += 1;
    }
    let per_second = as_f64(number) / begin.elapsed().as_secs_f64();
    let cpu = own_cpu().saturating_sub(cpu_before);
    Ok(Rate {
        per_second,
        cpu_micros: micros_each(cpu, number),
    })
}
