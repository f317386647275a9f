//! A case as it stands, with its texts where they are asked for.

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::ETAG;
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::events::{ActorBody, EventNames};
use super::parts::{self, CaseText, ClaimantBody};
use super::query::seen;
use super::{Include, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::{CodeText, Moment};
use crate::api::options::TextBounds;
use crate::api::problem::Problem;
use crate::api::reply::{etag, json};
use crate::api::write::case_of_path;
use crate::domain::case::{Case, Move, Status};
use crate::domain::catalogue::Catalogue;
use crate::domain::event::Event;
use crate::domain::grant::Scope;
use crate::domain::ids::{CaseId, Timestamp, UnitNumber};
use crate::domain::organisation::Organisation;
use crate::domain::record::Record;
use crate::engine::Handle;

/// A case as it stands, without its texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaseRow)]
pub(in crate::api) struct CaseRow {
    /// Its number.
    case: u32,
    /// How many events it has had, warnings, notes and reveals among them.
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
    row: CaseRow,
    /// The number that its source gave it; in a list with `include=text` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_number: Option<String>,
    /// When it happened, where the report said so; in a list with `include=text` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<Moment>,
    /// Who reported it; in a list with `include=text` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_by: Option<ActorBody>,
    /// Who claims, masked; with `include=text` only, and for confidential matters to
    /// administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimant: Option<ClaimantBody>,
    /// Its texts, oldest first; with `include=text` only. Those of its report, and of its newest
    /// events: of 1,000 and at most 4 MiB with the single case, of 100 and at most 256 KiB in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<Vec<CaseText>>,
    /// `true` where texts between the report's and the others were left out; the case's timeline has
    /// them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    texts_left_out: Option<bool>,
}

/// What the journal knows of a case.
pub(super) struct Told {
    report: Record,
    /// Whoever reported it.
    by: ActorBody,
    claimant: Option<ClaimantBody>,
    texts: Option<Texts>,
}

/// The texts of a case, as far as they are told with it.
struct Texts {
    told: Vec<CaseText>,
    /// Older events than those told were not looked at.
    is_cut: bool,
}

impl Told {
    /// How it came.
    fn of(handle: &Handle, report: Record) -> Self {
        let by = ActorBody::of(&EventNames::of(handle.view()), &report);
        Self { report, by, claimant: None, texts: None }
    }
}

impl CaseBody {
    /// What the view knows.
    pub(super) fn of(row: CaseRow) -> Self {
        Self {
            row,
            source_number: None,
            occurred_at: None,
            reported_by: None,
            claimant: None,
            texts: None,
            texts_left_out: None,
        }
    }

    /// With what the journal knows besides.
    pub(super) fn tell(&mut self, Told { report, by, claimant, texts }: Told) {
        if let Event::CaseReported(report) = report.event {
            self.source_number = report.source_number.as_deref().map(str::to_owned);
            self.occurred_at = report.occurred_at.map(Moment);
        }
        self.reported_by = Some(by);
        self.claimant = claimant;
        self.texts_left_out = texts.as_ref().and_then(|texts| texts.is_cut.then_some(true));
        self.texts = texts.map(|texts| texts.told);
    }
}

/// How a case is to be shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseQuery {
    include: Option<Include>,
    by: Option<String>,
}

/// Show a case
///
/// With what its holder may do now, and how it came. `ETag` is its version, for `If-Match` on its
/// moves.
#[utoipa::path(
    get,
    path = "/v1/cases/{id}",
    tag = "cases",
    params(
        ("id" = u32, Path, description = "The case's number"),
        ("include" = Option<String>, Query, description = "`text`: the case's texts and its claimant, masked"),
        ("by" = Option<String>, Query, description = "The code of a unit: `moves` are what it may do, instead of what the holder may, or whoever ended the case"),
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
    let asked: CaseQuery = query(&uri)?;
    let view = app.handle().view();
    let organisation = view.organisation();
    let mut row = CaseRow::of(&organisation, &view.catalogue(), id, &case);
    if let Some(by) = &asked.by {
        let (unit, _) = seen(view, &caller, "by", by)?;
        let moves = case.moves_at(&organisation, unit, app.handle().now());
        row.moves = moves.iter().map(Move::name).collect();
    }
    let mut body = CaseBody::of(row);
    let version = case.version;
    let bounds = app.options().case_texts;
    let read = move |handle: &Handle| match asked.include {
        Some(Include::Text) => opened(handle, &caller, (id, &case), bounds),
        None => Ok(Told::of(handle, handle.record(case.first_seq)?)),
    };
    body.tell(app.handle().blocking_read(read).await??);
    let mut response = json(&body);
    response.headers_mut().insert(ETAG, etag(version));
    Ok(response.map(Into::into))
}

/// How a case came, with its texts, and its claimant where the caller may know. May wait for the
/// disk.
pub(super) fn opened(
    handle: &Handle,
    caller: &Caller,
    (id, case): (CaseId, &Case),
    bounds: TextBounds,
) -> Result<Told, Problem> {
    let report = handle.record(case.first_seq)?;
    let catalogue = handle.view().catalogue();
    let is_confidential = catalogue.matter(case.matter).is_none_or(|matter| matter.confidential);
    let claimant = if is_confidential && !caller.grant.is_admin() {
        None
    } else {
        parts::claimant(handle, &report)?
    };
    let told = with_texts(handle, report, (id, case), bounds)?;
    Ok(Told { claimant: claimant.map(ClaimantBody::masked), ..told })
}

/// How a case came by that report, with its texts and without its claimant. May wait for the disk.
pub(super) fn with_texts(
    handle: &Handle,
    report: Record,
    (id, case): (CaseId, &Case),
    bounds: TextBounds,
) -> Result<Told, Problem> {
    let mut told = parts::texts(handle, &report)?;
    let mut newest_first = Vec::new();
    let mut room = bounds.bytes_max;
    let mut is_cut = false;
    for (place, record) in handle.newest_first(id, case.last_seq).enumerate() {
        let record = record?;
        if record.seq <= report.seq {
            break;
        }
        let bytes = parts::text_bytes(&record);
        if place >= bounds.events_max || bytes > room {
            is_cut = true;
            break;
        }
        room -= bytes;
        newest_first.push(parts::texts(handle, &record)?);
    }
    told.extend(newest_first.into_iter().rev().flatten());
    Ok(Told { texts: Some(Texts { told, is_cut }), ..Told::of(handle, report) })
}

/// The case of a path, if it exists for the caller.
pub(super) fn find(app: &App, caller: &Caller, id: &str) -> Result<(CaseId, Case), Problem> {
    let view = app.handle().view();
    let id = case_of_path(id)?;
    let case = view.case(id).filter(|case| caller.sees_case(&view.organisation(), case));
    let missing = || Problem::naming(Code::CaseNotFound, &id.to_string());
    Ok((id, case.ok_or_else(missing)?))
}
