//! The organisation as it was at a moment: what a unit was before is kept beside what it is.

use std::collections::BTreeSet;

use super::{Organisation, UnitKind, UnitRow};
use crate::domain::catalogue::Module;
use crate::domain::code::{Level, UnitCode};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::ANCESTORS_MAX;

/// The organisation as of a moment. A code names its unit for ever, whenever it had it.
#[derive(Clone, Copy, Debug)]
pub struct AsOf<'o> {
    organisation: &'o Organisation,
    at: Timestamp,
}

impl Organisation {
    /// It, as of that moment.
    #[must_use]
    pub fn as_of(&self, at: Timestamp) -> AsOf<'_> {
        AsOf { organisation: self, at }
    }
}

impl<'o> AsOf<'o> {
    /// The unit as it was.
    #[must_use]
    pub fn unit(self, number: UnitNumber) -> Option<&'o UnitRow> {
        self.organisation.unit_at(number, self.at)
    }

    /// Whether the unit existed.
    #[must_use]
    pub fn is_open(self, row: &UnitRow) -> bool {
        row.is_open(self.at)
    }

    /// The code that the unit had which has, or had, that code.
    #[must_use]
    pub fn code_of(self, code: UnitCode) -> Option<UnitCode> {
        self.unit(self.organisation.find(code)?).map(|row| row.code)
    }

    /// The unit with every other that it names by the code which that had, so that rows read
    /// together hold together.
    #[must_use]
    pub fn told(self, row: &UnitRow) -> UnitRow {
        let named = |code: UnitCode| self.code_of(code).unwrap_or(code);
        UnitRow {
            reports_to: row.reports_to.map(named),
            successor: row.successor.map(named),
            ..row.clone()
        }
    }

    /// The unit above.
    #[must_use]
    pub fn parent(self, unit: UnitNumber) -> Option<UnitNumber> {
        self.organisation.find(self.unit(unit)?.parent()?)
    }

    /// The units above, from the nearest to the root.
    pub fn ancestors(self, unit: UnitNumber) -> impl Iterator<Item = UnitNumber> {
        std::iter::successors(self.parent(unit), move |above| self.parent(*above))
            .take(ANCESTORS_MAX)
    }

    /// The units below, one step, in the order of their numbers; closed ones included.
    #[must_use]
    pub fn children(self, unit: UnitNumber) -> Vec<UnitNumber> {
        let below = self.or_changed(self.organisation.children(unit));
        below.into_iter().filter(|child| self.parent(*child) == Some(unit)).collect()
    }

    /// The office that owned `module` in the township that `unit` sat in.
    #[must_use]
    pub fn office(self, unit: UnitNumber, module: Module) -> Option<UnitNumber> {
        self.body(unit, Level::Township, UnitKind::Office, module)
    }

    /// The department that was the counterpart for `module` in the county that `unit` sat in.
    #[must_use]
    pub fn department(self, unit: UnitNumber, module: Module) -> Option<UnitNumber> {
        self.body(unit, Level::County, UnitKind::Department, module)
    }

    fn body(
        self,
        unit: UnitNumber,
        level: Level,
        kind: UnitKind,
        module: Module,
    ) -> Option<UnitNumber> {
        let seat = self.unit(unit)?.code.ancestor(level)?;
        let at_seat = self.organisation.bodies.get(&seat.place()).into_iter().flatten().copied();
        let owns = |row: &&UnitRow| {
            row.kind == kind
                && row.code.seat() == Some(seat)
                && row.modules.contains(module)
                && row.is_open(self.at)
        };
        let bodies = self.or_changed(at_seat).into_iter();
        let found = bodies.filter_map(|body| Some((self.unit(body).filter(owns)?.code, body)));
        found.min().map(|(_, body)| body)
    }

    /// These, and whoever was something else at the time: what units are now finds the others.
    fn or_changed(self, units: impl Iterator<Item = UnitNumber>) -> BTreeSet<UnitNumber> {
        let former = &self.organisation.former;
        let was_other = |(_, rows): &(&UnitNumber, &Vec<(Timestamp, UnitRow)>)| {
            rows.last().is_some_and(|(until, _)| self.at < *until)
        };
        units.chain(former.iter().filter(was_other).map(|(unit, _)| *unit)).collect()
    }
}
