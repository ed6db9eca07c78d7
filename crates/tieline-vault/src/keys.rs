//! Connector secrets and API keys.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tieline_model::Secret;
use tieline_model::id::Entropy;
use tieline_signature::digest::sha256;

/// A new connector secret: `whsec_` and the base64 of 32 random bytes (Standard Webhooks).
pub fn connector_secret(entropy: &dyn Entropy) -> Secret {
    made("whsec_", &STANDARD.encode(random(entropy)))
}

/// A new API key: `tl_` and 256 random bits.
pub fn api_key(entropy: &dyn Entropy) -> Secret {
    made("tl_", &URL_SAFE_NO_PAD.encode(random(entropy)))
}

/// What is stored of an API key. A fast digest is enough for 256 random bits.
pub fn api_key_digest(key: &str) -> [u8; 32] {
    sha256(key.as_bytes())
}

fn random(entropy: &dyn Entropy) -> [u8; 32] {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    bytes
}

fn made(prefix: &str, text: &str) -> Secret {
    Secret::new([prefix, text].concat()).expect("a prefix and 32 bytes are not blank")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn secrets_have_their_prefix_and_never_come_twice() {
        let (one, two) = (
            connector_secret(&SystemEntropy),
            connector_secret(&SystemEntropy),
        );
        assert!(one.expose().starts_with("whsec_"));
        assert!(Secret::for_callers(one.expose()).is_ok());
        assert!(one.expose() != two.expose());
        assert!(api_key(&SystemEntropy).expose().starts_with("tl_"));
    }
}
