//! A connector is one folder and one line: the folder is complete, and the list names it, sorted.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

const ROOM: &str = "crates/tieline-connectors/src/";
const LIST: &str = "crates/tieline-connectors/src/lib.rs";
const PARTS: &[&str] = &["mod.rs", "README.md", "icon.svg", "tests.rs"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folders = folders(tree);
    let list = tree.text(LIST).unwrap_or_default();
    let listed = listed(list);
    for folder in &folders {
        for part in PARTS {
            let path = format!("{ROOM}{folder}/{part}");
            if !tree.files.contains_key(&path) {
                let what = format!("the connector `{folder}` has no {part}: add it");
                findings.push(Finding::new(&path, 1, what));
            }
        }
        if !listed.iter().any(|(_, name)| name == folder) {
            let what = format!("the connector `{folder}` is not in TYPES: add `&{folder}::TYPE`");
            findings.push(Finding::new(LIST, 1, what));
        }
    }
    for (line, name) in &listed {
        if !folders.contains(name) {
            let what = format!("TYPES names `{name}`, which has no folder here: remove it");
            findings.push(Finding::new(LIST, *line, what));
        }
    }
    for pair in listed.windows(2) {
        if let [(_, before), (line, after)] = pair
            && before >= after
        {
            let what = format!("`{after}` stands behind `{before}` in TYPES: keep the list sorted");
            findings.push(Finding::new(LIST, *line, what));
        }
    }
    findings
}

fn folders(tree: &Tree) -> BTreeSet<&str> {
    tree.files
        .keys()
        .filter_map(|path| path.strip_prefix(ROOM)?.split_once('/'))
        .map(|(folder, _)| folder)
        .collect()
}

/// The names before `::TYPE` in the static slice, each with its line.
fn listed(list: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    let slice = list
        .lines()
        .enumerate()
        .skip_while(|(_, line)| !line.contains("static TYPES"));
    for (index, line) in slice {
        for entry in line.split(['[', ',', ']']) {
            let name = entry
                .trim()
                .strip_prefix('&')
                .and_then(|one| one.strip_suffix("::TYPE"));
            names.extend(name.map(|name| (index + 1, name)));
        }
        if line.contains("];") {
            break;
        }
    }
    names
}
