//! What units hold, the catalogue, and how the whole stands.

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{ETAG, LINK};
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cases::CaseRow;
use super::unit::find;
use super::{no_query, page_limit, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::CodeText;
use crate::api::problem::Problem;
use crate::api::reply::{ascii, json};
use crate::domain::grant::Scope;
use crate::domain::ids::CaseId;
use crate::rules::MatterText;

/// A page of what a unit holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inbox)]
pub(in crate::api) struct InboxBody {
    /// The unit.
    #[schema(value_type = String)]
    unit: CodeText,
    /// Open cases that it holds, in the order received.
    cases: Vec<CaseRow>,
    /// The event up to which all of them were read.
    as_of_seq: u64,
    /// What to go on after; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InboxQuery {
    after: Option<u32>,
    limit: Option<usize>,
}

/// Show a unit's inbox
///
/// The open cases that the unit holds, in the order received, all as of one event.
#[utoipa::path(
    get,
    path = "/v1/units/{code}/inbox",
    tag = "units",
    params(
        ("code" = String, Path, description = "The unit's code"),
        ("after" = Option<u32>, Query, description = "The case to go on after"),
        ("limit" = Option<u32>, Query, description = "Cases of a page: 100, at most 1000"),
    ),
    responses(
        (status = 200, description = "A page", body = InboxBody, headers(("Link" = String, description = "rel=\"next\", where there is more"))),
    ),
)]
pub(in crate::api) async fn get_inbox(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let view = app.handle().view();
    let organisation = view.organisation();
    let number = find(&organisation, &caller, &code)?;
    let missing = || Problem::naming(Code::UnitUnknown, &code);
    let code = organisation.code(number).ok_or_else(missing)?;
    let asked: InboxQuery = query(&uri)?;
    let limit = page_limit(asked.limit, app.options().page_max)?;
    let page = view.inbox(number, asked.after.map(CaseId), limit);
    let catalogue = view.catalogue();
    let next = page.cases.last().filter(|_| page.has_more()).map(|(id, _)| id.0);
    let rows =
        page.cases.iter().map(|(id, case)| CaseRow::of(&organisation, &catalogue, *id, case));
    let body = InboxBody {
        unit: CodeText(code),
        cases: rows.collect(),
        as_of_seq: page.as_of.0,
        next_after: next,
    };
    let mut response = json(&body);
    if let Some(after) = next {
        let link = format!("</v1/units/{code}/inbox?after={after}&limit={limit}>; rel=\"next\"");
        response.headers_mut().insert(LINK, ascii(link));
    }
    Ok(response.map(Into::into))
}

/// All matters.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Matters)]
pub(in crate::api) struct MattersBody {
    /// In the order of their numbers.
    matters: Vec<ListedMatter>,
}

/// A matter, and whether it can be reported.
#[derive(Debug, Serialize, ToSchema)]
struct ListedMatter {
    #[serde(flatten)]
    #[schema(value_type = super::super::schema::Matter)]
    matter: MatterText,
    /// The catalogue in force has it no more: no case of it can be reported.
    retired: bool,
}

/// How the organisation stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organisation)]
pub(in crate::api) struct OrganisationBody {
    /// Its newest change in the journal: its version.
    seq: u64,
    /// Its numbering epoch.
    epoch: u32,
    /// All units, closed ones included.
    units: usize,
    /// Those open now.
    open: usize,
}

/// Show how the organisation stands
///
/// `ETag` is its version, for `If-Match` on its changes.
#[utoipa::path(
    get,
    path = "/v1/organisation",
    tag = "organisation",
    params(("Zhida-Min-Seq" = Option<u64>, Header, description = "Wait until the view has this event")),
    responses(
        (status = 200, description = "Its version and counts", body = OrganisationBody, headers(("ETag" = String, description = "Its version"))),
    ),
)]
pub(in crate::api) async fn get_organisation(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Read)?;
    no_query(&uri)?;
    let view = app.handle().view();
    let (organisation, now) = (view.organisation(), view.now());
    let body = OrganisationBody {
        seq: organisation.last_seq().0,
        epoch: organisation.epoch(),
        units: organisation.len(),
        open: organisation.iter().filter(|(_, row)| row.is_open(now)).count(),
    };
    let mut response = json(&body);
    response.headers_mut().insert(ETAG, ascii(format!("\"{}\"", body.seq)));
    Ok(response.map(Into::into))
}

/// List the matters
///
/// The catalogue: what can be reported, who is at home in it, and its limits. Retired matters are told
/// too: old cases name them.
#[utoipa::path(
    get,
    path = "/v1/matters",
    tag = "units",
    responses(
        (status = 200, description = "The catalogue", body = MattersBody),
    ),
)]
pub(in crate::api) async fn get_matters(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    // Whoever reports needs to know what can be reported.
    Caller::of(&app, &headers)?;
    no_query(&uri)?;
    let view = app.handle().view();
    let catalogue = view.catalogue();
    let matters = catalogue.numbered().map(|(number, row)| ListedMatter {
        matter: MatterText::from(row),
        retired: catalogue.is_retired(number),
    });
    let body = MattersBody { matters: matters.collect() };
    Ok(json(&body).map(Into::into))
}

/// How all cases stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Counts)]
pub(in crate::api) struct CountsBody {
    /// All cases.
    cases: u64,
    /// Still open.
    open: u64,
    /// Closed, by the level of who closed them.
    closed: ClosedBody,
    /// Ended before anyone signed for them.
    declined: u64,
    /// Ended as none.
    voided: u64,
    /// Closed in the call that reported them.
    on_the_spot: u64,
    /// Whose node or total clock turned yellow at least, and none red.
    yellow: u64,
    /// Whose node or total clock turned red.
    red: u64,
    /// Taken by a township's room for want of a rule or an open grid.
    fallback: u64,
    /// Escalations of all cases.
    escalations: u64,
}

/// Cases that are closed, by level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Closed)]
pub(in crate::api) struct ClosedBody {
    /// By grids.
    grid: u64,
    /// By villages and communities.
    village: u64,
    /// By townships and their rooms.
    township: u64,
    /// By counties.
    county: u64,
    /// By the city.
    city: u64,
}

/// Count all cases
///
/// For tokens that cover the whole city; others use `GET /v1/units/{code}/counts`.
#[utoipa::path(
    get,
    path = "/v1/counts",
    tag = "units",
    responses(
        (status = 200, description = "The counts", body = CountsBody),
    ),
)]
pub(in crate::api) async fn get_counts(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    no_query(&uri)?;
    if !caller.sees_all() {
        return Err(Problem::directing(Code::ScopeTooSmall));
    }
    let handle = app.handle().clone();
    // Reads every row: off the I/O thread.
    let census = tokio::task::spawn_blocking(move || handle.view().census()).await;
    let census = census.map_err(|_| Problem::new(Code::Internal))?;
    let [grid, village, township, county, city] = census.closed_by_level;
    let body = CountsBody {
        cases: census.cases,
        open: census.open,
        closed: ClosedBody { grid, village, township, county, city },
        declined: census.declined,
        voided: census.voided,
        on_the_spot: census.on_the_spot,
        yellow: census.yellow,
        red: census.red,
        fallback: census.fallback,
        escalations: census.escalations,
    };
    Ok(json(&body).map(Into::into))
}
