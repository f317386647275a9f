//! What the dice do to an engine: appends that fail, power that goes, clients that do not wait.

use std::sync::Arc;

use zhida::domain::ids::{PrincipalId, Seq};
use zhida::engine::Storage;
use zhida::journal::{Fault, FoldError, Journal};

use crate::check;
use crate::drive::{Asked, Drive, start};
use crate::ground::{Fold, Ground, Hold};
use crate::shadow::Shadow;

impl Drive<'_> {
    /// Appends fail from this turn on, until they are mended or the process ends.
    pub(super) fn fail(&mut self, fault: Fault, asked: Vec<Asked>) {
        self.disk.break_down(fault);
        self.steps.go();
        let is_durable = self.collect(asked);
        if is_durable && self.is_settled() {
            // It was no turn with events, or the store found room by itself. What still comes of
            // the turn, a roll, meets the fault too.
            self.settle();
            self.pause();
            self.disk.mend();
            self.steps.go();
            return;
        }
        self.tally.trial(match self.handle.status().storage() {
            Storage::Full => "append fails: disk full",
            Storage::Failing => "append fails: not durable",
            Storage::Good => panic!("it fails"),
        });
        check::refused_at_once(self);
        let published = self.handle.view().published().0;
        assert!(self.ends.iter().any(|end| end.seq() == published), "whole turns only");
        assert!(published < self.shadow.seq(), "what is not durable is not seen");
        match self.dice.below(4) {
            0 => {
                self.tally.trial("power cut while failing");
                self.cut_power();
            }
            1 => {
                self.tally.trial("stop while failing");
                let stopped = self.engine.take().expect("a running engine").stop();
                assert!(stopped.is_err(), "the last turn is not durable");
                drop(stopped);
                self.disk.mend();
                self.disk.kill();
                self.start_again(Seq(published));
            }
            _ => {
                self.tally.trial("durable on a further try");
                self.disk.mend();
                self.handle.nudge();
                self.settle();
                self.ask_for_all();
            }
        }
    }

    /// Whoever was told that nothing is durable finds the outcome by its key.
    fn ask_for_all(&mut self) {
        let keys: Vec<_> = self.shadow.accepted_keys.keys().cloned().collect();
        for (principal, key) in keys.iter().rev().take(5) {
            let principal = PrincipalId(*principal);
            let asked = self.wait(self.runtime.spawn({
                let (handle, desk, key) = (self.handle.clone(), self.desk.clone(), key.clone());
                async move { handle.outcome(&desk, principal, &key).await }
            }));
            let expected = self.shadow.outcome(principal, key);
            assert!(check::question(asked, expected));
        }
    }

    /// The clients go away before they are answered; the commands go on.
    pub(super) fn lose_replies(&mut self, asked: &[Asked]) {
        self.tally.trial("reply lost");
        for one in asked {
            match one {
                Asked::Single(task, _) => task.abort(),
                Asked::Question(task, _) => task.abort(),
                Asked::Batch(task, _) => task.abort(),
            }
        }
        self.yield_a_while();
        self.steps.go();
        self.settle();
    }

    /// The power goes while the turn is in the middle of its append.
    pub(super) fn cut_at(&mut self, hold: Hold, asked: Vec<Asked>) {
        self.tally.trial(match hold {
            Hold::AfterAppend => "power cut after the commit, before the reply",
            Hold::BeforeAppend | Hold::BetweenTurns => "power cut before the commit",
        });
        self.steps.want(hold);
        self.steps.go();
        self.steps.wait();
        self.yield_a_while();
        assert_eq!(self.handle.view().published().0, self.ends[0].seq(), "nothing leaves");
        for one in &asked {
            let is_answered = match one {
                Asked::Single(task, _) => task.is_finished(),
                Asked::Question(task, _) => task.is_finished(),
                Asked::Batch(task, _) => task.is_finished(),
            };
            assert!(!is_answered, "nobody is answered before the commit");
        }
        let end = if hold == Hold::AfterAppend { self.ends[1].seq() } else { self.ends[0].seq() };
        let acknowledged = self.kill();
        self.steps.go();
        self.die(acknowledged);
        // Nobody waits for what the dead process still says.
        drop(asked);
        // Timers that were due meanwhile fire after the start.
        assert!(self.shadow.seq() >= end);
    }

    fn cut_power(&mut self) {
        let acknowledged = self.kill();
        self.die(acknowledged);
    }

    /// The process reaches the disk no more; gives what was acknowledged by then.
    fn kill(&mut self) -> Seq {
        self.readers.end();
        let acknowledged = self.handle.view().published();
        self.disk.kill();
        acknowledged
    }

    fn die(&mut self, acknowledged: Seq) {
        self.disk.mend();
        // Its end is as good as its death.
        drop(self.engine.take().expect("a running engine").stop());
        if self.dice.once_in(2) {
            self.disk.lose_power();
        }
        self.start_again(acknowledged);
    }

    pub(super) fn stop_well(&mut self) -> Box<dyn Journal> {
        self.engine.take().expect("a running engine").stop().expect("without a fault it stops well")
    }

    /// Fills the vault and folds what is sealed, with the sequencer held between two turns; the dice
    /// may break it. Says whether the process lives.
    pub(super) fn work_beside(&mut self) -> bool {
        if self.dice.once_in(3) {
            // So long in between that keys run out.
            return true;
        }
        self.disk.break_beside(&mut self.dice);
        self.script.fill(self.tally);
        let mut died_in = self.disk.is_killed().then_some("power cut in a fill of the vault");
        if died_in.is_none()
            && let Some(fold) = &mut self.fold
        {
            let folds = fold.handle.status().folds();
            fold.sealed.lock().drain(..).for_each(|note| fold.handle.sealed(note));
            match fold.handle.work() {
                // It may die with the snapshot written, and older ones not yet taken away.
                Ok(()) if self.disk.is_killed() => died_in = Some("power cut in a fold"),
                Ok(()) if fold.handle.status().folds() > folds => self.tally.trial("fold"),
                Ok(()) => {}
                Err(FoldError::Write(_) | FoldError::Unreadable(_)) if self.disk.is_killed() => {
                    died_in = Some("power cut in a fold");
                }
                Err(FoldError::Write(_) | FoldError::Unreadable(_)) => {
                    self.tally.trial("fold fails");
                }
                Err(error) => panic!("the journal and the state agree: {error}"),
            }
        }
        self.disk.mend();
        let Some(died_in) = died_in else {
            return true;
        };
        self.tally.trial(died_in);
        self.cut_power_between();
        false
    }

    /// The power goes while the sequencer is held between two turns.
    pub(super) fn cut_power_between(&mut self) {
        let acknowledged = self.kill();
        self.steps.go();
        self.die(acknowledged);
    }

    fn started(&mut self, is_damaged: bool, fold: Option<Fold>) {
        if let Some(fold) = &fold {
            assert_eq!(fold.has_skipped, is_damaged, "a whole snapshot is begun with");
            if is_damaged {
                self.tally.trial("damaged snapshot passed over");
                self.disk.take_snapshot_away();
            }
            let from = ["start without a snapshot", "start from a snapshot"];
            self.tally.trial(from[usize::from(fold.from_snapshot)]);
        }
        self.fold = fold;
    }

    /// Starts on what the disk holds, which is what was acknowledged or a whole turn more.
    pub(super) fn start_again(&mut self, acknowledged: Seq) {
        self.readers.end();
        let is_damaged = self.dice.once_in(4) && self.disk.damage_snapshot(&mut self.dice);
        let Ground { journal, steps, state: recovered, vault, fold } = self.disk.open(&self.rolls);
        let (state, head) = check::fold(&*journal.reader(), journal.tail().seq);
        assert_eq!(head, journal.tail(), "one whole chain");
        assert!(state.tail() >= acknowledged, "what was acknowledged is there");
        let is_end = |shadow: &&Shadow| shadow.seq() == state.tail().0;
        let end = self.ends.iter().find(is_end).expect("whole turns only");
        self.shadow = end.clone();
        self.ends = vec![self.shadow.clone()];
        assert_eq!(recovered.digest(), state.digest(), "a snapshot is the fold up to it");
        self.folded = state;
        self.started(is_damaged, fold);
        self.script.go_on(Arc::clone(&vault));
        self.readers.check(&*journal.reader());
        check::journal(self, &*journal.reader());

        let engine =
            start(Box::new(journal), recovered, &vault, &self.clock, self.shadow.is_driven);
        (self.handle, self.steps) = (engine.handle(), steps);
        self.engine = Some(engine);
        self.readers.go_on(&self.handle);
        self.shadow.now = if self.shadow.is_driven {
            // What was refused moved the clock, and left no event.
            self.folded.now().0
        } else {
            // The clock may have gone on before the turn that was lost.
            self.shadow.now.max(self.clock.now().0)
        };
        self.expect_timers();
        self.settle();
    }
}
