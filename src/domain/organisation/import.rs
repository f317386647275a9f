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
use crate::domain::limits::{FINDINGS_MAX, UNITS_CLOSING_MAX};
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
    let mut later = after.closing_still();
    for (at, row) in units.iter().enumerate() {
        match after.bequest(now, row) {
            Ok(bequest) => closing.extend(bequest.map(|bequest| (at, bequest))),
            Err(rejection) => found_at(at, Err(rejection))?,
        }
        if let Some(until) = row.valid_until.filter(|until| now < *until) {
            found_at(at, after.check_later(row, until))?;
            later += 1;
            let is_bounded = later <= UNITS_CLOSING_MAX;
            found_at(at, if is_bounded { Ok(()) } else { Err(Rejection::OrganisationFull) })?;
        }
    }
    for code in after.missed() {
        let at = units.iter().position(|row| row.code == code);
        found_at(at.unwrap_or(0), Err(Rejection::UnitNeedsSuccessor { unit: code }))?;
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
        let known = || {
            let (unit, row) = self.organisation.known(code)?;
            // It may be named by a code that it has left.
            Some(self.rows.get(&row.code).copied().unwrap_or((unit, row)))
        };
        self.rows.get(&code).copied().or_else(known)
    }

    /// Whether the unit is there already, as the row says.
    fn stays(&self, row: &UnitRow) -> bool {
        self.organisation.known(row.code).is_some_and(|(_, before)| before == row)
    }

    /// Whether the row hangs on what will be known and, being open itself, open.
    fn check_above(&self, now: Timestamp, row: &UnitRow) -> Result<(), Rejection> {
        check_above(now, row, |code| self.find(code).map(|(_, row)| row))
    }

    /// Whether what hangs on the row, or sits in it, will not be left alone.
    fn check_below(&self, now: Timestamp, row: &UnitRow) -> Result<(), Rejection> {
        let closes = |_: &UnitNumber| row.valid_until.is_some();
        let Some(unit) = self.organisation.find(row.code).filter(closes) else {
            return Ok(());
        };
        let below = self.organisation.dependants(unit);
        let mut below = below.filter_map(|child| self.find(self.organisation.code(child)?));
        let is_left = |child: &UnitRow| !child.is_closed(now) && !row.stays_as_long_as(child);
        let hangs_on = |child: &UnitRow| {
            let above = [child.parent(), child.code.seat()].into_iter().flatten();
            above.filter_map(|code| self.find(code)).any(|(above, _)| above == unit)
        };
        if below.any(|(_, child)| hangs_on(child) && is_left(child)) {
            return Err(Rejection::UnitHasSubunits { unit: row.code });
        }
        Ok(())
    }

    /// Who takes over from the row, where it is a known unit that will not be open and was no such
    /// row before.
    fn bequest(&self, now: Timestamp, row: &UnitRow) -> Result<Option<Bequest<'s>>, Rejection> {
        let known = self.organisation.find(row.code);
        let Some(unit) = known.filter(|_| !row.is_open(now) && !self.stays(row)) else {
            return Ok(None);
        };
        Ok(Some(Bequest { from: unit, code: row.code, successor: self.heir(row)? }))
    }

    fn heir(&self, row: &UnitRow) -> Result<Option<(UnitNumber, &'s UnitRow)>, Rejection> {
        let heir = |code| self.find(code).ok_or(Rejection::SuccessorNotFound { unit: row.code });
        row.successor.map(heir).transpose()
    }

    /// Whether the row names who takes over at that later moment, where it was not told so before.
    fn check_later(&self, row: &UnitRow, until: Timestamp) -> Result<(), Rejection> {
        if self.stays(row) {
            return Ok(());
        }
        successor::check_later(row, until, self.heir(row)?.map(|(_, heir)| heir))
    }

    /// How many units are told to close of which no row says anything.
    fn closing_still(&self) -> usize {
        let is_untold = |code: &UnitCode| !self.rows.contains_key(code);
        let closing = self.organisation.closing();
        closing.filter_map(|(_, unit)| self.organisation.code(unit)).filter(is_untold).count()
    }

    /// Who will be missed: the last in a row of successors of a unit that was told to close before,
    /// where nobody takes over any more.
    fn missed(&self) -> impl Iterator<Item = UnitCode> {
        let closing = self.organisation.closing();
        closing.filter_map(|(until, unit)| {
            let (_, mut last) = self.find(self.organisation.code(unit)?)?;
            // Whom a row names that is another now was looked at with that row.
            while self.stays(last) && !last.is_open(until) {
                last = self.find(last.successor?)?.1;
            }
            (!last.is_open(until) && last.successor.is_none()).then_some(last.code)
        })
    }
}
