//! The history of a case, in pages.
//!
//! On the journal each event names the one before it, so a page is found by a walk back from the
//! newest; what the walk passes is not kept.

use std::collections::VecDeque;

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::LINK;
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cases::find;
use super::cursor::{Cursor, next_link, query_hash};
use super::events::{EventBody, EventNames};
use super::parts;
use super::{Include, page_limit, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::reply::{ascii, json};
use crate::domain::case::Case;
use crate::domain::grant::Scope;
use crate::domain::ids::CaseId;
use crate::domain::record::Record;
use crate::engine::query::SortKey;
use crate::engine::{Handle, ReadError};

/// The history of a case, or a page of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(in crate::api) struct TimelineBody {
    /// The case's number.
    case: u32,
    /// How many events it has had, warnings, notes and reveals among them.
    version: u32,
    /// Oldest first.
    events: Vec<EventBody>,
    /// What to go on with; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimelineQuery {
    include: Option<Include>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Show the history of a case
///
/// Every event of the case, oldest first, in pages. What happens while it is paged through comes on
/// the last page. With the texts a page ends early once it has 4 MiB of them. Of a case with more than
/// 100,000 events the newest 100,000 are told.
#[utoipa::path(
    get,
    path = "/v1/cases/{id}/timeline",
    tag = "cases",
    params(
        ("id" = u32, Path, description = "The case's number"),
        ("include" = Option<String>, Query, description = "`text`: with the texts opened"),
        ("limit" = Option<u32>, Query, description = "Events of a page: 100, at most 1000; with the texts perhaps fewer"),
        ("cursor" = Option<String>, Query, description = "Where the page before ended, for 24 hours"),
    ),
    responses(
        (status = 200, description = "Its events", body = TimelineBody, headers(("Link" = String, description = "rel=\"next\", where there is more"))),
    ),
)]
pub(in crate::api) async fn get_timeline(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let (id, case) = find(&app, &caller, &id)?;
    let asked: TimelineQuery = query(&uri)?;
    let options = app.options();
    let limit = page_limit(asked.limit, options.page_max)?;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let (now, hash) = (app.handle().now(), query_hash(uri.path(), [].into_iter()));
    let cursor = asked.cursor.as_deref().map(|text| Cursor::read(text, hash, now)).transpose()?;
    let oldest = case.version.saturating_sub(options.timeline_events_max);
    let passed = cursor.map_or(0, |cursor| told_before(&cursor)).max(oldest);
    let (version, last_seq) = (case.version, case.last_seq);
    let text_bytes_max = options.timeline_text_bytes_max;
    let read = move |handle: &Handle| {
        let page = newest_first(handle, (id, &case), passed, limit);
        match asked.include {
            None => told(handle, id, page),
            Some(Include::Text) => told_with_texts(handle, id, page, text_bytes_max),
        }
    };
    let events = app.handle().blocking_read(read).await??;

    let rank = u64::from(passed) + events.len() as u64;
    let next_cursor = (rank < u64::from(version)).then(|| {
        let key = SortKey { rank, case: id };
        let (begun_at, begun_seq) =
            cursor.map_or((now, last_seq), |cursor| (cursor.begun_at, cursor.begun_seq));
        Cursor { query: hash, key, begun_at, begun_seq }.text()
    });
    let body = TimelineBody { case: id.0, version, events, next_cursor };
    let mut response = json(&body);
    if let Some(cursor) = &body.next_cursor {
        response.headers_mut().insert(LINK, ascii(next_link(&uri, cursor)));
    }
    Ok(response.map(Into::into))
}

/// How many of the case's events were told on the pages before.
fn told_before(cursor: &Cursor) -> u32 {
    u32::try_from(cursor.key.rank).unwrap_or(u32::MAX)
}

/// The case's events behind its first `passed` ones, `limit` at most, newest first; what the walk
/// passes is not kept.
fn newest_first(
    handle: &Handle,
    (id, case): (CaseId, &Case),
    passed: u32,
    limit: u32,
) -> impl Iterator<Item = Result<Record, ReadError>> {
    let last = passed.saturating_add(limit);
    // An event's place on the chain is the version that the case has had since.
    let versions = (passed.saturating_add(1)..=case.version).rev();
    let walk = versions.zip(handle.newest_first(id, case.last_seq));
    walk.filter(move |(version, record)| *version <= last || record.is_err())
        .map(|(_, record)| record)
}

/// The events of a page, oldest first, without their texts.
fn told(
    handle: &Handle,
    id: CaseId,
    newest_first: impl Iterator<Item = Result<Record, ReadError>>,
) -> Result<Vec<EventBody>, Problem> {
    let names = EventNames::of(handle.view());
    let told = newest_first.map(|record| Ok(EventBody::of(&names, &record?, &|one| one == id)));
    let mut events = told.collect::<Result<Vec<_>, Problem>>()?;
    events.reverse();
    Ok(events)
}

/// The oldest events of a page, oldest first, with their texts: as many as have room together, and
/// one at least.
fn told_with_texts(
    handle: &Handle,
    id: CaseId,
    newest_first: impl Iterator<Item = Result<Record, ReadError>>,
    text_bytes_max: usize,
) -> Result<Vec<EventBody>, Problem> {
    let mut kept = VecDeque::new();
    let mut bytes = 0;
    for record in newest_first {
        let record = record?;
        bytes += parts::text_bytes(&record);
        kept.push_front(record);
        while bytes > text_bytes_max && kept.len() > 1 {
            let newest = kept.pop_back();
            bytes -= newest.as_ref().map_or(0, parts::text_bytes);
        }
    }
    let names = EventNames::of(handle.view());
    let told = kept.iter().map(|record| {
        let texts = parts::texts(handle, record)?;
        Ok(EventBody::of(&names, record, &|one| one == id).with_texts(texts))
    });
    told.collect()
}
