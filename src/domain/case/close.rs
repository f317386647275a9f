//! Closing (结案): the claimant gets an answer, and nobody holds the case any more.

use super::{Move, Status};
use crate::domain::command::{CloseCase, Submission};
use crate::domain::event::{CaseClosed, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what closing does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &CloseCase,
) -> Result<Vec<Event>, Rejection> {
    let (case, _) = state.case_for(now, submission, &command.target, Move::Close)?;
    Ok(vec![Event::CaseClosed(CaseClosed { case, answer: command.answer.clone() })])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseClosed) {
    state.change_case(event.case, record, |case| {
        if let Some(by) = case.status.holder() {
            case.status = Status::Closed { by, at: record.at };
        }
    });
}
