//! TLS, floods, and who is at the other end.
