//! The project's tree as the checks see it: read once, then only looked at.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process;

/// The files that git tracks or would track, and what depends on what.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Text by path from the root, with `/`; `None` for what is not UTF-8.
    pub(super) files: BTreeMap<String, Option<String>>,
    /// The packages of the workspace with their normal dependencies inside it, both sorted.
    pub(super) packages: BTreeMap<String, Vec<String>>,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut list = Command::new("git");
        list.current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let mut files = BTreeMap::new();
        for path in process::output(&mut list)?.split_terminator('\0') {
            match fs::read(root.join(path)) {
                Ok(bytes) => {
                    files.insert(path.to_owned(), String::from_utf8(bytes).ok());
                }
                // Deleted, but not yet in a commit.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("failed to read {path}")),
            }
        }
        Ok(Self {
            files,
            packages: packages(root)?,
        })
    }

    /// The text of one file, if it is there and is text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// True when the name of `path` ends in `.extension`.
    pub(super) fn is(path: &str, extension: &str) -> bool {
        path.rsplit_once('.')
            .is_some_and(|(_, end)| end == extension)
    }

    /// The text files whose name ends in one of `extensions`, in order.
    pub(super) fn texts<'a>(
        &'a self,
        extensions: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files.iter().filter_map(|(path, text)| {
            let (_, extension) = path.rsplit_once('.')?;
            let text = text.as_deref()?;
            extensions
                .contains(&extension)
                .then_some((path.as_str(), text))
        })
    }

    /// True for a file, and for a folder that holds one; the root is the empty path.
    pub(super) fn holds(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(p, _)| p.starts_with(&folder))
    }
}

fn packages(root: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let mut metadata = process::cargo(root);
    metadata.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let metadata: Value = serde_json::from_str(&process::output(&mut metadata)?)
        .context("failed to parse what `cargo metadata` printed")?;
    let mut packages = BTreeMap::new();
    for package in entries(&metadata, "packages") {
        let name = package
            .get("name")
            .and_then(Value::as_str)
            .context("a package has no name")?;
        let mut inside = entries(package, "dependencies")
            // A dependency with a path is one of ours; a kind is `dev` or `build`.
            .filter(|one| one.get("path").is_some() && one.get("kind").is_none_or(Value::is_null))
            .filter_map(|one| one.get("name").and_then(Value::as_str))
            .map(str::to_owned)
            .collect::<Vec<_>>();
        inside.sort();
        inside.dedup();
        packages.insert(name.to_owned(), inside);
    }
    Ok(packages)
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}
