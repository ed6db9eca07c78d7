//! The demo's folder: a configuration, its secrets and the hub's data, removed at the end.

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tieline_model::Secret;
use tieline_model::id::Entropy as _;
use tieline_vault::{SystemEntropy, connector_secret};

use crate::wiring::write_secret;

/// A fresh folder below the system's temporary one.
#[derive(Debug)]
pub(crate) struct DemoFolder {
    path: PathBuf,
    pub(crate) secrets: Secrets,
}

/// The demo's secrets, new each time.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) orders: Secret,
    pub(crate) ask: Secret,
    /// Signs what is delivered.
    pub(crate) results: Secret,
}

impl DemoFolder {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut random = [0; 8];
        SystemEntropy.fill(&mut random);
        let name = format!("tieline-demo-{:016x}", u64::from_be_bytes(random));
        let path = std::env::temp_dir().join(name);
        // Fails where somebody else made it, so that nobody can put files there beforehand.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("failed to make the demo's folder `{}`", path.display()))?;
        let folder = Self {
            path,
            secrets: Secrets {
                orders: connector_secret(&SystemEntropy),
                ask: connector_secret(&SystemEntropy),
                results: connector_secret(&SystemEntropy),
            },
        };
        write_secret(&folder.path.join("orders.secret"), &folder.secrets.orders)?;
        write_secret(&folder.path.join("ask.secret"), &folder.secrets.ask)?;
        write_secret(&folder.path.join("results.secret"), &folder.secrets.results)?;
        Ok(folder)
    }

    /// Writes the configuration; `guests` is where the demo serves its agent and its receiver.
    pub(crate) fn write_configuration(&self, guests: SocketAddr) -> anyhow::Result<PathBuf> {
        let path = self.path.join("tieline.yaml");
        let text = CONFIGURATION.replace("{guests}", &guests.to_string());
        let written = fs::write(&path, text);
        written.with_context(|| format!("failed to write `{}`", path.display()))?;
        Ok(path)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            let path = self.path.display();
            tracing::warn!("the demo's folder `{path}` could not be removed: {error}");
        }
    }
}

const CONFIGURATION: &str = include_str!("tieline.yaml");
