//! Units by what they are called, what they are and where they sit, a page at a time.

use axum::extract::State;
use axum::response::Response;
use http::header::LINK;
use http::{HeaderMap, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::query::one;
use super::unit::{UnitBody, places_within, versioned};
use super::{moment, page_limit, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::problem::Problem;
use crate::api::reply::ascii;
use crate::domain::code::{BadCode, CodeRange, Level, UnitCode};
use crate::domain::grant::{Places, Scope};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::NAME_BYTES_MAX;
use crate::domain::organisation::{Organisation, UnitKind, UnitRow};
use crate::engine::Handle;
use crate::rules::Words;

/// A page of units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Units)]
pub(in crate::api) struct UnitsBody {
    /// In the order of their codes.
    units: Vec<UnitBody>,
    /// The organisation's version.
    organisation_seq: u64,
    /// What to go on after; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitsQuery {
    name: Option<String>,
    code: Option<String>,
    kind: Option<String>,
    level: Option<String>,
    within: Option<String>,
    open: Option<bool>,
    at: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BelowQuery {
    open: Option<bool>,
    at: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Which units are listed, and of them which page.
pub(super) struct Listing {
    /// As of when.
    pub(super) at: Timestamp,
    places: Places,
    within: Option<CodeRange>,
    name: Option<String>,
    code: Option<String>,
    kind: Option<UnitKind>,
    level: Option<Level>,
    open: Option<bool>,
    after: Option<UnitCode>,
    limit: usize,
    /// What the next page asks for but its `after`, in a query's form.
    again: String,
}

impl Listing {
    /// Of the units below one.
    pub(super) fn below(app: &App, caller: &Caller, uri: &Uri) -> Result<Self, Problem> {
        let BelowQuery { open, at, after, limit } = query(uri)?;
        let asked = UnitsQuery { open, at, after, limit, ..UnitsQuery::default() };
        Self::of(app, caller, asked)
    }

    fn of(app: &App, caller: &Caller, asked: UnitsQuery) -> Result<Self, Problem> {
        let view = app.handle().view();
        let limit = page_limit(asked.limit, app.options().page_max)?;
        let again = asked.again(limit);
        let at = moment("at", asked.at.as_deref())?.unwrap_or_else(|| view.now());
        let organisation = view.organisation();
        let within = asked.within.as_deref();
        let within = within.map(|text| places_within(&organisation, caller, at, text));
        let (kind, level) = (asked.kind.as_deref(), asked.level.as_deref());
        let kind = kind.map(|text| one("kind", text, UnitKind::ALL, UnitKind::name)).transpose()?;
        let level = level.map(|text| one("level", text, &Level::ALL, Level::name)).transpose()?;
        if kind.zip(level).is_some_and(|(kind, level)| !kind.sits_at(level)) {
            let detail = Words::fixed(
                "no unit of that kind is at that level: name one of them alone",
                "该类型的单位不在该层级：kind 与 level 请只给一个",
            );
            return Err(Problem::detailed(Code::InvalidQuery, detail));
        }
        Ok(Self {
            at,
            places: caller.grant.places.clone(),
            within: within.transpose()?,
            name: bounded("name", asked.name, NAME_BYTES_MAX)?,
            code: asked.code.map(beginning).transpose()?,
            kind,
            level,
            open: asked.open,
            after: asked.after.as_deref().map(|text| parsed("after", text)).transpose()?,
            limit,
            again,
        })
    }

    /// The page of these units that was asked for.
    pub(super) fn page(
        &self,
        organisation: &Organisation,
        units: impl IntoIterator<Item = UnitNumber>,
        path: &str,
    ) -> Response {
        let as_of = organisation.as_of(self.at);
        let rows = units.into_iter().filter_map(|unit| as_of.unit(unit));
        let mut rows: Vec<&UnitRow> = rows.filter(|row| self.lists(row)).collect();
        rows.sort_unstable_by_key(|row| row.code);
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| has_more).map(|row| row.code.to_string());
        let body = UnitsBody {
            units: rows.into_iter().map(|row| UnitBody::of(as_of, row)).collect(),
            organisation_seq: organisation.last_seq().0,
            next_after: next.clone(),
        };
        let mut response = versioned(organisation, &body);
        if let Some(after) = next {
            let link = format!("<{path}?{}after={after}>; rel=\"next\"", self.again);
            response.headers_mut().insert(LINK, ascii(link));
        }
        response
    }

    fn lists(&self, row: &UnitRow) -> bool {
        self.after.is_none_or(|after| row.code > after)
            && self.places.contains(row.code)
            && self.within.is_none_or(|within| within.contains(row.code))
            && self.kind.is_none_or(|kind| row.kind == kind)
            && self.level.is_none_or(|level| row.level() == level)
            && self.open.is_none_or(|open| row.is_open(self.at) == open)
            && self.name.as_ref().is_none_or(|name| row.name.contains(name.as_str()))
            && self.code.as_ref().is_none_or(|code| row.code.to_string().starts_with(code.as_str()))
    }
}

impl UnitsQuery {
    fn again(&self, limit: usize) -> String {
        let open = self.open.map(|open| open.to_string());
        let asked = [
            ("name", self.name.as_deref()),
            ("code", self.code.as_deref()),
            ("kind", self.kind.as_deref()),
            ("level", self.level.as_deref()),
            ("within", self.within.as_deref()),
            ("open", open.as_deref()),
            ("at", self.at.as_deref()),
        ];
        let mut again = format!("limit={limit}&");
        for (field, value) in asked {
            if let Some(value) = value {
                let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
                for part in [field, "=", &value.to_string(), "&"] {
                    again.push_str(part);
                }
            }
        }
        again
    }
}

/// How a code may begin: digits, and what may follow 12 of them.
fn beginning(text: String) -> Result<String, Problem> {
    let (digits, body) = text.split_once('-').map_or((&*text, None), |(at, body)| (at, Some(body)));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_body = |body: &str| {
        let mut chars = body.chars();
        chars.next().is_none_or(|letter| letter.is_ascii_uppercase()) && are_digits(chars.as_str())
    };
    let begins = match body {
        None => (1..=15).contains(&digits.len()) && are_digits(digits),
        Some(body) => digits.len() == 12 && are_digits(digits) && body.len() <= 3 && is_body(body),
    };
    begins.then_some(text).ok_or_else(|| {
        let detail = Words::fixed(
            "code: how a unit's code begins, such as 411502 or 411502001000-B",
            "code 应为单位代码的开头，如 411502 或 411502001000-B",
        );
        Problem::detailed(Code::InvalidQuery, detail)
    })
}

/// A text that is not empty and not longer than what it is looked for in.
fn bounded(
    field: &'static str,
    asked: Option<String>,
    bytes_max: usize,
) -> Result<Option<String>, Problem> {
    match asked {
        Some(text) if text.is_empty() || text.len() > bytes_max => {
            let detail = Words::new(
                format!("{field}: 1 to {bytes_max} bytes of it"),
                format!("{field} 应为 1 至 {bytes_max} 字节"),
            );
            Err(Problem::detailed(Code::InvalidQuery, detail))
        }
        asked => Ok(asked),
    }
}

/// A unit's code in a query.
pub(super) fn parsed(field: &'static str, text: &str) -> Result<UnitCode, Problem> {
    text.parse().map_err(|bad: BadCode| {
        let detail = Words::new(format!("{field}: {bad}"), format!("{field} 不是单位代码"));
        Problem::detailed(Code::InvalidQuery, detail)
    })
}

/// Find units
///
/// By a part of the name, by how the code begins, by kind, level and place: all that was asked for
/// holds of each. In the order of their codes, closed ones included.
#[utoipa::path(
    get,
    path = "/v1/units",
    tag = "units",
    params(
        ("name" = Option<String>, Query, description = "A part of the name"),
        ("code" = Option<String>, Query, description = "How the code begins"),
        ("kind" = Option<String>, Query, description = "`division`, `grid`, `governance_room`, `department`, `office`, `stationed`, `task_force` or `headquarters`"),
        ("level" = Option<String>, Query, description = "`grid`, `village`, `township`, `county` or `city`"),
        ("within" = Option<String>, Query, description = "The code of a unit: only those that sit in its place, itself included"),
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
pub(in crate::api) async fn find_units(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let view = app.handle().view();
    let listing = Listing::of(&app, &caller, query(&uri)?)?;
    let organisation = view.organisation();
    // Looks at every unit: off the I/O thread.
    let read = move |_: &Handle| {
        let all = organisation.iter().map(|(unit, _)| unit);
        listing.page(&organisation, all, "/v1/units")
    };
    Ok(app.handle().blocking_read(read).await?)
}
