//! The API as the binary sees it: made once on a hub, and asked for its routers.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::routing::{any, get, post};
use bytes::Bytes;
use tieline_config::Types;
use tieline_engine::Hub;
use tokio_util::sync::CancellationToken;

use crate::auth::KeyRing;
use crate::body::Budget;
use crate::failures::Failures;
use crate::health::Probe;
use crate::vault::VaultControl;
use crate::{callback, files, health, ingress, problem, reading, v1};

/// What the API is made with beside its hub.
#[derive(Clone, Debug, Default)]
pub struct ApiOptions {
    pub keys: KeyRing,
    /// The file or folder that the hub was started with. With one, `POST /v1/apply` is refused.
    pub config_file: Option<PathBuf>,
    /// The keys of the store, where it has some.
    pub vault: Option<Arc<dyn VaultControl>>,
}

/// The HTTP face of one hub.
#[derive(Clone, Debug)]
pub struct Api {
    shared: Arc<Shared>,
}

/// What every handler sees.
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) keys: KeyRing,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) vault: Option<Arc<dyn VaultControl>>,
    /// Bytes of bodies in hand.
    pub(crate) budget: Budget,
    /// Requests without valid credentials.
    pub(crate) failures: Failures,
    pub(crate) probe: Probe,
    /// Callers that wait for runs wait no longer.
    pub(crate) waits_over: CancellationToken,
    /// Held while what stands in the catalogue is looked at and changed.
    pub(crate) changing: tokio::sync::Mutex<()>,
    pub(crate) openapi: OnceLock<Bytes>,
}

impl Shared {
    pub(crate) fn types(&self) -> Types<'static> {
        let types = self.hub.types();
        Types {
            connectors: types.connectors,
            runtimes: types.runtimes,
        }
    }
}

impl Api {
    pub fn new(hub: Arc<Hub>, options: ApiOptions) -> Self {
        let shared = Shared {
            hub,
            keys: options.keys,
            config_file: options.config_file,
            vault: options.vault,
            budget: Budget::default(),
            failures: Failures::default(),
            probe: Probe::default(),
            waits_over: CancellationToken::new(),
            changing: tokio::sync::Mutex::default(),
            openapi: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// What the outside calls: connectors' addresses, files, callbacks, and the probes.
    pub fn public_router(&self) -> Router {
        self.finish(public().merge(probes()))
    }

    /// What operators call: `/v1`, `/metrics`, and the probes.
    pub fn admin_router(&self) -> Router {
        self.finish(self.admin().merge(probes()))
    }

    /// Both on one socket.
    pub fn router(&self) -> Router {
        self.finish(public().merge(self.admin()).merge(probes()))
    }

    /// Answers every caller that waits for a run with what there is: for the end of a shutdown,
    /// when no run will end any more.
    pub fn end_waits(&self) {
        self.shared.waits_over.cancel();
    }

    fn admin(&self) -> Router<Arc<Shared>> {
        v1::router(&self.shared).route("/metrics", get(health::metrics))
    }

    fn finish(&self, router: Router<Arc<Shared>>) -> Router {
        router
            .fallback(problem::unknown_path)
            .method_not_allowed_fallback(problem::unknown_method)
            .with_state(Arc::clone(&self.shared))
    }
}

fn public() -> Router<Arc<Shared>> {
    let mut router = Router::new()
        .route("/files/{project}/{file}", get(files::download))
        .route("/callback/{run}", post(callback::settle));
    for prefix in ["", "/p/{project}"] {
        let at = |path: &str| format!("{prefix}/c/{{connector}}{path}");
        router = router
            .route(&at(""), any(ingress::receive))
            .route(&at("/events/{event}"), get(reading::event))
            .route(&at("/runs/{run}"), get(reading::run))
            .route(&at("/runs/{run}/stream"), get(reading::stream));
    }
    router
}

fn probes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
