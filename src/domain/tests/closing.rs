//! Units that close, and open, at a moment that is told ahead.

use proptest::prelude::*;

use super::laws::{Step, lent, step, take};
use super::world::*;
use crate::domain::code::Level;
use crate::domain::command::{
    Change, ChangeOrganisation, CloseUnit, Command, MergeUnits, MoveUnit, SplitUnit,
};
use crate::domain::event::Event;
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::{EVENT_CASES_MAX, UNITS_CLOSING_MAX};
use crate::domain::organisation::{Restored, UnitRow};
use crate::domain::rejection::Rejection;

const GRID_NEW: &str = "411502001201004";
const GRID_NEWER: &str = "411502001201005";
const BOARD: &str = "411502001000-T01";

fn hour(hour: i64) -> Timestamp {
    START.plus_ms(hour * HOUR)
}

fn change(world: &mut World, change: Change) -> Result<Vec<Event>, Rejection> {
    let change = ChangeOrganisation { seen: None, change };
    world.system(Command::ChangeOrganisation(Box::new(change)))
}

fn close_at(unit: &str, successor: Option<&str>, until: i64) -> Change {
    let (successor, until) = (successor.map(code), Some(hour(until)));
    Change::Close(CloseUnit { unit: code(unit), successor, until })
}

fn close_now(unit: &str, successor: Option<&str>) -> Change {
    Change::Close(CloseUnit { unit: code(unit), successor: successor.map(code), until: None })
}

fn merge(unit: &str, into: &str) -> Change {
    Change::Merge(MergeUnits { units: vec![code(unit)], into: code(into) })
}

fn number(world: &World, text: &str) -> UnitNumber {
    world.state.organisation().find(code(text)).expect("a known unit")
}

fn row<'w>(world: &'w World, text: &str) -> &'w UnitRow {
    world.state.organisation().unit(number(world, text)).expect("a known unit")
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

/// A world in which the grid is told to close in ten hours.
fn told() -> World {
    let mut world = World::new();
    change(&mut world, close_at(GRID, Some(GRID_2), 10)).expect("a good change");
    world
}

#[test]
fn a_unit_works_on_until_its_moment_and_then_its_successor_does() {
    let mut world = World::new();
    let before = world.reported(MICRO, GRID);
    let events = change(&mut world, close_at(GRID, Some(GRID_2), 10)).expect("a good change");
    assert_eq!(names(&events), ["unit.closing"]);
    let ahead = row(&world, GRID).clone();
    assert_eq!((ahead.valid_until, ahead.successor), (Some(hour(10)), Some(code(GRID_2))));
    assert_eq!(world.state.next_due_at(), Some(hour(8)), "the case's clock comes first");

    world.at_hour(9);
    let meanwhile = world.reported(MICRO, GRID);
    assert_eq!(world.holder(meanwhile), GRID, "it works on");
    let acknowledge = world.verb("acknowledge", before);
    world.act(GRID, acknowledge).expect("its own");
    let was = world.case(before);

    let fired = world.at_hour(10);
    assert_eq!(names(&fired), ["unit.closed", "cases.inherited", "case.overdue"]);
    assert_eq!(row(&world, GRID), &ahead, "the row says what it said");
    assert_eq!(world.state.organisation().next_closing_at(), None);
    for case in [before, meanwhile] {
        assert_eq!(world.holder(case), GRID_2);
    }
    assert_eq!(world.case(before).deadlines, was.deadlines, "clocks go on");
    assert_eq!(world.case(before).status, was.status.held_by(number(&world, GRID_2)));
    let later = world.reported(MICRO, GRID);
    assert_eq!(world.holder(later), ROOM, "what is reported there falls to the room");
    let handle = world.verb("handle", before);
    assert_eq!(world.act(GRID, handle.clone()).expect_err("closed").code(), "unit_closed");
    world.act(GRID_2, handle).expect("its holder");
}

#[test]
fn whoever_closes_together_does_so_by_moment_and_number_before_any_work_goes_over() {
    let mut world = World::new();
    let cases = [world.reported(MICRO, GRID), world.reported(MICRO, GRID_3)];
    for (unit, heir, until) in [(GRID, VILLAGE, 3), (GRID_3, VILLAGE_3, 2), (GRID_2, VILLAGE, 2)] {
        change(&mut world, close_at(unit, Some(heir), until)).expect("a good change");
    }
    let fired = world.at_hour(5);
    let told = fired.iter().map(|event| {
        if let Event::UnitClosed(closed) = event {
            return ("closes", closed.unit, closed.until);
        }
        let Event::CasesInherited(inherited) = event else { panic!("{event:?}") };
        ("leaves its work", inherited.from, hour(5))
    });
    let of = |what, unit, at| (what, number(&world, unit), hour(at));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            of("closes", GRID_2, 2),
            of("closes", GRID_3, 2),
            of("closes", GRID, 3),
            of("leaves its work", GRID, 5),
            of("leaves its work", GRID_3, 5),
        ]
    );
    assert_eq!(cases.map(|case| world.holder(case)), [VILLAGE, VILLAGE_3]);
}

#[test]
fn whether_a_unit_is_told_to_close_counts_in_the_digest() {
    let world = told();
    let organisation = world.state.organisation();
    let digest_of = |is_told: bool| {
        let units = organisation.iter();
        let units =
            units.map(|(unit, row)| (row.clone(), is_told && organisation.is_closing(unit)));
        let units: Vec<_> = units.collect();
        let former = organisation.iter().flat_map(|(unit, _)| {
            let rows = organisation.former(unit).iter();
            rows.map(move |(until, row)| (unit, *until, row.clone()))
        });
        let (former, order) = (former.collect(), organisation.order().to_vec());
        let (epoch, last_seq) = (organisation.epoch(), organisation.last_seq());
        Restored { units, former, epoch, order, last_seq }.organisation().digest()
    };
    assert_eq!(digest_of(true), organisation.digest());
    assert_ne!(digest_of(false), organisation.digest(), "its row alone does not close it");
}

#[test]
fn who_is_asked_late_closes_as_of_the_moment_told() {
    let mut world = told();
    let case = world.reported(MICRO, GRID);
    let fired = world.at_hour(100);
    let closed =
        |event: &Event| matches!(event, Event::UnitClosed(closed) if closed.until == hour(10));
    assert!(fired.iter().any(closed));
    assert_eq!(row(&world, GRID).valid_until, Some(hour(10)));
    assert_eq!(world.holder(case), GRID_2);
    let organisation = world.state.organisation();
    let was = |at: i64| {
        organisation
            .unit_at(number(&world, GRID), hour(at))
            .is_some_and(|row| row.is_open(hour(at)))
    };
    assert_eq!(
        [was(-1), was(0), was(9), was(10), was(99), was(100)],
        [true, true, true, false, false, false]
    );
}

#[test]
fn a_closing_told_ahead_outlives_a_restart() {
    let mut world = told();
    let case = world.reported(MICRO, GRID);
    world.at_hour(9);
    let kept = lent(&world.state).made_ready();
    assert_eq!(kept.organisation().next_closing_at(), Some(hour(10)));
    assert_eq!(kept.next_due(hour(10)), world.state.next_due(hour(10)));
    world.twins = vec![kept];
    world.at_hour(10);
    assert_eq!(world.holder(case), GRID_2);
    assert_eq!(
        lent(&world.state).organisation().next_closing_at(),
        None,
        "it does not close twice"
    );
}

#[test]
fn five_thousand_cases_move_when_the_moment_comes() {
    let mut world = told();
    for _ in 0..EVENT_CASES_MAX + 1_000 {
        world.reported(OFFLINE, GRID);
    }
    world.now = hour(10);
    let due = world.state.next_due(hour(10)).expect("the timers, then the closing");
    assert_eq!(due.at(), hour(8));
    let events = super::super::decide_due(
        &world.state,
        hour(10),
        super::super::state::Due::Closing(hour(10)),
    );
    assert_eq!(names(&events), ["unit.closed", "cases.inherited", "cases.inherited"]);
}

#[test]
fn what_would_leave_work_alone_at_that_moment_is_refused() {
    let table: [(Change, &str); 21] = [
        (close_at(GRID_3, None, 1), "unit_needs_successor"),
        (close_at(GRID_3, Some(VILLAGE_3), 0), "unit_closes_in_past"),
        (close_at(GRID_3, Some(GRID_3), 1), "successor_unfit"),
        (close_at(GRID_3, Some(COUNTY), 1), "successor_unfit"),
        (close_at(GRID_3, Some(GRID_CLOSED), 1), "successor_unfit"),
        (close_at(GRID_3, Some("411502001201009"), 1), "successor_not_found"),
        (close_at(GRID_CLOSED, Some(GRID), 1), "unit_not_open"),
        (close_at(VILLAGE_3, Some(VILLAGE), 1), "unit_has_subunits"),
        // Whoever is told to close takes over from nobody: at once, later, or where it is split.
        (close_at(GRID_3, Some(GRID), 1), "successor_unfit"),
        (close_now(GRID_3, Some(GRID)), "successor_unfit"),
        (close_now(GRID_2, Some(GRID)), "successor_unfit"),
        (merge(GRID_2, GRID), "successor_unfit"),
        (
            Change::Split(SplitUnit {
                unit: code(GRID_2),
                into: vec![unit(GRID_NEW), unit(GRID_NEWER)],
                successor: code(GRID),
            }),
            "successor_unfit",
        ),
        // Whoever is to take over closes with a successor only.
        (close_now(GRID_2, None), "unit_needs_successor"),
        (close_at(GRID_2, None, 20), "unit_needs_successor"),
        // Nothing that stays longer comes below it.
        (Change::Open(unit("411502001202001")), "unit_orphaned"),
        (Change::Move(MoveUnit { unit: code(GRID), to: code("411502001202001") }), "unit_orphaned"),
        (
            Change::Amend(UnitRow { reports_to: Some(code(VILLAGE_2)), ..unit(GRID_3) }),
            "unit_orphaned",
        ),
        // What was told is told again by closing, or called off.
        (
            Change::Amend(UnitRow { valid_until: Some(hour(11)), ..unit(GRID) }),
            "unit_closes_elsewhere",
        ),
        (Change::Keep(code(GRID_3)), "unit_not_closing"),
        (Change::Keep(code(GRID_CLOSED)), "unit_not_open"),
    ];
    for (wanted, refused) in table {
        let mut world = told();
        change(&mut world, close_at(VILLAGE_2, Some(VILLAGE), 5)).expect("it is empty");
        let digest = world.state.digest();
        let answer = change(&mut world, wanted.clone()).map_err(|rejection| rejection.code());
        assert_eq!(answer.err(), Some(refused), "{wanted:?}");
        assert_eq!(world.state.digest(), digest, "{wanted:?}");
    }
}

#[test]
fn a_closing_is_told_anew_and_called_off() {
    let mut world = told();
    let case = world.reported(MICRO, GRID);
    change(&mut world, close_at(GRID, Some(VILLAGE), 20)).expect("at another moment");
    assert_eq!(names(&world.at_hour(10)), ["case.warned", "case.overdue"]);
    assert_eq!(world.holder(case), GRID);
    let events = change(&mut world, Change::Keep(code(GRID))).expect("it was told to");
    assert_eq!(names(&events), ["unit.kept"]);
    assert_eq!(row(&world, GRID), &unit(GRID));
    world.at_hour(30);
    assert_eq!(world.holder(case), GRID);
    change(&mut world, close_now(GRID_2, Some(GRID))).expect("it takes over again");
}

#[test]
fn a_changed_or_moved_unit_closes_all_the_same() {
    let mut world = told();
    let case = world.reported(MICRO, GRID);
    let renamed = UnitRow { name: "新名".into(), ..unit(GRID) };
    change(&mut world, Change::Amend(renamed)).expect("it says nothing of its end");
    let as_read = row(&world, GRID).clone();
    assert_eq!(as_read.valid_until, Some(hour(10)));
    change(&mut world, Change::Amend(as_read)).expect("given back as it was read");
    for (unit, to) in [(GRID, "411502001202001"), (GRID_2, "411502001202002")] {
        change(&mut world, Change::Move(MoveUnit { unit: code(unit), to: code(to) }))
            .expect("free");
    }
    world.at_hour(10);
    assert_eq!(world.holder(case), "411502001202002", "the successor, where it is now");
}

#[test]
fn a_unit_that_is_told_to_close_may_close_before() {
    let split = SplitUnit {
        unit: code(GRID),
        into: vec![unit(GRID_NEW), unit(GRID_NEWER)],
        successor: code(GRID_NEW),
    };
    let ways = [
        (GRID_3, close_now(GRID, Some(GRID_3))),
        (GRID_2, merge(GRID, GRID_2)),
        (GRID_NEW, Change::Split(split)),
    ];
    for (successor, way) in ways {
        let mut world = told();
        let case = world.reported(MICRO, GRID);
        world.at_hour(1);
        change(&mut world, way).expect("a good change");
        assert_eq!(world.holder(case), successor);
        assert_eq!(row(&world, GRID).valid_until, Some(hour(1)));
        assert!(!names(&world.at_hour(10)).contains(&"unit.closed"), "once");
    }
}

#[test]
fn who_takes_over_from_the_successor_takes_over_instead() {
    // At once, and later, before or after the one that it was to take over from.
    let ways = [
        close_now(GRID_2, Some(GRID_3)),
        close_at(GRID_2, Some(GRID_3), 5),
        close_at(GRID_2, Some(GRID_3), 10),
        close_at(GRID_2, Some(GRID_3), 15),
    ];
    for way in ways {
        let mut world = told();
        let case = world.reported(MICRO, GRID);
        change(&mut world, way.clone()).expect("a good change");
        for hour in [5, 10, 15] {
            world.at_hour(hour);
            let holder = world.holder(case);
            assert!(row(&world, &holder).is_open(world.now), "{way:?}: {holder} at {hour}");
        }
        assert_eq!(world.holder(case), GRID_3, "{way:?}");
    }
    // The same where nobody looked for days.
    let mut world = told();
    let case = world.reported(MICRO, GRID);
    change(&mut world, close_at(GRID_2, Some(GRID_3), 15)).expect("a good change");
    world.at_hour(90);
    assert_eq!(world.holder(case), GRID_3);
}

#[test]
fn a_village_closes_with_what_sits_in_it() {
    let mut world = World::new();
    for (unit, until) in [(GRID, 10), (GRID_2, 8)] {
        change(&mut world, close_at(unit, Some(GRID_3), until)).expect("a good change");
    }
    let refused =
        change(&mut world, close_at(VILLAGE, Some(VILLAGE_2), 9)).expect_err("a day early");
    assert_eq!(refused, Rejection::UnitHasSubunits { unit: code(VILLAGE) });
    change(&mut world, close_at(VILLAGE, Some(VILLAGE_2), 10)).expect("together");
    let refused = change(&mut world, Change::Keep(code(GRID))).expect_err("the village closes");
    assert_eq!(refused, Rejection::UnitOrphaned { unit: code(GRID) });
    let refused =
        change(&mut world, close_now(VILLAGE, Some(VILLAGE_2))).expect_err("they are open");
    assert_eq!(refused, Rejection::UnitHasSubunits { unit: code(VILLAGE) });
    let (micro, small) = (world.reported(MICRO, GRID), world.reported(SMALL, GRID));
    world.at_hour(10);
    assert_eq!([world.holder(micro), world.holder(small)], [GRID_3, VILLAGE_2]);
    assert!(!row(&world, VILLAGE).is_open(world.now));
}

#[test]
fn an_import_tells_of_closings_and_calls_them_off() {
    let later = |text: &str, successor: &str, until: i64| UnitRow {
        valid_until: Some(hour(until)),
        successor: Some(code(successor)),
        ..unit(text)
    };
    let mut world = World::new();
    let case = world.reported(MICRO, GRID);
    let table = [
        ("unit_needs_successor", vec![UnitRow { successor: None, ..later(GRID, GRID_2, 5) }]),
        ("successor_not_found", vec![later(GRID, GRID_NEW, 5)]),
        ("successor_unfit", vec![later(GRID, GRID_2, 5), later(GRID_2, GRID_3, 9)]),
        ("successor_unfit", vec![later(GRID, GRID_2, 5), later(GRID_2, GRID, 5)]),
        ("unit_has_subunits", vec![later(VILLAGE, VILLAGE_2, 5)]),
        ("unit_orphaned", vec![unit(GRID_NEW), later(VILLAGE, VILLAGE_2, 5)]),
    ];
    for (refused, rows) in table {
        assert_eq!(world.clone().import(rows).expect_err(refused).code(), refused);
    }
    // The heir opens by then.
    let opens = UnitRow { valid_from: Some(hour(5)), ..unit(GRID_NEW) };
    world.import(vec![later(GRID, GRID_NEW, 5), opens.clone()]).expect("both at once");
    assert_eq!(world.state.organisation().next_closing_at(), Some(hour(5)));
    // It is not to be too late then, nor to close without one.
    let late = UnitRow { valid_from: Some(hour(6)), ..unit(GRID_NEW) };
    let gone = UnitRow { valid_until: Some(START), ..unit(GRID_NEW) };
    for row in [late, gone] {
        let refused = world.clone().import(vec![row]).expect_err("nobody would take over");
        assert_eq!(refused, Rejection::UnitNeedsSuccessor { unit: code(GRID_NEW) });
    }
    // Rows given back as they are change nothing.
    world.import(vec![later(GRID, GRID_NEW, 5), opens]).expect("the same again");
    world.import(vec![unit(GRID)]).expect("called off");
    assert_eq!(world.state.organisation().next_closing_at(), None);
    world.import(vec![later(GRID, GRID_2, 5)]).expect("told again");
    world.at_hour(5);
    assert_eq!(world.holder(case), GRID_2);
    world.import(vec![later(GRID, GRID_2, 5)]).expect("what has closed, as it was read");
}

#[test]
fn as_many_are_told_to_close_as_one_turn_closes() {
    let mut world = World::new();
    let board = UnitRow { reports_to: None, ..unit(BOARD) };
    world.import(vec![board]).expect("a task force");
    let rows = |villages: std::ops::Range<usize>| -> Vec<UnitRow> {
        let codes = villages.flat_map(|village| {
            (1..=100).map(move |grid| format!("411502001{:03}{grid:03}", 210 + village))
        });
        let later = |text: String| UnitRow {
            valid_until: Some(hour(5)),
            successor: Some(code(BOARD)),
            ..unit(&text)
        };
        codes.map(later).collect()
    };
    let villages = (0..41).map(|village| unit(&format!("411502001{:03}", 210 + village)));
    world.import(villages.collect()).expect("villages");
    for village in (0..UNITS_CLOSING_MAX / 100).step_by(2) {
        world.import(rows(village..village + 2)).expect("so many");
    }
    let refused = world.import(rows(40..41)).expect_err("one more");
    assert_eq!(refused, Rejection::OrganisationFull);
    let refused = change(&mut world, close_at(GRID, Some(GRID_2), 1)).expect_err("one more");
    assert_eq!(refused, Rejection::OrganisationFull);
    let first = "411502001210001";
    change(&mut world, close_at(first, Some(GRID), 9)).expect("it is one of them");
    assert_eq!(world.at_hour(5).len(), UNITS_CLOSING_MAX - 1);
}

#[test]
fn a_unit_that_opens_later_gets_its_work_from_then_on() {
    let mut world = World::new();
    let opens = UnitRow { valid_from: Some(hour(5)), ..unit(GRID_NEW) };
    change(&mut world, Change::Open(opens)).expect("a good change");
    let office = UnitRow {
        valid_from: Some(hour(5)),
        ..office("411502002000-B01", crate::domain::catalogue::Module::PublicSafety)
    };
    world.import(vec![office, unit("411502002000-R01")]).expect("an office to come");
    let (micro, major) = (world.reported(MICRO, GRID_NEW), world.reported(MAJOR, GRID_3));
    assert_eq!([world.holder(micro), world.holder(major)], [ROOM, "411502002000-R01"]);
    let down = world.verb("hand_down", micro);
    let Command::HandDownCase(mut down) = down else { panic!("it hands down") };
    down.to = code(GRID_NEW);
    let refused = world.act(ROOM, Command::HandDownCase(down.clone())).expect_err("not yet");
    assert_eq!(refused, Rejection::TargetClosed { unit: code(GRID_NEW) });
    let (case, report) = (world.reported(MICRO, GRID), world.report(MICRO, GRID));
    let report = world.act(GRID_NEW, Command::ReportCase(Box::new(report)));
    assert_eq!(report.expect_err("not yet").code(), "unit_closed");
    let refused = change(&mut world, close_now(GRID, Some(GRID_NEW))).expect_err("not yet");
    assert_eq!(refused, Rejection::SuccessorUnfit { unit: code(GRID) });
    change(&mut world, close_at(GRID, Some(GRID_NEW), 5)).expect("open by then");

    world.at_hour(5);
    assert_eq!(world.holder(case), GRID_NEW);
    let (micro, major) = (world.reported(MICRO, GRID_NEW), world.reported(MAJOR, GRID_3));
    assert_eq!([world.holder(micro), world.holder(major)], [GRID_NEW, "411502002000-B01"]);
    world.act(ROOM, Command::HandDownCase(down)).expect("it is open");
}

/// Mostly changes of the organisation.
fn day() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => step(),
        3 => step().prop_filter("it changes no unit", |step| match step {
            Step::Reshape { .. } | Step::Amend { .. } | Step::Grids { .. } | Step::Hours(_) => true,
            Step::Report { .. } | Step::Verb { .. } | Step::Catalogue(_) => false,
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whoever_is_told_to_close_has_somebody_to_take_over(days in prop::collection::vec(day(), 1..80)) {
        let mut world = World::new();
        for day in &days {
            take(&mut world, day);
            let organisation = world.state.organisation();
            for (until, unit) in organisation.closing() {
                let row = organisation.unit(unit).expect("known");
                prop_assert!(until > world.now && row.valid_until == Some(until));
                let named = row.successor.and_then(|code| organisation.find(code));
                let heir = named.and_then(|named| organisation.standing_in(named, until));
                // What sits above a township holds no case.
                let needs_none = row.successor.is_none() && row.level() > Level::Township;
                prop_assert!(heir.is_some() || needs_none, "{:?}", row);
                for child in organisation.children(unit) {
                    let child = organisation.unit(child).expect("known");
                    prop_assert!(child.is_closed(until), "{:?} below {:?}", child, row);
                }
            }
            let untold = organisation.iter().filter(|(unit, row)| {
                row.valid_until.is_some_and(|until| until > world.now) && !organisation.is_closing(*unit)
            });
            prop_assert_eq!(untold.count(), 0, "each is told of");
        }
    }
}
