//! An engine on a journal in memory, with every part of it in a test's hand.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::pause::Pause;
use crate::domain::case::Case;
use crate::domain::code::UnitCode;
use crate::domain::command::{Command, Submission};
use crate::domain::digest::Digest;
use crate::domain::event::ClockMode;
use crate::domain::evolve;
use crate::domain::ids::{CaseId, PrincipalId, Seq, Timestamp, UnitNumber};
use crate::domain::record::Record;
use crate::domain::reply::{About, Reply};
use crate::domain::state::State;
use crate::domain::tests::world::*;
use crate::engine::{
    Accepted, Clock, Desk, Engine, EngineOptions, Handle, ManualClock, Parts, StartError, Status,
    SubmitError, Undurable,
};
use crate::journal::medium::disk::Disk;
use crate::journal::vault::{Vault, VaultOptions};
use crate::journal::{Journal, MemoryFaults, MemoryJournal, Turn, Value};

/// Longer than any test takes: what waits for it waits for ever.
pub(super) const LONG: Duration = Duration::from_mins(1);

/// What a submission came to.
pub(super) type Outcome = Result<Accepted, SubmitError>;

/// The engine and what it stands on.
pub(super) struct Rig {
    engine: Option<Engine>,
    pub(super) handle: Handle,
    pub(super) desk: Desk,
    pub(super) faults: MemoryFaults,
    pub(super) clock: ManualClock,
    /// Makes commands; its state is the city before the engine took over.
    pub(super) world: World,
    pub(super) runtime: Runtime,
    pub(super) options: EngineOptions,
    mode: ClockMode,
    vault: Arc<Vault>,
    pause: Pause,
    _dir: TempDir,
}

/// Retries come by a nudge alone, so that a test says when.
pub(super) fn options() -> EngineOptions {
    EngineOptions { append_retry_after: 60 * LONG, ..EngineOptions::default() }
}

impl Rig {
    /// The small city on a manual clock.
    pub(super) fn new() -> Self {
        Self::with(ClockMode::Manual, options())
    }

    pub(super) fn driven() -> Self {
        Self::with(ClockMode::Driven, options())
    }

    pub(super) fn with(mode: ClockMode, options: EngineOptions) -> Self {
        let world = World::clocked(mode);
        let journal = journal_of(&world.records, mode);
        let dir = TempDir::new().expect("a temporary directory");
        let few = VaultOptions { step_slots: 64, steps_ahead: 2, ..VaultOptions::default() };
        let vault = Arc::new(
            Vault::open(&Disk::at(dir.path()).expect("the directory is there"), few)
                .expect("a new vault"),
        );
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let desk = Desk::new();
        runtime.spawn(desk.clone().run());
        let clock = ManualClock::starting(START);
        let faults = journal.faults();
        let (pause, journal) = Pause::on(journal);
        let parts =
            Parts { journal, ..parts(faults.cut_power(None), &vault, mode, &clock, &options) };
        let engine = Engine::start(parts).expect("a good start");
        let handle = engine.handle();
        let engine = Some(engine);
        Self {
            engine,
            handle,
            desk,
            faults,
            clock,
            world,
            runtime,
            options,
            mode,
            vault,
            pause,
            _dir: dir,
        }
    }

    /// Runs a future, and the desk beside it, on this thread.
    pub(super) fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(async {
            tokio::time::timeout(LONG, future).await.expect("what is waited for comes")
        })
    }

    /// Waits until the journal was tended once more.
    pub(super) fn wait_until_tended(&self) {
        self.pause.tended.recv_timeout(LONG).expect("the sequencer tends its journal");
    }

    /// Waits until that many reads are held. What asks for them goes on meanwhile.
    pub(super) fn wait_for_held_reads(&self, count: u32) {
        self.run(async {
            while self.faults.held_reads() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }

    /// Asks again until the answer is a good one.
    pub(super) fn until_good<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> T {
        self.run(async {
            loop {
                match ask().await {
                    Ok(good) => return good,
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        })
    }

    /// Lets everything that can go on go on, as far as it goes.
    pub(super) fn settle(&self) {
        self.runtime.block_on(async {
            for _ in 0..64 {
                tokio::task::yield_now().await;
            }
        });
    }

    /// Submits and waits.
    pub(super) fn submit(&self, submission: Submission) -> Outcome {
        self.run(self.handle.submit(&self.desk, submission))
    }

    /// Submits and waits; it must be accepted.
    pub(super) fn accept(&self, submission: Submission) -> Reply {
        self.submit(submission).expect("a good command").reply
    }

    /// Submits and does not wait: it is in the lane when this returns, or answered.
    pub(super) fn push(&self, submission: Submission) -> JoinHandle<Outcome> {
        let (handle, desk) = (self.handle.clone(), self.desk.clone());
        let task = self.runtime.spawn(async move { handle.submit(&desk, submission).await });
        self.settle();
        task
    }

    /// What a pushed submission came to.
    pub(super) fn outcome_of<T>(&self, task: JoinHandle<T>) -> T {
        self.run(task).expect("no panic")
    }

    /// What became of a key of the app.
    pub(super) fn outcome(&self, key: &str) -> Result<Option<Reply>, SubmitError> {
        self.run(self.handle.outcome(&self.desk, APP, key))
    }

    /// Holds the sequencer between two turns until [`resume`](Self::resume).
    pub(super) fn pause(&self) {
        loop {
            self.faults.make_roll_due();
            let (handle, desk) = (self.handle.clone(), self.desk.clone());
            let question = async move { handle.outcome(&desk, APP, "makes no event").await };
            let question = self.runtime.spawn(question);
            self.settle();
            self.pause.came.recv().expect("the sequencer comes");
            self.settle();
            if question.is_finished() {
                return;
            }
            // It was still at the end of the turn before.
            self.resume();
            self.outcome_of(question).expect("an answer");
        }
    }

    pub(super) fn resume(&self) {
        self.pause.go.send(()).expect("the sequencer waits");
    }

    /// The digest of the engine's state, as it notes it at a roll.
    pub(super) fn digest(&self) -> Digest {
        self.pause();
        let (_, digest) = *self.faults.rolls().last().expect("a roll");
        self.resume();
        digest
    }

    /// Moves the manual clock and lets the sequencer see it.
    pub(super) fn at(&self, at: Timestamp) {
        self.clock.set(at);
        self.handle.nudge();
    }

    /// Waits until that many events are published.
    pub(super) fn wait_for(&self, seq: Seq) {
        assert!(self.run(self.handle.view().wait_for(seq, LONG)), "{seq} is published");
    }

    pub(super) fn published(&self) -> Seq {
        self.handle.view().published()
    }

    /// Every durable record.
    pub(super) fn records(&self) -> Vec<Record> {
        records_of(&self.faults)
    }

    /// The durable records after `seq`, as short lines: what, of which case.
    pub(super) fn events_after(&self, seq: Seq) -> Vec<String> {
        self.records().iter().filter(|record| record.seq > seq).map(line).collect()
    }

    /// What the durable records fold to.
    pub(super) fn fold(&self) -> State {
        fold(&self.records())
    }

    pub(super) fn case(&self, id: CaseId) -> Case {
        self.handle.case(id).expect("a published case")
    }

    pub(super) fn unit(&self, code_text: &str) -> UnitNumber {
        self.handle.view().organisation().find(code(code_text)).expect("a unit of the small city")
    }

    pub(super) fn code(&self, number: UnitNumber) -> UnitCode {
        self.handle.view().organisation().code(number).expect("a unit of the small city")
    }

    /// Ends it, as a stop does.
    pub(super) fn stop(&mut self) -> Result<(), Undurable> {
        self.engine.take().expect("a running engine").stop().map(drop)
    }

    /// Stops, and starts again on what is durable.
    pub(super) fn restart(&mut self) {
        if self.engine.is_some() {
            self.stop().expect("a good stop");
        }
        let journal = self.faults.cut_power(None);
        self.faults = journal.faults();
        let parts =
            parts(self.faults.cut_power(None), &self.vault, self.mode, &self.clock, &self.options);
        let (pause, journal) = Pause::on(journal);
        let engine = Engine::start(Parts { journal, ..parts }).expect("a good start");
        self.handle = engine.handle();
        self.engine = Some(engine);
        self.pause = pause;
    }

    /// A keyed report, fresh each time.
    pub(super) fn report(&mut self, matter: &str, place: &str, key: &str) -> Submission {
        let report = self.world.report(matter, place);
        let body_hash = self.handle.mark(key, format!("{matter} {place}").as_bytes()).body_hash;
        Submission {
            mark: mark(key, body_hash),
            ..submission(Command::ReportCase(Box::new(report)), Some(place))
        }
    }

    /// Reports and gives the number.
    pub(super) fn reported(&mut self, matter: &str, place: &str) -> CaseId {
        let report = self.world.report(matter, place);
        let reply = self.accept(submission(Command::ReportCase(Box::new(report)), Some(CITY)));
        case_of(&reply)
    }

    /// A verb by whom it names.
    pub(super) fn verb(&mut self, name: &str, case: CaseId, by: &str) -> Submission {
        submission(self.world.verb(name, case), Some(by))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // What a failing test left held would wait for ever.
        self.faults.release_appends();
        self.faults.release_reads();
        self.handle.close();
    }
}

/// A journal of one turn.
pub(super) fn journal_of(records: &[Record], mode: ClockMode) -> MemoryJournal {
    let mut journal = MemoryJournal::default();
    let mut turn = Turn::after(journal.tail(), mode);
    for record in records {
        turn.push(record);
    }
    turn.seal();
    journal.append(&turn).expect("no fault yet");
    journal
}

/// An engine's parts on that journal.
pub(super) fn parts(
    journal: MemoryJournal,
    vault: &Arc<Vault>,
    mode: ClockMode,
    clock: &ManualClock,
    options: &EngineOptions,
) -> Parts {
    let state = fold(&records_of(&journal.faults()));
    Parts {
        journal: Box::new(journal),
        state,
        vault: Arc::clone(vault),
        clock: match mode {
            ClockMode::System => Clock::System,
            ClockMode::Manual => Clock::Manual(clock.clone()),
            ClockMode::Driven => Clock::Driven,
        },
        journal_id: 7,
        status: Arc::new(Status::default()),
        options: options.clone(),
    }
}

/// Starts an engine on a vault of its own.
pub(super) fn start(
    journal: MemoryJournal,
    mode: ClockMode,
) -> (Result<Engine, StartError>, TempDir) {
    let dir = TempDir::new().expect("a temporary directory");
    let few = VaultOptions { step_slots: 64, steps_ahead: 2, ..VaultOptions::default() };
    let vault = Arc::new(
        Vault::open(&Disk::at(dir.path()).expect("the directory is there"), few)
            .expect("a new vault"),
    );
    let clock = ManualClock::starting(START);
    (Engine::start(parts(journal, &vault, mode, &clock, &options())), dir)
}

pub(super) fn records_of(faults: &MemoryFaults) -> Vec<Record> {
    let mut records = Vec::new();
    for (_, bytes) in faults.values() {
        let value = Value::parse(&bytes).expect("a good value");
        records.extend(value.records().map(|record| record.expect("a good record")));
    }
    records
}

pub(super) fn fold(records: &[Record]) -> State {
    let mut state = State::default();
    for record in records {
        evolve(&mut state, record);
    }
    state
}

pub(super) fn line(record: &Record) -> String {
    let case = record.event.case().map_or(String::new(), |case| format!(" {case}"));
    format!("{}{case}", record.event.name())
}

pub(super) fn case_of(reply: &Reply) -> CaseId {
    match reply.about {
        About::Case(case) => case.case,
        About::Import(_) | About::Client(_) | About::Organisation | About::Journal => {
            panic!("not of a case")
        }
    }
}

/// The stable code of a refusal by the rules.
pub(super) fn refusal(outcome: Outcome) -> &'static str {
    match outcome {
        Err(SubmitError::Rejected(rejection)) => rejection.code(),
        Ok(_) => panic!("it was accepted"),
        Err(error) => panic!("not refused by the rules: {error}"),
    }
}

/// By Zhida itself.
pub(super) fn system(command: Command) -> Submission {
    Submission { principal: PrincipalId::SYSTEM, ..submission(command, None) }
}
