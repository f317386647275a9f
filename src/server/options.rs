//! From the configuration to the api's options.

use std::sync::Arc;

use bytesize::ByteSize;

use super::config::Config;
use crate::api::{ApiOptions, BuildInfo, MetricsText, Tls};

/// The commit that this binary was built from, where the build knew it.
const COMMIT: Option<&str> = option_env!("ZHIDA_COMMIT");

/// The api's options of this configuration.
pub(super) fn api(config: &Config, metrics: MetricsText, tls: Option<Arc<Tls>>) -> ApiOptions {
    let bytes = |size: ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
    ApiOptions {
        build: BuildInfo { commit: COMMIT.unwrap_or("unknown").into(), ..BuildInfo::default() },
        metrics,
        tls,
        body_bytes_max: bytes(config.api.body_bytes_max),
        bulk_body_bytes_max: bytes(config.api.bulk_body_bytes_max),
        line_bytes_max: bytes(config.api.line_bytes_max),
        bulk_bodies_max: config.api.bulk_bodies_max,
        bulk_body_idle_max: config.api.bulk_body_idle_max.0,
        wait_max: config.api.wait_max.0,
        min_seq_patience: config.api.min_seq_patience.0,
        drain_wait_max: config.server.drain.0,
        ..ApiOptions::default()
    }
}
