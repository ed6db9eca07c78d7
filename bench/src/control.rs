//! The control: a bare axum server in a process of its own, which reads the same body and answers
//! JSON of the same size. What the hub costs beyond it is what the hub does.
//!
//! It must never learn to do more: every line here would be taken off the hub's figures.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::hub::{self, free_address};
use crate::process::Process;

/// What the control answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Of the body, in bytes.
    pub(crate) length: usize,
}

/// A control that runs; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Control {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Control {
    /// Starts this program once more, as a control.
    pub(crate) async fn start(bench: &Path, answer: Answer) -> Result<Self> {
        let address = free_address().await?;
        let mut child = Command::new(bench)
            .arg("control")
            .args(["--listen", &address.to_string()])
            .args(["--status", &answer.status.to_string()])
            .args(["--length", &answer.length.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("failed to start the control")?;
        hub::reachable(address, &mut child).await?;
        Ok(Self { child, address })
    }

    pub(crate) fn process(&self) -> Result<Process> {
        let id = self.child.id().context("the control has ended")?;
        Ok(Process(id))
    }
}

/// Serves until the process is ended. The runtime is the one that the hub uses: a thread for each
/// core.
pub(crate) fn serve(listen: SocketAddr, answer: Answer) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let router = router(answer)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}

fn router(answer: Answer) -> Result<Router> {
    let status = StatusCode::from_u16(answer.status)?;
    let filler = filler(answer.length);
    let handler = async move |body: Bytes| {
        let read = body.len();
        (status, Json(json!({ "filler": filler, "read": read })))
    };
    Ok(Router::new().route("/c/{connector}", post(handler)))
}

/// Text that makes the answer `length` bytes long, for a body of three digits' length; one byte
/// more for each further digit.
fn filler(length: usize) -> String {
    const AROUND: usize = r#"{"filler":"","read":512}"#.len();
    "x".repeat(length.saturating_sub(AROUND))
}

#[cfg(test)]
pub(crate) mod tests;
