//! Tools of others that checks need, each in one pinned version, under `target/rigs/cargo`.
//!
//! One in `PATH` is as good, if it is of that very version.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process;

/// A program that Cargo can install.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Asks for its version.
    pub(crate) ask: &'static [&'static str],
}

impl Tool {
    /// Where the tool is, after bringing it if need be.
    pub(crate) fn bring(self, root: &Path) -> Result<PathBuf> {
        let home = root.join("target/rigs/cargo");
        let own = home.join("bin").join(self.name);
        match process::find(self.name) {
            Some(found) if self.is_pinned(&found) => Ok(found),
            _ if self.is_pinned(&own) => Ok(own),
            _ => self.install(root, &home).map(|()| own),
        }
    }

    fn install(self, root: &Path, home: &Path) -> Result<()> {
        let Self { name, version, .. } = self;
        println!("bringing {name} {version} into target/rigs/cargo: minutes, once");
        let mut install = process::cargo(root);
        install
            .args([
                "install",
                "--quiet",
                // It is run seldom: to optimise it would take longer than it could save.
                "--debug",
                "--locked",
                name,
                "--version",
                version,
            ])
            .arg("--root")
            .arg(home)
            .env("CARGO_PROFILE_DEV_DEBUG", "false");
        process::run(&mut install)
    }

    fn is_pinned(self, program: &Path) -> bool {
        process::output(Command::new(program).args(self.ask))
            .is_ok_and(|said| said.trim() == format!("{} {}", self.name, self.version))
    }
}
