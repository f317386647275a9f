//! Where a case may go, before anybody sends it there.

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::LINK;
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cases::find;
use super::query::one;
use super::unit_list::parsed;
use super::{page_limit, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::CodeText;
use crate::api::problem::Problem;
use crate::api::reply::{ascii, json};
use crate::domain::case::{Case, Sending};
use crate::domain::code::UnitCode;
use crate::domain::grant::Scope;
use crate::domain::ids::{CaseId, Timestamp, UnitNumber};
use crate::domain::organisation::UnitRow;
use crate::domain::rejection::Rejection;
use crate::engine::{Handle, View};

/// The units that a case may go to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Targets)]
pub(in crate::api) struct TargetsBody {
    /// The case's number.
    case: u32,
    /// How many events it has had: what `If-Match` takes.
    version: u32,
    /// The move that was asked about.
    #[serde(rename = "move")]
    by: &'static str,
    /// Who may make it.
    #[schema(value_type = Option<String>)]
    holder: Option<CodeText>,
    /// In the order of their codes.
    targets: Vec<TargetBody>,
    /// What to go on after; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// A unit that a case may go to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Target)]
struct TargetBody {
    /// What `to` takes.
    #[schema(value_type = String)]
    code: CodeText,
    /// As the city calls it.
    name: String,
    /// What kind of unit it is.
    kind: &'static str,
    /// `grid`, `village` or `township`.
    level: &'static str,
}

impl TargetBody {
    fn of(row: &UnitRow) -> Self {
        Self {
            code: CodeText(row.code),
            name: row.name.to_string(),
            kind: row.kind.name(),
            level: row.level().name(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetsQuery {
    #[serde(rename = "move")]
    by: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Show where a case may go
///
/// The units that its holder may send it to now, by the rule that decides the move: whatever is
/// listed is accepted as `to`, and nothing else. For `escalate` it is the one unit that gets the
/// case. Where the case does not allow the move, the refusal says what it allows.
#[utoipa::path(
    get,
    path = "/v1/cases/{id}/targets",
    tag = "cases",
    params(
        ("id" = u32, Path, description = "The case's number"),
        ("move" = String, Query, description = "`hand_down`, `transfer` or `escalate`"),
        ("after" = Option<String>, Query, description = "The code to go on after"),
        ("limit" = Option<u32>, Query, description = "Units of a page: 100, at most 1000"),
    ),
    responses(
        (status = 200, description = "A page", body = TargetsBody, headers(("Link" = String, description = "rel=\"next\", where there is more"))),
    ),
)]
pub(in crate::api) async fn get_targets(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let (id, case) = find(&app, &caller, &id)?;
    let asked: TargetsQuery = query(&uri)?;
    let by = one("move", asked.by.as_deref().unwrap_or_default(), Sending::ALL, Sending::name)?;
    let limit = page_limit(asked.limit, app.options().page_max)?;
    let after = asked.after.as_deref().map(|text| parsed("after", text)).transpose()?;
    let now = app.handle().now();
    // Looks at every unit of a township: off the I/O thread.
    let read = move |handle: &Handle| {
        let view = handle.view();
        let fit = fit(view, &caller, (id, &case), by, now)?;
        Ok::<_, Problem>(page(view, (id, &case), by, &fit, after, limit))
    };
    let body = app.handle().blocking_read(read).await??;
    let mut response = json(&body);
    if let Some(after) = &body.next_after {
        let by = by.name();
        let link = format!("<{}?move={by}&limit={limit}&after={after}>; rel=\"next\"", uri.path());
        response.headers_mut().insert(LINK, ascii(link));
    }
    Ok(response.map(Into::into))
}

/// The units that the case may go to.
fn fit(
    view: &View,
    caller: &Caller,
    (id, case): (CaseId, &Case),
    by: Sending,
    now: Timestamp,
) -> Result<Vec<UnitNumber>, Problem> {
    let organisation = view.organisation();
    let moves = case.moves_now(&organisation);
    if !moves.contains(by.as_move()) {
        let status = case.status.name();
        return Err(Rejection::MoveNotAllowed { case: id, status, moves }.into());
    }
    let catalogue = view.catalogue();
    let matter = catalogue.matter(case.matter).ok_or_else(|| Problem::new(Code::MatterNotFound))?;
    Ok(case.targets(&organisation, matter.module, now, &caller.grant.places, by))
}

fn page(
    view: &View,
    (id, case): (CaseId, &Case),
    by: Sending,
    fit: &[UnitNumber],
    after: Option<UnitCode>,
    limit: usize,
) -> TargetsBody {
    let organisation = view.organisation();
    let rows = fit.iter().filter_map(|unit| organisation.unit(*unit));
    let mut rows = rows.filter(|row| after.is_none_or(|after| row.code > after));
    let page: Vec<&UnitRow> = rows.by_ref().take(limit).collect();
    let next_after = page.last().filter(|_| rows.next().is_some()).map(|row| row.code.to_string());
    TargetsBody {
        case: id.0,
        version: case.version,
        by: by.name(),
        holder: case.status.holder().and_then(|unit| organisation.code(unit)).map(CodeText),
        targets: page.into_iter().map(TargetBody::of).collect(),
        next_after,
    }
}
