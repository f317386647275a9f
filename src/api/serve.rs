//! The accept loop of one I/O thread.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::app::{Api, App};
use super::options::ApiOptions;
use super::prompt::Prompt;
use super::router::router;
use super::service::ApiService;
use super::tls::Tls;
use crate::engine::Desk;

/// Bytes that are read of a connection at once: what one piece of a stream may keep the thread
/// busy with.
const READ_BUFFER_BYTES_MAX: usize = 256 * 1_024;

/// How long no connection is accepted after one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// When a silent peer is asked whether it is still there, and how often until it counts as gone:
/// one whose machine or network went away is noticed after a minute and a half.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(1);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEPALIVE_TRIES: u32 = 3;

/// What serves the connections of one I/O thread. [`Desk::run`] runs on the same runtime.
#[must_use]
pub fn service(api: Arc<Api>, desk: Desk) -> ApiService {
    let app = App { api, desk };
    ApiService::new(app.clone(), router(app))
}

/// Accepts and serves connections until `stop`, then lets those that are open end what they are
/// at, for `drain_wait_max` at most. Dropping the future breaks all connections off.
pub async fn serve(
    api: Arc<Api>,
    desk: Desk,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let options = api.options().clone();
    let service = service(Arc::clone(&api), desk);
    let connections = Arc::new(Semaphore::new(options.connections_max));
    let protocols = Arc::new(Protocols::new(&options));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let Some((stream, place)) = accepted else {
            continue;
        };
        let socket = Socket {
            stream,
            service: service.clone(),
            protocols: Arc::clone(&protocols),
            stopping: api.stopping.subscribe(),
        };
        let watcher = graceful.watcher();
        // Each in a task of its own, so that a plain connection carries nothing of the other.
        if let Some(tls) = options.tls.clone() {
            tokio::spawn(async move {
                told(socket.serve_over(&tls, watcher).await);
                drop(place);
            });
            continue;
        }
        tokio::spawn(async move {
            told(socket.serve(watcher).await);
            drop(place);
        });
    }
    drop(listener);
    api.stopping.send_replace(true);
    let drained = tokio::time::timeout(options.drain_wait_max, graceful.shutdown()).await;
    if drained.is_err() {
        tracing::warn!("connections were still busy at the end and are broken off");
    }
}

fn told(ended: Result<(), axum::BoxError>) {
    if let Err(error) = ended {
        tracing::debug!(error, "a connection broke off");
    }
}

/// A socket that was accepted.
struct Socket {
    stream: TcpStream,
    service: ApiService,
    protocols: Arc<Protocols>,
    stopping: watch::Receiver<bool>,
}

impl Socket {
    /// Serves it to its end. Dropping the future breaks it off.
    async fn serve(mut self, watcher: Watcher) -> Result<(), axum::BoxError> {
        let mut first = [0; PREFACE.len()];
        let came = tokio::time::timeout(self.protocols.patience, self.stream.peek(&mut first));
        let seen = tokio::select! {
            came = came => came.map_err(|_| "nothing came")??,
            _ = self.stopping.wait_for(|is_stopping| *is_stopping) => return Ok(()),
        };
        let Self { stream, service, protocols, .. } = self;
        if !PREFACE.starts_with(&first[..seen]) {
            let io = TokioIo::new(stream);
            return Ok(watcher.watch(protocols.http1.serve_connection(io, service)).await?);
        }
        protocols.serve_either(stream, service, watcher).await
    }

    /// The same over TLS: its first bytes are those behind the handshake.
    async fn serve_over(self, tls: &Tls, watcher: Watcher) -> Result<(), axum::BoxError> {
        let Self { stream, service, protocols, mut stopping } = self;
        let greeted = async {
            let mut stream = tls.greet(stream).await?;
            let came = tokio::time::timeout(protocols.patience, stream.fill_buf());
            let first = came.await.map_err(|_| "nothing came")??;
            let may_be_http2 = PREFACE.starts_with(&first[..first.len().min(PREFACE.len())]);
            Ok::<_, axum::BoxError>((stream, may_be_http2))
        };
        let (stream, may_be_http2) = tokio::select! {
            greeted = greeted => greeted?,
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return Ok(()),
        };
        if !may_be_http2 {
            let io = TokioIo::new(stream);
            return Ok(watcher.watch(protocols.http1.serve_connection(io, service)).await?);
        }
        protocols.serve_either(stream, service, watcher).await
    }
}

/// Serves one connection to its end. For connections that are no sockets: in memory, say.
pub async fn serve_connection<IO>(api: Arc<Api>, desk: Desk, io: IO)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let protocols = Protocols::new(api.options());
    let connection = protocols.either.serve_connection(TokioIo::new(io), service(api, desk));
    if let Err(error) = connection.await {
        tracing::debug!(error, "a connection broke off");
    }
}

/// The next connection, once there is a place for it; none where it broke off at once.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(error) = set_up(&stream) {
                tracing::debug!(%error, "a connection broke off");
                return None;
            }
            Some((stream, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            // Out of descriptors, most likely: others must end first.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn set_up(stream: &TcpStream) -> std::io::Result<()> {
    // Answers are small and wait for nothing: without this each could wait for an acknowledgement
    // of the one before.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How connections are spoken to.
struct Protocols {
    http1: http1::Builder,
    either: auto::Builder<TokioExecutor>,
    /// How long a connection's first bytes may take to come.
    patience: Duration,
}

impl Protocols {
    fn new(options: &ApiOptions) -> Self {
        let mut http1 = http1::Builder::new();
        // Answers are small: to copy them behind their head costs less than to write both at once.
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_read_timeout)
            .max_buf_size(READ_BUFFER_BYTES_MAX)
            .writev(false)
            .half_close(false);
        let mut either = auto::Builder::new(TokioExecutor::new());
        either
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_read_timeout)
            .max_buf_size(READ_BUFFER_BYTES_MAX)
            .half_close(false);
        // A silent peer is asked here too: what answers below HTTP need not be what speaks it.
        either
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEPALIVE_AFTER)
            .keep_alive_timeout(KEEPALIVE_EVERY * KEEPALIVE_TRIES);
        Self { http1, either, patience: options.header_read_timeout }
    }

    /// Serves what may be HTTP/2: a reader of its own tells. It costs another read buffer, which
    /// thousands of HTTP/1 connections need not have.
    async fn serve_either<IO>(
        &self,
        io: IO,
        service: ApiService,
        watcher: Watcher,
    ) -> Result<(), axum::BoxError>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(Prompt::new(io, PREFACE.len(), self.patience));
        let connection = self.either.serve_connection(io, service).into_owned();
        Box::pin(watcher.watch(connection)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_accepted_peer_is_asked_whether_it_is_still_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(Semaphore::new(1));
        let _client = TcpStream::connect(address).await.unwrap();
        let (stream, _place) = accept(&listener, &connections).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_AFTER);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE_EVERY);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), KEEPALIVE_TRIES);
    }
}
