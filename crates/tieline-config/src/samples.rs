//! Types for the tests, in the shape of the real ones.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use tieline_contract::endpoint::{EndpointRules, Incoming, Verified};
use tieline_contract::sink::{Outgoing, Receipt, RunResult, Wanted};
use tieline_contract::{
    Assignment, Chunks, ConnectorType, Endpoint, EndpointContext, Exchange, Fault, Inbound,
    Outbound, Outcome, Problem, Problems, Runtime, RuntimeContext, RuntimeType, Settings, Sink,
    SinkContext,
};
use tieline_model::Secret;
use tieline_model::quantity::{ByteSize, Span};

use crate::{Configuration, Diagnostic, Lookup, Source, Types, read};

/// A secret that is long enough.
pub(crate) const SECRET: &str = "0123456789abcdef01234567";

pub(crate) const TYPES: Types<'static> = Types {
    connectors: &[&WEBHOOK, &MAIL],
    runtimes: &[
        &RuntimeType::new::<Fake<Echo>>("echo", "Gives back its input.", 64),
        &RuntimeType::new::<Fake<Http>>("http", "Calls an address.", 16),
        &RuntimeType::new::<Fake<Command>>("command", "Starts a program.", 4),
    ],
};

static WEBHOOK: ConnectorType = ConnectorType {
    name: "webhook",
    title: "Webhook",
    summary: "Receives and sends HTTP requests.",
    manual: "",
    icon: "",
    inbound: Some(Inbound::endpoint::<Fake<Receive>>()),
    sync: Some(Exchange::endpoint::<Fake<Receive>>()),
    outbound: Some(Outbound::sink::<Fake<Send>>()),
};

static MAIL: ConnectorType = ConnectorType {
    name: "mail",
    title: "Mail",
    summary: "Sends mail.",
    manual: "",
    icon: "",
    inbound: None,
    sync: None,
    outbound: Some(Outbound::sink::<Fake<Post>>()),
};

/// Holds any settings and does nothing.
pub(crate) struct Fake<S>(S);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Echo {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
pub(crate) struct Http {
    /// Where it is called.
    url: String,
    /// Signs what is sent.
    #[serde(default)]
    secret: Option<Secret>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
pub(crate) struct Command {
    /// The program and what it is given.
    #[schemars(length(min = 1))]
    command: Vec<String>,
    /// What it finds in its environment.
    #[serde(default)]
    env: BTreeMap<String, Secret>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
pub(crate) struct Receive {
    /// How callers prove who they are.
    #[serde(default)]
    auth: Option<String>,
    /// The largest request.
    #[serde(default = "ten")]
    max_body: ByteSize,
    /// How long a caller waits.
    #[serde(default)]
    timeout: Option<Span>,
}

fn ten() -> ByteSize {
    ByteSize(10 << 20)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    /// Where results go.
    url: String,
    /// Sent with every request.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
pub(crate) struct Post {
    /// The account's password.
    password: Secret,
    /// Who gets it.
    #[schemars(length(min = 1))]
    to: Vec<String>,
    server: Server,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are there for their schema")]
pub(crate) struct Server {
    host: String,
    #[serde(default)]
    port: Option<u16>,
}

impl Settings for Echo {}
impl Settings for Http {}
impl Settings for Command {}
impl Settings for Receive {}
impl Settings for Post {}
impl Settings for Send {
    fn check(&self, problems: &mut Problems) {
        if !self.url.starts_with("https://") {
            problems.add_with_fix("url", "is not https", "write an https address");
        }
        for name in self.headers.keys().filter(|name| name.contains(' ')) {
            problems.add(&format!("headers.{name}"), "is no header");
        }
    }
}

impl<S: Settings + Sync> Runtime for Fake<S> {
    type Settings = S;

    fn open(settings: S, _: &RuntimeContext) -> Result<Self, Problems> {
        Ok(Self(settings))
    }

    async fn run(&self, _: &Assignment, _: &mut dyn Chunks) -> Result<Outcome, Fault> {
        Err(Fault::never("fake", "never run here"))
    }
}

impl<S: Settings + Sync> Endpoint for Fake<S> {
    type Settings = S;

    fn open(settings: S, _: &EndpointContext) -> Result<Self, Problems> {
        Ok(Self(settings))
    }

    fn rules(&self) -> &EndpointRules {
        panic!("never served here")
    }

    fn receive(&self, _: &Verified) -> Result<Incoming, Problem> {
        panic!("never served here")
    }
}

impl<S: Settings + Sync> Sink for Fake<S> {
    type Settings = S;

    fn open(settings: S, _: &SinkContext) -> Result<Self, Problems> {
        Ok(Self(settings))
    }

    fn wanted(&self) -> &Wanted {
        panic!("never asked here")
    }

    fn body(&self, _: &RunResult) -> Result<Bytes, Fault> {
        Err(Fault::never("fake", "never delivered here"))
    }

    async fn deliver(&self, _: &Outgoing) -> Result<Receipt, Fault> {
        Err(Fault::never("fake", "never delivered here"))
    }
}

/// Reads files in an environment where every variable but `MISSING` is set.
pub(crate) fn read_all(files: &[(&str, &str)]) -> (Option<Configuration>, Vec<Diagnostic>) {
    let lookup = Lookup {
        variable: &|name| (name != "MISSING").then(|| SECRET.to_owned()),
        file: &|_| Err(io::ErrorKind::NotFound.into()),
    };
    let sources: Vec<Source<'_>> = files
        .iter()
        .map(|&(file, text)| Source { file, text })
        .collect();
    read(&sources, &lookup, &TYPES)
}

/// Reads one good file.
pub(crate) fn good(text: &str) -> Configuration {
    let (configuration, diagnostics) = read_all(&[("hub.yaml", text)]);
    configuration.unwrap_or_else(|| panic!("{}", said(&diagnostics)))
}

/// All diagnostics, as they are printed.
pub(crate) fn said(diagnostics: &[Diagnostic]) -> String {
    let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    texts.join("\n")
}
