//! How many connections, handshakes and requests there may be: in all, and of one address.
//!
//! A network never has more than it leaves free: alone it gets half of the places, two get a third
//! each, and whoever comes next finds some. A trusted proxy, which comes for many, gets seven for
//! each that it leaves. A network is an address of IPv4, or a `/64`; whoever has a `/48` has 65 536 of
//! these, and gets three for each that they leave together.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{REFUSAL, REFUSALS};
use crate::peer::{network, site};

/// How much of the places one network may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
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

/// How many a site may have for each that is free.
const SITE_RATIO: usize = 3;

/// The places of one listener.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    taken: Mutex<Taken>,
    refusals: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
    by_site: HashMap<Ipv6Addr, usize>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    network: IpAddr,
    site: Option<Ipv6Addr>,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Mutex::default(),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
        }
    }

    /// A place; or leave to refuse the connection in words, of which there is a limit too.
    pub(super) fn take(
        self: &Arc<Self>,
        peer: IpAddr,
        share: Share,
    ) -> Result<Place, Option<OwnedSemaphorePermit>> {
        let (network, site) = (network(peer), site(peer));
        let mut taken = self.taken.lock();
        let own = taken.by_network.get(&network).copied().unwrap_or_default();
        let of_site = site.and_then(|site| taken.by_site.get(&site)).copied();
        let of_site = of_site.unwrap_or_default();
        let free = self.most.saturating_sub(taken.all);
        if own >= free.saturating_mul(share.ratio()) || of_site >= free.saturating_mul(SITE_RATIO) {
            drop(taken);
            return Err(Arc::clone(&self.refusals).try_acquire_owned().ok());
        }
        taken.all += 1;
        taken.by_network.insert(network, own + 1);
        taken.by_site.extend(site.map(|site| (site, of_site + 1)));
        drop(taken);
        Ok(Place {
            places: Arc::clone(self),
            network,
            site,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all -= 1;
        give_back(&mut taken.by_network, &self.network);
        if let Some(site) = &self.site {
            give_back(&mut taken.by_site, site);
        }
    }
}

fn give_back<K: Eq + Hash>(counts: &mut HashMap<K, usize>, of: &K) {
    if let Some(own) = counts.get_mut(of) {
        *own -= 1;
        if *own == 0 {
            counts.remove(of);
        }
    }
}

const REFUSED: &str = concat!(
    "HTTP/1.1 503 Service Unavailable\r\n",
    "content-type: application/problem+json\r\n",
    "content-length: 157\r\n",
    "retry-after: 1\r\n",
    "connection: close\r\n\r\n",
    r#"{"type":"urn:tieline:problem:overloaded","title":"The hub takes no more for now","#,
    r#""code":"overloaded","detail":"The hub has too many connections. Try again."}"#,
);

/// Tells a client that there is no place, and lets it read that before the connection goes.
pub(super) async fn refuse(mut stream: TcpStream, leave: OwnedSemaphorePermit) {
    let told = timeout(REFUSAL, async {
        stream.write_all(REFUSED.as_bytes()).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await? > 0 {}
        std::io::Result::Ok(())
    });
    if !matches!(told.await, Ok(Ok(()))) {
        tracing::debug!("a connection that had no place was cut");
    }
    drop(leave);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes places for an address for as long as it gets some, and says how many.
    fn fill(places: &Arc<Places>, address: &str) -> Vec<Place> {
        let address = address.parse().unwrap();
        std::iter::from_fn(|| places.take(address, Share::Client).ok()).collect()
    }

    #[test]
    fn a_network_has_no_more_than_it_leaves_and_the_next_finds_some() {
        let places = Arc::new(Places::new(64));
        let one = fill(&places, "10.0.0.1");
        assert_eq!(one.len(), 32);
        assert!(fill(&places, "::ffff:10.0.0.1").is_empty());
        let two = fill(&places, "2001:db8::1");
        assert_eq!(two.len(), 16);
        assert!(fill(&places, "2001:db8::2").is_empty(), "the same network");
        let three = fill(&places, "10.0.0.3");
        assert_eq!((three.len(), fill(&places, "10.0.0.4").len()), (8, 4));
        drop(one);
        assert_eq!(fill(&places, "10.0.0.3").len(), 16, "what is free counts");
        drop((two, three));
        let taken = places.taken.lock();
        assert!(taken.by_network.is_empty() && taken.by_site.is_empty());
        assert_eq!(taken.all, 0);
    }

    #[test]
    fn the_networks_of_one_site_leave_a_quarter_together() {
        let places = Arc::new(Places::new(64));
        let mut all = Vec::new();
        for n in 0..64 {
            all.extend(fill(&places, &format!("2001:db8:0:{n:x}::1")));
        }
        assert_eq!(all.len(), 48);
        assert_eq!(fill(&places, "2001:db8:1::1").len(), 8);
        assert_eq!(fill(&places, "192.0.2.1").len(), 8);
    }

    #[test]
    fn a_proxy_may_take_more_and_not_all() {
        let places = Arc::new(Places::new(8));
        let take = |_| places.take("10.0.0.1".parse().unwrap(), Share::Proxy).ok();
        let taken: Vec<_> = (0..8).map_while(take).collect();
        assert_eq!(taken.len(), 7);
        let other = places.take("10.0.0.2".parse().unwrap(), Share::Client);
        assert!(other.is_ok());
    }

    #[test]
    fn refusals_in_words_are_few() {
        let places = Arc::new(Places::new(0));
        let here = "::1".parse().unwrap();
        let refused = |_| places.take(here, Share::Client).unwrap_err();
        let leaves: Vec<_> = (0..=REFUSALS).map(refused).collect();
        assert_eq!(leaves.iter().flatten().count(), REFUSALS);
    }

    #[test]
    fn the_refusal_is_whole() {
        let (head, body) = REFUSED.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["title"], tieline_contract::Code::Overloaded.title());
    }
}
