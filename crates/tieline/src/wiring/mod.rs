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
mod tls;
mod vault;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tieline_api::{Api, ApiOptions, KeyRing, TrustedProxies};
use tieline_config::HubSettings;
use tieline_engine::{Hub, HubParts, Types};
use tieline_model::{Clock as _, Secret};
use tieline_store_sqlite::SqliteStore;
use tieline_vault::SystemEntropy;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::clock::SystemClock;
pub(crate) use self::database::database_path;
pub(crate) use self::folder::{Holder, holder, read_secret, write_secret};
pub(crate) use self::surroundings::Egress;
pub(crate) use self::vault::KeySource;
use crate::config::Place;
use folder::DataFolder;
use listen::Sockets;
use tls::Certificates;
use vault::Keys;

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
    /// The files of a certificate and its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    /// Plain HTTP may be spoken beyond this machine.
    pub(crate) plain_http: bool,
}

/// A hub at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: Arc<SqliteStore>,
    /// Where connectors are reached; the management API too, unless it has its own address.
    pub(crate) public: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// What both are spoken to in: `http` or `https`.
    pub(crate) scheme: &'static str,
    pub(crate) api: Api,
    place: Option<Place>,
    settings: HubSettings,
    /// Cancelled: nothing new is accepted.
    pub(crate) closing: CancellationToken,
    /// The sockets that are served.
    pub(crate) serving: TaskTracker,
    proxies: TrustedProxies,
    /// Tasks that end when nothing is accepted any more.
    watching: TaskTracker,
    /// Has the certificates read again.
    certificates: Option<Arc<Notify>>,
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
    let certificates = certificates(&options, &settings)?;
    let folder = DataFolder::take(&options.data)?;
    let database = options.database.as_deref();
    let database = database.or_else(|| settings.database.as_ref().map(Secret::expose));
    let key_source = KeySource::of(&settings, options.place.as_ref(), folder.path())?;
    let store = Arc::new(database::open(database, folder.path(), &key_source).await?);
    let sockets = Sockets::bind(&options, &settings, certificates.is_some()).await?;
    let hub = hub(&store, &options, &settings).await?;
    key::ensure(&hub, folder.path()).await?;
    if let Some(configuration) = &configuration {
        let plan = catalog::plan(&hub, configuration).await?;
        catalog::apply(&hub, plan).await?;
    }
    catalog::warn_of_open(&hub, configuration.is_some());
    hub.start().await.context("failed to start to work")?;
    let keys = KeyRing::load(hub.store()).await;
    let api_options = ApiOptions {
        keys: keys.context("failed to read the keys")?,
        config_file: options
            .place
            .as_ref()
            .map(|place| PathBuf::from(place.name())),
        vault: Some(Arc::new(Keys::new(key_source, &store))),
    };
    let api = Api::new(Arc::clone(&hub), api_options);
    let proxies = TrustedProxies::new(settings.trusted_proxies.clone());
    let mut running = Running {
        hub,
        store,
        public: sockets.public_address()?,
        admin: sockets.admin_address()?,
        scheme: if certificates.is_some() {
            "https"
        } else {
            "http"
        },
        api,
        place: options.place,
        settings,
        closing: CancellationToken::new(),
        serving: TaskTracker::new(),
        proxies,
        watching: TaskTracker::new(),
        certificates: None,
        _folder: folder,
    };
    sockets.serve(&mut running, certificates);
    Ok(running)
}

/// Makes the one provider of TLS and cryptography the process's own.
fn install_crypto() {
    // Fails where one is installed already, and it is the same one then.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
}

/// What the listeners speak TLS with, where they do. What cannot be used is said before anything
/// begins.
fn certificates(options: &Options, settings: &HubSettings) -> anyhow::Result<Option<Certificates>> {
    let folder = options.place.as_ref().map(|place| place.folder.as_path());
    let files = tls::files(options.certificate.as_ref(), settings.tls.as_ref(), folder);
    let Some(files) = files else {
        return Ok(None);
    };
    let certificates = Certificates::read(files, SystemClock.now())?;
    if settings
        .public_url
        .as_ref()
        .is_some_and(|url| url.starts_with("http:"))
    {
        tracing::warn!("`public_url` says http, and the hub speaks TLS: write https there");
    }
    Ok(Some(certificates))
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
