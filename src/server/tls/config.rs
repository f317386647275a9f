//! `[tls]` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::server::config::Seconds;

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The listener's certificate and what stands between it and its authority; none: no TLS.
    #[serde(deserialize_with = "file")]
    pub certificate: Option<PathBuf>,
    /// The certificate's key.
    #[serde(deserialize_with = "file")]
    pub key: Option<PathBuf>,
    /// The authorities of which each client must have a certificate; none: it needs none.
    #[serde(deserialize_with = "file")]
    pub client_authorities: Option<PathBuf>,
    /// The oldest version that is spoken.
    pub version_min: TlsVersion,
    /// How long a handshake may take.
    pub handshake_wait_max: Seconds,
}

/// The versions that are spoken. What is older is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    /// 1.2 and newer.
    #[serde(rename = "1.2")]
    Tls12,
    /// 1.3 alone.
    #[serde(rename = "1.3")]
    Tls13,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            certificate: None,
            key: None,
            client_authorities: None,
            version_min: TlsVersion::Tls12,
            handshake_wait_max: Seconds(Duration::from_secs(10)),
        }
    }
}

/// A file's name; an empty one is none, so that the file of all defaults can say it.
fn file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    Ok(Some(path).filter(|path| !path.as_os_str().is_empty()))
}
