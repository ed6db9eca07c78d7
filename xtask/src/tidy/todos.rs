//! A promise in the code has an issue that keeps it: `(#12)` stands right behind the word.

use super::Finding;
use super::markdown;
use super::tree::Tree;

/// Put together here, so that this file passes its own check.
const WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

const CODE: &[&str] = &[
    "rs", "toml", "yaml", "yml", "sql", "html", "css", "js", "py", "sh",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let code = tree
        .texts(CODE)
        .flat_map(|(path, text)| in_lines(path, text.lines()));
    let prose = tree.texts(&["md"]).flat_map(|(path, text)| {
        let lines = markdown::prose(text);
        in_lines(path, lines.iter().map(String::as_str))
    });
    code.chain(prose).collect()
}

fn in_lines<'a>(path: &str, lines: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in lines.enumerate() {
        for word in WORDS {
            if line
                .match_indices(word)
                .any(|(at, _)| is_word_without_issue(line, at, word))
            {
                let what = format!("{word} without an issue: do it now, or write `{word}(#12)`");
                findings.push(Finding::new(path, index + 1, what));
            }
        }
    }
    findings
}

fn is_word_without_issue(line: &str, at: usize, word: &str) -> bool {
    let (before, from) = line.split_at(at);
    let after = from.strip_prefix(word).unwrap_or_default();
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    let alone = !before.ends_with(joins) && !after.starts_with(joins);
    let issue = after
        .trim_start()
        .strip_prefix("(#")
        .and_then(|rest| rest.split_once(')'));
    alone && issue.is_none_or(|(number, _)| number.parse::<u32>().is_err())
}
