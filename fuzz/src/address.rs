//! Addresses: however one is written or wrapped, what it leads to decides.
//!
//! Any 16 bytes are an IPv6 address, any four an IPv4 address, and any text may be a URL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tieline_egress::{Class, Target, classify};
use url::{Host, Url};

pub(crate) fn check(data: &[u8]) {
    if let Some(octets) = data.first_chunk::<4>() {
        wrapped(Ipv4Addr::from(*octets));
    }
    if let Some(octets) = data.first_chunk::<16>() {
        unwrapped(Ipv6Addr::from(*octets));
    }
    if let Ok(text) = str::from_utf8(data) {
        url(text);
    }
}

/// An IPv4 address in any of the forms in which IPv6 carries one.
fn wrapped(v4: Ipv4Addr) {
    let own = classify(IpAddr::V4(v4));
    let [a, b, c, d] = v4.octets();
    let [high, low] = [[a, b], [c, d]].map(u16::from_be_bytes);
    assert_eq!(
        classify(IpAddr::V6(v4.to_ipv6_mapped())),
        own,
        "mapped {v4}"
    );
    let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
    assert_eq!(classify(IpAddr::V6(nat64)), own, "NAT64 {v4}");
    if own != Class::Public {
        let forms = [
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0, 0, !high, !low),
            Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
            Ipv6Addr::new(0x2a00, 1, 2, 3, 0x0200, 0x5efe, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        ];
        for form in forms {
            assert_ne!(classify(IpAddr::V6(form)), Class::Public, "{v4} as {form}");
        }
    }
    // The standard library knows some of it, by another table.
    let known = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || v4.is_unspecified();
    assert!(!known || own != Class::Public, "{v4} is called public");
}

fn unwrapped(v6: Ipv6Addr) {
    let own = classify(IpAddr::V6(v6));
    if let Some(v4) = v6.to_ipv4_mapped() {
        assert_eq!(own, classify(IpAddr::V4(v4)), "{v6}");
    }
    let known = v6.is_loopback()
        || v6.is_multicast()
        || v6.is_unspecified()
        || v6.is_unique_local()
        || v6.is_unicast_link_local();
    assert!(!known || own != Class::Public, "{v6} is called public");
}

/// What is connected to is what a URL says by the WHATWG's rules, without user, once and for all.
fn url(text: &str) {
    let Ok(target) = Target::parse(text) else {
        return;
    };
    let uri = target.uri();
    let parsed = Url::parse(text).expect("it was a target");
    assert!(matches!(uri.scheme_str(), Some("http" | "https")));
    let authority = uri.authority().expect("it has a host");
    assert!(!authority.as_str().contains('@'), "{authority}");
    let host = authority.host();
    match parsed.host() {
        Some(Host::Ipv4(v4)) => assert_eq!(host.parse(), Ok(v4)),
        Some(Host::Ipv6(v6)) => {
            let bare = host.trim_matches(['[', ']']);
            assert_eq!(bare.parse(), Ok(v6));
        }
        Some(Host::Domain(name)) => {
            assert_eq!(host, name);
            assert!(host.parse::<IpAddr>().is_err(), "{host} passes as a name");
        }
        None => panic!("a target without host"),
    }
    let again = Target::parse(&uri.to_string());
    assert_eq!(again.ok().as_ref(), Some(&target), "it is read twice");
}
