//! Every threat names its test, and every test that is named is there: the table in
//! `docs/security.md`, a line for each row: `| T1 | what holds | tests |`.
//!
//! A test is written as its file and its function, `crates/a/src/tests.rs::a_sentence`, in
//! backticks; what else stands in the last column is for people.

use super::Finding;
use super::tree::Tree;

const PAGE: &str = "docs/security.md";

/// The rows, from and to: those before and between are other issues'.
const ROWS: &[(u32, u32)] = &[(1, 24), (32, 38), (44, 48)];

/// How far above a function's name its attribute may stand.
const REACH: usize = 12;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(PAGE).unwrap_or_default();
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((row, tests)) = row(line) else {
            continue;
        };
        let mut find = |what: String| findings.push(Finding::new(PAGE, index + 1, what));
        if seen.contains(&row) {
            find(format!(
                "T{row} has a second line: write all its tests in one"
            ));
        }
        seen.push(row);
        let named = tests.split('`').skip(1).step_by(2).collect::<Vec<_>>();
        if named.is_empty() {
            find(format!("T{row} names no test"));
        }
        for test in named {
            if let Some(missing) = missing(tree, test) {
                find(format!("T{row}: {missing}"));
            }
        }
    }
    for number in ROWS.iter().flat_map(|&(first, last)| first..=last) {
        if !seen.contains(&number) {
            findings.push(Finding::new(
                PAGE,
                1,
                format!("T{number} has no line in the table"),
            ));
        }
    }
    findings
}

/// The number of a row and its last column.
fn row(line: &str) -> Option<(u32, &str)> {
    let line = line.strip_prefix("| T")?.trim_end().strip_suffix('|')?;
    let (number, rest) = line.split_once(" |")?;
    let (_, tests) = rest.rsplit_once(" | ")?;
    Some((number.parse().ok()?, tests))
}

/// What is wrong with `file::function`, if anything is.
fn missing(tree: &Tree, test: &str) -> Option<String> {
    let Some((file, name)) = test.split_once("::") else {
        return Some(format!(
            "`{test}` is no test: write `path/of/a/file.rs::name`"
        ));
    };
    let Some(text) = tree.text(file) else {
        return Some(format!("there is no file {file}"));
    };
    let lines = text.lines().map(str::trim).collect::<Vec<_>>();
    let head = format!("fn {name}(");
    let Some(at) = lines.iter().position(|line| line.contains(&head)) else {
        return Some(format!("{file} has no test `{name}`"));
    };
    // Going up, an attribute comes before the end of what stands above.
    let above = lines.get(..at).unwrap_or_default();
    let own = above
        .iter()
        .rev()
        .take(REACH)
        .take_while(|line| **line != "}");
    let attributes = own.filter(|line| line.starts_with("#["));
    let runs = attributes.map(|line| line.split(['(', ']']).next().unwrap_or_default());
    let is_test = |attribute: &str| attribute.ends_with("#[test") || attribute.ends_with("::test");
    let is_test = runs.into_iter().any(is_test);
    (!is_test).then(|| format!("`{name}` in {file} is not run as a test"))
}
