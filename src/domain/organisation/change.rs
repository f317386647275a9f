//! Changing the organisation: a unit opens, changes, closes, is split, merged or moved. What closing
//! takes stands beside it.

use super::closing::{self, close_all};
use super::{Organisation, UnitKind, UnitRow, renumbering_before};
use crate::domain::code::{Level, UnitCode};
use crate::domain::command::{Change, ChangeOrganisation, MergeUnits, MoveUnit, SplitUnit};
use crate::domain::event::{Event, UnitChanged, UnitMoved, UnitOpened};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::{ANCESTORS_MAX, UNIT_CHANGES_MAX, UNITS_MAX, UNITS_MOVED_MAX};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what a change of the organisation does.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    command: &ChangeOrganisation,
) -> Result<Vec<Event>, Rejection> {
    let seq = state.organisation().last_seq();
    if command.seen.is_some_and(|seen| seen != seq) {
        return Err(Rejection::OrganisationStale { seq });
    }
    match &command.change {
        Change::Open(row) => open(state, now, row),
        Change::Amend(row) => amend(state, now, row),
        Change::Close(command) => closing::close(state, now, command),
        Change::Keep(unit) => closing::keep(state.organisation(), now, *unit),
        Change::Split(split) => split_up(state, now, split),
        Change::Merge(merge) => merge_all(state, now, merge),
        Change::Move(to) => move_to(state, now, to),
    }
}

/// A unit opens.
fn open(state: &State, now: Timestamp, row: &UnitRow) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    check_new(organisation, now, row)?;
    check_room(organisation, 1)?;
    let mut events = vec![Event::UnitOpened(UnitOpened { row: opened(row, now) })];
    events.extend(renumbering_before(organisation, 1));
    Ok(events)
}

/// A unit is another in all but its code, its kind and when it closes.
fn amend(state: &State, now: Timestamp, row: &UnitRow) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    let (unit, before) = open_unit(organisation, now, row.code)?;
    if !row.is_coherent() || row.kind != before.kind {
        return Err(Rejection::UnitIncoherent { unit: row.code });
    }
    // Whoever gives back what was read gives back when it closes too.
    let is_told = row.valid_until == before.valid_until && row.successor == before.successor;
    let says_none = row.valid_until.is_none() && row.successor.is_none();
    let (valid_until, successor) = (before.valid_until, before.successor);
    let row = UnitRow { valid_until, successor, ..row.clone() };
    if !(is_told || says_none) || !row.is_open(now) {
        return Err(Rejection::UnitClosesElsewhere { unit: row.code });
    }
    check_above(now, &row, row_of(organisation))?;
    check_changes(organisation, unit, row.code)?;
    Ok(vec![Event::UnitChanged(UnitChanged { unit, row })])
}

/// The parts open, the unit closes; one of them, or another unit, takes over.
fn split_up(state: &State, now: Timestamp, command: &SplitUnit) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    let (unit, before) = open_unit(organisation, now, command.unit)?;
    check_room(organisation, command.into.len())?;
    let mut events = Vec::new();
    let mut heir_row = None;
    let rows: Vec<UnitRow> = command.into.iter().map(|row| opened(row, now)).collect();
    for (at, row) in rows.iter().enumerate() {
        check_new(organisation, now, row)?;
        if rows[..at].iter().any(|other| other.code == row.code) {
            return Err(Rejection::UnitTwice { unit: row.code });
        }
        if row.kind != before.kind || row.level() != before.level() || !row.is_open(now) {
            return Err(Rejection::UnitIncoherent { unit: row.code });
        }
        if row.reports_to.and_then(|above| organisation.find(above)) == Some(unit) {
            return Err(Rejection::UnitOrphaned { unit: row.code });
        }
        if row.code == command.successor {
            heir_row = Some((organisation.next_number(at), row));
        }
        events.push(Event::UnitOpened(UnitOpened { row: row.clone() }));
    }
    let heir = match heir_row {
        Some(heir) => heir,
        None => heir(organisation, command.successor)?,
    };
    events.extend(renumbering_before(organisation, rows.len()));
    events.extend(close_all(state, now, &[(unit, command.unit)], Some(heir))?);
    Ok(events)
}

/// The units close, and one takes over from all.
fn merge_all(state: &State, now: Timestamp, command: &MergeUnits) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    let (_, into) = open_unit(organisation, now, command.into)?;
    let mut closing = Vec::with_capacity(command.units.len());
    for (at, code) in command.units.iter().enumerate() {
        if command.units[..at].contains(code) || *code == command.into {
            return Err(Rejection::UnitTwice { unit: *code });
        }
        let (unit, row) = open_unit(organisation, now, *code)?;
        if row.kind != into.kind || row.level() != into.level() {
            return Err(Rejection::UnitIncoherent { unit: *code });
        }
        closing.push((unit, *code));
    }
    close_all(state, now, &closing, Some(heir(organisation, command.into)?))
}

/// The unit, and all that sits in it, gets other codes and keeps its numbers, and so its work.
fn move_to(state: &State, now: Timestamp, command: &MoveUnit) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    let (unit, row) = open_unit(organisation, now, command.unit)?;
    let to = command.to;
    let is_alike = to.letter() == row.code.letter() && to.level() == row.level();
    if !is_alike || (row.kind == UnitKind::Division && row.level() > Level::Township) {
        return Err(Rejection::UnitIncoherent { unit: to });
    }
    let coming = carried(organisation, unit, to);
    if coming.len() > UNITS_MOVED_MAX {
        return Err(Rejection::OrganisationFull);
    }
    for (moved, code) in &coming {
        if organisation.find(*code).is_some_and(|there| there != *moved) {
            return Err(Rejection::UnitCodeTaken { unit: *code });
        }
        check_changes(organisation, *moved, *code)?;
    }
    let moved = UnitRow { code: to, ..row.clone() };
    // Who is above it there may name it by the code that it leaves.
    check_above(now, &moved, |code| match organisation.known(code)? {
        (known, _) if known == unit => Some(&moved),
        (_, row) => Some(row),
    })?;
    let mut events = vec![Event::UnitMoved(UnitMoved { unit, to })];
    events.extend(renumbering_before(organisation, coming.len()));
    Ok(events)
}

/// The units that move with `unit` to `to`, with the codes that they get.
fn carried(
    organisation: &Organisation,
    unit: UnitNumber,
    to: UnitCode,
) -> Vec<(UnitNumber, UnitCode)> {
    let Some(row) = organisation.unit(unit) else {
        return Vec::new();
    };
    if row.kind != UnitKind::Division {
        return vec![(unit, to)];
    }
    let Some(subtree) = organisation.subtree(unit) else {
        return Vec::new();
    };
    let carried = |moved: UnitNumber| {
        let code = organisation.code(moved)?.carried(row.code, to)?;
        Some((moved, code))
    };
    subtree.units().filter_map(carried).collect()
}

/// A known unit that is to take over.
pub(super) fn heir(
    organisation: &Organisation,
    code: UnitCode,
) -> Result<(UnitNumber, &UnitRow), Rejection> {
    organisation.known(code).ok_or(Rejection::SuccessorNotFound { unit: code })
}

pub(super) fn open_unit(
    organisation: &Organisation,
    now: Timestamp,
    code: UnitCode,
) -> Result<(UnitNumber, &UnitRow), Rejection> {
    match organisation.known(code).filter(|(_, row)| row.code == code) {
        None => Err(Rejection::UnitUnknown { unit: code }),
        Some((_, row)) if !row.is_open(now) => Err(Rejection::UnitNotOpen { unit: code }),
        Some(found) => Ok(found),
    }
}

/// The row of a unit that opens: now, where it does not say when.
fn opened(row: &UnitRow, now: Timestamp) -> UnitRow {
    UnitRow { valid_from: row.valid_from.or(Some(now)), ..row.clone() }
}

fn check_new(organisation: &Organisation, now: Timestamp, row: &UnitRow) -> Result<(), Rejection> {
    if !row.is_coherent() {
        return Err(Rejection::UnitIncoherent { unit: row.code });
    }
    if row.valid_until.is_some() || row.successor.is_some() {
        return Err(Rejection::UnitClosesElsewhere { unit: row.code });
    }
    if organisation.find(row.code).is_some() {
        return Err(Rejection::UnitCodeTaken { unit: row.code });
    }
    check_above(now, row, row_of(organisation))
}

pub(super) fn row_of<'o>(
    organisation: &'o Organisation,
) -> impl Fn(UnitCode) -> Option<&'o UnitRow> {
    |code| organisation.known(code).map(|(_, row)| row)
}

/// Whether what is above the row is among those that `row_of` knows and, unless the row is closed
/// itself, is there as soon as the row and stays as long; and whether the way up from it comes to an
/// end.
pub(super) fn check_above<'r>(
    now: Timestamp,
    row: &UnitRow,
    row_of: impl Fn(UnitCode) -> Option<&'r UnitRow>,
) -> Result<(), Rejection> {
    let fits = |above: &UnitRow| {
        row.is_closed(now) || above.is_there_from(row, now) && above.stays_as_long_as(row)
    };
    // Whom it reports to may be named by a code that was left. Where it sits may not: nothing sits
    // where nobody is any more.
    let is_seat = |code: UnitCode| row_of(code).is_some_and(|seat| seat.code == code && fits(seat));
    let has_seat = row.code.seat().is_none_or(is_seat);
    let has_above = row.reports_to.is_none_or(|code| row_of(code).is_some_and(fits));
    if !has_seat || !has_above {
        return Err(Rejection::UnitOrphaned { unit: row.code });
    }
    let mut above = row.parent();
    for _ in 0..ANCESTORS_MAX {
        let Some(code) = above else {
            return Ok(());
        };
        // A unit may be named by a code that it has left.
        let found = row_of(code);
        if code == row.code || found.is_some_and(|found| found.code == row.code) {
            break;
        }
        above = found.and_then(UnitRow::parent);
    }
    Err(Rejection::UnitInCircle { unit: row.code })
}

fn check_room(organisation: &Organisation, coming: usize) -> Result<(), Rejection> {
    if organisation.len() + coming > UNITS_MAX {
        return Err(Rejection::OrganisationFull);
    }
    Ok(())
}

pub(super) fn check_changes(
    organisation: &Organisation,
    unit: UnitNumber,
    code: UnitCode,
) -> Result<(), Rejection> {
    if organisation.former(unit).len() >= UNIT_CHANGES_MAX {
        return Err(Rejection::UnitChangedTooOften { unit: code });
    }
    Ok(())
}

pub(in crate::domain) fn evolve_opened(
    organisation: &mut Organisation,
    record: &Record,
    event: &UnitOpened,
) {
    organisation.put(event.row.clone(), record.at);
    organisation.changed(record.seq);
}

pub(in crate::domain) fn evolve_changed(
    organisation: &mut Organisation,
    record: &Record,
    event: &UnitChanged,
) {
    organisation.replace(event.unit, event.row.clone(), record.at);
    organisation.changed(record.seq);
}

pub(in crate::domain) fn evolve_moved(
    organisation: &mut Organisation,
    record: &Record,
    event: &UnitMoved,
) {
    for (unit, code) in carried(organisation, event.unit, event.to) {
        if let Some(row) = organisation.unit(unit) {
            let row = UnitRow { code, ..row.clone() };
            organisation.replace(unit, row, record.at);
        }
    }
    organisation.changed(record.seq);
}
