//! `tieline backup`: beside a running hub, and what a copy is good for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::hub::{Place, Process, SECRET, run, tieline};

fn place() -> Place {
    Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
"#
    ))
}

fn backup(data: &Path, to: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = tieline(&["backup", "--data"]);
    run(command.arg(data).arg("--to").arg(to).args(more))
}

/// A hub that begins with a copy.
fn restored(place: &Place, copy: &Path) -> Process {
    let data = place.folder.path().join("restored");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    fs::copy(copy, data.join("tieline.db")).unwrap();
    fs::copy(place.data().join("vault.key"), data.join("vault.key")).unwrap();
    let mut command = tieline(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TIELINE_ADMIN_KEY", crate::hub::KEY);
    command.arg("--config").arg(place.file());
    Process::start(command.arg("--data").arg(data))
}

#[test]
fn a_copy_beside_a_busy_hub_has_everything_that_was_acknowledged_before() {
    let place = place();
    let hub = place.start();
    let send = || hub.post("orders", &json!({ "n": 1 })).expect(202);
    let before: Vec<Value> = (0..50).map(|_| send()).collect();
    let copy = place.folder.path().join("copy.db");
    let done = AtomicBool::new(false);
    let (code, stdout, stderr) = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    send();
                }
            });
        }
        let made = backup(&place.data(), &copy, &[]);
        done.store(true, Ordering::SeqCst);
        made
    });
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("copy.db ("), "{stdout}");
    assert!(stderr.contains("To restore it: stop the hub"), "{stderr}");
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(hub);
    let hub = restored(&place, &copy);
    for event in before {
        let shown = hub.get(&format!(
            "/v1/events/{}",
            event["event_id"].as_str().unwrap()
        ));
        assert_eq!(shown["runs"][0]["run_id"], event["run_ids"][0]);
        assert_eq!(hub.ended(&event["run_ids"][0])["status"], "completed");
    }
}

#[test]
fn a_copy_is_made_without_a_hub_and_overwrites_nothing() {
    let place = place();
    let mut hub = place.start();
    let event = hub.post("orders", &json!({ "n": 1 })).expect(202);
    hub.ended(&event["run_ids"][0]);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    let copy = place.folder.path().join("copy.db");
    let (code, stdout, stderr) = backup(&place.data(), &copy, &["--output", "json"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let said: Value = serde_json::from_str(&stdout).unwrap();
    let whole = fs::read(&copy).unwrap();
    assert_eq!(said["bytes"], whole.len());
    let (code, stdout, stderr) = backup(&place.data(), &copy, &[]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("there already") && stderr.contains("fix: choose another name"),
        "{stderr}"
    );
    assert_eq!(fs::read(&copy).unwrap(), whole);
}

#[test]
fn where_there_is_nothing_to_copy_it_says_how_to_name_it() {
    let place = place();
    let copy = place.folder.path().join("copy.db");
    let (code, _, stderr) = backup(&place.folder.path().join("nowhere"), &copy, &[]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("nowhere/tieline.db") && stderr.contains("--data"),
        "{stderr}"
    );
    assert!(!copy.exists());
    let data = place.folder.path().join("foreign");
    fs::create_dir(&data).unwrap();
    fs::write(
        data.join("tieline.db"),
        "no database at all, but long enough",
    )
    .unwrap();
    let (code, _, stderr) = backup(&data, &copy, &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("fix:"), "{stderr}");
    assert!(!copy.exists());
}
