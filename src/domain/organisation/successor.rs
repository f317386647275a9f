//! Who takes over from a unit that closes. Nothing is ever left with a holder that is not open: a
//! unit that holds cases closes only with a successor, and what it holds moves in the same command. A
//! unit that is told to close later could hold cases by then, so it needs one where it may hold any.

use std::collections::{BTreeMap, BTreeSet};

use super::UnitRow;
use crate::domain::case;
use crate::domain::code::{Level, UnitCode};
use crate::domain::event::Event;
use crate::domain::ids::{CaseId, Seq, Timestamp, UnitNumber};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// What closes, and what takes over: as the organisation will be.
pub(in crate::domain) struct Bequest<'r> {
    /// Who closes.
    pub(in crate::domain) from: UnitNumber,
    /// Its code.
    pub(in crate::domain) code: UnitCode,
    /// Who takes over, and the number that it has or will have.
    pub(in crate::domain) successor: Option<(UnitNumber, &'r UnitRow)>,
}

/// The open cases of units that close.
pub(super) struct Held(BTreeMap<UnitNumber, Vec<(CaseId, Seq)>>);

impl Held {
    pub(super) fn by(state: &State, closing: impl Iterator<Item = UnitNumber>) -> Self {
        let closing: BTreeSet<UnitNumber> = closing.collect();
        // Most changes close nobody, and looking is a pass over all cases.
        if closing.is_empty() {
            return Self(BTreeMap::new());
        }
        Self(case::held_by(state, |unit| closing.contains(&unit)))
    }
}

/// The events that move the open cases of all that close.
///
/// # Errors
/// When a unit that holds cases names no successor, or one that cannot hold them.
pub(super) fn bequests(
    state: &State,
    now: Timestamp,
    closing: &[Bequest<'_>],
) -> Result<Vec<Event>, Rejection> {
    let held = Held::by(state, closing.iter().map(|bequest| bequest.from));
    for bequest in closing {
        check(now, bequest, &held)?;
    }
    Ok(events(closing, &held))
}

/// Whether the successor, where there is one, will be open and may hold what the unit holds; whether
/// there is one where the unit holds anything.
pub(super) fn check(now: Timestamp, bequest: &Bequest<'_>, held: &Held) -> Result<(), Rejection> {
    let unit = bequest.code;
    let holds = held.0.contains_key(&bequest.from);
    match bequest.successor {
        None if holds => Err(Rejection::UnitNeedsSuccessor { unit }),
        None => Ok(()),
        Some((_, row)) => {
            let highest = if holds { Level::Township } else { Level::Township.max(unit.level()) };
            if is_fit(row, now, highest) { Ok(()) } else { Err(Rejection::SuccessorUnfit { unit }) }
        }
    }
}

/// Whether the successor of a unit that is told to close, where there is one, will be open by then
/// and may hold what the unit holds; whether there is one where the unit may hold anything.
pub(super) fn check_later(
    closing: &UnitRow,
    until: Timestamp,
    successor: Option<&UnitRow>,
) -> Result<(), Rejection> {
    let unit = closing.code;
    let highest = Level::Township.max(closing.level());
    match successor {
        None if closing.level() <= Level::Township => Err(Rejection::UnitNeedsSuccessor { unit }),
        Some(row) if !is_fit(row, until, highest) => Err(Rejection::SuccessorUnfit { unit }),
        None | Some(_) => Ok(()),
    }
}

/// Whether the unit is open at that moment and stays so, and sits low enough.
fn is_fit(row: &UnitRow, at: Timestamp, highest: Level) -> bool {
    row.is_open(at) && row.valid_until.is_none() && row.level() <= highest
}

/// The events of bequests that were checked.
pub(super) fn events(closing: &[Bequest<'_>], held: &Held) -> Vec<Event> {
    let by_number: BTreeMap<UnitNumber, &Bequest<'_>> =
        closing.iter().map(|bequest| (bequest.from, bequest)).collect();
    let moves = held.0.iter().filter_map(|(from, cases)| {
        let (successor, _) = by_number.get(from)?.successor?;
        Some(case::decide_inherit(*from, successor, cases))
    });
    moves.flatten().collect()
}
