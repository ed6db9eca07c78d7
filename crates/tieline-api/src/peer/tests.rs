use http::HeaderValue;
use tieline_contract::auth::ClientCertificate;

use super::*;

fn proxies() -> TrustedProxies {
    let networks = ["10.0.0.0/8", "2001:db8:a::/48"];
    TrustedProxies::new(networks.map(|network| network.parse().unwrap()).to_vec())
}

fn sender(socket: &str, lines: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
        headers.append("x-forwarded-for", value);
    }
    let socket = Arc::new(Peer::new(socket.parse().unwrap()));
    proxies().sender(&socket, &headers).address.to_string()
}

#[test]
fn a_stranger_is_who_the_socket_says_whatever_the_request_claims() {
    for claim in ["10.0.0.1", "127.0.0.1", "203.0.113.9, 10.0.0.1", ""] {
        assert_eq!(sender("198.51.100.7", &[claim]), "198.51.100.7", "{claim}");
    }
    // Not a prefix of a text, but a network.
    assert_eq!(sender("110.0.0.1", &["203.0.113.9"]), "110.0.0.1");
}

#[test]
fn behind_a_trusted_proxy_the_rightmost_stranger_is_the_sender() {
    for (lines, expected) in [
        (&["203.0.113.9"][..], "203.0.113.9"),
        // What the client wrote stands to the left.
        (&["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
        (&["10.0.0.5, 203.0.113.9"], "203.0.113.9"),
        (&["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        // Further proxies of one's own.
        (
            &["1.1.1.1, 203.0.113.9, 10.0.0.3, 2001:db8:a::1"],
            "203.0.113.9",
        ),
        (&["203.0.113.9", "10.0.0.3"], "203.0.113.9"),
        // All are one's own.
        (&["10.0.0.4, 10.0.0.3"], "10.0.0.4"),
    ] {
        assert_eq!(sender("10.0.0.1", lines), expected, "{lines:?}");
        assert_eq!(sender("::ffff:10.0.0.1", lines), expected, "{lines:?}");
    }
    assert_eq!(sender("10.0.0.1", &[]), "10.0.0.1");
}

#[test]
fn addresses_come_in_every_usual_form() {
    for (hop, expected) in [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("\t203.0.113.9 ", "203.0.113.9"),
    ] {
        assert_eq!(sender("10.0.0.1", &[hop]), expected, "{hop}");
    }
}

#[test]
fn what_cannot_be_read_ends_the_walk_at_the_last_trusted_hop() {
    for garbage in [
        "",
        "unknown",
        "_hidden",
        "203.0.113",
        "203.0.113.009",
        "0xcb007109",
        "203.0.113.9:99999",
        "\"203.0.113.9\"",
        "for=203.0.113.9",
        "203.0.113.9/32",
        "203.0.113.9;1",
        "[203.0.113.9]",
        "2001:db8::1%eth0",
        "\u{ff11}.1.1.1",
    ] {
        let line = format!("203.0.113.1, {garbage}");
        assert_eq!(sender("10.0.0.1", &[&line]), "10.0.0.1", "{garbage}");
        let line = format!("203.0.113.1, {garbage}, 10.0.0.2");
        assert_eq!(sender("10.0.0.1", &[&line]), "10.0.0.2", "{garbage}");
    }
}

#[test]
fn a_proxys_certificate_is_not_its_clients() {
    let certificate = Some(ClientCertificate {
        fingerprint: [7; 32],
        names: vec!["proxy.example.com".to_owned()],
    });
    let socket = Arc::new(Peer {
        address: "10.0.0.1".parse().unwrap(),
        certificate: certificate.clone(),
    });
    let mut headers = HeaderMap::new();
    let own = proxies().sender(&socket, &headers);
    assert_eq!(own.certificate, certificate);
    headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9"));
    assert_eq!(proxies().sender(&socket, &headers).certificate, None);
}

#[test]
fn other_proxies_can_be_trusted_from_one_moment_on() {
    let proxies = proxies();
    proxies.replace(vec!["192.0.2.0/24".parse().unwrap()]);
    assert!(proxies.hold("192.0.2.1".parse().unwrap()));
    assert!(!proxies.hold("10.0.0.1".parse().unwrap()));
}
