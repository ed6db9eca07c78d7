//! The networks that callers may come from: narrows what a scheme admits, and never widens it.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::Peer;
use crate::Problems;

/// Where callers may come from; anywhere without a list.
#[derive(Debug)]
pub(super) struct AllowFrom(Option<Vec<IpNet>>);

impl AllowFrom {
    /// Reads networks, and single addresses, as they are written in `allow_from`.
    pub(super) fn read(written: Option<&[String]>, problems: &mut Problems) -> Self {
        const FIX: &str = "write it as in `203.0.113.0/24`, or an address alone";
        let Some(written) = written else {
            return Self(None);
        };
        if written.is_empty() {
            let fix = "name a network, or remove this to let callers come from anywhere";
            problems.add_with_fix("allow_from", "is an empty list", fix);
        }
        let mut networks = Vec::with_capacity(written.len());
        for (at, text) in written.iter().enumerate() {
            let path = format!("allow_from[{at}]");
            match parse(text) {
                Some(network) if network.trunc() == network => networks.push(canonical(network)),
                // Whoever writes an address with bits to spare may have meant that machine alone.
                Some(network) => {
                    let fix = format!("write `{}`, or the address alone", network.trunc());
                    problems.add_with_fix(&path, "is an address inside of its network", fix);
                }
                None => problems.add_with_fix(&path, "is no network", FIX),
            }
        }
        Self(Some(networks))
    }

    /// Whether a caller may come from there. Where nobody knows from where: not if it matters.
    pub(super) fn admits(&self, peer: Option<&Peer>) -> bool {
        let Some(networks) = &self.0 else {
            return true;
        };
        let Some(peer) = peer else {
            return false;
        };
        let address = peer.address.to_canonical();
        networks.iter().any(|network| network.contains(&address))
    }
}

fn parse(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse::<IpNet>().ok().or_else(address)
}

/// An IPv4 network that was written as IPv6 (`::ffff:10.0.0.0/104`) is compared as IPv4, as every
/// address is.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(inner) = network else {
        return network;
    };
    let mapped = inner.network().to_ipv4_mapped();
    let prefix = inner.prefix_len().checked_sub(96);
    let v4 = mapped
        .zip(prefix)
        .and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    v4.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests;
