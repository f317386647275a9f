//! What the server says of itself: logs on stderr, metrics in Prometheus' text.

use std::io::IsTerminal as _;
use std::sync::Arc;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use super::config::{LogFormat, TelemetryConfig};
use super::exit::{Failure, Kind};

/// Upper bounds of the histograms, in seconds: from a turn in memory to a disk that stalls.
const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5,
];

/// Begins logging.
///
/// # Errors
/// When the filter is not understood.
pub(super) fn start_logging(config: &TelemetryConfig) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| Failure::new(Kind::Usage, format!("telemetry.log: {error}")))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => logs.finish().try_init(),
        LogFormat::Json => logs.json().finish().try_init(),
    };
    started.map_err(|error| Failure::new(Kind::World, format!("start logging: {error}")))
}

/// Begins counting; gives what renders the counts.
///
/// # Errors
/// When counting was begun before.
pub(super) fn start_metrics() -> Result<Arc<dyn Fn() -> String + Send + Sync>, Failure> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)
        .map_err(|error| Failure::new(Kind::World, format!("set up metrics: {error}")))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|error| Failure::new(Kind::World, format!("set up metrics: {error}")))?;
    Ok(Arc::new(move || {
        handle.run_upkeep();
        handle.render()
    }))
}
