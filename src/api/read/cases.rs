//! A case, and its history.

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::ETAG;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::events::{EventBody, EventNames};
use super::parts::{self, CaseText, ClaimantBody};
use super::{Include, IncludeQuery, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::{CodeText, Moment};
use crate::api::problem::Problem;
use crate::api::reply::{etag, json};
use crate::api::write::case_id;
use crate::domain::case::{Case, Move, Status};
use crate::domain::catalogue::Catalogue;
use crate::domain::grant::Scope;
use crate::domain::ids::{CaseId, Timestamp, UnitNumber};
use crate::domain::organisation::Organisation;
use crate::engine::Handle;

/// A case as it stands, without its texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaseRow)]
pub(in crate::api) struct CaseRow {
    /// Its number.
    case: u32,
    /// How many events it has had.
    version: u32,
    /// `dispatched`, `acknowledged`, `handled`, `closed`, `declined` or `voided`.
    status: &'static str,
    /// When it came to that status, where it does not wait to be signed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    status_at: Option<Moment>,
    /// Who answers for it; none once it has ended.
    #[schema(value_type = Option<String>)]
    holder: Option<CodeText>,
    /// Who closed, declined or voided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    ended_by: Option<CodeText>,
    /// Where it happened: the code that the place had then.
    #[schema(value_type = Option<String>)]
    place: Option<CodeText>,
    /// Who sent it to its holder; none where routing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    sender: Option<CodeText>,
    /// The matter's code.
    matter: Option<String>,
    /// `normal`, `urgent` or `emergency`.
    severity: &'static str,
    /// Where it came from.
    source: &'static str,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    reported_at: Moment,
    /// When its newest event was.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Moment,
    /// The holder's clock: `green`, `yellow` or `red`.
    node_light: &'static str,
    /// When the holder's clock turns yellow.
    #[schema(value_type = String, format = DateTime)]
    node_warning_at: Moment,
    /// When the holder's clock turns red.
    #[schema(value_type = String, format = DateTime)]
    node_due_at: Moment,
    /// The whole case's clock.
    total_light: &'static str,
    /// When the whole case's clock turns yellow.
    #[schema(value_type = String, format = DateTime)]
    total_warning_at: Moment,
    /// When the whole case's clock turns red.
    #[schema(value_type = String, format = DateTime)]
    total_due_at: Moment,
    /// How often it went up.
    escalations: u8,
    /// How often it was opened again.
    reopens: u8,
    /// The township's room holds it for want of a rule or an open grid.
    fallback: bool,
    /// Reported and settled in one call.
    on_the_spot: bool,
    /// What its holder, or whoever ended it, may do now.
    moves: Vec<&'static str>,
}

impl CaseRow {
    pub(in crate::api) fn of(
        organisation: &Organisation,
        catalogue: &Catalogue,
        id: CaseId,
        case: &Case,
    ) -> Self {
        let code = |unit: UnitNumber| organisation.code(unit).map(CodeText);
        let (status_at, ended_by) = since(case);
        let holder = case.status.holder();
        Self {
            case: id.0,
            version: case.version,
            status: case.status.name().name(),
            status_at: status_at.map(Moment),
            holder: holder.and_then(code),
            ended_by: ended_by.and_then(code),
            place: case.place_code(organisation).map(CodeText),
            sender: case.sender.unit().and_then(code),
            matter: catalogue.matter(case.matter).map(|matter| matter.code.to_string()),
            severity: case.severity.name(),
            source: case.source.name(),
            reported_at: Moment(case.reported_at),
            changed_at: Moment(case.changed_at),
            node_light: case.node_light.name(),
            node_warning_at: Moment(case.deadlines.node_warning_at),
            node_due_at: Moment(case.deadlines.node_due_at),
            total_light: case.total_light.name(),
            total_warning_at: Moment(case.deadlines.total_warning_at),
            total_due_at: Moment(case.deadlines.total_due_at),
            escalations: case.escalations,
            reopens: case.reopens,
            fallback: case.is_fallback,
            on_the_spot: case.on_the_spot,
            moves: case.moves_now(organisation).iter().map(Move::name).collect(),
        }
    }
}

/// Since when it is at what it is at, and who ended it.
fn since(case: &Case) -> (Option<Timestamp>, Option<UnitNumber>) {
    match case.status {
        Status::Dispatched { .. } => (None, None),
        Status::Acknowledged { at, .. } | Status::Handled { at, .. } => (Some(at), None),
        Status::Closed { by, at } | Status::Declined { by, at } | Status::Voided { by, at } => {
            (Some(at), Some(by))
        }
    }
}

/// A case, with its texts where they were asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Case)]
pub(in crate::api) struct CaseBody {
    #[serde(flatten)]
    pub(super) row: CaseRow,
    /// Who claims, masked; with `include=text` only, and for confidential matters to
    /// administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimant: Option<ClaimantBody>,
    /// Its texts, oldest first; with `include=text` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) texts: Option<Vec<CaseText>>,
}

/// Show a case
///
/// With what its holder may do now. `ETag` is its version, for `If-Match` on its moves.
#[utoipa::path(
    get,
    path = "/v1/cases/{id}",
    tag = "cases",
    params(
        ("id" = u32, Path, description = "The case's number"),
        ("include" = Option<String>, Query, description = "`text`: the case's texts and its claimant, masked"),
    ),
    responses(
        (status = 200, description = "The case", body = CaseBody, headers(("ETag" = String, description = "Its version"))),
    ),
)]
pub(in crate::api) async fn get_case(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let (id, case) = find(&app, &caller, &id)?;
    let asked: IncludeQuery = query(&uri)?;
    let view = app.handle().view();
    let row = CaseRow::of(&view.organisation(), &view.catalogue(), id, &case);
    let mut body = CaseBody { row, claimant: None, texts: None };
    let version = case.version;
    if asked.include == Some(Include::Text) {
        let events_max = app.options().timeline_events_max;
        let read = move |handle: &Handle| opened(handle, &caller, (id, &case), events_max);
        let (texts, claimant) = app.handle().blocking_read(read).await??;
        (body.texts, body.claimant) = (Some(texts), claimant);
    }
    let mut response = json(&body);
    response.headers_mut().insert(ETAG, etag(version));
    Ok(response.map(Into::into))
}

/// The texts of a case, and its claimant where the caller may know. May wait for the disk.
pub(super) fn opened(
    handle: &Handle,
    caller: &Caller,
    (id, case): (CaseId, &Case),
    events_max: usize,
) -> Result<(Vec<CaseText>, Option<ClaimantBody>), Problem> {
    let history = handle.history(id, case, events_max)?;
    let mut texts = Vec::new();
    for record in &history {
        texts.extend(parts::texts(handle, record)?);
    }
    let catalogue = handle.view().catalogue();
    let is_confidential = catalogue.matter(case.matter).is_none_or(|matter| matter.confidential);
    let report = history.first().filter(|_| !is_confidential || caller.grant.is_admin());
    let claimant = report.map(|report| parts::claimant(handle, report)).transpose()?.flatten();
    Ok((texts, claimant.map(ClaimantBody::masked)))
}

/// The history of a case.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(in crate::api) struct TimelineBody {
    /// The case's number.
    case: u32,
    /// How many events it has had; the newest of them are shown.
    version: u32,
    /// Oldest first.
    events: Vec<EventBody>,
}

/// Show the history of a case
///
/// Every event of the case, oldest first.
#[utoipa::path(
    get,
    path = "/v1/cases/{id}/timeline",
    tag = "cases",
    params(
        ("id" = u32, Path, description = "The case's number"),
        ("include" = Option<String>, Query, description = "`text`: with the texts opened"),
    ),
    responses(
        (status = 200, description = "Its events", body = TimelineBody),
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
    let asked: IncludeQuery = query(&uri)?;
    let events_max = app.options().timeline_events_max;
    let version = case.version;
    let read = move |handle: &Handle| events(handle, (id, &case), events_max, asked.include);
    let events = app.handle().blocking_read(read).await??;
    Ok(json(&TimelineBody { case: id.0, version, events }).map(Into::into))
}

fn events(
    handle: &Handle,
    (id, case): (CaseId, &Case),
    events_max: usize,
    include: Option<Include>,
) -> Result<Vec<EventBody>, Problem> {
    let names = EventNames::of(handle.view());
    let history = handle.history(id, case, events_max)?;
    let told = history.iter().map(|record| {
        let texts = include.map(|Include::Text| parts::texts(handle, record)).transpose()?;
        Ok(EventBody::of(&names, record).with_texts(texts))
    });
    told.collect()
}

fn find(app: &App, caller: &Caller, id: &str) -> Result<(CaseId, Case), Problem> {
    let view = app.handle().view();
    let id = case_id(id).ok_or_else(|| Problem::new(Code::CaseNotFound))?;
    let case = view.case(id).filter(|case| caller.sees_case(&view.organisation(), case));
    Ok((id, case.ok_or_else(|| Problem::new(Code::CaseNotFound))?))
}
