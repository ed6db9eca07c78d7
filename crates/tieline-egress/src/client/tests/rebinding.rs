//! Names that lead somewhere else at every look-up.
//!
//! 127.0.0.2 is the place that may be reached, because it is allowed by name; 127.0.0.1 and `::1`
//! are those that may not.

use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::testing::{Names, Sentinel};

const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn client(names: &Names) -> Client {
    let way = Way {
        policy: outside(&["127.0.0.2/32", "127.0.0.3/32"]),
        resolver: Resolver::Scripted(names.clone()),
        tls: Tls::default(),
    };
    Client::by(way, limits())
}

/// The good place, which closes after each answer, and the bad one at the same port.
async fn places(answers: usize) -> (Server, Sentinel, String) {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned();
    let good = Server::start_at(GOOD, vec![Answer::Close(ok); answers]).await;
    let port = good.address.port();
    let bad = Sentinel::at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    (good, bad, format!("http://rebind.test:{port}/"))
}

#[tokio::test]
async fn a_name_that_flips_between_look_ups_is_blocked_every_time() {
    let (good, bad, url) = places(4).await;
    let names = Names::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let client = client(&names);
    for round in 1..=4 {
        let response = client.send(request(&url)).await.unwrap();
        assert_eq!(response.body.collect(2).await.unwrap(), "ok");
        good.closed(round).await;
        // What was judged is what was connected to: nobody asked a second time in between.
        assert_eq!(names.asked(), 2 * round - 1);
        let error = client.send(request(&url)).await.unwrap_err();
        assert!(matches!(error, EgressError::Forbidden { .. }), "{error:?}");
        assert_eq!(names.asked(), 2 * round);
    }
    assert_eq!((good.connections(), bad.visits()), (4, 0));
}

#[tokio::test]
async fn a_good_address_opens_no_way_to_a_bad_one_beside_it() {
    let (good, bad, url) = places(5).await;
    let mixed: [&[&str]; 5] = [
        &["127.0.0.2", "::1"],
        &["::1", "127.0.0.2"],
        &["127.0.0.1", "127.0.0.2"],
        &["::ffff:127.0.0.1", "64:ff9b::7f00:1", "127.0.0.2"],
        &["169.254.169.254", "fd00:ec2::254", "10.0.0.1", "127.0.0.2"],
    ];
    for answer in mixed {
        let client = client(&Names::new(&[answer]));
        let response = client.send(request(&url)).await.unwrap();
        assert_eq!(response.body.collect(2).await.unwrap(), "ok");
    }
    // Nobody is at 127.0.0.3, and there is no falling back to the bad one.
    for answer in [["127.0.0.3", "127.0.0.1"], ["::1", "127.0.0.3"]] {
        let error = client(&Names::new(&[&answer])).send(request(&url)).await;
        let error = error.unwrap_err();
        assert!(
            matches!(&error, EgressError::Connect { address, .. } if address.ip().to_string() == "127.0.0.3"),
            "{error:?}"
        );
    }
    assert_eq!((good.connections(), bad.visits()), (5, 0));
}

#[tokio::test]
async fn a_name_of_bad_addresses_only_is_forbidden_and_one_of_none_is_unknown() {
    let (good, bad, url) = places(0).await;
    for answer in [
        &["127.0.0.1"] as &[&str],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["0.0.0.0"],
        &["::"],
        &["169.254.169.254"],
        &["2002:7f00:1::1", "::127.0.0.1"],
        &["127.0.0.1", "::1", "10.0.0.1", "fe80::1"],
    ] {
        let error = client(&Names::new(&[answer])).send(request(&url)).await;
        let error = error.unwrap_err();
        assert!(matches!(error, EgressError::Forbidden { .. }), "{error:?}");
    }
    let error = client(&Names::new(&[&[]])).send(request(&url)).await;
    let error = error.unwrap_err();
    assert!(matches!(error, EgressError::Resolve { .. }), "{error:?}");
    assert_eq!((good.connections(), bad.visits()), (0, 0));
    // The sentinel would have known.
    drop(std::net::TcpStream::connect(("127.0.0.1", bad.port())).unwrap());
    assert_eq!(bad.visits(), 1);
}
