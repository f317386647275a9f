//! Voiding (作废): the centre of a township or above ends it as none, for obvious spam.

use super::{Move, Status};
use crate::domain::command::{ReasonedMove, Submission};
use crate::domain::event::{CaseEnded, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what voiding does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &ReasonedMove,
) -> Result<Vec<Event>, Rejection> {
    let (case, _) = state.case_for(now, submission, &command.target, Move::Void)?;
    Ok(vec![Event::CaseVoided(CaseEnded { case, reason: command.reason.clone() })])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseEnded) {
    state.change_case(event.case, record, |case| {
        if let Some(by) = record.actor.unit.or(case.status.holder()) {
            case.status = Status::Voided { by, at: record.at };
        }
    });
}
