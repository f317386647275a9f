//! What handlers hold: the engine's cheap end, this thread's desk, and what all threads share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use http::HeaderValue;
use tokio::sync::watch;

use super::commands::source::Source;
use super::document::Told;
use super::options::ApiOptions;
use super::quota::Usage;
use crate::domain::event::ClockMode;
use crate::engine::Desk;
use crate::engine::Handle;

/// One I/O thread's view of the server. Cheap to clone.
#[derive(Clone)]
pub(super) struct App {
    pub(super) api: Arc<Api>,
    pub(super) desk: Desk,
}

/// What all I/O threads share: the engine's cheap end, the bounds, who drives the clock.
pub struct Api {
    pub(super) handle: Handle,
    pub(super) options: ApiOptions,
    pub(super) bulk_bodies: Arc<AtomicUsize>,
    /// Whoever drives a driven clock.
    pub(super) source: Source,
    /// Whether the server stops: who waits for what may never come need wait no longer.
    pub(super) stopping: watch::Sender<bool>,
    /// What the clients have used.
    pub(super) usage: Usage,
    pub(super) clock_header: HeaderValue,
    pub(super) openapi: Told,
    /// Random, once a start: request ids of two starts differ.
    start: u64,
    requests: AtomicU64,
}

impl Api {
    /// Speaks for the engine behind `handle`.
    #[must_use]
    pub fn new(handle: Handle, options: ApiOptions) -> Arc<Self> {
        let clock_header = HeaderValue::from_static(clock_name(handle.clock_mode()));
        let openapi = super::document::openapi_with(options.going);
        Arc::new(Self {
            handle,
            options,
            bulk_bodies: Arc::default(),
            source: Source::default(),
            stopping: watch::Sender::new(false),
            usage: Usage::new(),
            clock_header,
            openapi,
            start: getrandom::u64().unwrap_or_default(),
            requests: AtomicU64::new(0),
        })
    }

    /// The engine's cheap end.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(super) fn options(&self) -> &ApiOptions {
        &self.options
    }

    /// A name for an answer that somebody may ask about.
    pub(super) fn request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-{number}", self.start & 0xffff_ffff)
    }
}

impl App {
    pub(super) fn handle(&self) -> &Handle {
        &self.api.handle
    }

    pub(super) fn options(&self) -> &ApiOptions {
        &self.api.options
    }
}

/// What `Zhida-Clock` says.
pub(super) const fn clock_name(mode: ClockMode) -> &'static str {
    match mode {
        ClockMode::System => "system",
        ClockMode::Manual => "manual",
        ClockMode::Driven => "driven",
    }
}
