//! Drives an engine by a seed beside its shadow.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use zhida::domain::command::Submission;
use zhida::domain::digest::Digest;
use zhida::domain::ids::{PrincipalId, Seq, Timestamp};
use zhida::domain::reply::Reply;
use zhida::domain::state::State;
use zhida::engine::{
    Accepted, Clock, Desk, Engine, EngineOptions, Handle, LineAnswer, ManualClock, Parts, Status,
    Storage, SubmitError,
};
use zhida::journal::medium::simulated::Dice;
use zhida::journal::{Fault, Journal, Vault};

use crate::check;
use crate::city::{APP, HOUR, START};
use crate::ground::{Disk, Fold, Ground, Hold, Steps};
use crate::readers::Readers;
use crate::script::{Script, by, open_journal};
use crate::shadow::{Expected, Shadow, Told};
use crate::tally::Tally;

/// Longer than anything takes.
const LONG: Duration = Duration::from_mins(1);
/// Few, so that timers fill more turns than one.
const TIMERS_PER_TURN_MAX: usize = 4;

/// A seed with fewer commands proves little.
const COMMANDS_MIN: u64 = 200;

/// What a simulation came to: the same for the same seed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    seq: Seq,
    digest: Digest,
    /// Every event: its name, and its case or none.
    log: Vec<(&'static str, Option<u32>)>,
}

/// One engine after another on one disk.
pub(crate) struct Drive<'a> {
    pub(crate) dice: Dice,
    pub(crate) tally: &'a mut Tally,
    pub(crate) handle: Handle,
    pub(crate) shadow: Shadow,
    /// The fold of what was read back from the journal.
    pub(crate) folded: State,
    pub(crate) script: Script,
    pub(super) disk: Disk,
    pub(super) rolls: Arc<Mutex<u64>>,
    pub(super) steps: Steps,
    pub(super) engine: Option<Engine>,
    pub(super) readers: Readers,
    /// The shadow at the end of each turn since the last one that was surely published.
    pub(super) ends: Vec<Shadow>,
    pub(super) clock: ManualClock,
    pub(super) runtime: Runtime,
    pub(super) desk: Desk,
    /// None where nothing is folded.
    pub(super) fold: Option<Fold>,
    /// Commands sent.
    pub(super) commands: u64,
}

/// Something that waits for its answer, beside what it should be.
pub(super) enum Asked {
    Single(JoinHandle<Result<Accepted, SubmitError>>, Expected),
    Question(JoinHandle<Result<Option<Reply>, SubmitError>>, Option<Told>),
    Batch(JoinHandle<Result<Vec<LineAnswer>, SubmitError>>, Vec<Expected>),
}

impl<'a> Drive<'a> {
    /// Starts on an empty disk and founds the city.
    pub(crate) fn new(seed: u64, mut disk: Disk, is_driven: bool, tally: &'a mut Tally) -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let desk = Desk::new();
        runtime.spawn(desk.clone().run());
        let clock = ManualClock::starting(Timestamp(if is_driven { 0 } else { START }));
        let rolls = Arc::default();
        let Ground { journal, steps, state, vault, fold } = disk.open(&rolls);
        let engine = start(Box::new(journal), state, &vault, &clock, is_driven);
        let handle = engine.handle();
        let mut shadow = Shadow::starting(clock.now().0, is_driven);
        shadow.take(&by(PrincipalId::SYSTEM, None, open_journal()), true);
        tally.add("accepted", "open_journal");
        let mut drive = Self {
            dice: Dice::new(seed),
            tally,
            readers: Readers::start(&handle),
            handle,
            ends: vec![shadow.clone()],
            shadow,
            folded: State::default(),
            script: Script::new(vault),
            disk,
            rolls,
            steps,
            engine: Some(engine),
            clock,
            runtime,
            desk,
            fold,
            commands: 0,
        };
        drive.settle();
        let founding = Script::founding();
        drive.pause();
        let asked = drive.push(founding, Vec::new(), &[]);
        drive.steps.go();
        drive.collect(asked);
        drive.settle();
        drive
    }

    /// So many steps, and the end.
    pub(crate) fn run(mut self, steps: u64) -> Ended {
        for _ in 0..steps {
            self.step();
            check::views(&self);
            check::statuses(&mut self);
        }
        assert!(self.commands >= COMMANDS_MIN, "{} commands", self.commands);
        let journal = self.stop_well();
        let (seq, digest) = (journal.tail().seq, self.folded.digest());
        check::journal(&mut self, &*journal.reader());
        self.readers.check(&*journal.reader());
        journal.close().expect("without a fault a close succeeds");
        for _ in 0..*self.rolls.lock() {
            self.tally.trial("roll");
        }
        for _ in 0..self.readers.beside() {
            self.tally.trial("lists read on both sides of a turn");
        }
        self.tally.faults(self.disk.faults());
        Ended { seq, digest, log: self.shadow.log }
    }

    fn step(&mut self) {
        match self.dice.below(40) {
            0 => {
                self.tally.trial("clean stop");
                self.stop_well().close().expect("without a fault a close succeeds");
                let published = self.handle.view().published();
                self.disk.kill();
                self.start_again(published);
            }
            1 => {
                self.tally.trial("power cut at rest");
                self.pause();
                self.cut_power_between();
            }
            _ => self.turn(),
        }
    }

    /// One turn of random work, and what the dice do to it.
    fn turn(&mut self) {
        self.pause();
        if !self.work_beside() {
            return;
        }
        if self.dice.once_in(4) {
            let hours = i64::try_from(1 + self.dice.below(9)).expect("small");
            self.clock.set(self.clock.now().plus_ms(hours * HOUR));
        }
        if self.dice.once_in(8) {
            let is_failing = self.dice.once_in(3);
            self.disk.make_roll_due(is_failing);
        }
        let mut many = |dice: &mut Dice, upto: u64| -> Vec<Submission> {
            (0..dice.below(upto)).map(|_| self.script.next(dice, &self.shadow)).collect()
        };
        let singles = many(&mut self.dice, 6);
        let lines = if self.dice.once_in(3) { many(&mut self.dice, 8) } else { Vec::new() };
        let questions = self.questions();
        self.count_turn(&singles, &lines);
        let asked = self.push(singles, lines, &questions);
        self.readers.wake();

        let has_events = self.ends.len() > 1 && self.ends[1].seq() > self.ends[0].seq();
        // What the first turn did not come to is given up when it fails, and the shadow has it.
        let is_one_turn = !self.shadow.is_driven || self.ends.len() == 2;
        match self.dice.below(30) {
            0 if has_events => self.cut_at(Hold::BeforeAppend, asked),
            1 if has_events => self.cut_at(Hold::AfterAppend, asked),
            2 if has_events => self.lose_replies(&asked),
            3..6 if is_one_turn => self.fail(Fault::DiskFull, asked),
            6..9 if is_one_turn => self.fail(Fault::NotDurable, asked),
            _ => {
                self.steps.go();
                self.collect(asked);
                self.settle();
            }
        }
    }

    fn questions(&mut self) -> Vec<(PrincipalId, String)> {
        if !self.dice.once_in(4) {
            return Vec::new();
        }
        self.tally.trial("question by key");
        let accepted: Vec<_> = self.shadow.accepted_keys.keys().cloned().collect();
        let known = accepted.len() as u64;
        let index = usize::try_from(self.dice.below(known.max(1))).expect("an index");
        let mut questions = vec![(APP, "never sent".to_owned())];
        questions.extend(accepted.get(index).map(|(of, key)| (PrincipalId(*of), key.clone())));
        questions
    }

    fn count_turn(&mut self, singles: &[Submission], lines: &[Submission]) {
        self.tally.trial("turn");
        self.commands += (singles.len() + lines.len()) as u64;
        if singles.len() + lines.len() > 1 {
            self.tally.trial("turn of many commands");
        }
        if !lines.is_empty() {
            self.tally.trial("turn with a batch");
        }
    }

    /// Puts all of it into the lanes while the sequencer is held between two turns, and says what
    /// the turn will come to.
    fn push(
        &mut self,
        singles: Vec<Submission>,
        lines: Vec<Submission>,
        questions: &[(PrincipalId, String)],
    ) -> Vec<Asked> {
        let mut asked = Vec::new();
        self.shadow.now = self.shadow.now.max(self.clock.now().0);
        let fired_before = self.shadow.seq();
        self.shadow.begin(TIMERS_PER_TURN_MAX);
        for submission in singles {
            let expected = self.expect(&submission);
            let (handle, desk) = (self.handle.clone(), self.desk.clone());
            let task = self.runtime.spawn(async move { handle.submit(&desk, submission).await });
            asked.push(Asked::Single(task, expected));
        }
        for (principal, key) in questions {
            let expected = self.shadow.outcome(*principal, key).cloned();
            let (handle, desk) = (self.handle.clone(), self.desk.clone());
            let (principal, key) = (*principal, key.clone());
            let task =
                self.runtime.spawn(async move { handle.outcome(&desk, principal, &key).await });
            asked.push(Asked::Question(task, expected));
        }
        if !lines.is_empty() {
            let expected = lines.iter().map(|line| self.expect(line)).collect();
            let (handle, desk) = (self.handle.clone(), self.desk.clone());
            let task = self
                .runtime
                .spawn(async move { handle.submit_batch(&desk, lines).await?.answers().await });
            asked.push(Asked::Batch(task, expected));
        }
        let decided = self.shadow.seq() - fired_before;
        let fired = self.shadow.fire(TIMERS_PER_TURN_MAX);
        if decided > 0 && fired > 0 {
            self.tally.trial("turn with commands and timers");
        }
        self.ends.push(self.shadow.clone());
        self.expect_timers();
        self.yield_a_while();
        asked
    }

    /// The turns of timers alone that come after.
    pub(super) fn expect_timers(&mut self) {
        loop {
            if self.shadow.is_driven {
                self.shadow.begin(TIMERS_PER_TURN_MAX);
            }
            if self.shadow.fire(TIMERS_PER_TURN_MAX) == 0 {
                break;
            }
            self.ends.push(self.shadow.clone());
        }
    }

    fn expect(&mut self, submission: &Submission) -> Expected {
        let mut has_come = false;
        while !self.shadow.pass(submission, &mut has_come) {
            self.tally.trial("turn that its timers ended");
            self.ends.push(self.shadow.clone());
            self.shadow.begin(TIMERS_PER_TURN_MAX);
        }
        let expected = self.shadow.take(submission, has_come);
        match &expected {
            Expected::Accepted(_) => self.tally.add("accepted", submission.command.name()),
            Expected::Known(_) => self.tally.add("known", "again"),
            Expected::Refused(code) => self.tally.add("refused", code),
        }
        expected
    }

    /// Holds each answer against what it should be. Either all are durable or none; says which.
    pub(super) fn collect(&mut self, asked: Vec<Asked>) -> bool {
        let (mut durable, mut refused) = (0, 0);
        for one in asked {
            let is_durable = match one {
                Asked::Single(task, expected) => check::single(self.wait(task), &expected),
                Asked::Question(task, expected) => {
                    let is_answered = check::question(self.wait(task), expected.as_ref());
                    let before = self.ends[0].seq();
                    if expected.is_none_or(|told| told.seq <= before) {
                        assert!(is_answered, "what was durable before is answered, come what may");
                        continue;
                    }
                    is_answered
                }
                Asked::Batch(task, expected) => check::batch(self.wait(task), &expected),
            };
            if is_durable {
                durable += 1;
            } else {
                refused += 1;
            }
        }
        assert!(durable == 0 || refused == 0, "{durable} answered and {refused} not durable");
        refused == 0
    }

    /// Holds the sequencer between two turns, with nothing in the lanes, and compares the digest of
    /// its state with the fold of its journal.
    pub(super) fn pause(&mut self) {
        let digest = loop {
            self.steps.want(Hold::BetweenTurns);
            let (handle, desk) = (self.handle.clone(), self.desk.clone());
            let question =
                self.runtime.spawn(async move { handle.outcome(&desk, APP, "no event").await });
            self.yield_a_while();
            let digest = self.steps.wait();
            self.yield_a_while();
            if question.is_finished() {
                break digest;
            }
            self.steps.go();
            self.wait(question).expect("an answer");
        };
        check::digest(self, digest.expect("it is between two turns"));
    }

    /// Waits until all that the shadow expects is published.
    pub(super) fn settle(&mut self) {
        let seq = Seq(self.shadow.seq());
        let view = self.handle.view();
        assert!(self.runtime.block_on(view.wait_for(seq, LONG)), "event {seq} is published");
        assert_eq!(view.published(), seq);
        self.ends = vec![self.shadow.clone()];
    }

    /// Whether all is published: waits until it is, or until storage fails.
    pub(super) fn is_settled(&self) -> bool {
        loop {
            if self.handle.view().published().0 == self.shadow.seq() {
                return true;
            }
            if self.handle.status().storage() != Storage::Good {
                return false;
            }
            std::thread::yield_now();
        }
    }

    pub(super) fn wait<T>(&self, task: JoinHandle<T>) -> T {
        let answer = async { tokio::time::timeout(LONG, task).await };
        self.runtime.block_on(answer).expect("an answer comes").expect("no panic")
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// A submission that is refused whatever it says.
    pub(crate) fn any(&mut self) -> Submission {
        self.script.next(&mut self.dice, &self.shadow)
    }

    /// Lets the tasks of this thread go as far as they can.
    pub(super) fn yield_a_while(&self) {
        self.runtime.block_on(async {
            for _ in 0..24 {
                tokio::task::yield_now().await;
            }
        });
    }
}

pub(super) fn start(
    journal: Box<dyn Journal>,
    state: State,
    vault: &Arc<Vault>,
    clock: &ManualClock,
    is_driven: bool,
) -> Engine {
    let parts = Parts {
        journal,
        state,
        vault: Arc::clone(vault),
        clock: if is_driven { Clock::Driven } else { Clock::Manual(clock.clone()) },
        journal_id: 7,
        status: Arc::new(Status::default()),
        options: EngineOptions {
            timers_per_turn_max: TIMERS_PER_TURN_MAX,
            // Tries come by a nudge, so that the same seed does the same.
            append_retry_after: 60 * LONG,
            ..EngineOptions::default()
        },
    };
    Engine::start(parts).expect("a good start")
}
