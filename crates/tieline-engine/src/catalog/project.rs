//! Projects: hard walls, made when the first key of one is.

use std::sync::Arc;

use tieline_model::audit::AuditRecord;
use tieline_model::{Name, ProjectId};

use super::open::open_catalog;
use crate::{EngineError, Hub};

impl Hub {
    /// The project of a name, made and written down where there is none yet.
    pub async fn make_project(
        self: &Arc<Self>,
        name: Name,
        record: AuditRecord,
    ) -> Result<ProjectId, EngineError> {
        let hub = Arc::clone(self);
        self.finish(async move {
            let _one_at_a_time = hub.changing.lock().await;
            if let Some(known) = hub.catalog.load().project(name.as_str()) {
                return Ok(known);
            }
            let made = hub.store.put_project(name, record).await?;
            let catalog = hub.store.catalog().await?;
            let surroundings = hub.surroundings.load_full();
            let standing = hub.catalog.load().connectors.clone();
            let (types, desks) = (hub.types, &hub.desks);
            hub.install(open_catalog(catalog, types, &surroundings, desks, standing));
            Ok(made)
        })
        .await
    }
}
