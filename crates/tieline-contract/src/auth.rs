//! How an endpoint's callers prove who they are.

/// (interface placeholder, being written)
#[derive(Debug)]
pub struct Authenticator;
