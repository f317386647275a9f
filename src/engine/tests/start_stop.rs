//! Starting on what is there, and ending without losing anything.

use std::sync::Arc;
use std::time::Duration;

use super::rig::*;
use crate::domain::command::Submission;
use crate::domain::event::{ClockMode, Event};
use crate::domain::ids::Seq;
use crate::domain::state::State;
use crate::domain::tests::world::*;
use crate::engine::answer::{Answer, Failed};
use crate::engine::clock::{stopwatch, system_now};
use crate::engine::lanes::{Ask, Batch, Single};
use crate::engine::{
    Desk, Engine, EngineOptions, Handle, ManualClock, Parts, StartError, SubmitError,
};
use crate::journal::medium::disk::Disk;
use crate::journal::vault::{Vault, VaultOptions};
use crate::journal::{Fault, MemoryJournal};

#[test]
fn a_new_journal_begins_with_its_clock() {
    for mode in [ClockMode::System, ClockMode::Manual, ClockMode::Driven] {
        let journal = MemoryJournal::default();
        let faults = journal.faults();
        let (engine, _dir) = start(journal, mode);
        let engine = engine.expect("a good start");
        assert_eq!(engine.handle().view().published(), Seq(1));
        assert_eq!(engine.handle().clock_mode(), mode);
        let records = records_of(&faults);
        let [record] = &records[..] else { panic!("one event") };
        let Event::JournalOpened(opened) = &record.event else { panic!("of the journal") };
        assert_eq!((opened.clock_mode, opened.journal_id), (mode, 7));
        let journal = engine.stop().expect("a good stop");
        assert_eq!(journal.tail().seq, Seq(1));
    }
}

#[test]
fn a_journal_that_cannot_begin_starts_nothing() {
    let journal = MemoryJournal::default();
    journal.faults().fail_appends(1, Fault::DiskFull);
    let (engine, _dir) = start(journal, ClockMode::Manual);
    assert!(matches!(engine.err(), Some(StartError::Begin(_))));
}

#[test]
fn a_journal_goes_on_with_its_own_clock_only() {
    let modes = [ClockMode::System, ClockMode::Manual, ClockMode::Driven];
    for journal_s in modes {
        for asked in modes {
            let world = World::clocked(journal_s);
            let (engine, _dir) = start(journal_of(&world.records, journal_s), asked);
            match engine {
                Ok(engine) => {
                    assert_eq!(journal_s, asked);
                    engine.stop().expect("a good stop");
                }
                Err(StartError::ClockMode { journal, asked: refused }) => {
                    assert_eq!((journal, refused), (journal_s, asked));
                    assert_ne!(journal_s, asked);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_system_clock_behind_its_journal_is_refused_beyond_a_bound() {
    // The bound is 5 s; the machine's clock is read a little after this one is.
    for (ahead_ms, is_refused) in [(60_000, true), (4_000, false), (-60_000, false)] {
        let mut world = World::clocked(ClockMode::System);
        world.now = system_now().plus_ms(ahead_ms);
        world.reported(MICRO, GRID);
        let (engine, _dir) =
            start(journal_of(&world.records, ClockMode::System), ClockMode::System);
        match engine {
            Err(StartError::ClockBehind { behind_ms }) => {
                assert!(is_refused, "{ahead_ms}");
                assert!((50_000..=ahead_ms).contains(&behind_ms), "{behind_ms}");
            }
            Ok(engine) => {
                assert!(!is_refused, "{ahead_ms}");
                engine.stop().expect("a good stop");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_stop_works_off_what_is_in_and_takes_no_more() {
    let mut rig = Rig::new();
    let before = rig.published();
    rig.pause();
    let (alone, line) = (rig.report(MICRO, GRID, "alone"), rig.report(MICRO, GRID, "line"));
    let late = rig.report(MICRO, GRID, "late");
    let alone = rig.push(alone);
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, vec![line])).expect("room");

    rig.handle.close();
    assert!(matches!(rig.submit(late.clone()), Err(SubmitError::Stopping)));
    assert!(matches!(rig.outcome("alone"), Err(SubmitError::Stopping)));
    let batch = rig.run(rig.handle.submit_batch(&rig.desk, vec![late]));
    assert!(matches!(batch, Err(SubmitError::Stopping)));
    rig.resume();
    rig.stop().expect("a good stop");
    rig.outcome_of(alone).expect("accepted");
    assert_eq!(rig.run(pending.answers()).expect("answers").len(), 1);
    assert_eq!(rig.events_after(before), ["case.reported 1", "case.reported 2"]);
    assert_eq!(rig.handle.lanes_len(), (0, 0));
    assert_eq!(rig.desk.places_len(), 0);
}

#[test]
fn a_stop_tells_whoever_waits_for_room() {
    let few = EngineOptions { bulk_commands_max: 1, ..options() };
    let mut rig = Rig::with(ClockMode::Manual, few);
    rig.pause();
    let (first, second) = (rig.report(MICRO, GRID, "a"), rig.report(MICRO, GRID, "b"));
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, vec![first])).expect("room");
    let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
    let waiting =
        rig.runtime.spawn(async move { handle.submit_batch(&desk, vec![second]).await.map(drop) });
    rig.settle();
    rig.handle.close();
    assert!(matches!(rig.outcome_of(waiting), Err(SubmitError::Stopping)));
    rig.resume();
    rig.stop().expect("a good stop");
    rig.run(pending.answers()).expect("answers");
}

#[test]
fn a_stop_while_nothing_is_durable_ends_with_an_error() {
    let mut rig = Rig::new();
    let before = rig.published();
    rig.faults.fail_appends(u32::MAX, Fault::NotDurable);
    let report = rig.report(MICRO, GRID, "k");
    assert!(matches!(rig.submit(report), Err(SubmitError::NotDurable)));
    rig.stop().expect_err("the turn is not durable");
    assert_eq!(rig.records().last().map(|record| record.seq), Some(before));

    // What was not acknowledged is not there; the next start goes on from what is.
    rig.restart();
    assert_eq!(rig.outcome("k").expect("asked"), None);
    let report = rig.report(MICRO, GRID, "k");
    assert_eq!(rig.accept(report).seq, before.next());
}

#[test]
fn who_comes_when_the_sequencer_has_gone_is_told() {
    // Many threads submit while it stops: each is answered, one way or the other.
    for _ in 0..20 {
        let mut rig = Rig::new();
        let reports: Vec<Vec<_>> = (0..4)
            .map(|one| (0..40).map(|n| rig.report(MICRO, GRID, &format!("{one} {n}"))).collect())
            .collect();
        let handle = rig.handle.clone();
        let accepted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = reports
                .into_iter()
                .map(|reports| {
                    let handle = handle.clone();
                    scope.spawn(move || submit_all(&handle, reports))
                })
                .collect();
            rig.stop().expect("a good stop");
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        let reported = rig.records().iter().filter(|one| one.event.case().is_some()).count();
        assert_eq!(reported, accepted, "acknowledged is durable, and refused is not there");
    }
}

/// Submits one after another on a runtime of its own; gives how many were accepted.
fn submit_all(handle: &Handle, reports: Vec<Submission>) -> usize {
    let desk = Desk::new();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.spawn(desk.clone().run());
    let mut accepted = 0;
    for report in reports {
        let answer = async { tokio::time::timeout(LONG, handle.submit(&desk, report)).await };
        match runtime.block_on(answer).expect("everyone is answered") {
            Ok(_) => accepted += 1,
            Err(SubmitError::Stopping) => {}
            Err(other) => panic!("{other}"),
        }
    }
    accepted
}

#[test]
fn what_is_put_in_after_the_end_is_turned_away() {
    // As if the sequencer had gone between the look at the door and the push.
    let mut rig = Rig::new();
    let (alone, line) = (rig.report(MICRO, GRID, "alone"), rig.report(MICRO, GRID, "line"));
    rig.stop().expect("a good stop");
    let lanes = Arc::clone(&rig.handle.lanes);
    let (alone_waits, line_waits) = (rig.desk.take_place(), rig.desk.take_place());
    lanes
        .push(Single {
            ask: Ask::Submit(Box::new(alone)),
            bytes: 1,
            desk: rig.desk.clone(),
            ticket: alone_waits.ticket(),
            came_at: stopwatch(),
        })
        .expect("room");
    let desk = rig.desk.clone();
    let ticket = line_waits.ticket();
    lanes.push_bulk(Batch { submissions: vec![line], bytes: 1, desk, ticket }).expect("room");
    assert_eq!(rig.run(alone_waits), Answer::Failed(Failed::Stopping));
    assert_eq!(rig.run(line_waits), Answer::Failed(Failed::Stopping));
    assert_eq!(rig.desk.places_len(), 0);
}

#[test]
#[should_panic(expected = "the state is the fold of its journal")]
fn a_state_that_is_not_its_journal_s_is_a_mistake() {
    let world = World::clocked(ClockMode::Manual);
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let vault = Vault::open(
        &Disk::at(dir.path()).expect("the directory is there"),
        VaultOptions { step_slots: 64, ..VaultOptions::default() },
    );
    let vault = Arc::new(vault.expect("a new vault"));
    let journal = journal_of(&world.records, ClockMode::Manual);
    let clock = ManualClock::default();
    let parts = parts(journal, &vault, ClockMode::Manual, &clock, &options());
    let state = State::default();
    drop(Engine::start(Parts { state, ..parts }));
}

#[test]
fn a_journal_is_tended_while_nobody_comes() {
    let soon = EngineOptions { tend_every: Duration::from_millis(1), ..options() };
    for mode in [ClockMode::System, ClockMode::Driven] {
        let rig = Rig::with(mode, soon.clone());
        for _ in 0..3 {
            rig.wait_until_tended();
        }
    }
}

#[test]
fn a_journal_is_tended_between_turns_too() {
    let mut rig =
        Rig::with(ClockMode::Manual, EngineOptions { tend_every: Duration::ZERO, ..options() });
    rig.wait_until_tended();
    for _ in 0..3 {
        rig.reported(MICRO, GRID);
        rig.wait_until_tended();
    }
}
