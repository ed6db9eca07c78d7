//! The vault as the API sees it: what there is of keys, and that they change. No key is ever seen.

use std::fmt;

use futures_util::future::BoxFuture;
use serde::Serialize;
use tieline_model::Timestamp;
use tieline_store::StoreError;
use utoipa::ToSchema;

/// The keys of the hub's store, for those who operate it.
pub trait VaultControl: fmt::Debug + Send + Sync {
    fn status(&self) -> BoxFuture<'_, Result<VaultStatus, VaultError>>;

    /// Changes the keys. Goes on to its end also where the caller goes away.
    fn rotate(&self) -> BoxFuture<'_, Result<VaultRotation, VaultError>>;
}

/// What is known of the keys.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VaultStatus {
    /// The id of the master key: what a restored copy needs.
    pub master_key: String,
    /// Where the master key comes from: `file`, `variable` or `command`.
    pub source: &'static str,
    /// Since when it is the store's.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    pub data_keys: DataKeys,
    /// The ids of earlier master keys that are kept for old copies.
    pub retired: Vec<String>,
}

/// What is known of the data keys.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DataKeys {
    pub count: u64,
    /// How many of them seal nothing any more, and only open.
    pub closed: u64,
    /// When the first of those was made that still seal.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sealing_since: Option<Timestamp>,
    /// How many values those may have sealed, in steps of a million.
    pub sealed_at_most: u64,
}

/// What a rotation has done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VaultRotation {
    /// The id of the master key before.
    pub from: String,
    /// The id of the master key now: the same where the hub cannot make one, see `note`.
    pub to: String,
    /// How many data keys are wrapped by it.
    pub rewrapped: u64,
    /// How many secrets and settings were sealed anew.
    pub resealed: u64,
    /// Where the master key before is kept, or how to change it.
    pub note: String,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made, kept or read, and what that means.
    #[error("{0}")]
    Key(String),
}
