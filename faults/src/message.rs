//! HTTP/1.1 messages with a declared length, over plain sockets.
//!
//! By hand, because a fault is often one of HTTP itself: a connection cut at a certain byte, an
//! answer that never ends. It must never be taken for a client or a server of the hub.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const READ_BYTES: usize = 8192;
/// The longest message: a page of a list with the largest outputs.
const MESSAGE_MAX: usize = 64 << 20;

/// One request or one answer.
#[derive(Debug)]
pub(crate) struct Message {
    head: BytesMut,
    pub(crate) body: BytesMut,
}

impl Message {
    /// The status of an answer.
    pub(crate) fn status(&self) -> Result<u16> {
        let status = self.word(1).and_then(|status| status.parse().ok());
        status.context("the answer has no status")
    }

    /// The path of a request, its query included.
    pub(crate) fn path(&self) -> &str {
        self.word(1).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(header(&self.head, name)?).ok()
    }

    fn word(&self, at: usize) -> Option<&str> {
        let word = self.head.as_ref().split(|byte| *byte == b' ').nth(at)?;
        std::str::from_utf8(word).ok()
    }
}

/// The messages that arrive over one connection, in their order.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    buffer: BytesMut,
}

impl Inbox {
    /// Reads the next message; `None` where the peer has closed.
    pub(crate) async fn next<S>(&mut self, stream: &mut S) -> Result<Option<Message>>
    where
        S: AsyncRead + Unpin,
    {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            self.buffer.reserve(READ_BYTES);
            if stream.read_buf(&mut self.buffer).await? == 0 {
                ensure!(
                    self.buffer.is_empty(),
                    "the connection closed within a message"
                );
                return Ok(None);
            }
        }
    }

    fn take(&mut self) -> Result<Option<Message>> {
        let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            ensure!(self.buffer.len() < MESSAGE_MAX, "a head without an end");
            return Ok(None);
        };
        let length: usize = match header(&self.buffer[..end], "content-length") {
            Some(length) => std::str::from_utf8(length)?.parse()?,
            None if self.buffer.starts_with(b"HTTP/") => bail!("the answer declares no length"),
            None => 0,
        };
        ensure!(length < MESSAGE_MAX, "a message of {length} bytes");
        let start = end + 4;
        if self.buffer.len() < start + length {
            self.buffer.reserve(start + length - self.buffer.len());
            return Ok(None);
        }
        let head = self.buffer.split_to(start);
        let body = self.buffer.split_to(length);
        Ok(Some(Message { head, body }))
    }
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        found
            .eq_ignore_ascii_case(name.as_bytes())
            .then(|| value.trim_ascii())
    })
}

/// A request; `line` is its method and path.
pub(crate) fn request(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Bytes {
    written(
        &format!("{line} HTTP/1.1\r\nhost: 127.0.0.1\r\n"),
        headers,
        body,
    )
}

/// An answer.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Bytes {
    // The words of the status line mean nothing to a program.
    written(&format!("HTTP/1.1 {status} -\r\n"), headers, body)
}

fn written(start: &str, headers: &[(&str, &str)], body: &[u8]) -> Bytes {
    let mut head = start.to_owned();
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
    [head.as_bytes(), body].concat().into()
}

/// A connection to the hub that is opened where there is none.
#[derive(Debug)]
pub(crate) struct Line {
    address: SocketAddr,
    open: Option<(TcpStream, Inbox)>,
}

impl Line {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            open: None,
        }
    }

    /// Opens the connection where there is none.
    pub(crate) async fn open(&mut self) -> Result<()> {
        if self.open.is_none() {
            self.open = Some((connect(self.address).await?, Inbox::default()));
        }
        Ok(())
    }

    /// Sends a request and reads its answer. After a failure the next call opens a new connection.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Result<Message> {
        // Put back only after a whole answer: a call that is dropped half-way spoils its connection.
        self.open().await?;
        let open = self.open.take();
        let (mut stream, mut inbox) = open.expect("it was opened just now");
        stream.write_all(request).await?;
        let answer = inbox.next(&mut stream).await?;
        let answer = answer.context("the connection was closed instead of an answer")?;
        let last = answer
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !last {
            self.open = Some((stream, inbox));
        }
        Ok(answer)
    }
}

pub(crate) async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests;
