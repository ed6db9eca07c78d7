//! Why a signature was not accepted. For logs and tests; the sender is told nothing.

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no key to verify with.
    #[error("there is no key to verify with")]
    NoKey,
    /// The scheme signs an id and none was sent, or it is too long, or not printable ASCII, or it
    /// contains the separator that ends it.
    #[error("the message id is missing or malformed")]
    Id,
    /// The scheme signs a timestamp and none was sent, or it is not whole seconds since 1970.
    #[error("the timestamp is missing or malformed")]
    Timestamp,
    /// The timestamp lies further back than the tolerance.
    #[error("the timestamp is too old")]
    TooOld,
    /// The timestamp lies further ahead than the tolerance.
    #[error("the timestamp is in the future")]
    TooNew,
    /// No signature of a known version, encoding and full length was sent.
    #[error("the signature is missing or malformed")]
    Signature,
    /// The signature belongs to other bytes or to another key.
    #[error("the signature does not match")]
    Mismatch,
}
