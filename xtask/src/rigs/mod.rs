//! The real servers and clients that some tests run against.
//!
//! They live under `target/rigs`, except for what only a Debian package brings. Installing is
//! idempotent, and nothing here starts a server: each test starts its own.

mod debian;
mod python;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process;

/// Something real that tests need and Cargo cannot bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rig {
    pub(crate) name: &'static str,
    /// What it proves, for the list of what is missing.
    pub(crate) purpose: &'static str,
    present: fn(&Path) -> bool,
    install: fn(&Path) -> Result<()>,
}

/// Every rig that the tests use now.
static RIGS: &[Rig] = &[
    Rig {
        name: "Python clients (PyPI)",
        purpose: "standardwebhooks signs and verifies, cloudevents sends, schemathesis tries /v1",
        present: python::present,
        install: python::install,
    },
    Rig {
        name: "promtool (Debian prometheus)",
        purpose: "judges /metrics",
        present: |_| process::find("promtool").is_some(),
        install: |_| debian::install("prometheus"),
    },
    Rig {
        name: "nginx (Debian nginx-light)",
        purpose: "speaks TLS in front of the hub",
        present: |_| process::find("nginx").is_some() || Path::new("/usr/sbin/nginx").exists(),
        install: |_| debian::install("nginx-light"),
    },
    Rig {
        name: "c++ (Debian g++)",
        purpose: "builds libFuzzer",
        present: |_| process::find("c++").is_some(),
        install: |_| debian::install("g++"),
    },
    Rig {
        name: "strace (Debian)",
        purpose: "shows each sync before its acknowledgement, and has one fail",
        present: |_| process::find("strace").is_some(),
        install: |_| debian::install("strace"),
    },
    Rig {
        name: "libfaketime (Debian faketime)",
        purpose: "has the hub's clock jump",
        present: |_| debian::has_library("faketime/libfaketimeMT.so.1"),
        install: |_| debian::install("faketime"),
    },
];

/// What tests on this machine cannot use yet.
pub(crate) fn missing(root: &Path) -> Vec<Rig> {
    let folder = folder(root);
    RIGS.iter()
        .copied()
        .filter(|rig| !(rig.present)(&folder))
        .collect()
}

/// Brings everything that is missing.
pub(crate) fn install(root: &Path) -> Result<()> {
    let folder = folder(root);
    for rig in missing(root) {
        println!("bringing {}: {}", rig.name, rig.purpose);
        (rig.install)(&folder)?;
        anyhow::ensure!(
            (rig.present)(&folder),
            "{} was installed but is not found",
            rig.name
        );
    }
    Ok(())
}

/// Tells tests where the rigs are, and whether a missing one is a failure.
pub(crate) fn announce(root: &Path, command: &mut Command, demanded: bool) {
    command.env("TIELINE_RIGS", folder(root));
    if demanded {
        command.env("TIELINE_REQUIRE", "1");
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join("target/rigs")
}
