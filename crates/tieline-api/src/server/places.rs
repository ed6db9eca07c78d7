//! How many connections, handshakes and requests there may be: in all, and of one network.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{REFUSAL, REFUSALS};
use crate::shares::{Share, Shares, Taker};

/// The places of one listener.
#[derive(Debug)]
pub(super) struct Places {
    shares: Mutex<Shares>,
    refusals: Arc<Semaphore>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    taker: Taker,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self {
            shares: Mutex::new(Shares::new(most)),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
        }
    }

    /// A place; or leave to refuse the connection in words, of which there is a limit too.
    pub(super) fn take(
        self: &Arc<Self>,
        peer: IpAddr,
        share: Share,
    ) -> Result<Place, Option<OwnedSemaphorePermit>> {
        let taker = Taker::of(peer);
        if !self.shares.lock().take(taker, share, 1) {
            return Err(Arc::clone(&self.refusals).try_acquire_owned().ok());
        }
        Ok(Place {
            places: Arc::clone(self),
            taker,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.shares.lock().give_back(self.taker, 1);
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
    fn a_place_is_given_back() {
        let places = Arc::new(Places::new(2));
        let here = "10.0.0.1".parse().unwrap();
        let taken = places.take(here, Share::Client).unwrap();
        assert!(places.take(here, Share::Client).is_err());
        drop(taken);
        assert!(places.take(here, Share::Client).is_ok());
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
