//! Putting a note (备注) to a case: its status and its clocks stay as they are.

use super::Move;
use crate::domain::command::{NoteCase, Submission};
use crate::domain::event::{CaseNoted, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what noting does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &NoteCase,
) -> Result<Vec<Event>, Rejection> {
    let (case, _) = state.case_for(now, submission, &command.target, Move::Note)?;
    Ok(vec![Event::CaseNoted(CaseNoted { case, note: command.note.clone() })])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseNoted) {
    state.change_case(event.case, record, |_| {});
}
