//! Townships become one (撤乡并镇): what must go first, who takes over, and where a report of a place
//! goes that is no more.

use super::world::*;
use crate::domain::command::{Change, ChangeOrganisation, CloseUnit, Command, MergeUnits};
use crate::domain::event::Event;
use crate::domain::limits::COMMAND_EVENTS_MAX;
use crate::domain::organisation::UnitRow;
use crate::domain::rejection::Rejection;

const POLICE: &str = "411502001000-S01";
const POLICE_DEPARTMENT: &str = "411502000000-D11";
/// What the first township's villages and grids are in the second.
const VILLAGE_NEW: &str = "411502002202";
const GRID_NEW: &str = "411502002202001";
const GRID_2_NEW: &str = "411502002202002";

fn change(world: &mut World, change: Change) -> Result<Vec<Event>, Rejection> {
    let change = ChangeOrganisation { seen: None, change };
    world.system(Command::ChangeOrganisation(Box::new(change)))
}

fn close(unit: &str, successor: Option<&str>) -> Change {
    Change::Close(CloseUnit { unit: code(unit), successor: successor.map(code), until: None })
}

fn closing(world: &World, text: &str, successor: Option<&str>) -> UnitRow {
    let organisation = world.state.organisation();
    let number = organisation.find(code(text)).expect("a known unit");
    let row = organisation.unit(number).expect("a known unit").clone();
    UnitRow { valid_until: Some(world.now), successor: successor.map(code), ..row }
}

/// The first township closes with all that is in it, and the second takes over.
fn merged(world: &World) -> Vec<UnitRow> {
    let pairs = [
        (TOWNSHIP, TOWNSHIP_2),
        (ROOM, TOWNSHIP_2),
        (OFFICE, TOWNSHIP_2),
        (OFFICE_2, TOWNSHIP_2),
        (VILLAGE, VILLAGE_NEW),
        (VILLAGE_2, VILLAGE_NEW),
        (GRID, GRID_NEW),
        (GRID_2, GRID_2_NEW),
    ];
    let closing = pairs.map(|(from, to)| closing(world, from, Some(to)));
    closing.into_iter().chain([VILLAGE_NEW, GRID_NEW, GRID_2_NEW].map(unit)).collect()
}

#[test]
fn one_import_merges_two_townships_with_all_their_work() {
    let mut world = World::new();
    let work = [
        (world.reported(MICRO, GRID), GRID_NEW),
        (world.reported(MICRO, GRID_2), GRID_2_NEW),
        (world.reported(SMALL, GRID), VILLAGE_NEW),
        (world.reported(MAJOR, VILLAGE_2), TOWNSHIP_2),
        (world.reported(MICRO, GRID_CLOSED), TOWNSHIP_2),
    ];
    let rows = merged(&world);
    // Without any of them but the township itself, which may stay, it does not hold together.
    for missing in 1..rows.len() {
        let mut rows = rows.clone();
        let missed = rows.remove(missing).code;
        assert!(world.clone().import(rows).is_err(), "without {missed}");
    }
    world.import(rows).expect("all at once");
    for (case, holder) in work {
        assert_eq!(world.holder(case), holder);
    }
}

#[test]
fn a_township_does_not_close_while_somebody_sits_in_it_who_answers_elsewhere() {
    let police = UnitRow { reports_to: Some(code(POLICE_DEPARTMENT)), ..unit(POLICE) };
    let mut world = World::new();
    world.import(vec![unit(POLICE_DEPARTMENT), police.clone()]).expect("both at once");
    let rows = merged(&world);
    let refused = world.import(rows.clone()).expect_err("the police stays");
    assert_eq!(refused, Rejection::UnitHasSubunits { unit: code(TOWNSHIP) });
    for unit in [GRID, GRID_2, VILLAGE, VILLAGE_2, OFFICE, OFFICE_2, ROOM] {
        change(&mut world, close(unit, None)).expect("it is empty");
    }
    for wanted in [
        close(TOWNSHIP, Some(TOWNSHIP_2)),
        Change::Merge(MergeUnits { units: vec![code(TOWNSHIP)], into: code(TOWNSHIP_2) }),
        Change::Close(CloseUnit {
            unit: code(TOWNSHIP),
            successor: Some(code(TOWNSHIP_2)),
            until: Some(world.now.plus_ms(HOUR)),
        }),
    ] {
        let refused = change(&mut world, wanted).expect_err("the police stays");
        assert_eq!(refused, Rejection::UnitHasSubunits { unit: code(TOWNSHIP) });
    }
    change(&mut world, close(POLICE, None)).expect("it is empty");
    change(&mut world, close(TOWNSHIP, Some(TOWNSHIP_2))).expect("nobody is left");
}

#[test]
fn a_report_of_a_township_that_is_no_more_falls_to_whoever_stands_in() {
    // The successors of grid, village and township, and who gets a report of the grid's place.
    let table: [(Option<&str>, Option<&str>, Option<&str>); 4] = [
        (Some(GRID_3), None, Some(TOWNSHIP_2)),
        (None, Some(TOWNSHIP_2), Some(TOWNSHIP_2)),
        (Some(GRID_2), Some(TOWNSHIP_2), Some(TOWNSHIP_2)),
        (None, None, None),
    ];
    for (of_grid, of_township, holder) in table {
        let mut world = World::new();
        for (unit, successor) in [
            (GRID, of_grid),
            (GRID_2, None),
            (VILLAGE, None),
            (VILLAGE_2, None),
            (OFFICE, None),
            (OFFICE_2, None),
            (ROOM, None),
            (TOWNSHIP, of_township),
        ] {
            change(&mut world, close(unit, successor)).expect("it is empty");
        }
        let report = world.report(MICRO, GRID);
        let reported = world.act(CITY, Command::ReportCase(Box::new(report)));
        let Some(holder) = holder else {
            assert_eq!(reported, Err(Rejection::NoHolder));
            continue;
        };
        let case = reported.expect("a good report")[0].case().expect("a report is of a case");
        assert_eq!(world.holder(case), holder, "{of_grid:?} {of_township:?}");
        assert!(world.case(case).is_fallback, "it is flagged");
    }
}

#[test]
fn an_import_from_which_too_much_follows_is_refused_and_comes_in_parts() {
    let mut world = World::new();
    let grids = COMMAND_EVENTS_MAX + 1;
    let places: Vec<String> = (0..grids)
        .map(|grid| format!("411502001{:03}{:03}", 210 + grid / 999, 1 + grid % 999))
        .collect();
    let villages = (0..=grids / 999).map(|at| unit(&format!("411502001{:03}", 210 + at)));
    let grids = places.iter().map(|place| unit(place));
    world.import_many(&villages.chain(grids).collect::<Vec<_>>()).expect("villages and grids");
    for place in &places {
        world.reported(MICRO, place);
    }
    let all: Vec<_> = places.iter().map(|place| closing(&world, place, Some(GRID))).collect();
    let refused = world.import_many(&all).expect_err("an event a grid, and its own");
    assert_eq!(refused, Rejection::TooMuchAtOnce);
    world.import_many(&all[..1_000]).expect("a part of them");
    let organisation = world.state.organisation();
    let closed = organisation.iter().filter(|(_, row)| row.is_closed(world.now)).count();
    assert_eq!(closed, 1_000 + 1, "these, and the one that was");
}
