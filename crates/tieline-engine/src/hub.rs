//! The façade: what the API, the dashboard and the command line call.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tieline_expression::Evaluator;
use tieline_model::id::{Entropy, Ids};
use tieline_model::{Clock, NodeId};
use tieline_store::Store;
use tieline_vault::Tokens;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::{LiveCatalog, Surroundings, Types};
use crate::desk::Desks;
use crate::live::Live;
use crate::steady::Steady;
use crate::{EngineError, Metrics};

/// What a hub is made of.
pub struct HubParts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub types: Types,
    pub surroundings: Surroundings,
}

/// One node of Tieline.
pub struct Hub {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) steady: Steady,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) ids: Ids,
    pub(crate) node: NodeId,
    pub(crate) types: Types,
    pub(crate) tokens: Tokens,
    pub(crate) evaluator: Evaluator,
    pub(crate) surroundings: ArcSwap<Surroundings>,
    pub(crate) catalog: ArcSwap<LiveCatalog>,
    /// Held while the catalogue changes.
    pub(crate) changing: Mutex<()>,
    pub(crate) desks: Desks,
    pub(crate) served: parking_lot::Mutex<crate::supervise::Served>,
    pub(crate) live: Arc<Live>,
    pub(crate) metrics: Metrics,
    pub(crate) tasks: TaskTracker,
    /// No new claims.
    pub(crate) stopping: CancellationToken,
    /// What is in hand is given back.
    pub(crate) abandoning: CancellationToken,
}

/// The name under which the key of [`Tokens`] is stored.
const TOKEN_KEY: &str = "token-key";

impl Hub {
    /// Makes a hub on its store. Nothing runs before [`Hub::start`].
    pub async fn new(parts: HubParts) -> Result<Arc<Self>, EngineError> {
        let HubParts {
            store,
            clock,
            entropy,
            types,
            surroundings,
        } = parts;
        let mut fresh = [0; 32];
        entropy.fill(&mut fresh);
        let key = store.put_setting_once(TOKEN_KEY, fresh.to_vec()).await?;
        let key: [u8; 32] = key.try_into().map_err(|_| {
            tieline_store::StoreError::broken("the hub's own key in the store has a wrong length")
        })?;
        let evaluator = Evaluator::start(1).map_err(|error| {
            tieline_store::StoreError::unavailable(format!("no thread for expressions: {error}"))
        })?;
        let ids = Ids::new(Arc::clone(&clock), Arc::clone(&entropy));
        Ok(Arc::new(Self {
            node: ids.node(),
            ids,
            store,
            steady: Steady::start(clock.as_ref()),
            clock,
            entropy,
            types,
            tokens: Tokens::new(&key),
            evaluator,
            surroundings: ArcSwap::from_pointee(surroundings),
            catalog: ArcSwap::default(),
            changing: Mutex::default(),
            desks: Desks::default(),
            served: parking_lot::Mutex::default(),
            live: Arc::default(),
            metrics: Metrics::new(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            abandoning: CancellationToken::new(),
        }))
    }

    /// Everything configured, as it stands now.
    pub fn catalog(&self) -> Arc<LiveCatalog> {
        self.catalog.load_full()
    }

    /// The store, for reading. Only the six verbs may write what they own.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    pub const fn types(&self) -> Types {
        self.types
    }

    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The time to be shown; what decides when goes by [`Hub::steady`].
    pub fn now(&self) -> tieline_model::Timestamp {
        self.clock.now()
    }

    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    pub const fn live(&self) -> &Arc<Live> {
        &self.live
    }

    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The client for the outside, as it is now.
    pub fn outside(&self) -> Arc<tieline_egress::Client> {
        Arc::clone(&self.surroundings.load().outside)
    }

    /// Where the hub is reached from outside; empty where nobody said, so that addresses are
    /// paths.
    pub fn public_url(&self) -> String {
        self.surroundings
            .load()
            .public_url
            .clone()
            .unwrap_or_default()
    }

    /// Whether the hub has been told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HubParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubParts").finish_non_exhaustive()
    }
}
