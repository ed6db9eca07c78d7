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
    /// A token that is too long, not of the form of one, or whose claims are not a JSON object.
    #[error("the token is malformed")]
    Token,
    /// A token that is signed by an algorithm that is not expected, or not signed at all.
    #[error("the token is not signed by an expected algorithm")]
    Algorithm,
    /// A token that asks for an extension to be understood (RFC 7515, `crit`).
    #[error("the token needs an extension that is not known here")]
    Critical,
    /// No key has the name that the token gives, or none fits its algorithm. A newer set of keys
    /// may have one.
    #[error("the token names a key that is not known")]
    UnknownKey,
    /// A token of another issuer.
    #[error("the token comes from another issuer")]
    Issuer,
    /// A token that is meant for somebody else.
    #[error("the token is meant for another audience")]
    Audience,
    /// A token without a claim that is required, or with another value of it.
    #[error("the token lacks a claim that is required")]
    Claim,
}
