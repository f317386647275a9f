//! Organisation order: units by the code that they had when an epoch began, so that a subtree is an
//! interval of positions and a set of units a bitset.
//!
//! ```text
//!  position   1 ───────────────────────────── ordered          tail: who came or moved here later,
//!  epoch n    │ city │ county │ … │ grid │ … │ grid │          by code; at most UNITS_TAIL_MAX
//!                                    ▲
//!                                  away: moved from here
//! ```
//!
//! A subtree is an interval, less those away, and its share of the tail. What is stored as a set
//! names its epoch: renumbering begins another one.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Organisation, UnitRow};
use crate::domain::code::{CodeRange, UnitCode};
use crate::domain::digest::{Digest, Hasher};
use crate::domain::event::{Event, UnitsRenumbered};
use crate::domain::ids::UnitNumber;
use crate::domain::limits::UNITS_TAIL_MAX;

/// A unit in the order of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderedUnit {
    /// The code that it had when the epoch began.
    pub code: UnitCode,
    /// Its number.
    pub unit: UnitNumber,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Numbering {
    epoch: u32,
    order: Vec<OrderedUnit>,
    /// By the code that they have.
    tail: BTreeMap<UnitCode, UnitNumber>,
    /// By the code that they had when the epoch began.
    away: BTreeMap<UnitCode, UnitNumber>,
    digest: Digest,
}

/// The units of a subtree, or of any other range of places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree<'o> {
    /// The epoch of the positions.
    pub epoch: u32,
    /// Positions in that epoch's order, counted from 0.
    pub positions: Range<usize>,
    /// Those in the interval who moved away.
    pub away: Vec<UnitNumber>,
    /// Those outside it who came later.
    pub tail: Vec<UnitNumber>,
    order: &'o [OrderedUnit],
}

impl Subtree<'_> {
    /// Whether the unit is in it.
    #[must_use]
    pub fn contains(&self, unit: UnitNumber) -> bool {
        self.units().any(|one| one == unit)
    }

    /// Its units: in the epoch's order, and then those that came later.
    pub fn units(&self) -> impl Iterator<Item = UnitNumber> {
        let in_order = self.order[self.positions.clone()].iter().map(|ordered| ordered.unit);
        in_order.filter(|unit| !self.away.contains(unit)).chain(self.tail.iter().copied())
    }

    /// How many they are, without a look at each.
    #[must_use]
    pub fn count(&self) -> usize {
        self.positions.len() - self.away.len() + self.tail.len()
    }
}

impl Organisation {
    /// The units that sit in the places below `root`'s, itself and what sits beside it included.
    #[must_use]
    pub fn subtree(&self, root: UnitNumber) -> Option<Subtree<'_>> {
        self.code(root).map(|code| self.within(code.range()))
    }

    /// The units that sit in a range of places.
    #[must_use]
    pub fn within(&self, range: CodeRange) -> Subtree<'_> {
        self.numbering.within(range)
    }

    /// Which numbering epoch it is in: 0 before the first import.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.numbering.epoch
    }

    /// The units as this epoch ordered them.
    #[must_use]
    pub fn order(&self) -> &[OrderedUnit] {
        &self.numbering.order
    }

    /// Begins another epoch, with all units in the order of the codes that they have.
    pub(in crate::domain) fn renumber(&mut self) {
        self.numbering.begin(self.numbering.epoch + 1, in_order(&self.rows));
    }
}

fn in_order(rows: &[UnitRow]) -> Vec<OrderedUnit> {
    let numbered = rows.iter().zip(1..);
    let mut order: Vec<_> = numbered
        .map(|(row, number)| OrderedUnit { code: row.code, unit: UnitNumber(number) })
        .collect();
    order.sort_unstable_by_key(|ordered| ordered.code);
    order
}

/// The event that begins another epoch, where so many more units would overfill the tail.
pub(in crate::domain) fn renumbering_before(
    organisation: &Organisation,
    coming: usize,
) -> Option<Event> {
    let numbering = &organisation.numbering;
    let overfills = numbering.tail.len() + coming > UNITS_TAIL_MAX;
    (coming > 0 && (numbering.epoch == 0 || overfills))
        .then(|| Event::UnitsRenumbered(UnitsRenumbered { epoch: numbering.epoch + 1 }))
}

impl Numbering {
    pub(super) fn restored(epoch: u32, order: Vec<OrderedUnit>, rows: &[UnitRow]) -> Self {
        let mut numbering = Self::default();
        if epoch > 0 {
            numbering.begin(epoch, order);
        }
        let mut placed = vec![None; rows.len()];
        for ordered in &numbering.order {
            let place = (ordered.unit.0 as usize).checked_sub(1);
            if let Some(place) = place.and_then(|place| placed.get_mut(place)) {
                *place = Some(ordered.code);
            }
        }
        for ((row, place), number) in rows.iter().zip(placed).zip(1..) {
            match place {
                Some(code) if code == row.code => {}
                Some(code) => {
                    numbering.away.insert(code, UnitNumber(number));
                    numbering.tail.insert(row.code, UnitNumber(number));
                }
                None => {
                    numbering.tail.insert(row.code, UnitNumber(number));
                }
            }
        }
        numbering
    }

    fn begin(&mut self, epoch: u32, order: Vec<OrderedUnit>) {
        let mut hasher = Hasher::new("order").number(u64::from(epoch));
        for ordered in &order {
            hasher = hasher.number(ordered.code.packed()).number(u64::from(ordered.unit.0));
        }
        self.digest = Digest(hasher.finish());
        self.epoch = epoch;
        self.order = order;
        self.tail.clear();
        self.away.clear();
    }

    pub(super) fn came(&mut self, code: UnitCode, unit: UnitNumber) {
        self.tail.insert(code, unit);
    }

    pub(super) fn moved(&mut self, unit: UnitNumber, from: UnitCode, to: UnitCode) {
        if self.tail.remove(&from).is_none() {
            self.away.insert(from, unit);
        }
        // It may have come back.
        if self.away.get(&to) == Some(&unit) {
            self.away.remove(&to);
        } else {
            self.tail.insert(to, unit);
        }
    }

    fn within(&self, range: CodeRange) -> Subtree<'_> {
        let first = self.order.partition_point(|ordered| ordered.code.place() < range.first);
        let end = self.order.partition_point(|ordered| ordered.code.place() <= range.last);
        let of = |units: &BTreeMap<UnitCode, UnitNumber>| {
            let from = units.range(UnitCode::first_at(range.first)..);
            from.take_while(|(code, _)| range.contains(**code)).map(|(_, unit)| *unit).collect()
        };
        Subtree {
            epoch: self.epoch,
            positions: first..end,
            away: of(&self.away),
            tail: of(&self.tail),
            order: &self.order,
        }
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }
}
