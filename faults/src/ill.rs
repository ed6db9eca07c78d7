//! A server that answers as no server should: what agents and destinations may be in the worst case.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::message::{Inbox, Message, answer};
use crate::serve::listen;

/// What is done with a request after it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ill {
    /// 200 with this body, and the connection goes on.
    Well(&'static str),
    /// This status with one more header and a body.
    Status(u16, (&'static str, &'static str), &'static str),
    /// 200, but only after so long.
    Late(Duration),
    /// Bytes that are no HTTP.
    Garbage,
    /// A body that never ends.
    EndlessBody,
    /// A head that never ends.
    EndlessHead,
    /// A body of one byte a second.
    SlowBody,
    /// A head of one byte a second.
    SlowHead,
    /// Closed in the middle of the body.
    Short,
    /// Closed without an answer.
    Cut,
    /// Nothing, for as long as the other side waits.
    Silent,
}

/// The server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct IllServer {
    pub(crate) address: SocketAddr,
    _serving: JoinSet<()>,
}

impl IllServer {
    /// `decide` sees each request.
    pub(crate) async fn start(
        decide: impl Fn(&Message) -> Ill + Send + Sync + 'static,
    ) -> Result<Self> {
        let decide = Arc::new(decide);
        let serve = move |stream| {
            let decide = Arc::clone(&decide);
            async move {
                // That the hub closes is what most of this is meant to end with.
                let _broken = serve(stream, &*decide).await;
            }
        };
        let (address, serving) = listen(serve).await?;
        Ok(Self {
            address,
            _serving: serving,
        })
    }
}

async fn serve(mut stream: TcpStream, decide: &(impl Fn(&Message) -> Ill + Sync)) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = Inbox::default();
    while let Some(message) = inbox.next(&mut stream).await? {
        match decide(&message) {
            Ill::Well(body) => stream.write_all(&json(body)).await?,
            Ill::Status(status, header, body) => {
                let bytes = answer(status, &[header], body.as_bytes());
                stream.write_all(&bytes).await?;
            }
            Ill::Late(after) => {
                sleep(after).await;
                stream.write_all(&json(r#"{"output":"late"}"#)).await?;
            }
            other => return misbehave(&mut stream, other).await,
        }
    }
    Ok(())
}

fn json(body: &str) -> bytes::Bytes {
    answer(
        200,
        &[("content-type", "application/json")],
        body.as_bytes(),
    )
}

/// After this the connection is of no more use.
async fn misbehave(stream: &mut TcpStream, ill: Ill) -> Result<()> {
    const HEAD: &[u8] = b"HTTP/1.1 200 -\r\ncontent-type: application/json\r\n";
    const SECOND: Duration = Duration::from_secs(1);
    match ill {
        Ill::Garbage => {
            let bytes = b"\x00\xff\x16\x03 no http\r\n\r\n";
            stream.write_all(bytes).await?;
        }
        Ill::Short => {
            stream.write_all(HEAD).await?;
            stream
                .write_all(b"content-length: 1000\r\n\r\n{\"out")
                .await?;
        }
        Ill::EndlessBody => {
            stream.write_all(HEAD).await?;
            stream
                .write_all(b"transfer-encoding: chunked\r\n\r\n")
                .await?;
            let chunk = [&b"4000\r\n"[..], &[b'x'; 0x4000], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk).await?;
            }
        }
        Ill::EndlessHead => {
            stream.write_all(HEAD).await?;
            loop {
                stream.write_all(b"x-more: and more and more\r\n").await?;
            }
        }
        Ill::SlowBody => {
            stream.write_all(HEAD).await?;
            stream.write_all(b"content-length: 1000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                sleep(SECOND).await;
            }
        }
        Ill::SlowHead => {
            for byte in HEAD {
                stream.write_all(&[*byte]).await?;
                sleep(SECOND).await;
            }
        }
        Ill::Silent => while stream.read(&mut [0; 1024]).await? > 0 {},
        Ill::Well(_) | Ill::Status(..) | Ill::Late(_) | Ill::Cut => {}
    }
    Ok(())
}
