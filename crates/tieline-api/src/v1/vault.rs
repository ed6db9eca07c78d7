//! The keys by which everything is sealed: what there is of them, and new ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use tieline_contract::Code;

use crate::api::Shared;
use crate::problem::Failure;
use crate::vault::{VaultControl, VaultError, VaultRotation, VaultStatus};

/// Shows the keys by which the store is sealed, without the keys themselves
#[utoipa::path(
    get,
    path = "/v1/vault",
    tag = "vault",
    responses((status = 200, description = "Ids, ages and counts", body = VaultStatus))
)]
pub(crate) async fn show_vault(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<VaultStatus>, Failure> {
    Ok(Json(control(&shared)?.status().await?))
}

/// Changes the master key and the data keys, while the hub works
///
/// Every data key is wrapped by the new master key, secrets and settings are sealed anew, and what is
/// written from then on is sealed by new data keys: in one commit. Bodies that were written before stay
/// sealed by the data keys that they have.
#[utoipa::path(
    post,
    path = "/v1/vault/rotate",
    tag = "vault",
    responses((status = 200, description = "The ids before and after", body = VaultRotation))
)]
pub(crate) async fn rotate_vault(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<VaultRotation>, Failure> {
    Ok(Json(control(&shared)?.rotate().await?))
}

fn control(shared: &Shared) -> Result<&dyn VaultControl, Failure> {
    let none = || Failure::new(Code::NotFound, "The store of this hub has no vault.");
    shared.vault.as_deref().ok_or_else(none)
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => error.into(),
            VaultError::Key(why) => {
                tracing::error!("failed to {why}");
                Self::new(Code::Internal, format!("Failed to {why}."))
            }
        }
    }
}
