//! Every status × every verb, and who may.

use std::collections::BTreeSet;

use super::world::*;
use crate::domain::case::{Move, Moves, StatusName};
use crate::domain::code::Level;
use crate::domain::command::{CaseRef, Command, Submission};
use crate::domain::ids::CaseId;
use crate::domain::rejection::Rejection;

/// Brings a new micro case to the status that the path leads to, and tells its number.
fn case_after(world: &mut World, path: &str) -> CaseId {
    let case = world.reported(MICRO, GRID);
    for verb in path.split_whitespace() {
        let holder = world.holder(case);
        let command = world.verb(verb, case);
        world.act(&holder, command).expect("the path is legal");
    }
    case
}

/// One row for each status and level of its holder, one column a verb: what the case comes to, or
/// `-` where it may not. A refusal names the verbs that the row allows.
const TABLE: &str = "
    case at                 acknowledge            escalate              handle             close
    grid:dispatched         grid:acknowledged      village:dispatched    -                  -
    grid:acknowledged       -                      village:dispatched    grid:handled       -
    grid:handled            -                      -                     -                  nobody:closed
    village:dispatched      village:acknowledged   township:dispatched   -                  -
    village:acknowledged    -                      township:dispatched   village:handled    -
    village:handled         -                      -                     -                  nobody:closed
    township:dispatched     township:acknowledged  -                     -                  -
    township:acknowledged   -                      -                     township:handled   -
    township:handled        -                      -                     -                  nobody:closed
    nobody:closed           -                      -                     -                  -
";

/// The rows that there must be: every status, at every level that can hold a case at it.
fn every_row() -> BTreeSet<String> {
    let levels = |status: StatusName| match status {
        StatusName::Dispatched | StatusName::Acknowledged | StatusName::Handled => {
            &["grid", "village", "township"][..]
        }
        StatusName::Closed => &["nobody"],
    };
    let rows = StatusName::ALL.iter().flat_map(|status| {
        levels(*status).iter().map(move |level| format!("{level}:{}", status.name()))
    });
    rows.collect()
}

/// The move that a command makes: none where it acts on no case that there is.
fn move_of(command: &Command) -> Option<Move> {
    match command {
        Command::AcknowledgeCase(_) => Some(Move::Acknowledge),
        Command::EscalateCase(_) => Some(Move::Escalate),
        Command::HandleCase(_) => Some(Move::Handle),
        Command::CloseCase(_) => Some(Move::Close),
        Command::OpenJournal(_)
        | Command::AdmitClient(_)
        | Command::RevokeClient(_)
        | Command::BeginImport(_)
        | Command::StageUnits(_)
        | Command::StageMatters(_)
        | Command::StageText(_)
        | Command::CommitImport(_)
        | Command::AbandonImport(_)
        | Command::AdvanceClock(_)
        | Command::ReportCase(_) => None,
    }
}

/// The row that a case is in.
fn row_of(world: &World, case: CaseId) -> String {
    let case = world.case(case);
    let level = case.status.holder().map(|_| world.state.holder_level(&case).name());
    format!("{}:{}", level.unwrap_or("nobody"), case.status.name().name())
}

/// A case in that row: up to the level, and then as far as the status.
fn case_in(world: &mut World, row: &str) -> CaseId {
    let (level, status) = row.split_once(':').expect("a level and a status");
    let ups = Level::from_name(level).map_or(0, |level| level as usize);
    let verbs = match StatusName::from_name(status).expect("a status") {
        StatusName::Dispatched => "",
        StatusName::Acknowledged => "acknowledge",
        StatusName::Handled => "acknowledge handle",
        StatusName::Closed => "acknowledge handle close",
    };
    let case = case_after(world, &format!("{}{verbs}", "escalate ".repeat(ups)));
    assert_eq!(row_of(world, case), row);
    case
}

#[test]
fn every_status_answers_every_verb() {
    let mut lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty());
    let verbs: Vec<_> = lines.next().expect("a head").split_whitespace().skip(2).collect();
    let every_verb: Vec<_> = Move::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(verbs, every_verb, "one column a verb");

    let mut rows = BTreeSet::new();
    for line in lines {
        let (row, cells) = line.split_once(char::is_whitespace).expect("a row and its cells");
        let cells: Vec<_> = cells.split_whitespace().collect();
        assert_eq!(cells.len(), verbs.len(), "{row}");
        assert!(rows.insert(row.to_owned()), "{row} is there twice");
        let allowed: Vec<_> = Move::ALL
            .iter()
            .zip(&cells)
            .filter(|(_, cell)| **cell != "-")
            .map(|(one, _)| *one)
            .collect();
        for (verb, expected) in Move::ALL.iter().zip(&cells) {
            let mut world = World::new();
            let case = case_in(&mut world, row);
            let status = world.case(case).status.name();
            let holder = match world.holder(case) {
                nobody if nobody == "nobody" => GRID.to_owned(),
                holder => holder,
            };
            let command = world.verb(verb.name(), case);
            assert_eq!(move_of(&command), Some(*verb));
            let (digest, answer) = (world.state.digest(), world.act(&holder, command));
            if *expected == "-" {
                let moves = Moves::of(&allowed);
                assert_eq!(
                    answer,
                    Err(Rejection::MoveNotAllowed { case, status, moves }),
                    "{row}, {verb:?}"
                );
                assert_eq!(world.state.digest(), digest, "{row}, {verb:?}");
            } else {
                answer.expect("the row allows it");
                assert_eq!(row_of(&world, case), *expected, "{row}, {verb:?}");
            }
        }
    }
    assert_eq!(rows, every_row(), "one row for each status and level of its holder");
}

#[test]
fn a_case_goes_up_as_far_as_the_township() {
    let mut world = World::new();
    let case = case_after(&mut world, "");
    let mut holders = vec![world.holder(case)];
    for _ in 0..2 {
        let holder = world.holder(case);
        let command = world.verb("escalate", case);
        world.act(&holder, command).expect("below the township");
        holders.push(world.holder(case));
    }
    assert_eq!(holders, [GRID, VILLAGE, TOWNSHIP]);
    assert_eq!(world.case(case).escalations, 2);
}

#[test]
fn only_the_holder_moves_a_case() {
    for verb in ["acknowledge", "escalate"] {
        let mut world = World::new();
        let case = case_after(&mut world, "");
        for by in [GRID_2, VILLAGE, CITY] {
            let command = world.verb(verb, case);
            let refused = world.act(by, command).expect_err("not the holder");
            assert_eq!(refused.code(), "not_the_holder");
        }
        let command = world.verb(verb, case);
        let refused = world.submit(&submission(command, None)).expect_err("nobody");
        assert_eq!(refused.code(), "unit_missing");
    }
}

#[test]
fn a_stale_version_is_refused_before_anything_else() {
    let mut world = World::new();
    let case = case_after(&mut world, "acknowledge");
    let Command::HandleCase(mut handle) = world.verb("handle", case) else { panic!("a handle") };
    handle.target.version = Some(1);
    let refused = world.act(GRID_2, Command::HandleCase(handle.clone())).expect_err("stale");
    assert_eq!(refused, Rejection::VersionStale { case, version: 2 });

    handle.target.version = Some(2);
    world.act(GRID, Command::HandleCase(handle)).expect("the newest version");
    assert_eq!(world.case(case).version, 3);
}

#[test]
fn a_case_outside_the_scope_does_not_exist() {
    let mut world = World::new();
    let case = case_after(&mut world, "");
    let command = world.verb("acknowledge", case);
    let scoped = Submission {
        scope: code(TOWNSHIP_2).range(),
        principal: TOWNSHIP_APP,
        ..submission(command, Some(GRID_3))
    };
    assert_eq!(world.submit(&scoped).expect_err("outside").code(), "case_not_found");

    let unknown = world.verb("acknowledge", CaseId(99));
    assert_eq!(world.act(GRID, unknown).expect_err("no such case").code(), "case_not_found");
}

#[test]
fn a_case_is_named_by_key_or_number_too() {
    let mut world = World::new();
    let mut report = world.report(MICRO, GRID);
    report.source_number = Some("G-1".into());
    let report = Submission {
        mark: mark("r-1", 1),
        ..submission(Command::ReportCase(Box::new(report)), None)
    };
    world.submit(&report).expect("a good report");

    let named = |world: &mut World, verb: &str, case: CaseRef| {
        let mut command = world.verb(verb, CaseId(1));
        if let Command::AcknowledgeCase(acknowledge) = &mut command {
            acknowledge.target.case = case.clone();
        }
        if let Command::HandleCase(handle) = &mut command {
            handle.target.case = case;
        }
        world.act(GRID, command)
    };
    named(&mut world, "acknowledge", CaseRef::Key("r-1".into())).expect("by the report's key");
    named(&mut world, "handle", CaseRef::Number(crate::domain::case::Source::Patrol, "G-1".into()))
        .expect("by its number");
    assert_eq!(world.case(CaseId(1)).status.name(), StatusName::Handled);

    for unknown in [
        CaseRef::Key("r-2".into()),
        CaseRef::Number(crate::domain::case::Source::Hotline, "G-1".into()),
    ] {
        assert_eq!(
            named(&mut world, "handle", unknown).expect_err("unknown").code(),
            "ref_unknown"
        );
    }
}
