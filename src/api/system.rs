//! How the server is: health, readiness, metrics, build, and what it speaks.

use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::app::{App, clock_name};
use super::caller::Caller;
use super::language::Language;
use super::moment::Moment;
use super::options::Readiness;
use super::problem::Problem;
use super::read::no_query;
use super::reply::{JSON, json};
use crate::domain::limits;
use crate::engine::{Status, Storage};
use crate::rules::Words;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(super) struct HealthBody {
    /// `ok`, `degraded`, or `starting`, which is all that a server that starts says.
    status: &'static str,
    /// `good`, `low`, `full` or `failing`.
    #[schema(required = false)]
    storage: &'static str,
    /// `system`, `manual` or `driven`.
    #[schema(required = false)]
    clock: &'static str,
    /// What its clock says.
    #[schema(required = false, value_type = String, format = DateTime)]
    now: Moment,
    /// What runs, but not as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<String>,
    /// The newest published event.
    #[schema(required = false)]
    seq: u64,
}

/// Ask whether the server lives
///
/// 200 as long as it answers; `degraded` tells what is not as it should be. Needs no token.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "system",
    security(()),
    responses((status = 200, description = "It lives", body = HealthBody)),
)]
pub(super) async fn get_health(State(app): State<App>) -> Response {
    let status = app.handle().status();
    let degraded = status.degraded();
    let is_well = degraded.is_none() && is_good(status);
    let body = HealthBody {
        status: if is_well { "ok" } else { "degraded" },
        storage: storage_name(status),
        clock: clock_name(app.handle().clock_mode()),
        now: Moment(app.handle().now()),
        degraded,
        seq: app.handle().view().published().0,
    };
    json(&body).map(Into::into)
}

/// Whether the server takes work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ready)]
pub(super) struct ReadyBody {
    /// Whether it does.
    pub(super) ready: bool,
    /// Why not, or how far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

/// Ask whether the server takes work
///
/// Needs no token.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "system",
    security(()),
    responses(
        (status = 200, description = "It does", body = ReadyBody),
        (status = 503, description = "Not yet, or not now", body = ReadyBody),
    ),
)]
pub(super) async fn get_ready(State(app): State<App>, headers: HeaderMap) -> Response {
    let status = app.handle().status();
    let readiness = if status.storage() == Storage::Good {
        (app.options().ready)()
    } else {
        let storage = storage_name(status);
        let english = format!("the storage is {storage}");
        Readiness::NotReady(Words::new(english, format!("存储状态：{storage}")))
    };
    let body = match readiness {
        Readiness::Ready => ReadyBody { ready: true, detail: None },
        Readiness::NotReady(why) => {
            let detail = Language::of(&headers).pick(&why).to_owned();
            ReadyBody { ready: false, detail: Some(detail) }
        }
    };
    let mut response = json(&body);
    if !body.ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response.map(Into::into)
}

/// Read the metrics
///
/// In Prometheus' text format. Needs no token.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    security(()),
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain")),
)]
pub(super) async fn get_metrics(State(app): State<App>) -> Response {
    let mut response = Response::new((app.options().metrics)().into());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// What the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Build)]
pub(super) struct BuildBody {
    /// The version of the package.
    version: &'static str,
    /// The commit that it was built from.
    commit: String,
    /// The profile that it was built with.
    profile: String,
    /// How durable an answered command is.
    durability: String,
    /// What the clock may do: `system`, `manual` or `driven`.
    clock: &'static str,
    /// Bounds.
    limits: LimitsBody,
}

/// Bounds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
#[expect(clippy::struct_field_names, reason = "bounds are named as bounds")]
pub(super) struct LimitsBody {
    /// Body of one command, in bytes.
    body_bytes_max: usize,
    /// Body of a stream, in bytes.
    bulk_body_bytes_max: usize,
    /// Line of a stream, in bytes.
    line_bytes_max: usize,
    /// Lines of a stream.
    bulk_lines_max: u32,
    /// Streams open at once.
    bulk_bodies_max: usize,
    /// Rows of a page.
    page_max: usize,
    /// Idempotency key, in bytes.
    key_bytes_max: usize,
    /// Text, reason, measures and answer, in characters.
    text_chars_max: usize,
    /// Accepted outcomes remembered.
    outcomes_max: usize,
    /// How long they are remembered, in hours.
    outcome_age_hours_max: i64,
}

/// Show what the server is
///
/// Its build, its clock and its bounds. For any token.
#[utoipa::path(
    get,
    path = "/v1/build",
    tag = "system",
    responses(
        (status = 200, description = "Build and bounds", body = BuildBody),
    ),
)]
pub(super) async fn get_build(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::of(&app, &headers)?;
    no_query(&uri)?;
    let options = app.options();
    let body = BuildBody {
        version: env!("CARGO_PKG_VERSION"),
        commit: options.build.commit.clone(),
        profile: options.build.profile.clone(),
        durability: options.build.durability.clone(),
        clock: clock_name(app.handle().clock_mode()),
        limits: LimitsBody {
            body_bytes_max: options.body_bytes_max,
            bulk_body_bytes_max: options.bulk_body_bytes_max,
            line_bytes_max: options.line_bytes_max,
            bulk_lines_max: options.bulk_lines_max,
            bulk_bodies_max: options.bulk_bodies_max,
            page_max: options.page_max,
            key_bytes_max: limits::KEY_BYTES_MAX,
            text_chars_max: limits::TEXT_CHARS_MAX,
            outcomes_max: limits::OUTCOMES_MAX,
            outcome_age_hours_max: limits::OUTCOME_AGE_MS_MAX / 3_600_000,
        },
    };
    Ok(json(&body).map(Into::into))
}

/// Read this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "system",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
)]
pub(super) async fn get_openapi(State(app): State<App>, headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    let mut response = Response::new(app.api.openapi.text(language).into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    language.tell(headers);
    response
}

fn is_good(status: &Status) -> bool {
    status.storage() == Storage::Good && !status.is_low_on_space()
}

/// As health says it: running out of room is told before anything fails.
fn storage_name(status: &Status) -> &'static str {
    match status.storage() {
        Storage::Good if status.is_low_on_space() => "low",
        Storage::Good => "good",
        Storage::Full => "full",
        Storage::Failing => "failing",
    }
}
