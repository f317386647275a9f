//! Every status × every verb, and who may.

use super::world::*;
use crate::domain::case::StatusName;
use crate::domain::command::{CaseRef, Command, Submission};
use crate::domain::ids::CaseId;

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

/// One line a case: the path to it `>` the verb: what it comes to.
#[test]
fn every_status_answers_every_verb() {
    let table = "
        > acknowledge: acknowledged
        > escalate: dispatched
        > handle: move_not_allowed dispatched acknowledge,escalate
        > close: move_not_allowed dispatched acknowledge,escalate
        acknowledge > acknowledge: move_not_allowed acknowledged escalate,handle
        acknowledge > escalate: dispatched
        acknowledge > handle: handled
        acknowledge > close: move_not_allowed acknowledged escalate,handle
        acknowledge handle > acknowledge: move_not_allowed handled close
        acknowledge handle > escalate: move_not_allowed handled close
        acknowledge handle > handle: move_not_allowed handled close
        acknowledge handle > close: closed
        acknowledge handle close > acknowledge: move_not_allowed closed
        acknowledge handle close > escalate: move_not_allowed closed
        acknowledge handle close > handle: move_not_allowed closed
        acknowledge handle close > close: move_not_allowed closed
        escalate > acknowledge: acknowledged
        escalate escalate > acknowledge: acknowledged
        escalate escalate > escalate: move_not_allowed dispatched acknowledge
        escalate escalate acknowledge > escalate: move_not_allowed acknowledged handle
        escalate escalate acknowledge > handle: handled
        escalate escalate acknowledge handle > close: closed
    ";
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (path, rest) = line.split_once('>').expect("a path and a verb");
        let (verb, expected) = rest.split_once(':').expect("a verb and what it comes to");
        let mut world = World::new();
        let case = case_after(&mut world, path);
        let holder = if world.holder(case) == "nobody" { GRID.into() } else { world.holder(case) };
        let command = world.verb(verb.trim(), case);
        let came_to = match world.act(&holder, command) {
            Ok(_) => world.case(case).status.name().name().to_string(),
            Err(crate::domain::rejection::Rejection::MoveNotAllowed { status, moves, .. }) => {
                let moves: Vec<_> = moves.iter().map(crate::domain::case::Move::name).collect();
                format!("move_not_allowed {} {}", status.name(), moves.join(","))
            }
            Err(other) => other.code().to_string(),
        };
        assert_eq!(came_to.trim(), expected.trim(), "{line}");
    }
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
    assert_eq!(refused, crate::domain::rejection::Rejection::VersionStale { case, version: 2 });

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
