//! `cargo xtask sbom`: what the binary is made of, as `CycloneDX` 1.5 in JSON, for releases.
//!
//! The same commit prints the same text: it holds no time and no serial number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::process;

const BINARY: &str = "tieline";

/// Prints it.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut metadata = process::cargo(root);
    metadata.args(["metadata", "--locked", "--format-version", "1"]);
    let metadata = serde_json::from_str(&process::output(&mut metadata)?)
        .context("failed to parse what `cargo metadata` printed")?;
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("failed to read Cargo.lock")?;
    println!("{:#}", bill(&metadata, &checksums(&lock))?);
    Ok(())
}

/// The document, from what Cargo says and from the checksums by name and version.
fn bill(metadata: &Value, checksums: &BTreeMap<(&str, &str), &str>) -> Result<Value> {
    let packages = by_id(metadata.get("packages"))?;
    let resolve = metadata.get("resolve").and_then(|all| all.get("nodes"));
    let nodes = by_id(resolve)?;
    let binary = packages
        .iter()
        .find(|(_, package)| text(package, "name") == BINARY)
        .map(|(id, _)| *id)
        .context("there is no package of the binary")?;
    let (mut reached, mut waiting) = (BTreeSet::new(), vec![binary]);
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(needed(nodes.get(id).copied().unwrap_or(&Value::Null)));
        }
    }
    let package = |id: &str| packages.get(id).copied().unwrap_or(&Value::Null);
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for &id in &reached {
        if id != binary {
            components.push(component(package(id), "library", checksums));
        }
        let node = nodes.get(id).copied().unwrap_or(&Value::Null);
        let on = needed(node)
            .map(|id| purl(package(id)))
            .collect::<BTreeSet<_>>();
        dependencies.push(json!({ "ref": purl(package(id)), "dependsOn": on }));
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(package(binary), "application", checksums) },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// What a package is built from: without what only its tests need.
fn needed(node: &Value) -> impl Iterator<Item = &str> {
    let list = node.get("deps").and_then(Value::as_array);
    let built = |dependency: &&Value| {
        let kinds = dependency.get("dep_kinds").and_then(Value::as_array);
        let mut kinds = kinds.into_iter().flatten();
        kinds.any(|kind| kind.get("kind").and_then(Value::as_str) != Some("dev"))
    };
    let built = list.into_iter().flatten().filter(built);
    built.filter_map(|dependency| dependency.get("pkg")?.as_str())
}

fn component(package: &Value, kind: &str, checksums: &BTreeMap<(&str, &str), &str>) -> Value {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "purl": purl(package),
    });
    let license = text(package, "license");
    if !license.is_empty() {
        // Crates from before SPDX wrote a slash.
        let expression = license.replace('/', " OR ");
        component["licenses"] = json!([{ "expression": expression }]);
    }
    if let Some(checksum) = checksums.get(&(name, version)) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn purl(package: &Value) -> String {
    format!(
        "pkg:cargo/{}@{}",
        text(package, "name"),
        text(package, "version")
    )
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn by_id(list: Option<&Value>) -> Result<BTreeMap<&str, &Value>> {
    let list = list.and_then(Value::as_array);
    let list = list.context("`cargo metadata` printed no list")?;
    Ok(list.iter().map(|one| (text(one, "id"), one)).collect())
}

/// The SHA-256 of each package of a registry, by name and version.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let mut checksums = BTreeMap::new();
    for entry in lock.split("[[package]]").skip(1) {
        let field = |wanted: &str| {
            let mut fields = entry.lines().filter_map(|line| line.split_once(" = "));
            let (_, value) = fields.find(|(name, _)| *name == wanted)?;
            Some(value.trim_matches('"'))
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (field("name"), field("version"), field("checksum"))
        {
            checksums.insert((name, version), checksum);
        }
    }
    checksums
}

#[cfg(test)]
mod tests;
