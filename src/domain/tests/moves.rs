//! Every status × every verb, and who may.

use std::collections::BTreeSet;

use super::world::*;
use crate::domain::case::{Light, Move, Moves, Sending, StatusName};
use crate::domain::command::{CaseRef, Command, Submission};
use crate::domain::grant::Places;
use crate::domain::ids::{CaseId, UnitNumber};
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

/// One row for each status and level of its holder, one column a verb: what the case comes to when
/// whoever answers for it asks, or `-` where it may not. A refusal names the verbs that the row
/// allows. `g`, `v`, `t` and `n` stand for grid, village, township and nobody.
const TABLE: &str = "
    case at         acknowledge     escalate      handle     close     hand_down     transfer      return        decline     reopen        void  note
    g:dispatched    g:acknowledged  v:dispatched  -          -         -             g:dispatched  t:dispatched  n:declined  -             -     g:dispatched
    g:acknowledged  -               v:dispatched  g:handled  -         -             g:dispatched  -             -           -             -     g:acknowledged
    g:handled       -               -             -          n:closed  -             -             -             -           -             -     g:handled
    v:dispatched    v:acknowledged  t:dispatched  -          -         g:dispatched  v:dispatched  g:dispatched  n:declined  -             -     v:dispatched
    v:acknowledged  -               t:dispatched  v:handled  -         g:dispatched  v:dispatched  -             -           -             -     v:acknowledged
    v:handled       -               -             -          n:closed  -             -             -             -           -             -     v:handled
    t:dispatched    t:acknowledged  -             -          -         v:dispatched  t:dispatched  v:dispatched  n:declined  -             -     t:dispatched
    t:acknowledged  -               -             t:handled  -         v:dispatched  t:dispatched  -             -           -             -     t:acknowledged
    t:handled       -               -             -          n:closed  -             -             -             -           -             -     t:handled
    n:closed        -               -             -          -         -             -             -             -           g:dispatched  -     n:closed
    n:declined      -               -             -          -         -             -             -             -           g:dispatched  -     n:declined
    n:voided        -               -             -          -         -             -             -             -           -             -     n:voided
";

/// The rows that there must be: every status, at every level that can hold a case at it.
fn every_row() -> BTreeSet<String> {
    let levels = |status: StatusName| match status {
        StatusName::Dispatched | StatusName::Acknowledged | StatusName::Handled => {
            &["g", "v", "t"][..]
        }
        StatusName::Closed | StatusName::Declined | StatusName::Voided => &["n"],
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
        Command::HandDownCase(_) => Some(Move::HandDown),
        Command::TransferCase(_) => Some(Move::Transfer),
        Command::ReturnCase(_) => Some(Move::Return),
        Command::DeclineCase(_) => Some(Move::Decline),
        Command::ReopenCase(_) => Some(Move::Reopen),
        Command::VoidCase(_) => Some(Move::Void),
        Command::NoteCase(_) => Some(Move::Note),
        Command::OpenJournal(_)
        | Command::AdmitClient(_)
        | Command::ChangeClient(_)
        | Command::RotateClient(_)
        | Command::RevokeClient(_)
        | Command::RevealCase(_)
        | Command::BeginImport(_)
        | Command::StageUnits(_)
        | Command::StageMatters(_)
        | Command::StageText(_)
        | Command::CommitImport(_)
        | Command::AbandonImport(_)
        | Command::AdvanceClock(_)
        | Command::ChangeOrganisation(_)
        | Command::ReportCase(_) => None,
    }
}

/// The row that a case is in.
fn row_of(world: &World, case: CaseId) -> String {
    let case = world.case(case);
    let holder = case.status.holder().and_then(|unit| world.state.organisation().unit(unit));
    let level = holder.map_or('n', |row| row.level().name().chars().next().expect("a name"));
    format!("{level}:{}", case.status.name().name())
}

/// Who answers for the case: its holder, or who ended it.
fn answers(world: &World, case: CaseId) -> String {
    let status = world.case(case).status;
    let unit = status.unit();
    world.state.organisation().code(unit).expect("a known unit").to_string()
}

/// A case in that row: up to the level, and then as far as the status.
fn case_in(world: &mut World, row: &str) -> CaseId {
    let (level, status) = row.split_once(':').expect("a level and a status");
    let ups = ["g", "v", "t"].iter().position(|one| *one == level).unwrap_or(0);
    let verbs = match StatusName::from_name(status).expect("a status") {
        StatusName::Dispatched | StatusName::Voided => "",
        StatusName::Acknowledged => "acknowledge",
        StatusName::Handled => "acknowledge handle",
        StatusName::Closed => "acknowledge handle close",
        StatusName::Declined => "decline",
    };
    let case = case_after(world, &format!("{}{verbs}", "escalate ".repeat(ups)));
    if status == "voided" {
        let void = world.verb("void", case);
        world.act(ROOM, void).expect("the centre voids");
    }
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
            check_cell(row, *verb, expected, Moves::of(&allowed));
        }
    }
    assert_eq!(rows, every_row(), "one row for each status and level of its holder");
}

fn check_cell(row: &str, verb: Move, expected: &str, moves: Moves) {
    let mut world = World::new();
    let case = case_in(&mut world, row);
    let status = world.case(case).status.name();
    // The centre voided it: whoever held it has no part in it any more.
    let by = answers(&world, case);
    let command = world.verb(verb.name(), case);
    assert_eq!(move_of(&command), Some(verb));
    let digest = world.state.digest();
    let answer = world.act(&by, command);
    if expected != "-" {
        answer.expect("the row allows it");
        assert_eq!(row_of(&world, case), expected, "{row}, {verb:?}");
        return;
    }
    assert_eq!(world.state.digest(), digest, "{row}, {verb:?}");
    let refused = answer.expect_err("the row does not allow it");
    let needs_centre = verb == Move::Void && matches!(refused, Rejection::NeedsCentre { .. });
    let expected = if needs_centre {
        Rejection::NeedsCentre { case, status, moves }
    } else {
        Rejection::MoveNotAllowed { case, status, moves }
    };
    assert_eq!(refused, expected, "{row}, {verb:?}");
}

#[test]
fn a_centre_voids_what_is_not_handled_and_opens_what_has_ended() {
    let rows = [
        ("g:dispatched", "void", Ok("n:voided")),
        ("v:acknowledged", "void", Ok("n:voided")),
        ("t:handled", "void", Err("move_not_allowed")),
        ("n:closed", "reopen", Ok("g:dispatched")),
        ("n:declined", "reopen", Ok("g:dispatched")),
        ("n:voided", "reopen", Err("move_not_allowed")),
        ("g:dispatched", "acknowledge", Err("not_the_holder")),
        ("g:dispatched", "note", Ok("g:dispatched")),
    ];
    for (row, verb, expected) in rows {
        let mut world = World::new();
        let case = case_in(&mut world, row);
        let command = world.verb(verb, case);
        let answer = world.act(ROOM, command).map_err(|refused| refused.code());
        let answer = answer.map(|_| row_of(&world, case));
        assert_eq!(answer, expected.map(str::to_owned), "{row}, {verb}");
    }
}

#[test]
fn a_case_is_returned_to_whoever_sent_it_and_not_to_and_fro() {
    let mut world = World::new();
    let case = case_after(&mut world, "escalate");
    let mut holders = vec![world.holder(case)];
    for _ in 0..2 {
        let holder = world.holder(case);
        let back = world.verb("return", case);
        world.act(&holder, back).expect("unsigned");
        holders.push(world.holder(case));
    }
    // The grid got it back and knows nobody who sent it: the township's room sorts it out.
    assert_eq!(holders, [VILLAGE, GRID, ROOM]);
    let back = world.verb("return", case);
    let refused = world.act(ROOM, back).expect_err("it came from nowhere");
    assert_eq!(refused.code(), "move_not_allowed");
}

#[test]
fn what_a_county_opened_again_is_returned_to_the_township() {
    let mut world = World::new();
    let county_room = "411502000000-R01";
    world.import(vec![unit(county_room)]).expect("a centre of the county");
    let case = case_after(&mut world, "acknowledge handle close");
    let reopen = world.verb("reopen", case);
    world.act(county_room, reopen).expect("a centre above");
    assert_eq!(world.holder(case), GRID);
    let back = world.verb("return", case);
    world.act(GRID, back).expect("unsigned");
    assert_eq!(world.holder(case), ROOM, "no case lies above the township");
}

#[test]
fn a_case_may_go_to_each_unit_that_is_listed_and_to_no_other() {
    for row in every_row() {
        let mut world = World::new();
        let case = case_in(&mut world, &row);
        let answers = answers(&world, case);
        for by in Sending::ALL {
            let organisation = world.state.organisation();
            let listed: BTreeSet<_> = listed(&world, case, *by, &Places::everywhere());
            let all: Vec<_> = organisation.iter().map(|(unit, row)| (unit, row.code)).collect();
            let accepted: BTreeSet<_> = all
                .into_iter()
                .filter(|(unit, to)| {
                    let mut command = world.verb(by.name(), case);
                    if let Command::HandDownCase(send) | Command::TransferCase(send) = &mut command
                    {
                        send.to = *to;
                    }
                    // What changes nothing of the world is asked of a copy of it.
                    let mut world = world.clone();
                    let is_done = world.act(&answers, command).is_ok();
                    is_done && world.case(case).status.holder() == Some(*unit)
                })
                .map(|(unit, _)| unit)
                .collect();
            assert_eq!(listed, accepted, "{row}, {}", by.name());
        }
    }
}

#[test]
fn nothing_is_listed_outside_the_places_of_whoever_asks() {
    let mut world = World::new();
    let case = case_after(&mut world, "escalate escalate");
    let places = Places::within(code(VILLAGE));
    let in_village = listed(&world, case, Sending::HandDown, &places);
    let codes: Vec<_> =
        in_village.iter().filter_map(|unit| world.state.organisation().code(*unit)).collect();
    assert_eq!(codes, [VILLAGE, GRID, GRID_2].map(code));
    assert!(listed(&world, case, Sending::Transfer, &places).is_empty());
}

fn listed(world: &World, case: CaseId, by: Sending, places: &Places) -> BTreeSet<UnitNumber> {
    let (organisation, case) = (world.state.organisation(), world.case(case));
    let matter = world.state.catalogue().matter(case.matter).expect("a matter");
    case.targets(organisation, matter.module, world.now, places, by).into_iter().collect()
}

#[test]
fn a_case_goes_down_and_aside_only_where_the_move_goes() {
    let rows = [
        (VILLAGE, "hand_down", GRID, None),
        (VILLAGE, "hand_down", VILLAGE_2, Some("to_unfit")),
        (VILLAGE, "hand_down", GRID_CLOSED, Some("to_closed")),
        (VILLAGE, "hand_down", VILLAGE, Some("to_is_holder")),
        (VILLAGE, "hand_down", "411502001202009", Some("to_not_found")),
        (OFFICE, "hand_down", GRID_2, None),
        (OFFICE, "hand_down", VILLAGE_3, Some("to_unfit")),
        (OFFICE, "transfer", OFFICE_2, None),
        (OFFICE, "transfer", ROOM, None),
        (OFFICE, "transfer", VILLAGE, Some("to_unfit")),
        (OFFICE, "transfer", TOWNSHIP_2, Some("to_unfit")),
        (VILLAGE, "transfer", VILLAGE_3, Some("to_unfit")),
        (VILLAGE, "transfer", COUNTY, Some("to_unfit")),
    ];
    for (holder, verb, to, refused) in rows {
        let mut world = World::new();
        let ups = if holder == OFFICE { "escalate escalate" } else { "escalate" };
        let case = case_after(&mut world, ups);
        assert_eq!(world.holder(case), holder);
        let mut command = world.verb(verb, case);
        if let Command::HandDownCase(send) | Command::TransferCase(send) = &mut command {
            send.to = code(to);
        }
        let answer = world.act(holder, command).map_err(|refused| refused.code());
        assert_eq!(answer.err(), refused, "{holder}, {verb}, {to}");
        if refused.is_none() {
            assert_eq!(world.holder(case), to);
        }
    }
}

#[test]
fn an_opened_case_has_both_clocks_anew() {
    let mut world = World::new();
    let case = case_after(&mut world, "");
    world.at_hour(200);
    for verb in ["acknowledge", "handle", "close"] {
        let command = world.verb(verb, case);
        world.act(GRID, command).expect("late, and done");
    }
    let reopen = world.verb("reopen", case);
    world.act(GRID, reopen).expect("it closed it");
    let opened = world.case(case);
    assert_eq!(
        (opened.reopens, opened.node_light, opened.total_light),
        (1, Light::Green, Light::Green)
    );
    assert_eq!(opened.deadlines.total_due_at, START.plus_ms(300 * HOUR));
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
    assert_eq!(holders, [GRID, VILLAGE, OFFICE]);
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
        places: Places::within(code(TOWNSHIP_2)),
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
