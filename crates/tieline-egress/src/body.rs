//! Reads a response's body within limits.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::{
    client::Limits,
    error::{EgressError, Phase},
};

/// A response's body, read at most once, within the limits of the client and the time of the
/// request.
///
/// Every way to read it fails where the response has content that is encoded: the client asks for
/// none, and how large it would become can only be told by unpacking it.
pub struct BodyReader {
    body: Incoming,
    deadline: Instant,
    idle: Duration,
    limit: usize,
    read: usize,
    /// What comes is compressed, or coded in another way.
    encoded: bool,
}

impl BodyReader {
    /// `headers` are those of the response.
    pub(crate) fn new(
        body: Incoming,
        headers: &HeaderMap,
        deadline: Instant,
        limits: &Limits,
    ) -> Self {
        Self {
            body,
            deadline,
            idle: limits.idle,
            limit: limits.body_bytes,
            read: 0,
            encoded: is_encoded(headers),
        }
    }

    /// The next piece, as soon as it is there; `None` at the end.
    ///
    /// Fails when nothing comes for the idle time, when the request's time is over, and when more
    /// than the client's limit has come in all.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        let until = self.deadline.min(Instant::now() + self.idle);
        let piece = timeout_at(until, self.next()).await.map_err(|_| LATE)??;
        if self.read > self.limit {
            return Err(EgressError::TooLarge { limit: self.limit });
        }
        Ok(piece)
    }

    /// The whole body, or an error if it has more than `limit` bytes.
    pub async fn collect(self, limit: usize) -> Result<Bytes, EgressError> {
        let limit = limit.min(self.limit);
        if self.body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(EgressError::TooLarge { limit });
        }
        match self.read_capped(limit).await? {
            (_, true) => Err(EgressError::TooLarge { limit }),
            (bytes, false) => Ok(bytes),
        }
    }

    /// The first `limit` bytes of the body, and whether there were more.
    pub async fn read_capped(mut self, limit: usize) -> Result<(Bytes, bool), EgressError> {
        let limit = limit.min(self.limit);
        let deadline = self.deadline;
        timeout_at(deadline, self.fill(limit))
            .await
            .map_err(|_| LATE)?
    }

    async fn fill(&mut self, limit: usize) -> Result<(Bytes, bool), EgressError> {
        let Some(mut first) = self.next().await? else {
            return Ok((Bytes::new(), false));
        };
        // Most bodies come in one piece, which needs no copy.
        let Some(second) = (if first.len() > limit {
            None
        } else {
            self.next().await?
        }) else {
            let truncated = first.len() > limit;
            first.truncate(limit);
            return Ok((first, truncated));
        };
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(piece) = next {
            let room = limit - all.len();
            all.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if piece.len() > room {
                return Ok((all.freeze(), true));
            }
            next = self.next().await?;
        }
        Ok((all.freeze(), false))
    }

    /// The next piece without a limit. Trailers are dropped.
    async fn next(&mut self) -> Result<Option<Bytes>, EgressError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| EgressError::Broken {
                source: Arc::new(source),
            })?;
            match frame.into_data() {
                Ok(piece) if piece.is_empty() => {}
                Ok(_) if self.encoded => return Err(EgressError::Encoded),
                Ok(piece) => {
                    self.read = self.read.saturating_add(piece.len());
                    return Ok(Some(piece));
                }
                Err(_trailers) => {}
            }
        }
        Ok(None)
    }
}

/// Whether a response says that its content is not what it stands for.
fn is_encoded(headers: &HeaderMap) -> bool {
    let plain = |value: &http::HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    };
    !headers.get_all(header::CONTENT_ENCODING).iter().all(plain)
}

/// Time ran out while the body was read.
const LATE: EgressError = EgressError::Timeout { phase: Phase::Body };

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader")
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}
