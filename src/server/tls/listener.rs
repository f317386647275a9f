//! What the listener greets with, from the files that `[tls]` names.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, Error, RootCertStore, ServerConfig, version};

use super::config::{TlsConfig, TlsVersion};
use super::pem::{Named, certified};
use super::{Fault, provider};
use crate::domain::ids::Timestamp;
use crate::rules::{Words, write_moment};

/// What is spoken over TLS, best first.
const SPOKEN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The end of the year 9999: behind the time of any certificate that ends.
const LAST: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_799));

/// Certificate, key and authorities, as they were read.
pub(super) struct Keys {
    /// What the listener greets with.
    pub(super) config: ServerConfig,
    /// Why clients refuse the certificate at this time, if they do.
    pub(super) lapse: Option<Fault>,
    /// Until when they do not.
    pub(super) valid_until: String,
}

/// Reads what `[tls]` names; nothing where it names no file.
///
/// A certificate out of its time is no fault here: whether that is worse than none is for the
/// caller to say.
///
/// # Errors
/// All that is wrong with it.
pub(super) fn read(tls: &TlsConfig) -> Result<Option<Keys>, Vec<Fault>> {
    let named = |setting, path| Named { setting, path };
    let authorities = tls.client_authorities.as_deref();
    let authorities = authorities.map(|path| named("tls.client_authorities", path));
    let (certificate, key) = match (tls.certificate.as_deref(), tls.key.as_deref()) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) if authorities.is_none() => return Ok(None),
        (certificate, _) => return Err(vec![half(certificate.is_some(), tls.key.is_some())]),
    };
    let certified = certified(named("tls.certificate", certificate), named("tls.key", key));
    let authorities = authorities.map(|named| named.authorities()).transpose();
    match (certified, authorities) {
        (Ok(certified), Ok(authorities)) => {
            keys(tls.version_min, certified, authorities).map(Some).map_err(|fault| vec![fault])
        }
        (certified, authorities) => {
            let found = certified.err().into_iter().flatten();
            Err(found.chain(authorities.err()).collect())
        }
    }
}

/// All that a start would refuse, or warn of.
pub(in crate::server) fn wrong(tls: &TlsConfig) -> Vec<Fault> {
    match read(tls) {
        Ok(keys) => keys.and_then(|keys| keys.lapse).into_iter().collect(),
        Err(faults) => faults,
    }
}

/// A certificate, a key or authorities stand there without what they need.
fn half(has_certificate: bool, has_key: bool) -> Fault {
    let (setting, english, chinese) = match (has_certificate, has_key) {
        (true, _) => ("tls.certificate", "it has no key", "缺少对应的 key"),
        (_, true) => ("tls.key", "it has no certificate", "缺少对应的 certificate"),
        _ => (
            "tls.client_authorities",
            "without certificate and key nobody is asked for one",
            "没有 certificate 和 key，不会要求客户端出示证书",
        ),
    };
    let hint = Words::fixed(
        "name certificate and key, or neither: then no TLS is spoken",
        "请同时指定 certificate 和 key；两者都不指定则不使用 TLS",
    );
    Fault::of(setting, Words::fixed(english, chinese), hint)
}

fn keys(
    version_min: TlsVersion,
    certified: CertifiedKey,
    authorities: Option<RootCertStore>,
) -> Result<Keys, Fault> {
    let versions: &[_] = match version_min {
        TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    let unusable = |setting, told: String| {
        let hint = Words::fixed("name other files", "请指定其他文件");
        Fault::of(setting, Words::new(told.clone(), told), hint)
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .map_err(|error| unusable("tls.version_min", error.to_string()))?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let asking =
                WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider());
            let asking = asking
                .build()
                .map_err(|error| unusable("tls.client_authorities", error.to_string()))?;
            builder.with_client_cert_verifier(asking)
        }
    };
    let lapse = certified.cert.first().and_then(|leaf| lapse(leaf, UnixTime::now()));
    let valid_until = certified.cert.first().and_then(valid_until);
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = SPOKEN.map(Vec::from).to_vec();
    Ok(Keys { config, lapse, valid_until: valid_until.unwrap_or_default() })
}

/// Why clients refuse a certificate at that time, for the time alone.
fn lapse(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<Fault> {
    let error = verified_at(certificate, now)?;
    let words = if let CertificateError::ExpiredContext { not_after, .. } = error {
        let moment = written(not_after)?;
        Words::new(format!("it expired at {moment}"), format!("证书已于 {moment} 过期"))
    } else if let CertificateError::NotValidYetContext { not_before, .. } = error {
        let moment = written(not_before)?;
        Words::new(format!("it is not valid before {moment}"), format!("证书自 {moment} 起生效"))
    } else {
        return None;
    };
    let hint = Words::fixed(
        "clients refuse it: put a newer one there, then send SIGHUP",
        "客户端会拒绝该证书：请换上新证书，再发送 SIGHUP",
    );
    Some(Fault::of("tls.certificate", words, hint))
}

fn valid_until(certificate: &CertificateDer<'_>) -> Option<String> {
    let CertificateError::ExpiredContext { not_after, .. } = verified_at(certificate, LAST)? else {
        return None;
    };
    written(not_after)
}

/// What stands against a certificate at that time. Its time is looked at first, and trusting no
/// authority then always ends the looking.
fn verified_at(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<CertificateError> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let algorithms = provider().signature_verification_algorithms.all;
    let nobody = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], now, algorithms) {
        Err(Error::InvalidCertificate(error)) => Some(error),
        _ => None,
    }
}

fn written(time: UnixTime) -> Option<String> {
    let seconds = i64::try_from(time.as_secs()).ok()?;
    write_moment(Timestamp(seconds.checked_mul(1_000)?))
}
