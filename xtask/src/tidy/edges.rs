//! Which crate may name which: ARCHITECTURE.md lists the edges, and Cargo must agree.
//!
//! The list is a fenced block marked `edges`, a line for each package of the workspace that depends
//! on another: `tieline-api -> tieline-engine tieline-model`. Only normal dependencies count.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

const LIST: &str = "ARCHITECTURE.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(LIST).unwrap_or_default();
    let Some(start) = text.lines().position(|line| line.trim() == "```edges") else {
        let what = "there is no block that starts with ```edges: list the crates' edges in one";
        return vec![Finding::new(LIST, 1, what)];
    };
    let mut findings = Vec::new();
    let mut listed = BTreeMap::new();
    let block = text.lines().enumerate().skip(start + 1);
    for (index, line) in block.take_while(|(_, line)| line.trim() != "```") {
        let Some((from, to)) = line.split_once("->") else {
            let what = format!(
                "`{}` is not an edge: write `crate -> crate crate`",
                line.trim()
            );
            findings.push(Finding::new(LIST, index + 1, what));
            continue;
        };
        let to = to.split_whitespace().collect::<Vec<_>>();
        if listed.insert(from.trim(), (index + 1, to)).is_some() {
            let what = format!(
                "`{}` has a second line: write all it names in one",
                from.trim()
            );
            findings.push(Finding::new(LIST, index + 1, what));
        }
    }
    findings.extend(differences(tree, &listed, start + 1));
    findings
}

/// `listed` gives the line and the names for each crate; `start` is the line of the block.
fn differences(
    tree: &Tree,
    listed: &BTreeMap<&str, (usize, Vec<&str>)>,
    start: usize,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, real) in &tree.packages {
        let (line, named) = listed
            .get(name.as_str())
            .map_or((start, &[][..]), |(line, named)| (*line, named.as_slice()));
        for edge in real.iter().filter(|edge| !named.contains(&edge.as_str())) {
            let what =
                format!("Cargo has the edge `{name} -> {edge}`, the list has not: is it allowed?");
            findings.push(Finding::new(LIST, line, what));
        }
        for edge in named
            .iter()
            .filter(|edge| !real.iter().any(|one| one == *edge))
        {
            let what = format!("Cargo has no edge `{name} -> {edge}`: take it off the list");
            findings.push(Finding::new(LIST, line, what));
        }
    }
    for (name, (line, _)) in listed {
        if !tree.packages.contains_key(*name) {
            let what = format!("the workspace has no package `{name}`: take it off the list");
            findings.push(Finding::new(LIST, *line, what));
        }
    }
    findings
}
