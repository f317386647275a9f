//! The laws that the domain owes: state is the fold of events, `decide` is pure, outcomes are
//! remembered. As properties over random sequences of commands.

use proptest::prelude::*;

use super::world::*;
use crate::domain::case::Case;
use crate::domain::catalogue::{HomeLevel, Module};
use crate::domain::code::UnitCode;
use crate::domain::command::{
    AbandonImport, Change, ChangeOrganisation, CloseUnit, Command, MergeUnits, MoveUnit, SplitUnit,
    Submission,
};
use crate::domain::event::{ClockMode, Event};
use crate::domain::ids::{CaseId, ImportId, Timestamp};
use crate::domain::organisation::{Modules, Organisation, UnitKind, UnitRow};
use crate::domain::rejection::Rejection;
use crate::domain::snapshot::StateBuilder;
use crate::domain::state::{NaturalKey, State};
use crate::domain::{Decision, decide, evolve};

/// One step of a random day.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Report {
        matter: usize,
        place: usize,
        settle: bool,
        key: Option<u8>,
        number: Option<u8>,
    },
    Verb {
        verb: usize,
        case: u32,
        by_holder: bool,
        version: Option<u32>,
        key: Option<u8>,
    },
    Hours(u8),
    /// The organisation changes: in which way, which unit, and which other; in how many hours, where
    /// that can be later.
    Reshape {
        way: usize,
        unit: usize,
        other: usize,
        hours: u8,
    },
    /// A unit answers to another, or to its seat, and owns those modules, each a bit, where its kind
    /// owns any. It opens where it is not there yet.
    Amend {
        unit: usize,
        above: Option<usize>,
        modules: u8,
    },
    /// Only those matters, each a bit, stay in the catalogue.
    Catalogue(u8),
    /// Grids, each a bit, are imported again: from and until which hour from now, and who takes
    /// over.
    Grids {
        grids: u8,
        from: Option<i8>,
        until: Option<i8>,
        successor: usize,
    },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let key = || proptest::option::weighted(0.5, 0_u8..20);
    let hour = || proptest::option::weighted(0.4, -3_i8..3);
    prop_oneof![
        3 => (0_usize..4, 0_usize..6, any::<bool>(), key(), proptest::option::weighted(0.3, 0_u8..10))
            .prop_map(|(matter, place, settle, key, number)| Step::Report { matter, place, settle, key, number }),
        5 => (0..VERBS.len(), 1_u32..30, proptest::bool::weighted(0.9), proptest::option::weighted(0.1, 0_u32..4), key())
            .prop_map(|(verb, case, by_holder, version, key)| Step::Verb { verb, case, by_holder, version, key }),
        1 => (1_u8..30).prop_map(Step::Hours),
        1 => (0_usize..8, 0..UNITS.len(), 0..UNITS.len(), 0_u8..4)
            .prop_map(|(way, unit, other, hours)| Step::Reshape { way, unit, other, hours }),
        1 => (0..UNITS.len(), proptest::option::weighted(0.7, 0..ABOVE.len()), 0_u8..8)
            .prop_map(|(unit, above, modules)| Step::Amend { unit, above, modules }),
        1 => (1_u8..16).prop_map(Step::Catalogue),
        1 => (1_u8..8, hour(), hour(), 0..UNITS.len())
            .prop_map(|(grids, from, until, successor)| Step::Grids { grids, from, until, successor }),
    ]
}

const MATTERS: [&str; 4] = [MICRO, SMALL, MAJOR, OFFLINE];
const PLACES: [&str; 6] = [GRID, GRID_2, GRID_CLOSED, VILLAGE, TOWNSHIP, GRID_3];
const VERBS: [&str; 11] = [
    "acknowledge",
    "escalate",
    "handle",
    "close",
    "hand_down",
    "transfer",
    "return",
    "decline",
    "reopen",
    "void",
    "note",
];
/// Units that come, go and move; some are not there yet.
const UNITS: [&str; 19] = [
    GRID,
    GRID_2,
    GRID_3,
    VILLAGE_2,
    VILLAGE_3,
    OFFICE,
    OFFICE_2,
    ROOM,
    "411502001201005",
    "411502001202001",
    "411502002202",
    "411502002000-R01",
    "411502002000-B01",
    "411502001000-S01",
    "411502002000-S01",
    "411502000000-D11",
    "411502000000-D12",
    "411502001201-T01",
    "411502001202-T01",
];
/// Whom a unit may be told to answer to.
const ABOVE: [&str; 9] = [
    COUNTY,
    TOWNSHIP_2,
    VILLAGE,
    VILLAGE_2,
    OFFICE,
    "411502000000-D11",
    "411502000000-D12",
    "411502001000-S01",
    "411502001201-T01",
];
/// What an office or a department may own; the matters are all of the first.
const MODULES: [Module; 3] = [Module::PublicSafety, Module::Economy, Module::Enforcement];

fn reshape(way: usize, one: &str, other: &str, later: Timestamp) -> Change {
    match way {
        0 => Change::Open(UnitRow { valid_from: Some(later), ..unit(one) }),
        1 => close(one, other, None),
        2 => close(one, other, Some(later)),
        3 => Change::Split(SplitUnit {
            unit: code(one),
            into: vec![unit("411502001201006"), unit("411502001201007")],
            successor: if one == other { code("411502001201007") } else { code(other) },
        }),
        4 => Change::Merge(MergeUnits { units: vec![code(one)], into: code(other) }),
        5 => Change::Move(MoveUnit { unit: code(one), to: code(alike(one, other)) }),
        6 => Change::Keep(code(one)),
        _ => Change::Amend(UnitRow { name: format!("{other}改名").into(), ..unit(one) }),
    }
}

/// Where a unit may move to: the next one, from `other` on, of its kind and level.
fn alike(one: &str, other: &str) -> &'static str {
    let from = UNITS.iter().position(|unit| *unit == other).expect("one of them");
    let form = |text: &str| (code(text).letter(), code(text).level());
    let mut next = UNITS.iter().cycle().skip(from).take(UNITS.len());
    next.find(|unit| **unit != one && form(unit) == form(one)).expect("each has one like it")
}

/// Whom a unit answers to and what it owns, beside what it is already.
fn amended(world: &World, one: &str, above: Option<&str>, modules: u8) -> Change {
    let owned = MODULES.iter().zip(0..).filter(|(_, bit)| modules >> bit & 1 == 1);
    let owned: Vec<_> = owned.map(|(module, _)| *module).collect();
    let known = world.state.organisation().known(code(one));
    let mut row = known.map_or_else(|| unit(one), |(_, row)| row.clone());
    row.reports_to = above.map(code);
    if matches!(row.kind, UnitKind::Office | UnitKind::Department) {
        row.modules = Modules::of(&owned);
    }
    if known.is_some() { Change::Amend(row) } else { Change::Open(row) }
}

fn close(one: &str, other: &str, until: Option<Timestamp>) -> Change {
    let successor = (one != other).then(|| code(other));
    Change::Close(CloseUnit { unit: code(one), successor, until })
}

pub(super) fn submission_of(world: &mut World, step: &Step) -> Option<Submission> {
    match *step {
        Step::Hours(_) | Step::Grids { .. } | Step::Catalogue(_) => None,
        Step::Reshape { way, unit, other, hours } => {
            let later = world.now.plus_ms(i64::from(hours) * HOUR);
            let change = reshape(way, UNITS[unit], UNITS[other], later);
            let change = ChangeOrganisation { seen: None, change };
            let command = Command::ChangeOrganisation(Box::new(change));
            Some(Submission { principal: ADMIN, ..submission(command, None) })
        }
        Step::Amend { unit, above, modules } => {
            let change = amended(world, UNITS[unit], above.map(|above| ABOVE[above]), modules);
            let change = ChangeOrganisation { seen: None, change };
            let command = Command::ChangeOrganisation(Box::new(change));
            Some(Submission { principal: ADMIN, ..submission(command, None) })
        }
        Step::Report { matter, place, settle, key, number } => {
            let mut report = world.report(MATTERS[matter], PLACES[place]);
            report.settle = settle.then(|| world.part());
            report.source_number = number.map(|number| format!("N-{number}").into());
            // A key's body: what the step says, not the sealed bytes.
            let body = (matter * 100 + place * 10 + usize::from(settle)) as u128;
            let mark = key.and_then(|key| mark(&format!("k-{key}"), body));
            Some(Submission {
                mark,
                ..submission(Command::ReportCase(Box::new(report)), Some(PLACES[place]))
            })
        }
        Step::Verb { verb, case, by_holder, version, key } => {
            let id = CaseId(case);
            let status = world.state.cases().get(id).map(|case| case.status);
            let holder = status.and_then(|status| world.state.organisation().code(status.unit()));
            let by =
                if by_holder { holder.map(|code| code.to_string()) } else { Some(ROOM.into()) };
            let mut command = world.verb(VERBS[verb], id);
            if let Command::AcknowledgeCase(acknowledge) = &mut command {
                acknowledge.target.version = version;
            }
            let mark = key.and_then(|key| {
                mark(&format!("k-{key}"), 1_000 + (verb * 100) as u128 + u128::from(case))
            });
            Some(Submission { mark, ..submission(command, by.as_deref()) })
        }
    }
}

pub(super) fn take(world: &mut World, step: &Step) {
    if let Step::Hours(hours) = step {
        let passed = world.now.ms_since(START) / HOUR;
        world.at_hour(passed + i64::from(*hours));
        return;
    }
    if let Step::Catalogue(kept) = *step {
        let kept = MATTERS.iter().zip(0..).filter(|(_, bit)| kept >> bit & 1 == 1);
        let rows: Vec<_> = kept.map(|(code, _)| matter(code, HomeLevel::Grid)).collect();
        // Refused where one that would go has open cases.
        let refused = world.replace_catalogue(&rows, None).err();
        if refused.is_some_and(|refused| refused != Rejection::ImportsFull) {
            let import = ImportId(world.state.imports().begun());
            world.system(Command::AbandonImport(AbandonImport { import })).expect("it is open");
        }
        return;
    }
    if let Step::Grids { grids, from, until, successor } = *step {
        let moment = |hours: Option<i8>| Some(world.now.plus_ms(i64::from(hours?) * HOUR));
        let mut rows: Vec<_> = [GRID, GRID_2, GRID_CLOSED].map(unit).into();
        for row in &mut rows {
            (row.valid_from, row.valid_until) = (moment(from), moment(until));
            row.successor = until.map(|_| code(UNITS[successor]));
        }
        let mut bits = (0..3).map(|bit| grids >> bit & 1 == 1);
        rows.retain(|_| bits.next().expect("one a grid"));
        // Refused where the successor cannot take over.
        let refused = world.import(rows).err();
        if refused.is_some_and(|refused| refused != Rejection::ImportsFull) {
            let import = ImportId(world.state.imports().begun());
            world.system(Command::AbandonImport(AbandonImport { import })).expect("it is open");
        }
        return;
    }
    if let Some(submission) = submission_of(world, step) {
        // A refusal is an answer; what it must not do is checked below.
        let before = world.state.digest();
        if world.decide(&submission).is_err() {
            assert_eq!(world.state.digest(), before, "a refusal changed something");
        }
    }
}

/// The state of these rows, lent and taken back.
pub(super) fn lent(state: &State) -> State {
    let numbers = state.numbers().collect();
    rebuilt(state, StateBuilder::new(state.head()), numbers)
}

/// The state of these rows, with the natural keys in that order.
pub(super) fn rebuilt(
    state: &State,
    mut builder: StateBuilder,
    numbers: Vec<(NaturalKey, CaseId)>,
) -> State {
    for (unit, row) in state.organisation().iter() {
        builder.unit(row.clone(), state.organisation().is_closing(unit));
    }
    for (unit, _) in state.organisation().iter() {
        for (until, row) in state.organisation().former(unit) {
            builder.former_unit(unit, *until, row.clone());
        }
    }
    state.organisation().order().iter().for_each(|ordered| builder.ordered_unit(*ordered));
    for (number, row) in state.catalogue().numbered() {
        builder.matter(row.clone(), state.catalogue().is_retired(number));
    }
    state.clients().iter().for_each(|(_, client)| builder.client(client.clone()));
    state.imports().iter().for_each(|(id, import)| builder.import(id, import.clone()));
    state.cases().iter().for_each(|(_, case)| builder.case(*case));
    for (key, case) in numbers {
        builder.number(key, case);
    }
    state.outcomes().iter().for_each(|(at, key, outcome)| builder.outcome(at, key, outcome));
    builder.finish()
}

/// Each subtree is the units whose codes lie in its root's range, each unit's children those whose
/// parent it is.
fn check_subtrees(organisation: &Organisation) -> Result<(), TestCaseError> {
    for (root, row) in organisation.iter() {
        let subtree = organisation.subtree(root).expect("known");
        let mut within: Vec<_> = subtree.units().collect();
        prop_assert_eq!(subtree.count(), within.len());
        within.sort_unstable();
        let lies_below = |row: &UnitRow, code: UnitCode| row.code.range().contains(code);
        let expected: Vec<_> = organisation
            .iter()
            .filter(|(_, other)| lies_below(row, other.code))
            .map(|(unit, _)| unit)
            .collect();
        prop_assert_eq!(within, expected, "{}", row.code);
        let mut children: Vec<_> = organisation.children(root).collect();
        children.sort_unstable();
        let expected: Vec<_> = organisation
            .iter()
            .filter(|(unit, _)| organisation.parent(*unit) == Some(root))
            .map(|(unit, _)| unit)
            .collect();
        prop_assert_eq!(children, expected, "{}", row.code);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_state_is_the_fold_of_its_events(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            take(&mut world, step);
        }
        let mut folded = State::default();
        for record in &world.records {
            evolve(&mut folded, record);
        }
        prop_assert_eq!(folded.digest(), world.state.digest());
        prop_assert_eq!(folded.next_due_at(), world.state.next_due_at());
        prop_assert_eq!(lent(&world.state).digest(), world.state.digest());
    }

    #[test]
    fn a_state_that_only_folded_and_was_made_ready_decides_as_the_other(
        steps in prop::collection::vec(step(), 1..80),
        split in any::<prop::sample::Index>(),
    ) {
        let mut world = World::new();
        for step in &steps {
            take(&mut world, step);
        }
        let (before, after) = world.records.split_at(split.index(world.records.len()));
        let mut folded = State::folding();
        for record in before {
            evolve(&mut folded, record);
        }
        let mut folded = lent(&folded).made_ready();
        for record in after {
            evolve(&mut folded, record);
        }
        prop_assert_eq!(folded.digest(), world.state.digest());
        prop_assert_eq!(folded.next_due_at(), world.state.next_due_at());
        let far = world.now.plus_ms(1_000_000 * HOUR);
        prop_assert_eq!(folded.next_due(far), world.state.next_due(far));
        for (_, key, outcome) in world.state.outcomes().iter() {
            prop_assert_eq!(folded.outcomes().get(key), Some(outcome));
        }
    }

    #[test]
    fn deciding_is_pure(steps in prop::collection::vec(step(), 1..40), last in step()) {
        let mut world = World::new();
        for step in &steps {
            take(&mut world, step);
        }
        if let Some(submission) = submission_of(&mut world, &last) {
            let before = world.state.digest();
            let once = decide(&world.state, world.now, &submission);
            let twice = decide(&world.state.clone(), world.now, &submission);
            prop_assert_eq!(once, twice);
            prop_assert_eq!(world.state.digest(), before);
        }
    }

    #[test]
    fn an_open_case_has_one_holder_and_the_holder_is_open(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            take(&mut world, step);
            let organisation = world.state.organisation();
            for (id, case) in world.state.cases().iter() {
                let has_ended = case.status.ended().is_some();
                prop_assert_eq!(case.status.holder().is_none(), has_ended, "case {}", id);
                let holder = case.status.holder().and_then(|holder| organisation.unit(holder));
                prop_assert!(holder.is_none_or(|row| row.is_open(world.now)), "{}: {:?}", id, holder);
            }
            for (number, _) in world.state.catalogue().numbered() {
                let is_open = |case: &Case| case.matter == number && case.status.holder().is_some();
                let open = world.state.cases().iter().filter(|(_, case)| is_open(case)).count();
                prop_assert_eq!(world.state.open_cases_of(number) as usize, open);
                prop_assert_eq!(lent(&world.state).open_cases_of(number) as usize, open);
            }
        }
        for (id, case) in world.state.cases().iter() {
            let is_of = |event: &Event| event.cases().any(|case| case == id);
            let chain = world.records.iter().filter(|record| is_of(&record.event)).count();
            prop_assert_eq!(case.version as usize, chain, "a version counts the events");
        }
    }

    #[test]
    fn a_subtree_is_what_lies_in_the_places_below(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            take(&mut world, step);
        }
        let lent = lent(&world.state);
        for organisation in [world.state.organisation(), lent.organisation()] {
            check_subtrees(organisation)?;
        }
    }

    #[test]
    fn history_is_a_chain(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            take(&mut world, step);
        }
        for (id, case) in world.state.cases().iter() {
            let mut next = Some(case.last_seq);
            let mut count = 0;
            while let Some(seq) = next {
                let record = &world.records[usize::try_from(seq.0).expect("small") - 1];
                prop_assert!(record.event.cases().any(|case| case == id));
                next = record.previous_of(id);
                count += 1;
            }
            prop_assert_eq!(count, case.version);
        }
    }
}

#[test]
fn an_accepted_outcome_is_remembered_for_a_day() {
    let mut world = World::new();
    let report = world.report(MICRO, GRID);
    let report = Submission {
        mark: mark("r-1", 1),
        ..submission(Command::ReportCase(Box::new(report)), Some(GRID))
    };
    let Ok(Ok(_)) = world.decide(&report) else { panic!("accepted") };
    let events = world.records.len();

    world.at_hour(24);
    let Ok(Err(known)) = world.decide(&report) else { panic!("known") };
    assert_eq!((known.case, known.version, known.events), (Some(CaseId(1)), 1, 1));
    let other_body = Submission { mark: mark("r-1", 2), ..report.clone() };
    assert_eq!(world.submit(&other_body).expect_err("another body").code(), "key_reused");
    let other_principal = Submission { principal: ADMIN, ..report.clone() };
    assert!(matches!(decide(&world.state, world.now, &other_principal), Ok(Decision::Accepted(_))));
    assert_eq!(
        world.records.iter().filter(|record| record.event.name() == "case.reported").count(),
        1
    );
    assert!(world.records.len() >= events);

    // The first outcome after the day is over lets the old one go.
    world.at_hour(25);
    let other = world.report(MICRO, GRID_2);
    let other = Submission {
        mark: mark("r-2", 3),
        ..submission(Command::ReportCase(Box::new(other)), Some(GRID_2))
    };
    world.submit(&other).expect("accepted");
    assert!(matches!(world.decide(&report), Ok(Ok(_))), "past the window it is decided afresh");
}

#[test]
fn a_rejection_is_not_remembered() {
    let mut world = World::new();
    let mut report = world.report("XX-1", GRID);
    let submit = |report: &crate::domain::command::ReportCase| Submission {
        mark: mark("r-1", 1),
        ..submission(Command::ReportCase(Box::new(report.clone())), Some(GRID))
    };
    assert_eq!(world.submit(&submit(&report)).expect_err("unknown").code(), "matter_not_found");
    report.matter = MICRO.into();
    world.submit(&submit(&report)).expect("decided afresh");
}

#[test]
fn a_driven_clock_takes_no_time_that_has_passed() {
    let mut world = World::empty(ClockMode::Driven);
    let at = Some(START.plus_ms(-1));
    let late = Submission {
        at,
        principal: ADMIN,
        ..submission(
            Command::BeginImport(crate::domain::command::BeginImport {
                origin: "a".into(),
                kind: crate::domain::import::ImportKind::Units,
            }),
            None,
        )
    };
    assert_eq!(world.submit(&late).expect_err("late").code(), "at_before_now");
}
