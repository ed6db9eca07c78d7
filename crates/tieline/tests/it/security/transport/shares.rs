//! How much of the hub one network can have.

use super::floods::valid;
use super::frames::{Connection, INITIAL_WINDOW_SIZE, STREAMS, get};
use super::proxies::proxied;
use crate::http::{Answer, Request};
use crate::hub::{Process, SECRET, wait_until};

/// Half of the requests that a listener has in hand at the most.
const HALF: u32 = 16_384;

/// A request on behalf of somebody behind the proxy that this test is.
fn of(hub: &Process, sender: &str) -> Answer {
    let request = Request::post("/c/orders").bearer(SECRET);
    hub.send(&request.header("X-Forwarded-For", sender))
}

#[test]
fn one_network_has_half_of_the_requests_in_hand_and_the_rest_is_for_others() {
    let place = proxied();
    let hub = place.start();
    let mut held: Vec<_> = (0..HALF / STREAMS)
        .map(|n| {
            // There is no room for the bodies of the answers: the requests stay in hand. Each
            // connection is for another address of the network.
            let mut connection = Connection::open(hub.address, &[(INITIAL_WINDOW_SIZE, 0)]);
            let sender = format!("2001:db8::{n}");
            let mut fields = get("/livez").to_vec();
            fields.push(("x-forwarded-for", &sender));
            for n in 0..STREAMS {
                connection.ask(n * 2 + 1, &fields).unwrap();
            }
            connection.heads(STREAMS);
            connection
        })
        .collect();
    // What it sends may be as good as it likes.
    let refused = of(&hub, "2001:db8::ffff:1");
    assert_eq!(refused.expect_problem(503), "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    for other in ["2001:db8:0:1::", "198.51.100.7"] {
        of(&hub, other).expect(202);
    }
    // The proxy on its own behalf.
    valid(&hub)();
    // What one request gives back, another has.
    held.pop();
    wait_until(|| of(&hub, "2001:db8::ffff:1").status == 202);
}
