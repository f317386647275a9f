//! Whether staged units hold together with the organisation. One check finds all that is wrong; whoever
//! asks says when it has heard enough: a commit after the first, a report at its bound.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::ControlFlow;

use super::successor::{self, Held};
use super::{Bequest, Organisation, UnitRow, check_above, check_changes};
use crate::domain::code::UnitCode;
use crate::domain::event::Event;
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::FINDINGS_MAX;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Why a staged unit cannot come into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitFinding {
    /// Its row, counted from 1 in the order staged.
    pub row: u32,
    /// Its code.
    pub unit: UnitCode,
    /// Why.
    pub rejection: Rejection,
}

/// All that is wrong with staged units, `FINDINGS_MAX` at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitFindings {
    /// As they were found: a row may have several.
    pub findings: Vec<UnitFinding>,
    /// How many more there are.
    pub untold: u32,
}

/// Staged units that hold together.
pub(in crate::domain) struct Checked {
    /// How many of them are new.
    pub(in crate::domain) coming: usize,
    /// What moves the work of those that close.
    pub(in crate::domain) bequests: Vec<Event>,
}

/// All that keeps the units from coming into force.
pub(in crate::domain) fn findings(
    state: &State,
    now: Timestamp,
    units: &[UnitRow],
) -> UnitFindings {
    let mut all = UnitFindings::default();
    let told = check(state, now, units, &mut |finding| {
        if all.findings.len() < FINDINGS_MAX {
            all.findings.push(finding);
        } else {
            all.untold += 1;
        }
        ControlFlow::<Infallible>::Continue(())
    });
    match told {
        ControlFlow::Continue(_) => all,
        ControlFlow::Break(never) => match never {},
    }
}

/// What the units come to, if they may come into force.
///
/// # Errors
/// The first that is wrong.
pub(in crate::domain) fn checked(
    state: &State,
    now: Timestamp,
    units: &[UnitRow],
) -> Result<Checked, Rejection> {
    match check(state, now, units, &mut |finding| ControlFlow::Break(finding.rejection)) {
        ControlFlow::Continue(checked) => Ok(checked),
        ControlFlow::Break(rejection) => Err(rejection),
    }
}

/// Tells everything that is wrong until it is broken off.
fn check<B>(
    state: &State,
    now: Timestamp,
    units: &[UnitRow],
    found: &mut impl FnMut(UnitFinding) -> ControlFlow<B>,
) -> ControlFlow<B, Checked> {
    let mut found_at = |row: usize, result: Result<(), Rejection>| match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(rejection) => {
            let number = u32::try_from(row + 1).expect("bounded by UNITS_MAX");
            found(UnitFinding { row: number, unit: units[row].code, rejection })
        }
    };
    let mut after = After::of(state.organisation(), units.len());
    let mut sorted: Vec<usize> = (0..units.len()).collect();
    sorted.sort_by_key(|row| units[*row].code);
    for row in sorted {
        found_at(row, after.put(&units[row]))?;
    }
    for (at, row) in units.iter().enumerate() {
        found_at(at, after.check_above(now, row))?;
        found_at(at, after.check_below(now, row))?;
    }
    let mut closing = Vec::new();
    for (at, row) in units.iter().enumerate() {
        match after.bequest(now, row) {
            Ok(bequest) => closing.extend(bequest.map(|bequest| (at, bequest))),
            Err(rejection) => found_at(at, Err(rejection))?,
        }
    }
    let held = Held::by(state, closing.iter().map(|(_, bequest)| bequest.from));
    for (at, bequest) in &closing {
        found_at(*at, successor::check(now, bequest, &held))?;
    }
    let closing: Vec<_> = closing.into_iter().map(|(_, bequest)| bequest).collect();
    let bequests = successor::events(&closing, &held);
    ControlFlow::Continue(Checked { coming: after.coming, bequests })
}

/// The organisation as it will be once the units are in force.
struct After<'s> {
    organisation: &'s Organisation,
    rows: HashMap<UnitCode, (UnitNumber, &'s UnitRow)>,
    /// How many of the rows are new units.
    coming: usize,
}

impl<'s> After<'s> {
    fn of(organisation: &'s Organisation, units: usize) -> Self {
        Self { organisation, rows: HashMap::with_capacity(units), coming: 0 }
    }

    /// Puts the next unit in, in the order of codes; what may not come is left out.
    fn put(&mut self, row: &'s UnitRow) -> Result<(), Rejection> {
        if self.rows.contains_key(&row.code) {
            return Err(Rejection::UnitTwice { unit: row.code });
        }
        let unit = match self.organisation.find(row.code) {
            // The code was left by a unit that moved: it is not given twice.
            Some(unit) if self.organisation.code(unit) != Some(row.code) => {
                return Err(Rejection::UnitCodeTaken { unit: row.code });
            }
            Some(unit) => {
                check_changes(self.organisation, unit, row.code)?;
                unit
            }
            None => {
                self.coming += 1;
                self.organisation.next_number(self.coming - 1)
            }
        };
        self.rows.insert(row.code, (unit, row));
        Ok(())
    }

    fn find(&self, code: UnitCode) -> Option<(UnitNumber, &'s UnitRow)> {
        self.rows.get(&code).copied().or_else(|| self.organisation.known(code))
    }

    /// Whether the row hangs on what will be known and, being open itself, open.
    fn check_above(&self, now: Timestamp, row: &UnitRow) -> Result<(), Rejection> {
        check_above(now, row, |code| self.find(code).map(|(_, row)| row))
    }

    /// Whether what hangs on the row will not be left alone.
    fn check_below(&self, now: Timestamp, row: &UnitRow) -> Result<(), Rejection> {
        let Some(unit) = self.organisation.find(row.code).filter(|_| row.is_closed(now)) else {
            return Ok(());
        };
        let below = self.organisation.children(unit);
        let mut below = below.filter_map(|child| self.find(self.organisation.code(child)?));
        if below.any(|(_, child)| child.parent() == Some(row.code) && !child.is_closed(now)) {
            return Err(Rejection::UnitHasSubunits { unit: row.code });
        }
        Ok(())
    }

    /// Who takes over from the row, where it is a known unit that will not be open.
    fn bequest(&self, now: Timestamp, row: &UnitRow) -> Result<Option<Bequest<'s>>, Rejection> {
        let Some(unit) = self.organisation.find(row.code).filter(|_| !row.is_open(now)) else {
            return Ok(None);
        };
        let heir = |code| self.find(code).ok_or(Rejection::SuccessorNotFound { unit: row.code });
        let successor = row.successor.map(heir).transpose()?;
        Ok(Some(Bequest { from: unit, code: row.code, successor }))
    }
}
