//! Yellow at 80 %, red at 100 %, on two clocks. A node has 10 hours, the whole case 100.

use super::world::*;
use crate::domain::case::{Light, Source};
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::ids::CaseId;

fn names(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| {
        let (Event::CaseWarned(due) | Event::CaseOverdue(due)) = event else {
            return event.name().to_string();
        };
        let hour = due.due_at.ms_since(START) / HOUR;
        format!("{} {} {hour}", event.name(), due.clock.name())
    };
    events.iter().map(name).collect()
}

#[test]
fn a_case_that_nobody_touches_turns_yellow_and_red_on_both_clocks() {
    let mut world = World::new();
    let case = world.reported(MICRO, GRID);
    assert_eq!(names(&world.at_hour(7)), Vec::<String>::new());
    assert_eq!(names(&world.at_hour(8)), ["case.warned node 8"]);
    assert_eq!(world.case(case).node_light, Light::Yellow);
    assert_eq!(names(&world.at_hour(9)), Vec::<String>::new());
    assert_eq!(
        names(&world.at_hour(200)),
        ["case.overdue node 10", "case.warned total 80", "case.overdue total 100"]
    );
    assert_eq!(
        (world.case(case).node_light, world.case(case).total_light),
        (Light::Red, Light::Red)
    );
    assert_eq!(world.state.next_due_at(), None);
}

#[test]
fn the_node_clock_starts_again_with_the_holder_and_the_total_clock_does_not() {
    let mut world = World::new();
    let case = world.reported(MICRO, GRID);
    world.at_hour(9);
    let escalate = world.verb("escalate", case);
    world.act(GRID, escalate).expect("the holder's");
    assert_eq!(world.case(case).node_light, Light::Green);
    assert_eq!(
        names(&world.at_hour(100)),
        [
            "case.warned node 17",
            "case.overdue node 19",
            "case.warned total 80",
            "case.overdue total 100"
        ]
    );
}

#[test]
fn handling_stops_the_node_clock_and_closing_both() {
    let mut world = World::new();
    let case = world.reported(MICRO, GRID);
    for verb in ["acknowledge", "handle"] {
        let command = world.verb(verb, case);
        world.act(GRID, command).expect("the holder's");
    }
    assert_eq!(names(&world.at_hour(90)), ["case.warned total 80"]);
    let close = world.verb("close", case);
    world.act(GRID, close).expect("the holder's");
    assert_eq!(names(&world.at_hour(1_000)), Vec::<String>::new());
}

#[test]
fn clocks_start_when_it_was_received_unless_the_matter_says_when_it_happened() {
    for (matter, expected) in [(MICRO, 10), (OFFLINE, 7)] {
        let mut world = World::new();
        let mut report = world.report(matter, GRID);
        report.source = Source::Resident;
        report.occurred_at = Some(START.plus_ms(-3 * HOUR));
        world.act(CITY, Command::ReportCase(Box::new(report))).expect("an offline report");
        let due_at = world.case(CaseId(1)).deadlines.node_due_at;
        assert_eq!(due_at.ms_since(START) / HOUR, expected, "{matter}");
    }
}

#[test]
fn timers_fire_in_due_order_over_all_cases() {
    let mut world = World::new();
    world.reported(MICRO, GRID);
    world.at_hour(1);
    world.reported(MICRO, GRID_2);
    let fired = world.at_hour(300);
    let due: Vec<_> = fired
        .iter()
        .map(|event| {
            let (Event::CaseWarned(due) | Event::CaseOverdue(due)) = event else {
                panic!("no timer's: {event:?}");
            };
            due.due_at
        })
        .collect();
    assert_eq!(due.len(), 8);
    assert!(due.is_sorted());
}
