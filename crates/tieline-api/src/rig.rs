//! A hub with real connectors and scripted agents, behind its router and without a socket.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tieline_config::{read_agent, read_connector};
use tieline_contract::{
    Assignment, Chunks, Fault, Outcome, Problems, Runtime, RuntimeContext, RuntimeType, Settings,
};
use tieline_egress::{Client, Limits, Policy};
use tieline_engine::{Hub, HubParts, Surroundings, Types};
use tieline_model::id::Entropy;
use tieline_model::key::{ApiKey, Scope};
use tieline_model::{Clock, ManagedBy, Name, ProjectId, RunError, Secret, Timestamp};
use tieline_store::{CatalogChange, MemoryStore, Store};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::{Api, ApiOptions, KeyRing, first_admin_key};

pub(crate) const PROJECT: ProjectId = ProjectId::DEFAULT;
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Goes with tokio's clock, which a test pauses and which then jumps from timer to timer.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).plus(self.0.elapsed())
    }
}

/// Counts; nothing here is worth a secret.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            for (byte, random) in chunk.iter_mut().zip(number.to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

/// What an agent of these tests does with every run.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Does {
    Echo,
    Fail,
    Hang,
    Stream,
    Defer,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Script {
    does: Does,
    /// Hidden when it is shown.
    #[serde(default)]
    token: Option<Secret>,
}

impl Settings for Script {}

struct Scripted(Script);

static RUNTIMES: &[&RuntimeType] = &[&RuntimeType::new::<Scripted>(
    "scripted",
    "Does as it is told.",
    4,
)];

impl Runtime for Scripted {
    type Settings = Script;

    fn open(settings: Script, _: &RuntimeContext) -> Result<Self, Problems> {
        match settings.token.as_ref().map(Secret::expose) {
            Some("bad") => Err(Problems::one("token", "is bad")),
            _ => Ok(Self(settings)),
        }
    }

    async fn run(
        &self,
        assignment: &Assignment,
        chunks: &mut dyn Chunks,
    ) -> Result<Outcome, Fault> {
        let completed = |output| Outcome::Completed {
            output,
            usage: None,
        };
        match self.0.does {
            Does::Echo => Ok(completed(assignment.input.clone())),
            Does::Fail => Ok(Outcome::Failed {
                error: RunError::new("agent-failed", "it went wrong"),
                usage: None,
            }),
            Does::Hang => std::future::pending().await,
            Does::Defer => Ok(Outcome::Deferred),
            Does::Stream => {
                chunks.push(Bytes::from_static(b"\"a\""));
                chunks.push(Bytes::from_static(b"{\n\"n\":2}"));
                Ok(completed(Bytes::from_static(b"\"ab\"")))
            }
        }
    }
}

pub(crate) struct Rig {
    pub(crate) hub: Arc<Hub>,
    pub(crate) api: Api,
    pub(crate) admin: Secret,
    pub(crate) store: Arc<MemoryStore>,
    router: Router,
}

/// How a rig differs from the usual one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    pub(crate) public_url: Option<String>,
    pub(crate) config_file: Option<PathBuf>,
}

impl Rig {
    /// With the agents `echo`, `fail`, `hang`, `stream` and `defer`.
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let policy = Policy::Agents { public_only: false };
        let client = Arc::new(Client::new(policy, Limits::default()));
        let store = Arc::new(MemoryStore::default());
        let parts = HubParts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            clock: Arc::new(TokioClock(Instant::now())),
            entropy: Arc::new(Counting(AtomicU64::new(1))),
            types: Types {
                connectors: tieline_connectors::TYPES,
                runtimes: RUNTIMES,
            },
            surroundings: Surroundings {
                folder: PathBuf::from("."),
                environment: Vec::new(),
                agents: Arc::clone(&client),
                outside: client,
                public_url: setup.public_url,
                retention: tieline_engine::Retention::default(),
            },
        };
        let hub = Hub::new(parts).await.unwrap();
        hub.start().await.unwrap();
        let admin = first_admin_key(&hub, None).await.unwrap().unwrap();
        for scope in [Scope::Read, Scope::Trigger, Scope::Operate, Scope::Worker] {
            let name = scope.as_str();
            let key = ApiKey {
                project: PROJECT,
                name: name.to_owned(),
                digest: tieline_vault::api_key_digest(&key_of(scope)),
                hint: "----".to_owned(),
                scopes: vec![scope],
                created_at: hub.now(),
                expires_at: None,
                last_used_at: None,
            };
            let author = crate::Author::file(hub.now());
            let record = author.done("key.create", name, (None, None));
            hub.store().put_key(key, record).await.unwrap();
        }
        let options = ApiOptions {
            keys: KeyRing::load(hub.store()).await.unwrap(),
            config_file: setup.config_file,
            vault: None,
        };
        let api = Api::new(Arc::clone(&hub), options);
        let router = api.router();
        let rig = Self {
            hub,
            api,
            admin,
            store,
            router,
        };
        for does in ["echo", "fail", "hang", "stream", "defer"] {
            rig.agent(json!({"name": does, "runtime": "scripted", "does": does}))
                .await;
        }
        rig
    }

    fn types(&self) -> tieline_config::Types<'static> {
        let types = self.hub.types();
        tieline_config::Types {
            connectors: types.connectors,
            runtimes: types.runtimes,
        }
    }

    pub(crate) async fn agent(&self, written: Value) {
        let mut agent = read_agent(&written, &self.types()).unwrap();
        agent.managed_by = ManagedBy::Api;
        let change = CatalogChange {
            put_agents: vec![agent],
            ..CatalogChange::default()
        };
        self.hub.apply(PROJECT, change).await.unwrap();
    }

    /// A webhook connector with the secret of these tests.
    pub(crate) async fn connector(&self, mode: &str, name: &str, agents: Value, settings: Value) {
        let written = json!({
            "name": name, "type": "webhook", "mode": mode, "secret": SECRET,
            "agents": agents, "settings": settings,
        });
        let catalog = self.hub.catalog();
        let names: Vec<Name> = catalog
            .agents_of(PROJECT)
            .iter()
            .map(|agent| agent.row.name.clone())
            .collect();
        let connector = read_connector(&written, &self.types(), &names).unwrap();
        let change = CatalogChange {
            put_connectors: vec![connector],
            ..CatalogChange::default()
        };
        self.hub.apply(PROJECT, change).await.unwrap();
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// A request with the connector's own secret; `headers` are `name: value`.
    pub(crate) async fn send(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let bearer = format!("authorization: Bearer {SECRET}");
        let mut all = vec![bearer.as_str()];
        all.extend(headers);
        self.call(request(line, &all, body.to_owned())).await
    }

    /// A request of JSON with the connector's own secret.
    pub(crate) async fn post(&self, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut all = vec!["content-type: application/json"];
        all.extend(headers);
        self.send(&format!("POST {path}"), &all, body).await
    }

    /// A request to `/v1` with a key.
    pub(crate) async fn manage(&self, line: &str, key: &str, body: Value) -> Answer {
        let bearer = format!("authorization: Bearer {key}");
        let mut headers = vec![bearer.as_str()];
        let mut text = String::new();
        if !body.is_null() {
            headers.push("content-type: application/json");
            text = body.to_string();
        }
        self.call(request(line, &headers, text)).await
    }

    /// As a holder of the first key.
    pub(crate) async fn admin(&self, line: &str, body: Value) -> Answer {
        self.manage(line, self.admin.expose(), body).await
    }
}

/// A key that allows one thing.
pub(crate) fn key_of(scope: Scope) -> String {
    format!("tl_a-key-that-allows-{}", scope.as_str())
}

/// `line` is the method and the path.
pub(crate) fn request(line: &str, headers: &[&str], body: impl Into<Body>) -> Request<Body> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(body.into()).unwrap()
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub(crate) fn json_or_null(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the code of a problem.
    pub(crate) fn code(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        if self.status.is_client_error() || self.status.is_server_error() {
            let kind = self.header("content-type");
            assert_eq!(kind, "application/problem+json", "{}", self.body);
        }
        (self.status.as_u16(), code)
    }

    /// The body with ids numbered as they come, and times hidden.
    pub(crate) fn masked(&self) -> String {
        let mut ids: Vec<String> = Vec::new();
        let mut masked = String::new();
        let mut rest = self.body.as_str();
        while let Some(first) = rest.chars().next() {
            if let Some((id, after)) = rest.split_at_checked(36).filter(|(id, _)| is_id(id)) {
                let known = ids.iter().position(|one| one == id);
                let number = known.unwrap_or_else(|| {
                    ids.push(id.to_owned());
                    ids.len() - 1
                });
                write!(masked, "<{}>", number + 1).unwrap();
                rest = after;
            } else if let Some((_, after)) =
                rest.split_at_checked(24).filter(|(time, _)| is_time(time))
            {
                masked.push_str("<time>");
                rest = after;
            } else {
                masked.push(first);
                rest = rest.split_at(first.len_utf8()).1;
            }
        }
        masked
    }
}

fn is_id(text: &str) -> bool {
    text.parse::<tieline_model::EventId>().is_ok()
}

fn is_time(text: &str) -> bool {
    text.starts_with("20") && text.ends_with('Z') && text.parse::<Timestamp>().is_ok()
}
