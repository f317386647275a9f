//! The api's bounds, each with its unit and its default, and what it is told from outside.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::lifecycle::{GOING, Going};
use super::tls::Tls;
use crate::rules::Words;

/// Writes the metrics in Prometheus' text format.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// Says whether the server takes work.
pub type ReadyCheck = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// Whether the server takes work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// Not yet, or not now: why, or how far it is.
    NotReady(Words),
}

/// What is known of the binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The commit that it was built from.
    pub commit: String,
    /// The profile that it was built with.
    pub profile: String,
    /// How durable an answered command is.
    pub durability: String,
}

impl Default for BuildInfo {
    fn default() -> Self {
        Self {
            commit: String::from("unknown"),
            profile: String::from(if cfg!(debug_assertions) { "debug" } else { "release" }),
            durability: String::from("each turn is synced before any reply leaves"),
        }
    }
}

/// Texts of a case that are opened with it: those of its report, and of its newest events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextBounds {
    /// Newest events that are looked at.
    pub events_max: usize,
    /// Bytes of text, as it was sealed; the report's come beyond them, too.
    pub bytes_max: usize,
}

/// How the api runs.
#[derive(Clone)]
pub struct ApiOptions {
    /// What `/v1/build` says of the binary.
    pub build: BuildInfo,
    /// What `/metrics` says.
    pub metrics: MetricsText,
    /// What `/readyz` says.
    pub ready: ReadyCheck,
    /// Operations that will go.
    pub going: &'static [Going],
    /// What its connections are greeted with; none: they are plain.
    pub tls: Option<Arc<Tls>>,
    /// Body of one command; more gets 413.
    pub body_bytes_max: usize,
    /// Body of `/v1/commands` and of an import's rows or text; more gets 413.
    pub bulk_body_bytes_max: usize,
    /// One line of a stream; a longer one is refused alone.
    pub line_bytes_max: usize,
    /// Lines of one stream: 5 MiB of unread results at 16 bytes a line.
    pub bulk_lines_max: u32,
    /// Streams open at once; one more gets 503.
    pub bulk_bodies_max: usize,
    /// Lines that go to the sequencer together.
    pub batch_lines_max: usize,
    /// Bytes of lines that go to the sequencer together.
    pub batch_bytes_max: usize,
    /// Batches of one stream under way at once.
    pub batches_max: usize,
    /// Details of bad lines that a stream keeps until they are read, in bytes; more are told by
    /// their code alone.
    pub line_detail_bytes_max: usize,
    /// How long a read waits for its `Zhida-Min-Seq`.
    pub min_seq_patience: Duration,
    /// How long the feed waits for an event at most.
    pub wait_max: Duration,
    /// How long whoever waits for an event that it may see looks no further, once what came was
    /// nothing for it: what comes meanwhile is looked at together.
    pub look_pause: Duration,
    /// Rows of a page.
    pub page_max: usize,
    /// Events of a case that its timeline reaches back: the newest ones, as each page walks to them.
    pub timeline_events_max: u32,
    /// Bytes of text on a page of a timeline; one event comes at least.
    pub timeline_text_bytes_max: usize,
    /// Texts that are opened with a case shown alone.
    pub case_texts: TextBounds,
    /// Texts that are opened with each case of a list.
    pub listed_texts: TextBounds,
    /// Bytes of raw journal values in one answer.
    pub records_bytes_max: usize,
    /// Connections of one I/O thread; more wait to be accepted.
    pub connections_max: usize,
    /// How long a request's head may take to come.
    pub header_read_timeout: Duration,
    /// How long the whole body of one command may take to come.
    pub body_read_timeout: Duration,
    /// How long the whole body of an import's rows or text may take to come.
    pub bulk_body_read_timeout: Duration,
    /// How long nothing may come of a body of `/v1/commands` while the server waits for more of it.
    pub bulk_body_idle_max: Duration,
    /// How long connections may take to end once the server stops.
    pub drain_wait_max: Duration,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            build: BuildInfo::default(),
            metrics: Arc::new(String::new),
            ready: Arc::new(|| Readiness::Ready),
            going: GOING,
            tls: None,
            body_bytes_max: 64 * 1_024,
            bulk_body_bytes_max: 16 * 1_024 * 1_024,
            line_bytes_max: 64 * 1_024,
            bulk_lines_max: 5 * 1_024 * 1_024 / 16,
            bulk_bodies_max: 64,
            batch_lines_max: 32,
            batch_bytes_max: 128 * 1_024,
            batches_max: 256,
            line_detail_bytes_max: 64 * 1_024,
            min_seq_patience: Duration::from_secs(5),
            wait_max: Duration::from_secs(30),
            look_pause: Duration::from_millis(20),
            page_max: 1_000,
            timeline_events_max: 100_000,
            timeline_text_bytes_max: 4 * 1_024 * 1_024,
            case_texts: TextBounds { events_max: 1_000, bytes_max: 4 * 1_024 * 1_024 },
            listed_texts: TextBounds { events_max: 100, bytes_max: 256 * 1_024 },
            records_bytes_max: 16 * 1_024 * 1_024,
            connections_max: 16_384,
            header_read_timeout: Duration::from_secs(30),
            body_read_timeout: Duration::from_secs(30),
            bulk_body_read_timeout: Duration::from_mins(5),
            bulk_body_idle_max: Duration::from_mins(1),
            drain_wait_max: Duration::from_secs(4),
        }
    }
}

impl fmt::Debug for ApiOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiOptions").field("build", &self.build).finish_non_exhaustive()
    }
}

/// Cases that one query names by their numbers at most.
pub(super) const IDS_MAX: usize = 200;
/// Cases of a page that opens their texts.
pub(super) const TEXT_PAGE_MAX: usize = 20;
/// How long after its first page a query may be paged through, in milliseconds: 24 hours.
pub(super) const CURSOR_AGE_MS_MAX: i64 = 24 * 3_600_000;
/// How far back a query that also asks for ended cases, and for no time, looks, in milliseconds of
/// their receipt: 90 days.
pub(super) const LOOK_BACK_MS: i64 = 90 * 24 * 3_600_000;
