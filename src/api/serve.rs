//! The accept loop of one I/O thread.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::app::{Api, App};
use super::options::ApiOptions;
use super::router::router;
use super::service::ApiService;
use crate::engine::Desk;

/// Bytes that are read of a connection at once: what one piece of a stream may keep the thread
/// busy with.
const READ_BUFFER_BYTES_MAX: usize = 256 * 1_024;

/// How long no connection is accepted after one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
    let builder = builder(&options);
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
        let connection = builder.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection broke off");
            }
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

/// Serves one connection to its end. For connections that are no sockets: in memory, say.
pub async fn serve_connection<IO>(api: Arc<Api>, desk: Desk, io: IO)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = builder(api.options());
    let connection = builder.serve_connection(TokioIo::new(io), service(api, desk));
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
            // Answers are small and wait for nothing: without this each could wait for an
            // acknowledgement of the one before.
            if let Err(error) = stream.set_nodelay(true) {
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

fn builder(options: &ApiOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_read_timeout)
        .max_buf_size(READ_BUFFER_BYTES_MAX)
        .half_close(false);
    builder.http2().timer(TokioTimer::new());
    builder
}
