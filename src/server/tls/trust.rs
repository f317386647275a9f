//! Whom a command trusts on the other side of an https URL, and what it shows of itself.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, InvalidMessage};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::pem::{Named, certified};
use super::{Fault, provider};
use crate::rules::Words;
use crate::server::exit::{Failure, Kind};

/// Whom to trust, for https.
#[derive(Args, Clone, Debug, Default)]
pub(in crate::server) struct TrustArgs {
    /// For https: the authorities of which the server must have a certificate, PEM
    #[arg(long, value_name = "FILE", env = "ZHIDA_CA")]
    pub(in crate::server) ca: Option<PathBuf>,
    /// For a server that asks for one: this client's certificate, PEM
    #[arg(long, value_name = "FILE", requires = "client_key", env = "ZHIDA_CLIENT_CERT")]
    pub(in crate::server) client_cert: Option<PathBuf>,
    /// The key of --client-cert, PEM
    #[arg(long, value_name = "FILE", requires = "client_cert", env = "ZHIDA_CLIENT_KEY")]
    pub(in crate::server) client_key: Option<PathBuf>,
}

impl TrustArgs {
    /// Whether anything is said of TLS.
    pub(in crate::server) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.client_cert.is_none()
    }

    /// Makes the handshake with the server at that URL, whose host is `host`.
    ///
    /// # Errors
    /// When a file is not what it should be, or one side does not trust the other.
    pub(in crate::server) async fn greet(
        &self,
        stream: TcpStream,
        url: &str,
        host: &str,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|_| {
            Failure::new(
                Kind::Usage,
                Words::new(
                    format!("`{host}` in {url} is no name and no address"),
                    format!("{url} 中的“{host}”既不是域名也不是 IP 地址"),
                ),
            )
        })?;
        let greeted = TlsConnector::from(self.config(url)?).connect(name, stream).await;
        greeted.map_err(|error| {
            let doing =
                Words::new(format!("speak TLS with {url}"), format!("与 {url} 建立 TLS 连接"));
            broken(doing, &error)
        })
    }

    fn config(&self, url: &str) -> Result<Arc<ClientConfig>, Failure> {
        let told = |fault: Fault| super::refused(&[fault]);
        // The system's own list is that of the public web, whose authorities sign nothing here.
        let Some(ca) = &self.ca else {
            let message = Words::new(
                format!("{url} is https, and nobody is trusted yet"),
                format!("{url} 是 https 地址，但尚未指定信任的签发机构"),
            );
            return Err(Failure::new(Kind::Usage, message).hint(Words::fixed(
                "name the authority of its certificate with --ca FILE; the system's own are in \
                 /etc/ssl/certs/ca-certificates.crt, or where it keeps them",
                "请用 --ca FILE 指定服务器证书的签发机构；系统自带的机构在 \
                 /etc/ssl/certs/ca-certificates.crt，或系统存放它们的其他位置",
            )));
        };
        let authorities = Named { setting: "--ca", path: ca }.authorities().map_err(told)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::world(Words::fixed("set up TLS", "设置 TLS"), &error))?
            .with_root_certificates(authorities);
        let (Some(certificate), Some(key)) = (&self.client_cert, &self.client_key) else {
            return Ok(Arc::new(builder.with_no_client_auth()));
        };
        let certificate = Named { setting: "--client-cert", path: certificate };
        let key = Named { setting: "--client-key", path: key };
        let shown = certified(certificate, key).map_err(|faults| super::refused(&faults))?;
        let shown = rustls::sign::SingleCertAndKey::from(shown);
        Ok(Arc::new(builder.with_client_cert_resolver(Arc::new(shown))))
    }
}

/// A connection failed, and what can be done where TLS is why: that may show in the first request
/// only, as a client learns late that the server does not trust it.
pub(in crate::server) fn broken(
    doing: impl Into<Words>,
    error: &(dyn std::error::Error + 'static),
) -> Failure {
    let failure = Failure::world(doing, error);
    match hint(error) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint(error: &(dyn std::error::Error + 'static)) -> Option<Words> {
    let error = tls_error(error)?;
    if let Error::AlertReceived(alert) = error {
        let wants_one = [AlertDescription::CertificateRequired, AlertDescription::HandshakeFailure];
        return Some(if wants_one.contains(alert) {
            Words::fixed(
                "the server asks for a certificate: --client-cert and --client-key",
                "服务器要求客户端证书：请用 --client-cert 和 --client-key 指定",
            )
        } else {
            Words::fixed(
                "the server refused this client: is --client-cert from one of its authorities?",
                "服务器拒绝了本客户端：--client-cert 是否由它信任的机构签发？",
            )
        });
    }
    if let Error::InvalidMessage(InvalidMessage::InvalidContentType) = error {
        return Some(Words::fixed(
            "it does not speak TLS: write http:// in place of https://",
            "对方不使用 TLS：请把 https:// 改为 http://",
        ));
    }
    let Error::InvalidCertificate(error) = error else {
        return None;
    };
    if matches!(error, CertificateError::UnknownIssuer) {
        return Some(Words::fixed(
            "its certificate is of none of the authorities in --ca; find out why before you go on",
            "服务器的证书不是由 --ca 中的机构签发；请先查明原因再继续",
        ));
    }
    let is_of_another = matches!(
        error,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    );
    is_of_another.then_some(Words::fixed(
        "write the URL with a name, or an address, that its certificate has",
        "请在 URL 中使用服务器证书所含的域名或地址",
    ))
}

/// The error of TLS among the causes of another.
fn tls_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<Error>() {
            return Some(found);
        }
        // An I/O error is what it holds; its source is that one's.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = held.and_then(|held| held.downcast_ref::<Error>()) {
            return Some(found);
        }
        next = error.source();
    }
    None
}
