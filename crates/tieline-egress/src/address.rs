//! What kind of place an address is. Works on parsed addresses only, never on text.
//!
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 6890, RFC 6052 (NAT64),
//! RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP), and the clouds' manuals for metadata.
//! What the registries call globally reachable and is nobody's own (AS112, AMT relays, anycast of
//! protocols) is reserved here too: whoever is nearest answers there, and no agent or destination
//! ever does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Routed on the public Internet.
    Public,
    /// Loopback, RFC 1918, carrier-grade NAT, unique local: somebody's own network.
    Private,
    /// Unspecified, multicast, broadcast, documentation, benchmarking, anycast sinks, reserved,
    /// retired tunnels.
    Reserved,
    /// 169.254.0.0/16 and `fe80::/10`.
    LinkLocal,
    /// A service that hands out a cloud machine's credentials.
    Metadata,
}

/// What kind of place `address` is. An IPv6 address that carries an IPv4 address is judged by both,
/// and the worse one counts.
pub fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        // Alibaba Cloud, Oracle Cloud, Azure's wire server.
        [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => Class::Metadata,
        // Also the metadata service of AWS, Google, Azure, DigitalOcean, Hetzner and others.
        [169, 254, ..] => Class::LinkLocal,
        // Loopback, RFC 1918, RFC 6598.
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => {
            Class::Private
        }
        // This network; IETF protocols; documentation; AS112; AMT; 6to4 relays; benchmarking;
        // multicast, class E and broadcast.
        [0 | 224..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 88, 99, _]
        | [192, 175, 48, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Class::Reserved,
        _ => Class::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> Class {
    let own = classify_v6_prefix(address);
    embedded(address)
        .into_iter()
        .flatten()
        .map(classify_v4)
        .fold(own, worse)
}

/// Judges the address without looking for an IPv4 address inside.
fn classify_v6_prefix(address: Ipv6Addr) -> Class {
    match address.segments() {
        // AWS (fd00:ec2::254 and neighbours), Scaleway (fd00:42::42), Google (fd20:ce::254); then
        // Akamai, Oracle and Alibaba, exactly, because others use the networks around them.
        [0xfd00, 0x0ec2 | 0x0042, ..]
        | [0xfd20, 0x00ce, ..]
        | [0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1]
        | [0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x0100, 0, 0, 0, 0, 0x0100, 0x0200] => Class::Metadata,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        // Loopback; unique local.
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] => Class::Private,
        // IETF protocols, with Teredo, benchmarking and ORCHID; documentation; 6to4; AS112.
        [0x2001, 0..=0x01ff | 0x0db8, ..]
        | [0x2002, ..]
        | [0x2620, 0x004f, 0x8000, ..]
        | [0x3fff, 0..=0x0fff, ..] => Class::Reserved,
        // Global unicast. Mapped IPv4 and the well-known NAT64 prefix are what the IPv4 address
        // inside is.
        [0x2000..=0x3fff, ..] | [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            Class::Public
        }
        _ => Class::Reserved,
    }
}

/// The IPv4 addresses that `address` may lead to through a translator or a tunnel.
fn embedded(address: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let segments = address.segments();
    let tail = join(segments[6], segments[7]);
    match segments {
        // The loopback and the unspecified address are not IPv4-compatible addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None; 4],
        // Local NAT64 (RFC 8215), by a prefix of any length that has room in it: /48, /56, /64 and
        // /96. Bits 64 to 71 are a gap (RFC 6052, section 2.2).
        [0x64, 0xff9b, 1, s3, s4, s5, ..] => [
            Some(tail),
            Some(join(s3, (s4 << 8) | (s5 >> 8))),
            Some(join((s3 << 8) | (s4 & 0xff), s5)),
            Some(join((s4 << 8) | (s5 >> 8), (s5 << 8) | (segments[6] >> 8))),
        ],
        [0x2002, high, low, ..] => [Some(join(high, low)), None, None, None],
        // Teredo: the server in clear, the client with its bits inverted.
        [0x2001, 0, high, low, ..] => [
            Some(join(high, low)),
            Some(join(!segments[6], !segments[7])),
            None,
            None,
        ],
        // IPv4-compatible, mapped, translated (RFC 2765), NAT64, ISATAP (with either value of the
        // bits for universal and for group).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..]
        | [_, _, _, _, 0 | 0x0100 | 0x0200 | 0x0300, 0x5efe, ..] => [Some(tail), None, None, None],
        _ => [None; 4],
    }
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low))
}

fn worse(a: Class, b: Class) -> Class {
    let rank = |class| match class {
        Class::Public => 0,
        Class::Private => 1,
        Class::Reserved => 2,
        Class::LinkLocal => 3,
        Class::Metadata => 4,
    };
    if rank(a) >= rank(b) { a } else { b }
}

#[cfg(test)]
mod tests;
