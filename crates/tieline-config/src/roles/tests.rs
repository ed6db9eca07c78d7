//! What only opening finds.

use std::path::PathBuf;
use std::sync::Arc;

use tieline_egress::{Client, Limits, Policy};

use super::*;
use crate::samples::{TYPES, good, said};

#[test]
fn what_only_opening_finds_has_its_place_too() {
    let text = "\
agents:
  - { name: a, runtime: echo }
connectors:
  - { name: in, type: webhook, mode: inbound, agents: [a] }
  - name: out
    type: webhook
    mode: outbound
    agents: [a]
    settings:
      url: http://example.com
      headers: { 'a b': x }
";
    let egress = Arc::new(Client::new(Policy::Operator, Limits::default()));
    let contexts = RoleContexts {
        runtime: &|agent| RuntimeContext {
            agent: agent.name.clone(),
            folder: PathBuf::new(),
            environment: Vec::new(),
            egress: Arc::clone(&egress),
        },
        endpoint: &|connector| EndpointContext {
            connector: connector.name.clone(),
            mode: connector.mode,
            secrets: connector.secrets.clone(),
        },
        sink: &|connector| SinkContext {
            connector: connector.name.clone(),
            secrets: connector.secrets.clone(),
            egress: Arc::clone(&egress),
        },
    };
    let wanted = "\
hub.yaml:10:7: connectors[1].settings.url: is not https
  fix: write an https address
hub.yaml:11:18: connectors[1].settings.headers.a b: is no header";
    assert_eq!(said(&open_roles(&good(text), &TYPES, &contexts)), wanted);
}
