//! What the organisation says of a day that is past, held against a walk over every row that was there
//! on that day; and the tree and the look-ups of today, against the same walk.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::laws::{Step, step, take};
use super::world::*;
use crate::domain::catalogue::Module;
use crate::domain::code::{Level, UnitCode};
use crate::domain::command::{Change, ChangeOrganisation, Command, MoveUnit};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::ANCESTORS_MAX;
use crate::domain::organisation::{Organisation, UnitKind, UnitRow};

/// Every row that a unit had, from when on, oldest first.
#[derive(Default)]
struct Diary {
    rows: BTreeMap<UnitNumber, Vec<(Timestamp, UnitRow)>>,
    /// Whom a code names: it is given once.
    units: BTreeMap<UnitCode, UnitNumber>,
}

impl Diary {
    fn note(&mut self, organisation: &Organisation, now: Timestamp) {
        for (unit, row) in organisation.iter() {
            let rows = self.rows.entry(unit).or_default();
            if rows.last().is_some_and(|(_, last)| last == row) {
                continue;
            }
            assert_eq!(*self.units.entry(row.code).or_insert(unit), unit, "{row:?}");
            rows.push((now, row.clone()));
        }
    }

    /// The unit as it was; as it came, before that.
    fn row(&self, unit: UnitNumber, at: Timestamp) -> &UnitRow {
        let rows = &self.rows[&unit];
        let was = rows.iter().rev().find(|(from, _)| *from <= at);
        was.map_or(&rows[0].1, |(_, row)| row)
    }

    fn all(&self, at: Timestamp) -> impl Iterator<Item = (UnitNumber, &UnitRow)> {
        self.rows.keys().map(move |unit| (*unit, self.row(*unit, at)))
    }

    fn parent(&self, unit: UnitNumber, at: Timestamp) -> Option<UnitNumber> {
        self.units.get(&self.row(unit, at).parent()?).copied()
    }

    fn body(
        &self,
        unit: UnitNumber,
        (kind, level): (UnitKind, Level),
        module: Module,
        at: Timestamp,
    ) -> Option<UnitNumber> {
        let seat = self.row(unit, at).code.ancestor(level)?;
        let owns = |row: &UnitRow| {
            row.kind == kind
                && row.code.seat() == Some(seat)
                && row.modules.contains(module)
                && row.is_open(at)
        };
        let found = self.all(at).filter(|(_, row)| owns(row));
        found.min_by_key(|(_, row)| row.code).map(|(unit, _)| unit)
    }
}

fn check(organisation: &Organisation, diary: &Diary, at: Timestamp) {
    let as_of = organisation.as_of(at);
    for (unit, row) in diary.all(at) {
        assert_eq!(as_of.unit(unit), Some(row), "{at:?}");
        assert_eq!(as_of.parent(unit), diary.parent(unit, at), "{row:?} at {at:?}");
        let children = diary.all(at).map(|(child, _)| child);
        let children: Vec<_> =
            children.filter(|child| diary.parent(*child, at) == Some(unit)).collect();
        assert_eq!(as_of.children(unit), children, "{row:?} at {at:?}");
        let above = std::iter::successors(diary.parent(unit, at), |above| diary.parent(*above, at));
        let above: Vec<_> = above.take(ANCESTORS_MAX).collect();
        assert_eq!(as_of.ancestors(unit).collect::<Vec<_>>(), above, "{row:?} at {at:?}");
        for module in Module::ALL {
            let office = diary.body(unit, (UnitKind::Office, Level::Township), *module, at);
            assert_eq!(as_of.office(unit, *module), office, "{row:?} at {at:?}");
            let department = diary.body(unit, (UnitKind::Department, Level::County), *module, at);
            assert_eq!(as_of.department(unit, *module), department, "{row:?} at {at:?}");
        }
        for (_, (_, was)) in
            diary.rows.iter().flat_map(|(unit, rows)| rows.iter().map(move |row| (unit, row)))
        {
            let now_named = diary.units.get(&was.code).map(|unit| diary.row(*unit, at).code);
            assert_eq!(as_of.code_of(was.code), now_named, "{was:?} at {at:?}");
        }
    }
}

/// What the organisation says of today is what the diary says of it, and every way up comes to an end.
fn check_today(organisation: &Organisation, diary: &Diary, now: Timestamp) {
    for (unit, row) in diary.all(now) {
        assert_eq!(organisation.unit(unit), Some(row));
        let above = std::iter::successors(diary.parent(unit, now), |unit| diary.parent(*unit, now));
        let above: Vec<_> = above.take(organisation.len()).collect();
        assert!(above.len() < organisation.len(), "{row:?} is above itself");
        let nearest = &above[..above.len().min(ANCESTORS_MAX)];
        assert_eq!(organisation.ancestors(unit).collect::<Vec<_>>(), nearest, "{row:?}");
        assert_eq!(organisation.parent(unit), above.first().copied(), "{row:?}");
        let below = diary.all(now).map(|(child, _)| child);
        let below: Vec<_> = below.filter(|child| diary.parent(*child, now) == Some(unit)).collect();
        let mut children: Vec<_> = organisation.children(unit).collect();
        children.sort_unstable();
        assert_eq!(children, below, "{row:?}");
        for module in Module::ALL {
            let office = diary.body(unit, (UnitKind::Office, Level::Township), *module, now);
            assert_eq!(organisation.office(unit, *module, now), office, "{row:?}");
            let department = diary.body(unit, (UnitKind::Department, Level::County), *module, now);
            assert_eq!(organisation.department(unit, *module, now), department, "{row:?}");
        }
    }
}

#[test]
fn an_office_that_moved_away_is_found_where_it_was_and_where_it_is() {
    let mut world = World::new();
    world.now = START.plus_ms(HOUR);
    let to = code("411502002000-B01");
    let change = Change::Move(MoveUnit { unit: code(OFFICE), to });
    let change = ChangeOrganisation { seen: None, change };
    world.system(Command::ChangeOrganisation(Box::new(change))).expect("a free code");
    let organisation = world.state.organisation();
    let [grid, grid_3, office] = [GRID, GRID_3, OFFICE].map(|unit| organisation.find(code(unit)));
    let owner = |grid: Option<UnitNumber>, at| {
        organisation.as_of(at).office(grid.expect("known"), Module::PublicSafety)
    };
    assert_eq!((owner(grid, START), owner(grid_3, START)), (office, None));
    assert_eq!((owner(grid, world.now), owner(grid_3, world.now)), (None, office));
}

/// Mostly changes of the organisation, an hour or more between any two.
fn day() -> impl Strategy<Value = Step> {
    step().prop_filter("it changes no unit", |step| match step {
        Step::Reshape { .. } | Step::Amend { .. } | Step::Grids { .. } => true,
        Step::Report { .. } | Step::Verb { .. } | Step::Catalogue(_) | Step::Hours(_) => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_past_day_is_told_as_whoever_had_noted_it(days in prop::collection::vec(day(), 1..40)) {
        let mut world = World::new();
        let mut department = office("411502000000-D11", Module::PublicSafety);
        department.kind = UnitKind::Department;
        let police = UnitRow { reports_to: Some(department.code), ..unit("411502001000-S01") };
        let board = unit("411502001201-T01");
        world.import(vec![department, police, board]).expect("they fit");
        let mut diary = Diary::default();
        diary.note(world.state.organisation(), world.now);
        let mut noted = vec![world.now];
        for day in &days {
            take(&mut world, &Step::Hours(1));
            take(&mut world, day);
            diary.note(world.state.organisation(), world.now);
            check_today(world.state.organisation(), &diary, world.now);
            noted.push(world.now);
        }
        for at in noted {
            check(world.state.organisation(), &diary, at);
            check(world.state.organisation(), &diary, at.plus_ms(HOUR / 2));
        }
    }
}
