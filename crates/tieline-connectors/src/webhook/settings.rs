//! What a person writes for a webhook connector. The doc comments are the form and the manual.

mod receive;
mod send;
mod wait;

pub(super) use receive::ReceiveSettings;
pub(super) use send::{BodySettings, SendSettings};
pub(super) use wait::{NoWait, Wait, Waiting};
