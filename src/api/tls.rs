//! TLS below HTTP: one handshake a connection, with the certificate that is in force as it begins.
//!
//! Where certificate and keys come from is told from outside. No handshake outlasts its time, and
//! the accept loop waits for none: each runs in its connection's own task, in that one's place.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What every TLS connection begins with: the type of a record with a handshake in it.
const HANDSHAKE: u8 = 22;

/// What is told to whoever speaks HTTP without TLS, in HTTP without TLS.
const PLAIN_HTTP: &str = "HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\r\n\
    This address speaks TLS: write https:// in place of http://.\n\
    此地址使用 TLS：请用 https:// 代替 http://。\n";

/// Bytes that are read, and not looked at, of whoever spoke without TLS.
const UNREAD_BYTES_MAX: u64 = 64 * 1_024;

/// TLS as a listener speaks it.
pub struct Tls {
    config: RwLock<Arc<ServerConfig>>,
    handshake_wait_max: Duration,
}

impl Tls {
    /// With that certificate; a handshake may take so long, from the connection's first moment on.
    #[must_use]
    pub fn new(config: ServerConfig, handshake_wait_max: Duration) -> Self {
        Self { config: RwLock::new(Arc::new(config)), handshake_wait_max }
    }

    /// Puts another certificate in force. Connections that are open stay as they are; none that
    /// comes from now on takes up a session of before.
    pub fn replace(&self, config: ServerConfig) {
        *self.config.write() = Arc::new(config);
    }

    /// Makes the handshake of a connection.
    ///
    /// # Errors
    /// When none came in time, the peer is not trusted, or does not speak TLS.
    pub(super) async fn greet(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, axum::BoxError> {
        let greeting = tokio::time::timeout(self.handshake_wait_max, self.shake_hands(stream));
        greeting.await.map_err(|_| "no handshake in time")?
    }

    async fn shake_hands(
        &self,
        mut stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, axum::BoxError> {
        let mut first = [0];
        let seen = stream.peek(&mut first).await?;
        if seen == first.len() && first != [HANDSHAKE] {
            if first[0].is_ascii_uppercase() {
                refuse_plain_http(&mut stream).await?;
            }
            return Err("it does not begin as TLS does".into());
        }
        let config = Arc::clone(&self.config.read());
        Ok(TlsAcceptor::from(config).accept(stream).await?)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wait = &self.handshake_wait_max;
        f.debug_struct("Tls").field("handshake_wait_max", wait).finish_non_exhaustive()
    }
}

async fn refuse_plain_http(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(PLAIN_HTTP.as_bytes()).await?;
    stream.shutdown().await?;
    // A socket that is closed with bytes unread resets the connection, and the answer with it.
    let mut unread = stream.take(UNREAD_BYTES_MAX);
    tokio::io::copy(&mut unread, &mut tokio::io::sink()).await.map(drop)
}
