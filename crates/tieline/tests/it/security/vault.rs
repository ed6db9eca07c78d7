//! What is kept is sealed, and by whose key: T47, and the part of T21 that is at rest.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::http::Request;
use crate::hub::{KEY, Place, Process, SECRET, files_below, run, tieline};

const CANARY: &str = "canary-at-rest-0123456789";

fn place() -> Place {
    Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
"#
    ))
}

fn key_id(hub: &Process) -> String {
    let status = hub.get("/v1/vault");
    status["master_key"].as_str().unwrap().to_owned()
}

/// Runs `serve` until it ends by itself.
fn refused(command: &mut Command) -> String {
    let (code, _, stderr) = run(command);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("fix:"), "{stderr}");
    stderr
}

fn backup(place: &Place, name: &str) -> (PathBuf, String) {
    let to = place.folder.path().join(name);
    let mut command = tieline(&["backup", "--output", "json"]);
    let command = command.arg("--data").arg(place.data()).arg("--to").arg(&to);
    let (code, stdout, stderr) = run(command);
    assert_eq!(code, 0, "{stderr}");
    let said: Value = serde_json::from_str(&stdout).unwrap();
    (to, said["master_key"].as_str().unwrap().to_owned())
}

/// A hub that begins with a copy and a key.
fn restored(place: &Place, copy: &Path, key: &Path) -> Command {
    let data = place.folder.path().join("restored");
    if data.exists() {
        fs::remove_dir_all(&data).unwrap();
    }
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    fs::copy(copy, data.join("tieline.db")).unwrap();
    fs::copy(key, data.join("vault.key")).unwrap();
    let mut command = tieline(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TIELINE_ADMIN_KEY", KEY);
    command.arg("--config").arg(place.file());
    command.arg("--data").arg(data);
    command
}

/// A form with a field and a file, in which the canary stands too.
fn upload() -> Request {
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=who\r\n\r\n{CANARY}\r\n\
         --b\r\nContent-Disposition: form-data; name=f; filename={CANARY}.pdf\r\n\
         Content-Type: application/pdf\r\n\r\n%PDF {CANARY}\r\n--b--\r\n"
    );
    let upload = Request::post("/c/ask").bearer(CANARY);
    upload.body("multipart/form-data; boundary=b", form)
}

/// What reads the file that an agent was given.
fn file_of(agent: &Agent) -> Request {
    let seen = agent.seen();
    let mut files = seen.iter().filter_map(|run| run["files"].get(0));
    let file = files.next().expect("the agent was given a file");
    assert_eq!(file["name"], format!("{CANARY}.pdf"));
    let (_, path) = file["url"].as_str().unwrap().split_once("/files/").unwrap();
    Request::get(&format!("/files/{path}"))
}

/// Every file below a folder, and those in which the canary stands.
fn searched_below(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut all = files_below(folder);
    all.retain(|(_, about)| about.is_file());
    let all: Vec<_> = all.into_iter().map(|(path, _)| path).collect();
    let holds = |path: &&PathBuf| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(14).any(|some| some == b"canary-at-rest")
    };
    let found = all.iter().filter(holds).cloned().collect();
    (all, found)
}

/// T21 at rest: in no byte of the database, its log, or a backup.
#[test]
fn secrets_bodies_outputs_and_files_are_in_no_byte_of_the_data_folder_or_a_backup() {
    let agent = Agent::answering(|_| (500, json!({ "oops": CANARY })));
    let place = Place::new(&format!(
        r#"
agents:
  - {{ name: remote, runtime: http, url: "{}", headers: {{ authorization: "{CANARY}" }}, retry: {{ attempts: 1 }} }}
  - {{ name: echo, runtime: echo }}
connectors:
  - {{ name: ask, type: webhook, mode: inbound, secret: "{CANARY}", agents: [{{ agent: remote, session: "input.who" }}, echo] }}
"#,
        agent.url()
    ));
    let mut hub = place.start();
    let body = json!({ "who": CANARY, "text": CANARY });
    let request = Request::post("/c/ask")
        .bearer(CANARY)
        .header("idempotency-key", CANARY);
    let event = hub.send(&request.clone().json(&body)).expect(202);
    let failed = hub.ended(&event["run_ids"][0]);
    assert_eq!(failed["status"], "failed");
    assert_eq!(hub.ended(&event["run_ids"][1])["output"]["text"], CANARY);
    let uploaded = hub.send(&upload()).expect(202);
    hub.ended(&uploaded["run_ids"][0]);
    // The file is there, and whoever may read it gets it in clear.
    let file = file_of(&agent);
    assert_eq!(hub.send(&file).text(), format!("%PDF {CANARY}"));
    let judge = |when: &str, searched: &[&str]| {
        let (all, found) = searched_below(place.folder.path());
        // It is found where it was written by hand, and nowhere else.
        assert_eq!(found, [place.file()], "{when}");
        for name in searched {
            let known = all.iter().any(|path| path.ends_with(name));
            assert!(known, "{when}: {name} of {all:?}");
        }
    };
    backup(&place, "copy.db");
    judge("at work", &["tieline.db", "tieline.db-wal", "copy.db"]);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    judge("stopped", &["tieline.db", "copy.db"]);
    // And it is still all there.
    let hub = place.start();
    let run = hub.get(&format!(
        "/v1/runs/{}",
        event["run_ids"][1].as_str().unwrap()
    ));
    assert_eq!(run["output"]["text"], CANARY);
    assert_eq!(hub.send(&file).text(), format!("%PDF {CANARY}"));
    let again = hub.send(&request.json(&body));
    assert_eq!(
        again.expect(202)["event_id"],
        event["event_id"],
        "its key is known"
    );
}

/// T47: a clear exit, and no data touched.
#[test]
fn a_hub_with_a_wrong_key_or_none_ends_with_clear_words_and_touches_nothing() {
    let place = place();
    let mut hub = place.start();
    let event = hub.post("orders", &json!({ "n": 1 })).expect(202);
    hub.ended(&event["run_ids"][0]);
    let id = key_id(&hub);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    let (database, file) = (
        place.data().join("tieline.db"),
        place.data().join("vault.key"),
    );
    let before = fs::read(&database).unwrap();
    let good = fs::read_to_string(&file).unwrap();
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fs::write(&file, wrong).unwrap();
    let said = refused(&mut place.serve());
    assert!(said.contains(&id) && !said.contains(wrong), "{said}");
    fs::write(&file, "no key").unwrap();
    assert!(refused(&mut place.serve()).contains("is no key"));
    fs::write(&file, &good).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&mut place.serve()).contains("chmod 600"));
    fs::remove_file(&file).unwrap();
    let said = refused(&mut place.serve());
    assert!(said.contains("vault.key` is gone"), "{said}");
    assert!(!file.exists(), "a new key would open nothing");
    let said = refused(place.serve().env("TIELINE_VAULT_KEY", wrong));
    assert!(said.contains("TIELINE_VAULT_KEY_PREVIOUS"), "{said}");
    assert!(
        fs::read(&database).unwrap() == before,
        "something was written"
    );

    let hub = Process::start(place.serve().env("TIELINE_VAULT_KEY", good.trim()));
    assert_eq!(hub.get("/v1/vault")["source"], "variable");
    hub.ended(&event["run_ids"][0]);
}

/// T47: rotate under load, and what each key then opens.
#[test]
fn a_rotation_under_load_loses_nothing_and_the_old_key_restores_the_old_backup() {
    let place = place();
    let mut hub = place.start();
    let send = |hub: &Process, n: u32| hub.post("orders", &json!({ "n": n })).expect(202);
    let first = send(&hub, 0);
    hub.ended(&first["run_ids"][0]);
    let (old, (copy, needs)) = (key_id(&hub), backup(&place, "old.db"));
    assert_eq!(needs, old);
    let events: Vec<Value> = thread::scope(|scope| {
        let load = |from: u32| (from..from + 40).map(|n| send(&hub, n)).collect::<Vec<_>>();
        let loads = [
            scope.spawn(move || load(100)),
            scope.spawn(move || load(200)),
        ];
        let (code, stdout, stderr) = hub.command(&["vault", "rotate"]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains(&format!("{old} -> ")), "{stdout}");
        assert!(stderr.contains(&format!("vault.key.{old}")), "{stderr}");
        loads
            .into_iter()
            .flat_map(|load| load.join().unwrap())
            .collect()
    });
    let new = key_id(&hub);
    assert_ne!(new, old);
    let (code, stdout, _) = hub.command(&["vault", "status"]);
    assert_eq!(code, 0);
    assert!(
        stdout.contains(&new) && stdout.contains(&format!("kept keys    {old}")),
        "{stdout}"
    );
    let after = send(&hub, 300);
    assert_eq!(backup(&place, "new.db").1, new);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));

    let hub = place.start();
    assert_eq!(key_id(&hub), new);
    for event in events.iter().chain([&first, &after]) {
        let ended = hub.ended(&event["run_ids"][0]);
        assert_eq!(ended["status"], "completed");
        assert!(ended["output"]["n"].is_number(), "{ended}");
    }
    drop(hub);

    let retired = place.data().join(format!("vault.key.{old}"));
    let mode = fs::metadata(&retired).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = refused(&mut restored(
        &place,
        &copy,
        &place.data().join("vault.key"),
    ));
    assert!(said.contains(&old), "{said}");
    let hub = Process::start(&mut restored(&place, &copy, &retired));
    assert_eq!(hub.ended(&first["run_ids"][0])["output"]["n"], 0);
    assert_eq!(hub.count("/v1/events"), 1);
}

#[test]
fn a_key_of_the_environment_is_changed_by_a_restart_with_the_one_before() {
    let place = place();
    let one = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let two = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
    let mut hub = Process::start(place.serve().env("TIELINE_VAULT_KEY", one));
    assert!(!place.data().join("vault.key").exists());
    let event = hub.post("orders", &json!({ "n": 1 })).expect(202);
    hub.ended(&event["run_ids"][0]);
    let before = key_id(&hub);
    let (code, _, stderr) = hub.command(&["vault", "rotate"]);
    assert_eq!(code, 0);
    assert!(stderr.contains("only the data keys are new"), "{stderr}");
    assert_eq!(key_id(&hub), before);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    let mut serve = place.serve();
    let both = serve
        .env("TIELINE_VAULT_KEY", two)
        .env("TIELINE_VAULT_KEY_PREVIOUS", one);
    let mut hub = Process::start(both);
    assert_ne!(key_id(&hub), before);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    let said = refused(place.serve().env("TIELINE_VAULT_KEY", one));
    assert!(said.contains("is not at hand"), "{said}");
    let hub = Process::start(place.serve().env("TIELINE_VAULT_KEY", two));
    assert_eq!(hub.ended(&event["run_ids"][0])["output"]["n"], 1);
}

#[test]
fn a_command_gives_the_key_and_what_goes_wrong_with_it_is_said() {
    let place = place();
    let plain = fs::read_to_string(place.file()).unwrap();
    let with = |command: &str| place.write(&format!("{plain}\nvault: {{ command: {command} }}\n"));
    with(r#"["sh", "-c", "echo MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]"#);
    let mut hub = place.start();
    assert_eq!(hub.get("/v1/vault")["source"], "command");
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    for (command, words) in [
        (r#"["false"]"#, "ended with exit status: 1"),
        (r#"["/no/such/program"]"#, "failed to start"),
        (r#"["echo", "canary"]"#, "is no key"),
    ] {
        with(command);
        let (code, _, stderr) = run(&mut place.serve());
        assert_eq!(code, 1);
        assert!(
            stderr.contains(words) && !stderr.contains("canary"),
            "{stderr}"
        );
    }
    let said = refused(place.serve().env("TIELINE_VAULT_KEY", "x"));
    assert!(said.contains("two places"), "{said}");
}

#[test]
fn a_doctor_opens_what_is_sealed_and_says_where_it_cannot() {
    let place = place();
    let mut hub = place.start();
    hub.post("orders", &json!({ "n": 1 })).expect(202);
    let id = key_id(&hub);
    hub.signal(Signal::TERM);
    assert_eq!(hub.wait(), Some(0));
    let doctor = || {
        let mut command = tieline(&["doctor", "--full", "--output", "json"]);
        let (code, stdout, _) = run(command.arg("--data").arg(place.data()));
        (code, stdout)
    };
    let (code, said) = doctor();
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(&id) && said.contains("bodies are whole"),
        "{said}"
    );
    fs::rename(
        place.data().join("vault.key"),
        place.folder.path().join("away"),
    )
    .unwrap();
    let (code, said) = doctor();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("is gone") && said.contains(&id), "{said}");
}

/// Only a key of the project `default` with all scopes sees or changes the vault.
#[test]
fn the_vault_is_for_admins_of_the_hub_alone() {
    let place = place();
    let hub = place.start();
    for request in [Request::get("/v1/vault"), Request::post("/v1/vault/rotate")] {
        assert_eq!(hub.send(&request).status, 401);
        let secret = request.bearer(SECRET);
        assert_eq!(hub.send(&secret).status, 401);
    }
    let made = Request::post("/v1/keys").bearer(KEY);
    let asked = json!({ "name": "reader", "scopes": ["read", "operate", "trigger"] });
    let reader = hub.send(&made.json(&asked)).expect(201);
    let reader = reader["key"].as_str().unwrap();
    for request in [Request::get("/v1/vault"), Request::post("/v1/vault/rotate")] {
        assert_eq!(hub.send(&request.bearer(reader)).status, 403);
    }
}
