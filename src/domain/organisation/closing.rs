//! Closing: a unit exists no more, at once or from a moment that is told ahead. Whoever closes names
//! the successor of its open work.
//!
//! ```text
//!            ┌──── keep ─────┐
//!            ▼               │           its moment comes
//!          open ── close ─▶ told to close ─────────────────▶ closed
//!            │      until    │ ▲  │                            ▲
//!            │               └─┘  └──── close, split, merge ───┤
//!            └───────────── close, split, merge ───────────────┘
//! ```
//!
//! Whoever is told to close works on until then. Three rules keep its work from being left alone: it
//! takes over from nobody, so that no row of successors comes back to its first; whoever is to take
//! over from it closes only with a successor, which takes over instead; and nothing that stays longer
//! comes to sit below it.

use std::collections::BTreeSet;

use super::change::{check_above, check_changes, heir, open_unit, row_of};
use super::successor::{self, Bequest, Held, bequests};
use super::{Organisation, UnitRow};
use crate::domain::code::UnitCode;
use crate::domain::command::CloseUnit;
use crate::domain::digest::{Digest, Hasher};
use crate::domain::event::{Event, UnitClosed, UnitClosing, UnitKept};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::UNITS_CLOSING_MAX;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// The units that are told to close, by when.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    units: BTreeSet<(Timestamp, UnitNumber)>,
    digest: Digest,
}

impl Closing {
    pub(super) fn tell(&mut self, until: Timestamp, unit: UnitNumber) {
        if self.units.insert((until, unit)) {
            self.digest.add(hash(until, unit));
        }
    }

    pub(super) fn forget(&mut self, until: Timestamp, unit: UnitNumber) {
        if self.units.remove(&(until, unit)) {
            self.digest.subtract(hash(until, unit));
        }
    }

    pub(super) fn digest(&self) -> Digest {
        self.digest
    }
}

fn hash(until: Timestamp, unit: UnitNumber) -> u128 {
    let hasher = Hasher::new("closing").number(until.0.cast_unsigned());
    hasher.number(u64::from(unit.0)).finish()
}

impl Organisation {
    /// The units that are told to close, by when.
    pub fn closing(&self) -> impl Iterator<Item = (Timestamp, UnitNumber)> {
        self.closing.units.iter().copied()
    }

    /// How many units are told to close.
    #[must_use]
    pub fn closing_len(&self) -> usize {
        self.closing.units.len()
    }

    /// When the next unit closes that is told to.
    #[must_use]
    pub fn next_closing_at(&self) -> Option<Timestamp> {
        self.closing.units.first().map(|(until, _)| *until)
    }

    /// Whether the unit is told to close.
    #[must_use]
    pub fn is_closing(&self, unit: UnitNumber) -> bool {
        let until = self.unit(unit).and_then(|row| row.valid_until);
        until.is_some_and(|until| self.closing.units.contains(&(until, unit)))
    }

    /// Whether the unit is to take over from one that is told to close.
    fn is_awaited(&self, unit: UnitNumber) -> bool {
        self.closing().any(|(until, closing)| self.heir_of(closing, until) == Some(unit))
    }

    /// Who takes over from the unit once that moment has come.
    fn heir_of(&self, unit: UnitNumber, at: Timestamp) -> Option<UnitNumber> {
        let named = self.find(self.unit(unit)?.successor?)?;
        self.standing_in(named, at)
    }
}

/// Decides what closing a unit does.
pub(super) fn close(
    state: &State,
    now: Timestamp,
    command: &CloseUnit,
) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    let (unit, row) = open_unit(organisation, now, command.unit)?;
    let heir = command.successor.map(|code| heir(organisation, code)).transpose()?;
    match command.until {
        None => close_all(state, now, &[(unit, command.unit)], heir),
        Some(until) => {
            check_later(organisation, now, (unit, row), heir, until)?;
            let successor = heir.map(|(heir, _)| heir);
            Ok(vec![Event::UnitClosing(UnitClosing { unit, successor, until })])
        }
    }
}

/// Whether the unit may be told to close at that moment.
fn check_later(
    organisation: &Organisation,
    now: Timestamp,
    (unit, row): (UnitNumber, &UnitRow),
    heir: Option<(UnitNumber, &UnitRow)>,
    until: Timestamp,
) -> Result<(), Rejection> {
    if until <= now {
        return Err(Rejection::UnitClosesInPast { unit: row.code });
    }
    check_below(organisation, unit, until)?;
    let later = UnitRow {
        valid_until: Some(until),
        successor: heir.map(|(_, heir)| heir.code),
        ..row.clone()
    };
    check_above(now, &later, row_of(organisation))?;
    if heir.is_some_and(|(heir, _)| heir == unit) {
        return Err(Rejection::SuccessorUnfit { unit: row.code });
    }
    if heir.is_none() && organisation.is_awaited(unit) {
        return Err(Rejection::UnitNeedsSuccessor { unit: row.code });
    }
    successor::check_later(&later, until, heir.map(|(_, heir)| heir))?;
    check_changes(organisation, unit, row.code)?;
    if !organisation.is_closing(unit) && organisation.closing_len() >= UNITS_CLOSING_MAX {
        return Err(Rejection::OrganisationFull);
    }
    Ok(())
}

/// Decides what calling a closing off does.
pub(super) fn keep(
    organisation: &Organisation,
    now: Timestamp,
    code: UnitCode,
) -> Result<Vec<Event>, Rejection> {
    let (unit, row) = open_unit(organisation, now, code)?;
    if !organisation.is_closing(unit) {
        return Err(Rejection::UnitNotClosing { unit: code });
    }
    check_above(now, &kept(row), row_of(organisation))?;
    check_changes(organisation, unit, code)?;
    Ok(vec![Event::UnitKept(UnitKept { unit })])
}

fn kept(row: &UnitRow) -> UnitRow {
    UnitRow { valid_until: None, successor: None, ..row.clone() }
}

/// Closes these at once, with one heir to all that they hold.
pub(super) fn close_all(
    state: &State,
    now: Timestamp,
    closing: &[(UnitNumber, UnitCode)],
    heir: Option<(UnitNumber, &UnitRow)>,
) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    for (unit, code) in closing {
        check_below(organisation, *unit, now)?;
        if heir.is_some_and(|(heir, _)| heir == *unit) {
            return Err(Rejection::SuccessorUnfit { unit: *code });
        }
        if heir.is_none() && organisation.is_awaited(*unit) {
            return Err(Rejection::UnitNeedsSuccessor { unit: *code });
        }
        check_changes(organisation, *unit, *code)?;
    }
    let successor = heir.map(|(heir, _)| heir);
    let closed = |(unit, _): &(UnitNumber, UnitCode)| {
        Event::UnitClosed(UnitClosed { unit: *unit, successor, until: now })
    };
    let mut events: Vec<_> = closing.iter().map(closed).collect();
    let bequeathed: Vec<_> = closing
        .iter()
        .map(|(unit, code)| Bequest { from: *unit, code: *code, successor: heir })
        .collect();
    events.extend(bequests(state, now, &bequeathed)?);
    Ok(events)
}

/// Whether nothing below the unit, or in it, stays longer than it.
fn check_below(
    organisation: &Organisation,
    unit: UnitNumber,
    until: Timestamp,
) -> Result<(), Rejection> {
    let mut below = organisation.dependants(unit).filter_map(|below| organisation.unit(below));
    match organisation.code(unit).filter(|_| below.any(|row| !row.is_closed(until))) {
        Some(unit) => Err(Rejection::UnitHasSubunits { unit }),
        None => Ok(()),
    }
}

/// Decides what happens once the moment of all that close by `now` has come: they close together,
/// and what they hold goes to whoever takes over then.
pub(in crate::domain) fn decide_due(state: &State, now: Timestamp) -> Vec<Event> {
    let organisation = state.organisation();
    let mut events = Vec::new();
    let mut bequeathed = Vec::new();
    for (until, unit) in organisation.closing().take_while(|(until, _)| *until <= now) {
        let heir = organisation.heir_of(unit, now);
        events.push(Event::UnitClosed(UnitClosed { unit, successor: heir, until }));
        if let Some(row) = organisation.unit(unit) {
            let successor = heir.and_then(|heir| Some((heir, organisation.unit(heir)?)));
            bequeathed.push(Bequest { from: unit, code: row.code, successor });
        }
    }
    let held = Held::by(state, bequeathed.iter().map(|bequest| bequest.from));
    events.extend(successor::events(&bequeathed, &held));
    events
}

pub(in crate::domain) fn evolve_closed(
    organisation: &mut Organisation,
    record: &Record,
    event: &UnitClosed,
) {
    let successor = event.successor.and_then(|successor| organisation.code(successor));
    if let Some(row) = organisation.unit(event.unit) {
        let row = UnitRow { valid_until: Some(event.until), successor, ..row.clone() };
        organisation.replace(event.unit, row, record.at);
    }
    // The row may be the one that was told ahead.
    organisation.closing.forget(event.until, event.unit);
    organisation.changed(record.seq);
}

pub(in crate::domain) fn evolve_closing(
    organisation: &mut Organisation,
    record: &Record,
    event: &UnitClosing,
) {
    let successor = event.successor.and_then(|successor| organisation.code(successor));
    if let Some(row) = organisation.unit(event.unit) {
        let row = UnitRow { valid_until: Some(event.until), successor, ..row.clone() };
        organisation.replace(event.unit, row, record.at);
    }
    organisation.changed(record.seq);
}

pub(in crate::domain) fn evolve_kept(
    organisation: &mut Organisation,
    record: &Record,
    event: &UnitKept,
) {
    if let Some(row) = organisation.unit(event.unit) {
        let row = kept(row);
        organisation.replace(event.unit, row, record.at);
    }
    organisation.changed(record.seq);
}
