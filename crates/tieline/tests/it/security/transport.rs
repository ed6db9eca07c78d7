//! TLS, floods, and who is at the other end.

mod floods;
mod frames;
mod latency;
mod proxies;
mod tls;
