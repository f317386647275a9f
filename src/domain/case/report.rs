//! Reporting: a case comes, is routed to its holder, and may be settled in the same call.

use super::{Case, Light, Sender, Status};
use crate::domain::catalogue::{HomeLevel, MatterRow};
use crate::domain::clock::Deadlines;
use crate::domain::code::Level;
use crate::domain::command::{ReportCase, Submission};
use crate::domain::event::{CaseReported, CaseSettled, Event};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::limits::OCCURRED_AHEAD_MS_MAX;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::{State, natural_key};

/// Decides what a report becomes: routed by the matter's home level on the line of its place.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &ReportCase,
) -> Result<Vec<Event>, Rejection> {
    let Some((matter_number, matter)) = state.catalogue().find(&command.matter) else {
        return Err(Rejection::MatterNotFound);
    };
    if state.catalogue().is_retired(matter_number) {
        return Err(Rejection::MatterRetired);
    }
    let known = state.organisation().known(command.place);
    let Some((place, row)) = known.filter(|(_, row)| submission.places.contains(row.code)) else {
        return Err(Rejection::PlaceNotFound);
    };
    if row.level() > Level::Township {
        return Err(Rejection::PlaceTooHigh);
    }
    if let Some(number) = &command.source_number
        && let Some(case) = state.case_by_number(natural_key(command.source, number))
    {
        let told = state.cases().get(case).filter(|case| state.is_in_scope(submission, case));
        return Err(Rejection::SourceNumberTaken { case: told.map(|_| case) });
    }
    if command.occurred_at.is_some_and(|at| at.ms_since(now) > OCCURRED_AHEAD_MS_MAX) {
        return Err(Rejection::OccurredInFuture { now });
    }
    let (holder, is_fallback) = route(state, now, place, matter)?;

    let case = state.cases().next_id();
    let reported = CaseReported {
        case,
        matter: matter_number,
        severity: matter.severity,
        place,
        holder,
        is_fallback,
        source: command.source,
        source_number: command.source_number.clone(),
        occurred_at: command.occurred_at,
        deadlines: deadlines(state, now, command, matter),
        claimant: command.claimant.clone(),
        text: command.text.clone(),
    };
    let Some(answer) = &command.settle else {
        return Ok(vec![Event::CaseReported(reported)]);
    };
    if !matter.on_the_spot {
        return Err(Rejection::NotOnTheSpot);
    }
    if state.actor(now, submission)?.unit != Some(holder) {
        let holder = state.organisation().code(holder).ok_or(Rejection::NoHolder)?;
        return Err(Rejection::SettlerNotTheHolder { holder });
    }
    Ok(vec![
        Event::CaseReported(reported),
        Event::CaseSettled(CaseSettled { case, answer: answer.clone() }),
    ])
}

/// The holder: the unit of the matter's home level on the line of the place; at the township the
/// office that owns the module. Where none is known and open the township's room takes it (兜底).
fn route(
    state: &State,
    now: Timestamp,
    place: UnitNumber,
    matter: &MatterRow,
) -> Result<(UnitNumber, bool), Rejection> {
    let organisation = state.organisation();
    let is_open = organisation.unit(place).is_some_and(|unit| unit.is_open(now));
    let at_home = match matter.home {
        HomeLevel::Township => organisation.office(place, matter.module, now),
        HomeLevel::Village | HomeLevel::Grid => {
            organisation.on_the_line(place, matter.home.level(), now)
        }
    };
    if let Some(holder) = at_home.filter(|_| is_open) {
        return Ok((holder, false));
    }
    match organisation.fallback(place, now) {
        Some(room) => Ok((room, true)),
        None => Err(Rejection::NoHolder),
    }
}

fn deadlines(state: &State, now: Timestamp, command: &ReportCase, matter: &MatterRow) -> Deadlines {
    let start = if matter.from_occurrence { command.occurred_at.unwrap_or(now) } else { now };
    Deadlines::starting(state.calendar(), start, matter.node_limit, matter.total_limit)
}

pub(in crate::domain) fn evolve_reported(state: &mut State, record: &Record, event: &CaseReported) {
    state.put_case(Case {
        status: Status::Dispatched { holder: event.holder },
        reported_at: record.at,
        deadlines: event.deadlines,
        first_seq: record.seq,
        last_seq: record.seq,
        changed_at: record.at,
        version: 1,
        place: event.place,
        sender: Sender::NOBODY,
        matter: event.matter,
        severity: event.severity,
        source: event.source,
        node_light: Light::Green,
        total_light: Light::Green,
        escalations: 0,
        reopens: 0,
        is_fallback: event.is_fallback,
        on_the_spot: false,
    });
    if let Some(number) = &event.source_number {
        state.put_number(natural_key(event.source, number), event.case);
    }
}

pub(in crate::domain) fn evolve_settled(state: &mut State, record: &Record, event: &CaseSettled) {
    state.change_case(event.case, record, |case| {
        if let Some(by) = case.status.holder() {
            case.status = Status::Closed { by, at: record.at };
        }
        case.on_the_spot = true;
    });
}
