//! Events: what arrived.

pub(super) mod erase;
pub(super) mod list;
pub(super) mod replay;
pub(super) mod show;
