//! A URL that has been parsed, normalised and found usable, once.

use http::Uri;
use url::{Host, Url};

use crate::error::EgressError;

/// Most bytes of a URL.
const MOST_BYTES: usize = 8 * 1024;

/// A URL that requests can be sent to. Cheap to clone.
///
/// Hosts are normalised as the WHATWG URL standard says, so that `http://0x7f.1` is
/// `http://127.0.0.1` by the time anything judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
}

impl Target {
    /// Parses an absolute http or https URL without user name and password. A fragment is dropped.
    pub fn parse(url: &str) -> Result<Self, EgressError> {
        if url.len() > MOST_BYTES {
            return Err(EgressError::InvalidUrl("it is longer than 8 KiB"));
        }
        let mut url = Url::parse(url).map_err(|_| EgressError::InvalidUrl("it does not parse"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EgressError::InvalidUrl("only http and https are spoken"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::InvalidUrl(
                "it contains a user name or a password",
            ));
        }
        if matches!(url.host(), None | Some(Host::Domain(""))) {
            return Err(EgressError::InvalidUrl("it has no host"));
        }
        if url.port() == Some(0) {
            return Err(EgressError::InvalidUrl("port 0 cannot be connected to"));
        }
        url.set_fragment(None);
        let uri = String::from(url)
            .try_into()
            .map_err(|_| EgressError::InvalidUrl("it contains characters that HTTP forbids"))?;
        Ok(Self { uri })
    }

    /// The normalised URL. It may contain secrets in its path and query.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// `scheme://host:port` without path and query: safe to log.
    pub fn origin(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self
            .uri
            .authority()
            .map_or("", http::uri::Authority::as_str);
        format!("{scheme}://{authority}")
    }
}

#[cfg(test)]
mod tests;
