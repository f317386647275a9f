//! Who answers for a place: the line grid → village → township through it, the township's office
//! that owns a module, and the governance room that takes what nobody else does.

use super::{Organisation, UnitKind, UnitRow};
use crate::domain::catalogue::Module;
use crate::domain::code::{Level, UnitCode};
use crate::domain::ids::{Timestamp, UnitNumber};

impl Organisation {
    /// The division or grid of `level` on the line through `unit`'s place, if it is known and open.
    #[must_use]
    pub fn on_the_line(
        &self,
        unit: UnitNumber,
        level: Level,
        now: Timestamp,
    ) -> Option<UnitNumber> {
        let number = self.find(self.code(unit)?.ancestor(level)?)?;
        self.unit(number)?.is_open(now).then_some(number)
    }

    /// The division that `unit` sits at, or, being one or a grid itself, in: the nearest that is
    /// known, closed ones included.
    #[must_use]
    pub fn seat(&self, unit: UnitNumber) -> Option<UnitNumber> {
        let seats = std::iter::successors(self.code(unit)?.seat(), |code| code.seat());
        // A code that was left names the unit that left it.
        let sits = |code: UnitCode| self.find(code).filter(|unit| self.code(*unit) == Some(code));
        seats.into_iter().find_map(sits)
    }

    /// The open office that owns `module` in the township that `unit` sits in.
    #[must_use]
    pub fn office(&self, unit: UnitNumber, module: Module, now: Timestamp) -> Option<UnitNumber> {
        let owns = |row: &UnitRow| {
            row.kind == UnitKind::Office && row.modules.contains(module) && row.is_open(now)
        };
        self.body_at(unit, Level::Township, owns)
    }

    /// The open department that is the counterpart for `module` in the county that `unit` sits in.
    #[must_use]
    pub fn department(
        &self,
        unit: UnitNumber,
        module: Module,
        now: Timestamp,
    ) -> Option<UnitNumber> {
        let owns = |row: &UnitRow| {
            row.kind == UnitKind::Department && row.modules.contains(module) && row.is_open(now)
        };
        self.body_at(unit, Level::County, owns)
    }

    /// The centre of the township that `unit` sits in: its open governance room, or else the
    /// township itself while that is open.
    #[must_use]
    pub fn centre(&self, unit: UnitNumber, now: Timestamp) -> Option<UnitNumber> {
        let is_room = |row: &UnitRow| row.kind == UnitKind::GovernanceRoom && row.is_open(now);
        self.body_at(unit, Level::Township, is_room)
            .or_else(|| self.on_the_line(unit, Level::Township, now))
    }

    /// The centre that takes what nobody else does at `place` (兜底): its township's; where that
    /// township is closed, the one of whoever stands in for the place, or else for the township.
    #[must_use]
    pub fn fallback(&self, place: UnitNumber, now: Timestamp) -> Option<UnitNumber> {
        let heir_of = |unit: UnitNumber| self.standing_in(unit, now);
        let township = || self.find(self.code(place)?.ancestor(Level::Township)?);
        self.centre(place, now)
            .or_else(|| self.centre(heir_of(place)?, now))
            .or_else(|| self.centre(heir_of(township()?)?, now))
    }

    /// Whoever does the unit's work at that moment: itself, or the open one of its successors.
    #[must_use]
    pub fn standing_in(&self, unit: UnitNumber, now: Timestamp) -> Option<UnitNumber> {
        let mut unit = unit;
        // A successor is open when it is named, or will be by then, and not told to close: no row of
        // successors comes back to its first.
        for _ in 0..=self.len() {
            let row = self.unit(unit)?;
            if row.is_open(now) {
                return Some(unit);
            }
            unit = self.find(row.successor?)?;
        }
        None
    }

    /// The units that sit at a division beside its own line, in the order of their codes.
    #[must_use]
    pub fn bodies(&self, division: UnitNumber) -> &[UnitNumber] {
        let code = self.code(division).filter(|code| code.letter().is_none());
        code.and_then(|code| self.bodies.get(&code.place())).map_or(&[], Vec::as_slice)
    }

    fn body_at(
        &self,
        unit: UnitNumber,
        level: Level,
        wanted: impl Fn(&UnitRow) -> bool,
    ) -> Option<UnitNumber> {
        let seat = self.code(unit)?.ancestor(level)?;
        let bodies = self.bodies.get(&seat.place())?;
        bodies.iter().copied().find(|body| self.unit(*body).is_some_and(&wanted))
    }
}
