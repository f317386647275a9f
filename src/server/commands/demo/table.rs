//! What came of a demo: asked of the server, compared with what the city expects, printed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::drive::{Driven, rate};
use super::look::Seen;
use super::process::Server;
use super::verbs::Verb;
use crate::city::{City, Reshaping};
use crate::domain::organisation::UnitKind;
use crate::server::client::{Client, Reply};
use crate::server::exit::{Failure, Kind};

/// Everything that the table says.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    /// What driving came to.
    pub(super) driven: Driven,
    /// The server's answer to `GET /v1/counts`.
    pub(super) counts: Value,
    /// Its answer to `GET /v1/organisation`.
    pub(super) organisation: Value,
    /// The units that the city began with.
    pub(super) units: BTreeMap<UnitKind, u64>,
    /// The units that are open now, as the server exports them.
    pub(super) open_units: BTreeMap<String, u64>,
    /// What a screen saw.
    pub(super) seen: Seen,
    /// Events in its journal.
    pub(super) events: u64,
    /// Turns, each one commit and one sync.
    pub(super) commits: u64,
    /// Bytes of the data directory.
    pub(super) disk_bytes: u64,
    /// The most memory that the server had.
    pub(super) peak_memory: Option<u64>,
    /// From kill -9 until ready again.
    pub(super) restart: Duration,
    /// From start to table.
    pub(super) total: Duration,
}

/// Asks the server how it stands.
pub(super) async fn ask(client: &mut Client, server: &Server) -> Result<Report, Failure> {
    let counts = client.get("/v1/counts").await?.json()?;
    let organisation = client.get("/v1/organisation").await?.json()?;
    let metrics = client.get("/metrics").await?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    Ok(Report {
        counts,
        organisation,
        open_units: by_kind(&client.get("/v1/units/export?format=ndjson").await?)?,
        events: counted(&metrics, "zhida_events_total")?,
        commits: counted(&metrics, "zhida_commits_total")?,
        disk_bytes: size_of_dir(&server.data_dir()),
        peak_memory: server.peak_memory(),
        ..Report::default()
    })
}

/// How many units of each kind a city has.
pub(super) fn units_by_kind(city: &City) -> BTreeMap<UnitKind, u64> {
    let mut units = BTreeMap::new();
    for unit in city.units() {
        *units.entry(unit.kind).or_default() += 1;
    }
    units
}

/// Units of an export that never end, by kind: what a city ends has ended when its run has.
fn by_kind(export: &Reply) -> Result<BTreeMap<String, u64>, Failure> {
    let mut units = BTreeMap::new();
    for line in export.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let unit: Value = serde_json::from_slice(line)
            .map_err(|error| Failure::world("read the export", &error))?;
        if unit["valid_until"].is_null() {
            let kind = unit["kind"].as_str().unwrap_or_default();
            *units.entry(kind.to_owned()).or_default() += 1;
        }
    }
    Ok(units)
}

/// A counter without labels, from Prometheus' text.
fn counted(metrics: &str, name: &str) -> Result<u64, Failure> {
    let mut values = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let count = values.find_map(|value| value.parse().ok());
    count.ok_or_else(|| Failure::new(Kind::World, format!("the server's /metrics has no {name}")))
}

fn size_of_dir(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

impl Report {
    /// Compares what the server counts with what the city expects.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let tally = self.driven.tally;
        let expected = [
            ("accepted commands", tally.commands, self.driven.answered.all_accepted()),
            ("cases", tally.cases, self.count(&["cases"])),
            ("open cases", tally.open(), self.count(&["open"])),
            ("settled on the spot", tally.on_the_spot, self.count(&["on_the_spot"])),
            ("closed by grids", tally.closed_in_grid, self.count(&["closed", "grid"])),
            ("closed by villages", tally.closed_in_village, self.count(&["closed", "village"])),
            ("closed by townships", tally.closed_in_township, self.count(&["closed", "township"])),
            ("declined", tally.declined, self.count(&["declined"])),
            ("voided", tally.voided, self.count(&["voided"])),
            ("escalations", tally.escalated, self.count(&["escalations"])),
            ("changes of the organisation", Reshaping::ALL.len() as u64, self.driven.changes),
            ("cases inherited", tally.inherited, self.driven.inherited),
            ("open units", self.units().values().sum(), self.open_units()),
            ("open cases on a screen", tally.open(), self.seen.open),
            ("open cases of all counties", tally.open(), self.seen.open_below),
        ];
        let kinds = self.units().into_iter().map(|(kind, expected)| {
            let found = self.open_units.get(kind.name()).copied().unwrap_or_default();
            (format!("open units: {}", kind.name()), expected, found)
        });
        let verbs = Verb::all().map(|verb| {
            (verb.to_string(), verb.expected(&tally), self.driven.answered.accepted(verb))
        });
        let wrong: Vec<_> = expected
            .into_iter()
            .map(|(what, expected, found)| (what.to_string(), expected, found))
            .chain(verbs)
            .chain(kinds)
            .filter(|(_, expected, found)| expected != found)
            .map(|(what, expected, found)| {
                format!("{what}: the city expects {expected}, the server has {found}")
            })
            .chain(self.driven.refusals.iter().cloned())
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Failure::new(Kind::Damaged, wrong.join("\n"))) }
    }

    /// The units that there should be now, by kind.
    fn units(&self) -> BTreeMap<UnitKind, u64> {
        let mut units = self.units.clone();
        let tally = self.driven.tally;
        let grids = units.entry(UnitKind::Grid).or_default();
        *grids = *grids + tally.grids_opened - tally.grids_closed;
        let task_forces = tally.task_forces_opened - tally.task_forces_closed;
        *units.entry(UnitKind::TaskForce).or_default() += task_forces;
        *units.entry(UnitKind::Headquarters).or_default() += tally.headquarters_opened;
        units
    }

    fn open_units(&self) -> u64 {
        self.organisation["open"].as_u64().unwrap_or_default()
    }

    fn count(&self, path: &[&str]) -> u64 {
        path.iter().fold(&self.counts, |value, name| &value[*name]).as_u64().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: String| writeln!(f, "{name:<34}{value:>16}");
        let cases = self.count(&["cases"]);
        let answered = &self.driven.answered;
        let share = |part: u64| {
            format!(
                "{} ({}.{:02} %)",
                grouped(part),
                part * 100 / cases.max(1),
                part * 10_000 / cases.max(1) % 100
            )
        };
        row("cases", grouped(cases))?;
        for level in ["grid", "village", "township"] {
            row(&format!("  closed by the {level}"), share(self.count(&["closed", level])))?;
        }
        row("  of them settled on the spot", share(self.count(&["on_the_spot"])))?;
        row("  still open", share(self.count(&["open"])))?;
        row("  ever yellow, never red", share(self.count(&["yellow"])))?;
        row("  ever red", share(self.count(&["red"])))?;
        row("  at a township's room (fallback)", share(self.count(&["fallback"])))?;
        row("  declined", share(self.count(&["declined"])))?;
        row("  voided", share(self.count(&["voided"])))?;
        row("commands over HTTP", grouped(answered.all_accepted()))?;
        row("  time", seconds(self.driven.took))?;
        row("  commands/s", grouped(rate(answered.all_accepted(), self.driven.took)))?;
        row("  by verb", "done, refused".into())?;
        for verb in Verb::all() {
            let (done, refused) = (answered.accepted(verb), answered.refused(verb));
            row(&format!("    {verb}"), format!("{}, {}", grouped(done), grouped(refused)))?;
        }
        row("open units", grouped(self.open_units()))?;
        for (kind, count) in &self.open_units {
            row(&format!("  {kind}"), grouped(*count))?;
        }
        row("changes of the organisation", grouped(self.driven.changes))?;
        row("  grids opened", grouped(self.driven.tally.grids_opened))?;
        row("  grids closed", grouped(self.driven.tally.grids_closed))?;
        row("  task forces that ended when told", grouped(self.driven.tally.task_forces_closed))?;
        row("  cases inherited", grouped(self.driven.inherited))?;
        row("a screen's questions over HTTP", "rows, median".into())?;
        for question in &self.seen.questions {
            row(&format!("  {}", question.name), question.to_string())?;
        }
        row("events", grouped(self.events))?;
        row("  commits, one sync each", grouped(self.commits))?;
        row("  events per commit", grouped(self.events / self.commits.max(1)))?;
        row("data directory", format!("{} MB", grouped(self.disk_bytes / 1_000_000)))?;
        row("  bytes per event", grouped(self.disk_bytes / self.events.max(1)))?;
        let memory = self.peak_memory.map(|bytes| format!("{} MB", grouped(bytes / 1_000_000)));
        row("peak memory of the server", memory.unwrap_or_else(|| "not told here".into()))?;
        row("restart after kill -9 until ready", seconds(self.restart))?;
        row("from start to this table", seconds(self.total))
    }
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:02} s", duration.as_secs(), duration.subsec_millis() / 10)
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{counted, grouped};

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(
            [0, 999, 1_000, 640_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "640,000", "1,234,567"]
        );
    }
    #[test]
    fn a_metric_that_is_not_there_is_no_zero() {
        let text =
            "# TYPE zhida_events_total counter\nzhida_events_total 17\nzhida_events_total_2 5\n";
        assert_eq!(counted(text, "zhida_events_total").expect("there"), 17);
        for text in
            ["", "# zhida_commits_total 1", "zhida_commits_total_2 5", "zhida_commits_total x"]
        {
            let missing = counted(text, "zhida_commits_total").expect_err(text).to_string();
            assert!(missing.contains("zhida_commits_total"), "{missing}");
        }
    }
}
