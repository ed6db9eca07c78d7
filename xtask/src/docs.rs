//! `cargo xtask docs`: the pages that are made from the code, so that they cannot disagree with it.
//!
//! Each page is what the binary itself prints. `--check` writes nothing and fails on a stale page.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process;

/// Writes the pages, or only compares them.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let mut pages = vec![(
        "docs/tieline.schema.json".to_owned(),
        tieline(root, &["schema"])?,
    )];
    for name in types(root)? {
        let manual = tieline(root, &["types", &name])?;
        pages.push((format!("docs/connectors/{name}.md"), manual));
    }
    let mut stale = Vec::new();
    for (path, text) in &pages {
        let file = root.join(path);
        if fs::read_to_string(&file).is_ok_and(|found| found == *text) {
            continue;
        }
        if check {
            stale.push(path.as_str());
            continue;
        }
        let folder = file.parent().context("a page stands in a folder")?;
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        fs::write(&file, text).with_context(|| format!("failed to write {path}"))?;
        println!("wrote {path}");
    }
    if !stale.is_empty() {
        bail!(
            "{} no longer what the code says; run `cargo xtask docs`",
            stale.join(", ")
        );
    }
    Ok(())
}

/// The names of the connector types.
fn types(root: &Path) -> Result<Vec<String>> {
    let listed = tieline(root, &["types", "--output", "json"])?;
    let listed: Value =
        serde_json::from_str(&listed).context("failed to read the list of types")?;
    let names = listed
        .get("data")
        .and_then(Value::as_array)
        .context("the list of types is not a list")?
        .iter()
        .filter_map(|kind| kind.get("type")?.as_str().map(str::to_owned))
        .collect::<Vec<_>>();
    if names.is_empty() {
        bail!("the list of types names none");
    }
    Ok(names)
}

fn tieline(root: &Path, args: &[&str]) -> Result<String> {
    let mut command = process::cargo(root);
    command
        .args(["run", "--quiet", "--package", "tieline", "--"])
        .args(args);
    process::output(&mut command)
}
