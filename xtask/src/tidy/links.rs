//! Every relative Markdown link leads to a file in the tree, and to a heading that is there.

use super::Finding;
use super::markdown;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(&["md"]) {
        for (index, line) in markdown::prose(text).iter().enumerate() {
            for target in targets(line) {
                if let Some(what) = wrong(tree, path, target) {
                    findings.push(Finding::new(path, index + 1, what));
                }
            }
        }
    }
    findings
}

/// What the links of one line point to: `[text](target "title")` and `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let defined = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .and_then(|(_, target)| target.split_whitespace().next());
    inline
        .chain(defined)
        .map(|target| target.trim_matches(['<', '>']))
        .collect()
}

fn wrong(tree: &Tree, from: &str, target: &str) -> Option<String> {
    let outside = ["http://", "https://", "mailto:"];
    if outside.into_iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let Some(path) = resolve(from, file) else {
        return Some(format!(
            "the link `{target}` leaves the project: link to a file in it"
        ));
    };
    if !tree.holds(&path) {
        return Some(format!(
            "the link `{target}` leads nowhere: there is no `{path}`"
        ));
    }
    let text = tree.text(&path).filter(|_| Tree::is(&path, "md"))?;
    let known = anchor.is_empty() || markdown::anchors(text).iter().any(|one| one == anchor);
    (!known).then(|| format!("the link `{target}` names a heading that `{path}` does not have"))
}

/// The path from the root that `file` means in a document at `from`; `None` outside the root.
fn resolve(from: &str, file: &str) -> Option<String> {
    if file.is_empty() {
        return Some(from.to_owned());
    }
    let (folder, _) = from.rsplit_once('/').unwrap_or(("", ""));
    let start = if file.starts_with('/') { "" } else { folder };
    let mut parts = Vec::new();
    for part in start.split('/').chain(file.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
