//! Where the grids of a run are: as the city was built, and as it has changed them since.

use std::collections::{BTreeMap, BTreeSet};

use super::build::City;
use super::names;
use crate::domain::code::{CodeRange, Level, UnitCode};
use crate::domain::organisation::{UnitKind, UnitRow};

/// Grids that changed hands at most: a chain of successors is never longer.
const CHAIN_MAX: usize = 64;

/// The grids of a city.
pub(super) struct Ground<'a> {
    city: &'a City,
    /// What became of a grid that the city was built with, or of one since: whoever took over its
    /// cases, and with it those that took some of its area. It may be among them itself.
    parts: BTreeMap<UnitCode, Vec<UnitCode>>,
    /// The codes that were given since.
    given: BTreeSet<UnitCode>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(city: &'a City) -> Self {
        Self { city, parts: BTreeMap::new(), given: BTreeSet::new() }
    }

    /// Whoever does the work of that unit now.
    pub(super) fn current(&self, unit: UnitCode) -> UnitCode {
        self.follow(unit, |_| 0)
    }

    /// Where the `ordinal`th case happens that would have happened in that unit: the parts of a
    /// grid have the same share of its cases.
    pub(super) fn place(&self, unit: UnitCode, ordinal: u64) -> UnitCode {
        self.follow(unit, |parts| super::draw::index(ordinal % parts as u64))
    }

    fn follow(&self, unit: UnitCode, pick: impl Fn(usize) -> usize) -> UnitCode {
        let mut unit = unit;
        for _ in 0..CHAIN_MAX {
            match self.parts.get(&unit).map(|parts| parts[pick(parts.len())]) {
                Some(next) if next != unit => unit = next,
                Some(_) | None => break,
            }
        }
        unit
    }

    /// The row of a unit that the city was built with.
    pub(super) fn as_built(&self, unit: UnitCode) -> Option<&UnitRow> {
        self.city.units().iter().find(|row| row.code == unit)
    }

    /// Whether the city was built with it and has not changed it since.
    pub(super) fn is_as_built(&self, unit: UnitCode) -> bool {
        !self.parts.contains_key(&unit) && !self.given.contains(&unit)
    }

    /// What is there now in place of `unit`: the first takes over its work.
    pub(super) fn replace(&mut self, unit: UnitCode, parts: Vec<UnitCode>) {
        self.given.extend(&parts);
        self.parts.insert(unit, parts);
    }

    /// The grids there now, in the order of what the city was built with.
    pub(super) fn grids_in(&self, range: CodeRange) -> impl Iterator<Item = UnitCode> {
        let units = self.city.units();
        let from = units.partition_point(|unit| unit.code.place() < range.first);
        let built = units[from..].iter().take_while(move |unit| range.contains(unit.code));
        built
            .filter(|unit| unit.kind == UnitKind::Grid)
            .map(|unit| self.current(unit.code))
            .filter(move |unit| range.contains(*unit))
    }

    /// A grid beside that one, in the same township.
    pub(super) fn beside(&self, grid: UnitCode) -> Option<UnitCode> {
        let township = grid.ancestor(Level::Township)?;
        let others = || self.grids_in(township.range()).filter(|other| *other != grid);
        others().find(|other| *other > grid).or_else(|| others().next())
    }

    /// A village beside that grid's own, in the same township.
    pub(super) fn village_beside(&self, grid: UnitCode) -> Option<UnitCode> {
        let own = grid.ancestor(Level::Village)?;
        let township = grid.ancestor(Level::Township)?.range();
        let villages = self.grids_in(township).filter_map(|grid| grid.ancestor(Level::Village));
        let mut villages = villages;
        villages.find(|village| *village != own)
    }

    /// A grid that is not there yet, `ahead` of the next number of that village.
    pub(super) fn next_grid(&self, village: UnitCode, ahead: u64) -> Option<UnitRow> {
        let range = village.range();
        let units = self.city.units();
        let from = units.partition_point(|unit| unit.code.place() < range.first);
        let built = units[from..].iter().take_while(|unit| range.contains(unit.code));
        let name = units.get(from).map(|unit| &unit.name)?;
        let last = built
            .map(|unit| unit.code)
            .chain(self.given.iter().copied().filter(|code| range.contains(*code)))
            .map(UnitCode::place)
            .max()?;
        let place = last + 1 + ahead;
        let code = UnitCode::of_place(place).ok().filter(|code| range.contains(*code))?;
        let name = format!("{name}{}", names::grid_ending(place % 1_000));
        Some(UnitRow::new(code, UnitKind::Grid, name))
    }
}
