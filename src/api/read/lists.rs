//! Lists of cases: by filter, by number, the queue of a level, the watch of a unit.

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::LINK;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::cases::{CaseBody, CaseRow, with_texts};
use super::cursor::{Cursor, next_link};
use super::query;
use super::query::{Asked, AskedOfUnit, Listing, Lookup};
use super::unit::find;
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::Moment;
use crate::api::problem::Problem;
use crate::api::reply::{ascii, json};
use crate::domain::case::{Case, StatusName};
use crate::domain::code::{CodeRange, UnitCode};
use crate::domain::grant::Scope;
use crate::domain::ids::{CaseId, Seq};
use crate::engine::query::{Filter, Page, Query, Within};
use crate::engine::{Handle, View};

/// Units whose inboxes an I/O thread may look through; a county has half of these.
const SHORT_UNITS_MAX: usize = 5_000;

/// A list of cases, or a page of one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cases)]
pub(in crate::api) struct CasesBody {
    /// In the order asked for.
    cases: Vec<ListedCase>,
    /// Of the numbers asked for, those that name no case.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<u32>>,
    /// From when on cases were received that are listed here, where the query said nothing of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    reported_from: Option<Moment>,
    /// Cases that came or changed since the first page were left out of this one, as they might
    /// show twice: the first page, read anew, has them in their places.
    moved: bool,
    /// The event up to which all of them were read.
    as_of_seq: u64,
    /// What to go on with; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A case in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedCase)]
struct ListedCase {
    #[serde(flatten)]
    case: CaseBody,
    /// In a unit's lists, why it is there: `holder` or `watch`. Only a `holder` row counts as held.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'static str>,
}

/// List cases
///
/// Those that pass every filter, all of a page as of one event. Several values of one filter stand
/// with commas between them. Without `status` the open ones; a query that asks for ended ones too
/// and says nothing of time looks back 90 days. `ids` and `ref` stand alone.
#[utoipa::path(
    get,
    path = "/v1/cases",
    tag = "cases",
    params(
        ("unit" = Option<String>, Query, description = "In the subtree of this unit's place: open cases by their holder, ended ones by where they happened"),
        ("holder" = Option<String>, Query, description = "Held by exactly this unit"),
        ("status" = Option<String>, Query, description = "`dispatched`, `acknowledged`, `handled`, `closed`, `declined`, `voided`; the open ones without it, the ended ones with a time of closing or `flag=on_the_spot`"),
        ("matter" = Option<String>, Query, description = "Codes of matters"),
        ("module" = Option<String>, Query, description = "Modules that own the matter"),
        ("light" = Option<String>, Query, description = "Of the worse clock: `green`, `yellow`, `red`"),
        ("severity" = Option<String>, Query, description = "`normal`, `urgent`, `emergency`"),
        ("source" = Option<String>, Query, description = "`patrol`, `resident`, `hotline`, `department`, `sensor`"),
        ("flag" = Option<String>, Query, description = "All of these: `fallback`, `on_the_spot`, `escalated`, `reopened`"),
        ("reported_from" = Option<String>, Query, description = "Received at this moment or later"),
        ("reported_to" = Option<String>, Query, description = "Received before this moment"),
        ("closed_from" = Option<String>, Query, description = "Ended at this moment or later"),
        ("closed_to" = Option<String>, Query, description = "Ended before this moment"),
        ("changed_from" = Option<String>, Query, description = "Last changed at this moment or later"),
        ("changed_to" = Option<String>, Query, description = "Last changed before this moment"),
        ("ref" = Option<String>, Query, description = "`SOURCE:NUMBER`: the case that the source gave this number"),
        ("ids" = Option<String>, Query, description = "Numbers of cases, at most 200: these, in this order"),
        ("sort" = Option<String>, Query, description = "`urgency` (graver, then the worse light, then the earlier due), `due`, `time`, `-time`; `urgency` without it, `-time` where ended cases are asked for"),
        ("limit" = Option<u32>, Query, description = "Cases of a page: 100, at most 1000; with texts 20"),
        ("cursor" = Option<String>, Query, description = "Where the page before ended, for 24 hours"),
        ("include" = Option<String>, Query, description = "`text`: the cases' texts; the claimant is with the single case alone"),
        ("Zhida-Min-Seq" = Option<u64>, Header, description = "Wait until the view has this event"),
    ),
    responses(
        (status = 200, description = "A page", body = CasesBody, headers(("Link" = String, description = "rel=\"next\", where there is more"))),
    ),
)]
pub(in crate::api) async fn list_cases(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let asked: Asked = query(&uri)?;
    let (ids, names_cases) = match asked.lookup(&app, &caller, &uri)? {
        Lookup::Listing(listing) => {
            return list(&app, caller, *listing, asked.with_text(), None, &uri).await;
        }
        Lookup::Ids(ids) => (ids, true),
        Lookup::Number(source, number) => {
            let found = app.handle().case_by_number(&app.desk, source, &number).await?;
            (found.into_iter().collect(), false)
        }
    };
    let found = Found::of(app.handle().view(), &caller, &ids);
    let cases = rendered(&app, found.cases, asked.with_text(), None).await?;
    let body = CasesBody {
        cases,
        missing: names_cases.then_some(found.missing),
        reported_from: None,
        moved: false,
        as_of_seq: found.as_of.0,
        next_cursor: None,
    };
    Ok(json(&body).map(Into::into))
}

/// Show the queue of a unit's level
///
/// The open cases held by any unit that sits at exactly that unit's place: its own, and those of the
/// bodies beside it. So a governance room sees what its level holds.
#[utoipa::path(
    get,
    path = "/v1/units/{code}/queue",
    tag = "units",
    params(
        ("code" = String, Path, description = "The unit's code"),
        AskedOfUnit,
        ("Zhida-Min-Seq" = Option<u64>, Header, description = "Wait until the view has this event"),
    ),
    responses(
        (status = 200, description = "A page of `holder` rows", body = CasesBody, headers(("Link" = String, description = "rel=\"next\", where there is more"))),
    ),
)]
pub(in crate::api) async fn get_queue(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let code = seat(&app, &caller, &code)?;
    let place = CodeRange { first: code.place(), last: code.place() };
    let filter = Filter { within: Within::Range(place), ..open() };
    unit_list(&app, caller, filter, "holder", &uri).await
}

/// Show a unit's watch
///
/// The open urgent cases and emergencies that happened in the unit's subtree, whoever holds them,
/// and those that are held in it.
#[utoipa::path(
    get,
    path = "/v1/units/{code}/watch",
    tag = "units",
    params(
        ("code" = String, Path, description = "The unit's code"),
        AskedOfUnit,
        ("Zhida-Min-Seq" = Option<u64>, Header, description = "Wait until the view has this event"),
    ),
    responses(
        (status = 200, description = "A page of `watch` rows", body = CasesBody, headers(("Link" = String, description = "rel=\"next\", where there is more"))),
    ),
)]
pub(in crate::api) async fn get_watch(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let code = seat(&app, &caller, &code)?;
    let filter = Filter { within: Within::Watch(code.range()), ..open() };
    unit_list(&app, caller, filter, "watch", &uri).await
}

/// The code that the unit of a path has now; it may be asked for by one that it has left.
fn seat(app: &App, caller: &Caller, code: &str) -> Result<UnitCode, Problem> {
    let organisation = app.handle().view().organisation();
    let unit = find(&organisation, caller, code)?;
    organisation.code(unit).ok_or_else(|| Problem::naming(Code::UnitUnknown, code))
}

fn open() -> Filter {
    Filter { statuses: StatusName::OPEN.to_vec(), ..Filter::default() }
}

async fn unit_list(
    app: &App,
    caller: Caller,
    filter: Filter,
    row: &'static str,
    uri: &Uri,
) -> Result<Response, Problem> {
    let asked: AskedOfUnit = query(uri)?;
    let listing = Asked::from(asked).listing(app, filter, uri)?;
    list(app, caller, listing, false, Some(row), uri).await
}

/// Answers with a page.
async fn list(
    app: &App,
    caller: Caller,
    listing: Listing,
    with_text: bool,
    row: Option<&'static str>,
    uri: &Uri,
) -> Result<Response, Problem> {
    let Listing { query, begun_at, looks_back_to, cursor, .. } = listing;
    let page = if is_short(app.handle().view(), &listing.filter) {
        page(app.handle().view(), &caller, &listing)
    } else {
        let caller = caller.clone();
        let read = move |handle: &Handle| page(handle.view(), &caller, &listing);
        app.handle().blocking_read(read).await?
    };
    let begun_seq = cursor.map_or(page.as_of, |cursor| cursor.begun_seq);
    let next = page.next.map(|key| Cursor { query, key, begun_at, begun_seq }.text());
    let body = CasesBody {
        cases: rendered(app, page.cases, with_text, row).await?,
        missing: None,
        reported_from: looks_back_to.map(Moment),
        moved: page.has_moved,
        as_of_seq: page.as_of.0,
        next_cursor: next,
    };
    let mut response = json(&body);
    if let Some(cursor) = &body.next_cursor {
        response.headers_mut().insert(LINK, ascii(next_link(uri, cursor)));
    }
    Ok(response.map(Into::into))
}

/// Whether it is looked for in some inboxes alone: a millisecond at most, which an I/O thread may
/// take. Everything else goes where it may take its time.
fn is_short(view: &View, filter: &Filter) -> bool {
    let is_of_few = match filter.within {
        Within::Everywhere => false,
        Within::Range(range) | Within::Watch(range) => {
            view.organisation().within(range).count() <= SHORT_UNITS_MAX
        }
        Within::Holder(_) => true,
    };
    is_of_few && filter.is_open_only()
}

fn page(view: &View, caller: &Caller, listing: &Listing) -> Page {
    let organisation = view.organisation();
    let sees = |case: &Case| caller.sees_case(&organisation, case);
    view.list(&Query {
        filter: &listing.filter,
        sort: listing.sort,
        after: listing.cursor.map(|cursor| cursor.after()),
        limit: listing.limit,
        sees: if caller.sees_all() { None } else { Some(&sees) },
    })
}

/// Cases by their numbers.
struct Found {
    cases: Vec<(CaseId, Case)>,
    missing: Vec<u32>,
    as_of: Seq,
}

impl Found {
    fn of(view: &View, caller: &Caller, ids: &[CaseId]) -> Self {
        let organisation = view.organisation();
        let (rows, as_of) = view.cases_of(ids);
        let mut found = Self { cases: Vec::new(), missing: Vec::new(), as_of };
        for (id, row) in ids.iter().zip(rows) {
            match row.filter(|case| caller.sees_case(&organisation, case)) {
                Some(case) => found.cases.push((*id, case)),
                None => found.missing.push(id.0),
            }
        }
        found
    }
}

/// The cases as they are told; where texts are wanted, opened away from the I/O thread.
async fn rendered(
    app: &App,
    cases: Vec<(CaseId, Case)>,
    with_text: bool,
    row: Option<&'static str>,
) -> Result<Vec<ListedCase>, Problem> {
    let view = app.handle().view();
    let (organisation, catalogue) = (view.organisation(), view.catalogue());
    let listed = |(id, case): &(CaseId, Case)| {
        let case = CaseBody::of(CaseRow::of(&organisation, &catalogue, *id, case));
        ListedCase { case, row }
    };
    let mut listed: Vec<_> = cases.iter().map(listed).collect();
    if with_text {
        let bounds = app.options().listed_texts;
        let read = move |handle: &Handle| {
            let told = cases.iter().map(|(id, case)| {
                let report = handle.record(case.first_seq)?;
                with_texts(handle, report, (*id, case), bounds)
            });
            told.collect::<Result<Vec<_>, _>>()
        };
        let told = app.handle().blocking_read(read).await??;
        for (listed, told) in listed.iter_mut().zip(told) {
            listed.case.tell(told);
        }
    }
    Ok(listed)
}
