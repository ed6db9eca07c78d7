//! URLs that somebody wrote to get inside. Each is tried for real, and a sentinel sees nobody.

use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::{Reason, testing::Sentinel};

/// Hosts that are, or lead to, a place that deliveries may not reach.
const INSIDE: &[&str] = &[
    // Loopback, as text can say it.
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.127.127.127",
    "127.255.255.255",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "0x000000007f.0.1",
    "127.0x1",
    "0177.1",
    "0177.0.0.1",
    "0177.0.0.01",
    "017700000001",
    // The unspecified address, which connects to loopback.
    "0",
    "00",
    "0x",
    "0.0",
    "0.0.0.0",
    "0.0.0.0.",
    "0x0.0x0",
    "0.1.2.3",
    // The same in other characters.
    "①②⑦.⓪.⓪.①",
    "１２７.０.０.１",
    "０ｘ７ｆ.1",
    "127。0。0。1",
    "127．0．0．1",
    "127｡0｡0｡1",
    "127.0.0.%31",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "127%E3%80%820.0.1",
    "127.0\u{ad}.0.1",
    "127.\u{200b}0.0.1",
    "127.0.\u{2060}0.1",
    "127.0.\n0.1",
    "127\t.0.0.1",
    // The same in an IPv6 address.
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000::0001]",
    "[::0.0.0.1]",
    "[::]",
    "[0::0]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:0.0.0.0]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::127.0.0.1]",
    "[64:ff9b:1:7f00:0:100::]",
    "[2002:7f00:1::]",
    "[2002:7f00:1::1]",
    "[2001:0:7f00:1::]",
    "[2001:0:808:808::80ff:fffe]",
    "[fe80::5efe:127.0.0.1]",
    "[2606:4700::5efe:127.0.0.1]",
    "[2606:4700::100:5efe:127.0.0.1]",
    "[2606:4700::200:5efe:127.0.0.1]",
    "[2606:4700::300:5efe:7f00:1]",
    // Somebody's own network.
    "10.0.0.1",
    "10.1",
    "167772161",
    "0xa000001",
    "012.0.0.1",
    "100.64.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.257",
    "0xc0.0xa8.0.1",
    "3232235521",
    "[::ffff:10.0.0.1]",
    "[::ffff:c0a8:1]",
    "[64:ff9b::192.168.0.1]",
    "[2002:a00:1::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    // No place on the Internet.
    "192.0.0.1",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "4294967295",
    "[100::1]",
    "[100:0:0:1::1]",
    "[2001:2::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:30::1]",
    "[2001:db8::1]",
    "[2620:4f:8000::1]",
    "[3fff::1]",
    "[4000::1]",
    "[5f00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[ff0e::1]",
    "[2001:0:808:808::f7f7:f7f7]",
];

/// Hosts that nobody reaches, whatever was allowed.
const NEVER: &[&str] = &[
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
    "169.254.170.2",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:0:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1:a9fe:a9:fe00::]",
    "[2002:a9fe:a9fe::]",
    "[2001:0:808:808::5601:5601]",
    "[2606:4700::5efe:169.254.169.254]",
    "[fe80::a9fe:a9fe]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "[fd00:c1::a9fe:a9fe]",
    "[fd00:42::42]",
    "[fd00:a9fe:a9fe::1]",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
];

/// Whole URLs that name another host than they seem to. `PORT` is the sentinel's.
const DISGUISED: &[&str] = &[
    "http://127.0.0.1:PORT#@example.com/",
    "http://127.0.0.1:PORT?@example.com/",
    "http://127.0.0.1:PORT/@example.com/",
    "http://127.0.0.1:PORT\\@example.com/",
    "http://127.0.0.1:PORT\\example.com",
    "http:\\\\127.0.0.1:PORT\\",
    "http:127.0.0.1:PORT/",
    "http:/127.0.0.1:PORT/",
    "http://///127.0.0.1:PORT/",
    "HtTp://127.0.0.1:0000PORT/",
    "  http://127.0.0.1:PORT/  ",
    "h\nttp://127.0.0.1:PORT/",
];

/// Whole URLs that are no use at all.
const REFUSED: &[&str] = &[
    "http://example.com@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT@example.com/",
    "http://a:b@127.0.0.1:PORT/",
    "http://%00@127.0.0.1:PORT/",
    "http://127.0.0.1%00.example.com:PORT/",
    "http://127.0.0.1 .example.com:PORT/",
    "http://127.0.0.256:PORT/",
    "http://1.127.0.0.1:PORT/",
    "http://0x17f000001:PORT/",
    "http://[::1:PORT/",
    "http://[::1%25lo]:PORT/",
    "http://[::1]x:PORT/",
    "http://[127.0.0.1]:PORT/",
    "http://127.0.0.1:PORT:80/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:0/",
    "//127.0.0.1:PORT/",
    "127.0.0.1:PORT",
    "file://127.0.0.1/etc/passwd",
    "gopher://127.0.0.1:PORT/_INFO",
    "dict://127.0.0.1:PORT/info",
    "ftp://127.0.0.1:PORT/",
    "ws://127.0.0.1:PORT/",
    "http+unix://%2Frun%2Fx.sock/",
];

fn sentinel() -> Sentinel {
    Sentinel::at(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
}

/// Tries a URL under a policy, and says why it is forbidden.
async fn forbidden(policy: Policy, url: &str) -> Reason {
    match get(policy, url).await {
        Err(error @ EgressError::Forbidden { reason, .. }) => {
            assert!(error.never_connected());
            reason
        }
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn no_url_leads_inside_however_it_is_written() {
    let sentinel = sentinel();
    let port = sentinel.port();
    let closed = || {
        [
            outside(&[]),
            outside(&["11.0.0.0/8", "2a00::/16"]),
            Policy::Agents { public_only: true },
        ]
    };
    for host in INSIDE.iter().chain(NEVER) {
        for url in [
            format!("http://{host}:{port}/"),
            format!("https://{host}:{port}/x?y"),
            format!("http://{host}:6379/"),
        ] {
            for policy in closed() {
                let reason = forbidden(policy, &url).await;
                assert_ne!(reason, Reason::PlainHttp, "{url}");
            }
        }
    }
    for url in DISGUISED {
        let url = url.replace("PORT", &port.to_string());
        for policy in closed() {
            forbidden(policy, &url).await;
        }
    }
    for url in REFUSED {
        let url = url.replace("PORT", &port.to_string());
        let refused = Target::parse(&url);
        assert!(matches!(refused, Err(EgressError::InvalidUrl(_))), "{url}");
    }
    assert_eq!(sentinel.visits(), 0);
    // The same client and the same sentinel, where it is allowed.
    let url = format!("http://127.1:{port}/");
    let allowed = get(outside(&["127.0.0.0/8"]), &url);
    drop(tokio::time::timeout(Duration::from_millis(200), allowed).await);
    assert_eq!(sentinel.visits(), 1);
}

#[tokio::test]
async fn names_of_this_machine_lead_nowhere() {
    let sentinel = sentinel();
    let port = sentinel.port();
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ⓛocalhost",
        "%6cocalhost",
        "loc\u{ad}alhost",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/");
            let error = get(outside(&[]), &url).await.unwrap_err();
            // Not every system knows `localhost.`, and a name without an address leads nowhere.
            let unknown = matches!(error, EgressError::Resolve { .. });
            assert!(
                unknown && host != "localhost" || matches!(error, EgressError::Forbidden { .. }),
                "{url}: {error:?}"
            );
        }
    }
    assert_eq!(sentinel.visits(), 0);
}

#[tokio::test]
async fn no_allow_list_opens_link_local_and_metadata_addresses() {
    for policy in [
        LOCAL,
        Policy::Operator,
        outside(&["0.0.0.0/0", "::/0"]),
        outside(&[
            "169.254.0.0/16",
            "fd00::/8",
            "100.64.0.0/10",
            "64:ff9b::/32",
        ]),
    ] {
        for host in NEVER {
            for scheme in ["http", "https"] {
                let reason = forbidden(policy.clone(), &format!("{scheme}://{host}/")).await;
                assert!(
                    matches!(reason, Reason::LinkLocal | Reason::Metadata),
                    "{host}: {reason}"
                );
            }
        }
    }
    let plain = forbidden(outside(&[]), "http://8.8.8.8/").await;
    assert_eq!(plain, Reason::PlainHttp);
}
