//! Handling (处置): the holder says that the case is dealt with, and how.

use super::{Move, Status};
use crate::domain::command::{HandleCase, Submission};
use crate::domain::event::{CaseHandled, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what handling does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &HandleCase,
) -> Result<Vec<Event>, Rejection> {
    let (case, _) = state.case_for(now, submission, &command.target, Move::Handle)?;
    Ok(vec![Event::CaseHandled(CaseHandled { case, measures: command.measures.clone() })])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseHandled) {
    state.change_case(event.case, record, |case| {
        if let Some(holder) = case.status.holder() {
            case.status = Status::Handled { holder, at: record.at };
        }
    });
}
