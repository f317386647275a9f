//! Who there is: the units from city to grid, numbered in organisation order, and the line that
//! runs through them.

mod unit;

use std::ops::RangeInclusive;

use super::code::{Level, UnitCode};
use super::digest::{Digest, Hasher};
use super::hash::NumberMap;
use super::ids::{Timestamp, UnitNumber};

pub use unit::{UnitKind, UnitRow};

/// All units. Numbers are given once; a unit that comes later gets the next one.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    rows: Vec<UnitRow>,
    by_code: NumberMap<UnitCode, UnitNumber>,
    /// How many units the first import brought: their numbers are in organisation order, so that
    /// a subtree is an interval of them.
    ordered: u32,
    digest: Digest,
}

impl Organisation {
    /// The unit of that number.
    #[must_use]
    pub fn unit(&self, number: UnitNumber) -> Option<&UnitRow> {
        self.rows.get((number.0 as usize).checked_sub(1)?)
    }

    /// The code of that unit. Every number in an event is one of the organisation's.
    #[must_use]
    pub fn code(&self, number: UnitNumber) -> Option<UnitCode> {
        self.unit(number).map(|row| row.code)
    }

    /// The number of the unit of that code.
    #[must_use]
    pub fn find(&self, code: UnitCode) -> Option<UnitNumber> {
        self.by_code.get(&code).copied()
    }

    /// All units with their numbers, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (UnitNumber, &UnitRow)> {
        self.rows.iter().zip(1..).map(|(row, number)| (UnitNumber(number), row))
    }

    /// How many units there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many of the first numbers are in organisation order.
    #[must_use]
    pub fn ordered(&self) -> u32 {
        self.ordered
    }

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

    /// The governance room of the township that `unit` sits in, if it is known and open.
    #[must_use]
    pub fn township_room(&self, unit: UnitNumber, now: Timestamp) -> Option<UnitNumber> {
        let township = self.code(unit)?.ancestor(Level::Township)?;
        let number = self.find(UnitCode::of_body(township, b'R', 1).ok()?)?;
        self.unit(number)?.is_open(now).then_some(number)
    }

    /// The numbers of the units in the subtree of `root`, among those in organisation order. What
    /// came later is outside the interval and is found by its code's range.
    #[must_use]
    pub fn subtree(&self, root: UnitNumber) -> Option<RangeInclusive<u32>> {
        let range = self.code(root)?.range();
        let ordered = &self.rows[..self.ordered as usize];
        let first = ordered.partition_point(|row| row.code.place() < range.first);
        let end = ordered.partition_point(|row| row.code.place() <= range.last);
        let number = |index: usize| u32::try_from(index).expect("bounded by UNITS_MAX");
        Some(number(first) + 1..=number(end))
    }

    /// Puts an import's units in. The first import is numbered in organisation order; later, a
    /// known code keeps its number and a new one gets the next, in organisation order among them.
    pub fn put_all(&mut self, mut rows: Vec<UnitRow>) {
        rows.sort_by_key(|row| row.code);
        let is_first = self.rows.is_empty();
        for row in rows {
            self.put(row);
        }
        if is_first {
            self.ordered = u32::try_from(self.rows.len()).expect("bounded by UNITS_MAX");
        }
    }

    /// The organisation of these rows, the first `ordered` of which are in organisation order:
    /// what a snapshot kept of one.
    #[must_use]
    pub fn restored(rows: Vec<UnitRow>, ordered: u32) -> Self {
        let mut organisation = Self::default();
        for row in rows {
            organisation.put(row);
        }
        organisation.ordered = ordered;
        organisation
    }

    fn put(&mut self, row: UnitRow) {
        let next = u32::try_from(self.rows.len() + 1).expect("bounded by UNITS_MAX");
        let number = *self.by_code.entry(row.code).or_insert(UnitNumber(next));
        let hash = hash_of(u64::from(number.0), &row);
        if number.0 == next {
            self.digest.add(hash);
            self.rows.push(row);
            return;
        }
        let slot = &mut self.rows[number.0 as usize - 1];
        self.digest.replace(hash_of(u64::from(number.0), slot), hash);
        *slot = row;
    }

    /// The sum of its rows' hashes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// The hash of a row in its place: its share of a digest.
pub(super) fn hash_of(place: u64, row: &UnitRow) -> u128 {
    let moment = |at: Option<Timestamp>| at.map_or(u64::MAX, |at| at.0.cast_unsigned());
    Hasher::new("unit")
        .number(place)
        .number(row.code.packed())
        .number(row.kind as u64)
        .text(&row.name)
        .number(moment(row.valid_from))
        .number(moment(row.valid_until))
        .finish()
}
