//! SIGHUP: a good change is made while the hub works, a bad one changes nothing.

use rustix::process::Signal;
use serde_json::json;

use crate::hub::{Place, SECRET, wait_until};

fn configuration(connector: &str, rest: &str) -> String {
    format!(
        r#"agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: {connector}, type: webhook, mode: sync, secret: "{SECRET}", agents: [echo] }}
{rest}"#
    )
}

#[test]
fn a_good_reload_changes_what_the_files_say() {
    let place = Place::new(&configuration("old", ""));
    let hub = place.start();
    hub.post("old", &json!({})).expect(200);
    place.write(&configuration(
        "new",
        "listen: 127.0.0.1:1\nshutdown: { grace: 1s }",
    ));
    hub.signal(Signal::HUP);
    wait_until(|| hub.stderr().contains("was reloaded"));
    hub.post("new", &json!({})).expect(200);
    assert_eq!(hub.post("old", &json!({})).expect_problem(404), "not-found");
    assert!(
        hub.stderr().contains("`listen` has changed"),
        "{}",
        hub.stderr()
    );
}

#[test]
fn a_bad_reload_changes_nothing_and_says_where_it_is_wrong() {
    let place = Place::new(&configuration("orders", ""));
    let hub = place.start();
    place.write(&configuration("other", "lisen: 127.0.0.1:1"));
    hub.signal(Signal::HUP);
    wait_until(|| hub.stderr().contains("the reload changed nothing"));
    let file = place.file();
    let line = format!("{}:4:1", file.display());
    assert!(hub.stderr().contains(&line), "{}", hub.stderr());
    hub.post("orders", &json!({})).expect(200);
    assert_eq!(
        hub.post("other", &json!({})).expect_problem(404),
        "not-found"
    );
    place.write(&configuration("other", ""));
    hub.signal(Signal::HUP);
    wait_until(|| hub.stderr().contains("was reloaded"));
    hub.post("other", &json!({})).expect(200);
}
