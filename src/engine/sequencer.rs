//! The one writer: gathers a turn, decides it, makes it durable, publishes it, answers. All on
//! one thread, so there is nothing to roll back across.
//!
//! ```text
//!  gather ─▶ stage (due timers, decide, evolve) ─▶ append ─▶ publish ─▶ answer ─▶ gather …
//!                                                    │
//!                                     not durable: the waiters are told, the turn stays as it
//!                                     is and is appended again until it is durable
//! ```
//!
//! A driven clock may pass more timers than one turn takes. The command that moves it, and what
//! comes after it, then wait for the next turn, and nothing more is gathered before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam::sync::Parker;

use super::answer::{Answer, Failed, LineAnswer, Timing};
use super::clock::{Clock, stopwatch};
use super::desk::{Desk, Ticket};
use super::lanes::{Ask, Batch, Lanes, Single};
use super::metrics;
use super::options::EngineOptions;
use super::stage::{Stage, Verdict};
use super::status::{Status, Storage};
use super::view::View;
use crate::domain::command::Submission;
use crate::domain::ids::Timestamp;
use crate::journal::{AppendError, Journal};

/// Bulk takes its full share of a turn again when nobody came interactively for this long.
const SHARED_FOR_MS: u128 = 100;

/// The engine's thread. See the module.
pub(super) struct Sequencer {
    pub(super) journal: Box<dyn Journal>,
    pub(super) stage: Stage,
    pub(super) clock: Clock,
    pub(super) lanes: Arc<Lanes>,
    pub(super) view: Arc<View>,
    pub(super) status: Arc<Status>,
    pub(super) options: EngineOptions,
    pub(super) parker: Parker,
    pub(super) work: Work,
}

/// What one turn works on, and the answers to it: to the first of the singles and of the batches,
/// where the turn did not come to the rest.
#[derive(Default)]
pub(super) struct Work {
    singles: Vec<Single>,
    batches: Vec<Batch>,
    single_answers: Vec<Verdict>,
    batch_answers: Vec<Vec<LineAnswer>>,
    mail: Vec<(Desk, Vec<(Ticket, Answer)>)>,
    came_interactively_at: Option<Instant>,
    tended_at: Option<Instant>,
}

/// The turn could not be made durable, and the engine is to stop.
#[derive(Debug, thiserror::Error)]
#[error("the last turn could not be made durable before the stop")]
pub struct Undurable(#[source] AppendError);

impl Sequencer {
    /// Runs until the lanes are closed and worked off. One turn, one commit, one sync.
    pub(super) fn run(mut self) -> Result<Box<dyn Journal>, Undurable> {
        let _end = End(Arc::clone(&self.lanes));
        while self.gather() {
            self.take_turn()?;
        }
        Ok(self.journal)
    }

    /// Makes the journal's first event durable, before anything is taken in.
    pub(super) fn begin_journal(&mut self, open: &mut Submission) -> Result<(), Undurable> {
        self.stage.begin(self.journal.tail(), self.now(), 0);
        self.stage.submit(open);
        self.stage.seal();
        self.journal.append(self.stage.turn()).map_err(Undurable)?;
        self.view.publish(self.stage.state(), self.stage.touched());
        Ok(())
    }

    /// Fills the work of the next turn: all that waits interactively, then bulk up to its bound.
    /// Waits for a command or a due time; says false when there will be no more.
    fn gather(&mut self) -> bool {
        if !self.work.singles.is_empty() || !self.work.batches.is_empty() {
            return true;
        }
        loop {
            let closing = self.lanes.is_closed();
            let now = stopwatch();
            self.tend(now);
            self.gather_waiting(now);
            self.note_bulk();
            let is_idle = self.work.singles.is_empty() && self.work.batches.is_empty();
            if !is_idle || self.has_due_timers() {
                return true;
            }
            if closing {
                return false;
            }
            self.wait();
        }
    }

    /// Has the journal look after itself, as often as it should.
    fn tend(&mut self, now: Instant) {
        let tended_at = self.work.tended_at;
        if tended_at.is_none_or(|at| now.duration_since(at) >= self.options.tend_every) {
            self.work.tended_at = Some(now);
            self.journal.tend();
        }
    }

    fn gather_waiting(&mut self, now: Instant) {
        let mut bytes = 0;
        while bytes < self.options.turn_bytes_max
            && let Some(single) = self.lanes.pop()
        {
            bytes += single.bytes;
            self.work.singles.push(single);
        }
        let mut commands = 0;
        let bound = self.bulk_bound(now);
        while commands < bound
            && bytes < self.options.turn_bytes_max
            && let Some(batch) = self.lanes.pop_bulk()
        {
            bytes += batch.bytes;
            commands += batch.submissions.len();
            self.work.batches.push(batch);
        }
    }

    /// Lets background work know whether it should wait.
    fn note_bulk(&self) {
        let is_busy = !self.work.batches.is_empty() || self.lanes.bulk_len() > 0;
        self.status.is_bulk_busy().store(is_busy, Ordering::Relaxed);
    }

    /// How many bulk commands the turn may take: few while people wait for theirs.
    fn bulk_bound(&mut self, now: Instant) -> usize {
        if !self.work.singles.is_empty() {
            self.work.came_interactively_at = Some(now);
        }
        let is_shared = self
            .work
            .came_interactively_at
            .is_some_and(|at| now.duration_since(at).as_millis() < SHARED_FOR_MS);
        if is_shared {
            self.options.turn_bulk_commands_shared
        } else {
            self.options.turn_bulk_commands_max
        }
    }

    fn has_due_timers(&self) -> bool {
        let due_at = self.stage.state().next_due_at();
        due_at.is_some_and(|due_at| due_at <= self.now())
    }

    fn now(&self) -> Timestamp {
        self.clock.now(self.stage.now())
    }

    /// Waits for a command, a due time, or the next time to tend the journal.
    fn wait(&self) {
        let tend_every = self.options.tend_every;
        match (&self.clock, self.stage.state().next_due_at()) {
            (Clock::System, Some(due_at)) => {
                let ms = due_at.ms_since(self.now()).max(1);
                let until_due = Duration::from_millis(ms.unsigned_abs());
                self.parker.park_timeout(until_due.min(tend_every));
            }
            (Clock::System | Clock::Driven, _) => self.parker.park_timeout(tend_every),
            // Its timers fire when a test wakes the engine, and not by themselves.
            (Clock::Manual(_), _) => self.parker.park(),
        }
    }

    fn take_turn(&mut self) -> Result<(), Undurable> {
        let began = stopwatch();
        self.stage.begin(self.journal.tail(), self.now(), self.options.timers_per_turn_max);
        self.decide_all();
        let decided = stopwatch();
        if self.stage.seal() {
            self.make_durable()?;
        }
        let committed = stopwatch();
        self.view.publish(self.stage.state(), self.stage.touched());
        let published = stopwatch();

        let us = |from: Instant, to: Instant| micros(to.duration_since(from).as_micros());
        let timing = Timing {
            queue_us: 0,
            decide_us: us(began, decided),
            commit_us: us(decided, committed),
            publish_us: us(committed, published),
        };
        metrics::turn_done(self.stage.turn(), self.stage.tally(), timing);
        self.answer_all(began, timing);
        self.roll_if_due();
        Ok(())
    }

    fn decide_all(&mut self) {
        // A driven clock closes what it passes.
        if !matches!(self.clock, Clock::Driven) {
            self.stage.fire_closing();
        }
        for single in &mut self.work.singles {
            let verdict = match &mut single.ask {
                Ask::Submit(submission) => self.stage.submit(submission),
                Ask::Outcome(principal, key) => Some(self.stage.outcome(*principal, key)),
                Ask::Number(number) => Some(self.stage.number(*number)),
                Ask::Findings(import) => Some(self.stage.findings(*import)),
            };
            let Some(verdict) = verdict else {
                return;
            };
            self.work.single_answers.push(verdict);
        }
        for (at, batch) in self.work.batches.iter_mut().enumerate() {
            if self.work.batch_answers.len() == at {
                self.work.batch_answers.push(Vec::with_capacity(batch.submissions.len()));
            }
            let answers = &mut self.work.batch_answers[at];
            for one in &mut batch.submissions[answers.len()..] {
                let Some(verdict) = self.stage.submit(one) else {
                    return;
                };
                answers.push(verdict.line());
            }
        }
        self.stage.fire_due();
    }

    /// Appends the turn until it is durable. Meanwhile whoever waits is told that it is not.
    fn make_durable(&mut self) -> Result<(), Undurable> {
        let mut is_first = true;
        loop {
            let error = match self.journal.append(self.stage.turn()) {
                Ok(()) => break,
                Err(error) => error,
            };
            let is_full = matches!(error, AppendError::DiskFull(_));
            self.status.set_storage(if is_full { Storage::Full } else { Storage::Failing });
            if is_first {
                tracing::error!(%error, "a turn is not durable; trying again until it is");
            }
            is_first = false;
            self.refuse_waiting(is_full);
            if self.lanes.is_closed() {
                return Err(Undurable(error));
            }
            self.wait_for_retry(is_full);
        }
        if !is_first {
            tracing::warn!("the turn is durable now");
        }
        self.status.set_storage(Storage::Good);
        self.status.count_commit();
        Ok(())
    }

    /// Waits until the turn is to be tried again, and answers who comes meanwhile: nobody's coming
    /// makes the disk write.
    fn wait_for_retry(&mut self, is_full: bool) {
        let until = stopwatch() + self.options.append_retry_after;
        while !self.lanes.is_closed() && !self.lanes.take_nudge() && stopwatch() < until {
            self.parker.park_deadline(until);
            self.refuse_waiting(is_full);
        }
    }

    /// Tells whoever waits, in this turn or in the lanes, that nothing is durable now. Questions
    /// about what was durable before are answered.
    fn refuse_waiting(&mut self, is_full: bool) {
        let failed = if is_full { Failed::DiskFull } else { Failed::NotDurable };
        let durable = self.journal.tail().seq;
        let mut verdicts = std::mem::take(&mut self.work.single_answers).into_iter();
        self.work.batch_answers.clear();
        let in_lanes = std::iter::from_fn(|| self.lanes.pop());
        let singles: Vec<_> = self.work.singles.drain(..).chain(in_lanes).collect();
        for single in singles {
            let verdict = verdicts.next().unwrap_or_else(|| match &single.ask {
                Ask::Submit(_) => Verdict::Unknown,
                Ask::Outcome(principal, key) => self.stage.outcome(*principal, key),
                Ask::Number(number) => self.stage.number(*number),
                Ask::Findings(import) => self.stage.findings(*import),
            });
            let is_durable = match (&single.ask, &verdict) {
                // They are of what is staged now, durable or not.
                (Ask::Submit(_) | Ask::Findings(_), _) | (_, Verdict::Findings(_)) => false,
                (_, Verdict::Known(known)) => known.last_seq() <= durable,
                (_, Verdict::Found(_, first_seq)) => *first_seq <= durable,
                (_, Verdict::Accepted(_) | Verdict::Unknown | Verdict::Rejected(_)) => true,
            };
            let answer =
                if is_durable { verdict.answer(Timing::default()) } else { Answer::Failed(failed) };
            self.work.post(&single.desk, single.ticket, answer);
        }
        let in_lanes = std::iter::from_fn(|| self.lanes.pop_bulk());
        let batches: Vec<_> = self.work.batches.drain(..).chain(in_lanes).collect();
        for batch in batches {
            self.work.post(&batch.desk, batch.ticket, Answer::Failed(failed));
        }
        self.work.deliver();
    }

    fn answer_all(&mut self, began: Instant, timing: Timing) {
        let mut singles = std::mem::take(&mut self.work.singles);
        let mut verdicts = std::mem::take(&mut self.work.single_answers);
        for (single, verdict) in singles.drain(..verdicts.len()).zip(verdicts.drain(..)) {
            let queue_us = micros(began.duration_since(single.came_at).as_micros());
            let timing = Timing { queue_us, ..timing };
            self.work.post(&single.desk, single.ticket, verdict.answer(timing));
        }
        let mut batches = std::mem::take(&mut self.work.batches);
        let mut lines = std::mem::take(&mut self.work.batch_answers);
        let is_whole =
            |(batch, answers): &(&Batch, &Vec<_>)| batch.submissions.len() == answers.len();
        let whole = batches.iter().zip(&lines).take_while(is_whole).count();
        for (batch, answers) in batches.drain(..whole).zip(lines.drain(..whole)) {
            self.work.post(&batch.desk, batch.ticket, Answer::Lines(answers));
        }
        self.work.deliver();
        (self.work.singles, self.work.single_answers) = (singles, verdicts);
        (self.work.batches, self.work.batch_answers) = (batches, lines);
    }

    fn roll_if_due(&mut self) {
        if !self.journal.is_roll_due() {
            return;
        }
        if let Err(error) = self.journal.roll(self.stage.state().digest()) {
            tracing::warn!(%error, "the segment is not rolled yet");
        }
    }
}

/// Ends the lanes whichever way the sequencer ends: nobody waits for what does not come.
struct End(Arc<Lanes>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Work {
    fn post(&mut self, desk: &Desk, ticket: Ticket, answer: Answer) {
        let known = self.mail.iter_mut().find(|(one, _)| one.is(desk));
        match known {
            Some((_, letters)) => letters.push((ticket, answer)),
            None => self.mail.push((desk.clone(), vec![(ticket, answer)])),
        }
    }

    fn deliver(&mut self) {
        for (desk, letters) in &mut self.mail {
            if !letters.is_empty() {
                desk.deliver(letters);
            }
        }
    }
}

fn micros(us: u128) -> u32 {
    u32::try_from(us).unwrap_or(u32::MAX)
}
