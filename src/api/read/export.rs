//! All units as a file: what was exported can be imported.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Uri};
use serde::Deserialize;

use super::unit::places_within;
use super::{moment, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::reply::ascii;
use crate::domain::code::CodeRange;
use crate::domain::grant::{Places, Scope};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::organisation::{AsOf, Organisation, UnitRow};
use crate::engine::Handle;
use crate::rules;

/// Units of a piece of the answer.
const PIECE_UNITS: usize = 500;

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Ndjson,
    Csv,
}

impl Format {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn head(self) -> String {
        match self {
            Self::Ndjson => String::new(),
            Self::Csv => rules::units_csv_header(),
        }
    }

    fn piece(self, rows: &[UnitRow]) -> String {
        match self {
            Self::Ndjson => rules::write_units(rows),
            Self::Csv => rules::write_units_csv(rows),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    #[serde(default)]
    format: Format,
    within: Option<String>,
    at: Option<String>,
}

/// Export the units
///
/// In the order of their codes, closed ones included, as they stand or stood: an import takes them as
/// they are. What a unit was before is not in it. With `at` those that were to exist by then.
#[utoipa::path(
    get,
    path = "/v1/units/export",
    tag = "units",
    params(
        ("format" = Option<String>, Query, description = "`ndjson`, or `csv` with a header row and `modules` joined by `;`"),
        ("within" = Option<String>, Query, description = "The code of a unit: only those that sit in its place, itself included"),
        ("at" = Option<String>, Query, description = "RFC 3339: as it was at that moment. Write `+` as `%2B`"),
    ),
    responses(
        (status = 200, description = "One unit a line", content(
            (crate::api::schema::UnitRow = "application/x-ndjson"),
            (String = "text/csv"),
        ), headers(("ETag" = String, description = "The organisation's version"))),
    ),
)]
pub(in crate::api) async fn export_units(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let view = app.handle().view();
    let asked: ExportQuery = query(&uri)?;
    let at = moment("at", asked.at.as_deref())?;
    let organisation = view.organisation();
    let now = at.unwrap_or_else(|| view.now());
    let within = asked.within.as_deref();
    let within = within.map(|text| places_within(&organisation, &caller, now, text));
    let within = within.transpose()?.unwrap_or(CodeRange::ALL);
    // As of now also those that are to come belong to it.
    let begun_by = at.unwrap_or(Timestamp(i64::MAX));
    let version = organisation.last_seq().0;
    // Looks at every unit: off the I/O thread.
    let read = move |_: &Handle| {
        let places = (within, &caller.grant.places);
        let units = listed(&organisation, organisation.as_of(now), begun_by, places);
        (organisation, units)
    };
    let (organisation, units) = app.handle().blocking_read(read).await?;
    let pieces = pieces(organisation, now, units, asked.format);
    let mut response = Response::new(Body::from_stream(stream::iter(pieces)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asked.format.content_type()));
    headers.insert(ETAG, ascii(format!("\"{version}\"")));
    Ok(response)
}

/// The units in both places that were to exist by then, in the order of the codes that they had.
fn listed(
    organisation: &Organisation,
    as_of: AsOf<'_>,
    begun_by: Timestamp,
    (within, places): (CodeRange, &Places),
) -> Vec<UnitNumber> {
    let rows = organisation.iter().filter_map(|(unit, _)| Some((unit, as_of.unit(unit)?)));
    let is_listed = |row: &UnitRow| {
        within.contains(row.code)
            && places.contains(row.code)
            && row.valid_from.is_none_or(|from| from <= begun_by)
    };
    let listed = rows.filter(|(_, row)| is_listed(row));
    let mut listed: Vec<_> = listed.map(|(unit, row)| (row.code, unit)).collect();
    listed.sort_unstable();
    listed.into_iter().map(|(_, unit)| unit).collect()
}

/// The text, a piece at a time: made when the connection takes it.
fn pieces(
    organisation: Arc<Organisation>,
    now: Timestamp,
    units: Vec<UnitNumber>,
    format: Format,
) -> impl Iterator<Item = Result<Bytes, std::convert::Infallible>> + Send + 'static {
    let count = units.len().div_ceil(PIECE_UNITS);
    let pieces = (0..count).map(move |piece| {
        let as_of = organisation.as_of(now);
        let units = &units[piece * PIECE_UNITS..units.len().min((piece + 1) * PIECE_UNITS)];
        let rows = units.iter().filter_map(|unit| as_of.unit(*unit));
        let rows: Vec<UnitRow> = rows.map(|row| as_of.told(row)).collect();
        format.piece(&rows)
    });
    std::iter::once(format.head())
        .chain(pieces)
        .filter(|piece| !piece.is_empty())
        .map(|piece| Ok(Bytes::from(piece)))
}
