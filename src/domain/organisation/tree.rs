//! The tree of who answers to whom: each unit's parent is whom it reports to, or else the division
//! that it sits in or at.

use super::Organisation;
use crate::domain::code::UnitCode;
use crate::domain::ids::UnitNumber;
use crate::domain::limits::ANCESTORS_MAX;

impl Organisation {
    /// The unit above.
    #[must_use]
    pub fn parent(&self, unit: UnitNumber) -> Option<UnitNumber> {
        self.find(self.unit(unit)?.parent()?)
    }

    /// The units above, from the nearest to the root.
    pub fn ancestors(&self, unit: UnitNumber) -> impl Iterator<Item = UnitNumber> {
        std::iter::successors(self.parent(unit), |above| self.parent(*above)).take(ANCESTORS_MAX)
    }

    /// The units below, one step, in the order of their numbers; closed ones included.
    pub fn children(&self, unit: UnitNumber) -> impl Iterator<Item = UnitNumber> {
        // Who reports to it may name it by a code that it has left.
        let left = self.former(unit).iter().map(|(_, row)| row.code);
        let mut codes: Vec<UnitCode> = self.code(unit).into_iter().chain(left).collect();
        codes.sort_unstable();
        codes.dedup();
        let below = |code: UnitCode| self.children.get(&code).map_or(&[][..], Vec::as_slice);
        codes
            .into_iter()
            .flat_map(below)
            .copied()
            .filter(move |child| self.parent(*child) == Some(unit))
    }

    /// The units that cannot stay without it: those below, and all that sit in it, whomever they
    /// answer to. One may come twice.
    pub(super) fn dependants(&self, unit: UnitNumber) -> impl Iterator<Item = UnitNumber> {
        let division = self.code(unit).filter(|code| code.letter().is_none());
        let inside: Vec<_> =
            division.map_or_else(Vec::new, |code| self.within(code.range()).units().collect());
        self.children(unit).chain(inside.into_iter().filter(move |inside| *inside != unit))
    }

    /// Makes the unit findable below its parent, and at its seat.
    pub(super) fn hang_on(&mut self, unit: UnitNumber) {
        let Some(row) = self.unit(unit) else {
            return;
        };
        let (code, parent) = (row.code, row.parent());
        if code.letter().is_some() {
            let mut bodies = self.bodies.remove(&code.place()).unwrap_or_default();
            let at = bodies.partition_point(|body| self.code(*body) < Some(code));
            bodies.insert(at, unit);
            self.bodies.insert(code.place(), bodies);
        }
        if let Some(parent) = parent {
            let children = self.children.entry(parent).or_default();
            let at = children.partition_point(|child| *child < unit);
            children.insert(at, unit);
        }
    }

    pub(super) fn hang_off(&mut self, unit: UnitNumber) {
        let Some(row) = self.unit(unit) else {
            return;
        };
        let (code, parent) = (row.code, row.parent());
        if let Some(bodies) = self.bodies.get_mut(&code.place()) {
            bodies.retain(|body| *body != unit);
        }
        if let Some(children) = parent.and_then(|parent| self.children.get_mut(&parent)) {
            children.retain(|child| *child != unit);
        }
    }
}
