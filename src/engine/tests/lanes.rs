//! The two ways in are bounded, and full is an answer.

use super::rig::*;
use crate::domain::catalogue::{HomeLevel, MatterRow};
use crate::domain::command::{BeginImport, Command, StageMatters, StageUnits, Submission};
use crate::domain::event::ClockMode;
use crate::domain::ids::{CaseId, ImportId};
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::organisation::UnitRow;
use crate::domain::tests::world::*;
use crate::engine::{EngineOptions, LineAnswer, LineMeaning, SubmitError};

fn accepted_seqs(lines: &[LineAnswer]) -> Vec<u64> {
    let seq = |line: &LineAnswer| match line.meaning() {
        LineMeaning::Accepted { seq, .. } => seq.0,
        LineMeaning::Rejected(_) | LineMeaning::Unread { .. } => panic!("refused: {line:?}"),
    };
    lines.iter().map(seq).collect()
}

#[test]
fn a_full_interactive_lane_refuses_at_once() {
    // Two of the reports below, with 32 sealed bytes each, and not three.
    let two_reports = 2 * (size_of::<Submission>() + 32);
    for few in [
        EngineOptions { interactive_commands_max: 2, ..options() },
        EngineOptions { interactive_bytes_max: two_reports, ..options() },
    ] {
        let mut rig = Rig::with(ClockMode::Manual, few);
        rig.pause();
        let reports = ["a", "b", "c"].map(|key| rig.report(MICRO, GRID, key));
        let [first, second, third] = reports;
        let taken = [rig.push(first), rig.push(second)];
        assert_eq!(rig.handle.lanes_len(), (2, 0));
        assert!(matches!(rig.submit(third.clone()), Err(SubmitError::Overloaded)));
        assert_eq!(rig.desk.places_len(), 2, "it left no place behind");
        rig.resume();
        for task in taken {
            rig.outcome_of(task).expect("what was taken in goes on");
        }
        assert_eq!(rig.outcome("c").expect("asked"), None, "and nothing happened of the third");
        rig.accept(third);
        assert_eq!(rig.desk.places_len(), 0);
    }
}

#[test]
fn a_full_bulk_lane_waits_and_goes_on() {
    let few = EngineOptions { bulk_commands_max: 4, ..options() };
    let mut rig = Rig::with(ClockMode::Manual, few);
    rig.pause();
    let mut batch_of = |count: usize| -> Vec<_> {
        (0..count)
            .map(|_| {
                let report = rig.world.report(MICRO, GRID);
                submission(Command::ReportCase(Box::new(report)), Some(GRID))
            })
            .collect()
    };
    let (first, second, third) = (batch_of(3), batch_of(2), batch_of(9));
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, first)).expect("room");
    let wait = |batch| {
        let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
        rig.runtime.spawn(async move { handle.submit_batch(&desk, batch).await?.answers().await })
    };
    let waiting = [wait(second), wait(third)];
    rig.settle();
    assert_eq!(rig.handle.lanes_len(), (0, 3), "the others wait outside");
    assert!(waiting.iter().all(|task| !task.is_finished()));

    rig.resume();
    assert_eq!(rig.run(pending.answers()).expect("answers").len(), 3);
    let [second, third] = waiting.map(|task| rig.outcome_of(task).expect("answers").len());
    assert_eq!((second, third), (2, 9), "even a batch that is larger than the lane");
    assert_eq!(rig.handle.lanes_len(), (0, 0));
    assert_eq!(rig.handle.view().cases_len(), 14);
}

#[test]
fn who_waits_for_room_gives_up_without_a_trace() {
    let few = EngineOptions { bulk_commands_max: 1, ..options() };
    let mut rig = Rig::with(ClockMode::Manual, few);
    rig.pause();
    let (first, second) = (rig.report(MICRO, GRID, "a"), rig.report(MICRO, GRID, "b"));
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, vec![first])).expect("room");
    let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
    let waiting =
        rig.runtime.spawn(async move { handle.submit_batch(&desk, vec![second]).await.map(drop) });
    rig.settle();
    assert!(!waiting.is_finished());
    waiting.abort();
    rig.settle();
    rig.resume();
    rig.run(pending.answers()).expect("answers");
    assert_eq!(rig.outcome("b").expect("asked"), None, "nothing of it happened");
    assert_eq!(rig.desk.places_len(), 0, "its place is free again");
}

#[test]
fn a_batch_is_answered_line_by_line_in_order() {
    let mut rig = Rig::new();
    let before = rig.published().0;
    let lines = vec![
        rig.report(MICRO, GRID, "a"),
        rig.report("XX-1", GRID, "b"),
        rig.report(SMALL, GRID, "c"),
        rig.report(MICRO, GRID, "a"),
        rig.verb("acknowledge", CaseId(1), GRID),
        rig.verb("acknowledge", CaseId(1), GRID),
    ];
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, lines)).expect("room");
    let answers = rig.run(pending.answers()).expect("answers");
    let meanings: Vec<_> = answers
        .iter()
        .map(|answer| match answer.meaning() {
            LineMeaning::Accepted { seq, case: Some((case, version)) } => {
                format!("+{} case {case} v{version}", seq.0 - before)
            }
            LineMeaning::Accepted { case: None, .. } => panic!("all are of cases"),
            LineMeaning::Rejected(rejection) => rejection.code().to_owned(),
            LineMeaning::Unread { .. } => panic!("all are commands"),
        })
        .collect();
    assert_eq!(
        meanings,
        [
            "+1 case 1 v1",
            "matter_not_found",
            "+2 case 2 v1",
            "+1 case 1 v1",
            "+3 case 1 v2",
            "move_not_allowed",
        ]
    );
}

#[test]
fn who_waits_comes_before_the_stream_within_a_turn() {
    let mut rig = Rig::new();
    let commits = rig.handle.status().commits();
    rig.pause();
    let lines: Vec<_> = (0..5).map(|n| rig.report(MICRO, GRID, &format!("bulk {n}"))).collect();
    let alone = rig.report(MICRO, GRID, "alone");
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, lines)).expect("room");
    let alone = rig.push(alone);
    rig.resume();
    let alone = rig.outcome_of(alone).expect("accepted").reply.seq.0;
    let lines = accepted_seqs(&rig.run(pending.answers()).expect("answers"));
    assert_eq!(lines, (alone + 1..=alone + 5).collect::<Vec<_>>());
    assert_eq!(rig.handle.status().commits(), commits + 1, "it was one turn");
}

#[test]
fn a_turn_takes_bulk_up_to_its_bound() {
    for (few, turns) in [
        (EngineOptions { turn_bulk_commands_max: 2, turn_bulk_commands_shared: 2, ..options() }, 3),
        // The bound stops the gathering and never cuts what was gathered.
        (EngineOptions { turn_bulk_commands_max: 3, turn_bulk_commands_shared: 3, ..options() }, 2),
        (EngineOptions { turn_bytes_max: 1, ..options() }, 3),
    ] {
        let mut rig = Rig::with(ClockMode::Manual, few);
        let commits = rig.handle.status().commits();
        rig.pause();
        let pending: Vec<_> = (0..3)
            .map(|batch| {
                let lines: Vec<_> =
                    (0..2).map(|n| rig.report(MICRO, GRID, &format!("{batch} {n}"))).collect();
                rig.run(rig.handle.submit_batch(&rig.desk, lines)).expect("room")
            })
            .collect();
        rig.resume();
        let seqs: Vec<_> = pending
            .into_iter()
            .flat_map(|pending| accepted_seqs(&rig.run(pending.answers()).expect("answers")))
            .collect();
        assert!(seqs.is_sorted(), "batches are decided in the order they were put in");
        assert_eq!(rig.handle.status().commits(), commits + turns);
    }
}

const ROWS: usize = 200;

/// The bytes of a command that stages as many rows as one may.
#[derive(Clone, Copy)]
struct Staging {
    command: fn() -> Command,
    bytes: usize,
}

/// One that stages units, and one that stages matters.
fn stagings() -> [Staging; 2] {
    let units = || {
        let rows = vec![unit(GRID); ROWS];
        Command::StageUnits(StageUnits { import: ImportId(3), rows })
    };
    let matters = || {
        let rows = vec![matter(MICRO, HomeLevel::Grid); ROWS];
        Command::StageMatters(StageMatters { import: ImportId(4), rows })
    };
    let unit_bytes = size_of::<UnitRow>() + "单位".len() + GRID.len();
    let matter_bytes = size_of::<MatterRow>() + MICRO.len() + "事项PS-001".len() + "测试".len();
    [(units as fn() -> Command, unit_bytes), (matters, matter_bytes)].map(|(command, row_bytes)| {
        Staging { command, bytes: size_of::<Submission>() + ROWS * row_bytes }
    })
}

impl Staging {
    fn submission(self) -> Submission {
        system((self.command)())
    }
}

fn with_an_open_import(options: EngineOptions) -> Rig {
    let rig = Rig::with(ClockMode::Manual, options);
    let size = CatalogueSize { matters: 10_000, text_bytes: 0 };
    for kind in [ImportKind::Units, ImportKind::Catalogue(size)] {
        rig.accept(system(Command::BeginImport(BeginImport { origin: "a test".into(), kind })));
    }
    rig
}

#[test]
fn staged_rows_fill_the_interactive_lane_by_their_bytes() {
    for staging in stagings() {
        let few = EngineOptions { interactive_bytes_max: 2 * staging.bytes, ..options() };
        let rig = with_an_open_import(few);
        rig.pause();
        let taken = [rig.push(staging.submission()), rig.push(staging.submission())];
        assert_eq!(rig.handle.lanes_len(), (2, 0));
        assert!(matches!(rig.submit(staging.submission()), Err(SubmitError::Overloaded)));
        rig.resume();
        for task in taken {
            rig.outcome_of(task).expect("what was taken in goes on");
        }
        rig.accept(staging.submission());
    }
}

#[test]
fn staged_rows_fill_a_turn_by_their_bytes() {
    for staging in stagings() {
        // With one more byte than two commands have, a turn takes a third and ends there.
        for (turn_bytes_max, turns) in [(2 * staging.bytes, 3), (2 * staging.bytes + 1, 2)] {
            let rig = with_an_open_import(EngineOptions { turn_bytes_max, ..options() });
            let commits = rig.handle.status().commits();
            rig.pause();
            let tasks: Vec<_> = (0..6).map(|_| rig.push(staging.submission())).collect();
            rig.resume();
            for task in tasks {
                rig.outcome_of(task).expect("accepted");
            }
            assert_eq!(rig.handle.status().commits(), commits + turns, "of {turn_bytes_max} bytes");
        }
    }
}

#[test]
fn staged_rows_fill_the_bulk_lane_by_their_bytes() {
    for staging in stagings() {
        let few = EngineOptions { bulk_bytes_max: 2 * staging.bytes, ..options() };
        let rig = with_an_open_import(few);
        rig.pause();
        let push = || {
            let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
            let one = vec![staging.submission()];
            rig.runtime.spawn(async move { handle.submit_batch(&desk, one).await?.answers().await })
        };
        let tasks = [push(), push(), push()];
        rig.settle();
        assert_eq!(rig.handle.lanes_len(), (0, 2), "the third waits outside");
        rig.resume();
        for task in tasks {
            assert_eq!(rig.outcome_of(task).expect("answers").len(), 1);
        }
    }
}
