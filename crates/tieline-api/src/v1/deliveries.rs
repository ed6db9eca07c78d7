//! Deliveries: results on their way outside.

pub(super) mod list;
pub(super) mod redrive;
pub(super) mod redrive_many;
pub(super) mod show;
