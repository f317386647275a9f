//! Staged imports: rows come in pieces and are in force, whole, from the commit on. One that brings a
//! catalogue is a proposal, and begun elsewhere.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::findings::is_finding;
use crate::api::actions::run;
use crate::api::app::App;
use crate::api::body::{Draft, Flaw, FlawCode, Verb, Want};
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::commands::check_ndjson;
use crate::api::problem::Problem;
use crate::api::reply::{AcceptedBody, accepted, wants_timing};
use crate::api::schema;
use crate::api::write::{Address, bad_number, is_media_type, key, send_as, submit, whole};
use crate::domain::grant::Scope;
use crate::domain::ids::ImportId;
use crate::domain::limits::{KEY_BYTES_MAX, STAGED_ROWS_MAX, STAGED_TEXT_BYTES_MAX};
use crate::engine::{Accepted, Handle};
use crate::rules::{self, Words};

/// What reads units from a text.
type UnitsReader = fn(&str, &[u8]) -> Result<rules::ReadUnits, Vec<rules::Finding>>;

/// Begin an import of units
///
/// Stage its rows, then commit it. For administrators.
#[utoipa::path(
    post,
    path = "/v1/imports",
    tag = "administration",
    request_body = schema::BeginImport,
    responses(
        (status = 201, description = "It is open", body = AcceptedBody),
    ),
)]
pub(in crate::api) async fn begin_import(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let begun = run(&app, request, Address::of(Verb::BeginImport)).await;
    begun.map_err(|refused| not_begun(&app, refused))
}

/// Commit an import
///
/// What was staged is in force, whole, if it holds together with what is. Units that close with
/// it and hold open cases name their successor, which holds them from then on. `If-Match` is
/// required: the organisation's version, or for a proposal the configuration's. For administrators.
#[utoipa::path(
    post,
    path = "/v1/imports/{id}/commit",
    tag = "administration",
    params(
        ("id" = u32, Path, description = "The import"),
        ("If-Match" = String, Header, description = "The version that the organisation, or for a proposal the configuration, was seen at; or `*`"),
    ),
    responses(
        (status = 200, description = "Done", body = AcceptedBody),
    ),
)]
pub(in crate::api) async fn commit_import(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    end(&app, &id, request, Verb::CommitImport).await
}

/// Abandon an import
///
/// What was staged is forgotten, also of a proposal. For administrators.
#[utoipa::path(
    post,
    path = "/v1/imports/{id}/abandon",
    tag = "administration",
    params(("id" = u32, Path, description = "The import")),
    responses(
        (status = 200, description = "Done", body = AcceptedBody),
    ),
)]
pub(in crate::api) async fn abandon_import(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    end(&app, &id, request, Verb::AbandonImport).await
}

/// Stage units
///
/// One unit a line, or a row of CSV with a header row and `modules` joined by `;`; any number of
/// them, and all are read before any is staged. With an idempotency key of at most 56 bytes the whole
/// may be sent again. For administrators.
#[utoipa::path(
    post,
    path = "/v1/imports/{id}/units",
    tag = "administration",
    params(
        ("id" = u32, Path, description = "The import"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 56 bytes"),
    ),
    request_body(content((schema::UnitRow = "application/x-ndjson"), (String = "text/csv"))),
    responses(
        (status = 200, description = "They are staged", body = AcceptedBody),
    ),
)]
pub(in crate::api) async fn stage_units(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    Caller::with(&app, request.headers(), Scope::Admin)?;
    let parse = units_reader(request.headers())?;
    let (headers, bytes) = whole_body(&app, request).await?;
    let import = import_id(&id)?;
    // A city's units take a while: off the I/O thread.
    let read = move |_: &Handle| {
        let read = parse("", &bytes);
        read.map_err(|found| Problem::flawed(found.iter().map(finding_flaw).collect()))
    };
    let rows = app.handle().blocking_read(read).await??.rows;
    let wants = rows.chunks(STAGED_ROWS_MAX).map(|rows| Want::StageUnits(import, rows.to_vec()));
    stage(&app, &headers, wants.collect()).await
}

/// Stage the text that the rows were read from
///
/// For reading: the journal keeps it beside the rows. For administrators.
#[utoipa::path(
    post,
    path = "/v1/imports/{id}/text",
    tag = "administration",
    params(
        ("id" = u32, Path, description = "The import"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 56 bytes"),
    ),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, description = "It is staged", body = AcceptedBody),
    ),
)]
pub(in crate::api) async fn stage_text(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    Caller::with(&app, request.headers(), Scope::Admin)?;
    if let Some(kind) = request.headers().get(CONTENT_TYPE)
        && !is_media_type(kind.as_bytes(), &["text/plain", "application/toml"])
    {
        return Err(send_as("text/plain"));
    }
    let (headers, bytes) = whole_body(&app, request).await?;
    let import = import_id(&id)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let detail = Words::new(format!("line {line}"), format!("第 {line} 行"));
        Problem::detailed(Code::BadUtf8, detail)
    })?;
    let wants = pieces(text).into_iter().map(|text| Want::StageText(import, Arc::from(text)));
    stage(&app, &headers, wants.collect()).await
}

/// That no import of that number is open, and whether one was.
pub(in crate::api) fn gone(app: &App, import: ImportId) -> Problem {
    let was_begun = (1..=app.handle().view().imports_begun()).contains(&import.0);
    let detail = if was_begun {
        Words::fixed("it is not open any more", "该导入已结束")
    } else {
        Words::fixed("it was never begun", "该导入从未开始")
    };
    Problem::detailed(Code::ImportNotFound, detail)
}

/// A refusal to begin an import, with what is open where too many are.
pub(in crate::api) fn not_begun(app: &App, refused: Problem) -> Problem {
    if refused.code() != Code::ImportsFull {
        return refused;
    }
    let open = app.handle().view().open_imports();
    let open = open.iter().map(|(import, _)| import.to_string()).collect::<Vec<_>>();
    let detail = Words::new(
        format!("open are {}; POST /v1/imports/{{id}}/abandon ends one", open.join(", ")),
        format!("进行中的有 {}；可用 POST /v1/imports/{{id}}/abandon 放弃", open.join("、")),
    );
    Problem::detailed(Code::ImportsFull, detail)
}

async fn end(app: &App, id: &str, request: Request, verb: Verb) -> Result<Response, Problem> {
    let import = import_id(id)?;
    let address = Address { import: Some(import), ..Address::of(verb) };
    run(app, request, address).await.map_err(|problem| {
        if !is_finding(problem.code()) {
            return problem;
        }
        problem.with_detail(Words::new(
            format!("GET /v1/imports/{import}/findings has all that is wrong", import = import.0),
            format!("全部问题见 GET /v1/imports/{import}/findings", import = import.0),
        ))
    })
}

pub(in crate::api) fn import_id(text: &str) -> Result<ImportId, Problem> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.map(ImportId).ok_or_else(|| bad_number("an import", "导入"))
}

/// What reads the units of a body, by its media type.
fn units_reader(headers: &HeaderMap) -> Result<UnitsReader, Problem> {
    let kind = headers.get(CONTENT_TYPE);
    if kind.is_some_and(|kind| is_media_type(kind.as_bytes(), &["text/csv"])) {
        return Ok(rules::parse_units_csv);
    }
    check_ndjson(headers)?;
    Ok(rules::parse_units)
}

async fn whole_body(app: &App, request: Request) -> Result<(HeaderMap, Bytes), Problem> {
    let (http::request::Parts { headers, .. }, body) = request.into_parts();
    let options = app.options();
    let (bytes_max, patience) = (options.bulk_body_bytes_max, options.bulk_body_read_timeout);
    let bytes = whole(body, &headers, bytes_max, patience).await?;
    Ok((headers, bytes))
}

fn finding_flaw(finding: &rules::Finding) -> Flaw {
    let field = finding.field.as_ref().map(|field| format!("/{field}")).unwrap_or_default();
    Flaw::new(format!("/{}{field}", finding.line), FlawCode::BadRow)
        .noted(finding.message.and(&finding.hint))
}

/// Pieces of a text that each fit one event.
pub(in crate::api) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(STAGED_TEXT_BYTES_MAX));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Stages piece by piece, in order; the first refusal ends it. What was staged before stays staged
/// and is forgotten with its import.
async fn stage(app: &App, headers: &HeaderMap, wants: Vec<Want<'_>>) -> Result<Response, Problem> {
    let view = app.handle().view();
    let caller = Caller::with(app, headers, Scope::Admin)?;
    let key = key(headers)?;
    let mut last: Option<Accepted> = None;
    for (piece, want) in (1..).zip(wants) {
        last = Some(submit_piece(app, &caller, key, piece, want).await?);
    }
    let done = last.ok_or_else(|| Problem::new(Code::RowsOutOfBounds))?;
    Ok(accepted(view, &done, StatusCode::OK, wants_timing(headers)).map(Body::from))
}

/// Submits a piece of what came as one request, under a key of its own.
pub(in crate::api) async fn submit_piece(
    app: &App,
    caller: &Caller,
    key: Option<&str>,
    piece: u32,
    want: Want<'_>,
) -> Result<Accepted, Problem> {
    let key = key.map(|key| piece_key(key, piece)).transpose()?;
    let draft = Draft { key: key.map(Into::into), at: None, by: None, want };
    submit(app, caller, draft, None).await
}

fn piece_key(key: &str, piece: u32) -> Result<String, Problem> {
    let key = format!("{key}/{piece}");
    if key.len() > KEY_BYTES_MAX {
        let detail = Words::new(
            "Idempotency-Key: at most 56 bytes here",
            "Idempotency-Key 在此最多 56 字节",
        );
        return Err(Problem::detailed(Code::InvalidHeader, detail));
    }
    Ok(key)
}
