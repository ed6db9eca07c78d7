//! TLS, floods, and who is at the other end.

mod floods;
mod frames;
mod latency;
mod mutual;
mod plain;
mod proxies;
mod shares;
mod tls;
