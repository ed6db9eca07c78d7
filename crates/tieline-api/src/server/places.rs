//! How many connections, handshakes and requests there may be: in all, and of one address.
//!
//! One address may take half of the places, so that the others keep theirs; a trusted proxy, which
//! comes for many, seven of eight. The networks of IPv6 count as one address: whoever has one has a
//! whole `/64`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{REFUSAL, REFUSALS};
use crate::peer::network;

/// How much of the places one address may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Client,
    Proxy,
}

impl Share {
    fn of(self, all: usize) -> usize {
        match self {
            Self::Client => all.div_ceil(2),
            Self::Proxy => all - all / 8,
        }
    }
}

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
    by_address: HashMap<IpAddr, usize>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
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
        let address = network(peer);
        let mut taken = self.taken.lock();
        let own = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.all >= self.most || own >= share.of(self.most) {
            drop(taken);
            return Err(Arc::clone(&self.refusals).try_acquire_owned().ok());
        }
        taken.all += 1;
        taken.by_address.insert(address, own + 1);
        drop(taken);
        Ok(Place {
            places: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all -= 1;
        if let Some(own) = taken.by_address.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.by_address.remove(&self.address);
            }
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

    #[test]
    fn one_address_takes_half_and_leaves_the_rest_to_others() {
        let places = Arc::new(Places::new(4));
        let take = |address: &str| places.take(address.parse().unwrap(), Share::Client);
        let one = [take("10.0.0.1").unwrap(), take("::ffff:10.0.0.1").unwrap()];
        assert!(take("10.0.0.1").is_err());
        let two = [take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap()];
        assert!(take("10.0.0.2").is_err());
        drop(two);
        assert!(take("2001:db8:0:1::1").is_ok());
        drop(one);
        assert!(places.taken.lock().by_address.is_empty());
        assert_eq!(places.taken.lock().all, 0);
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
