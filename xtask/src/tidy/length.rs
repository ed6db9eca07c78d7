//! No file that holds everything: 800 lines at most, tests and manuals included.

use super::Finding;
use super::tree::Tree;

const LIMIT: usize = 800;

/// What people write and read. Generated JSON and `Cargo.lock` may be as long as they are.
const WRITTEN: &[&str] = &[
    "rs", "md", "yaml", "yml", "toml", "sql", "html", "css", "js", "py", "sh", "txt",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts(WRITTEN)
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            (lines > LIMIT).then(|| {
                let what = format!("{lines} lines, and {LIMIT} is the limit: split it by purpose");
                Finding::new(path, LIMIT + 1, what)
            })
        })
        .collect()
}
