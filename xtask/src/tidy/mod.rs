//! `cargo xtask tidy`: the rules of the house that neither rustc nor clippy can see.
//!
//! Each check is a pure function from the tree to what is wrong in it, in its own file. All
//! findings are printed at once, and a finding says what to do.

mod connectors;
mod drawers;
mod edges;
mod length;
mod links;
mod lockfile;
mod markdown;
mod orphans;
mod outside;
mod problem_codes;
mod threats;
mod todos;
mod tree;

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

use self::tree::Tree;

type Check = fn(&Tree) -> Vec<Finding>;

static CHECKS: &[(&str, Check)] = &[
    ("connectors", connectors::check),
    ("drawers", drawers::check),
    ("edges", edges::check),
    ("length", length::check),
    ("links", links::check),
    ("lockfile", lockfile::check),
    ("orphans", orphans::check),
    ("outside", outside::check),
    ("problem codes", problem_codes::check),
    ("threats", threats::check),
    ("todos", todos::check),
];

/// Something that breaks a rule: where, what is wrong, what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, text } = self;
        write!(f, "{path}:{line}: {text}")
    }
}

/// Checks the tree, tracked files and new ones alike.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let mut findings = CHECKS
        .iter()
        .flat_map(|(_, check)| check(&tree))
        .collect::<Vec<_>>();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy found {} things to put right", findings.len());
    }
    let names = CHECKS.iter().map(|&(name, _)| name).collect::<Vec<_>>();
    println!(
        "tidy: {} files are in order ({})",
        tree.files.len(),
        names.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests;
