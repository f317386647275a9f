//! Who gets a reported case.

use super::world::*;
use crate::domain::case::{Source, StatusName};
use crate::domain::command::{Command, Submission};
use crate::domain::event::Event;
use crate::domain::grant::Places;

/// One line a report: matter, place: holder, with `!` where it is the fallback.
#[test]
fn a_report_goes_to_the_home_level_on_the_line_of_its_place() {
    let table = [
        (MICRO, GRID, GRID),
        (MICRO, GRID_2, GRID_2),
        (SMALL, GRID, VILLAGE),
        (MAJOR, GRID, OFFICE),
        (SMALL, VILLAGE, VILLAGE),
        (MAJOR, VILLAGE, OFFICE),
        (MAJOR, TOWNSHIP, OFFICE),
        // The place lies above the matter's home: no rule says which grid or village.
        (MICRO, VILLAGE, "!411502001000-R01"),
        (MICRO, TOWNSHIP, "!411502001000-R01"),
        (SMALL, TOWNSHIP, "!411502001000-R01"),
        // The grid is closed.
        (MICRO, GRID_CLOSED, "!411502001000-R01"),
        // The second township has no office, and no room: it takes the case itself.
        (MAJOR, GRID_3, "!411502002000"),
        (MICRO, VILLAGE_3, "!411502002000"),
    ];
    for (matter, place, expected) in table {
        let mut world = World::new();
        let case = world.reported(matter, place);
        let flag = if world.case(case).is_fallback { "!" } else { "" };
        assert_eq!(format!("{flag}{}", world.holder(case)), expected, "{matter} at {place}");
    }
}

#[test]
fn a_bad_report_is_refused_and_nothing_happens() {
    let mut world = World::new();
    let mut taken = world.report(MICRO, GRID);
    taken.source_number = Some("N-1".into());
    world.act(CITY, Command::ReportCase(Box::new(taken.clone()))).expect("the first of its number");
    let ahead = Some(START.plus_ms(HOUR));
    let report = world.report(MICRO, GRID);
    let answer = Some(world.part());
    let table = [
        (
            "matter_not_found",
            crate::domain::command::ReportCase { matter: "XX-1".into(), ..report.clone() },
        ),
        (
            "place_not_found",
            crate::domain::command::ReportCase { place: code("411502001201009"), ..report.clone() },
        ),
        (
            "place_too_high",
            crate::domain::command::ReportCase { place: code(COUNTY), ..report.clone() },
        ),
        ("source_number_taken", taken),
        (
            "occurred_in_future",
            crate::domain::command::ReportCase { occurred_at: ahead, ..report.clone() },
        ),
        (
            "not_on_the_spot",
            crate::domain::command::ReportCase {
                matter: SMALL.into(),
                settle: answer.clone(),
                ..report.clone()
            },
        ),
        (
            "settler_not_the_holder",
            crate::domain::command::ReportCase { place: code(GRID_2), settle: answer, ..report },
        ),
    ];
    for (expected, report) in table {
        let before = world.state.digest();
        let refused = world.act(GRID, Command::ReportCase(Box::new(report))).expect_err(expected);
        assert_eq!(refused.code(), expected);
        assert_eq!(world.state.digest(), before);
    }
}

#[test]
fn the_same_number_of_another_source_is_another_case() {
    let mut world = World::new();
    for source in [Source::Patrol, Source::Hotline] {
        let mut report = world.report(MICRO, GRID);
        report.source = source;
        report.source_number = Some("N-1".into());
        world.act(CITY, Command::ReportCase(Box::new(report))).expect("unique within its source");
    }
    assert_eq!(world.state.cases().len(), 2);
}

#[test]
fn what_the_holder_settles_on_the_spot_is_closed_in_one_call() {
    let mut world = World::new();
    let mut report = world.report(MICRO, GRID);
    report.settle = Some(world.part());
    let events = world.act(GRID, Command::ReportCase(Box::new(report))).expect("its own grid");
    assert!(matches!(events[..], [Event::CaseReported(_), Event::CaseSettled(_)]));
    let case = world.case(events[0].case().expect("of a case"));
    assert_eq!((case.status.name(), case.on_the_spot, case.version), (StatusName::Closed, true, 2));
    assert_eq!(world.state.next_due_at(), None);
}

#[test]
fn a_place_outside_the_scope_does_not_exist() {
    let mut world = World::new();
    let report = world.report(MICRO, GRID);
    let scoped = Submission {
        principal: TOWNSHIP_APP,
        places: Places::within(code(TOWNSHIP_2)),
        ..submission(Command::ReportCase(Box::new(report)), None)
    };
    assert_eq!(world.submit(&scoped).expect_err("outside").code(), "place_not_found");
}
