//! `tieline doctor`, as somebody calls it who does not know yet what is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::hub::{Place, Process, SECRET, files_below, run, tieline};

fn place() -> Place {
    Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
"#
    ))
}

fn doctor(data: &Path, more: &[&str]) -> (i32, String) {
    let mut command = tieline(&["doctor", "--data"]);
    let (code, stdout, stderr) = run(command.arg(data).args(more));
    assert_eq!(stderr, "");
    (code, stdout)
}

/// The checks of one name, as JSON.
fn checks(data: &Path, more: &[&str], name: &str) -> (i32, Vec<Value>) {
    let (code, stdout) = doctor(data, &[more, &["--output", "json"]].concat());
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["ok"], code == 0, "{report}");
    let all = report["checks"].as_array().unwrap();
    let named = all.iter().filter(|check| check["check"] == name);
    (code, named.cloned().collect())
}

fn stop(mut hub: Process) {
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
}

/// A hub that has worked and was stopped.
fn worked(place: &Place, body: &Value) -> Value {
    let hub = place.start();
    let event = hub.post("orders", body).expect(202);
    hub.ended(&event["run_ids"][0]);
    stop(hub);
    event
}

#[test]
fn all_is_well_beside_a_running_hub_and_after_it() {
    let place = place();
    let hub = place.start();
    let event = hub.post("orders", &json!({ "n": 1 })).expect(202);
    hub.ended(&event["run_ids"][0]);
    let address = format!("http://{}", hub.address);
    let (code, text) = doctor(&place.data(), &["--hub", &address, "--full"]);
    assert_eq!(code, 0, "{text}");
    let version = env!("CARGO_PKG_VERSION");
    let ready = format!("ready on {address}, version {version}, process ");
    for part in [
        &*ready,
        "nobody else may read it",
        "a sync takes",
        "free",
        "version 1",
        "nothing is damaged, 2 bodies are whole",
        "the hub may have",
        " 0 wrong",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let (code, found) = checks(&place.data(), &["--hub", "http://127.0.0.1:1"], "hub");
    assert_eq!(
        (code, &found[0]["status"]),
        (0, &json!("warn")),
        "{found:?}"
    );
    assert!(found[0]["fix"].as_str().unwrap().contains("--hub"));
    stop(hub);
    let before = files_below(&place.data()).len();
    let file = place.file();
    let (code, text) = doctor(&place.data(), &["--config", file.to_str().unwrap()]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "none is running",
        "agents: 1, connectors: 1",
        "runs           none is open",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let after = files_below(&place.data());
    assert!(after.len() <= before + 2, "only an empty log may be new");
    assert!(
        !after
            .iter()
            .any(|(path, _)| path.to_str().unwrap().contains("doctor"))
    );
}

#[test]
fn a_folder_that_is_not_there_or_open_to_others_is_wrong() {
    let place = place();
    let (code, text) = doctor(&place.folder.path().join("nowhere"), &[]);
    assert_eq!(code, 1);
    assert!(
        text.contains("nowhere") && text.contains("fix: name it with `--data`"),
        "{text}"
    );
    worked(&place, &json!(1));
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let data = place.data();
    for (folder, lock, code, status) in [
        (0o777, 0o600, 1, "fail"),
        (0o755, 0o600, 0, "warn"),
        (0o700, 0o644, 0, "warn"),
        (0o700, 0o600, 0, "ok"),
    ] {
        mode(&data, folder);
        mode(&data.join("lock"), lock);
        let (found, privacy) = checks(&data, &[], "privacy");
        assert_eq!(
            (found, &privacy[0]["status"]),
            (code, &json!(status)),
            "{privacy:?}"
        );
        assert_eq!(privacy[0]["fix"].is_string(), status != "ok");
    }
}

#[test]
fn a_body_that_the_disk_has_changed_is_found_with_its_event() {
    let place = place();
    // Large, so that nearly all of the file is this body, or the output that repeats it.
    let event = worked(&place, &json!("x".repeat(400_000)));
    let file = place.data().join("tieline.db");
    let mut bytes = fs::read(&file).unwrap();
    let page = bytes.len() / 8192 * 3 / 5;
    bytes[page * 8192 + 4000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (code, quick) = checks(&place.data(), &[], "database");
    assert_eq!(code, 0, "a quick look does not read bodies: {quick:?}");
    let (code, found) = checks(&place.data(), &["--full"], "database");
    assert_eq!((code, &found[0]["status"]), (1, &json!("fail")));
    let said = found[0].to_string();
    assert!(said.contains("does not open: it is damaged"), "{said}");
    assert!(said.contains(event["event_id"].as_str().unwrap()), "{said}");
}

#[test]
fn what_is_no_database_is_said_with_what_to_do() {
    let place = place();
    worked(&place, &json!(1));
    let file = place.data().join("tieline.db");
    fs::write(&file, vec![b'x'; 100_000]).unwrap();
    let (code, found) = checks(&place.data(), &[], "database");
    assert_eq!(
        (code, &found[0]["status"]),
        (1, &json!("fail")),
        "{found:?}"
    );
    assert!(found[0]["fix"].as_str().unwrap().contains("backup"));
    fs::remove_file(&file).unwrap();
    let (code, found) = checks(&place.data(), &[], "database");
    assert_eq!(
        (code, &found[0]["status"]),
        (0, &json!("warn")),
        "{found:?}"
    );
}

#[test]
fn what_is_open_is_counted_by_its_reason() {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - name: orders
    type: webhook
    mode: inbound
    secret: "{SECRET}"
    agents: [{{ agent: echo, when: "input.n > 1" }}]
"#
    ));
    let hub = place.start();
    hub.post("orders", &json!({})).expect(202);
    let (code, runs) = checks(&place.data(), &[], "runs");
    assert_eq!((code, runs.len()), (0, 1), "{runs:?}");
    let (what, fix) = (&runs[0]["what"], &runs[0]["fix"]);
    assert!(
        what.as_str().unwrap().starts_with("1 waiting (held)"),
        "{what}"
    );
    assert!(fix.as_str().unwrap().contains("release"), "{fix}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_wrong() {
    let place = place();
    worked(&place, &json!(1));
    place.write("agents: [{ name: echo, runtime: ehco }]");
    let file = place.file();
    let more = ["--config", file.to_str().unwrap()];
    let (code, found) = checks(&place.data(), &more, "configuration");
    assert_eq!((code, &found[0]["status"]), (1, &json!("fail")));
    let said = found[0].to_string();
    assert!(
        said.contains("tieline.yaml:1:") && said.contains("agents[0].runtime"),
        "{said}"
    );
}
