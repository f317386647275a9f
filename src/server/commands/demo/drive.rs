//! Drives a run through `POST /v1/commands`: one body after another, one ordered source.

use std::time::Duration;

use bytes::Bytes;
use http::header;
use http_body_util::BodyExt;
use indicatif::ProgressBar;

use crate::city::{City, Profile, Tally};
use crate::engine::clock::stopwatch;
use crate::server::client::{Client, whole};
use crate::server::exit::{Failure, Kind};

/// Bytes of one body: below the server's bound of 16 MiB, with room for the last line.
const BODY_BYTES: usize = 15 << 20;
/// Lines of one body: below the server's bound of unread results.
const BODY_LINES: usize = 250_000;
/// Bodies made ahead while one is under way.
const BODIES_AHEAD: usize = 2;
/// Refusals that are shown; a good run has none.
const REFUSALS_SHOWN: usize = 5;

/// What driving came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Driven {
    /// What the city expects of it.
    pub(super) tally: Tally,
    /// Lines answered with a seq.
    pub(super) accepted: u64,
    /// Time from the first byte sent to the last answer read.
    pub(super) took: Duration,
    /// The first refusals, as the server wrote them.
    pub(super) refusals: Vec<String>,
}

/// Some lines, and what the run has come to with the last of them.
struct Body {
    lines: Bytes,
    tally: Tally,
}

pub(super) async fn drive(
    client: &mut Client,
    city: City,
    profile: Profile,
    cases: u64,
    bar: &ProgressBar,
) -> Result<Driven, Failure> {
    let (bodies, mut made) = tokio::sync::mpsc::channel(BODIES_AHEAD);
    let making = tokio::task::spawn_blocking(move || {
        let mut run = city.run(&profile, cases);
        while let Some(body) = next_body(&mut run) {
            if bodies.blocking_send(body).is_err() {
                return;
            }
        }
    });
    let mut driven = Driven::default();
    let began = stopwatch();
    while let Some(body) = made.recv().await {
        send(client, body.lines, &mut driven).await?;
        driven.tally = body.tally;
        bar.set_position(body.tally.cases);
        let per_second = rate(driven.accepted, began.elapsed());
        bar.set_message(format!("{per_second} commands/s"));
    }
    driven.took = began.elapsed();
    making.await.map_err(|error| Failure::world("make the city's cases", &error))?;
    Ok(driven)
}

fn next_body(run: &mut crate::city::Run<'_>) -> Option<Body> {
    let mut lines = Vec::with_capacity(BODY_BYTES + (64 << 10));
    for _ in 0..BODY_LINES {
        if lines.len() >= BODY_BYTES {
            break;
        }
        let Some(step) = run.next() else {
            break;
        };
        step.write_line(&mut lines);
    }
    let tally = run.tally();
    (!lines.is_empty()).then(|| Body { lines: lines.into(), tally })
}

/// Sends one body and reads all its answers.
async fn send(client: &mut Client, lines: Bytes, driven: &mut Driven) -> Result<(), Failure> {
    let response = client
        .send(
            "POST",
            "/v1/commands",
            &[(header::CONTENT_TYPE, "application/x-ndjson")],
            whole(lines),
        )
        .await?;
    let status = response.status();
    let mut body = response.into_body();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::world("read the answers", &error))?;
        if let Some(data) = frame.data_ref() {
            rest.extend_from_slice(data);
        }
        if !status.is_success() {
            continue;
        }
        let whole_lines = memchr::memrchr(b'\n', &rest).map_or(0, |end| end + 1);
        count(&rest[..whole_lines], driven);
        rest.drain(..whole_lines);
    }
    if status.is_success() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        format!("the server refused: {status}: {}", String::from_utf8_lossy(&rest)),
    ))
}

fn count(lines: &[u8], driven: &mut Driven) {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if memchr::memmem::find(line, b"\"error\"").is_none() {
            driven.accepted += 1;
        } else if driven.refusals.len() < REFUSALS_SHOWN {
            driven.refusals.push(String::from_utf8_lossy(line).into_owned());
        }
    }
}

/// So many a second, whole.
pub(super) fn rate(count: u64, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX)
}
