//! Drives a run through `POST /v1/commands`, as a client that may report and act: one body after
//! another, one ordered source. Between bodies the administrator changes the organisation.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::header;
use http_body_util::BodyExt;
use indicatif::ProgressBar;

use super::reshape::reshape;
use super::verbs::{Answered, Verb};
use crate::city::{City, Deed, Profile, Reshaping, Run, Tally};
use crate::domain::command::Change;
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
    /// How the lines were answered.
    pub(super) answered: Answered,
    /// Changes of the organisation that were accepted.
    pub(super) changes: u64,
    /// Open cases that went to a successor with them, as the server's feed tells.
    pub(super) inherited: u64,
    /// Time from the first byte sent to the last answer read.
    pub(super) took: Duration,
    /// The first refusals, as the server wrote them.
    pub(super) refusals: Vec<String>,
}

/// What is sent next, and what the run has come to with it.
struct Piece {
    what: What,
    tally: Tally,
}

enum What {
    /// Lines, and what each asks for.
    Body(Bytes, Vec<Verb>),
    /// The line that moves the clock on: the administrator's.
    Clock(Bytes),
    Change(Change),
}

pub(super) async fn drive(
    app: &mut Client,
    admin: &mut Client,
    city: City,
    profile: Profile,
    cases: u64,
    bar: &ProgressBar,
) -> Result<Driven, Failure> {
    let (pieces, mut made) = tokio::sync::mpsc::channel(BODIES_AHEAD);
    let making = tokio::task::spawn_blocking(move || {
        let mut maker = Maker::new(city.run(&profile, cases), cases);
        while let Some(piece) = maker.next_piece() {
            if pieces.blocking_send(piece).is_err() {
                return;
            }
        }
    });
    let mut driven = Driven::default();
    let began = stopwatch();
    while let Some(piece) = made.recv().await {
        match piece.what {
            What::Body(lines, verbs) => send(app, lines, &verbs, &mut driven).await?,
            What::Clock(line) => send(admin, line, &[Verb::AdvanceClock], &mut driven).await?,
            What::Change(change) => {
                driven.inherited += reshape(admin, &change).await?;
                driven.changes += 1;
            }
        }
        driven.tally = piece.tally;
        bar.set_position(piece.tally.cases);
        let per_second = rate(driven.answered.all_accepted(), began.elapsed());
        bar.set_message(format!("{per_second} commands/s"));
    }
    driven.took = began.elapsed();
    making.await.map_err(|error| Failure::world("make the city's cases", &error))?;
    Ok(driven)
}

/// Makes bodies of a run's steps, and changes of the organisation between them.
struct Maker<'a> {
    run: Run<'a>,
    /// What the city changes once so many cases have come, evenly over the run.
    changes: VecDeque<(u64, Reshaping)>,
    /// What ended the last body.
    next: Option<What>,
}

impl<'a> Maker<'a> {
    fn new(run: Run<'a>, cases: u64) -> Self {
        let all = Reshaping::ALL;
        let sections = all.len() as u64 + 1;
        let changes = (1..).zip(all).map(|(ordinal, how)| (cases * ordinal / sections, how));
        Self { run, changes: changes.collect(), next: None }
    }

    fn next_piece(&mut self) -> Option<Piece> {
        if let Some(what) = self.next.take() {
            return Some(Piece { what, tally: self.run.tally() });
        }
        let mut lines = Vec::with_capacity(BODY_BYTES + (64 << 10));
        let mut verbs = Vec::new();
        while verbs.len() < BODY_LINES && lines.len() < BODY_BYTES {
            let Some(step) = self.run.next() else {
                break;
            };
            if step.deed == Deed::AdvanceClock {
                let mut line = Vec::new();
                step.write_line(&mut line);
                self.next = Some(What::Clock(line.into()));
                break;
            }
            step.write_line(&mut lines);
            verbs.push(Verb::of(&step.deed));
            self.next = self.change().map(What::Change);
            if self.next.is_some() {
                break;
            }
        }
        let tally = self.run.tally();
        if verbs.is_empty() {
            return self.next.take().map(|what| Piece { what, tally });
        }
        Some(Piece { what: What::Body(lines.into(), verbs), tally })
    }

    /// The change that is due, as soon as some grid holds a case.
    fn change(&mut self) -> Option<Change> {
        let (cases, how) = *self.changes.front()?;
        if self.run.tally().cases < cases {
            return None;
        }
        let change = self.run.reshape(how)?;
        self.changes.pop_front();
        Some(change)
    }
}

/// Sends one body and reads all its answers.
async fn send(
    client: &mut Client,
    lines: Bytes,
    verbs: &[Verb],
    driven: &mut Driven,
) -> Result<(), Failure> {
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
    let mut verbs = verbs.iter().copied();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::world("read the answers", &error))?;
        if let Some(data) = frame.data_ref() {
            rest.extend_from_slice(data);
        }
        if !status.is_success() {
            continue;
        }
        let whole_lines = memchr::memrchr(b'\n', &rest).map_or(0, |end| end + 1);
        count(&rest[..whole_lines], &mut verbs, driven);
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

/// Counts answers: one a line, in the order of the lines.
fn count(lines: &[u8], verbs: &mut impl Iterator<Item = Verb>, driven: &mut Driven) {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for (line, verb) in lines.zip(verbs) {
        if memchr::memmem::find(line, b"\"error\"").is_none() {
            driven.answered.accept(verb);
            continue;
        }
        driven.answered.refuse(verb);
        if driven.refusals.len() < REFUSALS_SHOWN {
            driven.refusals.push(String::from_utf8_lossy(line).into_owned());
        }
    }
}

/// So many a second, whole.
pub(super) fn rate(count: u64, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX)
}
