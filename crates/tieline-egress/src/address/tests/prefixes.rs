//! Every prefix of the IANA registries, at its edges and just beyond them; and IPv4 inside IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::super::{Class, classify, worse};

/// The special-purpose registries and multicast: each prefix with the class of all that is in it.
const V4: &[(&str, Class)] = &[
    ("0.0.0.0/8", Class::Reserved),
    ("10.0.0.0/8", Class::Private),
    ("100.64.0.0/10", Class::Private),
    ("127.0.0.0/8", Class::Private),
    ("169.254.0.0/16", Class::LinkLocal),
    ("172.16.0.0/12", Class::Private),
    ("192.0.0.0/24", Class::Reserved),
    ("192.0.2.0/24", Class::Reserved),
    ("192.31.196.0/24", Class::Reserved),
    ("192.52.193.0/24", Class::Reserved),
    ("192.88.99.0/24", Class::Reserved),
    ("192.168.0.0/16", Class::Private),
    ("192.175.48.0/24", Class::Reserved),
    ("198.18.0.0/15", Class::Reserved),
    ("198.51.100.0/24", Class::Reserved),
    ("203.0.113.0/24", Class::Reserved),
    ("224.0.0.0/4", Class::Reserved),
    ("240.0.0.0/4", Class::Reserved),
    ("255.255.255.255/32", Class::Reserved),
    // Inside others, or on their own: metadata services.
    ("100.100.100.200/32", Class::Metadata),
    ("168.63.129.16/32", Class::Metadata),
    ("192.0.0.192/32", Class::Metadata),
    ("8.8.8.8/32", Class::Public),
];

/// The same for IPv6, where IPv4 addresses inside are left out.
const V6: &[(&str, Class)] = &[
    ("::/128", Class::Reserved),
    ("::1/128", Class::Private),
    ("100::/64", Class::Reserved),
    ("100:0:0:1::/64", Class::Reserved),
    ("200::/7", Class::Reserved),
    ("2001:1::/32", Class::Reserved),
    ("2001:2::/48", Class::Reserved),
    ("2001:3::/32", Class::Reserved),
    ("2001:4:112::/48", Class::Reserved),
    ("2001:10::/28", Class::Reserved),
    ("2001:20::/28", Class::Reserved),
    ("2001:30::/28", Class::Reserved),
    ("2001:100::/24", Class::Reserved),
    ("2001:200::/24", Class::Public),
    ("2001:db8::/32", Class::Reserved),
    ("2620:4f:8000::/48", Class::Reserved),
    ("2620:4f:8001::/48", Class::Public),
    ("3fff::/20", Class::Reserved),
    ("4000::/2", Class::Reserved),
    ("8000::/2", Class::Reserved),
    ("fc00::/9", Class::Private),
    ("fe00::/9", Class::Reserved),
    ("fe80::/10", Class::LinkLocal),
    ("fec0::/10", Class::Reserved),
    ("ff00::/8", Class::Reserved),
    ("fd00:ec2::/32", Class::Metadata),
];

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// The first and the last address of a prefix, with the middle of it.
fn inside(net: IpNet) -> [IpAddr; 3] {
    let middle = match (net.network(), net.broadcast()) {
        (IpAddr::V4(low), IpAddr::V4(high)) => {
            let middle = low.to_bits() + (high.to_bits() - low.to_bits()) / 2;
            IpAddr::V4(Ipv4Addr::from_bits(middle))
        }
        (IpAddr::V6(low), IpAddr::V6(high)) => {
            let middle = low.to_bits() + (high.to_bits() - low.to_bits()) / 2;
            IpAddr::V6(Ipv6Addr::from_bits(middle))
        }
        mixed => panic!("{mixed:?}"),
    };
    [net.network(), middle, net.broadcast()]
}

/// The addresses just before and just behind it.
fn beside(net: IpNet) -> Vec<IpAddr> {
    match (net.network(), net.broadcast()) {
        (IpAddr::V4(low), IpAddr::V4(high)) => {
            let [before, behind] = [low.to_bits().checked_sub(1), high.to_bits().checked_add(1)];
            let found = before.into_iter().chain(behind);
            found.map(|bits| Ipv4Addr::from_bits(bits).into()).collect()
        }
        (IpAddr::V6(low), IpAddr::V6(high)) => {
            let [before, behind] = [low.to_bits().checked_sub(1), high.to_bits().checked_add(1)];
            let found = before.into_iter().chain(behind);
            found.map(|bits| Ipv6Addr::from_bits(bits).into()).collect()
        }
        mixed => panic!("{mixed:?}"),
    }
}

/// The class by the table: the longest prefix counts, and what none covers is public.
fn by_the_table(table: &[(IpNet, Class)], address: IpAddr) -> Class {
    let covering = table.iter().filter(|(net, _)| net.contains(&address));
    let longest = covering.max_by_key(|(net, _)| net.prefix_len());
    longest.map_or(Class::Public, |(_, class)| *class)
}

#[test]
fn every_ipv4_prefix_has_its_class_from_edge_to_edge_and_not_beyond() {
    let table: Vec<_> = V4.iter().map(|(text, class)| (net(text), *class)).collect();
    for (net, class) in table.iter().copied() {
        for address in inside(net) {
            let wanted = by_the_table(&table, address);
            assert_eq!(classify(address), wanted, "{address} in {net}");
        }
        assert_eq!(classify(net.network()), class, "{net}");
        for address in beside(net) {
            let wanted = by_the_table(&table, address);
            assert_eq!(classify(address), wanted, "{address} beside {net}");
        }
    }
    // And what lies between the rows: some of the 16 million networks of 256 addresses.
    for bits in (0..1_u32 << 24).step_by(1021) {
        let address = IpAddr::V4(Ipv4Addr::from_bits(bits << 8 | 7));
        let wanted = by_the_table(&table, address);
        assert_eq!(classify(address), wanted, "{address}");
    }
}

#[test]
fn every_ipv6_prefix_has_its_class_from_edge_to_edge() {
    for (text, class) in V6 {
        for address in inside(net(text)) {
            assert_eq!(classify(address), *class, "{address} in {text}");
        }
    }
    for (address, class) in [
        ("fbff:ffff::1", Class::Reserved),
        ("fd00:ec1:ffff::", Class::Private),
        ("fd00:ec3::", Class::Private),
        ("fd00:c1::a9fe:a9ff", Class::Private),
        ("fd00:c1::a9fe:a9fe", Class::Metadata),
        ("fd00:100::100:200", Class::Metadata),
        ("fd00:100::100:201", Class::Private),
        ("fd00:a9fe:a9fe::1", Class::Metadata),
        ("fd00:a9fe:a9fe::2", Class::Private),
        ("1fff:ffff::1", Class::Reserved),
        ("2000::1", Class::Public),
        ("2001:1ff:ffff::1", Class::Reserved),
        ("2001:db7:ffff::1", Class::Public),
        ("2001:db9::1", Class::Public),
        ("2003::1", Class::Public),
        ("3ffe:ffff::1", Class::Public),
        ("3fff:1000::1", Class::Public),
        ("febf:ffff::1", Class::LinkLocal),
        ("fec0::1", Class::Reserved),
    ] {
        assert_eq!(classify(address.parse().unwrap()), class, "{address}");
    }
}

/// The forms in which an IPv6 address carries `v4`, with the class that the form itself has.
fn wrapped(v4: Ipv4Addr, low: u16) -> Vec<(Ipv6Addr, Class)> {
    let bits = v4.to_bits();
    let [a, b] = [(bits >> 16) as u16, (bits & 0xffff) as u16];
    let [o0, o1, o2, o3] = v4.octets().map(u16::from);
    let v6 = Ipv6Addr::from_segments;
    let mut forms = vec![
        (v6([0, 0, 0, 0, 0, 0xffff, a, b]), Class::Public),
        (v6([0x64, 0xff9b, 0, 0, 0, 0, a, b]), Class::Public),
        (v6([0, 0, 0, 0, 0xffff, 0, a, b]), Class::Reserved),
        (v6([0x64, 0xff9b, 1, low, 0, 0, a, b]), Class::Reserved),
        (
            v6([0x64, 0xff9b, 1, a, o2, o3 << 8, 0, low]),
            Class::Reserved,
        ),
        (
            v6([0x64, 0xff9b, 1, o0, o1, o2 << 8 | o3, 0, low]),
            Class::Reserved,
        ),
        (
            v6([0x64, 0xff9b, 1, low, o0, o1 << 8 | o2, o3 << 8, 0]),
            Class::Reserved,
        ),
        (v6([0x2002, a, b, low, 0, 0, 0, low]), Class::Reserved),
        (
            v6([0x2001, 0, a, b, 0, low, !0x0808, !0x0808]),
            Class::Reserved,
        ),
        (
            v6([0x2001, 0, 0x0808, 0x0808, 0, low, !a, !b]),
            Class::Reserved,
        ),
    ];
    for bits in [0, 0x0100, 0x0200, 0x0300] {
        let isatap = v6([0x2a00, low, 1, 2, bits, 0x5efe, a, b]);
        forms.push((isatap, Class::Public));
    }
    if bits > 1 {
        forms.push((v6([0, 0, 0, 0, 0, 0, a, b]), Class::Reserved));
    }
    forms
}

/// Addresses near the edges of the table's rows, and any others.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let edges = V4.iter().flat_map(|(text, _)| {
        let net = net(text);
        inside(net).into_iter().chain(beside(net))
    });
    let edges: Vec<_> = edges
        .filter_map(|address| match address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        })
        .collect();
    prop_oneof![
        prop::sample::select(edges),
        any::<u32>().prop_map(Ipv4Addr::from_bits),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_ipv4_address_inside_an_ipv6_address_is_judged_the_same(v4 in any_v4(), low: u16) {
        let alone = classify(v4.into());
        for (form, own) in wrapped(v4, low) {
            let judged = classify(form.into());
            // Exactly the same where the form is but a way to write it.
            if own == Class::Public {
                prop_assert_eq!(judged, alone, "{} in {}", v4, form);
            } else {
                // Other readings of the same bits may make it worse, never better.
                prop_assert_eq!(worse(judged, worse(alone, own)), judged, "{} in {}", v4, form);
            }
        }
    }

    #[test]
    fn nothing_outside_of_what_is_allocated_is_public(bits: u128) {
        let address = Ipv6Addr::from_bits(bits);
        let [first, ..] = address.segments();
        if classify(address.into()) == Class::Public {
            let nat64 = address.segments().starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]);
            let mapped = address.to_ipv4_mapped().is_some();
            prop_assert!((0x2000..=0x3fff).contains(&first) || nat64 || mapped, "{}", address);
        }
    }
}
