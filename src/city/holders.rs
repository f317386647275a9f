//! Who holds which case of a run: the run follows the rules, so that it can say whose move is
//! next, also after the organisation has changed.

use std::collections::BTreeMap;

use super::bodies::office_of;
use super::ground::Ground;
use crate::domain::case::Move;
use crate::domain::catalogue::Module;
use crate::domain::code::{Level, UnitCode};

/// A case with moves to come, or that nobody ever closes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// Who holds it, or ended it.
    pub(super) unit: UnitCode,
    /// Where it happened, as its report named it.
    pub(super) place: UnitCode,
    /// Of its matter.
    pub(super) module: Module,
    /// Whether it has not ended.
    pub(super) is_open: bool,
    /// Moves to come.
    pub(super) left: usize,
}

/// Who makes a move with a case, and whom the case is sent to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) by: UnitCode,
    pub(super) holder: UnitCode,
    /// Whom the move names, where it names someone.
    pub(super) to: Option<UnitCode>,
}

/// The cases of a run that have not ended for good, by number.
#[derive(Debug, Default)]
pub(super) struct Holders {
    cases: BTreeMap<u64, Held>,
}

impl Holders {
    pub(super) fn put(&mut self, case: u64, held: Held) {
        if held.left > 0 || held.is_open {
            self.cases.insert(case, held);
        }
    }

    /// Makes a move with a case. None where there is nobody whom it could go to: the move is left
    /// out, and those after it fit the case as it stands.
    pub(super) fn make(&mut self, case: u64, what: Move, ground: &Ground<'_>) -> Option<Made> {
        let held = self.cases.get_mut(&case)?;
        held.left -= 1;
        let (holder, by) = (held.unit, maker(held, what));
        let place = ground.current(held.place);
        let to = match what {
            Move::Transfer => Some(ground.beside(holder)?),
            Move::HandDown => Some(below(ground, holder, place)?),
            Move::Acknowledge
            | Move::Escalate
            | Move::Handle
            | Move::Close
            | Move::Return
            | Move::Decline
            | Move::Reopen
            | Move::Void
            | Move::Note => None,
        };
        match what {
            Move::Transfer | Move::HandDown => held.unit = to.unwrap_or(holder),
            Move::Escalate => held.unit = one_up(holder, held.module),
            Move::Return => held.unit = centre(holder),
            Move::Close | Move::Decline => held.is_open = false,
            Move::Void => {
                held.unit = by;
                held.is_open = false;
            }
            Move::Reopen => held.is_open = true,
            Move::Acknowledge | Move::Handle | Move::Note => {}
        }
        if held.left == 0 && !held.is_open {
            self.cases.remove(&case);
        }
        Some(Made { by, holder, to })
    }

    /// Who holds the most open cases of those units, and how many.
    pub(super) fn busiest(&self, is_asked: impl Fn(UnitCode) -> bool) -> Option<(UnitCode, u64)> {
        let mut counts: BTreeMap<UnitCode, u64> = BTreeMap::new();
        for held in self.cases.values().filter(|held| held.is_open && is_asked(held.unit)) {
            *counts.entry(held.unit).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(unit, count)| (*count, std::cmp::Reverse(*unit)))
    }

    /// All that `from` held or ended is the business of `to`.
    pub(super) fn inherit(&mut self, from: UnitCode, to: UnitCode) {
        for held in self.cases.values_mut().filter(|held| held.unit == from) {
            held.unit = to;
        }
    }
}

/// Spam is voided, and what was closed badly is opened again, by the township's room.
fn maker(held: &Held, what: Move) -> UnitCode {
    match what {
        Move::Void | Move::Reopen => centre(held.unit),
        Move::Acknowledge
        | Move::Escalate
        | Move::Handle
        | Move::Close
        | Move::HandDown
        | Move::Transfer
        | Move::Return
        | Move::Decline
        | Move::Note => held.unit,
    }
}

/// The governance room of the township that the unit sits in.
pub(super) fn centre(unit: UnitCode) -> UnitCode {
    UnitCode::of_body(township(unit), b'R', 1).expect("a township seats bodies")
}

/// The office of that module in the township that the unit sits in.
pub(super) fn office(unit: UnitCode, module: Module) -> UnitCode {
    office_of(township(unit), module)
}

fn township(unit: UnitCode) -> UnitCode {
    unit.ancestor(Level::Township).expect("nobody above a township holds a case")
}

fn one_up(holder: UnitCode, module: Module) -> UnitCode {
    match holder.level() {
        Level::Grid => holder.ancestor(Level::Village).expect("a grid lies in a village"),
        Level::Village | Level::Township | Level::County | Level::City => office(holder, module),
    }
}

/// The grid that the holder hands a case down to: a village to the one where it happened, the
/// township's room, to which that one has returned it, to one beside.
fn below(ground: &Ground<'_>, holder: UnitCode, place: UnitCode) -> Option<UnitCode> {
    if holder.level() == Level::Township {
        return ground.beside(place).or(Some(place));
    }
    let range = holder.range();
    if range.contains(place) { Some(place) } else { ground.grids_in(range).next() }
}
