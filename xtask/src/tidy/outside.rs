//! One way out: only `tieline-egress` names what opens a connection or looks up a name.
//!
//! Every other crate would have to repeat what it checks, and one would forget. Tests may call what
//! they like, and the command line calls the hub's own API through the same client.

use super::Finding;
use super::tree::Tree;

const CRATES: &str = "crates/";
const EGRESS: &str = "crates/tieline-egress/";

/// Paths of the crates that we have, and names of crates that we do not.
const WAYS_OUT: &[&str] = &[
    "hyper::client",
    "hyper_util::client",
    "TcpStream::connect",
    "TcpSocket",
    "UdpSocket",
    "lookup_host",
    "ToSocketAddrs",
    "to_socket_addrs",
    "TlsConnector",
];
const CLIENTS: &[&str] = &[
    "attohttpc",
    "awc",
    "curl",
    "hyper-rustls",
    "hyper-tls",
    "isahc",
    "minreq",
    "reqwest",
    "surf",
    "tokio-tungstenite",
    "tungstenite",
    "ureq",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let ours = |path: &str| path.starts_with(CRATES) && !path.starts_with(EGRESS);
    let mut findings = Vec::new();
    for (path, text) in tree.texts(&["rs"]).filter(|(path, _)| ours(path)) {
        if is_test(path) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(way) = WAYS_OUT.iter().find(|way| code.contains(**way)) {
                let what = format!("`{way}` goes outside by itself: use `tieline_egress::Client`");
                findings.push(Finding::new(path, index + 1, what));
            }
        }
    }
    for (path, text) in tree.texts(&["toml"]).filter(|(path, _)| ours(path)) {
        for (index, line) in text.lines().enumerate() {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if CLIENTS.contains(&name) {
                let what = format!("`{name}` is a second HTTP client: use `tieline-egress`");
                findings.push(Finding::new(path, index + 1, what));
            }
        }
    }
    findings
}

/// Files that are only compiled for tests, by the house's names for them.
fn is_test(path: &str) -> bool {
    path.split('/').any(|part| {
        matches!(part, "tests" | "rig") || matches!(part, "tests.rs" | "testing.rs" | "rig.rs")
    })
}
