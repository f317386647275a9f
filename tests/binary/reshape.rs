//! Changes of the organisation under kills: an administrator imports villages with their grids,
//! reports cases there, splits, merges, moves and closes grids that hold them. Whatever was
//! acknowledged is there after a start; whatever was not is there whole, or not at all.

use serde_json::{Value, json};

use crate::fuse::{Fuse, Kill, Moment};
use crate::http::Connection;
use crate::ledger::{Answer, Sent, Verb};
use crate::world::TOWNSHIP;

/// Villages that one round imports at most.
pub(crate) const VILLAGES_A_ROUND: u64 = 3;
/// The first village of its own; its township numbers 999.
const FIRST_VILLAGE: u64 = 2;
const GRIDS: u64 = 40;
const CASES: u64 = 5;

/// A request that changes the organisation.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    key: String,
    path: String,
    body: String,
    content_type: &'static str,
    /// The events that it makes, in order, and the unit that each is about.
    events: Vec<(&'static str, String)>,
    /// Who holds the cases of its village with it, from then on.
    holder: Option<String>,
    /// The units that it brings.
    units: Vec<String>,
    moment: Option<Moment>,
    is_answered: bool,
}

/// What one administrator asked for in one village, in order, and the cases reported there.
#[derive(Debug, Default)]
pub(crate) struct Village {
    pub(crate) changes: Vec<Change>,
    pub(crate) reports: Vec<Sent>,
}

/// What became of a village's last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    Answered,
    Kept(Option<Moment>),
    Lost(Option<Moment>),
}

/// Works in villages numbered from `first` until the connection breaks or all is done.
pub(crate) fn work(connection: &mut Connection, fuse: &Fuse, first: u64) -> Vec<Village> {
    let mut villages = Vec::new();
    for number in first..first + VILLAGES_A_ROUND {
        if number + FIRST_VILLAGE > 999 {
            break;
        }
        villages.push(Village::default());
        let village = villages.last_mut().expect("one was just put in");
        if village.work(connection, fuse, number).is_none() {
            break;
        }
    }
    villages
}

impl Village {
    /// None once the connection is broken.
    fn work(&mut self, connection: &mut Connection, fuse: &Fuse, number: u64) -> Option<()> {
        let code = format!("{}{:03}", &TOWNSHIP[..9], number + FIRST_VILLAGE);
        let grid = |serial: u64| format!("{code}{serial:03}");
        let key = |what: &str| format!("v{number}-{what}");
        self.import(connection, fuse, &code, &key)?;
        for case in 0..CASES {
            let report = Sent::report(key(&format!("case-{case}")), Verb::Report, &grid(1));
            self.report(connection, fuse, report)?;
        }
        let row = |serial: u64| json!({ "code": grid(serial), "kind": "grid", "name": "新网格" });
        let closed = |serial: u64| ("unit.closed", grid(serial));
        let inherited = |serial: u64| ("cases.inherited", grid(serial));
        let opened = |serial: u64| ("unit.opened", grid(serial));
        let unit = |serial: u64, verb: &str| format!("/v1/units/{}/{verb}", grid(serial));
        let asked = [
            (
                "split",
                unit(1, "split"),
                json!({ "rows": [row(101), row(102)], "successor": grid(101) }),
                vec![opened(101), opened(102), closed(1), inherited(1)],
                101,
            ),
            (
                "merge",
                unit(102, "merge"),
                json!({ "units": [grid(101)] }),
                vec![closed(101), inherited(101)],
                102,
            ),
            (
                "move",
                unit(102, "move"),
                json!({ "to": grid(103) }),
                vec![("unit.moved", grid(103))],
                103,
            ),
            (
                "close",
                unit(103, "close"),
                json!({ "successor": grid(2) }),
                vec![closed(103), inherited(103)],
                2,
            ),
            ("open", "/v1/units".into(), json!({ "row": row(104) }), vec![opened(104)], 2),
        ];
        for (what, path, body, events, holder) in asked {
            let moment = (what == "split").then_some(Moment::Split);
            let holder = Some(grid(holder));
            let change = Change { events, holder, moment, ..Change::of(key(what), path, &body) };
            self.ask(connection, fuse, change)?;
        }
        Some(())
    }

    fn import(
        &mut self,
        connection: &mut Connection,
        fuse: &Fuse,
        code: &str,
        key: &dyn Fn(&str) -> String,
    ) -> Option<()> {
        let mut rows =
            vec![json!({ "code": format!("{code}"), "kind": "division", "name": "新村" })];
        rows.extend((1..=GRIDS).map(|serial| {
            json!({ "code": format!("{code}{serial:03}"), "kind": "grid", "name": "新村网格" })
        }));
        let origin = json!({ "origin": code });
        let begin = Change::of(key("begin"), "/v1/imports".into(), &origin);
        let import = self.ask(connection, fuse, begin)?["import"].clone();
        let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        let stage = Change {
            body: lines.join("\n") + "\n",
            content_type: "application/x-ndjson",
            ..Change::of(key("stage"), format!("/v1/imports/{import}/units"), &Value::Null)
        };
        self.ask(connection, fuse, stage)?;
        let units = rows.iter().filter_map(|row| row["code"].as_str());
        let commit = Change {
            body: String::new(),
            units: units.map(str::to_string).collect(),
            events: vec![("import.committed", import.to_string())],
            holder: Some(format!("{code}001")),
            moment: Some(Moment::Commit),
            ..Change::of(key("commit"), format!("/v1/imports/{import}/commit"), &Value::Null)
        };
        self.ask(connection, fuse, commit).map(drop)
    }

    fn report(&mut self, connection: &mut Connection, fuse: &Fuse, report: Sent) -> Option<()> {
        let (path, body) = report.post();
        let headers = [("Idempotency-Key", &*report.key), ("Content-Type", "application/json")];
        let sent = connection.send("POST", &path, &headers, body.as_bytes());
        self.reports.push(report);
        sent.ok()?;
        let reply = connection.reply().ok()?;
        self.reports.last_mut()?.answer = Answer::of(&reply.ok());
        fuse.answered();
        Some(())
    }

    fn ask(&mut self, connection: &mut Connection, fuse: &Fuse, change: Change) -> Option<Value> {
        let kill = change.moment.and_then(|moment| fuse.changing(moment));
        let sent = change.send(connection);
        self.changes.push(change);
        sent.ok()?;
        if let Some(kill) = kill {
            fuse.changed(kill);
            if kill == Kill::AtReply {
                // Kept, and whoever asked will never know.
                drop(connection.reply());
                fuse.kill();
            }
            return None;
        }
        let reply = connection.reply().ok()?;
        let reply = reply.ok();
        self.changes.last_mut()?.is_answered = true;
        fuse.answered();
        Some(reply)
    }

    /// After a start: what was acknowledged is there, each change is there whole or not at all, and
    /// every case of the village is held by whom the last change that is there named.
    pub(crate) fn check(&self, connection: &mut Connection, events: &[Value]) -> Became {
        let mut became = Became::Answered;
        let mut holder = None;
        for change in &self.changes {
            let is_there = change.is_there(connection, events);
            assert!(is_there || !change.is_answered, "{} was answered: lost", change.key);
            if is_there {
                holder = change.holder.as_ref().or(holder);
            }
            if !change.is_answered && !change.events.is_empty() {
                became = if is_there { Became::Kept } else { Became::Lost }(change.moment);
            }
        }
        for answer in self.reports.iter().filter_map(|report| report.answer) {
            let case = connection.get(&format!("/v1/cases/{}", answer.case));
            let case = case.expect("a reply").ok();
            assert_eq!(case["holder"].as_str(), holder.map(String::as_str), "{case}");
        }
        became
    }

    /// Asks again for what was not answered; leaves no import open.
    pub(crate) fn settle(&mut self, connection: &mut Connection) {
        let unanswered = self.changes.iter_mut().find(|change| !change.is_answered);
        let Some(change) = unanswered else {
            return;
        };
        change.send(connection).expect("it listens");
        let reply = connection.reply().expect("a reply").ok();
        change.is_answered = true;
        if reply["import"].is_u64() && !change.path.ends_with("/commit") {
            let path = format!("/v1/imports/{}/abandon", reply["import"]);
            let key = format!("{}-abandon", change.key);
            connection.post(&path, &key, "").expect("a reply").ok();
        }
    }
}

impl Change {
    fn of(key: String, path: String, body: &Value) -> Self {
        let (body, content_type) = (body.to_string(), "application/json");
        let (events, units) = (Vec::new(), Vec::new());
        let (holder, moment, is_answered) = (None, None, false);
        Self { key, path, body, content_type, events, holder, units, moment, is_answered }
    }

    fn send(&self, connection: &mut Connection) -> std::io::Result<()> {
        let mut headers = vec![("Idempotency-Key", &*self.key), ("If-Match", "*")];
        headers.extend((!self.body.is_empty()).then_some(("Content-Type", self.content_type)));
        connection.send("POST", &self.path, &headers, self.body.as_bytes())
    }

    /// Whether all of its events are there, one after the other, and all that it brings; it must be
    /// all or nothing.
    fn is_there(&self, connection: &mut Connection, events: &[Value]) -> bool {
        let Some((kind, unit)) = self.events.first() else {
            // What an import stages is nothing yet.
            return true;
        };
        let found = events.iter().position(|event| is_of(event, kind, unit));
        if let Some(at) = found {
            for (event, (kind, unit)) in events[at..].iter().zip(&self.events) {
                assert!(is_of(event, kind, unit), "{} is half there: {event}", self.key);
            }
            assert!(events.len() - at >= self.events.len(), "{} is half there", self.key);
        } else {
            let is_any =
                |event: &Value| self.events.iter().any(|(kind, unit)| is_of(event, kind, unit));
            assert!(!events.iter().any(is_any), "{} is half there", self.key);
        }
        for unit in &self.units {
            let unit = connection.get(&format!("/v1/units/{unit}")).expect("a reply");
            let expected = if found.is_some() { 200 } else { 404 };
            assert_eq!(unit.status, expected, "{} is half there: {}", self.key, unit.text());
        }
        found.is_some()
    }
}

/// Whether that is an event of the kind about that unit, or about that import.
fn is_of(event: &Value, kind: &str, subject: &str) -> bool {
    let data = &event["data"];
    let named = match kind {
        "unit.opened" => &data["row"]["code"],
        "unit.closed" => &data["unit"],
        "unit.moved" => &data["to"],
        "cases.inherited" => &data["from"],
        _ => &data["import"],
    };
    let is_named = named
        .as_str()
        .map_or_else(|| named.as_u64() == subject.parse().ok(), |code| code == subject);
    event["type"] == kind && is_named
}
