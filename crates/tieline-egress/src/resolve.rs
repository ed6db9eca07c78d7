//! From a name to its addresses. It judges none of them, and remembers nothing: every connection
//! asks again.

use std::{io, net::SocketAddr};

use tokio::net::lookup_host;

#[cfg(test)]
use crate::testing::Names;

/// Most addresses of one name that are looked at.
const MOST_ADDRESSES: usize = 8;

/// Who is asked for the addresses of a name.
pub(crate) enum Resolver {
    /// The system.
    System,
    /// A test, which may change its mind.
    #[cfg(test)]
    Scripted(Names),
}

impl Resolver {
    /// The first addresses of `host`, each with `port`.
    pub(crate) async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::System => {
                let found = lookup_host((host, port)).await?;
                Ok(found.take(MOST_ADDRESSES).collect())
            }
            #[cfg(test)]
            Self::Scripted(names) => Ok(names.next(host, port)),
        }
    }
}
