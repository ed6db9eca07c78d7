//! How much of something bounded each network may have.
//!
//! A network gets no more once it has as much as is free: one alone gets half, the next half of what
//! is left, and so on, so that it takes many of them to leave nothing. A trusted proxy, which comes
//! for many, gets seven for each that it leaves. A network is an address of IPv4, or a `/64`; whoever has a `/48` has 65 536 of
//! these, and gets three for each that they leave together.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use crate::peer::{network, site};

/// How many a site may have for each that is free.
const SITE_RATIO: usize = 3;

/// Who takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Client,
    Proxy,
}

impl Share {
    /// How many it may have for each that is free.
    const fn ratio(self) -> usize {
        match self {
            Self::Client => 1,
            Self::Proxy => 7,
        }
    }
}

/// Who has what takes part in the same share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taker {
    network: IpAddr,
    site: Option<Ipv6Addr>,
}

impl Taker {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self {
            network: network(address),
            site: site(address),
        }
    }
}

/// What there is, and who has how much of it.
#[derive(Debug)]
pub(crate) struct Shares {
    free: usize,
    by_network: HashMap<IpAddr, usize>,
    by_site: HashMap<Ipv6Addr, usize>,
}

impl Shares {
    pub(crate) fn new(all: usize) -> Self {
        Self {
            free: all,
            by_network: HashMap::new(),
            by_site: HashMap::new(),
        }
    }

    /// Takes so much, to be given back; `false` where it may not have any more, or there is too
    /// little.
    pub(crate) fn take(&mut self, taker: Taker, share: Share, amount: usize) -> bool {
        let own = self.by_network.get(&taker.network);
        let own = own.copied().unwrap_or_default();
        let of_site = taker.site.and_then(|site| self.by_site.get(&site));
        let of_site = of_site.copied().unwrap_or_default();
        let may_have = |ratio| self.free.saturating_mul(ratio);
        let most = own >= may_have(share.ratio()) || of_site >= may_have(SITE_RATIO);
        if most || amount > self.free {
            return false;
        }
        self.free -= amount;
        self.by_network.insert(taker.network, own + amount);
        let site = taker.site.map(|site| (site, of_site + amount));
        self.by_site.extend(site);
        true
    }

    pub(crate) fn give_back(&mut self, taker: Taker, amount: usize) {
        self.free += amount;
        reduce(&mut self.by_network, &taker.network, amount);
        if let Some(site) = &taker.site {
            reduce(&mut self.by_site, site, amount);
        }
    }
}

fn reduce<K: Eq + Hash>(counts: &mut HashMap<K, usize>, of: &K, amount: usize) {
    if let Some(own) = counts.get_mut(of) {
        *own -= amount;
        if *own == 0 {
            counts.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taker(address: &str) -> Taker {
        Taker::of(address.parse().unwrap())
    }

    /// Takes for as long as it gets, and says how much.
    fn fill(shares: &mut Shares, address: &str, share: Share) -> usize {
        let taker = taker(address);
        std::iter::from_fn(|| shares.take(taker, share, 1).then_some(())).count()
    }

    #[test]
    fn a_network_has_no_more_than_it_leaves_and_the_next_finds_some() {
        let mut shares = Shares::new(64);
        let mut client = |address| fill(&mut shares, address, Share::Client);
        assert_eq!(client("10.0.0.1"), 32);
        assert_eq!(client("::ffff:10.0.0.1"), 0);
        assert_eq!(client("2001:db8::1"), 16);
        assert_eq!(client("2001:db8::2"), 0, "the same network");
        assert_eq!(client("10.0.0.3"), 8);
        assert_eq!(client("10.0.0.4"), 4);
        shares.give_back(taker("10.0.0.1"), 32);
        assert_eq!(
            fill(&mut shares, "10.0.0.3", Share::Client),
            14,
            "36 are free"
        );
        for (address, amount) in [("10.0.0.3", 22), ("10.0.0.4", 4), ("2001:db8::1", 16)] {
            shares.give_back(taker(address), amount);
        }
        assert!(shares.by_network.is_empty() && shares.by_site.is_empty());
        assert_eq!(shares.free, 64);
    }

    #[test]
    fn the_networks_of_one_site_leave_a_quarter_together() {
        let mut shares = Shares::new(64);
        let networks = (0..64).map(|n| format!("2001:db8:0:{n:x}::1"));
        let all: usize = networks
            .map(|network| fill(&mut shares, &network, Share::Client))
            .sum();
        assert_eq!(all, 48);
        assert_eq!(fill(&mut shares, "2001:db8:1::1", Share::Client), 8);
        assert_eq!(fill(&mut shares, "192.0.2.1", Share::Client), 4);
    }

    #[test]
    fn a_proxy_may_have_more_and_not_all() {
        let mut shares = Shares::new(64);
        assert_eq!(fill(&mut shares, "10.0.0.1", Share::Proxy), 56);
        assert_eq!(fill(&mut shares, "10.0.0.2", Share::Client), 4);
    }

    #[test]
    fn what_is_too_much_takes_nothing() {
        let mut shares = Shares::new(10);
        assert!(!shares.take(taker("10.0.0.1"), Share::Client, 11));
        assert!(shares.take(taker("10.0.0.1"), Share::Client, 10));
        assert!(!shares.take(taker("10.0.0.2"), Share::Client, 1));
    }
}
