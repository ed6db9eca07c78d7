//! The key by which the database is sealed.

use std::path::Path;

use tieline_config::HubSettings;
use tieline_vault::Vault;

use super::DoctorArgs;
use super::report::Report;
use crate::client::block_on;
use crate::config::Place;
use crate::wiring::KeySource;

/// What opens the database, where there is one. Nothing is made.
pub(super) fn examine(
    args: &DoctorArgs,
    settings: Option<&HubSettings>,
    database: &Path,
    report: &mut Report,
) -> Option<Vault> {
    if !database.exists() {
        return None;
    }
    let place = args.config.as_ref();
    let place = place.and_then(|path| Place::new(std::slice::from_ref(path)).ok());
    let default = HubSettings::default();
    let settings = settings.unwrap_or(&default);
    let vault = KeySource::of(settings, place.as_ref(), &args.data)
        .and_then(|source| block_on(async move { source.vault(false).await }));
    match vault {
        Ok(vault) => Some(vault),
        Err(error) => {
            report.failed("vault", &error);
            None
        }
    }
}
