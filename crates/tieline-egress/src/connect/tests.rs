use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::*;

fn shared(policy: Policy) -> Shared {
    Shared {
        way: Way {
            policy,
            resolver: Resolver::System,
            tls: Tls::default(),
        },
        timeout: Duration::from_secs(2),
    }
}

fn wanted() -> Wanted<'static> {
    Wanted {
        host: "name.test",
        port: 80,
        secure: false,
    }
}

/// Something between here and there (a transparent proxy, a rewritten route) may have the last word
/// on where a connection ends.
#[tokio::test]
async fn a_connection_that_ends_somewhere_else_is_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = listener.local_addr().unwrap();
    let all = Policy::Outside {
        allow: vec!["0.0.0.0/0".parse().unwrap()],
    };
    let tcp = TcpStream::connect(there).await.unwrap();
    let meant = SocketAddr::from((Ipv4Addr::new(8, 8, 8, 8), there.port()));
    let moved = shared(all).inspect(&wanted(), tcp, meant).unwrap_err();
    assert!(
        matches!(
            moved,
            EgressError::Forbidden {
                reason: Reason::Moved,
                ..
            }
        ),
        "{moved:?}"
    );
}

#[tokio::test]
async fn the_peer_is_judged_after_the_connection_stands() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = listener.local_addr().unwrap();
    // Let through before, as no address in the list would have been: the second look says no.
    let closed = Policy::Outside { allow: Vec::new() };
    for meant in [
        there,
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, there.port())),
    ] {
        let tcp = TcpStream::connect(there).await.unwrap();
        let error = shared(closed.clone())
            .inspect(&wanted(), tcp, meant)
            .unwrap_err();
        assert!(
            matches!(
                error,
                EgressError::Forbidden {
                    reason: Reason::Private,
                    ..
                }
            ),
            "{error:?}"
        );
    }
    let tcp = TcpStream::connect(there).await.unwrap();
    let open = shared(Policy::Operator).inspect(&wanted(), tcp, there);
    assert!(open.is_ok());
}
