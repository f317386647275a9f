//! The listener's TLS over a server's life: read at its start, and again whenever that is asked for.

use std::sync::Arc;

use super::config::TlsConfig;
use super::listener::{Keys, read};
use super::{Fault, refused};
use crate::api::Tls;
use crate::server::exit::Failure;

/// What the listener greets with, and the files that it was read from.
pub(in crate::server) struct Greeting {
    config: TlsConfig,
    tls: Arc<Tls>,
}

impl Greeting {
    /// Reads the files that the configuration names; none where it names none. A certificate out of
    /// its time is warned of and served: a city whose dispatch does not start is worse off than one
    /// whose clients are told that a certificate is old.
    ///
    /// # Errors
    /// When a file is missing or not what it should be.
    pub(in crate::server) fn read(config: &TlsConfig) -> Result<Option<Self>, Failure> {
        let Some(keys) = read(config).map_err(|faults| refused(&faults))? else {
            return Ok(None);
        };
        if let Some(lapse) = &keys.lapse {
            tracing::warn!("{}", told(lapse));
        }
        log("connections are greeted with TLS", &keys, config);
        let tls = Arc::new(Tls::new(keys.config, config.handshake_wait_max.0));
        Ok(Some(Self { config: config.clone(), tls }))
    }

    /// What the listener greets with.
    pub(in crate::server) fn tls(&self) -> Arc<Tls> {
        Arc::clone(&self.tls)
    }

    /// Reads the files again. If anything is wrong with them, a certificate out of its time
    /// included, what was read before stays.
    pub(in crate::server) fn read_again(&self) {
        let faults = match read(&self.config) {
            Ok(Some(Keys { lapse: Some(lapse), .. })) => vec![lapse],
            Ok(Some(keys)) => {
                log("certificate, key and authorities were read again", &keys, &self.config);
                self.tls.replace(keys.config);
                return;
            }
            Ok(None) => Vec::new(),
            Err(faults) => faults,
        };
        for fault in &faults {
            tracing::error!("{}", told(fault));
        }
        tracing::error!(
            "the certificate of before stays in force; mend this, then send SIGHUP again"
        );
    }
}

/// As the log has it.
fn told(fault: &Fault) -> String {
    format!("{}: {}; {}", fault.setting, fault.message.english, fault.hint.english)
}

fn log(what: &str, keys: &Keys, config: &TlsConfig) {
    let wants_client_certificates = config.client_authorities.is_some();
    let valid_until = &keys.valid_until;
    tracing::info!(valid_until, wants_client_certificates, "{what}");
}
