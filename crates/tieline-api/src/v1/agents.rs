//! Agents: what executes runs.

pub(super) mod create;
pub(super) mod list;
pub(super) mod pause;
pub(super) mod remove;
pub(super) mod replace;
pub(super) mod show;
