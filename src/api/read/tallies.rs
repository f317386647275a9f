//! How many open cases a unit and each unit next below it have.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::no_query;
use super::unit::find;
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::CodeText;
use crate::api::problem::Problem;
use crate::api::reply::json;
use crate::domain::case::{Light, StatusName};
use crate::domain::grant::Scope;
use crate::domain::ids::UnitNumber;
use crate::domain::organisation::Organisation;
use crate::engine::OpenCounts;

/// The open cases of a unit and all below it, and of each unit next below.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnitCounts)]
pub(in crate::api) struct UnitCountsBody {
    #[serde(flatten)]
    unit: TallyBody,
    /// Each unit next below: the next level, and the bodies that sit at the unit.
    units: Vec<TallyBody>,
    /// The event up to which all of them were counted.
    as_of_seq: u64,
}

/// The open cases of a unit and all below it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
struct TallyBody {
    /// The unit.
    #[schema(value_type = String)]
    unit: CodeText,
    /// As the city calls it.
    name: String,
    /// All of them.
    open: u32,
    /// By status: `dispatched`, `acknowledged`, `handled`.
    by_status: BTreeMap<&'static str, LightsBody>,
}

/// By the worse of both clocks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lights)]
struct LightsBody {
    /// Less than 80 % of either limit is used.
    green: u32,
    /// 80 % and more.
    yellow: u32,
    /// All of it.
    red: u32,
}

impl TallyBody {
    fn of(organisation: &Organisation, unit: UnitNumber, counts: &OpenCounts) -> Option<Self> {
        let row = organisation.unit(unit)?;
        let lights = |status| LightsBody {
            green: counts.of(status, Light::Green),
            yellow: counts.of(status, Light::Yellow),
            red: counts.of(status, Light::Red),
        };
        Some(Self {
            unit: CodeText(row.code),
            name: row.name.to_string(),
            open: counts.total(),
            by_status: StatusName::OPEN.iter().map(|one| (one.name(), lights(*one))).collect(),
        })
    }
}

/// Count a unit's open cases
///
/// Of the unit and each unit next below it, by status and light, all as of one event: what a
/// screen's first page needs. A case counts where its holder sits, and on every level above.
#[utoipa::path(
    get,
    path = "/v1/units/{code}/counts",
    tag = "units",
    params(
        ("code" = String, Path, description = "The unit's code"),
        ("Zhida-Min-Seq" = Option<u64>, Header, description = "Wait until the view has this event"),
    ),
    responses(
        (status = 200, description = "The counts", body = UnitCountsBody),
    ),
)]
pub(in crate::api) async fn get_unit_counts(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    no_query(&uri)?;
    let view = app.handle().view();
    let unit = find(&view.organisation(), &caller, &code)?;
    let (organisation, now) = (view.organisation(), view.now());
    let counts = view.counts(unit);
    let below = counts.below.iter().filter(|(unit, counts)| {
        let row = organisation.unit(*unit);
        row.is_some_and(|row| {
            caller.sees_unit(row.code) && (row.is_open(now) || counts.total() > 0)
        })
    });
    let below = below.filter_map(|(unit, counts)| TallyBody::of(&organisation, *unit, counts));
    let own = TallyBody::of(&organisation, unit, &counts.unit);
    let body = UnitCountsBody {
        unit: own.ok_or_else(|| Problem::naming(Code::UnitUnknown, &code))?,
        units: below.collect(),
        as_of_seq: counts.as_of.0,
    };
    Ok(json(&body).map(Into::into))
}
