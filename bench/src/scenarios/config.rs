//! The hubs' config files, as far as more than one scenario uses them.

use std::net::SocketAddr;

use crate::hub::SECRET;

/// `inbound` → `agent`, an `echo`.
pub(super) fn inbound() -> String {
    format!(
        "agents:
  - {{ name: agent, runtime: echo, concurrency: 64 }}
connectors:
  - name: inbound
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [agent]
"
    )
}

/// `sync` ↔ `agent`, an `echo`.
pub(super) fn sync() -> String {
    format!(
        "agents:
  - {{ name: agent, runtime: echo, concurrency: 256 }}
connectors:
  - name: sync
    type: webhook
    mode: sync
    secret: {SECRET}
    agents: [agent]
"
    )
}

/// `inbound` → `agent` → `outbound` → a receiver.
pub(super) fn delivering(receiver: SocketAddr) -> String {
    let inbound = inbound();
    format!(
        "{inbound}  - name: outbound
    type: webhook
    mode: outbound
    secret: {SECRET}
    agents: [agent]
    settings: {{ url: \"http://{receiver}/\" }}
egress:
  allow: [127.0.0.0/8]
"
    )
}
