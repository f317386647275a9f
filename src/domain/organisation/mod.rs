//! Who there is: the units from city to grid, the tree and the line that run through them, and what
//! became of each.
//!
//! A unit has a number for ever and a code for as long as it stays where it is. Its digits say where
//! it sits (its seat); whom it answers to is another thing.

mod as_of;
mod change;
mod closing;
mod import;
mod line;
mod numbering;
mod successor;
mod tree;
mod unit;

use std::collections::BTreeMap;

use super::code::UnitCode;
use super::digest::{Digest, Hasher};
use super::hash::NumberMap;
use super::ids::{Seq, Timestamp, UnitNumber};

pub use as_of::AsOf;
pub use import::{UnitFinding, UnitFindings};
pub use numbering::{OrderedUnit, Subtree};
pub use unit::{Modules, UnitKind, UnitRow};

pub(super) use change::{decide, evolve_changed, evolve_moved, evolve_opened};
pub(super) use closing::{decide_due, evolve_closed, evolve_closing, evolve_kept};
pub(super) use import::{checked, findings};
pub(super) use numbering::renumbering_before;

use change::{check_above, check_changes};
use closing::Closing;
use numbering::Numbering;
use successor::Bequest;

/// All units. Numbers are given once; a unit that comes later gets the next one.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    rows: Vec<UnitRow>,
    /// Codes that were left by a move included: they name the unit still.
    by_code: NumberMap<UnitCode, UnitNumber>,
    /// What sits at a division beside its own line, by the division's place, in the order of codes.
    bodies: NumberMap<u64, Vec<UnitNumber>>,
    /// The units below each, by its code, in the order of their numbers.
    children: NumberMap<UnitCode, Vec<UnitNumber>>,
    /// What a unit was before, and until when, oldest first.
    former: BTreeMap<UnitNumber, Vec<(Timestamp, UnitRow)>>,
    closing: Closing,
    numbering: Numbering,
    last_seq: Seq,
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

    /// The number of the unit that has, or had, that code.
    #[must_use]
    pub fn find(&self, code: UnitCode) -> Option<UnitNumber> {
        self.by_code.get(&code).copied()
    }

    /// The unit that has, or had, that code.
    pub(super) fn known(&self, code: UnitCode) -> Option<(UnitNumber, &UnitRow)> {
        let number = self.find(code)?;
        Some((number, self.unit(number)?))
    }

    /// The unit as it was at that moment.
    #[must_use]
    pub fn unit_at(&self, number: UnitNumber, at: Timestamp) -> Option<&UnitRow> {
        let former = self.former.get(&number).map_or(&[][..], Vec::as_slice);
        let was = former.iter().find(|(until, _)| at < *until).map(|(_, row)| row);
        was.or_else(|| self.unit(number))
    }

    /// The code that the unit had at that moment.
    #[must_use]
    pub fn code_at(&self, number: UnitNumber, at: Timestamp) -> Option<UnitCode> {
        self.unit_at(number, at).map(|row| row.code)
    }

    /// The code that the unit left when it moved to `to` at that moment.
    #[must_use]
    pub fn code_left(&self, number: UnitNumber, to: UnitCode, at: Timestamp) -> Option<UnitCode> {
        let former = self.former(number);
        let next = former.iter().skip(1).map(|(_, row)| row).chain(self.unit(number));
        // It may have moved more than once in that moment.
        let is_it = |until: Timestamp, next: &UnitRow| until == at && next.code == to;
        let left = former.iter().zip(next).find(|((until, _), next)| is_it(*until, next));
        left.map(|((_, row), _)| row.code).or_else(|| self.code_at(number, at))
    }

    /// What the unit was before, and until when, oldest first.
    #[must_use]
    pub fn former(&self, number: UnitNumber) -> &[(Timestamp, UnitRow)] {
        self.former.get(&number).map_or(&[], Vec::as_slice)
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

    /// The number that a new unit gets before which `before` others come.
    pub(super) fn next_number(&self, before: usize) -> UnitNumber {
        let next = self.rows.len() + before + 1;
        UnitNumber(u32::try_from(next).expect("bounded by UNITS_MAX"))
    }

    /// The newest change of it in the journal: its version.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.last_seq
    }

    pub(super) fn changed(&mut self, seq: Seq) {
        self.last_seq = seq;
    }

    /// Puts an import's units in: a known code keeps its number and a new one gets the next, in
    /// organisation order among them.
    pub(super) fn put_all(&mut self, mut rows: Vec<UnitRow>, at: Timestamp) {
        rows.sort_by_key(|row| row.code);
        for row in rows {
            self.put(row, at);
        }
    }

    /// Puts a unit in: what it was before is kept beside.
    fn put(&mut self, row: UnitRow, at: Timestamp) {
        match self.find(row.code) {
            Some(number) => self.replace(number, row, at),
            None => self.push(row, at),
        }
    }

    /// Puts a unit in under the next number, behind those in order.
    fn push(&mut self, row: UnitRow, at: Timestamp) {
        let (code, until) = (row.code, row.valid_until);
        let number = self.push_row(row);
        self.numbering.came(code, number);
        if let Some(until) = until.filter(|until| at < *until) {
            self.closing.tell(until, number);
        }
    }

    fn push_row(&mut self, row: UnitRow) -> UnitNumber {
        let next = self.next_number(0);
        self.by_code.insert(row.code, next);
        self.digest.add(hash_of(u64::from(next.0), &row));
        self.rows.push(row);
        self.hang_on(next);
        next
    }

    /// Makes a known unit another row, as of `at`.
    fn replace(&mut self, number: UnitNumber, row: UnitRow, at: Timestamp) {
        let Some(before) = self.unit(number).filter(|before| **before != row).cloned() else {
            return;
        };
        self.hang_off(number);
        let place = u64::from(number.0);
        self.digest.replace(hash_of(place, &before), hash_of(place, &row));
        if before.code != row.code {
            self.by_code.insert(row.code, number);
            self.numbering.moved(number, before.code, row.code);
        }
        if let Some(until) = before.valid_until {
            self.closing.forget(until, number);
        }
        if let Some(until) = row.valid_until.filter(|until| at < *until) {
            self.closing.tell(until, number);
        }
        self.rows[number.0 as usize - 1] = row;
        self.hang_on(number);
        self.put_former(number, at, before);
    }

    fn put_former(&mut self, number: UnitNumber, until: Timestamp, row: UnitRow) {
        self.digest.add(former_hash(number, until, &row));
        // A code that was left names the unit still, unless another has it by now.
        self.by_code.entry(row.code).or_insert(number);
        self.former.entry(number).or_default().push((until, row));
    }

    /// The sum of its rows' hashes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = self.digest.plus(self.numbering.digest()).plus(self.closing.digest());
        digest.add(Hasher::new("organisation").number(self.last_seq.0).finish());
        digest
    }
}

/// What a snapshot keeps of an organisation beside its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// All units, in the order of their numbers, and whether each is told to close.
    pub units: Vec<(UnitRow, bool)>,
    /// What units were before, oldest first for each.
    pub former: Vec<(UnitNumber, Timestamp, UnitRow)>,
    /// Which numbering epoch it is in.
    pub epoch: u32,
    /// The units as that epoch ordered them.
    pub order: Vec<OrderedUnit>,
    /// Its newest change in the journal.
    pub last_seq: Seq,
}

impl Restored {
    /// The organisation that these were kept of.
    #[must_use]
    pub fn organisation(self) -> Organisation {
        let mut organisation = Organisation::default();
        for (row, is_closing) in self.units {
            let until = row.valid_until.filter(|_| is_closing);
            let number = organisation.push_row(row);
            if let Some(until) = until {
                organisation.closing.tell(until, number);
            }
        }
        for (number, until, row) in self.former {
            organisation.put_former(number, until, row);
        }
        organisation.numbering = Numbering::restored(self.epoch, self.order, &organisation.rows);
        organisation.last_seq = self.last_seq;
        organisation
    }
}

/// The hash of a row in its place: its share of a digest.
pub(super) fn hash_of(place: u64, row: &UnitRow) -> u128 {
    hashed(Hasher::new("unit").number(place), row).finish()
}

fn former_hash(number: UnitNumber, until: Timestamp, row: &UnitRow) -> u128 {
    let hasher = Hasher::new("former unit").number(u64::from(number.0));
    hashed(hasher.number(until.0.cast_unsigned()), row).finish()
}

fn hashed(hasher: Hasher, row: &UnitRow) -> Hasher {
    let moment = |at: Option<Timestamp>| at.map_or(u64::MAX, |at| at.0.cast_unsigned());
    let code = |code: Option<UnitCode>| code.map_or(0, UnitCode::packed);
    hasher
        .number(row.code.packed())
        .number(row.kind as u64)
        .text(&row.name)
        .number(code(row.reports_to))
        .number(u64::from(row.modules.0))
        .number(moment(row.valid_from))
        .number(moment(row.valid_until))
        .number(code(row.successor))
}
