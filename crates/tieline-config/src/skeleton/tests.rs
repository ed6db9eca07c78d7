//! First blocks: readable, and good as they stand.

use super::*;
use crate::samples::{TYPES, read_all, said};

#[test]
fn every_block_reads_clean_for_every_mode_of_every_type() {
    for kind in TYPES.connectors {
        for mode in kind.modes() {
            let text = skeleton(&TYPES, kind.name, Some(mode)).unwrap();
            let (configuration, diagnostics) = read_all(&[("new.yaml", &text)]);
            assert!(configuration.is_some(), "{}\n{text}", said(&diagnostics));
        }
    }
    assert!(skeleton(&TYPES, "mail", Some(Mode::Sync)).is_none());
    assert!(skeleton(&TYPES, "fax", None).is_none());
}

#[test]
fn what_may_be_left_out_is_a_comment() {
    let wanted = "\
# Webhook, inbound. Receives and sends HTTP requests.
# Its other modes: sync, outbound.
agents:
  - name: my-agent
    runtime: echo
connectors:
  - name: my-webhook
    type: webhook
    mode: inbound
    # One, or a list with the newest first. Left out, it is generated and shown once.
    # secret: ${MY_WEBHOOK_SECRET}
    # At least one. With a condition: { agent: my-agent, when: 'input.total > 100' }
    agents: [my-agent]
    # settings:
      # How callers prove who they are.
      # auth: text
      # The largest request.
      # max_body: 10MiB
      # How long a caller waits.
      # timeout: 30s
";
    assert_eq!(skeleton(&TYPES, "webhook", None).as_deref(), Some(wanted));
}

#[test]
fn what_is_needed_stands_there() {
    let text = skeleton(&TYPES, "mail", None).unwrap();
    let wanted = "    settings:
      # The account's password.
      password: ${MY_MAIL_PASSWORD}
      # Who gets it.
      to: [\"text\"]
      server: {\"host\":\"text\"}
";
    assert!(text.ends_with(wanted), "{text}");
}
