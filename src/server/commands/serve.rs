//! `zhida serve`: the server, until SIGTERM.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::api::Api;
use crate::server::config::{ClockName, Config};
use crate::server::exit::{Failure, Kind};
use crate::server::io::IoThreads;
use crate::server::start::{self, ADMIN_TOKEN};
use crate::server::{options, telemetry};

/// Run the server on a data directory. The first start makes the directory and an administrator's
/// token, printed once and kept in DIR/admin-token. SIGTERM or Ctrl-C drains and stops.
#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    /// The configuration; the built-in defaults if left out (config/zhida.toml says them all)
    #[arg(long, value_name = "FILE", env = "ZHIDA_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where time comes from; a journal keeps the clock that it was begun with
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

    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let waiting = waiting.map_err(|error| Failure::world("start a runtime", &error))?;
    let kept = start::start(&config, &|folded, last| tracing::info!(%folded, %last, "recovering"))?;
    let api = Api::new(kept.handle(), options::api(&config, metrics));
    let threads = IoThreads::start(&config.server, &api)?;
    let dir = kept.dir().display();
    if let Some(token) = &kept.new_admin_token {
        eprintln!("A new data directory: {dir}");
        eprintln!(
            "The administrator's token, shown this once (kept in {dir}/{ADMIN_TOKEN}):\n{token}"
        );
    }
    tracing::info!(address = %threads.address, %dir, "serving");

    let ended_by_itself = waiting.block_on(stopped(|| kept.is_over()))?;
    tracing::info!("stopping");
    threads.stop();
    kept.stop()?;
    if ended_by_itself {
        return Err(Failure::new(Kind::World, "the engine ended by itself"));
    }
    tracing::info!("stopped");
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C; says whether the engine ended before that.
async fn stopped(is_over: impl Fn() -> bool) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| Failure::world("listen for signals", &error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(false),
            _ = interrupt.recv() => return Ok(false),
            _ = look.tick() => if is_over() { return Ok(true) },
        }
    }
}
