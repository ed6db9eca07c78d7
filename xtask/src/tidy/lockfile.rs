//! Every dependency is from crates.io, and is held by its checksum: none from git, none by a path
//! out of the tree, none from another registry.

use super::Finding;
use super::tree::Tree;

const LOCK: &str = "Cargo.lock";
const REGISTRY: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(LOCK).unwrap_or_default();
    let mut findings = Vec::new();
    let mut line = 1;
    // The first piece is the head of the file.
    for (n, entry) in text.split("[[package]]\n").enumerate() {
        if n > 0 {
            findings.extend(judge(tree, entry).map(|what| Finding::new(LOCK, line, what)));
        }
        line += entry.lines().count() + 1;
    }
    findings
}

fn judge(tree: &Tree, entry: &str) -> Option<String> {
    let field = |wanted: &str| {
        let mut fields = entry.lines().filter_map(|line| line.split_once(" = "));
        fields
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    let name = field("name").unwrap_or_default().trim_matches('"');
    match field("source") {
        None if tree.packages.contains_key(name) => None,
        None => Some(format!(
            "`{name}` comes from a path that is no package of ours"
        )),
        Some(REGISTRY) if field("checksum").is_some() => None,
        Some(REGISTRY) => Some(format!("`{name}` has no checksum: make the file anew")),
        Some(other) => {
            let what =
                format!("`{name}` comes from {other}: take it from crates.io, or do without");
            Some(what)
        }
    }
}
