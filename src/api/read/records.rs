//! Outcomes by key, and the raw journal.

use std::ops::ControlFlow;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Uri};
use serde::Deserialize;

use super::{no_query, query};
use crate::api::app::App;
use crate::api::body::is_printable;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::problem::Problem;
use crate::api::reply::{AcceptedBody, ZHIDA_SEQ, json};
use crate::domain::grant::Scope;
use crate::domain::ids::Seq;
use crate::domain::limits::KEY_BYTES_MAX;
use crate::rules::Words;

/// Ask what became of a key
///
/// The answer to the accepted command of that idempotency key, for the same token: for 24 hours or
/// 1,000,000 newer ones. Sees what is being decided now, so it settles what a broken connection
/// left open.
#[utoipa::path(
    get,
    path = "/v1/outcomes/{key}",
    tag = "commands",
    params(("key" = String, Path, description = "The idempotency key")),
    responses(
        (status = 200, description = "It was accepted", body = AcceptedBody, headers(("Zhida-Seq" = u64, description = "Its last event"))),
    ),
)]
pub(in crate::api) async fn get_outcome(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let view = app.handle().view();
    let caller = Caller::of(&app, &headers)?;
    no_query(&uri)?;
    if !is_printable(key.as_bytes(), KEY_BYTES_MAX) {
        let detail = Words::new(
            format!("a key is 1 to {KEY_BYTES_MAX} bytes of printable ASCII"),
            format!("幂等键应为 1 至 {KEY_BYTES_MAX} 字节的可打印 ASCII"),
        );
        return Err(Problem::detailed(Code::InvalidPath, detail));
    }
    let outcome = app.handle().outcome(&app.desk, caller.principal, &key).await?;
    let reply = outcome.ok_or_else(|| Problem::naming(Code::OutcomeUnknown, &key))?;
    let mut response = json(&AcceptedBody::of(view, &reply));
    response.headers_mut().insert(ZHIDA_SEQ, HeaderValue::from(reply.seq.0));
    Ok(response.map(Into::into))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordsQuery {
    from: Option<u64>,
    limit_bytes: Option<usize>,
}

/// Bytes of raw values in an answer that asks for no other bound.
const RECORDS_BYTES: usize = 4 * 1_024 * 1_024;

/// Read the raw journal
///
/// Whole published values, the first one the one that holds `from`: for `verify`, `inspect`,
/// `backup` and followers. Each value comes as its first seq (u64), its length (u32), both little
/// endian, and its bytes. At least one value comes where there is one. `Zhida-Seq` is the first seq
/// of the last value, 0 where none came; go on behind the events that it holds. For administrators.
#[utoipa::path(
    get,
    path = "/v1/journal/records",
    tag = "administration",
    params(
        ("from" = Option<u64>, Query, description = "An event of the first value; from the first without it"),
        ("limit_bytes" = Option<u32>, Query, description = "Bytes at which no further value is begun: 4 MiB, at most 16 MiB"),
    ),
    responses(
        (status = 200, description = "Framed values", body = Vec<u8>, content_type = "application/octet-stream", headers(("Zhida-Seq" = u64, description = "First seq of the last value"))),
    ),
)]
pub(in crate::api) async fn get_records(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    let asked: RecordsQuery = query(&uri)?;
    let from = Seq(asked.from.unwrap_or(1).max(1));
    let bytes_max = app.options().records_bytes_max;
    let limit = asked.limit_bytes.unwrap_or(RECORDS_BYTES).min(bytes_max);
    let read = app.handle().blocking_read(move |handle| {
        let mut framed = Vec::new();
        let mut last = Seq::ZERO;
        handle.raw_values(from, &mut |first, value| {
            last = first;
            framed.extend_from_slice(&first.0.to_le_bytes());
            let length = u32::try_from(value.len()).expect("a value is at most 65,400 bytes");
            framed.extend_from_slice(&length.to_le_bytes());
            framed.extend_from_slice(value);
            if framed.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok::<_, crate::engine::ReadError>((framed, last))
    });
    let (framed, last) = read.await??;
    let mut response = Response::new(Bytes::from(framed).into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ZHIDA_SEQ, HeaderValue::from(last.0));
    Ok(response)
}
