//! Who takes over from a unit that closes. Nothing is ever left with a holder that is not open: a
//! unit that holds cases closes only with a successor, and what it holds moves in the same command.

use std::collections::BTreeMap;

use super::UnitRow;
use crate::domain::case;
use crate::domain::code::{Level, UnitCode};
use crate::domain::event::Event;
use crate::domain::ids::{Timestamp, UnitNumber};
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

/// The events that move the open cases of all that close.
///
/// # Errors
/// When a unit that holds cases names no successor, or one that cannot hold them.
pub(in crate::domain) fn bequests(
    state: &State,
    now: Timestamp,
    closing: &[Bequest<'_>],
) -> Result<Vec<Event>, Rejection> {
    for bequest in closing {
        if let Some((_, row)) = bequest.successor
            && (!row.is_open(now) || row.level() > Level::Township.max(bequest.code.level()))
        {
            return Err(Rejection::SuccessorUnfit { unit: bequest.code });
        }
    }
    let by_number: BTreeMap<UnitNumber, &Bequest<'_>> =
        closing.iter().map(|bequest| (bequest.from, bequest)).collect();
    let held = case::held_by(state, |unit| by_number.contains_key(&unit));
    let mut events = Vec::new();
    for (from, cases) in held {
        let Some(bequest) = by_number.get(&from) else {
            continue;
        };
        let Some((successor, row)) = bequest.successor else {
            return Err(Rejection::UnitNeedsSuccessor { unit: bequest.code });
        };
        if row.level() > Level::Township {
            return Err(Rejection::SuccessorUnfit { unit: bequest.code });
        }
        events.extend(case::decide_inherit(from, successor, &cases));
    }
    Ok(events)
}
