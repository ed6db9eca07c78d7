//! A connection that cannot be held open by silence: before its first request, where the HTTP
//! library has no clock, and while an answer is written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::limits::{HEAD_READ, WRITE_STALL};

/// What an HTTP/2 connection begins with. Until a connection differs from it, nothing tells which
/// protocol it speaks, and the library waits.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) struct Guarded<S> {
    stream: S,
    opening: Option<Opening>,
    /// Runs while the other side takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

struct Opening {
    seen: usize,
    over: Pin<Box<Sleep>>,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S) -> Self {
        let over = Box::pin(sleep(HEAD_READ));
        Self {
            stream,
            opening: Some(Opening { seen: 0, over }),
            stall: None,
        }
    }

    /// A connection whose first byte is there: from then on the library has a clock of its own.
    pub(super) fn after_opening(stream: S) -> Self {
        Self {
            stream,
            opening: None,
            stall: None,
        }
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(sleep(WRITE_STALL)));
        ready!(stall.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Opening {
    /// Whether the protocol is still open after these bytes.
    fn goes_on(&mut self, bytes: &[u8]) -> bool {
        let rest = PREFACE.get(self.seen..).unwrap_or_default();
        self.seen += bytes.len();
        !bytes.is_empty() && bytes.len() < rest.len() && rest.starts_with(bytes)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some(opening) = &mut this.opening else {
            return read;
        };
        if read.is_pending() {
            ready!(opening.over.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let new = buffer.filled().get(before..).unwrap_or_default();
        if !opening.goes_on(new) {
            this.opening = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buffer);
        this.written(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, buffers);
        this.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_flush(cx);
        this.written(cx, written)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.written(cx, written)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Duration, Instant, timeout};

    use super::*;

    async fn read_after(sent: &[u8]) -> (Result<usize, io::ErrorKind>, Duration) {
        let (mut client, server) = duplex(1024);
        client.write_all(sent).await.unwrap();
        let mut guarded = Guarded::new(server);
        let begun = Instant::now();
        let mut buffer = [0; 1024];
        if !sent.is_empty() {
            let length = guarded.read(&mut buffer).await.unwrap();
            assert_eq!(length, sent.len());
        }
        let read = timeout(HEAD_READ * 2, guarded.read(&mut buffer)).await;
        let read = read.map_err(|_| io::ErrorKind::WouldBlock);
        (
            read.and_then(|read| read.map_err(|e| e.kind())),
            begun.elapsed(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_say_what_it_speaks_ends() {
        for sent in [b"".as_slice(), b"P", b"PRI * HTTP/2.0\r\n"] {
            let (read, after) = read_after(sent).await;
            assert_eq!(read, Err(io::ErrorKind::TimedOut));
            assert_eq!(after.as_secs(), HEAD_READ.as_secs());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn once_it_has_said_so_the_library_has_its_own_clocks() {
        for sent in [b"GET".as_slice(), b"POST", PREFACE] {
            let (read, _) = read_after(sent).await;
            assert_eq!(read, Err(io::ErrorKind::WouldBlock));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_left() {
        let (_client, server) = duplex(16);
        let mut guarded = Guarded::new(server);
        let begun = Instant::now();
        let written = guarded.write_all(&[0; 64]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), WRITE_STALL.as_secs());
    }
}
