//! Who is at the other end, as far as the hub can know.
//!
//! An address is the socket's, or the one that trusted proxies vouch for. What a client writes into
//! `X-Forwarded-For` itself stands to the left of what the first trusted proxy adds, and is never
//! looked at.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use tieline_contract::auth::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of proxies that are believed. They may change while the hub works.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<ArcSwap<Vec<IpNet>>>);

impl TrustedProxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(networks)))
    }

    /// From now on these are believed, and no others.
    pub fn replace(&self, networks: Vec<IpNet>) {
        self.0.store(Arc::new(networks));
    }

    /// Whether what this address says of others is believed.
    pub(crate) fn hold(&self, address: IpAddr) -> bool {
        let networks = self.0.load();
        networks.iter().any(|network| network.contains(&address))
    }

    /// Who sent a request: the socket's peer, or the one on whose behalf trusted proxies ask.
    ///
    /// A proxy's certificate says nothing of who is behind it.
    pub(crate) fn sender(&self, socket: &Arc<Peer>, headers: &HeaderMap) -> Arc<Peer> {
        if !headers.contains_key(FORWARDED_FOR) || !self.hold(socket.address) {
            return Arc::clone(socket);
        }
        Arc::new(Peer::new(self.behind(socket.address, headers)))
    }

    /// The rightmost hop that is not trusted. What cannot be read ends the walk at the last hop that
    /// was vouched for.
    fn behind(&self, socket: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let mut last = socket;
        for hop in hops {
            let Some(address) = parse(hop) else { break };
            last = address;
            if !self.hold(address) {
                break;
            }
        }
        last
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let bare = || hop.parse::<IpAddr>().ok();
    let with_port = || Some(hop.parse::<SocketAddr>().ok()?.ip());
    let bracketed = || {
        let inner = hop.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    let address = bare().or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

/// What counts as one sender: an address of IPv4, or a `/64`, which is what one customer gets of
/// IPv6 (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let upper = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(upper))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The `/48` of an address of IPv6, which is what a site gets at the most (RFC 6177).
pub(crate) fn site(address: IpAddr) -> Option<Ipv6Addr> {
    match address.to_canonical() {
        IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() >> 80 << 80)),
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests;
