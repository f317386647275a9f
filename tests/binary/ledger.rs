//! What the server acknowledged, and how to ask whether it is all there, once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::world::ON_THE_SPOT;

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Report,
    ReportSettled,
    Escalate,
    Acknowledge,
    Handle,
    Close,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) seq: u64,
    pub(crate) case: u64,
    pub(crate) version: u64,
}

/// A command that was sent, and its answer if one came.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) verb: Verb,
    pub(crate) key: String,
    /// By number, or by the report's key.
    pub(crate) target: Option<Value>,
    /// The unit that acts; for a report the grid of its place.
    pub(crate) by: String,
    pub(crate) text: String,
    pub(crate) answer: Option<Answer>,
}

impl Verb {
    /// How many events it makes, and the last of them.
    fn events(self) -> &'static [&'static str] {
        match self {
            Self::Report => &["case.reported"],
            Self::ReportSettled => &["case.reported", "case.settled"],
            Self::Escalate => &["case.escalated"],
            Self::Acknowledge => &["case.acknowledged"],
            Self::Handle => &["case.handled"],
            Self::Close => &["case.closed"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Report | Self::ReportSettled => "report",
            Self::Escalate => "escalate",
            Self::Acknowledge => "acknowledge",
            Self::Handle => "handle",
            Self::Close => "close",
        }
    }

    pub(crate) fn is_report(self) -> bool {
        matches!(self, Self::Report | Self::ReportSettled)
    }
}

impl Sent {
    pub(crate) fn report(key: String, verb: Verb, grid: &str) -> Self {
        let text = format!("{key}：{}", "路灯不亮，夜间出行不便。".repeat(8));
        Self { verb, key, target: None, by: grid.to_string(), text, answer: None }
    }

    /// A move of `by` on that report's case, named by `target`.
    pub(crate) fn follows(report: &Self, verb: Verb, by: &str, target: Value) -> Self {
        let key = format!("{}-{}", report.key, verb.name());
        let text = format!("{key}：已处理。");
        Self { verb, key, target: Some(target), by: by.to_string(), text, answer: None }
    }

    /// As a line of `/v1/commands`.
    pub(crate) fn line(&self) -> String {
        let mut body = self.body();
        body["command"] = json!(format!("{}_case", self.verb.name()));
        body["key"] = json!(self.key);
        if let Some(target) = &self.target {
            body["case"] = target.clone();
        }
        format!("{body}\n")
    }

    /// As a request of its own: address and body.
    pub(crate) fn post(&self) -> (String, String) {
        let path = match &self.target {
            None => "/v1/cases".to_string(),
            Some(case) => format!("/v1/cases/{case}/{}", self.verb.name()),
        };
        (path, self.body().to_string())
    }

    fn body(&self) -> Value {
        let report = json!({ "matter": ON_THE_SPOT, "place": self.by, "source": "patrol", "text": self.text });
        match self.verb {
            Verb::Report => report,
            Verb::ReportSettled => {
                let mut report = report;
                report["by"] = json!(self.by);
                report["settle"] = json!({ "answer": format!("{}：当场办结", self.key) });
                report
            }
            Verb::Escalate => json!({ "by": self.by, "reason": self.text }),
            Verb::Acknowledge => json!({ "by": self.by }),
            Verb::Handle => json!({ "by": self.by, "measures": self.text }),
            Verb::Close => json!({ "by": self.by, "answer": self.text }),
        }
    }
}

impl Answer {
    /// What a reply, or a line of an answer, says.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let field = |name: &str| value[name].as_u64();
        Some(Self { seq: field("seq")?, case: field("case")?, version: field("version")? })
    }
}

/// Reads the whole feed. Its events, the first at index 0.
pub(crate) fn feed(connection: &mut Connection) -> Vec<Value> {
    try_feed(connection).expect("a feed without gaps")
}

/// Reads the whole feed, or says what is wrong with it.
pub(crate) fn try_feed(connection: &mut Connection) -> Result<Vec<Value>, String> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let page = connection.get(&format!("/v1/events?after={}&limit=1000", events.len()));
        let page = page.expect("a reply");
        if page.status != 200 {
            return Err(page.text());
        }
        let page = page.json();
        let rows = page["events"].as_array().expect("events");
        if rows.is_empty() {
            return Ok(events);
        }
        for row in rows {
            if row["seq"] != events.len() + 1 {
                return Err(format!("the feed has a gap before {row}"));
            }
            events.push(row.clone());
        }
    }
}

/// All acknowledged commands are in the feed, each in its place; with `is_all`, nothing else of a
/// case is. Gives the first thing that is not so.
pub(crate) fn compare(sent: &[Sent], events: &[Value], is_all: bool) -> Result<(), String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut keys_of_cases = BTreeMap::new();
    for one in sent {
        let Some(answer) = one.answer else {
            continue;
        };
        let kinds = one.verb.events();
        for (back, kind) in kinds.iter().rev().enumerate() {
            *counts.entry(kind).or_default() += 1;
            let place = usize::try_from(answer.seq).expect("small") - 1 - back;
            let Some(event) = events.get(place) else {
                return Err(format!("{} was answered at {}: lost", one.key, answer.seq));
            };
            if event["type"] != **kind || event["case"] != answer.case {
                return Err(format!("{} was answered {answer:?}, there is {event}", one.key));
            }
        }
        if one.verb.is_report()
            && let Some(other) = keys_of_cases.insert(answer.case, &one.key)
        {
            return Err(format!("case {} is of {} and of {other}", answer.case, one.key));
        }
    }
    if !is_all {
        return Ok(());
    }
    for kind in [
        "case.reported",
        "case.settled",
        "case.escalated",
        "case.acknowledged",
        "case.handled",
        "case.closed",
    ] {
        let found = events.iter().filter(|event| event["type"] == kind).count() as u64;
        let expected = counts.get(kind).copied().unwrap_or(0);
        if found != expected {
            return Err(format!("{found} events {kind}, {expected} were answered"));
        }
    }
    Ok(())
}

/// Asks for the command's outcome and its case.
pub(crate) fn ask(connection: &mut Connection, one: &Sent) -> Result<(), String> {
    let Some(answer) = one.answer else {
        return Ok(());
    };
    let outcome = connection.get(&format!("/v1/outcomes/{}", one.key)).expect("a reply");
    if outcome.status != 200 || Answer::of(&outcome.json()) != Some(answer) {
        return Err(format!("{} was answered {answer:?}: {}", one.key, outcome.text()));
    }
    let case = connection.get(&format!("/v1/cases/{}?include=text", answer.case));
    let case = case.expect("a reply");
    let found = case.json();
    if case.status != 200 || found["version"].as_u64() < Some(answer.version) {
        return Err(format!("{} was answered {answer:?}: {}", one.key, case.text()));
    }
    let has_text = |text: &Value| text["text"] == *one.text;
    let texts = found["texts"].as_array();
    if one.verb != Verb::Acknowledge && !texts.is_some_and(|texts| texts.iter().any(has_text)) {
        return Err(format!("{}: its text is gone: {}", one.key, case.text()));
    }
    Ok(())
}
