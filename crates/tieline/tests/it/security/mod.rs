//! The threats that are stopped, tried from outside on the binary. `docs/security.md` names the
//! test of each row.

mod access;
mod canary;
mod egress;
mod input;
mod senders;
mod transport;
mod vault;
mod wire;
