//! `zhida serve`: the server, until SIGTERM.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use clap::Args;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::api::{Api, Tls};
use crate::domain::ids::Seq;
use crate::rules::Words;
use crate::server::config::{ClockName, Config};
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::io::{IoThreads, Listener};
use crate::server::language;
use crate::server::start::{self, ADMIN_TOKEN, Kept};
use crate::server::tls::Greeting;
use crate::server::{options, telemetry};

/// Events folded between two lines about a recovery.
const RECOVERY_STEP: u64 = 500_000;

/// Run the server on a data directory
///
/// The first start makes the directory and an administrator's token, printed once and kept in
/// DIR/admin-token. SIGTERM or Ctrl-C ends what is open, commits and stops; during a start it ends
/// the start.
#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida serve", "zhida serve --config config/zhida.toml --dir zhida-data --listen 127.0.0.1:0"]))]
pub(super) struct ServeArgs {
    /// The configuration; the built-in defaults if left out (config/zhida.toml says them all)
    #[arg(long, value_name = "FILE", env = "ZHIDA_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory; `zhida-data` without it and without a configuration
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Address and port to listen on; 127.0.0.1:8750 by default, port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where time comes from; the system's by default, and a journal keeps what it was begun with
    #[arg(long)]
    clock: Option<ClockName>,
}

pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    let mut config = Config::read(args.config.as_deref())?;
    if let Some(dir) = args.dir {
        config.data.dir = dir;
    }
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    if let Some(clock) = args.clock {
        config.clock.mode = clock;
    }
    telemetry::start_logging(&config.telemetry)?;
    let metrics = telemetry::start_metrics()?;

    // A huge page counts as a whole: with them the peak of the 640,000 cases' run was a sixth
    // higher, and its time a twentieth lower.
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay as they are");
    }
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let waiting = waiting
        .map_err(|error| Failure::world(Words::fixed("start a runtime", "启动运行时"), &error))?;
    let tls = greet(&waiting, &config)?;
    // From here on a stop is asked for, and never just happens.
    let mut signals = waiting.block_on(async { Signals::listen() })?;
    let listener = Listener::bind(config.server.listen)?;
    let folding = Arc::new(Folding::default());
    let told = Arc::clone(&folding);
    let starting = IoThreads::starting(&listener, Arc::new(move || told.words()), tls.clone())?;
    let Some(kept) = start_beside(&waiting, &mut signals, &config, &folding)? else {
        starting.stop();
        tracing::info!("stopped during the start; the next one begins the fold again");
        return Ok(());
    };
    let api = Api::new(kept.handle(), options::api(&config, metrics, tls));
    // Connections wait meanwhile: none is answered by the one that knows nothing any more.
    starting.stop();
    let threads = IoThreads::serving(&config.server, &listener, &api)?;
    let dir = kept.dir().display();
    if let Some(token) = &kept.new_admin_token {
        language::say(&Words::new(
            format!(
                "A new data directory: {dir}\nThe administrator's token, shown this once (kept in \
                 {dir}/{ADMIN_TOKEN}):\n{token}"
            ),
            format!(
                "新数据目录：{dir}\n管理员的令牌，只显示这一次（保存在 {dir}/{ADMIN_TOKEN}）：\n{token}"
            ),
        ));
    }
    tracing::info!(address = %listener.address, %dir, "serving");

    let ended_by_itself = waiting.block_on(signals.stopped(|| kept.is_over()));
    tracing::info!("stopping");
    threads.stop();
    kept.stop()?;
    if ended_by_itself {
        return Err(Failure::new(
            Kind::World,
            Words::fixed("the engine ended by itself", "引擎自行终止"),
        ));
    }
    tracing::info!("stopped");
    Ok(())
}

/// What connections are greeted with, read again at each SIGHUP; none where they are plain, and
/// SIGHUP ends the process as it does any other.
fn greet(waiting: &Runtime, config: &Config) -> Result<Option<Arc<Tls>>, Failure> {
    let Some(greeting) = Greeting::read(&config.tls)? else {
        return Ok(None);
    };
    let tls = greeting.tls();
    let _entered = waiting.enter();
    let mut asked = signal(SignalKind::hangup())
        .map_err(|error| Failure::world(Words::fixed("listen for signals", "监听信号"), &error))?;
    waiting.spawn(async move {
        while asked.recv().await.is_some() {
            greeting.read_again();
        }
    });
    Ok(Some(tls))
}

/// Starts the engine on a thread of its own, and waits for that or for a signal, which ends a fold
/// at its next value: none then.
fn start_beside(
    waiting: &Runtime,
    signals: &mut Signals,
    config: &Config,
    folding: &Folding,
) -> Result<Option<Kept>, Failure> {
    let is_stopping = AtomicBool::new(false);
    let (working, ended) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        let start = || {
            // Gone with the thread, however it ends.
            let _working = working;
            start::start(config, &|folded, last| {
                folding.note(folded, last);
                if is_stopping.load(Ordering::Acquire) {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
        };
        let starting = std::thread::Builder::new().name("start".into()).spawn_scoped(scope, start);
        let starting = starting
            .map_err(|error| Failure::world(Words::fixed("start a thread", "启动线程"), &error))?;
        waiting.block_on(async {
            tokio::select! {
                () = signals.asked() => is_stopping.store(true, Ordering::Release),
                _ = ended => {}
            }
        });
        starting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// How far a start has folded the journal: told on `/readyz`, and now and then in the log.
#[derive(Debug, Default)]
struct Folding {
    folded: AtomicU64,
    last: AtomicU64,
    logged: AtomicU64,
}

impl Folding {
    fn note(&self, folded: Seq, last: Seq) {
        self.folded.store(folded.0, Ordering::Relaxed);
        self.last.store(last.0, Ordering::Relaxed);
        if folded.0 >= self.logged.load(Ordering::Relaxed) + RECOVERY_STEP {
            self.logged.store(folded.0, Ordering::Relaxed);
            tracing::info!("{}", self.words().english);
        }
    }
}

impl Folding {
    /// How far it is.
    fn words(&self) -> Words {
        let folded = self.folded.load(Ordering::Relaxed);
        match self.last.load(Ordering::Relaxed) {
            0 => Words::new("opening the data directory", "正在打开数据目录"),
            last => Words::new(
                format!("folding the journal: event {folded} of {last}"),
                format!("正在还原日志：第 {folded} 个事实，共 {last} 个"),
            ),
        }
    }
}

/// What asks for a stop. A signal that comes before anybody waits for it is not lost.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    was_asked: bool,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::world(Words::fixed("listen for signals", "监听信号"), &error)
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            was_asked: false,
        })
    }

    /// Waits for SIGTERM or Ctrl-C; for nothing once one came.
    async fn asked(&mut self) {
        if !self.was_asked {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            self.was_asked = true;
        }
    }

    /// Waits for SIGTERM or Ctrl-C; says whether the engine ended before that.
    async fn stopped(&mut self, is_over: impl Fn() -> bool) -> bool {
        let mut look = tokio::time::interval(std::time::Duration::from_millis(500));
        loop {
            tokio::select! {
                () = self.asked() => return false,
                _ = look.tick() => if is_over() { return true },
            }
        }
    }
}
