//! One turn in the making: the state, and the events that it came to since the last commit.

use super::answer::{Answer, LineAnswer, Timing};
use super::clock::Clock;
use crate::domain::command::{Command, Submission};
use crate::domain::event::{ClockMode, Event};
use crate::domain::ids::{CaseId, ImportId, PrincipalId, Seq, Timestamp};
use crate::domain::organisation::UnitFindings;
use crate::domain::outcome::{Remembered, key_hash};
use crate::domain::record::{Actor, Outcome, Record};
use crate::domain::rejection::Rejection;
use crate::domain::reply::{About, Reply};
use crate::domain::state::{Due, NaturalKey, State};
use crate::domain::{self, Decision};
use crate::journal::{Head, Turn};

/// The state, and the turn that it is ahead of the journal by.
pub(super) struct Stage {
    state: State,
    turn: Turn,
    now: Timestamp,
    is_driven: bool,
    touched: Vec<CaseId>,
    /// The records of the command being decided.
    records: Vec<Record>,
    /// Timers that may still fire in this turn.
    timers_left: usize,
    tally: Tally,
}

/// Commands of one turn, by what they came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) known: u64,
    pub(super) rejected: u64,
}

impl Tally {
    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted(_) => self.accepted += 1,
            Verdict::Known(_) => self.known += 1,
            Verdict::Rejected(_) => self.rejected += 1,
            Verdict::Unknown | Verdict::Found(..) | Verdict::Findings(_) => {}
        }
    }
}

/// What a command came to.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Accepted(Reply),
    Known(Remembered),
    Unknown,
    /// A case, and its report.
    Found(CaseId, Seq),
    Findings(Box<UnitFindings>),
    Rejected(Rejection),
}

impl Stage {
    pub(super) fn new(state: State, head: Head, clock: &Clock) -> Self {
        let now = state.now();
        Self {
            turn: Turn::after(head, clock.mode()),
            state,
            now,
            is_driven: clock.mode() == ClockMode::Driven,
            touched: Vec::new(),
            records: Vec::new(),
            timers_left: 0,
            tally: Tally::default(),
        }
    }

    /// What is decided upon.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The time of the newest decision.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The turn, sealed or in the making.
    pub(super) fn turn(&self) -> &Turn {
        &self.turn
    }

    /// What the turn's commands came to.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// The cases that changed in the ended turn, each once, in order.
    pub(super) fn touched(&self) -> impl Iterator<Item = CaseId> + use<'_> {
        self.touched.iter().copied()
    }

    /// Begins a turn that follows `head`, with `timers_max` timers at most.
    pub(super) fn begin(&mut self, head: Head, now: Timestamp, timers_max: usize) {
        self.timers_left = timers_max;
        self.turn.restart(head);
        self.touched.clear();
        self.tally = Tally::default();
        self.now = now;
    }

    /// Ends the turn; says whether it has any event.
    pub(super) fn seal(&mut self) -> bool {
        self.touched.sort_unstable();
        self.touched.dedup();
        if self.turn.is_empty() {
            return false;
        }
        self.turn.seal();
        true
    }

    /// Decides a command, after the timers that come before it. An accepted one gives its mark away.
    /// None when those timers fill the turn: it is to be decided in the next.
    pub(super) fn submit(&mut self, submission: &mut Submission) -> Option<Verdict> {
        let decided = self.decide(submission);
        let verdict = decided.unwrap_or_else(|rejection| Some(Verdict::Rejected(rejection)))?;
        self.tally.count(&verdict);
        Some(verdict)
    }

    /// What became of a key.
    pub(super) fn outcome(&self, principal: PrincipalId, key: &str) -> Verdict {
        let remembered = self.state.outcomes().get(key_hash(principal, key));
        remembered.map_or(Verdict::Unknown, Verdict::Known)
    }

    /// Which case a source gave that number.
    pub(super) fn number(&self, number: NaturalKey) -> Verdict {
        let id = self.state.case_by_number(number);
        let found = id.and_then(|id| Some((id, self.state.cases().get(id)?.first_seq)));
        found.map_or(Verdict::Unknown, |(id, first_seq)| Verdict::Found(id, first_seq))
    }

    /// What keeps an open import from coming into force, as all stands now.
    pub(super) fn findings(&self, import: ImportId) -> Verdict {
        let findings = domain::import::findings(&self.state, self.now, import);
        findings.map_or(Verdict::Unknown, |findings| Verdict::Findings(Box::new(findings)))
    }

    fn decide(&mut self, submission: &mut Submission) -> Result<Option<Verdict>, Rejection> {
        match submission.at {
            Some(_) if !self.is_driven => return Err(Rejection::AtNotDriven),
            // A known key gets its answer whatever its time, and moves nothing; nor does what is
            // refused before its time comes.
            Some(at) => match domain::known(&self.state, self.now, submission)? {
                Some(remembered) => return Ok(Some(Verdict::Known(remembered))),
                None if !self.pass_to(at) => return Ok(None),
                // Its time has come; where it is decided again it is not late.
                None => submission.at = None,
            },
            // What it reported late is due already: it fires before whatever comes after.
            None if self.is_driven => {
                if !self.pass_to(self.now) {
                    return Ok(None);
                }
            }
            None => self.fire_touched(submission),
        }
        let events = match domain::decide(&self.state, self.now, submission)? {
            Decision::Known(remembered) => return Ok(Some(Verdict::Known(remembered))),
            Decision::Accepted(events) => events,
        };
        let actor = match submission.principal {
            PrincipalId::SYSTEM => Actor::SYSTEM,
            _ => self.state.actor(self.now, submission)?,
        };
        if let Command::AdvanceClock(command) = &submission.command
            && !self.pass_to(command.to)
        {
            return Ok(None);
        }
        Ok(Some(Verdict::Accepted(self.accept(submission, actor, events))))
    }

    fn accept(&mut self, submission: &mut Submission, actor: Actor, events: Vec<Event>) -> Reply {
        let count = u16::try_from(events.len()).expect("bounded by COMMAND_EVENTS_MAX");
        let mut outcome = submission.mark.take().map(|mark| Outcome { mark, events: count });
        self.records.clear();
        for event in events {
            let record = self.record(event, actor, outcome.take());
            self.records.push(record);
        }
        let case = self.records.last().and_then(|record| record.event.case());
        let version = case.and_then(|id| self.state.cases().get(id)).map_or(0, |case| case.version);
        Reply::of(&self.records, version).expect("an accepted command has events")
    }

    /// Puts an event in its place: into the state, and into the turn.
    fn record(&mut self, event: Event, actor: Actor, outcome: Option<Outcome>) -> Record {
        let previous = self.state.previous(&event);
        let record =
            Record { seq: self.state.tail().next(), at: self.now, actor, previous, outcome, event };
        domain::evolve(&mut self.state, &record);
        self.turn.push(&record);
        self.touched.extend(record.event.cases());
        record
    }

    /// Lets a driven clock pass to `at`: whatever is due on the way fires at its own time. Says
    /// whether it came there, or has to go on in the next turn.
    fn pass_to(&mut self, at: Timestamp) -> bool {
        while let Some(due) = self.state.next_due(at) {
            if self.timers_left == 0 {
                return false;
            }
            self.timers_left -= 1;
            self.now = self.now.max(due.at());
            self.fire(due);
        }
        self.now = self.now.max(at);
        true
    }

    /// Fires what is due of the case that the command acts on.
    fn fire_touched(&mut self, submission: &Submission) {
        let Some(target) = submission.command.target() else {
            return;
        };
        let Some(case) = self.state.resolve(submission.principal, &target.case) else {
            return;
        };
        while let Some(timer) = self.state.next_due_of(case, self.now) {
            self.fire(Due::Timer(case, timer));
        }
    }

    /// Closes what was told to close by now, however much that is: nothing of the turn is decided
    /// for a unit that exists no more.
    pub(super) fn fire_closing(&mut self) {
        if let Some(at) = self.state.organisation().next_closing_at().filter(|at| *at <= self.now) {
            self.fire(Due::Closing(at));
        }
    }

    /// Fires what is due of any case, as many timers as this turn may have, in due order.
    pub(super) fn fire_due(&mut self) {
        while self.timers_left > 0
            && let Some(due) = self.state.next_due(self.now)
        {
            self.timers_left -= 1;
            self.fire(due);
        }
    }

    fn fire(&mut self, due: Due) {
        for event in domain::decide_due(&self.state, self.now, due) {
            self.record(event, Actor::SYSTEM, None);
        }
    }
}

impl Verdict {
    /// As the answer to a command alone.
    pub(super) fn answer(self, timing: Timing) -> Answer {
        match self {
            Self::Accepted(reply) => Answer::Accepted(reply, timing),
            Self::Known(remembered) => Answer::Known(remembered, timing),
            Self::Unknown => Answer::Unknown,
            Self::Found(id, _) => Answer::Found(id),
            Self::Findings(findings) => Answer::Findings(findings),
            Self::Rejected(rejection) => Answer::Rejected(rejection, timing),
        }
    }

    /// As the answer to a line of a stream.
    pub(super) fn line(self) -> LineAnswer {
        match self {
            Self::Accepted(reply) => {
                let case = match reply.about {
                    About::Case(case) => Some((case.case, case.version)),
                    About::Import(_) | About::Client(_) | About::Organisation | About::Journal => {
                        None
                    }
                };
                LineAnswer::accepted(reply.seq, case)
            }
            Self::Known(remembered) => LineAnswer::accepted(
                remembered.last_seq(),
                remembered.case.map(|case| (case, remembered.version)),
            ),
            Self::Rejected(rejection) => LineAnswer::rejected(rejection),
            Self::Unknown | Self::Found(..) | Self::Findings(_) => {
                unreachable!("a stream asks nothing")
            }
        }
    }
}
