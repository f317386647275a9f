//! TLS: from the files that the configuration or a command names to what a listener and a client
//! greet with. What is wrong with a file is told in both languages, with what to do about it.
//!
//! ```text
//!  [tls]  ─▶ config ─▶ listener ─▶ greeting ─▶ api::Tls    at the start, and on SIGHUP
//!                        │ pem
//!  --ca … ──────────▶ trust ─────────────────▶ client      at each connection
//! ```
//!
//! It knows no connection: those are the api's, and the client's.

mod config;
mod greeting;
mod listener;
mod pem;
mod trust;

pub use config::{TlsConfig, TlsVersion};

pub(super) use greeting::Greeting;
pub(super) use listener::wrong;
pub(super) use trust::{TrustArgs, broken};

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use super::exit::{Failure, Kind, hint_word};
use crate::api::language::Language;
use crate::rules::Words;

/// What a command or a start ends with: all that is wrong, each with what to do about it.
pub(super) fn refused(faults: &[Fault]) -> Failure {
    let told = |language: Language| {
        let told = |fault: &Fault| {
            let (message, hint) = (language.pick(&fault.message), language.pick(&fault.hint));
            format!("{}: {message}\n  {}{hint}", fault.setting, hint_word(language))
        };
        faults.iter().map(told).collect::<Vec<_>>().join("\n")
    };
    Failure::new(Kind::Usage, Words::new(told(Language::English), told(Language::Chinese)))
}

/// The cryptography, named wherever it is used: nothing depends on what else the process set up.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What is wrong with a setting, or with the file that it names.
#[derive(Debug)]
pub(super) struct Fault {
    /// The setting: a key of `[tls]`, or an option of a command.
    pub(super) setting: &'static str,
    /// What is wrong.
    pub(super) message: Words,
    /// What to do about it.
    pub(super) hint: Words,
}

impl Fault {
    fn of(setting: &'static str, message: Words, hint: Words) -> Self {
        Self { setting, message, hint }
    }
}
