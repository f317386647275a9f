//! The organisation changes: who may come, go and move, and what becomes of the work.

use super::world::*;
use crate::domain::command::Submission;
use crate::domain::command::{
    Change, ChangeOrganisation, CloseUnit, Command, MergeUnits, MoveUnit, SplitUnit,
};
use crate::domain::event::Event;
use crate::domain::grant::Places;
use crate::domain::ids::{Seq, UnitNumber};
use crate::domain::limits::{EVENT_CASES_MAX, UNITS_TAIL_MAX};
use crate::domain::organisation::UnitRow;
use crate::domain::rejection::Rejection;

const GRID_NEW: &str = "411502001201004";
const POLICE: &str = "411502001000-S01";
const POLICE_DEPARTMENT: &str = "411502000000-D11";

fn change(world: &mut World, change: Change) -> Result<Vec<Event>, Rejection> {
    let change = ChangeOrganisation { seen: None, change };
    world.system(Command::ChangeOrganisation(Box::new(change)))
}

fn number(world: &World, text: &str) -> UnitNumber {
    world.state.organisation().find(code(text)).expect("a known unit")
}

fn close(unit: &str, successor: Option<&str>) -> Change {
    Change::Close(CloseUnit { unit: code(unit), successor: successor.map(code), until: None })
}

fn merge(units: &[&str], into: &str) -> Change {
    Change::Merge(MergeUnits {
        units: units.iter().map(|unit| code(unit)).collect(),
        into: code(into),
    })
}

fn split(one: &str, into: &[&str], successor: &str) -> Change {
    let into = into.iter().map(|text| unit(text)).collect();
    Change::Split(SplitUnit { unit: code(one), into, successor: code(successor) })
}

fn move_to(unit: &str, to: &str) -> Change {
    Change::Move(MoveUnit { unit: code(unit), to: code(to) })
}

fn reporting_to(text: &str, above: &str) -> UnitRow {
    UnitRow { reports_to: Some(code(above)), ..unit(text) }
}

#[test]
fn a_change_that_does_not_hold_together_is_refused_and_nothing_happens() {
    let part = reporting_to(GRID_NEW, GRID);
    let below_itself = SplitUnit {
        unit: code(GRID),
        into: vec![part, unit("411502001201005")],
        successor: code(GRID_NEW),
    };
    let table: [(Change, &str); 27] = [
        (Change::Split(below_itself), "unit_orphaned"),
        (Change::Open(unit(GRID)), "unit_code_taken"),
        (Change::Open(unit(GRID_CLOSED)), "unit_code_taken"),
        (Change::Open(unit("411502001209001")), "unit_orphaned"),
        (Change::Open(unit(POLICE)), "unit_incoherent"),
        (Change::Open(reporting_to(POLICE, POLICE_DEPARTMENT)), "unit_orphaned"),
        (
            Change::Open(UnitRow { valid_until: Some(START), ..unit(GRID_NEW) }),
            "unit_closes_elsewhere",
        ),
        (Change::Amend(unit(GRID_NEW)), "unit_not_known"),
        (Change::Amend(unit(GRID_CLOSED)), "unit_not_open"),
        (Change::Amend(reporting_to(VILLAGE, GRID)), "unit_in_circle"),
        (Change::Amend(reporting_to(GRID, GRID)), "unit_incoherent"),
        (Change::Amend(reporting_to(GRID, "411502001209")), "unit_orphaned"),
        (close(GRID_NEW, None), "unit_not_known"),
        (close(GRID_CLOSED, None), "unit_not_open"),
        (close(VILLAGE, Some(VILLAGE_2)), "unit_has_subunits"),
        (close(GRID, None), "unit_needs_successor"),
        (close(GRID, Some(GRID_NEW)), "successor_not_found"),
        (close(GRID, Some(GRID_CLOSED)), "successor_unfit"),
        (close(GRID, Some(GRID)), "successor_unfit"),
        (close(GRID, Some(COUNTY)), "successor_unfit"),
        (merge(&[GRID, GRID], GRID_2), "unit_twice"),
        (merge(&[GRID_2], VILLAGE_2), "unit_incoherent"),
        (split(GRID, &[GRID_NEW, GRID_NEW], GRID_NEW), "unit_twice"),
        (split(GRID, &[GRID_NEW, "411502001209"], GRID_NEW), "unit_incoherent"),
        (split(GRID, &[GRID_NEW, "411502001201005"], "411502001201009"), "successor_not_found"),
        (move_to(GRID, GRID_2), "unit_code_taken"),
        (move_to(COUNTY, "411503000000"), "unit_incoherent"),
    ];
    for (wanted, refused) in table {
        let mut world = World::new();
        world.reported(MICRO, GRID);
        let digest = world.state.digest();
        let answer = change(&mut world, wanted.clone()).map_err(|rejection| rejection.code());
        assert_eq!(answer.err(), Some(refused), "{wanted:?}");
        assert_eq!(world.state.digest(), digest, "{wanted:?}");
    }
}

#[test]
fn a_change_upon_an_older_version_is_refused() {
    let mut world = World::new();
    let seq = world.state.organisation().last_seq();
    let at = |seen: Seq| {
        let change = Change::Amend(UnitRow { name: "新名".into(), ..unit(GRID) });
        Command::ChangeOrganisation(Box::new(ChangeOrganisation { seen: Some(seen), change }))
    };
    world.system(at(seq)).expect("nothing came between");
    let refused = world.system(at(seq)).expect_err("it has changed");
    assert_eq!(refused, Rejection::OrganisationStale { seq: world.state.tail() });
}

#[test]
fn what_a_closed_unit_held_goes_to_its_successor_as_it_stands() {
    let ways = [
        (GRID_2, close(GRID, Some(GRID_2))),
        (GRID_2, merge(&[GRID], GRID_2)),
        (GRID_NEW, split(GRID, &[GRID_NEW, "411502001201005"], GRID_NEW)),
    ];
    for (successor, way) in ways {
        let mut world = World::new();
        let (waits, signed) = (world.reported(MICRO, GRID), world.reported(MICRO, GRID));
        let acknowledge = world.verb("acknowledge", signed);
        world.act(GRID, acknowledge).expect("its own");
        let elsewhere = world.reported(SMALL, GRID);
        world.now = START.plus_ms(5 * HOUR);
        let before = [waits, signed].map(|id| world.case(id));

        change(&mut world, way).expect("a good change");
        for (id, before) in [waits, signed].into_iter().zip(before) {
            let case = world.case(id);
            assert_eq!(world.holder(id), successor);
            assert_eq!(case.status, before.status.held_by(number(&world, successor)));
            assert_eq!(case.deadlines, before.deadlines, "clocks go on");
            assert_eq!((case.version, case.changed_at), (before.version + 1, world.now));
        }
        assert_eq!(world.holder(elsewhere), VILLAGE);
        // The successor works on, and the closed one does not.
        let handle = world.verb("handle", signed);
        assert_eq!(world.act(GRID, handle.clone()).expect_err("closed").code(), "unit_closed");
        world.act(successor, handle).expect("its holder");
        // What is reported of the closed place falls to the room.
        let later = world.reported(MICRO, GRID);
        assert_eq!(world.holder(later), ROOM);
    }
}

#[test]
fn five_thousand_cases_move_in_one_command() {
    let mut world = World::new();
    let cases = EVENT_CASES_MAX + 1_000;
    for _ in 0..cases {
        world.reported(MICRO, GRID);
    }
    let refused = change(&mut world, close(GRID, None)).expect_err("it holds cases");
    assert_eq!(refused, Rejection::UnitNeedsSuccessor { unit: code(GRID) });
    let events = change(&mut world, close(GRID, Some(GRID_2))).expect("a good change");
    let names: Vec<_> = events.iter().map(Event::name).collect();
    assert_eq!(names, ["unit.closed", "cases.inherited", "cases.inherited"]);
    let heir = number(&world, GRID_2);
    assert!(world.state.cases().iter().all(|(_, case)| case.status.holder() == Some(heir)));
}

#[test]
fn who_returns_a_case_of_a_closed_sender_gives_it_to_the_successor() {
    let mut world = World::new();
    let case = world.reported(MICRO, GRID);
    let escalate = world.verb("escalate", case);
    world.act(GRID, escalate).expect("up");
    change(&mut world, close(GRID, Some(GRID_2))).expect("it holds nothing");
    let back = world.verb("return", case);
    world.act(VILLAGE, back).expect("unsigned");
    assert_eq!(world.holder(case), GRID_2);
}

#[test]
fn a_moved_unit_keeps_its_number_its_work_and_its_old_code() {
    let mut world = World::new();
    let case = world.reported(MICRO, GRID);
    let moved_at = START.plus_ms(HOUR);
    world.now = moved_at;
    let (grid, to) = (number(&world, GRID), "411502001202001");
    change(&mut world, move_to(GRID, to)).expect("a good change");

    let organisation = world.state.organisation();
    assert_eq!(organisation.find(code(to)), Some(grid));
    assert_eq!(organisation.find(code(GRID)), Some(grid), "the code that it left names it still");
    assert_eq!(organisation.code_at(grid, START), Some(code(GRID)));
    assert_eq!(organisation.code_at(grid, moved_at), Some(code(to)));
    assert_eq!(world.holder(case), to);
    let place = world.case(case).place_code(world.state.organisation());
    assert_eq!(place, Some(code(GRID)), "a case keeps the code that it was reported under");
    let escalate = world.verb("escalate", case);
    world.act(to, escalate).expect("its own");
    assert_eq!(world.holder(case), VILLAGE_2, "up from where it lies now");
    let offline = world.reported(MICRO, GRID);
    assert_eq!(world.holder(offline), to, "a phone that does not know yet");
    let refused = change(&mut world, Change::Open(unit(GRID))).expect_err("it was left");
    assert_eq!(refused, Rejection::UnitCodeTaken { unit: code(GRID) });
}

#[test]
fn a_moved_village_takes_along_what_sits_in_it() {
    let mut world = World::new();
    let (grid, grid_2) = (number(&world, GRID), number(&world, GRID_2));
    change(&mut world, move_to(VILLAGE, "411502002205")).expect("a good change");
    let organisation = world.state.organisation();
    assert_eq!(organisation.code(grid), Some(code("411502002205001")));
    assert_eq!(organisation.code(grid_2), Some(code("411502002205002")));
    let case = world.reported(SMALL, "411502002205001");
    assert_eq!(world.holder(case), "411502002205");
}

#[test]
fn a_stationed_body_sits_in_one_place_and_answers_to_another() {
    let mut world = World::new();
    let rows = vec![unit(POLICE_DEPARTMENT), reporting_to(POLICE, POLICE_DEPARTMENT)];
    world.import(rows).expect("both at once");
    let organisation = world.state.organisation();
    let (police, department) = (number(&world, POLICE), number(&world, POLICE_DEPARTMENT));
    assert_eq!(organisation.parent(police), Some(department));
    assert!(organisation.children(department).eq([police]));
    assert!(organisation.bodies(number(&world, TOWNSHIP)).contains(&police));
    let above: Vec<_> =
        organisation.ancestors(police).filter_map(|unit| organisation.code(unit)).collect();
    assert_eq!(above, [POLICE_DEPARTMENT, COUNTY, CITY].map(code));
    let refused = change(&mut world, close(POLICE_DEPARTMENT, None)).expect_err("it has one below");
    assert_eq!(refused.code(), "unit_has_subunits");
    // It takes cases of the township all the same.
    let case = world.reported(MAJOR, GRID);
    let mut transfer = world.verb("transfer", case);
    if let Command::TransferCase(send) = &mut transfer {
        send.to = code(POLICE);
    }
    world.act(OFFICE, transfer).expect("in the same township");
    assert_eq!(world.holder(case), POLICE);
}

#[test]
fn what_hangs_on_a_unit_does_so_by_whatever_code_it_names_it() {
    let mut world = World::new();
    let moved_to = "411502000000-D12";
    let rows = vec![unit(POLICE_DEPARTMENT), reporting_to(POLICE, POLICE_DEPARTMENT)];
    world.import(rows).expect("both at once");
    change(&mut world, move_to(POLICE_DEPARTMENT, moved_to)).expect("a good change");

    let circle = reporting_to(moved_to, POLICE);
    let refused = change(&mut world, Change::Amend(circle.clone())).expect_err("a circle");
    assert_eq!(refused.code(), "unit_in_circle");
    assert_eq!(world.import(vec![circle]).expect_err("a circle").code(), "unit_in_circle");
    let closed = UnitRow { valid_until: Some(START), ..unit(moved_to) };
    let refused = world.import(vec![closed]).expect_err("one hangs on it");
    assert_eq!(refused.code(), "unit_has_subunits");

    // Who asks for a place by the code that it left is asked for the place as it is.
    change(&mut world, move_to(GRID, "411502002201009")).expect("to another township");
    let here = Places::within(code(TOWNSHIP));
    let report = Command::ReportCase(Box::new(world.report(MICRO, GRID)));
    let report = Submission { places: here.clone(), ..submission(report, None) };
    assert_eq!(world.submit(&report), Err(Rejection::PlaceNotFound));
    let case = world.reported(SMALL, GRID_2);
    let acting = submission(world.verb("acknowledge", case), Some(GRID));
    let acting = Submission { places: here, ..acting };
    assert_eq!(world.submit(&acting), Err(Rejection::UnitNotFound));
}

#[test]
fn whoever_moves_to_below_itself_is_refused() {
    const BOARD: &str = "411502001201-T01";
    // Who reports to whom, and the move that would close the circle: to sit at who reports to it, and
    // into a township that reports to what is carried along.
    let table = [
        (reporting_to(VILLAGE_2, BOARD), BOARD, "411502001202-T01"),
        (reporting_to(TOWNSHIP_2, BOARD), VILLAGE, "411502002205"),
        (reporting_to(TOWNSHIP_2, GRID), VILLAGE, "411502002205"),
    ];
    for (row, moved, to) in table {
        let mut world = World::new();
        change(&mut world, Change::Open(unit(BOARD))).expect("a board of the village");
        change(&mut world, Change::Amend(row)).expect("no circle yet");
        let refused = change(&mut world, move_to(moved, to)).expect_err("a circle");
        assert_eq!(refused, Rejection::UnitInCircle { unit: code(to) }, "{moved} to {to}");
        // Elsewhere it may go.
        let free = if moved == BOARD { "411502002201-T01" } else { "411502001205" };
        change(&mut world, move_to(moved, free)).expect("no circle there");
    }
}

#[test]
fn an_import_closes_with_successors_and_opens_them_in_the_same_commit() {
    let mut world = World::new();
    let case = world.reported(MICRO, GRID);
    let closing =
        UnitRow { valid_until: Some(START), successor: Some(code(GRID_NEW)), ..unit(GRID) };
    let refused = world.import(vec![closing.clone()]).expect_err("nobody has that code");
    assert_eq!(refused, Rejection::SuccessorNotFound { unit: code(GRID) });
    world.import(vec![closing, unit(GRID_NEW)]).expect("both at once");
    assert_eq!(world.holder(case), GRID_NEW);

    let circle = vec![
        reporting_to("411502001000-T01", "411502001000-H01"),
        reporting_to("411502001000-H01", "411502001000-T01"),
    ];
    let refused = world.import(circle).expect_err("a circle");
    assert_eq!(refused.code(), "unit_in_circle");
    let twice = vec![unit("411502001201008"), unit("411502001201008")];
    let refused = world.import(twice).expect_err("twice");
    assert_eq!(refused.code(), "unit_twice");
    let village = UnitRow { valid_until: Some(START), ..unit(VILLAGE) };
    let refused = world.import(vec![village]).expect_err("its grids stay");
    assert_eq!(refused.code(), "unit_has_subunits");
}

#[test]
fn a_full_tail_begins_another_epoch_and_numbers_stay() {
    let mut world = World::new();
    assert_eq!(world.state.organisation().epoch(), 1);
    let grid = number(&world, GRID_3);
    let rows = |villages: std::ops::Range<usize>| {
        let villages = villages.map(|village| unit(&format!("411502001{:03}", 210 + village)));
        villages.collect::<Vec<_>>()
    };
    world.import(rows(0..30)).expect("more villages");
    assert_eq!(world.state.organisation().epoch(), 1, "they fit the tail");

    let mut village = 0;
    while world.state.organisation().epoch() == 1 {
        let grids = (1..=150).map(|grid| unit(&format!("411502001{:03}{grid:03}", 210 + village)));
        world.import(grids.collect()).expect("more grids");
        village += 1;
    }
    let organisation = world.state.organisation();
    assert!(organisation.len() > UNITS_TAIL_MAX);
    assert_eq!(organisation.order().len(), organisation.len(), "all are in order again");
    assert!(organisation.order().is_sorted_by_key(|ordered| ordered.code));
    assert_eq!(organisation.find(code(GRID_3)), Some(grid));
    let township = organisation.subtree(number(&world, TOWNSHIP_2)).expect("known");
    assert_eq!((township.units().count(), township.tail.len()), (3, 0));
}

#[test]
fn nothing_sits_where_nobody_is_any_more_or_not_yet() {
    let mut world = World::new();
    change(&mut world, move_to(VILLAGE, "411502002205")).expect("a good change");
    let left = "411502001201009";
    let parts = [left, "411502001201010"];
    let station = "411502001201-R01";
    for wanted in [
        Change::Open(unit(left)),
        Change::Open(unit(station)),
        move_to(GRID_3, left),
        split(GRID_3, &parts, left),
    ] {
        let refused = change(&mut world, wanted.clone()).expect_err("the village has left");
        assert_eq!(refused.code(), "unit_orphaned", "{wanted:?}");
    }
    assert_eq!(world.import(vec![unit(left)]).expect_err("it has left").code(), "unit_orphaned");
    // Whoever reports to it may name it so still.
    let reporting = reporting_to("411502001000-T01", VILLAGE);
    change(&mut world, Change::Open(reporting)).expect("it is known by that code");

    let from = |hours: i64| Some(START.plus_ms(hours * HOUR));
    let village = UnitRow { valid_from: from(10), ..unit("411502001209") };
    change(&mut world, Change::Open(village)).expect("it comes later");
    let below = |hours| UnitRow { valid_from: hours, ..unit("411502001209001") };
    for early in [None, from(9)] {
        let refused = change(&mut world, Change::Open(below(early))).expect_err("it comes earlier");
        assert_eq!(refused.code(), "unit_orphaned");
        assert_eq!(world.import(vec![below(early)]).expect_err("early").code(), "unit_orphaned");
    }
    change(&mut world, Change::Open(below(from(10)))).expect("both come at once");
}
