//! Where a client may connect to.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::address::{Class, classify};

/// Where a client may connect to. Link-local and metadata addresses are out of reach for all.
#[derive(Debug, Clone)]
pub enum Policy {
    /// For calls to agents: http and https, public and private addresses.
    Agents {
        /// Leaves the public addresses only.
        public_only: bool,
    },
    /// For deliveries: https to public addresses.
    Outside {
        /// Networks that may be reached too, and over plain http, whatever they are.
        allow: Vec<IpNet>,
    },
    /// For a person's own commands: http and https, everywhere.
    Operator,
}

/// Why a connection is forbidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The address is a cloud's metadata service.
    #[error("a cloud metadata address is never reached")]
    Metadata,
    /// The address is link-local.
    #[error("a link-local address is never reached")]
    LinkLocal,
    /// The address is private, and the policy asks for a public one.
    #[error("the address is private")]
    Private,
    /// The address has no place on the public Internet.
    #[error("the address is reserved")]
    Reserved,
    /// The policy asks for https.
    #[error("plain http is not allowed here")]
    PlainHttp,
    /// The connection ended somewhere else than it was opened to.
    #[error("the connection leads to another address")]
    Moved,
}

impl Policy {
    /// Whether a connection to `address` is permitted, by TLS if `secure`.
    pub(crate) fn judge(&self, secure: bool, address: IpAddr) -> Result<(), Reason> {
        let address = address.to_canonical();
        let unsuitable = match classify(address) {
            Class::Metadata => return Err(Reason::Metadata),
            Class::LinkLocal => return Err(Reason::LinkLocal),
            Class::Public => None,
            Class::Private => Some(Reason::Private),
            Class::Reserved => Some(Reason::Reserved),
        };
        match self {
            Self::Operator => Ok(()),
            Self::Agents { public_only } => match unsuitable {
                Some(Reason::Private) if !public_only => Ok(()),
                Some(reason) => Err(reason),
                None => Ok(()),
            },
            Self::Outside { allow } if allow.iter().any(|net| net.contains(&address)) => Ok(()),
            Self::Outside { .. } => match unsuitable {
                Some(reason) => Err(reason),
                None if !secure => Err(Reason::PlainHttp),
                None => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
