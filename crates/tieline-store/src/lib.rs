//! What the hub asks of its store, and the store that defines the answers.
//!
//! [`Store`] is a promise per method, each one transaction; no transaction type leaks out.
//! [`MemoryStore`] is the executable specification, and the module `suite`
//! (feature `suite`) holds every other store to it.
//! Nothing in here decides what should happen to a run or a delivery: the engine does.

mod api;
mod catalog;
mod error;
mod journal;
mod memory;
mod queue;
#[cfg(any(test, feature = "suite"))]
pub mod suite;

pub use api::Store;
pub use catalog::{Catalog, CatalogChange};
pub use error::StoreError;
pub use journal::{Between, DeliveryFilter, EventFilter, RunFilter, StoredFile};
pub use memory::MemoryStore;
pub use queue::{
    Acceptance, Change, Claim, ClaimedDelivery, ClaimedRun, Claims, Counts, Debounce, Dedupe,
    DeliveryOutcome, Epoch, Fence, Lease, Line, LinePolicy, NewDelivery, NewEvent, NewFile, NewRun,
    Next, OpenWork, Retain, Retained, RunOutcome, SettleDelivery, SettleRun, Settled, Written,
};
