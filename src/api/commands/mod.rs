//! Streams of commands: NDJSON both ways, any commands, any mix.
//!
//! ```text
//!  body ─▶ Lines ─▶ Batcher ─▶ submit_batch ─▶ Underway ─▶ collect ─▶ Results ─▶ answer's body
//!          cut      read, seal   (bulk lane)   in order, at most      16 B a     rendered when
//!                                              batches_max            line       it is written
//! ```
//!
//! Reading goes on while results wait: whoever sends everything before it reads anything costs its
//! results, and nothing stands still. A line that is no command is refused alone.

mod batches;
mod lines;
mod results;
pub(super) mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::FutureExt;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::app::App;
use super::caller::Caller;
use super::codes::Code;
use super::language::Language;
use super::problem::Problem;
use super::write::{declared_length, is_media_type, send_as, too_large};
use batches::{Batcher, Stop};
use lines::{Line, Lines};
use results::{Results, ResultsBody};

pub(super) use results::LineResult;

/// Where streams come in.
pub(super) const PATH: &str = "/v1/commands";
/// The media type of streams.
pub(super) const NDJSON: &str = "application/x-ndjson";
/// What clients may call it.
pub(super) const NDJSON_NAMES: &[&str] =
    &[NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"];

/// Lines of one stream that are read before others on the thread have their turn: a tenth of a
/// millisecond.
const LINES_AT_A_STRETCH: usize = 32;

/// Send commands as a stream
///
/// One JSON object a line: `{"command":"escalate_case","key":"k-1","by":"…","case":17,"reason":"…"}`.
/// Any commands in any mix, decided in order; one result line each, in order, streamed back while
/// the request is still being sent. `case` is a case's number, `{"key":…}` (the idempotency key of
/// the report, also of an earlier line of the same body) or `{"source":…,"number":…}`. A bad line is
/// refused alone, with its number. Empty lines have no result.
///
/// A result has its `line`; of an accepted command `seq`, its last event, and of one about a case `case`
/// and `version`; of a refused one `error`. Holder and due times are not in it: `GET /v1/cases?ids=…`
/// tells them, with the last `seq` as `Zhida-Min-Seq`.
///
/// Give every line a `key`: after a break send the whole body again. What was accepted gives the same
/// result, what was not is done now, and nothing is done twice.
///
/// On a driven clock a line may carry `at`: only one open stream at a time. A stream of which nothing
/// comes for a minute (by default) ends with a result that says so; what came before stands.
#[utoipa::path(
    post,
    path = "/v1/commands",
    tag = "commands",
    request_body(content = super::schema::CommandLine, content_type = NDJSON),
    responses(
        (status = 200, description = "One result a line, in order", body = LineResult, content_type = NDJSON),
    ),
)]
pub(super) async fn post_commands(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&app, &parts.headers)?;
    check_ndjson(&parts.headers)?;
    let bytes_max = app.options().bulk_body_bytes_max;
    if declared_length(&parts.headers).is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large(bytes_max));
    }
    let open = Open::one_more(&app)?;
    let results = Results::new(app.options().line_detail_bytes_max);
    // A task of its own: it goes on while the results wait for their reader.
    tokio::spawn(run(app, caller, body, Arc::clone(&results), open));
    results.begun().await?;
    let language = Language::of(&parts.headers);
    let mut response = Response::new(Body::new(ResultsBody { results, language }));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    Ok(response)
}

/// Refuses what does not say that it is a stream of lines.
pub(super) fn check_ndjson(headers: &http::HeaderMap) -> Result<(), Problem> {
    match headers.get(CONTENT_TYPE) {
        Some(kind) if is_media_type(kind.as_bytes(), NDJSON_NAMES) => Ok(()),
        Some(_) | None => Err(send_as(NDJSON)),
    }
}

/// One of the streams that may be open at once.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn one_more(app: &App) -> Result<Self, Problem> {
        let open = Arc::clone(&app.api.bulk_bodies);
        let before = open.fetch_add(1, Ordering::AcqRel);
        let open = Self(open);
        if before >= app.options().bulk_bodies_max {
            return Err(Problem::new(Code::BulkBodiesFull));
        }
        Ok(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Reads a stream to its end and waits for all of its results.
async fn run(app: App, caller: Caller, body: Body, results: Arc<Results>, _open: Open) {
    let (send, receive) = mpsc::channel(app.options().batches_max);
    let mut batcher = Batcher::new(app.clone(), caller, Arc::clone(&results), send);
    let reader = app.clone();
    let reading = async move {
        // Stopped or at its end: either way what was sent on is worked off.
        let (Ok(()) | Err(Stop)) = read(&reader, body, &mut batcher).await;
        batcher.into_drives()
    };
    let view = app.handle().view();
    let mut collecting = std::pin::pin!(batches::collect(receive, &results, view));
    // While this stream's commands are under way no other may drive the clock.
    let _drives = tokio::select! {
        drives = reading => {
            collecting.await;
            Some(drives)
        }
        // The stream was refused as a whole, and is read no further.
        () = &mut collecting => None,
    };
    results.finish();
}

async fn read(app: &App, mut body: Body, batcher: &mut Batcher) -> Result<(), Stop> {
    let mut lines = Lines::new(app.options().line_bytes_max);
    let mut bytes = 0;
    loop {
        let frame = if let Some(frame) = body.frame().now_or_never() {
            frame
        } else {
            // Nothing more is there now: what was gathered need not wait for it.
            batcher.flush().await?;
            let patience = app.options().bulk_body_idle_max;
            let Ok(frame) = tokio::time::timeout(patience, body.frame()).await else {
                return batcher.end(Code::BodyTimeout).await;
            };
            frame
        };
        let frame = match frame {
            None => break,
            Some(Ok(frame)) => frame,
            // Broken off: the lines that came whole count, the one that was cut does not.
            Some(Err(_)) => return batcher.flush().await,
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        bytes += data.len();
        if bytes > app.options().bulk_body_bytes_max {
            return batcher.end(Code::BodyTooLarge).await;
        }
        let mut rest = &data[..];
        let mut taken = 0_usize;
        while let Some(line) = lines.next(&mut rest) {
            take(batcher, line).await?;
            taken += 1;
            if taken.is_multiple_of(LINES_AT_A_STRETCH) {
                // The thread looks at its sockets: somebody may wait with a single command.
                tokio::task::yield_now().await;
            }
        }
    }
    if let Some(line) = lines.last() {
        take(batcher, line).await?;
    }
    batcher.flush().await
}

async fn take(batcher: &mut Batcher, line: Line<'_>) -> Result<(), Stop> {
    match line {
        Line::Whole(line) => batcher.line(line).await,
        Line::TooLong => batcher.line_too_long().await,
    }
}
