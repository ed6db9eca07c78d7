//! The life of a running hub, from its first signal to its last.
//!
//! Stopping goes from outside to inside: not ready, nothing new accepted, nothing new claimed, what
//! is in hand finished or given back, then the end.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::wiring::Running;

/// How long answers that are being written may take once there is nothing left to wait for.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What people and supervisors say to the process.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

enum Said {
    Stop,
    Reload,
}

impl Signals {
    /// Listens from now on: a signal that comes during the start is not lost.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("failed to listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Said {
        tokio::select! {
            _ = self.terminate.recv() => Said::Stop,
            _ = self.interrupt.recv() => Said::Stop,
            _ = self.hang_up.recv() => Said::Reload,
        }
    }

    /// Waits for the signal to stop, whatever else is said.
    async fn stop(&mut self) {
        while matches!(self.next().await, Said::Reload) {}
    }
}

/// Lets the hub work until it is told to stop, or cannot go on.
pub(crate) async fn run(mut running: Running, mut signals: Signals) -> anyhow::Result<ExitCode> {
    let serving = running.serving.clone();
    loop {
        tokio::select! {
            said = signals.next() => match said {
                Said::Reload => running.reload().await,
                Said::Stop => break,
            },
            reason = running.store.broken() => bail!(
                "the store is broken, and nothing can be promised any more: {reason}\n  \
                 fix: look after the disk; at the next start the hub goes on with what was stored"
            ),
            () = serving.wait() => bail!("the sockets are not served any more"),
        }
    }
    tokio::select! {
        () = stop(&running) => {}
        () = signals.stop() => {
            tracing::warn!("stopping at once: what is in hand is given back");
            running.api.end_waits();
            running.hub.stop(Duration::ZERO).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Stops within the grace that the configuration gives.
async fn stop(running: &Running) {
    let grace = running.grace();
    tracing::info!("stopping; what is in hand has {} s", grace.as_secs());
    // Agents that work still fetch their files here; events are refused already.
    running.hub.stop(grace).await;
    running.closing.cancel();
    // Runs that were given back end no more in this process.
    running.api.end_waits();
    if tokio::time::timeout(LAST_WORDS, running.serving.wait())
        .await
        .is_err()
    {
        tracing::warn!("some connections were cut");
    }
    tracing::info!("stopped");
}
