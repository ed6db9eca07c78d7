//! Who is at the other end, where proxies are on the way.

use rustix::process::Signal;

use super::floods::place;
use crate::http::Request;
use crate::hub::{Place, Process, SECRET, wait_until};

/// Beyond as many failures, a sender is told to wait: so is seen whom the hub takes for the sender.
const FAILURES: usize = 1000;

pub(super) fn proxied() -> Place {
    Place::new(&configuration(
        "trusted_proxies: [127.0.0.1/32, 192.0.2.0/24]",
    ))
}

fn configuration(rest: &str) -> String {
    format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
{rest}
"#
    )
}

fn guess(hub: &Process, forwarded: &str) -> u16 {
    let request = Request::post("/c/orders").header("X-Forwarded-For", forwarded);
    hub.send(&request).status
}

fn exhaust(hub: &Process, forwarded: &str) {
    for _ in 0..FAILURES {
        guess(hub, forwarded);
    }
    assert_eq!(guess(hub, forwarded), 429);
}

#[test]
fn what_strangers_say_of_their_address_has_no_effect() {
    let place = place();
    let hub = place.start();
    for n in 0..FAILURES {
        assert_eq!(guess(&hub, &format!("198.51.100.{}", n % 256)), 401);
    }
    for spoofed in [
        "198.51.100.200",
        "10.0.0.1",
        "127.0.0.1",
        "198.51.100.7, 127.0.0.1",
    ] {
        assert_eq!(guess(&hub, spoofed), 429, "{spoofed}");
    }
}

#[test]
fn behind_a_trusted_proxy_each_sender_is_its_own_whatever_it_writes_itself() {
    let place = proxied();
    let hub = place.start();
    exhaust(&hub, "198.51.100.7");
    // The proxy adds to the right; what stands left of that is the sender's own invention.
    for spoofed in [
        "198.51.100.8, 198.51.100.7",
        "127.0.0.1, 198.51.100.7",
        "192.0.2.1, 198.51.100.7:4711, 192.0.2.2",
        "unknown, 198.51.100.7",
        "::ffff:198.51.100.7",
    ] {
        assert_eq!(guess(&hub, spoofed), 429, "{spoofed}");
    }
    for other in [
        "198.51.100.8",
        "198.51.100.7, 198.51.100.9",
        "2001:db8::7",
        "garbage",
    ] {
        assert_eq!(guess(&hub, other), 401, "{other}");
    }
    exhaust(&hub, "2001:db8::7");
    assert_eq!(guess(&hub, "[2001:db8::ffff:8]:80"), 429);
    assert_eq!(guess(&hub, "2001:db8:0:1::7"), 401);
}

#[test]
fn proxies_are_trusted_from_a_reload_on() {
    let place = place();
    let hub = place.start();
    exhaust(&hub, "198.51.100.7");
    assert_eq!(guess(&hub, "198.51.100.8"), 429);
    place.write(&configuration("trusted_proxies: [127.0.0.1/32]"));
    hub.signal(Signal::HUP);
    wait_until(|| hub.stderr().contains("was reloaded"));
    assert_eq!(guess(&hub, "198.51.100.8"), 401);
}
