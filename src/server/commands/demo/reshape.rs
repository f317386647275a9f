//! Changes of the organisation over HTTP, as the administrator of a city makes them: each upon the
//! version that was seen (`If-Match`).

use serde_json::{Value, json};

use crate::domain::code::UnitCode;
use crate::domain::command::Change;
use crate::domain::organisation::UnitRow;
use crate::rules;
use crate::server::client::Client;
use crate::server::exit::Failure;

/// Events of one change at most, so far back the feed is read: a split in two makes four.
const EVENTS_BACK: u64 = 16;

/// Asks for a change. The open cases that went to a successor with it, as the feed tells.
pub(super) async fn reshape(client: &mut Client, change: &Change) -> Result<u64, Failure> {
    let seen = client.get("/v1/organisation").await?.json()?;
    let version = format!("\"{}\"", seen["seq"].as_u64().unwrap_or_default());
    let (path, body) = request(change);
    let reply = client.post_json_if(&path, &version, &body).await?.json()?;
    let Some(from) = closing(change) else {
        return Ok(0);
    };
    let after = reply["seq"].as_u64().unwrap_or_default().saturating_sub(EVENTS_BACK);
    let feed = client.get(&format!("/v1/events?after={after}&limit=1000")).await?.json()?;
    let from = from.to_string();
    let is_of_it = |event: &&Value| {
        event["type"] == "cases.inherited" && event["data"]["from"] == from.as_str()
    };
    let events = feed["events"].as_array().into_iter().flatten().filter(is_of_it);
    let cases = events.filter_map(|event| event["data"]["cases"].as_array());
    Ok(cases.map(|cases| cases.len() as u64).sum())
}

/// The address and the body of a change.
fn request(change: &Change) -> (String, Value) {
    let at = |unit: UnitCode, verb: &str| format!("/v1/units/{unit}/{verb}");
    let text = |unit: UnitCode| unit.to_string();
    match change {
        Change::Open(new) => ("/v1/units".into(), json!({ "row": row(new) })),
        Change::Amend(new) => (at(new.code, "change"), json!({ "row": row(new) })),
        Change::Close(close) => {
            let until = close.until.and_then(rules::write_moment);
            let body = json!({ "successor": close.successor.map(text), "valid_until": until });
            (at(close.unit, "close"), body)
        }
        Change::Keep(unit) => (at(*unit, "keep"), json!({})),
        Change::Split(split) => {
            let rows: Vec<_> = split.into.iter().map(row).collect();
            let successor = text(split.successor);
            (at(split.unit, "split"), json!({ "rows": rows, "successor": successor }))
        }
        Change::Merge(merge) => {
            let units: Vec<_> = merge.units.iter().copied().map(text).collect();
            (at(merge.into, "merge"), json!({ "units": units }))
        }
        Change::Move(one) => (at(one.unit, "move"), json!({ "to": text(one.to) })),
    }
}

/// The unit that a change closes; a city of the demo closes one at a time.
fn closing(change: &Change) -> Option<UnitCode> {
    match change {
        Change::Open(_) | Change::Amend(_) | Change::Keep(_) | Change::Move(_) => None,
        Change::Close(close) => Some(close.unit),
        Change::Split(split) => Some(split.unit),
        Change::Merge(merge) => merge.units.first().copied(),
    }
}

/// A unit as the API has it.
fn row(unit: &UnitRow) -> Value {
    let line = rules::write_units(std::slice::from_ref(unit));
    serde_json::from_str(&line).expect("what is written as JSON is JSON")
}
