//! Every problem code that the API can answer has a page, and every page a code.

use super::Finding;
use super::tree::Tree;

/// Its `as_str` gives the codes, a line each: `Self::NotFound => "not-found",`.
const SOURCE: &str = "crates/tieline-contract/src/problem.rs";
const PAGES: &str = "docs/problems/";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let codes = codes(tree.text(SOURCE).unwrap_or_default());
    if codes.is_empty() {
        let what = "`as_str` gives no problem code: write `Self::NotFound => \"not-found\",`";
        return vec![Finding::new(SOURCE, 1, what)];
    }
    let mut findings = Vec::new();
    for &(line, code) in &codes {
        let page = format!("{PAGES}{code}.md");
        if !tree.files.contains_key(&page) {
            let what = format!("the problem `{code}` has no page: explain it in {page}");
            findings.push(Finding::new(SOURCE, line, what));
        }
    }
    for path in tree.files.keys() {
        let Some(page) = path.strip_prefix(PAGES) else {
            continue;
        };
        let code = page.strip_suffix(".md").unwrap_or(page);
        if code != "README" && !codes.iter().any(|&(_, known)| known == code) {
            let what = format!("no problem has the code `{code}`: remove the page or rename it");
            findings.push(Finding::new(path, 1, what));
        }
    }
    findings
}

/// The line and the text of each string literal between `fn as_str` and the end of that function.
fn codes(source: &str) -> Vec<(usize, &str)> {
    let function = source
        .lines()
        .enumerate()
        .skip_while(|(_, line)| !line.contains("fn as_str"));
    let mut depth = 0_i32;
    let mut codes = Vec::new();
    for (index, line) in function {
        codes.extend(
            line.split('"')
                .skip(1)
                .step_by(2)
                .map(|code| (index + 1, code)),
        );
        let count = |brace| i32::try_from(line.matches(brace).count()).unwrap_or(i32::MAX);
        depth += count('{') - count('}');
        // The head of the function may take several lines, all at depth 0.
        if depth == 0 && line.contains('}') {
            break;
        }
    }
    codes
}
