//! How many open cases each unit and all below it hold, by status and light: kept up as cases
//! move, so that a screen's first page costs no search.
//!
//! A case counts for its holder, for the division that the holder sits at, and for each division
//! above that on the line: village, township, county, city. Whom a unit reports to is another thing.

use super::Inboxes;
use crate::domain::case::{Light, StatusName};
use crate::domain::ids::UnitNumber;
use crate::domain::organisation::Organisation;
use crate::engine::query::Standing;

/// Open cases by status and light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenCounts([[u32; Light::ALL.len()]; StatusName::OPEN.len()]);

impl OpenCounts {
    /// Of that status, and of that light of the worse clock.
    #[must_use]
    pub fn of(&self, status: StatusName, light: Light) -> u32 {
        status.open_place().map_or(0, |status| self.0[status][light as usize])
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().flatten().sum()
    }

    fn of_standing(&mut self, standing: &Standing) -> Option<&mut u32> {
        let status = StatusName::ALL.get(standing.status())?.open_place()?;
        self.0[status].get_mut(standing.light())
    }
}

/// The counts of all units, by number; the place of number 0 is empty.
#[derive(Debug, Default)]
pub(super) struct Counts {
    open: Vec<OpenCounts>,
    /// The unit next above; 0: none.
    above: Vec<u32>,
}

impl Counts {
    /// Counts anew what the inboxes hold, for another organisation.
    pub(super) fn rebuild(&mut self, organisation: &Organisation, inboxes: &Inboxes) {
        let above = organisation.iter().map(|(unit, _)| organisation.seat(unit));
        self.above = std::iter::once(0).chain(above.map(|unit| unit.map_or(0, |u| u.0))).collect();
        self.open = vec![OpenCounts::default(); self.above.len()];
        inboxes.for_each(|unit, standing| self.add(unit, standing));
    }

    /// One more that stands so, held by that unit.
    pub(super) fn add(&mut self, holder: UnitNumber, standing: &Standing) {
        self.change(holder, standing, |count| count.checked_add(1));
    }

    /// One less.
    pub(super) fn take(&mut self, holder: UnitNumber, standing: &Standing) {
        self.change(holder, standing, |count| count.checked_sub(1));
    }

    fn change(
        &mut self,
        holder: UnitNumber,
        standing: &Standing,
        change: impl Fn(u32) -> Option<u32>,
    ) {
        let mut unit = holder.0 as usize;
        while unit != 0 {
            if let Some(count) = self.open[unit].of_standing(standing) {
                *count = change(*count).expect("what was counted in is counted out");
            }
            unit = self.above[unit] as usize;
        }
    }

    /// What the unit and all below it hold.
    pub(super) fn of(&self, unit: UnitNumber) -> OpenCounts {
        self.open.get(unit.0 as usize).copied().unwrap_or_default()
    }

    /// The same of each unit next below.
    pub(super) fn below(&self, unit: UnitNumber) -> Vec<(UnitNumber, OpenCounts)> {
        let units = self.above.iter().zip(&self.open).zip(0..).skip(1);
        let below = units.filter(|((above, _), _)| **above == unit.0);
        below.map(|((_, counts), number)| (UnitNumber(number), *counts)).collect()
    }
}
