//! What can be asked: cases, their history, who holds what, the feed, the raw journal.
//!
//! All of it is read from the published view and the journal up to it, never from the sequencer;
//! only an outcome by key and a case by its source's number are asked there, since they may be being
//! decided now.
//! What is in the view is in memory and answered at once; whatever reads the journal goes through
//! `Handle::blocking_read`, away from the I/O thread.

pub(super) mod cases;
mod cursor;
pub(super) mod event_data;
pub(super) mod events;
pub(super) mod export;
pub(super) mod lists;
pub(super) mod parts;
mod query;
pub(super) mod records;
pub(super) mod tallies;
pub(super) mod targets;
pub(super) mod timeline;
pub(super) mod unit;
pub(super) mod unit_list;
pub(super) mod units;

use http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::codes::Code;
use super::problem::Problem;
use crate::domain::code::UnitCode;
use crate::domain::ids::Timestamp;
use crate::rules::{BadMoment, Words, parse_moment};

/// What `include=` may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Include {
    /// Sealed texts, opened.
    Text,
}

/// The parameters of a query.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let query = axum::extract::Query::<T>::try_from_uri(uri);
    query.map(|query| query.0).map_err(|rejection| {
        let words = rejection.body_text();
        let words = words.rsplit_once("query string: ").map_or(&*words, |(_, words)| words);
        Problem::detailed(Code::InvalidQuery, Words::of_query(words))
    })
}

/// No parameters at all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

/// Refuses whatever parameter is given.
pub(super) fn no_query(uri: &Uri) -> Result<(), Problem> {
    query(uri).map(|NoQuery {}| ())
}

/// The code of a path.
pub(super) fn unit_code(text: &str) -> Result<UnitCode, Problem> {
    text.parse().map_err(|bad: crate::domain::code::BadCode| {
        let chinese =
            "应为 12 位（区划）或 15 位数字（网格），或 12 位数字、“-”、一个字母和两位数字";
        Problem::detailed(Code::InvalidPath, Words::new(bad.to_string(), chinese))
    })
}

/// The moment that a parameter names, where it is given. In a query an unescaped plus is a space.
pub(super) fn moment(name: &str, asked: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = asked.map(|text| text.replace(' ', "+")) else {
        return Ok(None);
    };
    let moment = parse_moment(&text).map_err(|bad| {
        let Words { english, chinese } = bad.words(&text);
        let (english, chinese) = (format!("{name}: {english}"), format!("{name}：{chinese}"));
        let detail = match bad {
            BadMoment::NoTime => {
                Words::new(english + ", its + written %2B", chinese + "，其中 + 写作 %2B")
            }
            BadMoment::OutOfRange => Words::new(english, chinese),
        };
        Problem::detailed(Code::InvalidQuery, detail)
    })?;
    Ok(Some(moment))
}

/// The rows of a page: as asked, within the bounds.
pub(super) fn page_limit(asked: Option<usize>, max: usize) -> Result<usize, Problem> {
    match asked {
        None => Ok(max.min(100)),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => {
            let detail = Words::new(format!("limit: 1 to {max}"), format!("limit 应为 1 至 {max}"));
            Err(Problem::detailed(Code::InvalidQuery, detail))
        }
    }
}
