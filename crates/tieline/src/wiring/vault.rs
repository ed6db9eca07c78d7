//! The master key: where it comes from, and how it changes while the hub works.
//!
//! A key that was made here stands in a file before the store knows it, and the one before it stays
//! beside it afterwards: whatever kills the hub in between, its next start finds the key it needs.

mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use futures_util::future::BoxFuture;
use tieline_api::{DataKeys, VaultControl, VaultError, VaultRotation, VaultStatus};
use tieline_config::HubSettings;
use tieline_store_sqlite::SqliteStore;
use tieline_vault::{MasterKey, SystemEntropy, Vault};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::timeout;

use self::file::KeyFile;
use super::SystemClock;
use crate::config::{Place, variable};

/// The variable with the key, and the one with the key before it.
const VARIABLE: &str = "TIELINE_VAULT_KEY";
const PREVIOUS: &str = "TIELINE_VAULT_KEY_PREVIOUS";
/// The file of the key in the data folder, where nobody says otherwise.
const FILE: &str = "vault.key";
/// How long a command may take that prints the key, and how much it may print.
const PATIENCE: Duration = Duration::from_secs(30);
const KEY_BYTES: u64 = 4096;

/// Where the master key comes from.
#[derive(Clone)]
pub(crate) enum KeySource {
    /// Ours to make and to change.
    File(KeyFile),
    Variable(String),
    /// A command with its arguments, and the folder that it is run in.
    Command(Vec<String>, PathBuf),
}

impl KeySource {
    /// Decides; reads and makes nothing but the environment.
    pub(crate) fn of(
        settings: &HubSettings,
        place: Option<&Place>,
        data: &Path,
    ) -> anyhow::Result<Self> {
        let folder = place.map_or(data, |place| place.folder.as_path());
        match (variable(VARIABLE), &settings.vault) {
            (Some(_), Some(_)) => bail!(
                "the key of the vault has two places: `vault` in the configuration, and `{VARIABLE}`\n  \
                 fix: keep one of them"
            ),
            (Some(text), None) => Ok(Self::Variable(text)),
            (None, Some(vault)) => Ok(match (&vault.key_file, &vault.command) {
                (None, Some(command)) => Self::Command(command.clone(), folder.to_owned()),
                (path, _) => {
                    let path = path.as_deref().unwrap_or_else(|| Path::new(FILE));
                    Self::File(KeyFile::new(folder.join(path)))
                }
            }),
            (None, None) => Ok(Self::File(KeyFile::new(data.join(FILE)))),
        }
    }

    /// The keys that may open the store. Only for a new store a key is made.
    pub(crate) async fn vault(&self, is_new: bool) -> anyhow::Result<Vault> {
        if let (Self::File(file), true) = (self, is_new) {
            file.ensure()
                .with_context(|| format!("failed to make the vault's key `{file}`"))?;
        }
        let (first, others) = self.keys().await?;
        let clock = Arc::new(SystemClock);
        Ok(Vault::new(first, others, Arc::new(SystemEntropy), clock))
    }

    /// The key that is wanted, and those that may still be the store's.
    async fn keys(&self) -> anyhow::Result<(MasterKey, Vec<MasterKey>)> {
        if let Self::File(file) = self {
            return Ok((file.read()?, file.read_next()?.into_iter().collect()));
        }
        let previous = variable(PREVIOUS);
        let previous = previous.map(|text| key(&text, &format!("`{PREVIOUS}`")));
        let others = previous.transpose()?.into_iter().collect();
        Ok((self.given().await?, others))
    }

    /// The key that stands outside of the hub at this moment.
    async fn given(&self) -> anyhow::Result<MasterKey> {
        match self {
            Self::File(file) => file.read(),
            Self::Variable(text) => key(text, &format!("`{VARIABLE}`")),
            Self::Command(words, folder) => {
                let what = "what `vault.command` prints";
                let printed = printed(words, folder);
                let text = printed
                    .await
                    .with_context(|| format!("failed to read {what}"))?;
                key(&text, what)
            }
        }
    }

    /// Ends what an earlier change of the key has left undone, and begins the one that the
    /// environment asks for.
    pub(crate) async fn settle(&self, store: &SqliteStore) -> anyhow::Result<()> {
        let status = store.vault_status().await;
        let standing = status.context("failed to read the vault's keys")?.master;
        if let Self::File(file) = self {
            let settled = file.settle(standing);
            return settled.with_context(|| format!("failed to settle the vault's key `{file}`"));
        }
        let given = self.given().await?;
        if given.id() != standing {
            let changed = store.rotate_vault(given).await;
            let changed = changed.context("failed to change the vault's key")?;
            tracing::info!(
                "the vault's key has changed from {} to {}: `{PREVIOUS}` is needed no more",
                changed.from,
                changed.to
            );
        }
        Ok(())
    }

    /// What to do where the key is not the store's.
    pub(crate) fn how_to_give_the_right_one(&self) -> String {
        match self {
            Self::File(file) => format!(
                "put that key into `{file}`, `chmod 600`; an earlier key of this hub stands beside \
                 it, as `{file}.ID`"
            ),
            Self::Variable(_) => format!(
                "set `{VARIABLE}` to that key; or `{PREVIOUS}`, where `{VARIABLE}` is a new one"
            ),
            Self::Command(..) => format!(
                "have `vault.command` print that key; or set `{PREVIOUS}` to it, where the command \
                 prints a new one"
            ),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Variable(_) => "variable",
            Self::Command(..) => "command",
        }
    }
}

/// The key is not among what is shown.
impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn key(text: &str, from: &str) -> anyhow::Result<MasterKey> {
    MasterKey::parse(text).map_err(|error| {
        anyhow!("{from} is no key: {error}\n  fix: `openssl rand -base64 32` makes a new one")
    })
}

/// What the command prints; it is killed when it takes too long.
async fn printed(words: &[String], folder: &Path) -> anyhow::Result<String> {
    let (program, arguments) = words.split_first().context("the command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start `{program}`"))?;
    let mut stdout = child
        .stdout
        .take()
        .context("it has no output")?
        .take(KEY_BYTES);
    let mut text = String::new();
    let whole = async {
        stdout.read_to_string(&mut text).await?;
        child.wait().await
    };
    let ended = timeout(PATIENCE, whole).await;
    let status = ended.with_context(|| format!("`{program}` did not end within 30 seconds"))??;
    if !status.success() {
        bail!("`{program}` ended with {status}");
    }
    Ok(text)
}

/// The keys of a hub at work.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: KeySource,
    store: Arc<SqliteStore>,
    /// Held while the keys change.
    changing: Mutex<()>,
}

impl Keys {
    pub(crate) fn new(source: KeySource, store: &Arc<SqliteStore>) -> Self {
        Self(Arc::new(Inner {
            source,
            store: Arc::clone(store),
            changing: Mutex::default(),
        }))
    }

    async fn change(&self) -> Result<VaultRotation, VaultError> {
        let Inner { source, store, .. } = &*self.0;
        let _one = self.0.changing.lock().await;
        let failed = |error: anyhow::Error| VaultError::Key(format!("change the key: {error:#}"));
        let (rotation, note) = match source {
            KeySource::File(file) => {
                // A change that was cut off before is ended, or taken back, first.
                source.settle(store).await.map_err(failed)?;
                let next = file.make_next().map_err(failed)?;
                let rotation = store.rotate_vault(next).await?;
                file.settle(rotation.to).map_err(failed)?;
                let kept = file.retired(rotation.from).display().to_string();
                let note = format!("copies that were made before need the key in `{kept}`");
                (rotation, note)
            }
            KeySource::Variable(_) => {
                let given = source.given().await.map_err(failed)?;
                let note = format!(
                    "only the data keys are new; to change the master key, start the hub with the \
                     new one in `{VARIABLE}` and this one in `{PREVIOUS}`"
                );
                (store.rotate_vault(given).await?, note)
            }
            KeySource::Command(..) => {
                let given = source.given().await.map_err(failed)?;
                let rotation = store.rotate_vault(given).await?;
                let note = if rotation.from == rotation.to {
                    "only the data keys are new: `vault.command` prints the same master key"
                        .to_owned()
                } else {
                    format!(
                        "copies that were made before need the key {}",
                        rotation.from
                    )
                };
                (rotation, note)
            }
        };
        tracing::info!("the vault's keys have changed: {note}");
        Ok(VaultRotation {
            from: rotation.from.to_string(),
            to: rotation.to.to_string(),
            rewrapped: rotation.rewrapped,
            resealed: rotation.resealed,
            note,
        })
    }

    async fn look(&self) -> Result<VaultStatus, VaultError> {
        let Inner { source, store, .. } = &*self.0;
        let status = store.vault_status().await?;
        let retired = match source {
            KeySource::File(file) => file.all_retired(),
            KeySource::Variable(_) | KeySource::Command(..) => Vec::new(),
        };
        Ok(VaultStatus {
            master_key: status.master.to_string(),
            source: source.name(),
            since: status.since,
            data_keys: DataKeys {
                count: status.data_keys,
                closed: status.closed,
                sealing_since: status.sealing_since,
                sealed_at_most: status.sealed,
            },
            retired,
        })
    }
}

impl VaultControl for Keys {
    fn status(&self) -> BoxFuture<'_, Result<VaultStatus, VaultError>> {
        Box::pin(self.look())
    }

    fn rotate(&self) -> BoxFuture<'_, Result<VaultRotation, VaultError>> {
        let this = self.clone();
        // On a thread of its own: a caller that goes away does not leave it half done.
        let changing =
            tokio::task::spawn_blocking(move || Handle::current().block_on(this.change()));
        Box::pin(async {
            let ended = changing.await;
            ended.map_err(|_| VaultError::Key("end the change of the keys".to_owned()))?
        })
    }
}
