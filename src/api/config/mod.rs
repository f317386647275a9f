//! The configuration: a catalogue is proposed as its text, looked at, and applied whole. A proposal
//! is an import that brings a catalogue, so it outlives a crash, and is abandoned as one.
//!
//! ```text
//!  text ─▶ rules ─▶ rows ─▶ begin, stage text, stage rows ─▶ proposal ─▶ apply (If-Match) ─▶ in force
//!            └─▶ every fault: 400                              └─▶ diff: added, changed, retired
//! ```

mod diff;
mod kept;
pub(super) mod open_proposals;
pub(super) mod proposals;

use axum::extract::State;
use axum::response::Response;
use http::header::{ETAG, LINK};
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::app::App;
use super::caller::Caller;
use super::moment::Moment;
use super::problem::Problem;
use super::read::events::{ActorBody, EventNames};
use super::read::{no_query, page_limit, query};
use super::reply::{ascii, json};
use crate::domain::grant::Scope;
use crate::domain::ids::Seq;
use crate::engine::Handle;
use kept::{Applied, Kept};

/// A configuration that was, or is, in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigVersion)]
pub(super) struct VersionBody {
    /// The event that brought it into force: its version.
    seq: u64,
    /// When it came into force.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// Who applied it.
    by: ActorBody,
    /// The proposal that it was.
    proposal: u32,
    /// Where it came from.
    origin: String,
    /// Matters that were not in force before.
    added: u32,
    /// Matters that were another before.
    changed: u32,
    /// Matters that were in force before and are no more.
    retired: u32,
}

impl VersionBody {
    fn of(handle: &Handle, applied: &Applied, kept: &Kept) -> Self {
        Self {
            seq: applied.committed.seq.0,
            at: Moment(applied.committed.at),
            by: ActorBody::of(&EventNames::of(handle.view()), &applied.committed),
            proposal: applied.import.0,
            origin: kept.origin.to_string(),
            added: applied.replaced.added,
            changed: applied.replaced.changed,
            retired: applied.replaced.retired,
        }
    }
}

/// The configuration in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Config)]
pub(super) struct ConfigBody {
    /// Its version: the event that brought it into force; 0 before the first.
    seq: u64,
    /// Matters in force.
    matters: usize,
    /// Matters that were in force once.
    retired: usize,
    /// How it came into force.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<VersionBody>,
    /// Its text, as it was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Show the configuration in force
///
/// With its text as it was applied. `ETag` is its version, for `If-Match` when a proposal is applied.
/// For administrators.
#[utoipa::path(
    get,
    path = "/v1/config",
    tag = "configuration",
    responses(
        (status = 200, description = "It is in force", body = ConfigBody, headers(("ETag" = String, description = "Its version"))),
    ),
)]
pub(super) async fn get_config(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let read = |handle: &Handle| {
        let catalogue = handle.view().catalogue();
        let version = Some(catalogue.version()).filter(|version| *version != Seq::ZERO);
        let told = |seq| {
            let applied = Applied::read(handle, seq)?;
            let kept = Kept::read(handle, applied.staged)?;
            Ok::<_, Problem>((VersionBody::of(handle, &applied, &kept), kept.text))
        };
        let (applied, text) = version.map(told).transpose()?.unzip();
        Ok::<_, Problem>(ConfigBody {
            seq: catalogue.version().0,
            matters: catalogue.in_force(),
            retired: catalogue.len() - catalogue.in_force(),
            applied,
            text,
        })
    };
    let body = app.handle().blocking_read(read).await??;
    let mut response = json(&body);
    response.headers_mut().insert(ETAG, ascii(format!("\"{}\"", body.seq)));
    Ok(response.map(Into::into))
}

/// A page of the configurations that were in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigHistory)]
pub(super) struct HistoryBody {
    /// The newest first.
    versions: Vec<VersionBody>,
    /// What to go on before; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    before: Option<u64>,
    limit: Option<usize>,
}

/// Versions of a page, at most: each is a few reads of the journal.
const HISTORY_PAGE_MAX: usize = 100;

/// List the configurations that were in force
///
/// Who applied what and when, and how much it changed; the newest first. For administrators.
#[utoipa::path(
    get,
    path = "/v1/config/history",
    tag = "configuration",
    params(
        ("before" = Option<u64>, Query, description = "The version to go on before"),
        ("limit" = Option<u32>, Query, description = "Versions of a page: at most 100"),
    ),
    responses(
        (status = 200, description = "A page", body = HistoryBody, headers(("Link" = String, description = "rel=\"next\", where there is more"))),
    ),
)]
pub(super) async fn get_config_history(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    let asked: HistoryQuery = query(&uri)?;
    let limit = page_limit(asked.limit, HISTORY_PAGE_MAX)?;
    let before = asked.before.map_or(Seq(u64::MAX), Seq);
    let read = move |handle: &Handle| {
        let mut versions: Vec<VersionBody> = Vec::new();
        let newest = handle.view().catalogue().version();
        let mut next = Some(newest).filter(|seq| *seq != Seq::ZERO);
        while let Some(seq) = next.filter(|_| versions.len() < limit) {
            let applied = Applied::read(handle, seq)?;
            next = applied.replaced.previous;
            if seq < before {
                let kept = Kept::read(handle, applied.staged)?;
                versions.push(VersionBody::of(handle, &applied, &kept));
            }
        }
        let next_before = versions.last().filter(|_| next.is_some()).map(|last| last.seq);
        Ok::<_, Problem>(HistoryBody { versions, next_before })
    };
    let body = app.handle().blocking_read(read).await??;
    let mut response = json(&body);
    if let Some(before) = body.next_before {
        let link = format!("</v1/config/history?before={before}&limit={limit}>; rel=\"next\"");
        response.headers_mut().insert(LINK, ascii(link));
    }
    Ok(response.map(Into::into))
}
