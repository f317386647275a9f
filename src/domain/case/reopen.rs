//! Opening again (重办): an ended case goes back to the unit that ended it, and both clocks start
//! anew.

use super::{Light, Move, Status};
use crate::domain::clock::Deadlines;
use crate::domain::command::{ReasonedMove, Submission};
use crate::domain::event::{CaseSent, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what opening again does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &ReasonedMove,
) -> Result<Vec<Event>, Rejection> {
    let (id, case) = state.case_for(now, submission, &command.target, Move::Reopen)?;
    let organisation = state.organisation();
    let by = case.status.ended().map(|(by, _)| by);
    let again = by.and_then(|by| organisation.standing_in(by, now));
    let room = || organisation.fallback(case.place, now);
    let Some(to) = again.or_else(room) else {
        return Err(Rejection::NoHolder);
    };
    let Some(matter) = state.catalogue().matter(case.matter) else {
        return Err(Rejection::MatterNotFound);
    };
    let deadlines =
        Deadlines::starting(state.calendar(), now, matter.node_limit, matter.total_limit);
    let reason = command.reason.clone();
    Ok(vec![Event::CaseReopened(CaseSent { case: id, holder: to, deadlines, reason })])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseSent) {
    state.change_case(event.case, record, |case| {
        case.status = Status::Dispatched { holder: event.holder };
        case.deadlines = event.deadlines;
        case.node_light = Light::Green;
        case.total_light = Light::Green;
        case.sender = record.actor.unit.filter(|by| *by != event.holder).into();
        case.reopens = case.reopens.saturating_add(1);
    });
}
