//! A look at the city as a screen takes it: questions over HTTP by a client that may read, each asked
//! some times, and their answers held against what the city expects.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::engine::clock::stopwatch;
use crate::server::client::{Client, path_part};
use crate::server::exit::Failure;

/// How often each is asked; the median is told.
const TIMES: usize = 21;
/// Cases of a page.
const PAGE: usize = 100;

/// What the screen saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Each question with the rows of its answer and how long it took.
    pub(super) questions: Vec<Question>,
    /// Open cases of the whole city, as its counts say.
    pub(super) open: u64,
    /// The same, summed over the units next below it.
    pub(super) open_below: u64,
}

/// A question, and how it was answered.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) name: &'static str,
    rows: usize,
    took: Duration,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.took.as_micros();
        write!(f, "{} in {}.{:02} ms", self.rows, micros / 1_000, micros % 1_000 / 10)
    }
}

/// Asks for what stands on a screen of the city, of a county, and of one case.
pub(super) async fn look(client: &mut Client, city: &str, county: &str) -> Result<Seen, Failure> {
    let grids = path_part("网格");
    let questions = [
        ("the city's counts by county", format!("/v1/units/{city}/counts"), "units"),
        ("a county's most urgent", format!("/v1/cases?unit={county}&limit={PAGE}"), "cases"),
        ("a county's watch", format!("/v1/units/{county}/watch?limit={PAGE}"), "cases"),
        (
            "a county's newest closed",
            format!("/v1/cases?unit={county}&status=closed&limit={PAGE}"),
            "cases",
        ),
        ("a case's timeline", "/v1/cases/1/timeline".into(), "events"),
        ("units found by name", format!("/v1/units?name={grids}&limit={PAGE}"), "units"),
    ];
    let mut seen = Seen::default();
    for (name, path, rows) in questions {
        let (answer, took) = ask(client, &path).await?;
        let rows = answer[rows].as_array().map_or(&[][..], Vec::as_slice);
        if path.ends_with("/counts") {
            seen.open = open(&answer);
            seen.open_below = rows.iter().map(open).sum();
        }
        seen.questions.push(Question { name, rows: rows.len(), took });
    }
    Ok(seen)
}

/// Open cases, as counts say.
fn open(counts: &Value) -> u64 {
    counts["open"].as_u64().unwrap_or_default()
}

async fn ask(client: &mut Client, path: &str) -> Result<(Value, Duration), Failure> {
    let mut answer = Value::Null;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let began = stopwatch();
        let reply = client.get(path).await?;
        times.push(began.elapsed());
        answer = reply.json()?;
    }
    times.sort_unstable();
    Ok((answer, times[TIMES / 2]))
}
