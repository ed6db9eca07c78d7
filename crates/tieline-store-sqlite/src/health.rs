//! Whether the store can still be trusted; once it is not, it never is again.

use std::sync::Arc;

use tieline_store::StoreError;
use tokio::sync::watch;

/// Shared by the handle and its writer. Holds why the store is broken, once it is.
#[derive(Clone, Debug)]
pub(crate) struct Health(Arc<watch::Sender<Option<String>>>);

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Health {
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match &*self.0.borrow() {
            None => Ok(()),
            Some(reason) => Err(StoreError::broken(reason.as_str())),
        }
    }

    /// The first reason stands.
    pub(crate) fn break_for(&self, reason: String) {
        self.0.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                tracing::error!("the store is broken: {reason}");
                *known = Some(reason);
            }
            first
        });
    }

    /// Waits until the store is broken, and says why.
    pub(crate) async fn broken(&self) -> String {
        let mut changes = self.0.subscribe();
        let broken = changes.wait_for(Option::is_some).await;
        let broken = broken.expect("the sender lives as long as this");
        broken.clone().expect("it was waited for")
    }
}
