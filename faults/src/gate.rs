//! A door before a server: connections are refused while it is shut.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// An address that belongs to nobody while the gate is shut.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    passing: Option<JoinSet<()>>,
}

impl Gate {
    /// A gate that is shut.
    pub(crate) async fn shut_at_first() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self {
            address: listener.local_addr()?,
            passing: None,
        })
    }

    /// Lets connections through to `server`.
    pub(crate) async fn open(&mut self, server: SocketAddr) -> Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        let mut passing = JoinSet::new();
        passing.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(pass(stream, server));
                while connections.try_join_next().is_some() {}
            }
        });
        self.passing = Some(passing);
        Ok(())
    }

    /// Cuts what passes, and refuses from now on.
    pub(crate) async fn shut(&mut self) {
        if let Some(mut passing) = self.passing.take() {
            passing.shutdown().await;
        }
    }
}

async fn pass(mut outside: TcpStream, server: SocketAddr) {
    let Ok(mut inside) = TcpStream::connect(server).await else {
        return;
    };
    let no_delay = [outside.set_nodelay(true), inside.set_nodelay(true)];
    if no_delay.iter().all(Result::is_ok) {
        // How a connection ends is for its two ends to find out.
        let _ended = copy_bidirectional(&mut outside, &mut inside).await;
    }
}
