//! Who is at the other end of a connection, as the hub itself has seen it.

use std::net::IpAddr;

/// The other end of a connection. Nothing in it is taken from what the request says of itself, but
/// for the address that a trusted proxy vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Canonical: an IPv4 address is never written as IPv6.
    pub address: IpAddr,
    /// The certificate that the client proved to hold (TLS), where the listener asked for one.
    pub certificate: Option<ClientCertificate>,
}

/// What is known of a client's certificate, whose chain has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of its DER.
    pub fingerprint: [u8; 32],
    /// The DNS names and URIs among its subject alternative names, as they are written there.
    pub names: Vec<String>,
}

impl Peer {
    /// One that came without a certificate.
    pub fn new(address: IpAddr) -> Self {
        Self {
            address: address.to_canonical(),
            certificate: None,
        }
    }
}
