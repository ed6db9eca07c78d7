//! The first key: preset, or made at the first start and shown once.

use tieline_engine::Hub;
use tieline_model::audit::{Actor, AuditRecord, Outcome};
use tieline_model::key::{ApiKey, Scope};
use tieline_model::secret::BadSecret;
use tieline_model::{ProjectId, Secret};
use tieline_signature::equal::SecretDigest;
use tieline_store::StoreError;

use super::hint_of;

/// The name of the key that is there from the first start.
pub const FIRST_KEY: &str = "first";

/// Why there is no first key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the preset key is not usable")]
    Form(#[source] BadSecret),
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// Sees that somebody can get in: by a key named [`FIRST_KEY`] that allows everything.
///
/// A preset replaces it. Without one, it is made if there is no key at all: only then it is
/// returned, and never again. One that was revoked stays so. Load the [`crate::KeyRing`] after
/// this.
pub async fn first_admin_key(
    hub: &Hub,
    preset: Option<&Secret>,
) -> Result<Option<Secret>, KeyError> {
    let keys = hub.store().keys().await?;
    let Some(preset) = preset else {
        if !keys.is_empty() {
            return Ok(None);
        }
        let made = tieline_vault::api_key(hub.entropy());
        put(hub, &made).await?;
        return Ok(Some(made));
    };
    Secret::for_callers(preset.expose()).map_err(KeyError::Form)?;
    let mut ours = keys.iter();
    let stored = ours.find(|key| key.project == ProjectId::DEFAULT && key.name == FIRST_KEY);
    let same =
        |key: &ApiKey| SecretDigest::from_stored(key.digest).matches(preset.expose().as_bytes());
    if !stored.is_some_and(same) {
        put(hub, preset).await?;
    }
    Ok(None)
}

async fn put(hub: &Hub, key: &Secret) -> Result<(), StoreError> {
    let key = ApiKey {
        project: ProjectId::DEFAULT,
        name: FIRST_KEY.to_owned(),
        digest: tieline_vault::api_key_digest(key.expose()),
        hint: hint_of(key),
        scopes: vec![Scope::Admin],
        created_at: hub.now(),
        expires_at: None,
        last_used_at: None,
    };
    let record = AuditRecord {
        at: hub.now(),
        project: key.project,
        actor: Actor::Hub,
        from: None,
        action: "key.create".to_owned(),
        target: FIRST_KEY.to_owned(),
        before: None,
        after: None,
        outcome: Outcome::Done,
    };
    hub.store().put_key(key, record).await
}
