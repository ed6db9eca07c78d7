//! No drawer for odds and ends: a module is named for what it is about.

use super::Finding;
use super::tree::Tree;

const DRAWERS: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.files.keys() {
        let named = path.split('/').find(|part| {
            let (stem, _) = part.split_once('.').unwrap_or((part, ""));
            DRAWERS.contains(&stem)
        });
        if let Some(named) = named {
            findings.push(Finding::new(path, 1, advice(named)));
        }
    }
    for (path, text) in tree.texts(&["rs"]) {
        for (index, line) in text.lines().enumerate() {
            let named = line
                .trim_start()
                .trim_start_matches("pub ")
                .strip_prefix("mod ");
            let inline = named
                .and_then(|rest| rest.split_once('{'))
                .map(|(name, _)| name.trim());
            if let Some(name) = inline.filter(|name| DRAWERS.contains(name)) {
                findings.push(Finding::new(path, index + 1, advice(name)));
            }
        }
    }
    findings
}

fn advice(name: &str) -> String {
    format!("`{name}` says nothing about what is in it: name it for its one purpose")
}
