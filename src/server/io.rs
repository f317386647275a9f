//! The I/O threads: each with a runtime, a listener and a desk of its own, or one runtime over all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

use super::config::{IoRuntime, ServerConfig};
use super::exit::Failure;
use crate::api::{self, Api};
use crate::engine::Desk;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;

/// Running I/O threads.
pub struct IoThreads {
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    /// Where they listen: the port as it was given out.
    pub address: SocketAddr,
}

impl IoThreads {
    /// Starts them.
    ///
    /// # Errors
    /// When the address cannot be bound, or a thread not be started.
    pub fn start(config: &ServerConfig, api: &Arc<Api>) -> Result<Self, Failure> {
        let (runtimes, workers) = match config.io_runtime {
            IoRuntime::CurrentThread => (config.io_threads, 1),
            IoRuntime::MultiThread => (1, config.io_threads),
        };
        let (stop, _) = watch::channel(false);
        let mut address = config.listen;
        let mut threads = Vec::with_capacity(runtimes);
        for number in 0..runtimes {
            let runtime = runtime(config.io_runtime, workers)?;
            let listener = {
                let _entered = runtime.enter();
                bind(address, runtimes > 1)
                    .map_err(|error| Failure::world(&format!("listen on {address}"), &error))?
            };
            // Port 0 is given out once; the other threads take the same.
            address = listener
                .local_addr()
                .map_err(|error| Failure::world("ask for the port", &error))?;
            let (api, stopped) = (Arc::clone(api), stop.subscribe());
            let thread = std::thread::Builder::new()
                .name(format!("io-{number}"))
                .spawn(move || runtime.block_on(serve(api, listener, stopped)))
                .map_err(|error| Failure::world("start an I/O thread", &error))?;
            threads.push(thread);
        }
        Ok(Self { stop, threads, address })
    }

    /// Takes no more connections, lets the open ones drain, and waits for the threads.
    pub fn stop(self) {
        self.stop.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("an I/O thread panicked");
            }
        }
    }
}

async fn serve(api: Arc<Api>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
    let desk = Desk::new();
    tokio::spawn(desk.clone().run());
    let until = async move {
        // An error means that the sender is gone, which is a stop as well.
        drop(stopped.wait_for(|stop| *stop).await);
    };
    api::serve(api, desk, listener, until).await;
}

fn runtime(kind: IoRuntime, workers: usize) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = match kind {
        IoRuntime::CurrentThread => tokio::runtime::Builder::new_current_thread(),
        IoRuntime::MultiThread => tokio::runtime::Builder::new_multi_thread(),
    };
    if kind == IoRuntime::MultiThread {
        builder.worker_threads(workers);
    }
    builder.enable_all().build().map_err(|error| Failure::world("start a runtime", &error))
}

/// `is_shared`: several listeners take connections of the same port in turn. Not otherwise, so that
/// a second server is refused the port.
fn bind(address: SocketAddr, is_shared: bool) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(is_shared)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
