//! One command by one POST: read, sealed, submitted, answered.
//!
//! The hottest addresses come here straight from the door; all others by the router. Both ways run
//! the same code.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;

use super::app::App;
use super::body::{Addressed, Draft, Reshape, SealFault, Sealer, Verb, is_printable, read_post};
use super::caller::Caller;
use super::codes::Code;
use super::named::{Named, Spoken};
use super::problem::Problem;
use super::reply::{IDEMPOTENCY_KEY, accepted, wants_timing};
use crate::domain::case::Move;
use crate::domain::client::TokenHash;
use crate::domain::code::UnitCode;
use crate::domain::command::{CaseRef, Submission, Target};
use crate::domain::ids::{CaseId, ImportId, Seq};
use crate::domain::limits::KEY_BYTES_MAX;
use crate::engine::Accepted;
use crate::rules::Words;

/// What an address says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) verb: Verb,
    pub(super) case: Option<CaseId>,
    pub(super) import: Option<ImportId>,
    pub(super) unit: Option<UnitCode>,
}

impl Address {
    pub(super) const fn of(verb: Verb) -> Self {
        Self { verb, case: None, import: None, unit: None }
    }

    /// The address of a hot path: a report, or a move on a case.
    pub(super) fn hot(method: &Method, path: &str) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        let rest = path.strip_prefix("/v1/cases")?;
        if rest.is_empty() {
            return Some(Self::of(Verb::ReportCase));
        }
        let (id, action) = rest.strip_prefix('/')?.split_once('/')?;
        let one = Move::from_name(action)?;
        Some(Self { case: Some(case_id(id)?), ..Self::of(Verb::Case(one)) })
    }
}

/// The case that a path names.
pub(super) fn case_of_path(text: &str) -> Result<CaseId, Problem> {
    case_id(text).ok_or_else(|| bad_number("a case", "案件"))
}

/// A path names something by a number that is none.
pub(super) fn bad_number(english: &str, chinese: &str) -> Problem {
    let detail = Words::new(
        format!("{english} is named by a number from 1 to {}", u32::MAX),
        format!("{chinese}号应为 1 至 {} 的整数", u32::MAX),
    );
    Problem::detailed(Code::InvalidPath, detail)
}

/// A case's number in a path: digits alone.
fn case_id(text: &str) -> Option<CaseId> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = text.parse().ok().filter(|id| is_number && *id > 0)?;
    Some(CaseId(id))
}

/// Does what the caller wants. Dropping the future gives up the waiting; a command that was
/// submitted goes on.
///
/// While it waits nothing of the request is held: its head and body lie in the connection's read
/// buffer, and thousands of connections may wait.
pub(super) async fn post<B>(
    app: App,
    caller: Caller,
    headers: HeaderMap,
    body: B,
    address: Address,
) -> Result<Response<Bytes>, Problem>
where
    B: Body<Data = Bytes>,
{
    let bytes = read_body(&app, &headers, body).await?;
    let (submission, named) = read(&app, &caller, &headers, &bytes, address)?;
    let wants_timing = wants_timing(&headers);
    drop((headers, bytes));
    let done = app.handle().submit(&app.desk, submission).await;
    let done = done.map_err(|error| named.problem(app.handle().view(), error))?;
    Ok(accepted(app.handle().view(), &done, status_of(address.verb), wants_timing))
}

/// What a request submits. No future, so that what it works with does not lie about while the
/// request waits.
fn read(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    bytes: &[u8],
    address: Address,
) -> Result<(Box<Submission>, Named), Problem> {
    let draft = read_post(address.verb, addressed(headers, address)?, bytes)?;
    if draft.moves_the_clock() && app.api.source.is_taken() {
        return Err(Problem::new(Code::SourceTaken));
    }
    let named = Named::of(&draft, Spoken::ByAddress);
    Ok((Box::new(submission(app, caller, draft, None)?), named))
}

/// The whole body of one command, bounded in bytes and time.
pub(super) async fn read_body<B>(app: &App, headers: &HeaderMap, body: B) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
{
    if let Some(kind) = headers.get(CONTENT_TYPE)
        && !is_media_type(kind.as_bytes(), &["application/json"])
    {
        return Err(send_as("application/json"));
    }
    let options = app.options();
    whole(body, headers, options.body_bytes_max, options.body_read_timeout).await
}

/// All bytes of a body, at most `bytes_max`, within `patience`.
pub(super) async fn whole<B>(
    body: B,
    headers: &HeaderMap,
    bytes_max: usize,
    patience: Duration,
) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
{
    if declared_length(headers).is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large(bytes_max));
    }
    let mut reading = std::pin::pin!(pieces(body, bytes_max));
    // Most bodies came with their head, and need no timer.
    let read = match reading.as_mut().now_or_never() {
        Some(read) => read,
        None => tokio::time::timeout(patience, reading)
            .await
            .map_err(|_| Problem::new(Code::BodyTimeout))?,
    };
    read?.ok_or_else(|| too_large(bytes_max))
}

/// A body of more bytes than may come.
pub(super) fn too_large(bytes_max: usize) -> Problem {
    let detail = Words::new(format!("at most {bytes_max} bytes"), format!("最多 {bytes_max} 字节"));
    Problem::detailed(Code::BodyTooLarge, detail)
}

/// A body that is said to be something else than it must be.
pub(super) fn send_as(kind: &str) -> Problem {
    let detail = Words::new(format!("send {kind}"), format!("请以 {kind} 发送"));
    Problem::detailed(Code::UnsupportedMediaType, detail)
}

/// The pieces of a body, put together; none of more than `bytes_max` bytes.
async fn pieces<B>(body: B, bytes_max: usize) -> Result<Option<Bytes>, Problem>
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| {
            let detail = Words::new("the body ended too early", "请求体提前结束");
            Problem::detailed(Code::MalformedJson, detail)
        };
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        if first.len() + more.len() + data.len() > bytes_max {
            return Ok(None);
        }
        // Most bodies are one piece, and are read where they lie.
        if first.is_empty() && more.is_empty() {
            first = data;
            continue;
        }
        more.extend_from_slice(&std::mem::take(&mut first));
        more.extend_from_slice(&data);
    }
    Ok(Some(if more.is_empty() { first } else { more.freeze() }))
}

/// What `Content-Length` says.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a content type is one of these, whatever its parameters.
pub(super) fn is_media_type(kind: &[u8], known: &[&str]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    known.iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
}

/// What an address and its headers say of a command.
pub(super) fn addressed(headers: &HeaderMap, address: Address) -> Result<Addressed<'_>, Problem> {
    let Address { verb, case, import, unit } = address;
    // Where it means nothing it is not read.
    let version = if case.is_some() || verb.needs_seen() { if_match(headers)? } else { None };
    let mut addressed =
        Addressed { key: key(headers)?.map(Cow::Borrowed), import, unit, ..Addressed::default() };
    if let Some(id) = case {
        let version = version.map(|version| u32::try_from(version).unwrap_or(u32::MAX));
        addressed.target = Some(Target { case: CaseRef::Id(id), version });
    }
    if verb.needs_seen() {
        if !headers.contains_key(IF_MATCH) {
            let detail = Words::new(
                "If-Match: the organisation's ETag, from GET /v1/organisation; or *",
                "If-Match 应为组织机构的 ETag（见 /v1/organisation），或 *",
            );
            return Err(Problem::detailed(Code::PreconditionRequired, detail));
        }
        addressed.seen = version.map(Seq);
    }
    Ok(addressed)
}

/// The request's idempotency key.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let bad = || {
        let detail = Words::new(
            format!("Idempotency-Key: 1 to {KEY_BYTES_MAX} bytes of printable ASCII"),
            format!("Idempotency-Key 应为 1 至 {KEY_BYTES_MAX} 字节的可打印 ASCII"),
        );
        Problem::detailed(Code::InvalidHeader, detail)
    };
    if !is_printable(value.as_bytes(), KEY_BYTES_MAX) {
        return Err(bad());
    }
    value.to_str().map(Some).map_err(|_| bad())
}

/// The version that the request saw: `"3"`; none for any.
fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(IF_MATCH).map(|value| value.as_bytes().trim_ascii()) else {
        return Ok(None);
    };
    if value == b"*" {
        return Ok(None);
    }
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let version = std::str::from_utf8(quoted.unwrap_or(value)).ok().and_then(|v| v.parse().ok());
    let bad = || {
        let detail =
            Words::new("If-Match: one version, like \"3\"", "If-Match 应为一个版本，如 \"3\"");
        Problem::detailed(Code::InvalidHeader, detail)
    };
    version.map(Some).ok_or_else(bad)
}

/// Submits a draft; a refusal is told with what the draft names. Dropping the future gives up the
/// waiting; a command that was submitted goes on.
pub(super) async fn submit(
    app: &App,
    caller: &Caller,
    draft: Draft<'_>,
    token_hash: Option<TokenHash>,
) -> Result<Accepted, Problem> {
    let named = Named::of(&draft, Spoken::ByAddress);
    let submission = submission(app, caller, draft, token_hash)?;
    let done = app.handle().submit(&app.desk, submission).await;
    done.map_err(|error| named.problem(app.handle().view(), error))
}

/// Seals and marks a draft.
fn submission(
    app: &App,
    caller: &Caller,
    draft: Draft<'_>,
    token_hash: Option<TokenHash>,
) -> Result<Submission, SealFault> {
    let mut scratch = Vec::with_capacity(512);
    let mut sealer = Sealer {
        handle: app.handle(),
        principal: caller.principal,
        places: &caller.grant.places,
        token_hash,
        scratch: &mut scratch,
    };
    sealer.submission(draft)
}

/// The status of an accepted command.
pub(super) const fn status_of(verb: Verb) -> StatusCode {
    match verb {
        Verb::ReportCase
        | Verb::AdmitClient
        | Verb::BeginImport
        | Verb::Organisation(Reshape::Open) => StatusCode::CREATED,
        Verb::Case(_)
        | Verb::Organisation(_)
        | Verb::RevealCase
        | Verb::AdvanceClock
        | Verb::ChangeClient
        | Verb::RotateClient
        | Verb::RevokeClient
        | Verb::StageUnits
        | Verb::StageText
        | Verb::CommitImport
        | Verb::AbandonImport => StatusCode::OK,
    }
}
