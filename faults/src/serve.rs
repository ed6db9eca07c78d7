//! What agents and destinations have in common: a listener, and answers that can be withheld.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::conduct::{Act, Reply};
use crate::message::answer;
use crate::record::{CALLER_GONE, HUNG_UP};

/// Serves each connection by a task of its own, until the returned tasks are dropped.
pub(crate) async fn listen<F>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> Result<(SocketAddr, JoinSet<()>)>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream));
            while connections.try_join_next().is_some() {}
        }
    });
    Ok((address, serving))
}

/// Takes the time that a reply takes, and tells what is to be done then.
pub(crate) async fn take_time(stream: &TcpStream, reply: Reply) -> u16 {
    if !reply.after.is_zero() {
        tokio::select! {
            () = sleep(reply.after) => {}
            () = closed(stream) => return CALLER_GONE,
        }
    }
    match reply.act {
        Act::Answer => 200,
        Act::Refuse(status) => status,
        Act::HangUp => HUNG_UP,
    }
}

/// Waits until the peer has closed. More bytes from it mean that it has not.
async fn closed(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        std::future::pending::<()>().await;
    }
}

/// Does what was decided; false where the connection is over.
pub(crate) async fn reply(stream: &mut TcpStream, did: u16, body: &[u8]) -> Result<bool> {
    let bytes = match did {
        HUNG_UP | CALLER_GONE => return Ok(false),
        200 => answer(200, &[("content-type", "application/json")], body),
        429 | 503 => answer(did, &[("retry-after", "1")], b""),
        _ => answer(did, &[], b""),
    };
    stream.write_all(&bytes).await?;
    Ok(true)
}
