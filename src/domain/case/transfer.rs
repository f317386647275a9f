//! Transferring (转办): the holder sends the case to a unit beside it, in the same township.

use super::Move;
use super::sent::{sent, target};
use crate::domain::code::{Level, UnitCode};
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
    let (holder, (unit, to)) = target(state, now, submission, case, command.to)?;
    let township = |code: UnitCode| code.ancestor(Level::Township);
    let is_beside = to.level() == holder.level()
        && to.level() <= Level::Township
        && township(to.code) == township(holder.code);
    if !is_beside {
        return Err(Rejection::TargetUnfit { case: id });
    }
    Ok(vec![Event::CaseTransferred(sent(state, now, id, case, unit, &command.reason)?)])
}
