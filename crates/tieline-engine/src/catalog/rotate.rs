//! A new secret for a connector, while the old ones stay good for a little longer: one that is
//! generated, or the one that a sender has issued.

use std::sync::Arc;
use std::time::Duration;

use tieline_model::audit::AuditRecord;
use tieline_model::{Connector, DatedSecret, Name, ProjectId, Secret, Timestamp};
use tieline_store::CatalogChange;

use super::{LiveCatalog, LiveRole};
use crate::limits::SECRETS;
use crate::{EngineError, Hub};

/// What a rotation did.
#[derive(Debug)]
pub struct Rotated {
    /// What was generated, to be shown once to whoever asked for it; `None` where it was given.
    pub generated: Option<Secret>,
    /// From when on no older secret is good.
    pub others_until: Timestamp,
}

impl Hub {
    /// Puts a secret before those of a connector: the given one, or one that is generated. The
    /// others are good for `overlap` more, unless they end earlier; with none, they are refused as
    /// soon as this returns. `record` is of the connector as it is then.
    pub async fn rotate_secret(
        self: &Arc<Self>,
        (project, name): (ProjectId, &Name),
        (given, overlap): (Option<Secret>, Duration),
        record: impl FnOnce(&Connector) -> AuditRecord + Send + 'static,
    ) -> Result<Rotated, EngineError> {
        let make = || tieline_vault::connector_secret(self.entropy.as_ref());
        let generated = given.is_none().then(make);
        let new = given.or_else(|| generated.clone());
        let now = self.now();
        let rotation = Rotation {
            new: new.expect("one that is not given is generated"),
            now,
            others_until: now.plus(overlap),
        };
        let of = name.clone();
        let make = move |catalog: &LiveCatalog| {
            let connector = catalog.connector(project, &of);
            let connector = connector.ok_or(EngineError::NotFound)?;
            let is_open = matches!(&connector.role, LiveRole::Endpoint(endpoint)
                if endpoint.rules().auth.is_open());
            if is_open || connector.row.secrets.is_empty() {
                let why = "This connector has no secret of the hub's own: there is none to rotate.";
                return Err(EngineError::NotAllowed(why.to_owned()));
            }
            let row = rotation.of(&connector.row)?;
            Ok(CatalogChange {
                audit: vec![record(&row)],
                put_connectors: vec![row],
                ..CatalogChange::default()
            })
        };
        self.change(project, make).await?;
        tracing::info!(connector = %name, "the secret of connector `{name}` was rotated");
        Ok(Rotated {
            generated,
            others_until: now.plus(overlap),
        })
    }
}

struct Rotation {
    new: Secret,
    now: Timestamp,
    others_until: Timestamp,
}

impl Rotation {
    fn of(self, row: &Connector) -> Result<Connector, EngineError> {
        // One that comes back is no older secret: it must not end with them.
        let others = row.secrets.iter();
        let others = others.filter(|old| old.expose() != self.new.expose());
        let others: Vec<_> = others.cloned().collect();
        let mut secrets = vec![DatedSecret::always(self.new)];
        secrets.extend(others.into_iter().map(|old| {
            DatedSecret {
                not_after: Some(
                    old.not_after
                        .unwrap_or(Timestamp::END)
                        .min(self.others_until),
                ),
                ..old
            }
        }));
        let over = |one: &DatedSecret| one.not_after.is_some_and(|until| until <= self.now);
        secrets.retain(|one| !over(one));
        if secrets.len() > SECRETS {
            let why = format!(
                "This connector has {} secrets that are still good. Rotate with a shorter overlap.",
                secrets.len() - 1
            );
            return Err(EngineError::NotAllowed(why));
        }
        Ok(Connector {
            secrets,
            ..row.clone()
        })
    }
}

#[cfg(test)]
mod tests;
