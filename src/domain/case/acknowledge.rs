//! Acknowledging (签收): the holder signs for the case.

use super::{Move, Status};
use crate::domain::command::{AcknowledgeCase, Submission};
use crate::domain::event::{CaseAcknowledged, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what acknowledging does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &AcknowledgeCase,
) -> Result<Vec<Event>, Rejection> {
    let (case, _) = state.case_for(now, submission, &command.target, Move::Acknowledge)?;
    Ok(vec![Event::CaseAcknowledged(CaseAcknowledged { case })])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseAcknowledged) {
    state.change_case(event.case, record, |case| {
        if let Some(holder) = case.status.holder() {
            case.status = Status::Acknowledged { holder, at: record.at };
        }
    });
}
