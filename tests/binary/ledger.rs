//! What the server acknowledged, and how to ask whether it is all there, once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::world::{GRIDS, ON_THE_SPOT};

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Report,
    ReportSettled,
    Acknowledge,
    Handle,
    Close,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub seq: u64,
    pub case: u64,
    pub version: u64,
}

/// A command that was sent, and its answer if one came.
#[derive(Clone, Debug)]
pub struct Sent {
    pub verb: Verb,
    pub key: String,
    /// By number, or by the report's key.
    pub target: Option<Value>,
    pub grid: &'static str,
    pub text: String,
    pub answer: Option<Answer>,
}

impl Verb {
    /// How many events it makes, and the last of them.
    fn events(self) -> &'static [&'static str] {
        match self {
            Self::Report => &["case.reported"],
            Self::ReportSettled => &["case.reported", "case.settled"],
            Self::Acknowledge => &["case.acknowledged"],
            Self::Handle => &["case.handled"],
            Self::Close => &["case.closed"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Report | Self::ReportSettled => "report",
            Self::Acknowledge => "acknowledge",
            Self::Handle => "handle",
            Self::Close => "close",
        }
    }

    pub fn is_report(self) -> bool {
        matches!(self, Self::Report | Self::ReportSettled)
    }
}

impl Sent {
    pub fn report(key: String, verb: Verb, grid: usize) -> Self {
        let text = format!("{key}：{}", "路灯不亮，夜间出行不便。".repeat(8));
        Self { verb, key, target: None, grid: GRIDS[grid], text, answer: None }
    }

    /// A move on that report's case, named by `target`.
    pub fn follows(report: &Self, verb: Verb, target: Value) -> Self {
        let key = format!("{}-{}", report.key, verb.name());
        let text = format!("{key}：已处理。");
        Self { verb, key, target: Some(target), grid: report.grid, text, answer: None }
    }

    /// As a line of `/v1/commands`.
    pub fn line(&self) -> String {
        let mut body = self.body();
        body["command"] = json!(format!("{}_case", self.verb.name()));
        body["key"] = json!(self.key);
        if let Some(target) = &self.target {
            body["case"] = target.clone();
        }
        format!("{body}\n")
    }

    /// As a request of its own: address and body.
    pub fn post(&self) -> (String, String) {
        let path = match &self.target {
            None => "/v1/cases".to_string(),
            Some(case) => format!("/v1/cases/{case}/{}", self.verb.name()),
        };
        (path, self.body().to_string())
    }

    fn body(&self) -> Value {
        let report = json!({ "matter": ON_THE_SPOT, "place": self.grid, "source": "patrol", "text": self.text });
        match self.verb {
            Verb::Report => report,
            Verb::ReportSettled => {
                let mut report = report;
                report["by"] = json!(self.grid);
                report["settle"] = json!({ "answer": format!("{}：当场办结", self.key) });
                report
            }
            Verb::Acknowledge => json!({ "by": self.grid }),
            Verb::Handle => json!({ "by": self.grid, "measures": self.text }),
            Verb::Close => json!({ "by": self.grid, "answer": self.text }),
        }
    }
}

impl Answer {
    /// What a reply, or a line of an answer, says.
    pub fn of(value: &Value) -> Option<Self> {
        let field = |name: &str| value[name].as_u64();
        Some(Self { seq: field("seq")?, case: field("case")?, version: field("version")? })
    }
}

/// Reads the whole feed. Its events, the first at index 0.
pub fn feed(connection: &mut Connection) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let page = connection.get(&format!("/v1/events?after={}&limit=1000", events.len()));
        let page = page.expect("read").ok();
        let rows = page["events"].as_array().expect("events");
        if rows.is_empty() {
            return events;
        }
        for row in rows {
            assert_eq!(row["seq"], events.len() + 1, "the feed has a gap");
            events.push(row.clone());
        }
    }
}

/// All acknowledged commands are in the feed, each in its place; with `is_all`, nothing else of a
/// case is. Gives the first thing that is not so.
pub fn compare(sent: &[Sent], events: &[Value], is_all: bool) -> Result<(), String> {
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
    for kind in
        ["case.reported", "case.settled", "case.acknowledged", "case.handled", "case.closed"]
    {
        let found = events.iter().filter(|event| event["type"] == kind).count() as u64;
        let expected = counts.get(kind).copied().unwrap_or(0);
        if found != expected {
            return Err(format!("{found} events {kind}, {expected} were answered"));
        }
    }
    Ok(())
}

/// Asks for the command's outcome and its case.
pub fn ask(connection: &mut Connection, one: &Sent) -> Result<(), String> {
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
