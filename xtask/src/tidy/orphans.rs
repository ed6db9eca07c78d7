//! No Rust file that nothing compiles: each is a root that Cargo finds, or a `mod` names it.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut compiled = BTreeSet::new();
    let mut waiting = roots(tree);
    while let Some(path) = waiting.pop() {
        if let Some(text) = tree.text(&path)
            && compiled.insert(path.clone())
        {
            waiting.extend(named_by(&path, text));
        }
    }
    tree.texts(&["rs"])
        .filter(|(path, _)| !compiled.contains(*path))
        .map(|(path, _)| {
            Finding::new(
                path,
                1,
                "nothing compiles this file: name it with `mod`, or remove it",
            )
        })
        .collect()
}

/// The files at which Cargo starts: the default places, and each `path = "….rs"` of a manifest.
fn roots(tree: &Tree) -> Vec<String> {
    let mut roots = Vec::new();
    for (manifest, text) in tree.texts(&["toml"]) {
        let Some(package) = manifest.strip_suffix("Cargo.toml") else {
            continue;
        };
        let places = text.lines().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let file = value.trim().trim_matches('"');
            (key.trim() == "path" && Tree::is(file, "rs")).then_some(file)
        });
        roots.extend(places.map(|file| format!("{package}{file}")));
        let inside = tree
            .texts(&["rs"])
            .filter_map(|(path, _)| path.strip_prefix(package));
        roots.extend(
            inside
                .filter(|file| is_root(file))
                .map(|file| format!("{package}{file}")),
        );
    }
    roots
}

fn is_root(file: &str) -> bool {
    let parts = file.split('/').collect::<Vec<_>>();
    matches!(
        parts.as_slice(),
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
            | ["src", "bin", _]
            | ["src", "bin", _, "main.rs"]
    )
}

/// The files that `mod name;` (with or without `#[path]`) and `include!` in `path` may mean.
fn named_by(path: &str, text: &str) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.trim_end_matches(".rs");
    // A file that is a crate root or a `mod.rs` has its modules beside it, others below it.
    let beside = matches!(stem, "lib" | "main" | "mod" | "build")
        || ["/tests", "/benches", "/examples", "/bin"]
            .iter()
            .any(|end| folder.ends_with(end));
    let home = if beside {
        folder.to_owned()
    } else {
        format!("{folder}/{stem}")
    };
    let mut named = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(module) = module(line) {
            named.push(format!("{home}/{module}.rs"));
            named.push(format!("{home}/{module}/mod.rs"));
        }
        if line.starts_with("#[path") || line.contains("include!(") {
            named.extend(
                line.split('"')
                    .nth(1)
                    .map(|file| format!("{folder}/{file}")),
            );
        }
    }
    named
}

/// The name in `mod name;`, whatever its visibility.
fn module(line: &str) -> Option<&str> {
    let name = line.strip_suffix(';')?;
    let name = match name.strip_prefix("pub") {
        Some(rest) => {
            rest.split_once("mod ")
                .filter(|(scope, _)| !scope.contains("use"))?
                .1
        }
        None => name.strip_prefix("mod ")?,
    };
    name.chars()
        .all(|c| c.is_alphanumeric() || c == '_')
        .then_some(name)
}
