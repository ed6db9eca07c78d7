mod security;

use super::tree::Tree;
use super::{
    Finding, connectors, drawers, edges, length, links, markdown, orphans, problem_codes, todos,
};

fn tree(files: &[(&str, &str)]) -> Tree {
    let files = files
        .iter()
        .map(|&(path, text)| (path.to_owned(), Some(text.to_owned())));
    Tree {
        files: files.collect(),
        ..Tree::default()
    }
}

/// Where the findings are, as `path:line`.
fn places(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|one| format!("{}:{}", one.path, one.line))
        .collect()
}

#[test]
fn a_file_may_have_800_lines_and_not_one_more() {
    let (fits, long) = ("x\n".repeat(800), "x\n".repeat(801));
    let files = [
        ("a.rs", &*fits),
        ("b.md", &*long),
        ("Cargo.lock", &*long),
        ("c.json", &*long),
    ];
    assert_eq!(places(&length::check(&tree(&files))), ["b.md:801"]);
}

#[test]
fn a_finding_prints_where_what_and_what_to_do() {
    let long = "x\n".repeat(900);
    let found = length::check(&tree(&[("src/a.rs", &long)]));
    let printed = found.iter().map(ToString::to_string).collect::<Vec<_>>();
    let expected = "src/a.rs:801: 900 lines, and 800 is the limit: split it by purpose";
    assert_eq!(printed, [expected]);
}

#[test]
fn a_drawer_is_found_as_file_folder_and_inline_module() {
    let files = [
        ("crates/a/src/util.rs", ""),
        ("crates/a/tests/common/mod.rs", ""),
        ("crates/a/src/lib.rs", "mod tests;\npub mod helpers {\n}\n"),
        ("crates/a/src/utility.rs", ""),
    ];
    let found = drawers::check(&tree(&files));
    let expected = [
        "crates/a/src/util.rs:1",
        "crates/a/tests/common/mod.rs:1",
        "crates/a/src/lib.rs:2",
    ];
    assert_eq!(places(&found), expected);
}

#[test]
fn a_promise_needs_an_issue_unless_it_is_quoted_code() {
    let word = concat!("TO", "DO");
    let code =
        format!("// {word}: later\n// {word}(#12): later\n// {word} (#x)\nlet {word}S = 1;\n");
    let prose = format!("No `{word}` here.\n```\n{word}\n```\nbut {word} here\n");
    let found = todos::check(&tree(&[("a.rs", &code), ("b.md", &prose)]));
    assert_eq!(places(&found), ["a.rs:1", "a.rs:3", "b.md:5"]);
}

#[test]
fn a_link_leads_to_a_file_a_folder_or_a_heading() {
    let readme = "# Top\n[a](docs/a.md) [b](docs) [c](#top) [d](https://example.com/x)\n\
                  [e](docs/a.md#the-end) ![f](docs/none.png)\n`[g](no.md)`\n[h]: gone.md\n\
                  [i](docs/a.md#nowhere) [j](../outside.md)\n";
    let files = [
        ("README.md", readme),
        ("docs/a.md", "## The `end`\n[up](../README.md)\n"),
    ];
    let found = links::check(&tree(&files));
    assert_eq!(
        places(&found),
        ["README.md:3", "README.md:5", "README.md:6", "README.md:6"]
    );
}

#[test]
fn anchors_are_made_as_github_makes_them() {
    let text = "# Two words\n## `Code` & more!\n```\n# not this\n```\n# Two words\n#hash\n";
    assert_eq!(
        markdown::anchors(text),
        ["two-words", "code--more", "two-words-1"]
    );
}

#[test]
fn an_edge_must_stand_in_cargo_and_in_the_list() {
    let text = "# House\n```edges\ntieline-api -> tieline-model tieline-vault\nfree\n\
                gone -> tieline-model\n```\ntieline-api -> not-in-the-block\n";
    let mut tree = tree(&[("ARCHITECTURE.md", text)]);
    let real = ["tieline-engine".to_owned(), "tieline-model".to_owned()];
    tree.packages
        .insert("tieline-api".to_owned(), real.to_vec());
    tree.packages.insert("tieline-model".to_owned(), Vec::new());
    tree.packages
        .insert("tieline-store".to_owned(), vec!["tieline-model".to_owned()]);
    let found = edges::check(&tree);
    let lines = found
        .iter()
        .map(|one| (one.line, one.text.split(':').next().unwrap()));
    let expected = [
        (4, "`free` is not an edge"),
        (
            3,
            "Cargo has the edge `tieline-api -> tieline-engine`, the list has not",
        ),
        (3, "Cargo has no edge `tieline-api -> tieline-vault`"),
        (
            2,
            "Cargo has the edge `tieline-store -> tieline-model`, the list has not",
        ),
        (5, "the workspace has no package `gone`"),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn a_missing_list_of_edges_is_a_finding() {
    assert_eq!(places(&edges::check(&tree(&[]))), ["ARCHITECTURE.md:1"]);
}

#[test]
fn every_problem_code_has_a_page_and_every_page_a_code() {
    let source = "impl Code {\n    pub const fn as_str(self) -> &'static str {\n        match self {\n\
                  Self::NotFound => \"not-found\",\nSelf::TooLarge => \"too-large\",\n        }\n    }\n\
                  fn title(self) -> &'static str { \"Not a code\" }\n}\n";
    let files = [
        ("crates/tieline-contract/src/problem.rs", source),
        ("docs/problems/README.md", ""),
        ("docs/problems/not-found.md", ""),
        ("docs/problems/old-one.md", ""),
    ];
    let found = problem_codes::check(&tree(&files));
    let expected = [
        "crates/tieline-contract/src/problem.rs:5",
        "docs/problems/old-one.md:1",
    ];
    assert_eq!(places(&found), expected);
}

#[test]
fn no_problem_code_at_all_is_a_finding() {
    let expected = ["crates/tieline-contract/src/problem.rs:1"];
    assert_eq!(places(&problem_codes::check(&tree(&[]))), expected);
}

const ROOM: &str = "crates/tieline-connectors/src";

fn connectors(list: &str) -> Vec<String> {
    let part = |folder: &str, name: &str| (format!("{ROOM}/{folder}/{name}"), Some(String::new()));
    let mut tree = tree(&[]);
    for name in ["mod.rs", "README.md", "icon.svg", "tests.rs"] {
        tree.files
            .extend([part("cron", name), part("webhook", name)]);
    }
    tree.files.extend([part("webhook/presets", "stripe.yaml")]);
    tree.files
        .insert(format!("{ROOM}/lib.rs"), Some(list.to_owned()));
    connectors::check(&tree)
        .into_iter()
        .map(|one| format!("{}: {}", one.line, one.text))
        .collect()
}

#[test]
fn a_complete_and_sorted_list_of_connectors_is_in_order() {
    let one_line = "pub static TYPES: &[&ConnectorType] = &[&cron::TYPE, &webhook::TYPE];\n";
    assert_eq!(connectors(one_line), Vec::<String>::new());
    let many_lines =
        "pub static TYPES: &[&ConnectorType] = &[\n    &cron::TYPE,\n    &webhook::TYPE,\n];\n";
    assert_eq!(connectors(many_lines), Vec::<String>::new());
}

#[test]
fn an_unsorted_list_of_connectors_is_a_finding() {
    let found = connectors("pub static TYPES: &[&T] = &[\n&webhook::TYPE,\n&cron::TYPE,\n];\n");
    assert_eq!(
        found,
        ["3: `cron` stands behind `webhook` in TYPES: keep the list sorted"]
    );
}

#[test]
fn a_connector_that_is_not_listed_or_has_no_folder_is_a_finding() {
    let found = connectors("pub static TYPES: &[&T] = &[&cron::TYPE, &kafka::TYPE];\n");
    let expected = [
        "1: the connector `webhook` is not in TYPES: add `&webhook::TYPE`",
        "1: TYPES names `kafka`, which has no folder here: remove it",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_connector_folder_without_its_parts_is_a_finding() {
    let list = "static TYPES: &[&T] = &[&cron::TYPE];";
    let files = [
        ("crates/tieline-connectors/src/lib.rs", list),
        ("crates/tieline-connectors/src/cron/mod.rs", ""),
        ("crates/tieline-connectors/src/cron/tests.rs", ""),
    ];
    let found = places(&connectors::check(&tree(&files)));
    assert_eq!(
        found,
        [
            format!("{ROOM}/cron/README.md:1"),
            format!("{ROOM}/cron/icon.svg:1")
        ]
    );
}

#[test]
fn a_rust_file_that_nothing_names_is_an_orphan() {
    let files = [
        (
            "crates/a/Cargo.toml",
            "[[bin]]\nname = \"odd\"\npath = \"odd/start.rs\"\n",
        ),
        ("crates/a/odd/start.rs", ""),
        (
            "crates/a/src/lib.rs",
            "pub(crate) mod one;\nmod two;\n// mod three;\npub use x::y;\n",
        ),
        (
            "crates/a/src/one.rs",
            "#[cfg(test)]\nmod tests;\n#[path = \"elsewhere.rs\"]\nmod e;\n",
        ),
        ("crates/a/src/one/tests.rs", ""),
        ("crates/a/src/elsewhere.rs", ""),
        ("crates/a/src/two/mod.rs", "mod inner;\n"),
        ("crates/a/src/two/inner.rs", ""),
        ("crates/a/src/three.rs", "mod four;\n"),
        ("crates/a/src/four.rs", ""),
        ("crates/a/tests/it/main.rs", "mod kill;\n"),
        ("crates/a/tests/it/kill.rs", ""),
        ("crates/a/tests/it/forgotten.rs", ""),
    ];
    let expected = [
        "crates/a/src/four.rs:1",
        "crates/a/src/three.rs:1",
        "crates/a/tests/it/forgotten.rs:1",
    ];
    assert_eq!(places(&orphans::check(&tree(&files))), expected);
}

#[test]
fn a_tree_holds_its_files_and_their_folders() {
    let tree = tree(&[("docs/a.md", ""), ("docs-old.md", "")]);
    assert!(tree.holds("docs") && tree.holds("docs/a.md") && tree.holds(""));
    assert!(!tree.holds("doc") && !tree.holds("docs/b.md"));
}
