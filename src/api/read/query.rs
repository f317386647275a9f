//! What `GET /v1/cases` and its like are asked, from text to a question for the view.
//!
//! A question that no case could ever answer is refused, with what to change.

use std::borrow::Cow;

use http::Uri;
use serde::Deserialize;
use utoipa::IntoParams;

use super::cursor::{Cursor, query_hash};
use super::{Include, moment, page_limit, unit_code};
use crate::api::app::App;
use crate::api::body::is_printable;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::options::{IDS_MAX, LOOK_BACK_MS, TEXT_PAGE_MAX};
use crate::api::problem::Problem;
use crate::domain::case::{Light, Source, StatusName};
use crate::domain::catalogue::{Catalogue, Module, Severity};
use crate::domain::code::UnitCode;
use crate::domain::ids::{CaseId, MatterNumber, Timestamp, UnitNumber};
use crate::domain::limits::SOURCE_NUMBER_BYTES_MAX;
use crate::engine::View;
use crate::engine::query::{Filter, Flag, Sort, Span, Within};
use crate::rules::Words;

/// The parameters as they are given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    unit: Option<String>,
    holder: Option<String>,
    status: Option<String>,
    matter: Option<String>,
    module: Option<String>,
    light: Option<String>,
    severity: Option<String>,
    source: Option<String>,
    flag: Option<String>,
    reported_from: Option<String>,
    reported_to: Option<String>,
    closed_from: Option<String>,
    closed_to: Option<String>,
    changed_from: Option<String>,
    changed_to: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    ids: Option<String>,
    sort: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    include: Option<Include>,
}

/// The parameters of a unit's own lists.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedOfUnit {
    /// `urgency`, `due`, `time`, `-time`
    sort: Option<String>,
    /// Cases of a page: 100, at most 1000
    #[param(value_type = Option<u32>)]
    limit: Option<usize>,
    /// Where the page before ended, for 24 hours
    cursor: Option<String>,
}

impl From<AskedOfUnit> for Asked {
    fn from(AskedOfUnit { sort, limit, cursor }: AskedOfUnit) -> Self {
        Self { sort, limit, cursor, ..Self::default() }
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Lookup {
    /// Those of these numbers.
    Ids(Vec<CaseId>),
    /// The one that a source gave a number.
    Number(Source, String),
    /// A page of those that pass.
    Listing(Box<Listing>),
}

/// A page of the cases that pass a filter.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    pub(super) limit: usize,
    /// Where the page before ended.
    pub(super) cursor: Option<Cursor>,
    /// What the clock said when the first page was read.
    pub(super) begun_at: Timestamp,
    /// Of all that was asked but the page's length.
    pub(super) query: u64,
    /// From when on it looks, where nobody said.
    pub(super) looks_back_to: Option<Timestamp>,
}

impl Asked {
    /// Whether texts are to be opened.
    pub(super) fn with_text(&self) -> bool {
        self.include == Some(Include::Text)
    }

    /// What is asked, for that caller.
    pub(super) fn lookup(&self, app: &App, caller: &Caller, uri: &Uri) -> Result<Lookup, Problem> {
        if let Some(text) = &self.ids {
            self.check_alone("ids")?;
            return ids(text, if self.with_text() { TEXT_PAGE_MAX } else { IDS_MAX });
        }
        if let Some(text) = &self.reference {
            self.check_alone("ref")?;
            return reference(text);
        }
        let filter = self.filter(app.handle().view(), caller)?;
        Ok(Lookup::Listing(Box::new(self.listing(app, filter, uri)?)))
    }

    /// A page of what passes that filter.
    pub(super) fn listing(
        &self,
        app: &App,
        mut filter: Filter,
        uri: &Uri,
    ) -> Result<Listing, Problem> {
        let default = if filter.is_open_only() { Sort::Urgency } else { Sort::Newest };
        let sort = self.sort.as_deref().map(|text| one("sort", text, Sort::ALL, Sort::name));
        let page_max = app.options().page_max;
        let limit = if self.with_text() {
            let page_max = page_max.min(TEXT_PAGE_MAX);
            let limit = page_limit(self.limit.or(Some(page_max)), page_max);
            limit.map_err(|_| {
                invalid(
                    format!("limit: 1 to {page_max} beside include=text"),
                    format!("带 include=text 时 limit 应为 1 至 {page_max}"),
                )
            })?
        } else {
            page_limit(self.limit, page_max)?
        };
        let now = app.handle().now();
        let query = query_hash(uri.path(), self.named());
        let cursor =
            self.cursor.as_deref().map(|text| Cursor::read(text, query, now)).transpose()?;
        let begun_at = cursor.map_or(now, |cursor| cursor.begun_at);
        let looks_back_to = look_back(&filter, begun_at);
        filter.reported.from = filter.reported.from.or(looks_back_to);
        let sort = sort.transpose()?.unwrap_or(default);
        Ok(Listing { filter, sort, limit, cursor, begun_at, query, looks_back_to })
    }

    /// Refuses whatever is given beside that one and `include`.
    fn check_alone(&self, name: &str) -> Result<(), Problem> {
        let others = self.named().map(|(other, _)| other).filter(|other| *other != name);
        let paging = [("limit", self.limit.is_some()), ("cursor", self.cursor.is_some())];
        let paging = paging.iter().filter(|(_, is_given)| *is_given).map(|(other, _)| *other);
        match others.chain(paging).next() {
            Some(other) => Err(invalid(
                format!("{name} stands alone: leave {other} out"),
                format!("{name} 须单独使用：请去掉 {other}"),
            )),
            None => Ok(()),
        }
    }

    /// Everything that was given, but which part of the list and how much of each case.
    fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = [
            ("unit", &self.unit),
            ("holder", &self.holder),
            ("status", &self.status),
            ("matter", &self.matter),
            ("module", &self.module),
            ("light", &self.light),
            ("severity", &self.severity),
            ("source", &self.source),
            ("flag", &self.flag),
            ("reported_from", &self.reported_from),
            ("reported_to", &self.reported_to),
            ("closed_from", &self.closed_from),
            ("closed_to", &self.closed_to),
            ("changed_from", &self.changed_from),
            ("changed_to", &self.changed_to),
            ("ref", &self.reference),
            ("ids", &self.ids),
            ("sort", &self.sort),
        ];
        named.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }

    fn filter(&self, view: &View, caller: &Caller) -> Result<Filter, Problem> {
        let catalogue = view.catalogue();
        let filter = Filter {
            within: self.within(view, caller)?,
            statuses: self.statuses()?,
            severities: many("severity", self.severity.as_deref(), Severity::ALL, Severity::name)?,
            lights: many("light", self.light.as_deref(), Light::ALL, Light::name)?,
            sources: many("source", self.source.as_deref(), Source::ALL, Source::name)?,
            matters: self.matters(&catalogue)?,
            flags: many("flag", self.flag.as_deref(), Flag::ALL, Flag::name)?,
            reported: span("reported", self.reported_from.as_deref(), self.reported_to.as_deref())?,
            closed: span("closed", self.closed_from.as_deref(), self.closed_to.as_deref())?,
            changed: span("changed", self.changed_from.as_deref(), self.changed_to.as_deref())?,
        };
        check(&filter)?;
        Ok(filter)
    }

    fn within(&self, view: &View, caller: &Caller) -> Result<Within, Problem> {
        let unit = self.unit.as_deref().map(|text| seen(view, caller, "unit", text)).transpose()?;
        let range = unit.map(|(_, code)| code.range());
        let Some(holder) = self.holder.as_deref() else {
            return Ok(range.map_or(Within::Everywhere, Within::Range));
        };
        let (holder, code) = seen(view, caller, "holder", holder)?;
        if range.is_some_and(|range| !range.contains(code)) {
            return Err(invalid(
                "holder sits outside unit: name one of them alone",
                "holder 不在 unit 之内：两者请只给一个",
            ));
        }
        Ok(Within::Holder(holder))
    }

    /// The statuses that are named; without a name the open ones, or the others where the time of
    /// the end is asked for, or what was settled on the spot, and so closed.
    fn statuses(&self) -> Result<Vec<StatusName>, Problem> {
        let is_settled = |flag: &str| flag == Flag::OnTheSpot.name();
        let asks_for_end = self.closed_from.is_some()
            || self.closed_to.is_some()
            || self.flag.as_deref().map(items).into_iter().flatten().any(is_settled);
        let all = StatusName::ALL.iter().copied();
        match self.status {
            Some(_) => many("status", self.status.as_deref(), StatusName::ALL, StatusName::name),
            None => Ok(all.filter(|status| status.is_open() != asks_for_end).collect()),
        }
    }

    fn matters(&self, catalogue: &Catalogue) -> Result<Option<Vec<MatterNumber>>, Problem> {
        if self.matter.is_none() && self.module.is_none() {
            return Ok(None);
        }
        let modules = many("module", self.module.as_deref(), Module::ALL, Module::name)?;
        let codes: Vec<&str> = self.matter.as_deref().map(items).into_iter().flatten().collect();
        if let Some(code) = codes.iter().find(|code| catalogue.find(code).is_none()) {
            return Err(invalid(
                format!("matter: there is no {code}; GET /v1/matters lists all"),
                format!("matter：没有事项 {code}，全部事项见 GET /v1/matters"),
            ));
        }
        let numbered = catalogue.iter().zip(1..);
        let wanted = numbered.filter(|(row, _)| {
            (modules.is_empty() || modules.contains(&row.module))
                && (codes.is_empty() || codes.contains(&&*row.code))
        });
        let wanted: Vec<_> = wanted.map(|(_, number)| MatterNumber(number)).collect();
        if wanted.is_empty() && !codes.is_empty() {
            return Err(invalid(
                "no such matter is of that module: name one of them alone",
                "该模块没有这些事项：module 与 matter 请只给一个",
            ));
        }
        Ok(Some(wanted))
    }
}

/// Refuses what no case passes, whatever cases there are.
fn check(filter: &Filter) -> Result<(), Problem> {
    let is_held = matches!(filter.within, Within::Holder(_));
    if is_held && !filter.is_open_only() {
        return Err(invalid(
            "an ended case has no holder: leave holder or those statuses out",
            "已结束的案件没有责任单位：请去掉 holder 或这些 status",
        ));
    }
    if filter.is_open_only() && !filter.closed.is_whole() {
        return Err(invalid(
            "an open case has no end: leave closed_from and closed_to or status out",
            "未结案件没有结束时间：请去掉 closed_from、closed_to 或 status",
        ));
    }
    let from = filter.reported.from;
    for (name, span) in [("closed_to", filter.closed), ("changed_to", filter.changed)] {
        if from.zip(span.to).is_some_and(|(from, to)| to <= from) {
            let fix = "set reported_from before it";
            return Err(invalid(
                format!("nothing ends or changes before it is reported: {name}, {fix}"),
                format!("案件不会在上报之前结束或变更：{name} 须晚于 reported_from"),
            ));
        }
    }
    Ok(())
}

/// From when on it looks, where nobody said and cases are asked for that may be of any age.
fn look_back(filter: &Filter, now: Timestamp) -> Option<Timestamp> {
    let spans = [filter.reported, filter.closed, filter.changed];
    if filter.is_open_only() || spans.iter().any(|span| span.from.is_some()) {
        return None;
    }
    let last = spans.iter().filter_map(|span| span.to).fold(now, Timestamp::min);
    Some(last.plus_ms(-LOOK_BACK_MS))
}

fn ids(text: &str, max: usize) -> Result<Lookup, Problem> {
    let ids: Option<Vec<_>> = items(text).map(|id| id.parse().ok().map(CaseId)).collect();
    match ids {
        Some(ids) if (1..=max).contains(&ids.len()) => Ok(Lookup::Ids(ids)),
        Some(_) | None => Err(invalid(
            format!("ids: 1 to {max} numbers of cases, with commas"),
            format!("ids：1 至 {max} 个案件编号，以逗号分隔"),
        )),
    }
}

fn reference(text: &str) -> Result<Lookup, Problem> {
    let parts = text.split_once(':').and_then(|(source, number)| {
        let is_number = is_printable(number.as_bytes(), SOURCE_NUMBER_BYTES_MAX);
        Some((Source::from_name(source)?, number)).filter(|_| is_number)
    });
    let Some((source, number)) = parts else {
        let sources = names(Source::ALL, Source::name);
        return Err(invalid(
            format!("ref: SOURCE:NUMBER, the source one of {sources}"),
            format!("ref：写作 来源:编号，来源可用的值：{sources}"),
        ));
    };
    Ok(Lookup::Number(source, number.to_owned()))
}

/// The unit of that code, if it exists for the caller.
pub(super) fn seen(
    view: &View,
    caller: &Caller,
    name: &str,
    text: &str,
) -> Result<(UnitNumber, UnitCode), Problem> {
    let code = unit_code(text)
        .map_err(|_| invalid(format!("{name}: a unit's code"), format!("{name}：须为单位代码")))?;
    let organisation = view.organisation();
    let unit = organisation.find(code).filter(|_| caller.sees_unit(code));
    // It may be asked for by a code that it has left.
    let seen = unit.and_then(|unit| Some((unit, organisation.code(unit)?)));
    seen.ok_or_else(|| Problem::naming(Code::UnitUnknown, text))
}

fn span(name: &str, from: Option<&str>, to: Option<&str>) -> Result<Span, Problem> {
    let span = Span {
        from: moment(&format!("{name}_from"), from)?,
        to: moment(&format!("{name}_to"), to)?,
    };
    if span.from.zip(span.to).is_some_and(|(from, to)| to <= from) {
        return Err(invalid(
            format!("{name}_from must lie before {name}_to"),
            format!("{name}_from 须早于 {name}_to"),
        ));
    }
    Ok(span)
}

/// Each of some names, with commas between them; none where nothing was given.
fn many<T: Copy>(
    parameter: &str,
    text: Option<&str>,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<Vec<T>, Problem> {
    let each = text.map(items).into_iter().flatten();
    each.map(|text| one(parameter, text, all, name)).collect()
}

/// The value of that name.
pub(super) fn one<T: Copy>(
    parameter: &str,
    text: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, Problem> {
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or_else(|| {
        let names = names(all, name);
        invalid(format!("{parameter}: one of {names}"), format!("{parameter} 可用的值：{names}"))
    })
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> String {
    all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ")
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn invalid(
    english: impl Into<Cow<'static, str>>,
    chinese: impl Into<Cow<'static, str>>,
) -> Problem {
    Problem::detailed(Code::InvalidQuery, Words::new(english, chinese))
}
