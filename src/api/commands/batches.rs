//! From lines to batches and from batches to results, in order.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::results::{Results, blank, unread};
use super::source::Driving;
use crate::api::app::App;
use crate::api::body::{Draft, Sealer, read_line};
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::named::{Named, Spoken};
use crate::api::problem::Problem;
use crate::domain::command::Submission;
use crate::domain::event::ClockMode;
use crate::domain::rejection::Rejection;
use crate::engine::{LineAnswer, LineMeaning, PendingBatch, View};

/// A batch on its way: what is known of its lines, and where the rest comes from.
pub(super) struct Underway {
    /// The line of the first slot.
    first_line: u32,
    /// The answer to each line; none where the sequencer gives it.
    slots: Vec<Option<LineAnswer>>,
    /// What each command names that the sequencer answers.
    named: Vec<Named>,
    rest: Rest,
}

enum Rest {
    /// All answers are there.
    Nothing,
    /// The sequencer gives them.
    Batch(PendingBatch),
    /// None of the open ones was done.
    Failed(Code),
}

/// The stream is to be read no further.
#[derive(Debug)]
pub(super) struct Stop;

/// Whether this stream drives the clock.
pub(super) enum Drives {
    NotYet,
    Yes(#[expect(dead_code, reason = "held, not read")] Driving),
    No,
}

/// Gathers lines into batches.
pub(super) struct Batcher {
    app: App,
    caller: Caller,
    results: Arc<Results>,
    send: mpsc::Sender<Underway>,
    slots: Vec<Option<LineAnswer>>,
    named: Vec<Named>,
    submissions: Vec<Submission>,
    bytes: usize,
    lines: u32,
    /// Lines that were sent on.
    sent: u32,
    drives: Drives,
    scratch: Vec<u8>,
}

impl Batcher {
    pub(super) fn new(
        app: App,
        caller: Caller,
        results: Arc<Results>,
        send: mpsc::Sender<Underway>,
    ) -> Self {
        Self {
            app,
            caller,
            results,
            send,
            slots: Vec::new(),
            named: Vec::new(),
            submissions: Vec::new(),
            bytes: 0,
            lines: 0,
            sent: 0,
            drives: Drives::NotYet,
            scratch: Vec::with_capacity(1_024),
        }
    }

    /// What it holds of the clock, once all lines were sent on.
    pub(super) fn into_drives(self) -> Drives {
        self.drives
    }

    /// Takes the next line, and sends the batch on when it is full.
    pub(super) async fn line(&mut self, line: &[u8]) -> Result<(), Stop> {
        self.check_lines().await?;
        if let Err(code) = self.gather(line) {
            self.flush().await?;
            self.fail(code).await?;
        }
        let options = self.app.options();
        if self.slots.len() >= options.batch_lines_max || self.bytes >= options.batch_bytes_max {
            self.flush().await?;
        }
        Ok(())
    }

    /// Takes a line that is longer than lines may be.
    pub(super) async fn line_too_long(&mut self) -> Result<(), Stop> {
        self.check_lines().await?;
        self.lines += 1;
        self.slots.push(Some(unread(Code::LineTooLong)));
        Ok(())
    }

    /// Sends on what was gathered.
    pub(super) async fn flush(&mut self) -> Result<(), Stop> {
        if self.slots.is_empty() {
            return Ok(());
        }
        let slots = std::mem::take(&mut self.slots);
        let named = std::mem::take(&mut self.named);
        let first_line = self.sent + 1;
        self.sent += u32::try_from(slots.len()).expect("bounded by batch_lines_max");
        let submissions = std::mem::take(&mut self.submissions);
        self.bytes = 0;
        let rest = if submissions.is_empty() {
            Rest::Nothing
        } else {
            match self.app.handle().submit_batch(&self.app.desk, submissions).await {
                Ok(pending) => Rest::Batch(pending),
                Err(error) => Rest::Failed(Problem::from(error).code()),
            }
        };
        self.send.send(Underway { first_line, slots, named, rest }).await.map_err(|_| Stop)
    }

    /// Ends the stream with a result that says why it is not read further.
    pub(super) async fn end(&mut self, code: Code) -> Result<(), Stop> {
        self.flush().await?;
        self.lines += 1;
        self.fail(code).await?;
        Err(Stop)
    }

    /// Ends the stream at a line too many.
    async fn check_lines(&mut self) -> Result<(), Stop> {
        if self.lines < self.app.options().bulk_lines_max {
            return Ok(());
        }
        self.end(Code::TooManyLines).await
    }

    async fn fail(&mut self, code: Code) -> Result<(), Stop> {
        let failed = Underway {
            first_line: self.sent + 1,
            slots: vec![None],
            named: Vec::new(),
            rest: Rest::Failed(code),
        };
        self.sent += 1;
        self.send.send(failed).await.map_err(|_| Stop)
    }

    /// Puts a line into the batch. An error is one of the server's, not of the line.
    fn gather(&mut self, line: &[u8]) -> Result<(), Code> {
        self.lines += 1;
        self.bytes += line.len();
        if line.trim_ascii().is_empty() {
            self.slots.push(Some(blank()));
            return Ok(());
        }
        if let Err(problem) = self.caller.count(&self.app) {
            self.refuse(problem);
            return Ok(());
        }
        let draft = match read_line(line) {
            Ok(draft) => draft,
            Err(fault) => {
                self.refuse(fault.into());
                return Ok(());
            }
        };
        let named = Named::of(&draft, Spoken::ByLine);
        if let Some(refused) = self.check_clock(&draft)? {
            self.results.keep(self.lines, named.said(self.app.handle().view(), &refused));
            self.slots.push(Some(LineAnswer::rejected(refused)));
            return Ok(());
        }
        let mut sealer = Sealer {
            handle: self.app.handle(),
            principal: self.caller.principal,
            places: &self.caller.grant.places,
            token_hash: None,
            scratch: &mut self.scratch,
        };
        let submission = sealer.submission(draft).map_err(|fault| Problem::from(fault).code())?;
        self.submissions.push(submission);
        self.named.push(named);
        self.slots.push(None);
        Ok(())
    }

    /// Refuses the line that was read last.
    fn refuse(&mut self, problem: Problem) {
        let (code, detail) = problem.into_line();
        self.results.keep(self.lines, detail);
        self.slots.push(Some(unread(code)));
    }

    /// A line that brings a time makes this stream the clock's one source, if there is none.
    fn check_clock(&mut self, draft: &Draft<'_>) -> Result<Option<Rejection>, Code> {
        if !draft.moves_the_clock() {
            return Ok(None);
        }
        match self.app.handle().clock_mode() {
            ClockMode::System | ClockMode::Manual => return Ok(Some(Rejection::AtNotDriven)),
            ClockMode::Driven => {}
        }
        if let Drives::NotYet = self.drives {
            self.drives = match self.app.api.source.take() {
                Some(driving) => Drives::Yes(driving),
                None => Drives::No,
            };
        }
        match self.drives {
            Drives::Yes(_) => Ok(None),
            Drives::NotYet | Drives::No => Err(Code::SourceTaken),
        }
    }
}

/// Waits for batches in the order they were sent, and hands their answers on. Ends when the last
/// is in, or when the stream was refused as a whole.
pub(super) async fn collect(
    mut underway: mpsc::Receiver<Underway>,
    results: &Results,
    view: &View,
) {
    while let Some(Underway { first_line, slots, named, rest }) = underway.recv().await {
        let answers = match rest {
            Rest::Nothing => Ok(Vec::new()),
            Rest::Batch(pending) => pending.answers().await.map_err(Problem::from),
            Rest::Failed(code) => Err(Problem::new(code)),
        };
        match answers {
            Ok(answers) => {
                keep_refusals((results, view), first_line, &slots, &named, &answers);
                results.push(merged(slots, answers));
            }
            Err(problem) => {
                let code = problem.code();
                if results.refuse(problem) {
                    return;
                }
                let failed = slots.into_iter().map(|slot| slot.unwrap_or_else(|| unread(code)));
                results.push(failed.collect());
            }
        }
    }
}

/// Keeps what is said of the lines that the rules refused: what they name is known here alone.
fn keep_refusals(
    (results, view): (&Results, &View),
    first_line: u32,
    slots: &[Option<LineAnswer>],
    named: &[Named],
    answers: &[LineAnswer],
) {
    let lines = (first_line..).zip(slots).filter(|(_, slot)| slot.is_none());
    for ((line, _), (named, answer)) in lines.zip(named.iter().zip(answers)) {
        if let LineMeaning::Rejected(rejection) = answer.meaning() {
            results.keep(line, named.said(view, &rejection));
        }
    }
}

fn merged(slots: Vec<Option<LineAnswer>>, answers: Vec<LineAnswer>) -> Vec<LineAnswer> {
    if slots.len() == answers.len() {
        return answers;
    }
    let mut answers = answers.into_iter();
    slots.into_iter().map_while(|slot| slot.or_else(|| answers.next())).collect()
}
