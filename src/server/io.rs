//! The listener and the I/O threads: each with a runtime and a desk of its own, or one runtime over
//! all.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

use super::config::{IoRuntime, ServerConfig};
use super::exit::Failure;
use crate::api::{self, Api, StartProgress};
use crate::engine::Desk;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;

/// Threads of one runtime that may wait for the disk, beside its I/O threads: they read the journal.
const READ_THREADS: usize = 4;

/// A bound address. All I/O threads accept from the same socket.
pub(super) struct Listener {
    socket: std::net::TcpListener,
    /// Where it listens: the port as it was given out.
    pub(super) address: SocketAddr,
}

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// When it is taken, or not this machine's.
    pub(super) fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::world(&format!("listen on {address}"), &error)
                .hint("choose another with --listen or server.listen; port 0 takes a free one")
        };
        let runtime = runtime(IoRuntime::CurrentThread, 1)?;
        let _entered = runtime.enter();
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(failed)?;
        socket.set_reuseaddr(true).and_then(|()| socket.bind(address)).map_err(failed)?;
        let socket = socket.listen(BACKLOG).and_then(TcpListener::into_std).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// The same socket once more, for the runtime that is entered.
    fn again(&self) -> Result<TcpListener, Failure> {
        let again = self.socket.try_clone().and_then(TcpListener::from_std);
        again.map_err(|error| Failure::world("share the listener", &error))
    }
}

/// Running I/O threads.
pub(super) struct IoThreads {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl IoThreads {
    /// One thread that answers how far the start is, while there is no engine yet.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn starting(listener: &Listener, progress: StartProgress) -> Result<Self, Failure> {
        let mut threads = Self::none();
        threads.spawn(listener, IoRuntime::CurrentThread, 1, |listener, stop| async move {
            api::serve_starting(listener, progress, stopped(stop)).await;
        })?;
        Ok(threads)
    }

    /// Those of the configuration, serving the engine.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(super) fn serving(
        config: &ServerConfig,
        listener: &Listener,
        api: &Arc<Api>,
    ) -> Result<Self, Failure> {
        let (runtimes, workers) = match config.io_runtime {
            IoRuntime::CurrentThread => (config.io_threads, 1),
            IoRuntime::MultiThread => (1, config.io_threads),
        };
        let mut threads = Self::none();
        for _ in 0..runtimes {
            let api = Arc::clone(api);
            threads.spawn(listener, config.io_runtime, workers, |listener, stop| async move {
                let desk = Desk::new();
                tokio::spawn(desk.clone().run());
                api::serve(api, desk, listener, stopped(stop)).await;
            })?;
        }
        Ok(threads)
    }

    fn none() -> Self {
        Self { stop: watch::channel(false).0, threads: Vec::new() }
    }

    fn spawn<F: Future<Output = ()>>(
        &mut self,
        listener: &Listener,
        kind: IoRuntime,
        workers: usize,
        serve: impl FnOnce(TcpListener, watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Result<(), Failure> {
        let runtime = runtime(kind, workers)?;
        let listener = {
            let _entered = runtime.enter();
            listener.again()?
        };
        let stop = self.stop.subscribe();
        let thread = std::thread::Builder::new()
            .name(format!("io-{}", self.threads.len()))
            .spawn(move || runtime.block_on(serve(listener, stop)))
            .map_err(|error| Failure::world("start an I/O thread", &error))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Takes no more connections, lets the open ones drain, and waits for the threads.
    pub(super) fn stop(self) {
        self.stop.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("an I/O thread panicked");
            }
        }
    }
}

/// Waits for the stop; a sender that is gone is one as well.
async fn stopped(mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

fn runtime(kind: IoRuntime, workers: usize) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = match kind {
        IoRuntime::CurrentThread => tokio::runtime::Builder::new_current_thread(),
        IoRuntime::MultiThread => tokio::runtime::Builder::new_multi_thread(),
    };
    if kind == IoRuntime::MultiThread {
        builder.worker_threads(workers);
    }
    builder.max_blocking_threads(READ_THREADS);
    builder.enable_all().build().map_err(|error| Failure::world("start a runtime", &error))
}
