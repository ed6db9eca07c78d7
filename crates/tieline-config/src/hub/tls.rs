//! What the hub's own listeners speak TLS with.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tieline_contract::Problems;

/// Files in PEM; what is relative begins at the configuration's folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate and those of its issuers, in PEM. It is read again when it changes.
    #[schemars(with = "String")]
    pub certificate: PathBuf,
    /// The certificate's private key, in PEM.
    #[schemars(with = "String")]
    pub key: PathBuf,
    /// Who issues the certificates of clients, in PEM.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_ca: Option<PathBuf>,
    /// Whether clients are asked for a certificate.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// They are not.
    #[default]
    Off,
    /// One that is shown has to be good.
    Optional,
    /// Nobody connects without a good one.
    Required,
}

/// Checks what the schema cannot express.
pub(super) fn check(written: Option<&Value>, problems: &mut Problems) {
    let Some(tls) = written else { return };
    let asked = tls
        .get("client_certificates")
        .and_then(Value::as_str)
        .is_some_and(|asked| asked != "off");
    match (asked, tls.get("client_ca")) {
        (true, None | Some(Value::Null)) => problems.add_with_fix(
            "tls.client_ca",
            "is needed to know good certificates of clients",
            "name the file with the certificates of their issuers",
        ),
        (false, Some(Value::String(_))) => problems.add_with_fix(
            "tls.client_ca",
            "has no effect: clients are not asked for certificates",
            "set `client_certificates` to `optional` or `required`, or remove this",
        ),
        _ => {}
    }
}
