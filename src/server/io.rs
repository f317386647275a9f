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
use crate::api::{self, Api, StartProgress, Tls};
use crate::engine::Desk;
use crate::journal;
use crate::rules::Words;

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
            let doing = Words::new(format!("listen on {address}"), format!("监听 {address}"));
            Failure::world(doing, &error).hint(Words::fixed(
                "choose another with --listen or server.listen; port 0 takes a free one",
                "请用 --listen 或 server.listen 另选；端口 0 表示任选空闲端口",
            ))
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
        again.map_err(|error| {
            Failure::world(Words::fixed("share the listener", "共用监听套接字"), &error)
        })
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
    pub(super) fn starting(
        listener: &Listener,
        progress: StartProgress,
        tls: Option<Arc<Tls>>,
    ) -> Result<Self, Failure> {
        let mut threads = Self::none();
        threads.spawn(listener, IoRuntime::CurrentThread, 1, |listener, stop| async move {
            api::serve_starting(listener, progress, tls, stopped(stop)).await;
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
            .map_err(|error| {
                Failure::world(Words::fixed("start an I/O thread", "启动 I/O 线程"), &error)
            })?;
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
    match kind {
        // The threads that it starts are those for long reads alone.
        IoRuntime::CurrentThread => builder.on_thread_start(journal::give_way),
        IoRuntime::MultiThread => builder.worker_threads(workers),
    };
    builder.max_blocking_threads(READ_THREADS);
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::world(Words::fixed("start a runtime", "启动运行时"), &error))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use serde_json::json;

    use super::*;
    use crate::api::ApiOptions;
    use crate::server::client::Client;
    use crate::server::config::Config;
    use crate::server::start::{self, ADMIN_TOKEN, Kept};
    use crate::server::target::read_token;

    const GRID: &str = "411502001001001";

    const MATTER: &str = r#"[[matter]]
code = "PS-001"
name = "路灯"
class = "设施"
module = "public_safety"
home = "grid"
severity = "normal"
node_limit = { calendar_hours = 10 }
total_limit = { calendar_hours = 100 }
on_the_spot = true
public = true
confidential = false
from_occurrence = false
"#;

    /// Lines that one client streams.
    const LINES: usize = 40;

    /// A new directory with its engine, and the administrator's token.
    fn new_city(dir: &std::path::Path) -> (Kept, String) {
        let mut config = Config::default();
        config.data.dir = dir.join("data");
        let kept = start::start(&config, &|_, _| ControlFlow::Continue(()));
        let kept = kept.expect("a new directory").expect("it is not stopped");
        let token = read_token(&config.data.dir.join(ADMIN_TOKEN)).expect("its token");
        (kept, token)
    }

    /// One township with a grid, and one matter.
    async fn import(client: &mut Client) {
        let units = [
            ("411500000000", "division"),
            ("411502000000", "division"),
            ("411502001000", "division"),
            ("411502001001", "division"),
            (GRID, "grid"),
        ]
        .map(|(code, kind)| json!({ "code": code, "kind": kind, "name": code }).to_string());
        for (path, kind, body) in [
            ("/v1/imports", "application/json", json!({ "origin": "a test" }).to_string()),
            ("/v1/imports/1/units", "application/x-ndjson", units.join("\n")),
        ] {
            client.post(path, kind, body).await.expect("a reply").json().expect(path);
        }
        let committed = client.post_if("/v1/imports/1/commit", "\"0\"").await;
        committed.expect("a reply").json().expect("nothing came between");
        let proposed = client.post("/v1/config/proposals", "application/toml", MATTER).await;
        proposed.expect("a reply").json().expect("a good catalogue");
        let applied = client.post_if("/v1/config/proposals/2/apply", "\"0\"").await;
        applied.expect("a reply").json().expect("nothing came between");
    }

    /// Reports a case, acknowledges it, reads its history and the feed, and streams reports.
    async fn work(mut client: Client) {
        let report =
            json!({ "matter": "PS-001", "place": GRID, "source": "patrol", "text": "路灯不亮" });
        let reported = client.post("/v1/cases", "application/json", report.to_string()).await;
        let case = reported.expect("a reply").json().expect("accepted")["case"].clone();
        let path = format!("/v1/cases/{case}/acknowledge");
        let by = json!({ "by": GRID }).to_string();
        client.post(&path, "application/json", by).await.expect("a reply").json().expect("done");
        let timeline = client.get(&format!("/v1/cases/{case}/timeline?include=text")).await;
        let timeline = timeline.expect("a reply").json().expect("a history");
        assert_eq!(timeline["events"][0]["texts"][0]["text"], "路灯不亮");
        assert_eq!(timeline["events"][1]["type"], "case.acknowledged");

        let line = report.to_string().replacen('{', r#"{"command":"report_case","#, 1);
        let lines = format!("{line}\n").repeat(LINES);
        let streamed = client.post("/v1/commands", "application/x-ndjson", lines).await;
        let results = streamed.expect("results").body;
        let results = std::str::from_utf8(&results).expect("text").lines();
        assert_eq!(results.filter(|line| line.contains("\"case\":")).count(), LINES);
        let feed = client.get("/v1/events?limit=7").await.expect("a reply").json().expect("events");
        assert_eq!(feed["events"].as_array().map(Vec::len), Some(7));
    }

    #[test]
    fn each_runtime_serves_with_one_thread_and_with_several() {
        for (kind, io_threads) in [
            (IoRuntime::CurrentThread, 1),
            (IoRuntime::CurrentThread, 3),
            (IoRuntime::MultiThread, 1),
            (IoRuntime::MultiThread, 3),
        ] {
            let dir = tempfile::TempDir::new().expect("a directory");
            let (kept, token) = new_city(dir.path());
            let config = ServerConfig {
                listen: "127.0.0.1:0".parse().expect("an address"),
                io_threads,
                io_runtime: kind,
                ..ServerConfig::default()
            };
            // As many connections as clients: each runtime has to take its part of them.
            let connections_max = match kind {
                IoRuntime::CurrentThread => 1,
                IoRuntime::MultiThread => io_threads,
            };
            let api = Api::new(kept.handle(), ApiOptions { connections_max, ..Default::default() });
            let listener = Listener::bind(config.listen).expect("a free port");
            let threads = IoThreads::serving(&config, &listener, &api).expect("threads");
            let url = format!("http://{}", listener.address);
            let clients = runtime(IoRuntime::CurrentThread, 1).expect("a runtime");
            clients.block_on(async {
                let mut first = Client::connect(&url, &token).await.expect("a server");
                import(&mut first).await;
                drop(first);
                let mut working = tokio::task::JoinSet::new();
                for _ in 0..io_threads {
                    working.spawn(work(Client::connect(&url, &token).await.expect("a server")));
                }
                working.join_all().await;
            });
            let cases = kept.handle().view().census().cases;
            assert_eq!(cases, (io_threads * (LINES + 1)) as u64, "{kind:?} {io_threads}");
            threads.stop();
            kept.stop().expect("a good stop");
        }
    }
}
