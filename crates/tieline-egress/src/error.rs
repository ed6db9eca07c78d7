//! What can go wrong with a request, told apart as far as a retry verdict needs.

use std::{error::Error, net::SocketAddr, sync::Arc};

use crate::policy::Reason;

/// The failure underneath. Shared, because a connection may fail for several waiting requests.
type Source = Arc<dyn Error + Send + Sync>;

/// Why a request has no answer, or no whole one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EgressError {
    /// The URL cannot be used; trying again will not help.
    #[error("the URL is not usable: {0}")]
    InvalidUrl(&'static str),
    /// The policy forbids the connection; trying again will not help, unless the name moves.
    #[error("{target} is forbidden: {reason}")]
    Forbidden {
        /// The address, or the host name it was found under and the address.
        target: String,
        /// Why.
        reason: Reason,
    },
    /// The name has no address.
    #[error("could not resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's words.
        source: Source,
    },
    /// No connection could be made.
    #[error("could not connect to {address}")]
    Connect {
        /// The last address that was tried.
        address: SocketAddr,
        /// The system's words.
        source: Source,
    },
    /// The connection could not be secured, or the certificate was not accepted.
    #[error("could not agree on TLS with {host}")]
    Tls {
        /// The name that was expected.
        host: String,
        /// The TLS library's words.
        source: Source,
    },
    /// Time ran out.
    #[error("timed out {phase}")]
    Timeout {
        /// What was being waited for.
        phase: Phase,
    },
    /// The connection failed after the request may have been sent.
    #[error("the connection broke")]
    Broken {
        /// The HTTP library's words.
        source: Source,
    },
    /// The answer is larger than its limit.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes, of the head or of the body.
        limit: usize,
    },
    /// The answer has content that is compressed, which the client asked not to be sent.
    #[error("the answer is compressed, and plain answers are asked for")]
    Encoded,
}

/// What a request was waiting for when time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// An address, a connection, or TLS.
    Connect,
    /// The head of the response.
    Response,
    /// The body of the response.
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "while connecting",
            Self::Response => "waiting for the response",
            Self::Body => "reading the response",
        })
    }
}

impl EgressError {
    /// Whether it is certain that no byte of the request reached the other side.
    pub fn never_connected(&self) -> bool {
        match self {
            Self::InvalidUrl(_)
            | Self::Forbidden { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Timeout {
                phase: Phase::Connect,
            } => true,
            Self::Timeout { .. } | Self::Broken { .. } | Self::TooLarge { .. } | Self::Encoded => {
                false
            }
        }
    }

    /// Sorts an error of the HTTP client. What our own connector said passes through unchanged.
    pub(crate) fn from_client(error: hyper_util::client::legacy::Error, head: usize) -> Self {
        let source = error.source();
        if let Some(own) = source.and_then(|source| source.downcast_ref::<Self>()) {
            return own.clone();
        }
        let too_large = source
            .and_then(|source| source.downcast_ref::<hyper::Error>())
            .is_some_and(hyper::Error::is_parse_too_large);
        if too_large {
            return Self::TooLarge { limit: head };
        }
        Self::Broken {
            source: Arc::new(error),
        }
    }
}
