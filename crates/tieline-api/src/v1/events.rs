//! Events: what arrived.

pub(super) mod list;
pub(super) mod show;
