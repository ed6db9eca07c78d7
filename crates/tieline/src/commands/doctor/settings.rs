//! The configuration, read as the hub would read it.

use std::path::{Path, PathBuf};

use tieline_config::{Diagnostic, HubSettings, Severity};

use super::report::Report;
use crate::config::{Loaded, Place};

/// What reading gave.
pub(super) struct Read(anyhow::Result<Result<Loaded, Vec<Diagnostic>>>);

pub(super) fn read(path: &Path) -> Read {
    let path: PathBuf = path.to_owned();
    Read(Place::new(&[path]).and_then(|place| place.load()))
}

impl Read {
    /// What the hub itself is told.
    pub(super) fn hub(&self) -> Option<&HubSettings> {
        match &self.0 {
            Ok(Ok(loaded)) => Some(&loaded.configuration.hub),
            _ => None,
        }
    }

    pub(super) fn report(&self, report: &mut Report) {
        let (diagnostics, counted) = match &self.0 {
            Err(error) => return report.failed("configuration", error),
            Ok(Err(diagnostics)) => (diagnostics, None),
            Ok(Ok(loaded)) => {
                let all = &loaded.configuration;
                let counted = (all.agents.len(), all.connectors.len());
                (&loaded.warnings, Some(counted))
            }
        };
        for diagnostic in diagnostics {
            let place = diagnostic.position.as_ref().map_or(String::new(), |place| {
                format!("{}:{}:{}: ", place.file, place.line, place.column)
            });
            let what = format!("{place}{}: {}", diagnostic.path, diagnostic.message);
            let fix = diagnostic.fix.as_deref();
            let fix = fix.unwrap_or("see `tieline check`, and the page of the setting");
            match diagnostic.severity {
                Severity::Error => report.fail("configuration", what, fix),
                Severity::Warning => report.warn("configuration", what, fix),
            }
        }
        if let Some((agents, connectors)) = counted {
            let what = format!("agents: {agents}, connectors: {connectors}");
            report.ok("configuration", what);
        }
    }
}
