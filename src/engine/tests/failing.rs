//! A failed append has one outcome: nothing leaves, reads go on, the same turn is appended until
//! it is durable, and the state never goes back.

use super::rig::*;
use crate::domain::case::Source;
use crate::domain::command::Command;
use crate::domain::ids::CaseId;
use crate::domain::tests::world::*;
use crate::engine::{Storage, SubmitError};
use crate::journal::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    DiskFull,
    NotDurable,
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, SubmitError>) -> Refused {
    match outcome {
        Err(SubmitError::DiskFull) => Refused::DiskFull,
        Err(SubmitError::NotDurable) => Refused::NotDurable,
        other => panic!("neither: {other:?}"),
    }
}

const FAULTS: [(Fault, Refused, Storage); 2] = [
    (Fault::DiskFull, Refused::DiskFull, Storage::Full),
    (Fault::NotDurable, Refused::NotDurable, Storage::Failing),
];

#[test]
fn while_nothing_is_durable_commands_are_refused_and_reads_go_on() {
    for (fault, as_refused, storage) in FAULTS {
        let mut rig = Rig::new();
        let known = rig.report(MICRO, GRID, "known");
        let reply = rig.accept(known);
        let known = case_of(&reply);
        let (before, digest) = (rig.published(), rig.digest());

        rig.faults.fail_appends(u32::MAX, fault);
        let report = rig.report(MICRO, GRID, "in the turn");
        assert_eq!(refused(rig.submit(report)), as_refused);
        assert_eq!(rig.handle.status().storage(), storage);

        // At once, before the lanes: no place at a desk is ever taken.
        let appends = rig.faults.appends();
        let later = rig.report(MICRO, GRID, "too late");
        assert_eq!(refused(rig.submit(later.clone())), as_refused);
        assert_eq!(refused(rig.outcome("in the turn")), as_refused);
        let batch = rig.handle.submit_batch(&rig.desk, vec![later]);
        assert_eq!(refused(rig.run(batch)), as_refused);
        assert_eq!(rig.handle.lanes_len(), (0, 0));
        assert_eq!(rig.desk.places_len(), 0);
        assert_eq!(rig.outcome("known").expect("a question after what is durable"), Some(reply));
        assert_eq!(rig.outcome("never sent").expect("a question"), None);
        assert_eq!(rig.faults.appends(), appends, "nobody's coming makes the disk write");

        assert_eq!(rig.case(known).version, 1);
        assert_eq!(rig.handle.newest_first(known, rig.case(known).last_seq).count(), 1);
        assert_eq!(rig.handle.view().inbox(rig.unit(GRID), None, 10).cases.len(), 1);
        assert_eq!(rig.handle.case(CaseId(2)), None, "what is not durable is not seen");
        assert_eq!(rig.published(), before);
        assert_eq!(rig.fold().digest(), digest);
    }
}

#[test]
fn a_source_s_number_is_told_once_its_case_is_durable() {
    for (fault, as_refused, _) in FAULTS {
        let mut rig = Rig::new();
        let numbered = |rig: &mut Rig, number: &str| {
            let mut report = rig.report(MICRO, GRID, number);
            if let Command::ReportCase(report) = &mut report.command {
                report.source_number = Some(number.into());
            }
            report
        };
        let asked = |rig: &Rig, number: &str| {
            rig.run(rig.handle.case_by_number(&rig.desk, Source::Patrol, number))
        };
        let durable = numbered(&mut rig, "durable");
        let durable = case_of(&rig.accept(durable));
        assert_eq!(asked(&rig, "durable").expect("asked"), Some(durable));
        let before = rig.published();
        rig.faults.fail_appends(u32::MAX, fault);
        let report = numbered(&mut rig, "in the turn");
        assert_eq!(refused(rig.submit(report)), as_refused);
        assert_eq!(refused(asked(&rig, "in the turn")), as_refused);
        assert_eq!(asked(&rig, "durable").expect("what is durable"), Some(durable));
        assert_eq!(asked(&rig, "of nothing").expect("a question"), None);
        rig.faults.fail_appends(0, fault);
        rig.handle.nudge();
        rig.wait_for(before.next());
        let case = asked(&rig, "in the turn").expect("asked").expect("it was accepted");
        assert!(rig.handle.case(case).is_some(), "the view has what is told");
    }
}

#[test]
fn the_very_turn_is_appended_once_it_works_again() {
    for (fault, as_refused, _) in FAULTS {
        let mut rig = Rig::new();
        let before = rig.published();
        rig.pause();
        rig.faults.fail_appends(u32::MAX, fault);
        let (first, second) = (rig.report(MICRO, GRID, "first"), rig.report(SMALL, GRID, "second"));
        let tasks = [rig.push(first), rig.push(second)];
        rig.resume();
        for task in tasks {
            assert_eq!(refused(rig.outcome_of(task)), as_refused);
        }

        // Time goes on meanwhile; the turn keeps its own.
        rig.clock.set(START.plus_ms(HOUR));
        for _ in 0..3 {
            let appends = rig.faults.appends();
            while rig.faults.appends() == appends {
                rig.handle.nudge();
                std::thread::yield_now();
            }
        }
        rig.faults.fail_appends(0, fault);
        rig.handle.nudge();
        rig.wait_for(before.next().next());

        assert_eq!(rig.events_after(before), ["case.reported 1", "case.reported 2"]);
        assert!(rig.records().iter().all(|record| record.at == START));
        let reply = rig.outcome("first").expect("asked").expect("it was accepted");
        assert_eq!((reply.seq, case_of(&reply)), (before.next(), CaseId(1)));
        assert_eq!(rig.handle.status().storage(), Storage::Good);
        let acknowledge = rig.verb("acknowledge", CaseId(1), GRID);
        assert_eq!(rig.accept(acknowledge).seq.0, before.0 + 3, "and the state never went back");
        assert_eq!(rig.digest(), rig.fold().digest());
        rig.restart();
        assert_eq!(rig.outcome("first").expect("asked"), Some(reply));
    }
}

#[test]
fn a_failed_append_is_tried_again_without_a_push() {
    let mut few = options();
    few.append_retry_after = std::time::Duration::from_millis(1);
    let mut rig = Rig::with(crate::domain::event::ClockMode::Manual, few);
    let before = rig.published();
    rig.faults.fail_appends(5, Fault::DiskFull);
    let report = rig.report(MICRO, GRID, "k");
    assert_eq!(refused(rig.submit(report)), Refused::DiskFull);
    rig.wait_for(before.next());
    assert!(rig.outcome("k").expect("asked").is_some());
}

#[test]
fn a_batch_under_way_is_refused_whole_and_found_by_its_keys() {
    let mut rig = Rig::new();
    let before = rig.published();
    rig.pause();
    rig.faults.fail_appends(u32::MAX, Fault::NotDurable);
    let lines: Vec<_> = (0..3).map(|n| rig.report(MICRO, GRID, &format!("k{n}"))).collect();
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, lines)).expect("room");
    rig.resume();
    assert_eq!(refused(rig.run(pending.answers())), Refused::NotDurable);
    rig.faults.fail_appends(0, Fault::NotDurable);
    rig.handle.nudge();
    rig.wait_for(crate::domain::ids::Seq(before.0 + 3));
    for n in 0..3 {
        let reply = rig.outcome(&format!("k{n}")).expect("asked").expect("accepted");
        assert_eq!(case_of(&reply), CaseId(n + 1));
    }
}

#[test]
fn a_roll_that_fails_is_tried_after_the_next_turn() {
    let mut rig = Rig::new();
    rig.faults.fail_rolls(2, Fault::DiskFull);
    rig.faults.make_roll_due();
    for _ in 0..2 {
        rig.reported(MICRO, GRID);
        assert_eq!(rig.faults.rolls(), []);
    }
    let digest = rig.digest();
    assert_eq!(rig.faults.rolls().len(), 1);
    assert_eq!(digest, rig.fold().digest());
}
