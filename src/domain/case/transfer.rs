//! Transferring (转办): the holder sends the case to a unit beside it, in the same township.

use super::sent::{sent, target};
use super::{Move, Sending};
use crate::domain::command::{SendCase, Submission};
use crate::domain::event::Event;
use crate::domain::ids::Timestamp;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what transferring does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &SendCase,
) -> Result<Vec<Event>, Rejection> {
    let (id, case) = state.case_for(now, submission, &command.target, Move::Transfer)?;
    let unit = target(state, now, submission, (id, case), command.to, Sending::Transfer)?;
    Ok(vec![Event::CaseTransferred(sent(state, now, id, case, unit, &command.reason)?)])
}
