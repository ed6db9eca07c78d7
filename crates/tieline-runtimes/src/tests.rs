//! What the runtimes' tests share, and what holds for all of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tieline_contract::erased::DynRuntime;
use tieline_contract::{Assignment, Chunks, Fault, Outcome, RuntimeContext};
use tieline_egress::{Client, Limits, Policy};
use tieline_model::{EventId, Mode, Name, RunError, RunId, Timestamp, Trust};

use crate::{RUNTIMES, find};

/// The first attempt of a run whose input is `input`.
pub(crate) fn assignment(input: &str) -> Assignment {
    Assignment {
        run_id: RunId::from_bytes([7; 16]),
        attempt: 1,
        agent: Name::new("triage").unwrap(),
        connector: Name::new("orders").unwrap(),
        connector_type: "webhook".to_owned(),
        mode: Mode::Inbound,
        event_id: EventId::from_bytes([8; 16]),
        received_at: Timestamp::from_millis(1_700_000_000_000),
        trust: Trust::Secret,
        event_meta: Bytes::from_static(b"{\"headers\":{}}"),
        session: None,
        input: Bytes::copy_from_slice(input.as_bytes()),
        files: Vec::new(),
        now: Timestamp::from_millis(1_700_000_001_000),
        timeout: Duration::from_secs(30),
        callback: None,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
    }
}

/// The chunks that an agent said.
#[derive(Default)]
pub(crate) struct Said(pub(crate) Vec<Bytes>);

impl Chunks for Said {
    fn push(&mut self, chunk: Bytes) {
        self.0.push(chunk);
    }
}

pub(crate) fn context() -> RuntimeContext {
    let path = option_env!("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
    let limits = Limits {
        connect: Duration::from_secs(2),
        ..Limits::default()
    };
    let policy = Policy::Agents { public_only: false };
    RuntimeContext {
        agent: Name::new("triage").unwrap(),
        folder: std::env::temp_dir(),
        environment: vec![("PATH".to_owned(), path.to_owned())],
        egress: Arc::new(Client::new(policy, limits)),
    }
}

/// Opens an agent as the hub does.
pub(crate) fn open(runtime: &str, settings: Value) -> Box<dyn DynRuntime> {
    open_in(runtime, settings, &context())
}

pub(crate) fn open_in(
    runtime: &str,
    settings: Value,
    context: &RuntimeContext,
) -> Box<dyn DynRuntime> {
    let Value::Object(settings) = settings else {
        panic!("settings are an object")
    };
    match (find(runtime).unwrap().open)(&settings, context) {
        Ok(agent) => agent,
        Err(problems) => panic!("{problems}"),
    }
}

/// What is wrong with settings.
pub(crate) fn refused(runtime: &str, settings: Value) -> String {
    let Value::Object(settings) = settings else {
        panic!("settings are an object")
    };
    match (find(runtime).unwrap().open)(&settings, &context()) {
        Ok(_) => panic!("the settings were taken"),
        Err(problems) => problems.to_string(),
    }
}

pub(crate) fn completed(result: Result<Outcome, Fault>) -> (Bytes, Option<Bytes>) {
    match result {
        Ok(Outcome::Completed { output, usage }) => (output, usage),
        other => panic!("not completed: {other:?}"),
    }
}

pub(crate) fn failed(result: Result<Outcome, Fault>) -> RunError {
    match result {
        Ok(Outcome::Failed { error, .. }) => error,
        other => panic!("not failed: {other:?}"),
    }
}

pub(crate) fn fault(result: Result<Outcome, Fault>) -> Fault {
    match result {
        Err(fault) => fault,
        other => panic!("no fault: {other:?}"),
    }
}

#[test]
fn the_list_is_sorted_and_each_is_found() {
    assert!(RUNTIMES.is_sorted_by_key(|one| one.name));
    for one in RUNTIMES {
        assert_eq!(find(one.name).unwrap().summary, one.summary);
    }
    assert!(find("worker").is_none());
    let concurrency = RUNTIMES
        .iter()
        .map(|one| (one.name, one.concurrency_default));
    assert!(concurrency.eq([("command", 8), ("echo", 256), ("http", 32)]));
}

#[test]
fn every_setting_is_described() {
    for one in RUNTIMES {
        let schema = (one.schema)().to_value();
        assert_eq!(schema["additionalProperties"], false, "{}", one.name);
        for (field, about) in schema["properties"].as_object().into_iter().flatten() {
            assert!(about["description"].is_string(), "{}.{field}", one.name);
        }
    }
}
