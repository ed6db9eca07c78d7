//! A ledger: lines of JSON in a file that only grows, each durable before its writer goes on.
//!
//! Every ledger has a thread of the harness, which writes what has gathered and calls `fdatasync`
//! once for all of it. The harness is not the hub, and no fault is aimed at it: a process for each
//! ledger would buy nothing. It must never lose or reorder a line.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The one clock of a stage: microseconds since it was opened, in every ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(Instant);

impl Watch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn micros(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// An open ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Option<Sender<Entry>>,
    thread: Option<JoinHandle<Result<()>>>,
}

#[derive(Debug)]
struct Entry {
    lines: Vec<u8>,
    durable: oneshot::Sender<()>,
}

impl Ledger {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("failed to open {}", path.display()))?;
        let (entries, receiver) = channel();
        let thread = thread::Builder::new().name("ledger".to_owned());
        let thread = thread.spawn(move || keep(file, &receiver))?;
        Ok(Self {
            entries: Some(entries),
            thread: Some(thread),
        })
    }

    /// Writes lines; durable when it returns.
    pub(crate) async fn write<T: Serialize + Sync>(&self, lines: &[T]) -> Result<()> {
        let mut text = Vec::with_capacity(256 * lines.len());
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        let (durable, wait) = oneshot::channel();
        let entry = Entry {
            lines: text,
            durable,
        };
        let entries = self.entries.as_ref().context("the ledger is closed")?;
        entries
            .send(entry)
            .map_err(|_| anyhow!("the ledger has failed"))?;
        wait.await.context("the ledger has failed")
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.entries = None;
        if let Some(thread) = self.thread.take() {
            // Who waited for a line that failed has been told so.
            drop(thread.join());
        }
    }
}

fn keep(mut file: File, entries: &Receiver<Entry>) -> Result<()> {
    let mut text = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = entries.recv() {
        for entry in std::iter::once(first).chain(entries.try_iter()) {
            text.extend_from_slice(&entry.lines);
            waiting.push(entry.durable);
        }
        file.write_all(&text)?;
        file.sync_data()?;
        text.clear();
        for durable in waiting.drain(..) {
            // The task that waited may be gone; its line is not.
            let _gone = durable.send(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
