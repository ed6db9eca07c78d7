//! `tieline check` and what else works without a hub.

use std::fs;

use crate::hub::{Place, SECRET, run, tieline};

fn check(configuration: &str) -> (i32, String, String) {
    let place = Place::new(configuration);
    run(tieline(&["check", "tieline.yaml"]).current_dir(place.folder.path()))
}

const GOOD: &str = r"
agents: [{ name: echo, runtime: echo }]
connectors:
  - { name: orders, type: webhook, mode: inbound, agents: [echo] }
";

#[test]
fn a_good_file_is_counted() {
    let (code, stdout, stderr) = check(GOOD);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (0, "ok: 1 agent, 1 connector\n", "")
    );
}

#[test]
fn a_missing_agent_is_named_with_its_place_and_the_nearest_name() {
    let (code, stdout, stderr) = check(&GOOD.replace("[echo] }", "[ecko] }"));
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("tieline.yaml:4:"), "{stderr}");
    assert!(stderr.contains("connectors[0].agents[0]"), "{stderr}");
    assert!(stderr.contains("`echo`"), "{stderr}");
}

#[test]
fn a_duplicate_name_is_refused_with_both_places() {
    let twice =
        format!("{GOOD}  - {{ name: orders, type: webhook, mode: sync, agents: [echo] }}\n");
    let (code, _, stderr) = check(&twice);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("tieline.yaml:5:") && stderr.contains("tieline.yaml:4:"),
        "{stderr}"
    );
}

#[test]
fn all_mistakes_come_at_once_and_none_shows_a_secret() {
    let (code, _, stderr) = check(&format!(
        r#"
agents: [{{ name: echo, runtime: ehco }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, agents: [echo], secret: "{SECRET}", setings: {{}} }}
  - {{ name: next, type: webhook, mode: inbound, agents: [echo], secret: "canary-too-short" }}
  - {{ name: last, type: webhook, mode: inbound, agents: [echo], secret: "${{NOT_SET_ANYWHERE}}" }}
"#
    ));
    assert_eq!(code, 1);
    for part in [
        "tieline.yaml:2:",
        "tieline.yaml:4:",
        "tieline.yaml:5:",
        "tieline.yaml:6:",
    ] {
        assert!(stderr.contains(part), "{part} is missing in\n{stderr}");
    }
    assert!(stderr.contains("NOT_SET_ANYWHERE"), "{stderr}");
    assert!(
        !stderr.contains(SECRET) && !stderr.contains("canary"),
        "{stderr}"
    );
}

#[test]
fn a_literal_secret_is_a_warning() {
    let literal = GOOD.replace(
        "agents: [echo] }",
        &format!("agents: [echo], secret: \"{SECRET}\" }}"),
    );
    let (code, stdout, stderr) = check(&literal);
    assert_eq!((code, stdout.as_str()), (0, "ok: 1 agent, 1 connector\n"));
    assert!(stderr.contains("warning: connectors[0].secret"), "{stderr}");
}

#[test]
fn diagnostics_can_be_read_by_programs() {
    let place = Place::new("agents: [{ name: echo }]");
    let mut command = tieline(&["check", "tieline.yaml", "--output", "json"]);
    let (code, stdout, _) = run(command.current_dir(place.folder.path()));
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, answer["ok"].as_bool()), (1, Some(false)));
    let first = &answer["diagnostics"][0];
    assert_eq!(first["severity"], "error");
    assert_eq!(first["position"]["line"], 1);
    assert_eq!(first["path"], "agents[0].runtime");
}

#[test]
fn a_folder_is_read_in_the_order_of_its_names_with_files_beside_it() {
    let place = Place::new("agents: [{ name: echo, runtime: echo }]");
    let folder = place.folder.path();
    fs::write(folder.join("orders.secret"), format!("{SECRET}\n")).unwrap();
    fs::write(folder.join(".hidden.yaml"), "nonsense: true").unwrap();
    fs::write(folder.join("notes.txt"), "nonsense").unwrap();
    let orders = r#"{ "connectors": [{ "name": "orders", "type": "webhook", "mode": "inbound",
        "agents": ["echo"], "secret": "${file:orders.secret}" }] }"#;
    fs::write(folder.join("a.json"), orders).unwrap();
    let mut command = tieline(&["check"]);
    let (code, stdout, stderr) = run(command.arg(folder));
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (0, "ok: 1 agent, 1 connector\n", "")
    );
}

#[test]
fn without_a_file_it_says_how_to_begin() {
    let empty = tempfile::tempdir().unwrap();
    let (code, _, stderr) = run(tieline(&["check"]).current_dir(empty.path()));
    assert_eq!(code, 1);
    assert!(
        stderr.contains("tieline connectors new webhook"),
        "{stderr}"
    );
}

#[test]
fn every_new_connector_passes_the_check() {
    for mode in ["inbound", "sync", "outbound"] {
        let (code, stdout, stderr) = run(&mut tieline(&[
            "connectors",
            "new",
            "webhook",
            "--mode",
            mode,
        ]));
        assert_eq!((code, stderr.as_str()), (0, ""));
        let (code, counted, stderr) = check(&stdout);
        assert_eq!(
            (code, counted.as_str()),
            (0, "ok: 1 agent, 1 connector\n"),
            "{stderr}\n{stdout}"
        );
    }
}

#[test]
fn the_examples_pass_the_check() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut seen = 0;
    for entry in fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let mut command = tieline(&["check"]);
        for name in [
            "ORDERS_SECRET",
            "ASK_SECRET",
            "RESULTS_SECRET",
            "AGENT_SECRET",
        ] {
            command.env(name, SECRET);
        }
        command.env("AGENT_TOKEN", "Bearer token-of-the-agent");
        let (code, _, stderr) = run(command.arg(&path));
        assert_eq!((code, stderr.as_str()), (0, ""), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 3, "{seen} examples");
}
