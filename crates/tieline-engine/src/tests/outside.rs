//! A connector type and a runtime that do what a test tells them.

use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use tieline_contract::auth::{AuthRules, AuthScheme, AuthSettings, Authenticator};
use tieline_contract::endpoint::{ErrorDetail, ReadAccess};
use tieline_contract::{
    Assignment, Chunks, ConnectorType, Endpoint, EndpointContext, EndpointRules, Exchange, Fault,
    Inbound, Incoming, Outbound, Outcome, Outgoing, Problem, Problems, Receipt, RunResult, Runtime,
    RuntimeContext, RuntimeType, Settings, Sink, SinkContext, Verdict, Verified, Wanted,
};
use tieline_model::{RunError, RunState};

/// What an agent or a destination does at its next attempt.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Say(&'static str),
    Fault(Verdict),
    FailItself,
    Defer,
    Take(Duration),
    Panic,
}

/// What each agent and destination still has to do, and what it has seen.
#[derive(Default)]
struct Script {
    acts: VecDeque<Act>,
    seen: Vec<String>,
}

static SCRIPTS: LazyLock<Mutex<HashMap<String, Script>>> = LazyLock::new(Mutex::default);

/// Tells an actor what to do at its next attempts; after them it says `"ok"`.
pub(super) fn tell(actor: &str, acts: &[Act]) {
    SCRIPTS
        .lock()
        .unwrap()
        .entry(actor.to_owned())
        .or_default()
        .acts
        .extend(acts.iter().cloned());
}

/// What an actor has seen so far, a line per attempt.
pub(super) fn seen(actor: &str) -> Vec<String> {
    SCRIPTS
        .lock()
        .unwrap()
        .get(actor)
        .map(|script| script.seen.clone())
        .unwrap_or_default()
}

fn next_act(actor: &str, line: String) -> Act {
    let mut scripts = SCRIPTS.lock().unwrap();
    let script = scripts.entry(actor.to_owned()).or_default();
    script.seen.push(line);
    script.acts.pop_front().unwrap_or(Act::Say("\"ok\""))
}

/// Settings of everything in here: who it is in the scripts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Actor {
    /// The actor's name, unique in the test run.
    actor: String,
}

impl Settings for Actor {}

pub(super) struct Scripted(String);

impl Runtime for Scripted {
    type Settings = Actor;

    fn open(settings: Actor, _context: &RuntimeContext) -> Result<Self, Problems> {
        Ok(Self(settings.actor))
    }

    async fn run(
        &self,
        assignment: &Assignment,
        chunks: &mut dyn Chunks,
    ) -> Result<Outcome, Fault> {
        chunks.push(Bytes::from_static(b"\"begun\""));
        let line = format!(
            "attempt {} of {}",
            assignment.attempt,
            String::from_utf8_lossy(&assignment.input)
        );
        match next_act(&self.0, line) {
            Act::Say(output) => Ok(Outcome::Completed {
                output: Bytes::from_static(output.as_bytes()),
                usage: None,
            }),
            Act::Fault(verdict) => Err(Fault::new(verdict, "scripted", "as told")),
            Act::FailItself => Ok(Outcome::Failed {
                error: RunError::new("own", "as told"),
                usage: None,
            }),
            Act::Defer => Ok(Outcome::Deferred),
            Act::Take(time) => {
                tokio::time::sleep(time).await;
                Ok(Outcome::Completed {
                    output: Bytes::from_static(b"\"late\""),
                    usage: None,
                })
            }
            Act::Panic => panic!("as told"),
        }
    }
}

pub(super) struct Hook(EndpointRules);

impl Endpoint for Hook {
    type Settings = Actor;

    fn open(_settings: Actor, context: &EndpointContext) -> Result<Self, Problems> {
        let auth = AuthSettings::new(vec![AuthScheme::Secret]);
        let rules = AuthRules::of(&auth);
        Ok(Self(EndpointRules {
            methods: vec![http::Method::POST],
            max_body: 1 << 20,
            auth: Authenticator::new(rules, &context.secrets)?,
            wait: Duration::from_mins(5),
            read: ReadAccess::OwnSecret,
            errors: ErrorDetail::Full,
            dedupe: None,
        }))
    }

    fn rules(&self) -> &EndpointRules {
        &self.0
    }

    fn receive(&self, _request: &Verified) -> Result<Incoming, Problem> {
        Ok(Incoming {
            events: Vec::new(),
            batch: false,
        })
    }
}

pub(super) struct Outlet {
    actor: String,
    wanted: Wanted,
}

impl Sink for Outlet {
    type Settings = Actor;

    fn open(settings: Actor, _context: &SinkContext) -> Result<Self, Problems> {
        let on = vec![RunState::Completed, RunState::Failed];
        Ok(Self {
            actor: settings.actor,
            wanted: Wanted {
                on,
                from: Vec::new(),
            },
        })
    }

    fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn body(&self, result: &RunResult) -> Result<Bytes, Fault> {
        if self.actor.ends_with("unwritable") {
            return Err(Fault::never("template-failed", "as told"));
        }
        assert!(!self.actor.ends_with("panics"), "as told");
        let output = result.output.clone().unwrap_or_default();
        let text = String::from_utf8_lossy(&output).into_owned();
        Ok(format!("{} {} {text}", result.agent_name, result.status.as_str()).into())
    }

    async fn deliver(&self, outgoing: &Outgoing) -> Result<Receipt, Fault> {
        let body = String::from_utf8_lossy(&outgoing.body);
        match next_act(&self.actor, format!("{} {body}", outgoing.id)) {
            Act::Fault(verdict) => {
                Err(Fault::new(verdict, "scripted", "as told").with_answer(500, None))
            }
            Act::Take(time) => {
                tokio::time::sleep(time).await;
                Ok(Receipt::default())
            }
            _ => Ok(Receipt {
                status: Some(200),
                response: Some("thanks".to_owned()),
            }),
        }
    }
}

static TYPE: ConnectorType = ConnectorType {
    name: "scripted",
    title: "Scripted",
    summary: "Does as told.",
    manual: "",
    icon: "",
    inbound: Some(Inbound::endpoint::<Hook>()),
    sync: Some(Exchange::endpoint::<Hook>()),
    outbound: Some(Outbound::sink::<Outlet>()),
};

static RUNTIME: RuntimeType = RuntimeType::new::<Scripted>("scripted", "Does as told.", 4);

pub(super) static TYPES: &[&ConnectorType] = &[&TYPE];
pub(super) static RUNTIMES: &[&RuntimeType] = &[&RUNTIME];
