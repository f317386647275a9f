//! Authorities that certify for a test, and clients that trust one of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A year in which no certificate of a test has ended.
pub(crate) const FAR: i32 = 4_000;

/// Who certifies.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, as DER.
pub(crate) struct Certified {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let mut params = CertificateParams::default();
        let name = format!("authority {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        self.0.der()
    }

    /// Certifies whoever is at this machine, until that year begins.
    pub(crate) fn certify(&self, until: i32) -> Certified {
        let names = ["127.0.0.1", "localhost"].map(String::from);
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        Certified { certificate, key: key.serialize_der() }
    }
}

impl Certified {
    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone().into())
    }
}

/// A client that trusts an authority, shows a certificate, and speaks these protocols.
pub(crate) fn client(
    trusted: &Authority,
    shown: Option<&Certified>,
    protocols: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let chain = vec![shown.certificate.clone()];
            builder.with_client_auth_cert(chain, shown.key()).unwrap()
        }
    };
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A connection over TLS.
pub(crate) struct Secured(pub(crate) StreamOwned<ClientConnection, TcpStream>);

impl Secured {
    /// Connects; the handshake is made with the first request.
    pub(crate) fn open(address: SocketAddr, client: &Arc<ClientConfig>) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let name = address.ip().into();
        let connection = ClientConnection::new(Arc::clone(client), name).unwrap();
        Self(StreamOwned::new(connection, stream))
    }

    /// Asks for its health, and says the status.
    pub(crate) fn health(&mut self) -> std::io::Result<u16> {
        self.0.write_all(b"GET /healthz HTTP/1.1\r\nhost: zhida\r\n\r\n")?;
        let mut read = Vec::new();
        let mut piece = [0; 4_096];
        while !read.ends_with(b"}") {
            let count = self.0.read(&mut piece)?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            read.extend_from_slice(&piece[..count]);
        }
        let text = String::from_utf8_lossy(&read);
        Ok(text.split(' ').nth(1).unwrap().parse().unwrap())
    }

    /// What the server showed.
    pub(crate) fn shown(&self) -> Option<&CertificateDer<'static>> {
        self.0.conn.peer_certificates().and_then(<[_]>::first)
    }
}
