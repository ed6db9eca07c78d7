//! The first admin key: preset by the environment, or made at the first start and left in a file.

use std::path::Path;

use anyhow::Context as _;
use tieline_api::first_admin_key;
use tieline_engine::Hub;
use tieline_model::Secret;

use super::{read_secret, write_secret};
use crate::client::KEY_FILE;
use crate::{config, output};

/// The variable that presets the key.
const PRESET: &str = "TIELINE_ADMIN_KEY";

/// Sees that there is a first key.
///
/// The file is written before the store knows the key: a hub that is killed in between finds the
/// key in the file at its next start, and nobody is locked out.
pub(crate) async fn ensure(hub: &Hub, folder: &Path) -> anyhow::Result<()> {
    if let Some(text) = config::variable(PRESET) {
        let preset =
            Secret::for_callers(text).with_context(|| format!("failed to use `{PRESET}`"))?;
        put(hub, &preset).await?;
        return Ok(());
    }
    let keys = hub
        .store()
        .keys()
        .await
        .context("failed to read the keys")?;
    // Where there is any key, the first one was there, and may have been revoked since.
    if !keys.is_empty() {
        return Ok(());
    }
    let path = folder.join(KEY_FILE);
    let left = read_secret(&path)?;
    let left = left.and_then(|text| Secret::for_callers(text.trim()).ok());
    let key = if let Some(key) = left {
        key
    } else {
        let key = tieline_vault::api_key(hub.entropy());
        write_secret(&path, &key)?;
        key
    };
    put(hub, &key).await?;
    let path = path.display();
    if output::has_reader() {
        output::note(&format!("admin key, kept in {path}: {}", key.expose()));
    } else {
        tracing::info!("the first admin key is in `{path}`");
    }
    Ok(())
}

async fn put(hub: &Hub, key: &Secret) -> anyhow::Result<()> {
    let put = first_admin_key(hub, Some(key)).await;
    put.context("failed to store the first admin key")?;
    Ok(())
}
