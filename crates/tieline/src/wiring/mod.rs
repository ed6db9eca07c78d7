//! Puts a hub together: folder, store, sockets, surroundings, catalogue, API.
//!
//! Order matters here and nowhere else. Nothing works before everything that can be refused was
//! found good: the folder is taken, the sockets are bound and the configuration is applied first.

mod catalog;
mod clock;
mod database;
mod folder;
mod key;
mod listen;
mod reload;
mod surroundings;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tieline_api::{Api, ApiOptions, KeyRing, ServeOptions};
use tieline_config::HubSettings;
use tieline_engine::{Hub, HubParts, Types};
use tieline_model::Secret;
use tieline_store_sqlite::SqliteStore;
use tieline_vault::SystemEntropy;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::clock::SystemClock;
pub(crate) use self::database::database_path;
pub(crate) use self::folder::{Holder, holder, write_secret};
pub(crate) use self::surroundings::Egress;
use crate::config::Place;
use folder::DataFolder;
use listen::{Listen, bind};

/// Where the hub listens where nobody says otherwise.
pub(crate) const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What a hub is started with. What is `None` is the configuration's to say.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) place: Option<Place>,
    pub(crate) data: PathBuf,
    pub(crate) listen: Option<SocketAddr>,
    /// Where the port is taken, any other will do.
    pub(crate) or_free_port: bool,
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) database: Option<String>,
}

/// A hub at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Arc<SqliteStore>,
    /// Where connectors are reached; the management API too, unless it has its own address.
    pub(crate) public: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) api: Api,
    place: Option<Place>,
    settings: HubSettings,
    /// Cancelled: nothing new is accepted.
    pub(crate) closing: CancellationToken,
    /// The sockets that are served.
    pub(crate) serving: TaskTracker,
    /// Dropped last: the folder is this process's until everything else has ended.
    _folder: DataFolder,
}

impl Running {
    /// How long work in hand may take when the hub stops.
    pub(crate) fn grace(&self) -> Duration {
        self.settings.shutdown_grace.0
    }
}

/// Starts a hub.
pub(crate) async fn start(options: Options) -> anyhow::Result<Running> {
    install_crypto();
    let settings = match &options.place {
        Some(place) => Some(catalog::read(place)?),
        None => None,
    };
    let (configuration, settings) = match settings {
        Some(configuration) => {
            let settings = configuration.hub.clone();
            (Some(configuration), settings)
        }
        None => (None, HubSettings::default()),
    };
    let folder = DataFolder::take(&options.data)?;
    let database = options.database.as_deref();
    let database = database.or_else(|| settings.database.as_ref().map(Secret::expose));
    let store = Arc::new(database::open(database, folder.path())?);
    let sockets = Sockets::bind(&options, &settings).await?;
    let hub = hub(&store, &options, &settings).await?;
    key::ensure(&hub, folder.path()).await?;
    if let Some(configuration) = &configuration {
        let plan = catalog::plan(&hub, configuration).await?;
        catalog::apply(&hub, plan).await?;
    }
    hub.start().await.context("failed to start to work")?;
    let keys = KeyRing::load(hub.store()).await;
    let api_options = ApiOptions {
        keys: keys.context("failed to read the keys")?,
        config_file: options
            .place
            .as_ref()
            .map(|place| PathBuf::from(place.name())),
    };
    let api = Api::new(Arc::clone(&hub), api_options);
    let mut running = Running {
        hub,
        store,
        public: sockets.public_address()?,
        admin: sockets.admin_address()?,
        api,
        place: options.place,
        settings,
        closing: CancellationToken::new(),
        serving: TaskTracker::new(),
        _folder: folder,
    };
    sockets.serve(&mut running);
    Ok(running)
}

/// Makes the one provider of TLS and cryptography the process's own.
fn install_crypto() {
    // Fails where one is installed already, and it is the same one then.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
}

/// Makes the hub on its store, with what it has from earlier starts.
async fn hub(
    store: &Arc<SqliteStore>,
    options: &Options,
    settings: &HubSettings,
) -> anyhow::Result<Arc<Hub>> {
    let folder = match &options.place {
        Some(place) => place.folder.clone(),
        None => std::env::current_dir().context("failed to find the working folder")?,
    };
    let surroundings = surroundings::surroundings(settings, folder);
    let parts = HubParts {
        store: Arc::clone(store) as Arc<dyn tieline_store::Store>,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        types: Types {
            connectors: tieline_connectors::TYPES,
            runtimes: tieline_runtimes::RUNTIMES,
        },
        surroundings: surroundings.clone(),
    };
    let hub = Hub::new(parts).await.context("failed to make the hub")?;
    // Changes are compared with what is there, so that has to be read first.
    let read = hub.surround(surroundings).await;
    read.context("failed to read what the hub has")?;
    Ok(hub)
}

/// The sockets of a hub, bound and not yet served.
struct Sockets {
    public: TcpListener,
    admin: Option<TcpListener>,
}

impl Sockets {
    async fn bind(options: &Options, settings: &HubSettings) -> anyhow::Result<Self> {
        let public = Listen {
            address: options.listen.or(settings.listen).unwrap_or(LISTEN),
            or_free_port: options.or_free_port,
        };
        let public = bind(public).await?;
        let admin = match options.admin_listen.or(settings.admin_listen) {
            Some(address) => {
                let or_free_port = false;
                Some(
                    bind(Listen {
                        address,
                        or_free_port,
                    })
                    .await?,
                )
            }
            None => None,
        };
        Ok(Self { public, admin })
    }

    fn public_address(&self) -> anyhow::Result<SocketAddr> {
        self.public.local_addr().context("failed to find the port")
    }

    fn admin_address(&self) -> anyhow::Result<Option<SocketAddr>> {
        let address = self.admin.as_ref().map(TcpListener::local_addr);
        address.transpose().context("failed to find the port")
    }

    /// Begins to accept.
    fn serve(self, running: &mut Running) {
        let api = &running.api;
        let closing = &running.closing;
        let serve = |listener, router| {
            // How long requests in hand have is the shutdown's to say, for everything at once.
            let options = ServeOptions {
                grace: Duration::MAX,
                ..ServeOptions::default()
            };
            let serving = tieline_api::serve(listener, router, closing.clone(), options);
            running.serving.spawn(serving);
        };
        match self.admin {
            Some(admin) => {
                serve(self.public, api.public_router());
                serve(admin, api.admin_router());
            }
            None => serve(self.public, api.router()),
        }
        running.serving.close();
    }
}
