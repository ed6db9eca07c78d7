//! The checks that stand for rows of the table of threats.

use super::{places, tree};
use crate::tidy::{lockfile, outside, threats};

#[test]
fn a_dependency_from_elsewhere_is_a_finding() {
    let lock = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n\
                [[package]]\nname = \"good\"\n\
                source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                checksum = \"ab\"\n\n\
                [[package]]\nname = \"bare\"\n\
                source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n\
                [[package]]\nname = \"fork\"\nsource = \"git+https://example.com/fork\"\n\n\
                [[package]]\nname = \"mirror\"\nsource = \"registry+https://example.com\"\n\
                checksum = \"ab\"\n\n[[package]]\nname = \"beside\"\nversion = \"1.0.0\"\n";
    let mut tree = tree(&[("Cargo.lock", lock)]);
    tree.packages.insert("ours".to_owned(), Vec::new());
    let expected = [
        "Cargo.lock:13",
        "Cargo.lock:17",
        "Cargo.lock:21",
        "Cargo.lock:26",
    ];
    assert_eq!(places(&lockfile::check(&tree)), expected);
}

#[test]
fn only_the_egress_client_goes_outside() {
    let calls = "use tokio::net::TcpStream;\n// TcpStream::connect\nTcpStream::connect(a);\n";
    let manifest = "[dependencies]\nreqwest = \"1\"\nurl.workspace = true\nureq.workspace = true\n";
    let files = [
        ("crates/tieline-egress/src/connect.rs", calls),
        ("crates/tieline-egress/Cargo.toml", manifest),
        ("crates/tieline-api/src/server.rs", calls),
        ("crates/tieline-api/src/server/tests.rs", calls),
        ("crates/tieline/tests/it/hub.rs", calls),
        ("crates/tieline-api/Cargo.toml", manifest),
        ("bench/src/main.rs", calls),
    ];
    let expected = [
        "crates/tieline-api/src/server.rs:3",
        "crates/tieline-api/Cargo.toml:2",
        "crates/tieline-api/Cargo.toml:4",
    ];
    assert_eq!(places(&outside::check(&tree(&files))), expected);
}

/// The table with every row, but what `change` makes of one.
fn table(change: impl Fn(u32) -> Option<String>) -> String {
    let rows = (1..=24).chain(32..=38).chain(44..=48);
    let line = |row| Some(format!("| T{row} | holds | `a/tests.rs::it_holds` |\n"));
    rows.filter_map(|row| change(row).or_else(|| line(row)))
        .filter(|line| !line.is_empty())
        .collect()
}

fn threats(page: &str) -> Vec<String> {
    let tests = "#[test]\nfn it_holds() {\n}\n\n#[tokio::test(flavor = \"x\")]\n\
                 #[ignore = \"a rig\"]\nasync fn slowly() {\n}\n\nfn none() {\n}\n";
    let files = [("docs/security.md", page), ("a/tests.rs", tests)];
    let found = threats::check(&tree(&files));
    found.into_iter().map(|one| one.text).collect()
}

#[test]
fn a_complete_table_of_threats_is_in_order() {
    let slowly = |row| (row == 7).then(|| "| T7 | x | `a/tests.rs::slowly` by hand |\n".to_owned());
    assert_eq!(threats(&table(slowly)), Vec::<String>::new());
}

#[test]
fn a_threat_without_a_line_or_a_test_is_a_finding() {
    let change = |row| {
        let tests = match row {
            2 => return Some(String::new()),
            3 => "by hand",
            4 => "`a/tests.rs::gone`",
            5 => "`b/tests.rs::it_holds`",
            6 => "`a/tests.rs::none`",
            8 => "`it_holds`",
            _ => return None,
        };
        Some(format!("| T{row} | holds | {tests} |\n"))
    };
    let expected = [
        "T3 names no test",
        "T4: a/tests.rs has no test `gone`",
        "T5: there is no file b/tests.rs",
        "T6: `none` in a/tests.rs is not run as a test",
        "T8: `it_holds` is no test: write `path/of/a/file.rs::name`",
        "T2 has no line in the table",
    ];
    assert_eq!(threats(&table(change)), expected);
}

#[test]
fn no_table_of_threats_is_thirty_six_findings() {
    assert_eq!(threats("").len(), 36);
}
