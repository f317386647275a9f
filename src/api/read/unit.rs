//! A unit, as of now or of a moment: what it is, what it was, who is above and below, and who owns
//! which module where it sits.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::ETAG;
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::unit_list::{Listing, UnitsBody, parsed};
use super::{moment, query, unit_code};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::{CodeText, Moment};
use crate::api::problem::Problem;
use crate::api::reply::{ascii, json};
use crate::domain::catalogue::Module;
use crate::domain::code::{CodeRange, Level, UnitCode};
use crate::domain::grant::Scope;
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::organisation::{AsOf, Organisation, UnitRow};

/// A unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unit)]
pub(in crate::api) struct UnitBody {
    #[serde(flatten)]
    was: UnitWas,
    /// Whether it exists at that moment.
    open: bool,
    /// Open cases that it holds; not told as of a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_cases: Option<usize>,
    /// What it was before, oldest first; not told in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    former: Option<Vec<FormerBody>>,
}

/// What a unit is, or was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnitWas)]
struct UnitWas {
    /// What names it.
    #[schema(value_type = String)]
    code: CodeText,
    /// `division`, `grid`, `governance_room`, `department`, `office`, `stationed`, `task_force` or
    /// `headquarters`.
    kind: &'static str,
    /// As the city calls it.
    name: String,
    /// `grid`, `village`, `township`, `county` or `city`.
    level: &'static str,
    /// The division that it sits in or at; none of the city.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    seat: Option<CodeText>,
    /// Whom it answers to where that is not its seat: a stationed body's department.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reports_to: Option<CodeText>,
    /// Whom it answers to: what it reports to, or else its seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    parent: Option<CodeText>,
    /// The modules that an office owns, or a department is the counterpart for.
    modules: Vec<&'static str>,
    /// Who takes over its open work when it closes, or did when it closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    successor: Option<CodeText>,
    /// From when it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_from: Option<Moment>,
    /// From when it exists no more: a later moment where it is told to close.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Moment>,
}

/// What a unit was before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FormerUnit)]
pub(in crate::api) struct FormerBody {
    /// Until when it was that.
    #[schema(value_type = String, format = DateTime)]
    until: Moment,
    #[serde(flatten)]
    was: UnitWas,
}

impl UnitBody {
    /// The unit in a list.
    pub(super) fn of(as_of: AsOf<'_>, row: &UnitRow) -> Self {
        let open = as_of.is_open(row);
        Self { was: UnitWas::of(as_of, row), open, open_cases: None, former: None }
    }
}

impl UnitWas {
    fn of(as_of: AsOf<'_>, row: &UnitRow) -> Self {
        let row = as_of.told(row);
        Self {
            code: CodeText(row.code),
            kind: row.kind.name(),
            name: row.name.to_string(),
            level: row.level().name(),
            seat: row.code.seat().map(CodeText),
            reports_to: row.reports_to.map(CodeText),
            parent: row.parent().map(CodeText),
            modules: row.modules.iter().map(Module::name).collect(),
            successor: row.successor.map(CodeText),
            valid_from: row.valid_from.map(Moment),
            valid_until: row.valid_until.map(Moment),
        }
    }
}

/// A moment that a question may be about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AtQuery {
    at: Option<String>,
}

/// A question about a unit, as of now or of a moment.
struct AboutUnit {
    caller: Caller,
    organisation: Arc<Organisation>,
    unit: UnitNumber,
    /// The moment that was asked for; none: now.
    asked_at: Option<Timestamp>,
    /// That moment, or now.
    at: Timestamp,
}

impl AboutUnit {
    /// Of whoever may read, about a unit that exists for him.
    fn of(app: &App, headers: &HeaderMap, code: &str, uri: &Uri) -> Result<Self, Problem> {
        let view = app.handle().view();
        let caller = Caller::with(app, headers, Scope::Read)?;
        let organisation = view.organisation();
        let unit = find(&organisation, &caller, code)?;
        let asked: AtQuery = query(uri)?;
        let asked_at = moment("at", asked.at.as_deref())?;
        let at = asked_at.unwrap_or_else(|| view.now());
        Ok(Self { caller, organisation, unit, asked_at, at })
    }
}

/// The unit that a path names, if it exists for the caller.
pub(super) fn find(
    organisation: &Organisation,
    caller: &Caller,
    text: &str,
) -> Result<UnitNumber, Problem> {
    seen(organisation, caller, unit_code(text)?)
}

/// The unit of that code, if it exists for the caller.
fn seen(
    organisation: &Organisation,
    caller: &Caller,
    code: UnitCode,
) -> Result<UnitNumber, Problem> {
    let number = organisation.find(code);
    let is_seen =
        |unit: &UnitNumber| organisation.code(*unit).is_some_and(|code| caller.sees_unit(code));
    number.filter(is_seen).ok_or_else(|| Problem::naming(Code::UnitUnknown, &code.to_string()))
}

/// The places of the unit that a query names as `within`, if it exists for the caller.
pub(super) fn places_within(
    organisation: &Organisation,
    caller: &Caller,
    at: Timestamp,
    text: &str,
) -> Result<CodeRange, Problem> {
    let unit = seen(organisation, caller, parsed("within", text)?)?;
    let range = organisation.as_of(at).unit(unit).map(|row| row.code.range());
    range.ok_or_else(|| Problem::naming(Code::UnitUnknown, text))
}

/// The answer to a question about the organisation: its `ETag` is the organisation's version.
pub(super) fn versioned<T: Serialize>(organisation: &Organisation, body: &T) -> Response {
    let mut response: http::Response<Bytes> = json(body);
    response.headers_mut().insert(ETAG, ascii(format!("\"{}\"", organisation.last_seq().0)));
    response.map(Into::into)
}

/// Show a unit
///
/// What it is, what it holds and what it was before; with `at` as it was at that moment.
#[utoipa::path(
    get,
    path = "/v1/units/{code}",
    tag = "units",
    params(
        ("code" = String, Path, description = "The unit's code"),
        ("at" = Option<String>, Query, description = "RFC 3339: as it was at that moment. Write `+` as `%2B`"),
    ),
    responses(
        (status = 200, description = "The unit", body = UnitBody, headers(("ETag" = String, description = "The organisation's version"))),
    ),
)]
pub(in crate::api) async fn get_unit(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let AboutUnit { organisation, unit, asked_at, at, .. } =
        AboutUnit::of(&app, &headers, &code, &uri)?;
    let as_of = organisation.as_of(at);
    let row = as_of.unit(unit).ok_or_else(|| Problem::naming(Code::UnitUnknown, &code))?;
    let former = organisation.former(unit).iter().filter(|(until, _)| *until <= at);
    let former = former.map(|(until, row)| {
        // As named just before it became another.
        let then = organisation.as_of(Timestamp(until.0 - 1));
        FormerBody { until: Moment(*until), was: UnitWas::of(then, row) }
    });
    let body = UnitBody {
        open_cases: asked_at.is_none().then(|| app.handle().view().inbox_len(unit)),
        former: Some(former.collect()),
        ..UnitBody::of(as_of, row)
    };
    Ok(versioned(&organisation, &body))
}

/// List the units below a unit
///
/// Those whose parent it is, closed ones included, in the order of their codes.
#[utoipa::path(
    get,
    path = "/v1/units/{code}/children",
    tag = "units",
    params(
        ("code" = String, Path, description = "The unit's code"),
        ("open" = Option<bool>, Query, description = "Only those that exist at the moment, or only those that do not"),
        ("at" = Option<String>, Query, description = "RFC 3339: as it was at that moment. Write `+` as `%2B`"),
        ("after" = Option<String>, Query, description = "The code to go on after"),
        ("limit" = Option<u32>, Query, description = "Units of a page: 100, at most 1000"),
    ),
    responses(
        (status = 200, description = "A page", body = UnitsBody, headers(
            ("ETag" = String, description = "The organisation's version"),
            ("Link" = String, description = "rel=\"next\", where there is more"),
        )),
    ),
)]
pub(in crate::api) async fn get_children(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let view = app.handle().view();
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let organisation = view.organisation();
    let unit = find(&organisation, &caller, &code)?;
    let listing = Listing::below(&app, &caller, &uri)?;
    let children = organisation.as_of(listing.at).children(unit);
    Ok(listing.page(&organisation, children, uri.path()))
}

/// The units above a unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ancestors)]
pub(in crate::api) struct AncestorsBody {
    /// From the nearest to the root, as far as the token's range goes.
    units: Vec<UnitBody>,
}

/// List the units above a unit
///
/// Whom it answers to, and whom that one answers to, up to the root.
#[utoipa::path(
    get,
    path = "/v1/units/{code}/ancestors",
    tag = "units",
    params(
        ("code" = String, Path, description = "The unit's code"),
        ("at" = Option<String>, Query, description = "RFC 3339: as it was at that moment. Write `+` as `%2B`"),
    ),
    responses(
        (status = 200, description = "From the nearest to the root", body = AncestorsBody, headers(("ETag" = String, description = "The organisation's version"))),
    ),
)]
pub(in crate::api) async fn get_ancestors(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let AboutUnit { caller, organisation, unit, at, .. } =
        AboutUnit::of(&app, &headers, &code, &uri)?;
    let as_of = organisation.as_of(at);
    let above = as_of.ancestors(unit).filter_map(|above| as_of.unit(above));
    let seen = above.filter(|row| caller.sees_unit(row.code));
    let body = AncestorsBody { units: seen.map(|row| UnitBody::of(as_of, row)).collect() };
    Ok(versioned(&organisation, &body))
}

/// Who owns which module.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Modules)]
pub(in crate::api) struct ModulesBody {
    /// The township.
    #[schema(value_type = String)]
    township: CodeText,
    /// All ten, in order.
    modules: Vec<ModuleBody>,
}

/// Who owns a module.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Module)]
pub(in crate::api) struct ModuleBody {
    /// Its name.
    module: &'static str,
    /// The township's office that owns it, where there is an open one.
    #[schema(value_type = Option<String>)]
    office: Option<CodeText>,
    /// The county's department that is its counterpart, where there is an open one.
    #[schema(value_type = Option<String>)]
    department: Option<CodeText>,
}

/// Show a township's modules
///
/// The ten modules, each with the office that owns it and its counterpart at the county. A unit
/// below stands for the township that it sits in.
#[utoipa::path(
    get,
    path = "/v1/units/{code}/modules",
    tag = "units",
    params(
        ("code" = String, Path, description = "The code of the township, or of a unit in it"),
        ("at" = Option<String>, Query, description = "RFC 3339: as it was at that moment. Write `+` as `%2B`"),
    ),
    responses(
        (status = 200, description = "The ten modules", body = ModulesBody, headers(("ETag" = String, description = "The organisation's version"))),
    ),
)]
pub(in crate::api) async fn get_modules(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let AboutUnit { organisation, unit, at, .. } = AboutUnit::of(&app, &headers, &code, &uri)?;
    let as_of = organisation.as_of(at);
    let township = as_of.unit(unit).and_then(|row| row.code.ancestor(Level::Township));
    let township = township.ok_or_else(|| Problem::new(Code::PlaceTooHigh))?;
    let code = |unit: UnitNumber| as_of.unit(unit).map(|row| CodeText(row.code));
    let modules = Module::ALL.iter().map(|module| ModuleBody {
        module: module.name(),
        office: as_of.office(unit, *module).and_then(code),
        department: as_of.department(unit, *module).and_then(code),
    });
    let body = ModulesBody { township: CodeText(township), modules: modules.collect() };
    Ok(versioned(&organisation, &body))
}
