//! HTTP/1.1 messages with a declared length, read and written with as little work as possible:
//! the measuring side shares its processors with what it measures.
//!
//! It must never be taken for a client or a server of the hub: it knows no chunks and no limits.

use anyhow::{Context as _, Result, bail};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

const READ_BYTES: usize = 4096;

/// One request or one response.
#[derive(Debug)]
pub(crate) struct Message {
    head: BytesMut,
    pub(crate) body: BytesMut,
}

impl Message {
    /// The status of a response.
    pub(crate) fn status(&self) -> Result<u16> {
        let status = self.head.as_ref().split(|byte| *byte == b' ').nth(1);
        let status = status.and_then(|status| std::str::from_utf8(status).ok());
        status
            .and_then(|status| status.parse().ok())
            .context("the answer has no status")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        header(&self.head, name)
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
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                bail!("the connection closed within a message");
            }
        }
    }

    fn take(&mut self) -> Result<Option<Message>> {
        let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let length = match header(&self.buffer[..end], "content-length") {
            Some(length) => std::str::from_utf8(length)?.parse()?,
            None if self.buffer.starts_with(b"HTTP/") => bail!("the answer declares no length"),
            None => 0,
        };
        let start = end + 4;
        if self.buffer.len() < start + length {
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

/// A request, ready to be sent any number of times.
pub(crate) fn request(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Bytes {
    let mut head = format!("{line} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        head.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat().into()
}

#[cfg(test)]
mod tests;
